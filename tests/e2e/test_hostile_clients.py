"""Clients that waste what they are given: each meets a limit, gets a clear answer, is counted and logged, and nobody
else suffers. The table is in docs/limits.md."""

import threading
import time
import unittest

from support import Client, Daemon, Upstream, fetch, scripts, single, wait_until
from support.client import chunked, encode

CHUNKED = {"transfer-encoding": "chunked"}


class HostileCase(unittest.TestCase):
    def start(self, script=None, limits=None, top=None, **settings):
        upstream = self.enterContext(Upstream(script))
        config = {**single(upstream, **settings), "limits": limits or {}, **(top or {})}
        return self.enterContext(Daemon(config)), upstream

    def assert_refused(self, daemon, response, status, reason):
        """The reply, the metric and the log tell the same word."""
        self.assertEqual((response.status, response.header("fusegate-reason")), (status, reason))
        daemon.expect_metric(1, "fusegate_rejected_total", reason=reason)
        self.assertEqual(daemon.access_line(status=status)["reason"], reason)


class Heads(HostileCase):
    def test_head_that_drips_is_408_however_steadily_it_comes(self):
        daemon, upstream = self.start(limits={"head_timeout": "700ms"})
        with Client(daemon.address) as client:
            client.send(b"GET / HTTP/1.1\r\nhost: example.test\r\nx-long: ")
            ended = threading.Event()

            def drip():
                while not ended.wait(0.05):
                    try:
                        client.send(b"a")
                    except OSError:
                        return
            dripping = threading.Thread(target=drip, daemon=True)
            dripping.start()
            response = client.read()
            ended.set()
            dripping.join()
        self.assert_refused(daemon, response, 408, "head_timeout")
        self.assertEqual(upstream.requests, [])

    def test_head_bomb_is_431_before_its_end(self):
        daemon, _ = self.start(limits={"request_head": "8KiB"})
        with Client(daemon.address) as client:
            client.send(b"GET / HTTP/1.1\r\nhost: example.test\r\nx-bomb: " + b"a" * 9000)
            self.assert_refused(daemon, client.read(), 431, "head_too_large")
            self.assertTrue(client.closed_within(5))

    def test_too_many_fields_are_431(self):
        daemon, _ = self.start(limits={"header_count": 20})
        with Client(daemon.address) as client:
            client.send(encode("GET", "/", [(f"x-{i}", "v") for i in range(21)]))
            self.assert_refused(daemon, client.read(), 431, "head_too_large")

    def test_connection_that_never_sends_is_closed_and_takes_no_request_with_it(self):
        daemon, _ = self.start(limits={"keepalive_timeout": "300ms"})
        with Client(daemon.address) as client:
            self.assertTrue(client.closed_within(10))
        self.assertEqual(daemon.metric("fusegate_rejected_total"), 0)
        daemon.expect_metric(0, "fusegate_downstream_connections")


