"""TLS towards upstreams: who is believed, how connections and sessions are used again, and failures."""

import hashlib
import json
import os
import socket
import ssl
import time
import unittest

from support import Authority, Client, Closed, Daemon, Upstream, fetch, fetch_all, many, scripts, single, wait_until
from support.certificates import old_versions
from support.client import encode

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def setUpModule():
    global AUTHORITY, OWN
    AUTHORITY = unittest.enterModuleContext(Authority())
    OWN = AUTHORITY.issue("localhost", "127.0.0.1")


def silent(sock):
    """A server that says nothing and waits for the end."""
    try:
        while sock.recv(65536):
            pass
    except OSError:
        pass
    return True


class TlsCase(unittest.TestCase):
    def serve(self, script=None, own=None, server=None, **context):
        return self.enterContext(Upstream(script, tls=AUTHORITY.server(own or OWN, **context), **(server or {})))

    def run_with(self, upstream, tls=None, extra=None, **settings):
        settings["tls"] = {"ca_file": AUTHORITY.file, **(tls or {})}
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


class Spoken(TlsCase):
    def test_requests_reach_the_server_over_one_connection(self):
        for version in VERSIONS:
            with self.subTest(version):
                upstream = self.serve(scripts.echo, newest=version, alpn=["h2", "http/1.1"])
                daemon = self.run_with(upstream)
                with Client(daemon.address) as client:
                    for pause in [0] * 18 + [0.05, 0.05]:
                        time.sleep(pause)  # A rested connection is looked at: its tickets are no stale data.
                        self.assertEqual(json.loads(client.request("POST", body=b"abc").body)["length"], 3)
                done, = upstream.handshakes
                self.assertEqual((done.version, done.protocol, done.error), (version.name.replace("_", "."), "http/1.1", ""))
                self.assertIsNone(done.server_name)  # An address is no name to ask for.
                daemon.expect_metric(1, "fusegate_upstream_connects_total", result="ok")
                self.assertEqual(daemon.metric("fusegate_upstream_connect_duration_seconds_count"), 1)

    def test_the_name_of_the_url_is_asked_for_and_proved(self):
        upstream = self.serve(own=AUTHORITY.issue("localhost"))
        daemon = self.run_with(f"https://localhost:{upstream.port}", dns={"family": "ipv4"})
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(upstream.handshakes[0].server_name, "localhost")

    def test_each_endpoint_proves_its_own_name(self):
        named, numbered = self.serve(own=AUTHORITY.issue("localhost")), self.serve(own=AUTHORITY.issue("127.0.0.1"))
        endpoints = {"endpoints": [f"https://localhost:{named.port}", f"https://127.0.0.1:{numbered.port}"],
                     "dns": {"family": "ipv4"}, "balance": "round_robin"}
        daemon = self.run_with({"up": endpoints}, retries=0)
        wait_until(lambda: fetch(daemon.address).status == 200 and named.count() and numbered.count(), what="both endpoints")
        self.assertEqual([line["status"] for line in daemon.access_log() if line["status"] != 200], [])

    def test_another_name_can_be_asked_for(self):
        upstream = self.serve(own=AUTHORITY.issue("payments.local"))
        daemon = self.run_with(upstream, {"server_name": "payments.local"})
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(upstream.handshakes[0].server_name, "payments.local")

    def test_sessions_are_resumed(self):
        for version in VERSIONS:
            with self.subTest(version):
                upstream = self.serve(scripts.reply(close=True), newest=version)
                daemon = self.run_with(upstream)
                for _ in range(4):
                    self.assertEqual(fetch(daemon.address).status, 200)
                self.assertEqual([done.reused for done in upstream.handshakes], [False, True, True, True])

    def test_a_server_without_certificate_checks_is_believed_when_told_to(self):
        with Authority("Unknown") as other:
            upstream = self.serve(own=other.issue("nobody.local", first=-3, last=-1))
            self.assertEqual(fetch(self.run_with(upstream, {"ca_file": "", "verify": False}).address).status, 200)

    def test_the_system_authorities_are_believed_by_default(self):
        upstream = self.serve()
        args = ["run", "--upstream", upstream.endpoint, "--listen", "127.0.0.1:0"]
        for environment, status in (({"SSL_CERT_FILE": AUTHORITY.file}, 200), ({}, 502)):
            listening = {"FUSEGATE_STATUS_LISTEN": "127.0.0.1:0", "FUSEGATE_ADMIN_LISTEN": "off", **environment}
            with Daemon({}, env=listening, args=args[1:], expect_listeners=["default"]) as daemon:
                self.assertEqual(fetch(daemon.address, "POST", body=b"").status, status)

    def test_tls_on_both_sides(self):
        upstream = self.serve(scripts.echo)
        listener = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "tls": OWN.settings()}]}
        daemon = self.run_with(upstream, extra=listener)
        body = os.urandom(1_000_003)
        with Client(daemon.address, tls=AUTHORITY.client()) as client:
            for _ in range(3):
                seen = json.loads(client.request("POST", body=body).body)
                self.assertEqual(seen["sha256"], hashlib.sha256(body).hexdigest())
                self.assertEqual(dict(seen["headers"])["x-forwarded-proto"], "https")
        self.assertEqual(len(upstream.handshakes), 1)

    def test_an_upgrade_goes_through_tls_on_both_sides(self):
        upstream = self.serve(scripts.upgrade_echo)
        listener = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "tls": OWN.settings()}]}
        daemon = self.run_with(upstream, extra=listener)
        with Client(daemon.address, tls=AUTHORITY.client()) as client:
            response = client.request(headers={"connection": "upgrade", "upgrade": "test"})
            self.assertEqual(response.status, 101)
            for _ in range(10):  # Not from two threads: Python's TLS socket may not be used by both at once.
                data = os.urandom(60_000)
                client.send(data)
                self.assertEqual(client.receive(len(data)), data)

    def test_big_bodies_go_both_ways_with_backpressure(self):
        upstream = self.serve(lambda e: e.reply(200, e.request.sha256.encode() + b"r" * 20_000_003))
        daemon = self.run_with(upstream, timeout="120s")
        body = os.urandom(20_000_003)
        with Client(daemon.address, 60, receive_buffer=100_000) as client:
            client.send(encode("POST", "/", body=body))
            time.sleep(0.5)
            response = client.read()
        self.assertEqual(response.length, 64 + 20_000_003)
        self.assertEqual(response.body[:64].decode(), hashlib.sha256(body).hexdigest())

    def test_many_requests_at_once_share_connections(self):
        self.start(scripts.after(0.05))
        for _ in range(3):
            answers = fetch_all(self.daemon.address, 64, timeout=60)
            self.assertEqual([answer[0].status for answer in answers], [200] * 64)
        self.assertLess(len(self.upstream.handshakes), 129)

    def test_a_kept_connection_that_the_server_has_closed_is_replaced(self):
        self.start()
        for _ in range(5):
            self.assertEqual(fetch(self.daemon.address, "POST", body=b"x").status, 200)
            for sock in self.upstream.live_sockets():
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            wait_until(lambda: self.daemon.metric("fusegate_upstream_connections", state="idle") == 0, what="no idle connection")
        self.assertEqual(self.upstream.count(), 5)

    def test_a_slow_attempt_is_hedged_over_tls(self):
        script = scripts.sequence(scripts.after(5), scripts.reply(b"hedge"))
        self.upstream = self.serve(script)
        daemon = self.run_with(self.upstream, hedge={"enabled": True, "after": "50ms", "max_percent": "100%"})
        self.assertEqual(fetch(daemon.address).body, b"hedge")
        self.assertEqual(len(self.upstream.handshakes), 2)


