"""Which failures are tried again, for which requests, and what clients and operators see of it."""

import time
import unittest

from support import Client, Daemon, Upstream, dead_port, fetch, many, scripts, single, split_series, wait_until
from support.client import encode
from support.timing import scaled

ALWAYS = {"breaker": {"mode": "off"}, "ejection": {"enabled": False},
          "retry_budget": {"percent": "100%", "min_retries": 1000}}
QUICK = {"backoff": {"kind": "constant", "initial": "1ms", "jitter": "none"}}


def quick(**retry):
    return {**ALWAYS, "retry": {**QUICK, **retry}}


class RetryCase(unittest.TestCase):
    def start(self, script, **settings):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon(single(upstream, **{**quick(), **settings}))), upstream

    def denied(self, daemon):
        """The reasons for which retries were denied so far."""
        return {split_series(key)[1]["reason"]: value for key, value in daemon.metrics().items()
                if key.startswith("fusegate_retries_denied_total") and value}

    def expect_denied(self, daemon, wanted):
        """A request is counted after its response was sent, so the count may come a moment later."""
        wait_until(lambda: self.denied(daemon), 2, "a denied retry that is counted")
        self.assertEqual(self.denied(daemon), wanted)


class Classes(RetryCase):
    """One failure, then success: how often the upstream saw each method."""

    FAILURES = {"502": scripts.reply(b"", 502, close=True), "503": scripts.unavailable(close=True),
                "504": scripts.reply(b"", 504, close=True), "reset": scripts.reset_after_reading,
                "end": scripts.close_after_reading, "garbage": scripts.raw(b"\0\1\2\r\n\r\n", close=True)}
    STATUS = {"502": 502, "503": 503, "504": 504, "reset": 502, "end": 502, "garbage": 502}

    def test_idempotent_methods_are_tried_again(self):
        for failure, script in self.FAILURES.items():
            for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
                with self.subTest(failure=failure, method=method):
                    daemon, upstream = self.start(scripts.sequence(script, scripts.reply(b"fine")))
                    response = fetch(daemon.address, method, body=b"data" if method == "PUT" else None)
                    self.assertEqual((response.status, response.header("fusegate-attempts")), (200, "2"))
                    self.assertEqual(upstream.count(method=method), 2)
                    daemon.expect_metric(1, "fusegate_recovered_total")

    def test_post_and_patch_are_delivered_once(self):
        for failure, script in self.FAILURES.items():
            for method in ("POST", "PATCH"):
                with self.subTest(failure=failure, method=method):
                    daemon, upstream = self.start(scripts.sequence(script, scripts.reply(b"fine")))
                    response = fetch(daemon.address, method, body=b"order")
                    self.assertEqual(response.status, self.STATUS[failure])
                    self.assertEqual(len(upstream.requests), 1)
                    self.expect_denied(daemon, {"not_idempotent": 1})

    def test_idempotency_key_makes_a_post_repeatable(self):
        for failure, script in self.FAILURES.items():
            with self.subTest(failure=failure):
                daemon, upstream = self.start(scripts.sequence(script, scripts.reply(b"fine")))
                response = fetch(daemon.address, "POST", headers={"idempotency-key": "k1"}, body=b"order")
                self.assertEqual(response.status, 200)
                self.assertEqual([r.header("idempotency-key") for r in upstream.requests], ["k1", "k1"])
                self.assertEqual([r.body for r in upstream.requests], [b"order", b"order"])

    def test_operator_decides_over_the_method(self):
        daemon, upstream = self.start(scripts.sequence(scripts.reset_after_reading, scripts.reply()), idempotent=True)
        self.assertEqual(fetch(daemon.address, "POST", body=b"x").status, 200)
        daemon, upstream = self.start(scripts.sequence(scripts.reset_after_reading, scripts.reply()), idempotent=False)
        self.assertEqual(fetch(daemon.address, "GET").status, 502)
        self.assertEqual(len(upstream.requests), 1)

    def test_request_that_was_never_sent_is_tried_again_for_every_method(self):
        good = self.enterContext(Upstream(scripts.reply(b"fine")))
        dead = f"http://127.0.0.1:{dead_port()}"
        daemon = self.enterContext(Daemon(many({"up": [dead, good]}, balance="round_robin", **quick())))
        for _ in range(6):
            response = fetch(daemon.address, "POST", body=b"order")
            self.assertEqual((response.status, response.body), (200, b"fine"))
        self.assertEqual(good.count(), 6)
        wait_until(lambda: daemon.metric("fusegate_attempts_total", result="connect_failed") >= 1, what="the count")

    def test_other_statuses_are_final(self):
        for status in (400, 404, 429, 500, 501):
            with self.subTest(status=status):
                daemon, upstream = self.start(scripts.reply(b"as is", status))
                response = fetch(daemon.address)
                self.assertEqual((response.status, response.body), (status, b"as is"))
                self.assertEqual(len(upstream.requests), 1)

    def test_codes_ranges_and_headers_can_be_added(self):
        daemon, upstream = self.start(lambda e: e.reply(int(e.request.target[1:]), b"x"),
                                      **quick(on=[429, "520-530"], response_headers={"x-retry": "true"}))
        for status, tries in ((429, 3), (525, 3), (531, 1), (503, 1)):
            before = len(upstream.requests)
            self.assertEqual(fetch(daemon.address, target=f"/{status}").status, status)
            self.assertEqual(len(upstream.requests) - before, tries, status)
        upstream.script = scripts.reply(b"", 200, {"x-retry": "true"})
        before = len(upstream.requests)
        fetch(daemon.address)
        self.assertEqual(len(upstream.requests) - before, 3)


