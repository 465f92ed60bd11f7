"""When the upstream has failed a request: a reply of the operator's, or another upstream."""

import time
import unittest

from support import Client, Daemon, Upstream, dead_port, fetch, many, run_load, scripts, single, wait_until
from support.timing import scaled

QUICK = {"breaker": {"mode": "off"}, "ejection": {"enabled": False},
         "retry": {"backoff": {"kind": "constant", "initial": "1ms", "jitter": "none"}},
         "retry_budget": {"percent": "100%", "min_retries": 1000}}


class Reply(unittest.TestCase):
    REPLY = {"status": 200, "headers": {"Content-Type": "application/json", "x-from": "fallback"}, "body": "[]"}

    def start(self, script=None, reply=None, **settings):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon(single(upstream, fallback=reply or self.REPLY, **{**QUICK, **settings}))), upstream

    def expect_reply(self, response, reason):
        self.assertEqual((response.status, response.body), (200, b"[]"))
        self.assertEqual(response.headers.all("content-type"), ["application/json"])
        self.assertEqual((response.header("x-from"), response.header("fusegate-reason")), ("fallback", reason))
        for name in ("retry-after", "fusegate-retry", "x-envoy-overloaded"):
            self.assertNotIn(name, response.headers)

    def test_in_place_of_the_last_bad_answer(self):
        daemon, upstream = self.start(scripts.unavailable(3))
        self.expect_reply(fetch(daemon.address), "bad_response")
        self.assertEqual(len(upstream.requests), 3, "first all tries are made")
        line = daemon.access_line()
        self.assertEqual((line["status"], line["result"], line["reason"], line["attempts"]), (200, "rejected", "bad_response", 3))
        daemon.expect_metric(1, "fusegate_rejected_total", reason="bad_response")
        daemon.expect_metric(1, "fusegate_requests_total", code="200", result="rejected")

    def test_in_place_of_a_word_of_ours(self):
        daemon, _ = self.start(scripts.reset_after_reading)
        self.expect_reply(fetch(daemon.address), "reset")
        daemon, _ = self.start(scripts.hang, timeout="300ms")
        self.expect_reply(fetch(daemon.address), "deadline")
        daemon, _ = self.start(scripts.unavailable(), retries=0, breaker={"mode": "open", "consecutive_failures": 1})
        fetch(daemon.address)
        self.expect_reply(fetch(daemon.address), "breaker_open")

    def test_not_in_place_of_anything_else(self):
        for status in (200, 404, 429, 500):
            daemon, _ = self.start(scripts.reply(b"own", status))
            response = fetch(daemon.address)
            self.assertEqual((response.status, response.body), (status, b"own"))

    def test_a_post_is_answered_but_not_repeated(self):
        daemon, upstream = self.start(scripts.unavailable())
        self.assertEqual(fetch(daemon.address, "POST", body=b"order").body, b"[]")
        self.assertEqual(len(upstream.requests), 1)

    def test_the_connection_goes_on(self):
        daemon, _ = self.start(scripts.unavailable())
        with Client(daemon.address) as client:
            for method in ("GET", "HEAD", "GET"):
                response = client.request(method)
                self.assertEqual((response.status, len(response.body)), (200, 0 if method == "HEAD" else 2))

    def test_an_empty_one(self):
        daemon, _ = self.start(scripts.unavailable(), reply={"status": 204})
        with Client(daemon.address) as client:
            for _ in range(2):
                response = client.request()
                self.assertEqual((response.status, response.body), (204, b""))
                self.assertNotIn("content-length", response.headers)


