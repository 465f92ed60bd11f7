"""IPv4, IPv6 and unix sockets, side by side."""

import socket
import tempfile
import unittest
from pathlib import Path

from support import CommandCase, Daemon, Upstream, fetch, single, wait_until


def has_v6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@unittest.skipUnless(has_v6(), "SKIPPED: this machine has no IPv6")
class AllAddresses(unittest.TestCase):
    """A listener on [::] takes clients of both versions, each under its own address."""

    def start(self, *trust):
        self.upstream = self.enterContext(Upstream())
        listener = {"name": "all", "address": "[::]:0", "trust": list(trust)}
        daemon = self.enterContext(Daemon({**single(self.upstream), "listeners": [listener]}))
        port = daemon.address.rpartition(":")[2]
        return f"127.0.0.1:{port}", f"[::1]:{port}"

    def forwarded(self, address):
        self.assertEqual(fetch(address, headers={"x-forwarded-for": "192.0.2.7"}).status, 200)
        return self.upstream.last.header("x-forwarded-for")

    def test_clients_are_told_upstream_as_they_came(self):
        v4, v6 = self.start()
        self.assertEqual(self.forwarded(v4), "127.0.0.1")
        self.assertEqual(self.forwarded(v6), "::1")

    def test_trust_of_a_version_4_network_is_for_its_clients_only(self):
        v4, v6 = self.start("127.0.0.0/8")
        self.assertEqual(self.forwarded(v4), "192.0.2.7, 127.0.0.1")
        self.assertEqual(self.forwarded(v6), "::1")

    def test_trust_of_a_version_6_network_is_for_its_clients_only(self):
        v4, v6 = self.start("::1/128")
        self.assertEqual(self.forwarded(v4), "127.0.0.1")
        self.assertEqual(self.forwarded(v6), "192.0.2.7, ::1")


class Healthcheck(CommandCase):
    def expect_ready(self, listen):
        daemon = self.enterContext(Daemon({**single("http://127.0.0.1:9"), "status": {"listen": listen}}))
        wait_until(lambda: fetch(daemon.status.replace("[::]", "127.0.0.1"), target="/readyz").status == 200, what="readiness")
        done = self.expect(0, "-c", daemon.config_path, "--status-listen", daemon.status, "healthcheck")
        self.assertEqual(done.stdout, "ready\n")
        return daemon

    def test_over_a_unix_socket(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        daemon = self.expect_ready(f"unix:{folder}/status")
        daemon.stop()
        done = self.expect(1, "-c", daemon.config_path, "healthcheck")
        self.assertIn(f"no answer from unix:{folder}/status", done.stderr)

    @unittest.skipUnless(has_v6(), "SKIPPED: this machine has no IPv6")
    def test_over_version_6(self):
        self.expect_ready("[::1]:0")
        self.expect_ready("[::]:0")

    def test_over_all_addresses_of_version_4(self):
        self.expect_ready("0.0.0.0:0")


if __name__ == "__main__":
    unittest.main()