class Believed(TlsCase):
    def test_certificates_that_prove_nothing_are_refused(self):
        cases = {
            "expired": ({"first": -3, "last": -1}, "its certificate has expired"),
            "early": ({"first": 1, "last": 3}, "its certificate is not valid yet"),
            "purpose": ({"purpose": "clientAuth"}, "its certificate is made for another purpose"),
        }
        for name, (how, reason) in cases.items():
            with self.subTest(name):
                self.refuses(self.serve(own=AUTHORITY.issue("localhost", "127.0.0.1", **how)), reason)

    def test_another_name_is_refused(self):
        self.refuses(self.serve(own=AUTHORITY.issue("other.local", "127.0.0.2")), "its certificate is not for 127.0.0.1")
        self.refuses(self.serve(), "its certificate is not for payments.local", {"server_name": "payments.local"})

    def test_wildcards_stand_for_one_whole_label(self):
        upstream = self.serve(own=AUTHORITY.issue("*.shop.local", "w*.part.local"))
        for name, status in (("a.shop.local", 200), ("a.b.shop.local", 502), ("shop.local", 502), ("www.part.local", 502)):
            with self.subTest(name):
                daemon = self.run_with(upstream, {"server_name": name}, retries=0)
                self.assertEqual(fetch(daemon.address).status, status)

    def test_unknown_authorities_are_refused(self):
        with Authority("Another") as other:
            self.refuses(self.serve(own=other.issue("127.0.0.1")), "its certificate is from an unknown authority")

    def test_a_revoked_server_is_refused(self):
        revoked, good = AUTHORITY.issue("127.0.0.1"), AUTHORITY.issue("127.0.0.1")
        AUTHORITY.revoke(revoked)
        bundle = AUTHORITY.with_revocations()
        self.refuses(self.serve(own=revoked), "its certificate has been revoked", {"ca_file": bundle})
        self.assertEqual(fetch(self.run_with(self.serve(own=good), {"ca_file": bundle}).address).status, 200)

    def test_a_certificate_of_our_own_is_shown(self):
        good = AUTHORITY.issue("caller", purpose="clientAuth")
        for version in VERSIONS:
            with self.subTest(version):
                upstream = self.serve(client_ca=AUTHORITY.file, newest=version)
                self.assertEqual(fetch(self.run_with(upstream, good.settings()).address).status, 200)
                self.assertEqual(upstream.handshakes[0].certificate["subject"], ((("commonName", "caller"),),))

    def test_a_server_that_wants_a_certificate_and_gets_none_is_tls_failed(self):
        for version in VERSIONS:
            with self.subTest(version):
                upstream = self.serve(client_ca=AUTHORITY.file, newest=version)
                self.refuses(upstream, "it refuses the connection: ")
                self.assertEqual(upstream.requests, [])


