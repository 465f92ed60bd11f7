"""Breakers that shed, only watch, or look at latency; and the operator's word over the admin listener."""

import json
import threading
import time
import unittest

from support import Client, Daemon, Upstream, fetch, run_load, scripts, single, wait_until

NO_RETRY = {"retries": 0, "ejection": {"enabled": False}}


class Capacity:
    """Serves at most so many requests in each tenth of a second, and answers 503 to the rest."""

    def __init__(self, per_second):
        self.per_second, self.lock = per_second, threading.Lock()
        self.slot = self.used = self.good = 0

    def __call__(self, exchange):
        with self.lock:
            slot = int(time.monotonic() * 10)
            if slot != self.slot:
                self.slot, self.used = slot, 0
            self.used += 1
            good = self.used <= self.per_second / 10
            self.good += good
        exchange.reply(200 if good else 503, b"")


class ModeCase(unittest.TestCase):
    def start(self, script=None, top=None, **settings):
        upstream = self.enterContext(Upstream(script))
        config = {**single(upstream, **{**NO_RETRY, **settings}), **(top or {})}
        return self.enterContext(Daemon(config)), upstream

    def page(self, daemon, target, method="GET", **options):
        options.setdefault("host", daemon.admin)
        return fetch(daemon.admin, method, target, **options)

    def breaker(self, daemon):
        return json.loads(self.page(daemon, "/upstreams/up").body)["breaker"]

    def force(self, daemon, word, target=""):
        response = self.page(daemon, f"/upstreams/up/breaker/{word}{target}", "POST")
        self.assertEqual(response.status, 200, response.body)
        return json.loads(response.body)["breaker"]


class Shed(ModeCase):
    def test_an_upstream_at_its_limit_serves_what_it_can(self):
        capacity = Capacity(30)
        daemon, upstream = self.start(capacity, breaker={"mode": "shed"})
        run_load(daemon.address, 100, 3)
        before, sent = capacity.good, len(upstream.requests)
        result = run_load(daemon.address, 100, 6)
        self.assertGreater(result.statuses[200], 0.85 * 30 * 6, str(result))
        self.assertLess(len(upstream.requests) - sent, 0.8 * result.sent, "refused before they cost anything")
        self.assertEqual(capacity.good - before, result.statuses[200])
        self.assertEqual(daemon.breaker(), "ramp")
        daemon.expect_metric(0, "fusegate_rejected_total", reason="breaker_open")
        self.assertGreater(daemon.metric("fusegate_rejected_total", reason="breaker_shed"), 100)
        self.assertLess(self.breaker(daemon)["admitted_share"], 1)

    def test_a_refusal_says_so(self):
        daemon, _ = self.start(scripts.unavailable(), breaker={"mode": "shed"})
        refused = wait_until(lambda: next((r for r in (fetch(daemon.address) for _ in range(10))
                                           if r.header("fusegate-reason")), None), what="a refusal")
        self.assertEqual((refused.status, refused.header("fusegate-reason")), (503, "breaker_shed"))
        self.assertEqual(refused.header("retry-after"), "1")
        self.assertEqual(refused.header("x-envoy-overloaded"), "true")
        self.assertEqual(refused.header("fusegate-retry"), "never;reason=breaker_shed")
        self.assertEqual(json.loads(refused.body)["reason"], "breaker_shed")

    def test_an_outage_gets_few_requests_and_ends_soon_after_it(self):
        daemon, upstream = self.start(scripts.reply(), breaker={"mode": "shed"})
        run_load(daemon.address, 100, 2)
        upstream.script = scripts.unavailable()
        run_load(daemon.address, 100, 3)
        before = len(upstream.requests)
        run_load(daemon.address, 100, 3)
        self.assertLess(len(upstream.requests) - before, 30)
        self.assertGreaterEqual(len(upstream.requests) - before, 2, "one a second, to see the recovery")
        upstream.script = scripts.reply()
        run_load(daemon.address, 100, 8)
        result = run_load(daemon.address, 100, 2)
        self.assertGreater(result.share(200), 0.97, str(result))
        wait_until(lambda: daemon.breaker() == "closed", 8, "the end of shedding")
        moves = lambda **labels: daemon.metric("fusegate_breaker_transitions_total", upstream="up", **labels)
        self.assertEqual(moves(**{"from": "closed", "to": "ramp", "reason": "failure_rate"}), 1)
        self.assertEqual(moves(**{"from": "ramp", "to": "closed", "reason": "ramp_done"}), 1)
        self.assertEqual(moves(to="open"), 0)

    def test_a_retry_that_is_shed_is_a_denied_retry(self):
        daemon, _ = self.start(scripts.unavailable(), breaker={"mode": "shed"}, retries=2,
                               retry={"backoff": {"initial": "1ms", "max": "1ms"}},
                               retry_budget={"min_retries": 10000})
        run_load(daemon.address, 100, 2)
        self.assertGreater(daemon.metric("fusegate_retries_denied_total", reason="breaker_open"), 0)
        lines = daemon.access_log(1, reason="breaker_open", result="failed")
        self.assertEqual(lines[0]["status"], 503)

    def test_few_requests_are_never_shed(self):
        daemon, upstream = self.start(scripts.unavailable(), breaker={"mode": "shed"})
        for _ in range(19):
            self.assertEqual(fetch(daemon.address).body, b"unavailable")
        self.assertEqual(len(upstream.requests), 19)


