"""Limits: attempts in flight, queue, connections, and peers that are too slow."""

import threading
import time
import unittest

from support import Client, Daemon, ProtocolError, Upstream, fetch, fetch_all, scripts, single, wait_until
from support.client import encode

PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}


class LimitCase(unittest.TestCase):
    def start(self, script=None, top=None, upstream_options=None, **settings):
        upstream = self.enterContext(Upstream(script, **(upstream_options or {})))
        config = {**single(upstream, **{**PLAIN, **settings}), **(top or {})}
        return self.enterContext(Daemon(config)), upstream


class Concurrency(LimitCase):
    def test_requests_over_the_limit_queue_and_overflow(self):
        settings = {"concurrency": {"max_in_flight": 2, "queue": {"length": 3, "wait": "3s"}}}
        daemon, upstream = self.start(scripts.after(0.5), **settings)
        results = fetch_all(daemon.address, 10)
        answers = [r[0] for r in results]
        reasons = sorted(a.header("fusegate-reason") or "" for a in answers)
        self.assertEqual(reasons, [""] * 5 + ["queue_full"] * 5)
        refused = [a for a in answers if a.status != 200]
        self.assertTrue(all(a.status == 503 and int(a.header("retry-after")) >= 1 for a in refused))
        self.assertTrue(all(a.header("x-envoy-overloaded") == "true" for a in refused))
        self.assertEqual(upstream.count(), 5)
        daemon.expect_metric(0, "fusegate_attempts_in_flight")
        daemon.expect_metric(0, "fusegate_queue_length")

    def test_never_more_attempts_than_allowed(self):
        peak, now, lock = [0], [0], threading.Lock()

        def count(exchange):
            with lock:
                now[0] += 1
                peak[0] = max(peak[0], now[0])
            time.sleep(0.05)
            with lock:
                now[0] -= 1
            exchange.reply()
        daemon, _ = self.start(count, concurrency={"max_in_flight": 4, "queue": {"length": 100, "wait": "10s"}})
        results = fetch_all(daemon.address, 40)
        self.assertEqual({r[0].status for r in results}, {200})
        self.assertEqual(peak[0], 4)

    def test_adaptive_limit_falls_while_nothing_is_answered_and_rises_again(self):
        mute = threading.Event()

        def answer(exchange):
            if mute.is_set():
                time.sleep(0.6)
                exchange.close()
            else:
                exchange.reply()
        daemon, _ = self.start(answer, timeout="300ms", concurrency={"adaptive": True})
        calm = fetch_all(daemon.address, 40)
        self.assertEqual({r[0].status for r in calm}, {200}, "calm traffic is not refused")
        self.assertGreaterEqual(daemon.metric("fusegate_concurrency_limit"), 64)
        mute.set()
        wait_until(lambda: fetch_all(daemon.address, 12) and daemon.metric("fusegate_concurrency_limit") <= 4,
                   what="a limit that falls")
        mute.clear()
        wait_until(lambda: fetch(daemon.address).status == 200, what="the first answer")
        for _ in range(60):
            self.assertEqual(fetch(daemon.address).status, 200)
        wait_until(lambda: fetch_all(daemon.address, 8) and daemon.metric("fusegate_concurrency_limit") > 4,
                   what="a limit that grows again")

    def test_wait_in_the_queue_ends(self):
        settings = {"concurrency": {"max_in_flight": 1, "queue": {"length": 10, "wait": "200ms"}}}
        daemon, upstream = self.start(scripts.after(1.0), **settings)
        results = fetch_all(daemon.address, 3)
        reasons = sorted(r[0].header("fusegate-reason") or "" for r in results)
        self.assertEqual(reasons, ["", "queue_timeout", "queue_timeout"])
        waits = [r[1] for r in results if r[0].status == 503]
        self.assertTrue(all(0.19 <= wait < 0.9 for wait in waits), waits)
        self.assertEqual(upstream.count(), 1)

    def test_client_that_leaves_the_queue_is_not_served(self):
        settings = {"concurrency": {"max_in_flight": 1, "queue": {"length": 10, "wait": "5s"}}}
        daemon, upstream = self.start(scripts.after(0.6), **settings)
        with Client(daemon.address) as first, Client(daemon.address) as second:
            first.send(encode("GET", "/first"))
            wait_until(lambda: upstream.requests, what="the first request")
            second.send(encode("GET", "/second"))
            wait_until(lambda: daemon.metric("fusegate_queue_length") == 1, what="a queued request")
            second.reset()
            self.assertEqual(first.read().status, 200)
        wait_until(lambda: daemon.metric("fusegate_queue_length") == 0, what="an empty queue")
        time.sleep(0.2)
        self.assertEqual([r.target for r in upstream.requests], ["/first"])


