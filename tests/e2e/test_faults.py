"""Test faults: met by retries and breakers as real ones are, and never by strangers' wish."""

import time
import unittest

from support import Daemon, Upstream, fetch, scripts, single

QUICK = {"breaker": {"mode": "off"}, "ejection": {"enabled": False},
         "retry": {"backoff": {"kind": "constant", "initial": "1ms", "jitter": "none"}},
         "retry_budget": {"percent": "100%", "min_retries": 1000}}


class FaultCase(unittest.TestCase):
    def start(self, fault, top=None, **settings):
        upstream = self.enterContext(Upstream(scripts.reply(b"fine")))
        config = {**single(upstream, fault={"enabled": True, **fault}, **{**QUICK, **settings}), **(top or {})}
        return self.enterContext(Daemon(config)), upstream


class ByConfiguration(FaultCase):
    def test_an_answer_in_place_of_the_upstreams(self):
        daemon, upstream = self.start({"abort": {"percent": "100%", "status": 418}})
        for method, body in (("GET", None), ("POST", b"order"), ("HEAD", None)):
            response = fetch(daemon.address, method, body=body)
            self.assertEqual(response.status, 418)
            self.assertEqual(bool(response.body), method != "HEAD")
        self.assertEqual(len(upstream.requests), 0)
        tries = daemon.access_log(3)[0]["tries"]
        self.assertEqual([(t["status"], t["injected"]) for t in tries], [(418, True)])

    def test_retries_work_on_it(self):
        daemon, upstream = self.start({"abort": {"percent": "50%"}}, retries=10)
        statuses = [fetch(daemon.address).status for _ in range(100)]
        self.assertGreaterEqual(statuses.count(200), 98)
        daemon.expect_metric(statuses.count(200), "fusegate_attempts_total", result="ok")
        failed = daemon.metric("fusegate_attempts_total", result="status", code="503")
        self.assertTrue(50 <= failed <= 200, failed)
        self.assertEqual(len(upstream.requests), statuses.count(200))

    def test_the_breaker_counts_it(self):
        daemon, upstream = self.start({"abort": {"percent": "100%"}}, retries=0,
                                      breaker={"mode": "open", "consecutive_failures": 5})
        for _ in range(5):
            self.assertEqual(fetch(daemon.address).status, 503)
        self.assertEqual(fetch(daemon.address).header("fusegate-reason"), "breaker_open")

    def test_a_reset(self):
        daemon, upstream = self.start({"reset": {"percent": "100%"}})
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.header("fusegate-reason")), (502, "reset"))
        self.assertEqual([t["result"] for t in daemon.access_line()["tries"]], ["reset"] * 3)
        self.assertEqual(fetch(daemon.address, "POST", body=b"x").status, 502)
        daemon.expect_metric(1, "fusegate_retries_denied_total", reason="not_idempotent")

    def test_a_delay(self):
        daemon, upstream = self.start({"delay": {"percent": "100%", "duration": "150ms"}})
        start = time.monotonic()
        self.assertEqual(fetch(daemon.address).body, b"fine")
        self.assertGreaterEqual(time.monotonic() - start, 0.149)
        self.assertEqual(len(upstream.requests), 1)

    def test_a_delay_beyond_the_time_is_a_timeout(self):
        daemon, upstream = self.start({"delay": {"percent": "100%", "duration": "5s"}}, timeout="300ms", retries=0)
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.header("fusegate-reason")), (504, "deadline"))
        self.assertEqual(len(upstream.requests), 0)
        daemon.expect_metric(1, "fusegate_attempts_total", result="timeout")


class ByRequest(FaultCase):
    ABORT, DELAY = "x-envoy-fault-abort-request", "x-envoy-fault-delay-request"

    def test_a_trusted_peer_may_ask(self):
        daemon, upstream = self.start({})
        self.assertEqual(fetch(daemon.address, headers={self.ABORT: "404"}).status, 404)
        self.assertEqual(len(upstream.requests), 0)
        start = time.monotonic()
        self.assertEqual(fetch(daemon.address, headers={self.DELAY: "120"}).status, 200)
        self.assertGreaterEqual(time.monotonic() - start, 0.119)
        self.assertNotIn(self.DELAY, upstream.last.headers)
        for nonsense in ("99", "600", "-1", "200x", ""):
            self.assertEqual(fetch(daemon.address, headers={self.ABORT: nonsense}).status, 200)

    def test_a_stranger_may_not(self):
        nobody = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "trust": ["203.0.113.0/24"]}]}
        daemon, upstream = self.start({}, top=nobody)
        self.assertEqual(fetch(daemon.address, headers={self.ABORT: "404"}).status, 200)
        self.assertNotIn(self.ABORT, upstream.last.headers)

    def test_nobody_may_where_it_is_off(self):
        daemon, upstream = self.start({"enabled": False})
        self.assertEqual(fetch(daemon.address, headers={self.ABORT: "404"}).status, 200)
        self.assertEqual(upstream.last.header(self.ABORT), "404", "the wish of a trusted peer is for a later hop")


if __name__ == "__main__":
    unittest.main()
