"""The breaker of an upstream and the ejection of one endpoint, as clients and operators see them."""

import json
import threading
import time
import unittest

from support import Client, Daemon, Upstream, fetch, fetch_all, many, run_load, scripts, single, wait_until

NO_RETRY = {"retries": 0, "ejection": {"enabled": False}}


def breaker(**keys):
    return {"open": {"initial": "500ms", "max": "500ms", "jitter": "none"},
            "ramp": {"from": "100%", "over": "100ms"}, **keys}


class BreakerCase(unittest.TestCase):
    def start(self, script=None, **settings):
        settings.setdefault("breaker", breaker())
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon(single(upstream, **{**NO_RETRY, **settings}))), upstream

    def trip(self, daemon, upstream):
        upstream.script = scripts.unavailable()
        for _ in range(20):
            response = fetch(daemon.address)
            if response.header("fusegate-reason") == "breaker_open":
                return response
        self.fail("the breaker did not open")


class Opening(BreakerCase):
    def test_five_failures_open_it(self):
        daemon, upstream = self.start(scripts.unavailable())
        answers = [fetch(daemon.address) for _ in range(8)]
        self.assertEqual(len(upstream.requests), 5)
        self.assertEqual([a.header("fusegate-reason") for a in answers], [None] * 5 + ["breaker_open"] * 3)
        self.assertEqual(daemon.breaker(), "open")

    def test_each_kind_of_upstream_fault_opens_it(self):
        for name, script in (("reset", scripts.reset_after_reading), ("garbage", scripts.raw(b"what\r\n\r\n", close=True)),
                             ("500", scripts.reply(b"", 500)), ("end", scripts.close_after_reading)):
            with self.subTest(name):
                daemon, upstream = self.start(script)
                for _ in range(8):
                    fetch(daemon.address)
                self.assertEqual((len(upstream.requests), daemon.breaker()), (5, "open"))

    def test_faults_of_the_client_do_not_open_it(self):
        daemon, upstream = self.start(lambda e: e.reply(int(e.request.target[1:]), b""))
        for _ in range(4):
            for status in (400, 401, 404, 409):
                fetch(daemon.address, target=f"/{status}")
        upstream.script = scripts.hang
        for _ in range(8):
            with Client(daemon.address) as client:
                before = len(upstream.requests)
                client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                wait_until(lambda: len(upstream.requests) > before, what="the request upstream")
                client.reset()
        wait_until(lambda: upstream.open == 0, what="the end of the attempts")
        self.assertEqual(daemon.breaker(), "closed")

    def test_refusal_says_why_and_when_to_come_back(self):
        daemon, upstream = self.start(scripts.unavailable(), breaker=breaker(open={"initial": "20s", "jitter": "none"}))
        response = self.trip(daemon, upstream)
        self.assertEqual(response.status, 503)
        self.assertTrue(1 <= int(response.header("retry-after")) <= 20, response.header("retry-after"))
        self.assertEqual(response.header("x-envoy-overloaded"), "true")
        self.assertTrue(response.header("fusegate-retry").startswith("never;reason="))
        problem = json.loads(response.body)
        self.assertEqual((problem["reason"], problem["upstream"]), ("breaker_open", "up"))
        wait_until(lambda: daemon.metric("fusegate_rejected_total", reason="breaker_open") > 0, what="the count")

    def test_refusals_keep_the_connection_and_swallow_the_body(self):
        daemon, upstream = self.start(scripts.unavailable(), breaker=breaker(open={"initial": "20s", "jitter": "none"}))
        self.trip(daemon, upstream)
        with Client(daemon.address) as client:
            for _ in range(3):
                self.assertEqual(client.request("POST", body=b"x" * 10000).status, 503)

    def test_switched_off_it_never_refuses(self):
        daemon, upstream = self.start(scripts.unavailable(), breaker=breaker(mode="off"))
        answers = [fetch(daemon.address) for _ in range(12)]
        self.assertEqual({a.body for a in answers}, {b"unavailable"})
        self.assertEqual(len(upstream.requests), 12)

    def test_failure_rate_opens_it(self):
        rate = {"threshold": "50%", "min_requests": 20, "window": "10s"}
        alternate = scripts.sequence(*[scripts.unavailable(), scripts.reply()] * 30)
        daemon, upstream = self.start(alternate, breaker=breaker(consecutive_failures=0, failure_rate=rate))
        for _ in range(19):
            fetch(daemon.address)
        self.assertEqual(daemon.breaker(), "closed")
        for _ in range(6):
            fetch(daemon.address)
        self.assertEqual(daemon.breaker(), "open")
        wait_until(lambda: daemon.metric("fusegate_breaker_transitions_total", reason="failure_rate") >= 1, what="the count")