class Connections(LimitCase):
    def test_client_connections_are_bounded(self):
        daemon, _ = self.start(top={"runtime": {"max_connections": 5}})
        clients = [self.enterContext(Client(daemon.address)) for _ in range(5)]
        for client in clients:
            self.assertEqual(client.request().status, 200)
        # A connection too many is turned away or left waiting; it is never served beside the others.
        self.assertIn(self._status(daemon.address), (None, 503))
        self.assertEqual(clients[0].request().status, 200)
        clients[1].close()
        wait_until(lambda: self._status(daemon.address) == 200, what="a free place")

    @staticmethod
    def _status(address):
        try:
            return fetch(address, timeout=1).status
        except (ProtocolError, OSError):
            return None

    def test_connections_to_an_endpoint_are_bounded(self):
        settings = {"connections": {"max_per_endpoint": 3}, "concurrency": {"queue": {"length": 100, "wait": "5s"}}}
        daemon, upstream = self.start(scripts.after(0.1), **settings)
        fetch_all(daemon.address, 12)
        self.assertLessEqual(upstream.connections, 3)

    def test_idle_client_is_closed(self):
        daemon, _ = self.start(top={"limits": {"keepalive_timeout": "400ms"}})
        with Client(daemon.address) as client:
            self.assertEqual(client.request().status, 200)
            start = time.monotonic()
            self.assertTrue(client.closed_within(3))
            self.assertGreaterEqual(time.monotonic() - start, 0.35)


class SlowPeers(LimitCase):
    def test_body_that_stops_moving_is_408(self):
        daemon, upstream = self.start(top={"limits": {"body_timeout": "400ms"}})
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"content-length": "100"}) + b"some")
            self.assertEqual(client.read().status, 408)
            self.assertTrue(client.closed_within(2))
        wait_until(lambda: upstream.open == 0, what="the end of the upstream connection")
        self.assertEqual(upstream.count(), 0)

    def test_slow_but_moving_body_is_served(self):
        daemon, _ = self.start(top={"limits": {"body_timeout": "600ms"}})
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"content-length": "8"}))
            for _ in range(8):
                time.sleep(0.15)
                client.send(b"x")
            self.assertEqual(client.read().status, 200)

    def test_response_that_stops_moving_is_cut(self):
        def stall(exchange):
            exchange.head(200, {"content-length": "1000"})
            exchange.send(b"x" * 10)
            exchange.until_peer_leaves()
        daemon, upstream = self.start(stall, top={"limits": {"body_timeout": "400ms"}})
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            self.assertLess(len(client.rest()), 1000)
        wait_until(lambda: upstream.open == 0, what="the end of the upstream connection")

    def test_stalled_reader_stops_the_writer(self):
        sent = [0]

        def pour(exchange):
            exchange.head(200, {"content-length": str(1 << 30)})
            block = b"x" * 65536
            while sent[0] < 1 << 30:
                exchange.send(block)
                sent[0] += len(block)
        daemon, upstream = self.start(pour)
        before = daemon.rss_kib()
        with Client(daemon.address, receive_buffer=65536) as client:
            client.send(encode("GET", "/"))
            client.receive(1000)
            wait_until(lambda: self._steady(sent), 15, "a writer that stands still", step=0)
            self.assertLess(sent[0], 48 << 20)
            self.assertLess(daemon.rss_kib() - before, 16 * 1024)

    def test_stalled_upstream_stops_the_uploader(self):
        @scripts.early
        def ignore(exchange):
            exchange.keep = False
            time.sleep(5)
        daemon, _ = self.start(ignore, upstream_options={"receive_buffer": 65536})
        before = daemon.rss_kib()
        sent = [0]
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"content-length": str(1 << 30)}))
            client.sock.settimeout(1.5)
            with self.assertRaises(TimeoutError):
                while True:
                    sent[0] += client.sock.send(b"x" * 65536)
            self.assertLess(sent[0], 48 << 20)
            self.assertLess(daemon.rss_kib() - before, 16 * 1024)

    @staticmethod
    def _steady(counter):
        first = counter[0]
        time.sleep(0.5)
        return first > 0 and counter[0] == first


if __name__ == "__main__":
    unittest.main()
