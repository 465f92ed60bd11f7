"""Bodies that must be sent again: kept up to the bound, streamed on above it."""

import hashlib
import os
import threading
import time
import unittest

from support import Client, Daemon, Upstream, fetch, scripts, single, wait_until
from support.client import chunked, encode

ALWAYS = {"breaker": {"mode": "off"}, "ejection": {"enabled": False},
          "retry_budget": {"percent": "100%", "min_retries": 1000}}
BOUND = 256 * 1024


class Replay(unittest.TestCase):
    def start(self, script, top=None, **settings):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon({**single(upstream, **{**ALWAYS, **settings}), **(top or {})})), upstream

    def test_bodies_up_to_the_bound_are_sent_again_unchanged(self):
        daemon, upstream = self.start(scripts.sequence(*[scripts.unavailable(), scripts.reply()] * 4))
        for size in (1, 70000, BOUND - 1, BOUND):
            with self.subTest(size=size):
                body = os.urandom(size)
                before = len(upstream.requests)
                self.assertEqual(fetch(daemon.address, "PUT", body=body).status, 200)
                seen = {(r.length, r.sha256) for r in upstream.requests[before:]}
                self.assertEqual(seen, {(size, hashlib.sha256(body).hexdigest())})
                self.assertEqual(len(upstream.requests) - before, 2)
        self.assertEqual(daemon.metric("fusegate_replay_overflow_total"), 0)
        daemon.expect_metric(0, "fusegate_replay_buffer_bytes")

    def test_chunked_bodies_are_sent_again_with_their_trailers(self):
        daemon, upstream = self.start(scripts.sequence(scripts.unavailable(), scripts.reply()))
        with Client(daemon.address) as client:
            client.send(encode("PUT", "/", {"transfer-encoding": "chunked", "trailer": "x-sum"}))
            client.send(chunked(b"a" * 5000, b"b", trailers=[("x-sum", "7")]))
            self.assertEqual(client.read().status, 200)
        self.assertEqual([r.length for r in upstream.requests], [5001, 5001])
        self.assertEqual([r.trailers.get("x-sum") for r in upstream.requests], ["7", "7"])

    def test_longer_body_is_streamed_once_counted_and_logged(self):
        daemon, upstream = self.start(scripts.unavailable())
        body = os.urandom(BOUND * 4)
        response = fetch(daemon.address, "PUT", body=body)
        self.assertEqual((response.status, response.body), (503, b"unavailable"))
        self.assertEqual([(r.length, r.sha256) for r in upstream.requests], [(len(body), hashlib.sha256(body).hexdigest())])
        daemon.expect_metric(1, "fusegate_replay_overflow_total")
        daemon.expect_metric(1, "fusegate_retries_denied_total", reason="not_replayable")
        wait_until(lambda: [line for line in daemon.log() if "repla" in line.get("msg", "")], what="a log line on the overflow")

    def test_failure_before_the_bound_is_still_retried_when_the_body_is_longer(self):
        # The upstream refuses after the head, so only a small part of the body is held.
        daemon, upstream = self.start(scripts.sequence(scripts.reset_before_body, scripts.echo))
        with Client(daemon.address) as client:
            client.send(encode("PUT", "/", {"content-length": "100000"}))
            wait_until(lambda: upstream.requests, what="the first attempt")
            body = b"p" * 100000
            client.send(body)
            self.assertEqual(client.read().status, 200)
        self.assertEqual(upstream.last.sha256, hashlib.sha256(body).hexdigest())

    def test_first_attempt_is_not_delayed_by_buffering(self):
        daemon, upstream = self.start(scripts.reply())
        with Client(daemon.address) as client:
            client.send(encode("PUT", "/", {"content-length": "10"}) + b"12345")
            wait_until(lambda: upstream.requests, timeout=2, what="the head upstream before the body ended")
            client.send(b"67890")
            self.assertEqual(client.read().status, 200)
        self.assertEqual(upstream.last.body, b"1234567890")

    def test_process_wide_memory_for_replay_is_bounded(self):
        daemon, upstream = self.start(scripts.after(1.0, scripts.unavailable()), top={"limits": {"replay_memory": "512KiB"}},
                                      timeout="10s", retries=1)
        body = os.urandom(200 * 1024)
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(fetch(daemon.address, "PUT", body=body).status))
                   for _ in range(8)]
        for thread in threads:
            thread.start()
        peak = 0
        end = time.monotonic() + 0.8
        while time.monotonic() < end:
            peak = max(peak, daemon.metric("fusegate_replay_buffer_bytes"))
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [503] * 8)
        self.assertTrue(0 < peak <= 512 * 1024, peak)
        self.assertEqual({r.sha256 for r in upstream.requests}, {hashlib.sha256(body).hexdigest()})
        daemon.expect_metric(0, "fusegate_replay_buffer_bytes")

    def test_a_body_that_stalls_after_it_outgrew_the_bound_holds_no_replay_memory(self):
        daemon, upstream = self.start(scripts.echo, retry={"max_body_replay": "1KiB"})
        for stalls_at in (5_000, 10_000, 30_000):
            with self.subTest(stalls_at), Client(daemon.address) as client:
                body = os.urandom(2 * stalls_at)
                client.send(encode("PUT", "/", {"content-length": str(len(body))}))
                wait_until(lambda: daemon.metric("fusegate_requests_in_flight") == 1, what="the head")
                client.send(body[:stalls_at])
                time.sleep(0.3)  # It is on its way to the upstream now.
                daemon.expect_metric(0, "fusegate_replay_buffer_bytes")
                client.send(body[stalls_at:])
                self.assertEqual(client.read().status, 200)
                self.assertEqual(upstream.requests[-1].sha256, hashlib.sha256(body).hexdigest())


if __name__ == "__main__":
    unittest.main()
