"""What the tests of TLS share: an authority, and daemons that speak TLS to one side or the other."""

import json
import ssl
import unittest

from .certificates import Authority
from .client import Client, fetch
from .daemon import Daemon, many, single
from .timing import wait_until
from .upstreams import Upstream

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
FAILED = "TLS handshake with a client failed"


def listening(tls, **more):
    return {"listeners": [{"name": "default", "address": "127.0.0.1:0", "tls": tls, **more}]}


def client_hello():
    """The first bytes a client sends."""
    out = ssl.MemoryBIO()
    side = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class TlsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = cls.enterClassContext(Authority())
        cls.own = cls.authority.issue("localhost", "127.0.0.1")


class ListenerCase(TlsCase):
    """A daemon whose listener speaks TLS."""

    def start(self, script=None, client_ca="", limits=None, **settings):
        self.upstream = self.enterContext(Upstream(script))
        tls = self.own.settings(**({"client_ca": client_ca} if client_ca else {}))
        config = {**listening(tls), **single(self.upstream, **settings), **({"limits": limits} if limits else {})}
        self.daemon = self.enterContext(Daemon(config))
        self.address = self.daemon.address
        return self.daemon

    def client(self, tls=None, **more):
        return self.enterContext(Client(self.address, tls=tls or self.authority.client(), **more))

    def still_serves(self):
        self.assertEqual(fetch(self.address, tls=self.authority.client()).status, 200)

    def failure(self, reason, again=None):
        """Fails unless a failed handshake is logged with this reason. One line a second is written,
        so the failure may have to be made `again`."""
        def told():
            if again:
                again()
            return [line for line in self.daemon.log() if line["msg"] == FAILED and reason in line["reason"]]
        wait_until(told, what=f"a log line: {reason}", step=0.1)


class UpstreamCase(TlsCase):
    """A daemon whose upstreams speak TLS."""

    def serve(self, script=None, own=None, server=None, **context):
        return self.enterContext(Upstream(script, tls=self.authority.server(own or self.own, **context), **(server or {})))

    def run_with(self, upstream, tls=None, extra=None, **settings):
        settings["tls"] = {"ca_file": self.authority.file, **(tls or {})}
        config = many({"up": upstream} if not isinstance(upstream, dict) else upstream, **settings)
        self.daemon = self.enterContext(Daemon({**config, **(extra or {})}))
        return self.daemon

    def start(self, script=None, tls=None, **settings):
        self.upstream = self.serve(script)
        return self.run_with(self.upstream, tls, **settings)

    def refuses(self, upstream, reason, tls=None, **settings):
        """A request that no handshake lets through, and all that is told about it."""
        daemon = self.run_with(upstream, tls, **{"retries": 0, **settings})
        response = fetch(daemon.address, "POST", body=b"x")
        self.assertEqual((response.status, response.header("fusegate-reason")), (502, "tls_failed"), response.body)
        self.assertIn(reason, json.loads(response.body)["detail"])
        line = daemon.access_line()
        self.assertEqual((line["reason"], line["tries"][0]["result"]), ("tls_failed", "tls_failed"))
        daemon.expect_metric(1, "fusegate_attempts_total", result="tls_failed", kind="first")
        told = [entry for entry in daemon.log() if entry["msg"] == "TLS handshake with an upstream failed"]
        self.assertEqual([(entry["upstream"], entry["failures"]) for entry in told], [("up", 1)])
        self.assertIn(reason, told[0]["reason"])
        return daemon