class Bodies(HostileCase):
    def test_body_that_stops_is_408_counted_and_logged(self):
        daemon, _ = self.start(limits={"body_timeout": "400ms"})
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"content-length": "100"}) + b"some")
            self.assert_refused(daemon, client.read(), 408, "head_timeout")

    def test_bodies_that_drip_end_with_the_time_of_the_request_and_do_not_open_the_breaker(self):
        daemon, _ = self.start(timeout="1s")
        ended = threading.Event()
        self.addCleanup(ended.set)

        def drip(client):
            while not ended.wait(0.1):
                try:
                    client.send(b"x")
                except OSError:
                    return
        clients = [self.enterContext(Client(daemon.address)) for _ in range(12)]
        for client in clients:
            client.send(encode("POST", "/", {"content-length": "100000"}))
            threading.Thread(target=drip, args=(client,), daemon=True).start()
        answers = [client.read() for client in clients]
        self.assertEqual(daemon.breaker(), "closed")
        self.assertEqual(daemon.metric("fusegate_endpoint_ejections_total"), 0)
        self.assertEqual({(a.status, a.header("fusegate-reason")) for a in answers}, {(408, "head_timeout")})
        self.assertEqual(fetch(daemon.address).status, 200)

    def test_chunk_extension_flood_is_400(self):
        daemon, _ = self.start()
        with Client(daemon.address) as client:
            flood = b"".join(b"1;" + b"e" * 1000 + b"\r\nx\r\n" for _ in range(40))
            client.send(encode("POST", "/", CHUNKED) + flood)
            self.assert_refused(daemon, client.read(), 400, "bad_request")
            self.assertTrue(client.closed_within(5))

    def test_who_goes_on_after_a_400_is_cut(self):
        daemon, _ = self.start()
        for broken in (encode("POST", "/", CHUNKED) + b"nonsense\r\n", b"GET / HTTP/1.1\r\nbad field: x\r\n\r\n"):
            with self.subTest(broken=broken), Client(daemon.address) as client:
                client.send(broken)
                self.assertEqual(client.read().status, 400)
                # A MiB is read, and what the kernel holds for both sides fits as well.
                with self.assertRaises(ConnectionError):
                    for _ in range(64):
                        client.send(b"x" * (1 << 20))

    def test_endless_chunk_line_is_400(self):
        daemon, _ = self.start()
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", CHUNKED) + b"1;" + b"e" * 5000)
            self.assert_refused(daemon, client.read(), 400, "bad_request")

    def test_endless_trailers_are_400_by_bytes_and_by_count(self):
        for name, trailers in {"bytes": [("x-long", "t" * 9000)], "count": [(f"x-{i}", "t") for i in range(70)]}.items():
            with self.subTest(name):
                daemon, _ = self.start()
                with Client(daemon.address) as client:
                    client.send(encode("POST", "/", CHUNKED) + chunked(b"body", trailers=trailers))
                    self.assert_refused(daemon, client.read(), 400, "bad_request")

    def test_chunked_body_over_the_limit_is_413_when_it_gets_there(self):
        daemon, upstream = self.start(limits={"request_body": "1KiB"})
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", CHUNKED) + chunked(b"x" * 600, b"x" * 600))
            self.assert_refused(daemon, client.read(), 413, "body_too_large")
        self.assertEqual(upstream.count(), 0)


class Readers(HostileCase):
    BIG = staticmethod(scripts.reply(b"x" * (16 << 20)))

    def test_reader_that_stops_is_cut_and_its_upstream_connection_is_freed(self):
        daemon, upstream = self.start(self.BIG, limits={"body_timeout": "500ms"})
        with Client(daemon.address, receive_buffer=4096) as client:
            client.send(encode("GET", "/"))
            client.receive(1000)
            daemon.expect_metric(1, "fusegate_requests_total", result="client_gone")
            line = daemon.access_line(result="client_gone")
            self.assertEqual((line["reason"], line["status"]), ("client_gone", 499))
            wait_until(lambda: upstream.open == 0, what="a freed upstream connection")
            self.assertLess(len(client.rest()), 16 << 20)
        self.assertEqual(daemon.breaker(), "closed")

    def test_reader_that_drips_is_cut_with_the_time_of_the_request(self):
        daemon, upstream = self.start(self.BIG, timeout="1s")
        with Client(daemon.address, receive_buffer=4096) as client:
            client.send(encode("GET", "/"))
            client.sock.settimeout(30)
            got = 0
            while data := self._taste(client):
                got += len(data)
                time.sleep(0.02)
            self.assertLess(got, 16 << 20)
        daemon.expect_metric(1, "fusegate_requests_total", result="client_gone")
        wait_until(lambda: upstream.open == 0, what="a freed upstream connection")
        self.assertEqual(daemon.breaker(), "closed")

    @staticmethod
    def _taste(client):
        try:
            return client.sock.recv(65536)
        except ConnectionError:
            return b""

    def test_pipeline_whose_answers_are_not_read_stops_and_is_cut(self):
        daemon, upstream = self.start(scripts.reply(b"x" * 65536), limits={"body_timeout": "500ms"})
        before = daemon.rss_kib()
        with Client(daemon.address, receive_buffer=4096) as client:
            client.sock.settimeout(30)
            with self.assertRaises(OSError):
                while True:
                    client.send(encode("GET", "/") * 100)
        daemon.expect_metric(1, "fusegate_requests_total", result="client_gone")
        self.assertLess(upstream.count(), 2000)
        self.assertLess(daemon.rss_kib() - before, 16 * 1024)


if __name__ == "__main__":
    unittest.main()