class OtherUpstream(unittest.TestCase):
    def start(self, script, other=None, target=None, **settings):
        up, spare = self.enterContext(Upstream(script)), self.enterContext(Upstream(other or scripts.reply(b"spare")))
        config = many({"up": target or up, "spare": spare}, **{**QUICK, **settings},
                      routes=[{"name": "main", "match": "/", "upstream": "up", "fallback": {"upstream": "spare"}}])
        return self.enterContext(Daemon(config)), up, spare

    def test_it_answers_when_the_tries_are_used_up(self):
        daemon, up, spare = self.start(scripts.unavailable())
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.body, response.header("fusegate-attempts")), (200, b"spare", "4"))
        self.assertEqual((len(up.requests), len(spare.requests)), (3, 1))
        self.assertEqual(spare.last.header("fusegate-attempt"), "4;reason=bad_response")
        line = daemon.access_line()
        self.assertEqual((line["upstream"], line["result"], line["attempts"]), ("spare", "ok", 4))
        self.assertEqual([t["endpoint"] for t in line["tries"]], [up.authority] * 3 + [spare.authority])
        daemon.expect_metric(3, "fusegate_attempts_total", upstream="up", result="status")
        daemon.expect_metric(1, "fusegate_attempts_total", upstream="spare", result="ok")
        daemon.expect_metric(1, "fusegate_recovered_total")

    def test_the_tries_that_are_left_are_made_there(self):
        daemon, up, spare = self.start(scripts.unavailable(), scripts.sequence(scripts.unavailable(), scripts.reply(b"spare")),
                                       retry_budget={"percent": "0%", "min_retries": 0})
        response = fetch(daemon.address)
        self.assertEqual((len(up.requests), len(spare.requests)), (1, 1), "without any budget there is one try at each")
        self.assertEqual(response.status, 503)
        daemon, up, spare = self.start(None, scripts.sequence(scripts.unavailable(), scripts.unavailable(), scripts.reply(b"spare")),
                                       target=f"http://127.0.0.1:{dead_port()}", retries=4)
        self.assertEqual(fetch(daemon.address).status, 503)
        self.assertEqual(len(spare.requests), 1)

    def test_an_open_breaker_leaves_all_tries_to_it(self):
        daemon, up, spare = self.start(scripts.unavailable(), breaker={"mode": "open", "consecutive_failures": 3})
        fetch(daemon.address)
        self.assertEqual(daemon.breaker(), "open")
        before = len(up.requests)
        spare.script = scripts.sequence(scripts.unavailable(), scripts.reply(b"late"))
        response = fetch(daemon.address, "PUT", body=b"data")
        self.assertEqual((response.status, response.body), (200, b"late"))
        self.assertEqual(len(up.requests), before)
        self.assertEqual(spare.last.body, b"data")
        self.assertEqual(daemon.breaker("spare"), "closed")

    def test_a_body_is_sent_again_whole(self):
        daemon, up, spare = self.start(scripts.unavailable())
        body = bytes(range(256)) * 400
        self.assertEqual(fetch(daemon.address, "PUT", body=body).body, b"spare")
        self.assertEqual([r.body for r in up.requests + spare.requests], [body] * 4)

    def test_what_may_have_been_done_is_not_done_again(self):
        daemon, up, spare = self.start(scripts.reset_after_reading)
        self.assertEqual(fetch(daemon.address, "POST", body=b"order").status, 502)
        self.assertEqual((len(up.requests), len(spare.requests)), (1, 0))
        daemon, up, spare = self.start(None, target=f"http://127.0.0.1:{dead_port()}")
        self.assertEqual(fetch(daemon.address, "POST", body=b"order").body, b"spare", "never sent: every method may")

    def test_a_word_against_trying_again_is_heeded(self):
        daemon, up, spare = self.start(scripts.reply(b"", 503, {"fusegate-retry": "never"}))
        self.assertEqual(fetch(daemon.address).status, 503)
        self.assertEqual(len(spare.requests), 0)

    def test_when_both_fail_the_first_answer_is_given(self):
        daemon, up, spare = self.start(scripts.reply(b"first says", 503), scripts.reset_after_reading)
        response = fetch(daemon.address)
        self.assertEqual((response.status, response.body), (503, b"first says"))
        self.assertEqual(len(spare.requests), 1)
        self.assertEqual(daemon.access_line()["result"], "failed")

    def test_there_is_time_left_for_it(self):
        daemon, up, spare = self.start(scripts.hang, timeout="1600ms", retries=1)
        start = time.monotonic()
        self.assertEqual(fetch(daemon.address).body, b"spare")
        self.assertLess(time.monotonic() - start, scaled(1.5))

    def test_an_outage_under_load_is_bridged(self):
        daemon, up, spare = self.start(scripts.unavailable(), breaker={"mode": "open"})
        result = run_load(daemon.address, 100, 3)
        self.assertEqual(result.statuses[200], result.sent, str(result))
        self.assertEqual(daemon.breaker(), "open")
        self.assertLess(len(up.requests), 60)
        for name in ("up", "spare"):
            wait_until(lambda: daemon.metric("fusegate_attempts_in_flight", upstream=name) == 0, 2, "nothing in flight")


if __name__ == "__main__":
    unittest.main()
