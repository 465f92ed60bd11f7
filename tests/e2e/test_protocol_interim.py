"""100 and 101 step by step: what waits for what, and what a tunnel leaves behind."""

import unittest

from support import Client, Daemon, Upstream, fetch, scripts, single
from support.client import chunked, encode

PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}


def echo(exchange):
    exchange.reply(200, exchange.request.target.encode())


class InterimCase(unittest.TestCase):
    def start(self, script=echo, **settings):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon(single(upstream, **{**PLAIN, **settings}))), upstream

    def assert_sane(self, daemon, upstream):
        self.assertEqual(upstream.bad, [])
        self.assertEqual(fetch(daemon.address, target="/sane").body, b"/sane")


class Continue(InterimCase):
    def test_100_travels_then_the_body_then_the_answer(self):
        @scripts.early
        def polite(exchange):
            exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            exchange.read_body()
            exchange.reply(200, exchange.request.body)
        daemon, upstream = self.start(polite)
        with Client(daemon.address) as client:
            for body, framing in ((b"hello", {"content-length": "5"}), (chunked(b"hello"), {"transfer-encoding": "chunked"})):
                client.send(encode("POST", "/", {**framing, "expect": "100-continue"}))
                self.assertEqual(client.reader.until(b"\r\n\r\n", "a 100").split(b" ")[1], b"100")
                client.send(body)
                self.assertEqual(client.read().body, b"hello")
        self.assertEqual(upstream.connections, 1)

    def test_a_second_100_is_not_passed_on_by_a_retry(self):
        def script(exchange):
            exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            exchange.reply(503 if exchange.request.number == 0 else 200, b"done")
        daemon, _ = self.start(script, retries=2)
        with Client(daemon.address) as client:
            response = client.request("PUT", "/", {"expect": "100-continue"}, b"hello")
            self.assertEqual((response.status, [r.status for r in response.informational]), (200, [100]))

    def test_each_attempt_may_say_its_own_100s(self):
        def script(exchange):
            exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 10)
            exchange.reply(503 if exchange.request.number == 0 else 200, b"done")
        daemon, upstream = self.start(script, retries=2)
        with Client(daemon.address) as client:
            response = client.request("PUT", "/", {"expect": "100-continue"}, b"hello")
            self.assertEqual((response.status, [r.status for r in response.informational]), (200, [100]))
        self.assertEqual(len(upstream.requests), 2)

    def test_a_flood_of_100_is_an_error_of_the_upstream(self):
        def flood(exchange):
            for _ in range(10000):
                exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        daemon, upstream = self.start(flood)
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"content-length": "5", "expect": "100-continue"}) + b"hello")
            response = client.read()
            self.assertEqual(response.status, 502)
            self.assertLessEqual(len(response.informational), 1)
        upstream.script = echo
        self.assert_sane(daemon, upstream)


class Tunnels(InterimCase):
    OFFER = {"connection": "upgrade", "upgrade": "foo"}

    def test_a_connection_that_was_a_tunnel_is_never_used_again(self):
        def script(exchange):
            if "upgrade" not in exchange.request.headers:
                return echo(exchange)
            exchange.head(101, self.OFFER)
            exchange.send(b"hello")
            exchange.until_peer_leaves()
        daemon, upstream = self.start(script)
        with Client(daemon.address) as client:
            self.assertEqual(client.request(headers=self.OFFER).status, 101)
            self.assertEqual(client.receive(5), b"hello")
        self.assert_sane(daemon, upstream)
        self.assertEqual([r.connection for r in upstream.requests], [1, 2])

    def test_bytes_behind_an_offer_wait_for_the_answer(self):
        # What follows is a request unless the upstream takes the offer up.
        daemon, upstream = self.start()
        with Client(daemon.address) as client:
            client.send(encode("GET", "/offer", self.OFFER) + encode("GET", "/second"))
            self.assertEqual(client.read().body, b"/offer")
            self.assertEqual(client.read().body, b"/second")
        self.assertEqual([r.target for r in upstream.requests], ["/offer", "/second"])

    def test_not_http_behind_an_offer_that_was_declined_is_refused(self):
        daemon, upstream = self.start()
        with Client(daemon.address) as client:
            client.send(encode("GET", "/offer", self.OFFER))
            self.assertEqual(client.read().status, 200)
            client.send(b"not-http-at-all\r\n\r\n")
            self.assertEqual(client.read().status, 400)
        self.assertEqual(len(upstream.requests), 1)
        self.assertEqual(upstream.bad, [])


if __name__ == "__main__":
    unittest.main()
