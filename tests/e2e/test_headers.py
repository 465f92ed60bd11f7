"""The header fields an upstream and a client see."""

import re
import unittest

from support import Client, Daemon, Upstream, fetch, scripts, single

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TRUST_NOBODY = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "trust": ["203.0.113.0/24"]}]}


class HeaderCase(unittest.TestCase):
    def start(self, script=None, top=None, **settings):
        upstream = self.enterContext(Upstream(script))
        daemon = self.enterContext(Daemon({**single(upstream, **settings), **(top or {})}))
        return daemon, upstream


class TowardsTheUpstream(HeaderCase):
    def test_hop_by_hop_fields_are_removed(self):
        daemon, upstream = self.start()
        fetch(daemon.address, headers=[
            ("connection", "close, X-Private"), ("x-private", "secret"), ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"), ("te", "trailers, gzip"), ("x-kept", "1")])
        seen = upstream.last.headers
        for name in ("x-private", "keep-alive", "proxy-connection"):
            self.assertNotIn(name, seen)
        self.assertNotIn("close", seen.tokens("connection"))
        self.assertNotIn("gzip", seen.joined("te"))
        self.assertEqual(seen.get("x-kept"), "1")

    def test_connection_cannot_nominate_fields_the_request_needs(self):
        daemon, upstream = self.start()
        response = fetch(daemon.address, headers=[("connection", "host, content-length, x-forwarded-for, via")])
        if response.status == 200:
            self.assertEqual(upstream.last.header("host"), "example.test")
            self.assertEqual(upstream.last.header("x-forwarded-for"), "127.0.0.1")
            self.assertIn("via", upstream.last.headers)
        else:
            self.assertEqual(response.status, 400)

    def test_via_and_forwarded_fields_are_added(self):
        daemon, upstream = self.start()
        fetch(daemon.address)
        seen = upstream.last
        self.assertRegex(seen.header("via"), r"^1\.1 \S+")
        self.assertEqual(seen.header("x-forwarded-for"), "127.0.0.1")
        self.assertEqual(seen.header("x-forwarded-proto"), "http")
        self.assertEqual(seen.header("x-forwarded-host"), "example.test")

    def test_forwarded_fields_of_a_trusted_peer_are_continued(self):
        daemon, upstream = self.start()
        fetch(daemon.address, headers=[("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https"),
                                       ("x-forwarded-host", "shop.example"), ("via", "1.1 edge")])
        seen = upstream.last.headers
        self.assertEqual([p.strip() for p in seen.joined("x-forwarded-for").split(",")],
                         ["198.51.100.7", "127.0.0.1"])
        self.assertEqual(seen.joined("x-forwarded-proto").split(",")[0].strip(), "https")
        self.assertEqual(seen.joined("x-forwarded-host").split(",")[0].strip(), "shop.example")
        self.assertTrue(seen.joined("via").startswith("1.1 edge, 1.1 "), seen.joined("via"))

    def test_claims_of_an_untrusted_peer_are_dropped(self):
        daemon, upstream = self.start(top=TRUST_NOBODY)
        fetch(daemon.address, headers=[
            ("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "shop.example"),
            ("fusegate-attempt", "2;reason=reset"), ("x-envoy-expected-rq-timeout-ms", "1"),
            ("x-envoy-upstream-rq-timeout-ms", "1"), ("x-envoy-attempt-count", "7")])
        seen = upstream.last
        self.assertEqual(seen.header("x-forwarded-for"), "127.0.0.1")
        self.assertEqual(seen.header("x-forwarded-proto"), "http")
        self.assertEqual(seen.header("x-forwarded-host"), "example.test")
        self.assertNotIn("fusegate-attempt", seen.headers)
        self.assertEqual(seen.header("x-envoy-attempt-count"), "1")
        self.assertGreater(int(seen.header("x-envoy-expected-rq-timeout-ms")), 100)

    def test_request_id_is_kept_or_made(self):
        daemon, upstream = self.start()
        fetch(daemon.address, headers=[("x-request-id", "my-id-17")])
        self.assertEqual(upstream.last.header("x-request-id"), "my-id-17")
        fetch(daemon.address)
        first = upstream.last.header("x-request-id")
        fetch(daemon.address)
        second = upstream.last.header("x-request-id")
        self.assertRegex(first, UUID)
        self.assertNotEqual(first, second)
        logged = [line["request_id"] for line in daemon.access_log(3)]
        self.assertEqual(logged, ["my-id-17", first, second])

    def test_attempts_are_numbered_and_carry_the_reason(self):
        daemon, upstream = self.start(scripts.sequence(scripts.unavailable(close=True), scripts.reset_after_reading, scripts.reply()))
        response = fetch(daemon.address, headers={"x-request-id": "same"})
        self.assertEqual(response.status, 200)
        self.assertEqual(response.header("fusegate-attempts"), "3")
        counts = [r.header("x-envoy-attempt-count") for r in upstream.requests]
        self.assertEqual(counts, ["1", "2", "3"])
        attempts = [r.header("fusegate-attempt") for r in upstream.requests]
        self.assertEqual(attempts, [None, "2;reason=bad_response", "3;reason=no_response"])
        self.assertEqual({r.header("x-request-id") for r in upstream.requests}, {"same"})

    def test_remaining_time_is_told_and_shrinks(self):
        daemon, upstream = self.start(scripts.sequence(scripts.after(0.4, scripts.unavailable()), scripts.reply()),
                                      timeout="4s")
        self.assertEqual(fetch(daemon.address).status, 200)
        first, second = [int(r.header("x-envoy-expected-rq-timeout-ms")) for r in upstream.requests]
        self.assertTrue(0 < first <= 4000, first)
        self.assertTrue(0 < second <= 3600, second)

    def test_end_to_end_fields_pass_unchanged(self):
        daemon, upstream = self.start()
        sent = [("idempotency-key", "k1"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                ("authorization", "Bearer a.b"), ("cookie", "a=1; b=2"), ("x-empty", ""), ("accept", "a/b"), ("accept", "c/d"),
                ("x-latin", "caf\xe9")]
        fetch(daemon.address, headers=sent)
        seen = [(name.lower(), value) for name, value in upstream.last.headers]
        for pair in sent:
            self.assertIn(pair, seen)
        self.assertEqual(upstream.last.headers.all("accept"), ["a/b", "c/d"])

    def test_upper_layer_that_retries_is_respected(self):
        daemon, upstream = self.start(scripts.unavailable())
        response = fetch(daemon.address, headers={"fusegate-attempt": "2;reason=no_response"})
        self.assertEqual(response.status, 503)
        self.assertEqual(len(upstream.requests), 1)
        daemon.expect_metric(1, "fusegate_retries_denied_total", reason="coordinated")
        self.assertNotIn("fusegate-retry", response.headers, "its own tries are left to it")

    def test_the_word_never_is_read_whole(self):
        for value, tries in (("never", 1), ("Never ;reason=x", 1), ("neverland", 3), ("otherwise", 3)):
            daemon, upstream = self.start(scripts.reply(b"", 503, {"fusegate-retry": value}))
            fetch(daemon.address)
            self.assertEqual(len(upstream.requests), tries, value)


class TowardsTheClient(HeaderCase):
    def test_hop_by_hop_fields_are_removed(self):
        daemon, _ = self.start(scripts.reply(b"ok", 200, [
            ("connection", "keep-alive, x-inner"), ("x-inner", "1"), ("keep-alive", "timeout=9"),
            ("proxy-authenticate", "Basic"), ("x-outer", "2")]))
        with Client(daemon.address) as client:
            response = client.request()
            for name in ("x-inner", "keep-alive"):
                self.assertNotIn(name, response.headers)
            self.assertEqual(response.header("x-outer"), "2")
            self.assertEqual(client.request().status, 200)

    def test_close_of_the_upstream_is_not_the_clients_business(self):
        daemon, _ = self.start(scripts.reply(b"ok", 200, {"connection": "close"}))
        with Client(daemon.address) as client:
            for _ in range(3):
                response = client.request()
                self.assertEqual(response.status, 200)
                self.assertNotIn("close", response.headers.tokens("connection"))

    def test_first_try_leaves_no_marks(self):
        daemon, _ = self.start()
        names = fetch(daemon.address).headers.names()
        self.assertFalse([name for name in names if name.startswith(("fusegate-", "x-envoy-"))], names)


if __name__ == "__main__":
    unittest.main()
