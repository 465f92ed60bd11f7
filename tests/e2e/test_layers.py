"""Several Fusegates in a row: one deadline for all, and no layer multiplies another's tries."""

import time
import unittest

from support import Daemon, Upstream, dead_port, fetch, run_load, scripts, single, wait_until
from support.timing import scaled

LAYERS, TRIES, REQUESTS = 3, 3, 200
BUDGET_ALONE = {"breaker": {"mode": "off"}, "ejection": {"enabled": False},
                "concurrency": {"queue": {"length": 0}}}


class Deadlines(unittest.TestCase):
    def start(self, script=None, top=None, **settings):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon({**single(upstream, **settings), **(top or {})})), upstream

    def test_the_smaller_of_the_callers_deadlines_and_ours_counts(self):
        daemon, upstream = self.start(timeout="5s")
        cases = (([("grpc-timeout", "2S")], 2000), ([("grpc-timeout", "900S")], 5000),
                 ([("x-envoy-expected-rq-timeout-ms", "3000"), ("grpc-timeout", "1S")], 1000),
                 ([("x-envoy-expected-rq-timeout-ms", "1000"), ("grpc-timeout", "3S")], 1000),
                 ([("grpc-timeout", "3S"), ("grpc-timeout", "2S")], 2000),
                 ([("grpc-timeout", "soon")], 5000))
        for headers, wanted in cases:
            with self.subTest(headers):
                self.assertEqual(fetch(daemon.address, headers=headers + [("idempotency-key", "a")], method="POST").status, 200)
                left = int(upstream.last.header("x-envoy-expected-rq-timeout-ms"))
                self.assertTrue(0 < left <= wanted, left)
                self.assertGreater(left, wanted / 3 - scaled(200), "a third for each try")
                self.assertEqual(upstream.last.header("grpc-timeout"), f"{left}m")

    def test_a_deadline_that_has_passed_is_answered_at_once(self):
        daemon, upstream = self.start()
        response = fetch(daemon.address, headers={"grpc-timeout": "0m"})
        self.assertEqual((response.status, response.header("fusegate-reason")), (504, "deadline"))
        self.assertEqual(len(upstream.requests), 0)

    def test_an_attempt_ends_with_the_callers_patience(self):
        daemon, upstream = self.start(scripts.hang)
        start = time.monotonic()
        response = fetch(daemon.address, headers={"grpc-timeout": "600m"})
        self.assertEqual(response.status, 504)
        self.assertLess(time.monotonic() - start, scaled(1.5))
        self.assertGreater(len(upstream.requests), 1, "its share was enough for another try")

    def test_a_stranger_has_no_say(self):
        top = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "trust": ["203.0.113.0/24"]}]}
        daemon, _ = self.start(top=top)
        self.assertEqual(fetch(daemon.address, headers={"grpc-timeout": "0m"}).status, 200)


class ThreeInARow(unittest.TestCase):
    """With three tries in each of three layers, naive retries make 27 attempts of one request."""

    def chain(self, service):
        """The daemons from the service outwards; the last one is what clients call."""
        daemons = []
        for _ in range(LAYERS):
            target = f"http://{daemons[-1].address}" if daemons else service
            daemons.append(self.enterContext(Daemon(single(target, **BUDGET_ALONE))))
        return daemons

    def expect_one_budget(self, service, status):
        inner, *_, outer = self.chain(service)
        result = run_load(outer.address, REQUESTS / 2, 2)
        self.assertEqual(result.statuses[status], result.sent, str(result))
        attempts = wait_until(lambda: inner.metric("fusegate_attempts_total"), what="the attempts to be counted")
        # One layer's budget: a fifth of the requests, and ten.
        self.assertLessEqual(attempts, 1.2 * result.sent + 10, "the layers together kept to one budget")
        self.assertGreater(attempts, result.sent, "and one of them tried again")

    def test_a_service_that_answers_503(self):
        self.expect_one_budget(self.enterContext(Upstream(scripts.unavailable())).endpoint, 503)

    def test_a_service_that_breaks_connections(self):
        self.expect_one_budget(self.enterContext(Upstream(scripts.reset_after_reading)).endpoint, 502)

    def test_a_service_that_is_not_there(self):
        self.expect_one_budget(f"http://127.0.0.1:{dead_port()}", 502)

    def test_naive_retries_multiply(self):
        """What the figure above stands against, counted on the same service."""
        upstream = self.enterContext(Upstream(scripts.unavailable()))
        host = upstream.endpoint.removeprefix("http://")

        def call(layer):
            for _ in range(TRIES):
                status = fetch(host).status if layer == 1 else call(layer - 1)
                if status == 200:
                    break
            return status

        call(LAYERS)
        self.assertEqual(len(upstream.requests), TRIES ** LAYERS)

    def test_a_request_that_an_outer_layer_repeats_is_made_once(self):
        upstream = self.enterContext(Upstream(scripts.unavailable()))
        *_, outer = self.chain(upstream.endpoint)
        fetch(outer.address, headers={"fusegate-attempt": "2;reason=bad_response"})
        self.assertEqual(len(upstream.requests), 1, "the word reaches the innermost layer")


if __name__ == "__main__":
    unittest.main()