class Recovering(BreakerCase):
    def test_one_probe_at_a_time_under_a_crowd(self):
        daemon, upstream = self.start(scripts.unavailable())
        self.trip(daemon, upstream)
        before = len(upstream.requests)
        upstream.script = scripts.after(0.6)
        time.sleep(0.6)
        results = fetch_all(daemon.address, 100)
        statuses = [r[0].status for r in results if not isinstance(r, Exception)]
        self.assertEqual(len(statuses), 100, [r for r in results if isinstance(r, Exception)][:3])
        self.assertEqual(len(upstream.requests) - before, 1)
        self.assertEqual((statuses.count(200), statuses.count(503)), (1, 99))

    def test_three_good_probes_close_it(self):
        daemon, upstream = self.start(scripts.unavailable())
        self.trip(daemon, upstream)
        upstream.script = scripts.reply()
        self.assertEqual(daemon.breaker(), "open")
        time.sleep(0.6)
        self.assertEqual([fetch(daemon.address).status for _ in range(3)], [200] * 3)
        wait_until(lambda: daemon.breaker() == "closed", what="a closed breaker")
        self.assertEqual([fetch(daemon.address).status for _ in range(20)], [200] * 20)
        daemon.expect_metric(3, "fusegate_breaker_probes_total", result="ok")

    def test_failed_probe_opens_it_again(self):
        daemon, upstream = self.start(scripts.unavailable())
        self.trip(daemon, upstream)
        before = len(upstream.requests)
        time.sleep(0.6)
        fetch(daemon.address)
        self.assertEqual(fetch(daemon.address).header("fusegate-reason"), "breaker_open")
        self.assertEqual(len(upstream.requests) - before, 1)
        daemon.expect_metric(1, "fusegate_breaker_probes_total", result="failed")

    def test_probe_that_hangs_is_no_wedge(self):
        daemon, upstream = self.start(scripts.unavailable(), timeout="400ms")
        self.trip(daemon, upstream)
        upstream.script = scripts.hang
        time.sleep(0.6)
        self.assertEqual(fetch(daemon.address).status, 504)
        upstream.script = scripts.reply()
        wait_until(lambda: [fetch(daemon.address).status for _ in range(5)] == [200] * 5, 10, "recovery", step=0.1)

    def test_retry_after_of_the_upstream_holds_it_open(self):
        daemon, upstream = self.start(scripts.unavailable(2))
        start = time.monotonic()
        for _ in range(6):
            fetch(daemon.address)
        upstream.script = scripts.reply()
        wait_until(lambda: fetch(daemon.address).status == 200, 10, "recovery", step=0.05)
        self.assertGreaterEqual(time.monotonic() - start, 1.9)

    def test_its_life_is_in_the_metrics(self):
        daemon, upstream = self.start(scripts.unavailable())
        self.trip(daemon, upstream)
        now = time.time()
        until = daemon.metric("fusegate_breaker_open_until_timestamp_seconds", upstream="up")
        self.assertTrue(now - 1 < until < now + 1, until - now)
        upstream.script = scripts.reply()
        time.sleep(0.6)
        for _ in range(3):
            fetch(daemon.address)
        wait_until(lambda: daemon.breaker() == "closed", what="a closed breaker")
        moves = lambda **labels: daemon.metric("fusegate_breaker_transitions_total", upstream="up", **labels)
        self.assertEqual(moves(**{"from": "closed", "to": "open", "reason": "consecutive_failures"}), 1)
        self.assertEqual(moves(**{"from": "open", "to": "half_open", "reason": "wait_elapsed"}), 1)
        self.assertEqual(moves(**{"from": "half_open", "reason": "probes_ok"}), 1)
        self.assertGreater(daemon.metric("fusegate_breaker_state_seconds_total", state="open"), 0.4)
        daemon.expect_metric(0, "fusegate_breaker_open_until_timestamp_seconds")
        reasons = [event["reason"] for event in json.loads(fetch(daemon.admin, target="/transitions", host=daemon.admin).body)["transitions"]]
        self.assertIn("consecutive_failures", reasons)