class Endings(RetryCase):
    def test_last_real_response_is_returned(self):
        answers = [scripts.reply(b"first", 503), scripts.reply(b"second", 502), scripts.reply(b"third", 503, {"x-from": "app"})]
        daemon, upstream = self.start(scripts.sequence(*answers))
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.body, response.header("x-from")), (503, b"third", "app"))
        self.assertEqual(response.header("fusegate-attempts"), "3")
        self.assertNotIn("fusegate-reason", response.headers)
        self.expect_denied(daemon, {"exhausted": 1})
        daemon.expect_metric(1, "fusegate_requests_total", code="503", result="failed")

    def test_retry_goes_to_another_endpoint(self):
        ups = [self.enterContext(Upstream(scripts.unavailable())) for _ in range(3)]
        daemon = self.enterContext(Daemon(many({"up": ups}, **quick())))
        for _ in range(10):
            fetch(daemon.address)
        self.assertEqual([len(up.requests) for up in ups], [10, 10, 10])

    def test_access_log_lists_every_try(self):
        daemon, upstream = self.start(scripts.sequence(scripts.unavailable(close=True), scripts.reset_after_reading, scripts.reply()))
        fetch(daemon.address, target="/x?secret=1")
        line = daemon.access_line()
        self.assertEqual((line["status"], line["attempts"], line["path"], line["upstream"]), (200, 3, "/x", "up"))
        self.assertEqual([t.get("status") or t["result"] for t in line["tries"]], [503, "reset", 200])
        self.assertEqual({t["endpoint"] for t in line["tries"]}, {upstream.authority})
        self.assertTrue(all(t["ms"] >= 0 for t in line["tries"]))

    def test_metrics_tell_first_tries_from_retries(self):
        daemon, _ = self.start(scripts.sequence(scripts.unavailable(), scripts.reply()))
        fetch(daemon.address)
        fetch(daemon.address)
        daemon.expect_metric(2, "fusegate_attempts_total", kind="first")
        daemon.expect_metric(1, "fusegate_attempts_total", kind="retry", result="ok", code="200")
        daemon.expect_metric(1, "fusegate_attempts_total", kind="first", result="status", code="503")
        daemon.expect_metric(1, "fusegate_retries_total")


