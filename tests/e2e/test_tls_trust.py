"""TLS towards upstreams: who is believed, and what failures come to."""

import time
import unittest

from support import Authority, Client, Closed, Upstream, fetch, scripts, wait_until
from support.certificates import old_versions
from support.client import encode
from support.tls import VERSIONS, UpstreamCase


def silent(sock):
    """A server that says nothing and waits for the end."""
    try:
        while sock.recv(65536):
            pass
    except OSError:
        pass
    return True


class Believed(UpstreamCase):
    def test_certificates_that_prove_nothing_are_refused(self):
        cases = {
            "expired": ({"first": -3, "last": -1}, "its certificate has expired"),
            "early": ({"first": 1, "last": 3}, "its certificate is not valid yet"),
            "purpose": ({"purpose": "clientAuth"}, "its certificate is made for another purpose"),
        }
        for name, (how, reason) in cases.items():
            with self.subTest(name):
                self.refuses(self.serve(own=self.authority.issue("localhost", "127.0.0.1", **how)), reason)

    def test_another_name_is_refused(self):
        self.refuses(self.serve(own=self.authority.issue("other.local", "127.0.0.2")), "its certificate is not for 127.0.0.1")
        self.refuses(self.serve(), "its certificate is not for payments.local", {"server_name": "payments.local"})

    def test_wildcards_stand_for_one_whole_label(self):
        upstream = self.serve(own=self.authority.issue("*.shop.local", "w*.part.local"))
        for name, status in (("a.shop.local", 200), ("a.b.shop.local", 502), ("shop.local", 502), ("www.part.local", 502)):
            with self.subTest(name):
                daemon = self.run_with(upstream, {"server_name": name}, retries=0)
                self.assertEqual(fetch(daemon.address).status, status)

    def test_unknown_authorities_are_refused(self):
        with Authority("Another") as other:
            self.refuses(self.serve(own=other.issue("127.0.0.1")), "its certificate is from an unknown authority")

    def test_a_revoked_server_is_refused(self):
        revoked, good = self.authority.issue("127.0.0.1"), self.authority.issue("127.0.0.1")
        self.authority.revoke(revoked)
        bundle = self.authority.with_revocations()
        self.refuses(self.serve(own=revoked), "its certificate has been revoked", {"ca_file": bundle})
        self.assertEqual(fetch(self.run_with(self.serve(own=good), {"ca_file": bundle}).address).status, 200)

    def test_a_certificate_of_our_own_is_shown(self):
        good = self.authority.issue("caller", purpose="clientAuth")
        for version in VERSIONS:
            with self.subTest(version):
                upstream = self.serve(client_ca=self.authority.file, newest=version)
                self.assertEqual(fetch(self.run_with(upstream, good.settings()).address).status, 200)
                self.assertEqual(upstream.handshakes[0].certificate["subject"], ((("commonName", "caller"),),))

    def test_a_server_that_wants_a_certificate_and_gets_none_is_tls_failed(self):
        for version in VERSIONS:
            with self.subTest(version):
                upstream = self.serve(client_ca=self.authority.file, newest=version)
                self.refuses(upstream, "it refuses the connection: ")
                self.assertEqual(upstream.requests, [])


class Failing(UpstreamCase):
    def test_servers_that_speak_no_tls(self):
        plain = self.enterContext(Upstream(on_connect=lambda sock: sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n") or True))
        self.refuses(f"https://127.0.0.1:{plain.port}", "it speaks no TLS")
        closing = self.enterContext(Upstream(on_connect=lambda sock: sock.recv(10) and True))
        self.refuses(f"https://127.0.0.1:{closing.port}", "during the handshake")

    def test_old_versions_are_refused(self):
        context = self.authority.server(self.own)
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


if __name__ == "__main__":
    unittest.main()