class Failing(TlsCase):
    def test_servers_that_speak_no_tls(self):
        plain = self.enterContext(Upstream(on_connect=lambda sock: sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n") or True))
        self.refuses(f"https://127.0.0.1:{plain.port}", "it speaks no TLS")
        closing = self.enterContext(Upstream(on_connect=lambda sock: sock.recv(10) and True))
        self.refuses(f"https://127.0.0.1:{closing.port}", "during the handshake")

    def test_old_versions_are_refused(self):
        context = AUTHORITY.server(OWN)
        old_versions(context)
        self.refuses(self.enterContext(Upstream(tls=context)), "")

    def test_a_handshake_that_takes_too_long_is_ended(self):
        hanging = self.enterContext(Upstream(on_connect=silent))
        daemon = self.refuses(f"https://127.0.0.1:{hanging.port}", "it took longer than connect_timeout", connect_timeout="200ms")
        daemon.expect_metric(1, "fusegate_upstream_connects_total", result="timeout")

    def test_a_client_that_leaves_during_the_handshake_ends_it(self):
        hanging = self.enterContext(Upstream(on_connect=silent))
        daemon = self.run_with(f"https://127.0.0.1:{hanging.port}", connect_timeout="300ms", retries=0)
        client = Client(daemon.address)
        client.send(encode("GET", "/"))
        wait_until(lambda: hanging.open == 1, what="the connection")
        client.reset()
        wait_until(lambda: hanging.open == 0, what="its end")

    def test_any_method_is_tried_on_another_endpoint(self):
        with Authority("Another") as other:
            bad, good = self.serve(own=other.issue("127.0.0.1")), self.serve()
            daemon = self.run_with({"up": {"endpoints": [bad.endpoint, good.endpoint], "balance": "round_robin"}})
            for _ in range(4):
                self.assertEqual(fetch(daemon.address, "POST", body=b"abc").status, 200)
            self.assertEqual((good.count(), bad.count()), (4, 0))
            self.assertGreater(daemon.metric("fusegate_retries_total", reason="never_sent"), 0)

    def test_what_is_cut_never_looks_whole(self):
        def cut(head, body):
            def run(exchange):
                exchange.head(200, head)
                exchange.send(body)
                time.sleep(0.05)
                exchange.cut()
            return run
        endings = {"length": cut({"content-length": 1000}, b"x" * 400),
                   "chunked": cut({"transfer-encoding": "chunked"}, b"5\r\nhello\r\n"),
                   "close": cut({"connection": "close"}, b"hello")}
        for name, script in endings.items():
            with self.subTest(name):
                daemon = self.start(script)
                with Client(daemon.address) as client:
                    client.send(encode("GET", "/"))
                    with self.assertRaises(Closed):
                        client.read()
                self.assertEqual(daemon.access_line()["result"], "cut")

    def test_a_body_that_ends_with_the_connection_is_whole_when_the_end_was_said(self):
        daemon = self.start(scripts.until_close(b"z" * 300_000))
        for _ in range(2):
            response = fetch(daemon.address)
            self.assertEqual((response.length, response.framing), (300_000, "chunked"))
        self.assertEqual([line["result"] for line in daemon.access_log(2)], ["ok", "ok"])

    def test_a_tunnel_that_is_cut_is_reset(self):
        def upgrade_and_cut(exchange):
            exchange.head(101, {"connection": "Upgrade", "upgrade": "test"}, "Switching Protocols")
            exchange.send(b"hello")
            time.sleep(0.1)
            exchange.cut()
        daemon = self.start(upgrade_and_cut)
        with Client(daemon.address) as client:
            client.request(headers={"connection": "upgrade", "upgrade": "test"})
            self.assertEqual(client.receive(5), b"hello")
            client.rest()
        self.assertEqual(daemon.access_line()["result"], "cut")


class Checks(TlsCase):
    def state(self, healthy):
        return lambda: self.daemon.metric("fusegate_endpoints", state="healthy") == healthy

    def test_health_checks_speak_tls(self):
        health = {"path": "/healthz", "interval": "100ms", "timeout": "1s", "unhealthy": 1, "healthy": 1}
        self.start(tls={"server_name": "localhost"}, health_check=health)
        wait_until(lambda: self.upstream.count(target="/healthz") > 1, what="two checks")
        self.assertEqual(self.upstream.handshakes[0].server_name, "localhost")
        self.assertEqual(fetch(self.daemon.address).status, 200)

    def test_a_server_that_cannot_prove_its_name_is_unhealthy(self):
        health = {"path": "/healthz", "interval": "100ms", "timeout": "1s", "unhealthy": 1, "healthy": 1}
        self.start(tls={"server_name": "other.local"}, health_check=health)
        line = wait_until(lambda: [line for line in self.daemon.log() if line["msg"] == "endpoint is unhealthy"], what="the verdict")[0]
        self.assertEqual(line["error"], "no TLS: its certificate is not for other.local")
        self.assertEqual(self.upstream.count(), 0)

    def test_each_name_of_a_list_is_checked_by_its_own_host(self):
        first, second = self.serve(own=AUTHORITY.issue("127.0.0.1")), self.serve(own=AUTHORITY.issue("localhost"))
        health = {"path": "/healthz", "interval": "100ms", "timeout": "1s"}
        endpoints = [f"https://127.0.0.1:{first.port}", f"https://localhost:{second.port}"]
        self.run_with({"up": {"endpoints": endpoints, "dns": {"family": "ipv4"}}}, health_check=health)
        wait_until(lambda: first.count() and second.count(), what="a check of each")
        self.assertEqual(second.last.header("host"), f"localhost:{second.port}")


if __name__ == "__main__":
    unittest.main()