class Shadow(ModeCase):
    def test_it_tells_what_it_would_have_done_and_refuses_nothing(self):
        daemon, upstream = self.start(scripts.unavailable(), breaker={"mode": "shadow", "open": {"initial": "20s"}})
        answers = [fetch(daemon.address) for _ in range(12)]
        self.assertEqual({a.body for a in answers}, {b"unavailable"})
        self.assertEqual(len(upstream.requests), 12)
        self.assertEqual(daemon.breaker(), "open")
        daemon.expect_metric(7, "fusegate_breaker_shadow_refusals_total", upstream="up")
        daemon.expect_metric(1, "fusegate_breaker_info", upstream="up", mode="shadow")
        daemon.expect_metric(1, "fusegate_breaker_transitions_total", to="open", reason="consecutive_failures")
        self.assertEqual(daemon.metric("fusegate_rejected_total"), 0)
        shown = self.breaker(daemon)
        self.assertEqual((shown["mode"], shown["state"], shown["would_have_refused"]), ("shadow", "open", 7))
        line = next(line for line in daemon.log() if "state" in line["msg"])
        self.assertEqual((line["msg"], line["to"]), ("breaker in shadow mode would have changed state", "open"))

    def test_retries_go_on(self):
        daemon, upstream = self.start(scripts.unavailable(), breaker={"mode": "shadow"}, retries=1)
        for _ in range(8):
            fetch(daemon.address)
        self.assertEqual(len(upstream.requests), 16)
        self.assertEqual(daemon.metric("fusegate_retries_denied_total", reason="breaker_open"), 0)


class SlowRate(ModeCase):
    SLOW = {"slow_rate": {"threshold": "50%", "slower_than": "200ms"},
            "failure_rate": {"min_requests": 10}, "open": {"initial": "20s"}}

    def test_slow_heads_open_it(self):
        daemon, upstream = self.start(scripts.after(0.3), breaker=self.SLOW)
        for _ in range(10):
            self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(fetch(daemon.address).header("fusegate-reason"), "breaker_open")
        self.assertEqual(len(upstream.requests), 10)
        daemon.expect_metric(1, "fusegate_breaker_transitions_total", to="open", reason="slow_rate")
        self.assertEqual(self.breaker(daemon)["reason"], "slow_rate")
        self.assertEqual(self.breaker(daemon)["window"]["slow"], 10)

    def test_slow_bodies_do_not(self):
        def slow_body(exchange):
            exchange.head(200, {"content-length": "4"})
            exchange.send(b"ab")
            time.sleep(0.25)
            exchange.send(b"cd")
        daemon, upstream = self.start(slow_body, breaker={**self.SLOW, "slow_rate": {"threshold": "50%", "slower_than": "240ms"}})
        for _ in range(12):
            self.assertEqual(fetch(daemon.address).body, b"abcd")
        self.assertEqual((len(upstream.requests), daemon.breaker()), (12, "closed"))

    def test_without_it_slow_answers_are_good_answers(self):
        daemon, _ = self.start(scripts.after(0.25), breaker={"slow_rate": {"slower_than": "1ms"}, "failure_rate": {"min_requests": 5}})
        self.assertEqual([fetch(daemon.address).status for _ in range(8)], [200] * 8)
        self.assertEqual(daemon.breaker(), "closed")


