"""Upstreams that waste what they are given, and tunnels that stand still. The table is in docs/limits.md."""

import threading
import time
import unittest

from support import Client, Daemon, ProtocolError, Upstream, fetch, scripts, single, wait_until
from support.client import encode
from support.websocket import handshake_headers, new_key

PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class UpstreamCase(unittest.TestCase):
    def start(self, script, limits=None, **settings):
        upstream = self.enterContext(Upstream(script))
        config = {**single(upstream, **{**PLAIN, **settings}), "limits": limits or {}}
        return self.enterContext(Daemon(config)), upstream

    def assert_refused(self, daemon, status, reason):
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.header("fusegate-reason")), (status, reason))
        daemon.expect_metric(1, "fusegate_rejected_total", reason=reason)
        self.assertEqual(daemon.access_line(status=status)["reason"], reason)

    def assert_cut(self, daemon, upstream):
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            with self.assertRaises(ProtocolError):
                client.read()
        daemon.expect_metric(1, "fusegate_requests_total", result="cut")
        wait_until(lambda: upstream.open == 0, what="the end of the upstream connection")


class Heads(UpstreamCase):
    def test_flood_of_interim_responses_is_a_bad_response(self):
        def flood(exchange):
            while True:
                exchange.head(103, {"link": "</a>"})
        daemon, upstream = self.start(flood)
        with Client(daemon.address) as client:
            response = client.request()
        self.assertEqual((response.status, response.header("fusegate-reason")), (502, "bad_response"))
        self.assertLessEqual(len(response.informational), 16)
        daemon.expect_metric(1, "fusegate_attempts_total", result="bad_response")
        wait_until(lambda: upstream.open == 0, what="the end of the upstream connection")

    def test_response_head_bomb_is_502(self):
        daemon, _ = self.start(scripts.raw(b"HTTP/1.1 200 OK\r\nx-bomb: " + b"a" * 9000), {"response_head": "8KiB"})
        self.assert_refused(daemon, 502, "response_head_too_large")

    def test_too_many_response_fields_are_502(self):
        fields = [(f"x-{i}", "v") for i in range(30)]
        daemon, _ = self.start(scripts.reply(b"", 200, fields), {"header_count": 20})
        self.assert_refused(daemon, 502, "response_head_too_large")

    def test_head_that_does_not_come_is_504(self):
        daemon, _ = self.start(scripts.hang, timeout="500ms")
        self.assert_refused(daemon, 504, "deadline")

    def test_head_that_drips_is_504(self):
        def drip(exchange):
            exchange.send(b"HTTP/1.1 200 OK\r\nx-long: ")
            while True:
                exchange.send(b"a")
                time.sleep(0.05)
        daemon, _ = self.start(drip, timeout="700ms")
        self.assert_refused(daemon, 504, "deadline")


class Bodies(UpstreamCase):
    def test_body_that_drips_is_cut_with_the_time_of_the_request(self):
        def drip(exchange):
            exchange.head(200, {"content-length": "100000"})
            while True:
                exchange.send(b"x")
                time.sleep(0.05)
        daemon, upstream = self.start(drip, timeout="700ms")
        self.assert_cut(daemon, upstream)

    def test_chunk_extension_flood_is_cut(self):
        flood = b"".join(b"1;" + b"e" * 1000 + b"\r\nx\r\n" for _ in range(40))
        daemon, upstream = self.start(scripts.raw(CHUNKED + flood))
        self.assert_cut(daemon, upstream)

    def test_endless_trailers_are_cut(self):
        trailers = b"".join(b"x-%d: t\r\n" % i for i in range(2000))
        daemon, upstream = self.start(scripts.raw(CHUNKED + b"1\r\nx\r\n0\r\n" + trailers))
        self.assert_cut(daemon, upstream)


class Tunnels(UpstreamCase):
    """A side that does not take what it is sent is cut; one that is only silent is not."""

    def open_tunnel(self, script, receive_buffer=None):
        daemon, upstream = self.start(script, {"body_timeout": "600ms"})
        client = self.enterContext(Client(daemon.address, receive_buffer=receive_buffer))
        client.send(encode("GET", "/", handshake_headers(new_key())))
        self.assertEqual(client.read().status, 101)
        return daemon, upstream, client

    def test_silent_tunnel_outlives_the_body_timeout(self):
        _, _, client = self.open_tunnel(scripts.upgrade_echo)
        time.sleep(1.5)
        client.send(b"still there")
        self.assertEqual(client.receive(11), b"still there")

    def test_client_that_does_not_read_is_cut(self):
        def pour(exchange):
            exchange.head(101, {"connection": "upgrade", "upgrade": "websocket"})
            while True:
                exchange.send(b"x" * 65536)
        daemon, upstream, _ = self.open_tunnel(pour, receive_buffer=4096)
        daemon.expect_metric(1, "fusegate_requests_total", result="client_gone")
        wait_until(lambda: upstream.open == 0, what="the end of the upstream connection")

    def test_upstream_that_does_not_read_is_cut(self):
        def ignore(exchange):
            exchange.head(101, {"connection": "upgrade", "upgrade": "websocket"})
            exchange.keep = False
            ended.wait(30)
        ended = threading.Event()
        self.addCleanup(ended.set)
        daemon, _, client = self.open_tunnel(ignore)
        client.sock.settimeout(20)
        with self.assertRaises(ConnectionError):
            while True:
                client.send(b"x" * 65536)
        daemon.expect_metric(1, "fusegate_requests_total", result="cut")


if __name__ == "__main__":
    unittest.main()
