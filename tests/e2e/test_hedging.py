"""A second attempt beside one that is late: when it is made, when not, and what is told of it."""

import threading
import time
import unittest

from support import Client, Daemon, Upstream, dead_port, fetch, many, run_load, scripts, single, wait_until
from support.timing import scaled

BASE = {"ejection": {"enabled": False}, "retries": 2}


class Tail:
    """Answers fast, and every n-th request late."""

    def __init__(self, every, late, fast=0.005):
        self.every, self.late, self.fast = every, late, fast
        self.lock, self.count = threading.Lock(), 0

    def __call__(self, exchange):
        with self.lock:
            self.count += 1
            late = self.count % self.every == 0
        time.sleep(self.late if late else self.fast)
        exchange.reply(200, b"ok")


class HedgeCase(unittest.TestCase):
    def start(self, first, second=None, hedge=None, **settings):
        ups = [self.enterContext(Upstream(first))]
        if second:
            ups.append(self.enterContext(Upstream(second)))
        config = many({"up": ups}, hedge={"enabled": True, "after": "100ms", "max_percent": "100%", **(hedge or {})},
                      balance="round_robin", **{**BASE, **settings})
        return self.enterContext(Daemon(config)), *ups

    def hedges(self, daemon):
        return tuple(daemon.metric("fusegate_hedges_total", result=word) for word in ("won", "lost"))

    def expect_hedges(self, daemon, won, lost):
        wait_until(lambda: self.hedges(daemon) == (won, lost), 3, f"{won} won and {lost} lost")
        wait_until(lambda: daemon.metric("fusegate_attempts_in_flight") == 0, 2, "nothing in flight")
        wait_until(lambda: daemon.metric("fusegate_upstream_connections", state="active") == 0, 2, "no active connection")


class Race(HedgeCase):
    def slow_first(self, slow=None, fast=None):
        """Whichever endpoint is asked first is slow, the other fast."""
        state = {"count": 0}
        lock = threading.Lock()

        def script(exchange):
            with lock:
                state["count"] += 1
                first = state["count"] % 2 == 1
            (slow if first else fast)(exchange)
        return script

    def test_head_that_comes_in_pieces_while_two_run_is_no_answer_before_its_end(self):
        def in_pieces(exchange):
            time.sleep(0.15)
            for piece in (b"HTTP/1.1 200 Fi", b"ne\r\ncontent-", b"length: 6\r\n\r\npieces"):
                exchange.send(piece)
                time.sleep(0.1)
        daemon, *_ = self.start(in_pieces, in_pieces)
        with Client(daemon.address) as client:
            for _ in range(4):
                response = client.request()
                self.assertEqual((response.status, response.body), (200, b"pieces"))

    def test_the_hedge_wins_and_the_other_is_cancelled(self):
        script = self.slow_first(scripts.after(3), scripts.reply(b"hedge"))
        daemon, a, b = self.start(script, script)
        start = time.monotonic()
        response = fetch(daemon.address)
        took = time.monotonic() - start
        self.assertEqual((response.status, response.body, response.header("fusegate-attempts")), (200, b"hedge", "2"))
        self.assertTrue(0.1 <= took < scaled(1), took)
        tries = daemon.access_line()["tries"]
        self.assertEqual([t.get("status") or t["result"] for t in tries], ["cancelled", 200])
        self.assertEqual([t.get("hedge") for t in tries], [None, True])
        self.assertNotEqual(tries[0]["endpoint"], tries[1]["endpoint"])
        second = (a.requests + b.requests)[-1] if (a.requests + b.requests)[-1].at > (a.requests + b.requests)[0].at else a.requests[0]
        self.assertEqual(second.header("fusegate-attempt"), "2;reason=hedge")
        self.expect_hedges(daemon, 1, 0)
        daemon.expect_metric(1, "fusegate_attempts_total", kind="hedge", result="ok")
        daemon.expect_metric(1, "fusegate_attempts_total", kind="first", result="cancelled")
        self.assertEqual(daemon.metric("fusegate_recovered_total"), 0, "nothing had failed")
        self.assertEqual(daemon.metric("fusegate_breaker_failure_ratio"), 0)

    def test_the_first_may_still_win(self):
        script = self.slow_first(scripts.after(0.25, scripts.reply(b"first")), scripts.after(3))
        daemon, *_ = self.start(script, script)
        self.assertEqual(fetch(daemon.address).body, b"first")
        self.expect_hedges(daemon, 0, 1)

    def test_quick_answers_are_not_hedged(self):
        daemon, a, b = self.start(scripts.reply(), scripts.reply())
        with Client(daemon.address) as client:
            for _ in range(20):
                self.assertEqual(client.request().status, 200)
        self.assertEqual(len(a.requests) + len(b.requests), 20)
        self.expect_hedges(daemon, 0, 0)

    def test_a_bad_hedge_leaves_the_first_alone(self):
        for bad in (scripts.unavailable(), scripts.reset_after_reading, scripts.raw(b"junk\r\n\r\n", close=True)):
            script = self.slow_first(scripts.after(0.4, scripts.reply(b"first")), bad)
            daemon, *_ = self.start(script, script)
            self.assertEqual(fetch(daemon.address).body, b"first")
            self.expect_hedges(daemon, 0, 1)

    def test_a_bad_first_leaves_the_hedge_alone(self):
        for bad in (scripts.unavailable(), scripts.reset_after_reading):
            script = self.slow_first(scripts.after(0.2, bad), scripts.after(0.3, scripts.reply(b"hedge")))
            daemon, *_ = self.start(script, script)
            response = fetch(daemon.address)
            self.assertEqual((response.status, response.body), (200, b"hedge"))
            self.expect_hedges(daemon, 1, 0)

    def test_when_both_fail_retries_go_on(self):
        daemon, a, b = self.start(scripts.sequence(scripts.after(0.2, scripts.unavailable()), scripts.reply(b"third")),
                                  scripts.sequence(scripts.after(0.2, scripts.unavailable()), scripts.reply(b"third")))
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.body, response.header("fusegate-attempts")), (200, b"third", "3"))
        self.expect_hedges(daemon, 0, 1)

    def test_when_all_fail_the_last_answer_is_given(self):
        script = scripts.after(0.15, scripts.reply(b"sorry", 503))
        daemon, a, b = self.start(script, script)
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.body), (503, b"sorry"))
        self.assertEqual(len(a.requests) + len(b.requests), 3, "a hedge is one of the tries")

    def test_an_endpoint_that_is_not_there_is_no_hedge(self):
        up = self.enterContext(Upstream(scripts.after(0.3, scripts.reply(b"first"))))
        dead = f"http://127.0.0.1:{dead_port()}"
        daemon = self.enterContext(Daemon(many({"up": [dead, up]}, balance="round_robin", **BASE,
                                               hedge={"enabled": True, "after": "100ms", "max_percent": "100%"})))
        for _ in range(4):
            self.assertEqual(fetch(daemon.address).body, b"first")
        self.assertEqual(len(up.requests), 4)

    def test_both_hanging_end_with_the_deadline(self):
        daemon, a, b = self.start(scripts.hang, scripts.hang, timeout="700ms", retries=0)
        start = time.monotonic()
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.header("fusegate-reason")), (504, "deadline"))
        self.assertGreaterEqual(time.monotonic() - start, 0.69)
        self.assertEqual(len(a.requests) + len(b.requests), 2)
        self.expect_hedges(daemon, 0, 1)

    def test_a_client_that_leaves_ends_both(self):
        daemon, a, b = self.start(scripts.after(0.6), scripts.after(0.6))
        client = Client(daemon.address)
        client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        wait_until(lambda: len(a.requests) + len(b.requests) == 2, 3, "the hedge")
        client.reset()
        self.assertEqual(daemon.access_line()["status"], 499)
        self.expect_hedges(daemon, 0, 1)