class Forcing(ModeCase):
    def test_open_refuses_until_auto(self):
        daemon, upstream = self.start(scripts.reply())
        shown = self.force(daemon, "open")
        self.assertEqual((shown["state"], shown["forced"], shown["until"], shown["reason"]),
                         ("forced_open", "open", None, "operator"))
        refused = fetch(daemon.address)
        self.assertEqual((refused.status, refused.header("fusegate-reason")), (503, "breaker_open"))
        self.assertEqual(refused.header("x-envoy-overloaded"), "true")
        self.assertEqual(int(refused.header("retry-after")), 5)
        self.assertEqual(len(upstream.requests), 0)
        self.assertEqual(daemon.breaker(), "forced_open")
        shown = self.force(daemon, "auto")
        self.assertEqual((shown["state"], shown["forced"]), ("closed", None))
        self.assertEqual(fetch(daemon.address).status, 200)

    def test_it_ends_by_itself(self):
        daemon, _ = self.start(scripts.reply())
        start = time.monotonic()
        shown = self.force(daemon, "open", "?for=2s")
        self.assertIsNotNone(shown["until"])
        self.assertLessEqual(int(fetch(daemon.address).header("retry-after")), 2)
        wait_until(lambda: fetch(daemon.address).status == 200, 5, "the end", step=0.02)
        self.assertGreaterEqual(time.monotonic() - start, 1.9)
        events = json.loads(self.page(daemon, "/transitions").body)["transitions"]
        self.assertEqual([(e["from"], e["to"], e["reason"]) for e in events],
                         [("closed", "forced_open", "operator"), ("forced_open", "closed", "operator")])
        daemon.expect_metric(1, "fusegate_breaker_transitions_total", to="forced_open", reason="operator")
        daemon.expect_metric(1, "fusegate_breaker_transitions_total", reason="operator", **{"from": "forced_open"})
        self.assertGreater(daemon.metric("fusegate_breaker_state_seconds_total", state="forced_open"), 1.5)
        told = wait_until(lambda: [line for line in daemon.log() if line["msg"] == "breaker told by an operator"],
                          what="the log line")
        self.assertEqual((told[0]["upstream"], told[0]["word"], told[0]["for_seconds"]), ("up", "open", 2))

    def test_an_end_without_traffic_is_seen_too(self):
        daemon, _ = self.start(scripts.reply())
        self.force(daemon, "open", "?for=1s")
        time.sleep(1.2)
        wait_until(lambda: daemon.breaker() == "closed", what="a closed breaker")

    def test_close_keeps_an_open_breaker_out_of_the_way_and_judging_begins_anew(self):
        daemon, upstream = self.start(scripts.unavailable(), breaker={"open": {"initial": "20s"}})
        for _ in range(6):
            fetch(daemon.address)
        self.assertEqual(daemon.breaker(), "open")
        shown = self.force(daemon, "close", "?for=1h")
        self.assertEqual((shown["state"], shown["forced"]), ("disabled", "close"))
        before = len(upstream.requests)
        self.assertEqual({fetch(daemon.address).body for _ in range(30)}, {b"unavailable"})
        self.assertEqual(len(upstream.requests) - before, 30)
        self.force(daemon, "auto")
        self.assertEqual(self.breaker(daemon)["window"]["attempts"], 0)
        reasons = [fetch(daemon.address).header("fusegate-reason") for _ in range(6)]
        self.assertEqual(reasons, [None] * 5 + ["breaker_open"])

    def test_it_stands_above_every_mode(self):
        for mode in ("open", "shed", "shadow", "off"):
            with self.subTest(mode):
                daemon, _ = self.start(scripts.reply(), breaker={"mode": mode})
                self.force(daemon, "open")
                self.assertEqual(fetch(daemon.address).header("fusegate-reason"), "breaker_open")
                shown = self.force(daemon, "auto")
                self.assertEqual(shown["state"], "disabled" if mode == "off" else "closed")
                self.assertEqual(fetch(daemon.address).status, 200)

    def test_it_holds_for_every_worker(self):
        daemon, upstream = self.start(scripts.reply(), top={"runtime": {"workers": 3}})
        clients = [self.enterContext(Client(daemon.address)) for _ in range(9)]
        for client in clients:
            self.assertEqual(client.request().status, 200)
        self.force(daemon, "open")
        self.assertEqual({client.request().status for client in clients}, {503})
        self.assertEqual(len(upstream.requests), 9)

    def test_requests_waiting_for_a_retry_are_not_sent_again(self):
        daemon, upstream = self.start(scripts.unavailable(), retries=2,
                                      retry={"backoff": {"initial": "500ms", "max": "500ms", "jitter": "none"}})
        answers = []
        thread = threading.Thread(target=lambda: answers.append(fetch(daemon.address)))
        thread.start()
        wait_until(lambda: len(upstream.requests) == 1, what="the first try")
        self.force(daemon, "open")
        thread.join()
        self.assertEqual(answers[0].body, b"unavailable")
        self.assertEqual(len(upstream.requests), 1)
        daemon.expect_metric(1, "fusegate_retries_denied_total", reason="breaker_open")

    def test_what_it_does_not_understand_it_refuses(self):
        daemon, _ = self.start(scripts.reply())
        path = "/upstreams/up/breaker/open"
        for target, method, status, says in (
                (path, "GET", 405, "POST"), (path + "?for=soon", "POST", 400, "such as 90s, 5m or 2h"),
                (path + "?fro=5m", "POST", 400, "the only parameter"), (path + "?for=48h", "POST", 400, "24h"),
                ("/upstreams/nobody/breaker/open", "POST", 404, "there are: up"),
                ("/upstreams/up/breaker/ajar", "POST", 404, "open, close or auto")):
            with self.subTest(target):
                response = self.page(daemon, target, method)
                self.assertEqual(response.status, status)
                self.assertIn(says, json.loads(response.body)["detail"])
                self.assertEqual(response.header("allow"), "POST" if status == 405 else None)
        self.assertEqual(self.page(daemon, path, "POST", host="evil.example").status, 403)
        self.assertEqual(self.page(daemon, path, "POST", headers={"origin": "http://evil.example"}).status, 403)
        self.assertEqual(daemon.breaker(), "closed")
        self.assertEqual(fetch(daemon.status, "POST", path).status, 404, "not on the status listener")


if __name__ == "__main__":
    unittest.main()