class Ejection(unittest.TestCase):
    def test_one_failing_endpoint_of_three_is_taken_out_unnoticed(self):
        ups = [self.enterContext(Upstream(scripts.reply())) for _ in range(2)]
        bad = self.enterContext(Upstream(scripts.unavailable()))
        # Round robin, because the other pickers avoid a failing endpoint before it is ejected.
        daemon = self.enterContext(Daemon(many({"up": [*ups, bad]}, balance="round_robin")))
        result = run_load(daemon.address, 200, 3)
        self.assertEqual(result.statuses, {200: result.sent}, str(result))
        daemon.expect_metric(1, "fusegate_endpoint_ejections_total")
        self.assertLess(len(bad.requests), 40)
        self.assertEqual(daemon.breaker(), "closed")

    def test_pickers_by_load_avoid_a_failing_endpoint(self):
        # It answers fastest, so a picker that looks at load alone would prefer it.
        for balance in ("p2c", "least_requests"):
            with self.subTest(balance):
                good = self.enterContext(Upstream(scripts.after(0.01)))
                bad = self.enterContext(Upstream(scripts.unavailable()))
                daemon = self.enterContext(Daemon(many({"up": [good, bad]}, balance=balance)))
                result = run_load(daemon.address, 100, 3)
                self.assertEqual(result.statuses, {200: result.sent}, str(result))
                self.assertLess(len(bad.requests), 40)

    def test_last_endpoint_is_never_taken_out(self):
        up = self.enterContext(Upstream(scripts.unavailable()))
        daemon = self.enterContext(Daemon(single(up, retries=0, breaker={"mode": "off"})))
        for _ in range(30):
            self.assertEqual(fetch(daemon.address).body, b"unavailable")
        self.assertEqual(daemon.metric("fusegate_endpoint_ejections_total"), 0)

    def test_killed_endpoint_comes_back_through_the_ramp(self):
        settings = {"balance": "round_robin", "breaker": {"open": {"initial": "1s", "jitter": "none"}, "ramp": {"from": "10%", "over": "2s"}}}
        stays = [self.enterContext(Upstream(scripts.reply())) for _ in range(2)]
        dies = Upstream(scripts.reply())
        daemon = self.enterContext(Daemon(many({"up": [*stays, dies]}, **settings)))
        results = []
        thread = threading.Thread(target=lambda: results.append(run_load(daemon.address, 150, 8)))
        thread.start()
        time.sleep(1)
        dies.stop()
        time.sleep(2)
        back = self.enterContext(Upstream(scripts.reply(), port=dies.port))
        thread.join()
        self.assertEqual(results[0].statuses, {200: results[0].sent}, str(results[0]))
        self.assertGreater(back.count(), 20)
        times = [r.at for r in back.requests]
        early = sum(1 for t in times if t < times[0] + 1)
        late = sum(1 for t in times if times[-1] - 1 < t)
        self.assertGreater(late, early)


if __name__ == "__main__":
    unittest.main()