class Rules(HedgeCase):
    def expect_one(self, method="GET", body=None, headers=None, **settings):
        daemon, a, b = self.start(scripts.after(0.3), scripts.after(0.3), **settings)
        self.assertEqual(fetch(daemon.address, method, body=body, headers=headers or {}).status, 200)
        self.assertEqual(len(a.requests) + len(b.requests), 1)

    def test_only_listed_methods_without_a_body(self):
        self.expect_one("POST")
        self.expect_one("PUT", b"x", hedge={"methods": ["PUT"]})
        self.expect_one("DELETE")

    def test_never_what_must_not_be_repeated(self):
        self.expect_one(idempotent=False)
        self.expect_one(headers={"fusegate-attempt": "2;reason=reset"})

    def test_only_within_the_retry_budget(self):
        self.expect_one(retry_budget={"percent": "0%", "min_retries": 0})

    def test_only_within_its_own_share(self):
        self.expect_one(hedge={"max_percent": "50%"})  # Half of one request is none.

    def test_only_with_a_free_slot(self):
        self.expect_one(concurrency={"max_in_flight": 1})

    def test_not_while_the_breaker_is_not_closed(self):
        daemon, a, b = self.start(scripts.after(0.3), scripts.after(0.3))
        self.assertEqual(fetch(daemon.admin, "POST", "/upstreams/up/breaker/open", host=daemon.admin).status, 200)
        self.assertEqual(fetch(daemon.address).status, 503)
        daemon, up = self.start(scripts.unavailable(), retries=0,
                                breaker={"consecutive_failures": 2, "open": {"initial": "300ms", "jitter": "none"}})
        for _ in range(2):
            fetch(daemon.address)
        self.assertEqual(daemon.breaker(), "open")
        up.script = scripts.after(0.3)
        time.sleep(0.35)
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(len(up.requests), 3, "a probe is not hedged")

    def test_one_endpoint_is_hedged_too(self):
        daemon, up = self.start(scripts.sequence(scripts.after(2), scripts.reply(b"again")))
        self.assertEqual(fetch(daemon.address).body, b"again")
        self.expect_hedges(daemon, 1, 0)


class Quantile(HedgeCase):
    def test_the_tail_is_cut_at_a_live_quantile(self):
        daemon, *_ = self.start(Tail(33, 0.8), Tail(37, 0.8), hedge={"after": "p90", "max_percent": "10%"})
        run_load(daemon.address, 60, 3)  # It learns what usual is.
        before = sum(self.hedges(daemon))
        result = run_load(daemon.address, 60, 6)
        self.assertEqual(result.statuses[200], result.sent, str(result))
        made = sum(self.hedges(daemon)) - before
        self.assertGreaterEqual(made, 5)
        self.assertLessEqual(made, 0.1 * (result.sent + 180) + 1)
        late = sum(1 for latency in result.latencies if latency > 0.6)
        self.assertLess(late, 0.01 * result.sent + 2, str(result))

    def test_nothing_is_hedged_before_it_is_known(self):
        daemon, a, b = self.start(scripts.after(0.2), scripts.after(0.2), hedge={"after": "p95"})
        for _ in range(3):
            self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(len(a.requests) + len(b.requests), 3)


if __name__ == "__main__":
    unittest.main()