class Waiting(RetryCase):
    def test_retry_after_is_honoured(self):
        daemon, upstream = self.start(scripts.sequence(scripts.unavailable(1), scripts.reply()))
        self.assertEqual(fetch(daemon.address).status, 200)
        gap = upstream.requests[1].at - upstream.requests[0].at
        self.assertGreaterEqual(gap, 0.99)

    def test_retry_after_beyond_the_deadline_returns_the_answer_at_once(self):
        daemon, upstream = self.start(scripts.unavailable(30), timeout="2s")
        start = time.monotonic()
        response = fetch(daemon.address)
        self.assertLess(time.monotonic() - start, 1.5)
        self.assertEqual((response.status, response.header("retry-after")), (503, "30"))
        self.assertEqual(len(upstream.requests), 1)
        self.expect_denied(daemon, {"deadline": 1})

    def test_upstream_can_forbid_the_retry(self):
        for header in ({"grpc-retry-pushback-ms": "-1"}, {"fusegate-retry": "never;reason=overload"}):
            with self.subTest(header):
                daemon, upstream = self.start(scripts.reply(b"", 503, header))
                self.assertEqual(fetch(daemon.address).status, 503)
                self.assertEqual(len(upstream.requests), 1)
                self.expect_denied(daemon, {"coordinated": 1})

    def test_client_that_has_left_while_waiting_gets_no_more_attempts(self):
        daemon, upstream = self.start(scripts.after(0.5, scripts.unavailable()))
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            wait_until(lambda: upstream.requests, what="the request upstream")
            client.finish_sending()
            client.rest()
        self.assertEqual(daemon.access_line()["reason"], "client_gone")
        self.assertEqual(len(upstream.requests), 1)

    def test_backoff_stays_in_its_bounds(self):
        backoff = {"kind": "exponential", "initial": "100ms", "max": "150ms", "factor": 2, "jitter": "equal"}
        daemon, upstream = self.start(scripts.unavailable(), retry={"backoff": backoff, "adaptive": False}, retries=3)
        fetch(daemon.address)
        times = [r.at for r in upstream.requests]
        gaps = [b - a for a, b in zip(times, times[1:])]
        self.assertEqual(len(gaps), 3)
        for gap, low in zip(gaps, (0.05, 0.075, 0.075)):
            self.assertGreaterEqual(gap, low - 0.002)
        waited = wait_until(lambda: daemon.metric("fusegate_retry_backoff_seconds_total"), what="the wait to be counted")
        self.assertTrue(0.2 <= waited <= 0.4 + 3 * scaled(0.05), waited)

    def test_each_try_gets_a_fair_share_of_the_time(self):
        daemon, upstream = self.start(scripts.hang, timeout="1500ms")
        start = time.monotonic()
        response = fetch(daemon.address)
        total = time.monotonic() - start
        self.assertEqual((response.status, response.header("fusegate-reason")), (504, "deadline"))
        self.assertEqual(len(upstream.requests), 3)
        times = [r.at - start for r in upstream.requests]
        self.assertAlmostEqual(times[1], 0.5, delta=scaled(0.15))
        self.assertAlmostEqual(times[2], 1.0, delta=scaled(0.2))
        self.assertGreaterEqual(total, 1.45)

    def test_time_of_a_try_can_be_set(self):
        daemon, upstream = self.start(scripts.sequence(scripts.hang, scripts.reply()), per_try_timeout="200ms", timeout="5s")
        start = time.monotonic()
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertGreaterEqual(time.monotonic() - start, 0.19)
        daemon.expect_metric(1, "fusegate_attempts_total", result="timeout")

    def test_budget_binds(self):
        daemon, upstream = self.start(scripts.unavailable(), retry_budget={"percent": "20%", "window": "60s", "min_retries": 5})
        for _ in range(50):
            self.assertEqual(fetch(daemon.address).status, 503)
        self.assertTrue(50 + 5 <= len(upstream.requests) <= 50 + 5 + 10, len(upstream.requests))
        self.assertGreater(self.denied(daemon)["budget"], 0)
        daemon.expect_metric(0, "fusegate_retry_budget_available")

    def test_no_retries_when_switched_off(self):
        daemon, upstream = self.start(scripts.unavailable(), retries=0)
        self.assertEqual(fetch(daemon.address).status, 503)
        self.assertEqual(len(upstream.requests), 1)


if __name__ == "__main__":
    unittest.main()
