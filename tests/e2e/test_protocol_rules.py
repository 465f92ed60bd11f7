"""What a client can claim, and what it cannot: paths against routes, fields that only trusted peers
may set, and texts on their way into logs and replies."""

import json
import unittest

from support import Client, Daemon, Upstream, fetch, many, scripts, single, wait_until
from support.client import chunked, encode

PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}
STRANGERS = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "trust": ["203.0.113.0/24"]}]}

# Spellings of a path under /admin, to one server or another: each falls under its rule or is refused.
ADMIN = ["/admin", "/admin/", "/admin/x", "//admin", "///admin//x", "/./admin", "/x/../admin", "/x/%2e%2e/admin",
         "/x/.%2E/admin", "/%61dmin", "/%61%64%6d%69%6e", "/admin?x", "/admin/../admin/x", "/a/./../admin/.",
         "/admin;a=b", "/admin;a=b/x", "/admin;", "/;a/admin", "/x;y/../admin", "/admin;a=b;c/x", "//;/admin",
         "http://a.test/admin", "http://a.test//admin", "/admin%3Fx/../admin", "/ADMIN/../admin"]
REFUSED = ["/admin%2fx", "/x%2f..%2fadmin", "/admin%5cx", "\\admin", "/\\admin", "/x\\..\\admin", "/admin%00", "/admin%0a",
           "/admin#", "/admin#/..", "/..;/admin", "/x/..;/admin", "/x/.;/admin", "/x/..;a=b/admin", "/../admin", "/admin/%",
           "/admin%zz", "/%2e%2e/admin", "/x/%2e%2e;/admin", "admin", "/admin\x7f", "/admin%c0%af%2f"]
# These are other resources to every server that holds to RFC 3986.
OTHER = ["/", "/administrator", "/ADMIN", "/x/admin", "/admin/../x", "/admin/..", "/%2561dmin", "/admin%3Ba", "/admin.",
         "/admin%20", "/x?/admin", "/x;/admin", "/x;/../y;admin"]


class PathsAgainstRoutes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.guarded, cls.open = (cls.enterClassContext(Upstream()) for _ in range(2))
        routes = [{"match": "/admin", "upstream": "guarded"}, {"match": "/", "upstream": "open"}]
        cls.daemon = cls.enterClassContext(Daemon(many({"guarded": cls.guarded, "open": cls.open}, routes, **PLAIN)))

    def ask(self, target):
        before = len(self.guarded.requests), len(self.open.requests)
        status = fetch(self.daemon.address, target=target).status
        seen = self.guarded.requests[before[0]:], self.open.requests[before[1]:]
        return status, *([r.target for r in requests] for requests in seen)

    def test_every_spelling_of_a_path_falls_under_its_rule(self):
        for target in ADMIN:
            with self.subTest(target):
                status, guarded, other = self.ask(target)
                self.assertEqual((status, len(guarded), other), (200, 1, []))

    def test_the_upstream_gets_the_path_as_it_came(self):
        for target in ADMIN:
            if not target.startswith("http"):
                self.assertEqual(self.ask(target)[1], [target])

    def test_what_servers_read_differently_is_refused(self):
        for target in REFUSED:
            with self.subTest(target):
                self.assertEqual(self.ask(target), (400, [], []))

    def test_other_paths_do_not_fall_under_it(self):
        for target in OTHER:
            with self.subTest(target):
                self.assertEqual(self.ask(target), (200, [], [target]))

    def test_a_stripped_prefix_takes_its_parameters_with_it(self):
        route = {"match": "/api", "upstream": "up", "rewrite": {"strip_prefix": True}}
        with Upstream() as upstream, Daemon(single(upstream, routes=[route], **PLAIN)) as daemon:
            for target, seen in (("/api;v=1/x;w=2?q", "/x;w=2?q"), ("/api;v=1", "/"), ("/;u/api/x", "/x"),
                                 ("/api/x;v", "/x;v"), ("/api/../api;v/x", "/x")):
                self.assertEqual(fetch(daemon.address, target=target).status, 200, target)
                self.assertEqual(upstream.last.target, seen)

    def test_a_rule_on_a_field_looks_at_all_of_its_values(self):
        routes = [{"match": {"headers": {"x-role": "admin"}}, "upstream": "guarded"}, {"match": "/", "upstream": "open"}]
        with Daemon(many({"guarded": self.guarded, "open": self.open}, routes, **PLAIN)) as daemon:
            for fields in ([("x-role", "admin")], [("x-role", "user"), ("x-role", "admin")],
                           [("X-ROLE", "admin"), ("x-role", "user")]):
                before = len(self.guarded.requests)
                fetch(daemon.address, headers=fields)
                self.assertEqual(len(self.guarded.requests), before + 1, fields)


SPOOFED = [("x-forwarded-for", "192.0.2.66"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.test"),
           ("x-forwarded-port", "66666"), ("x-forwarded-server", "evil"), ("fusegate-attempt", "66666"),
           ("fusegate-attempts", "66666"), ("fusegate-retry", "never"), ("fusegate-reason", "evil"), ("fusegate-other", "66666"),
           ("x-envoy-attempt-count", "66666"), ("x-envoy-expected-rq-timeout-ms", "66666"), ("x-envoy-internal", "evil"),
           ("x-envoy-upstream-rq-timeout-ms", "66666"), ("x-envoy-retry-on", "evil"), ("x-envoy-overloaded", "evil"),
           ("x-envoy-fault-abort-request", "66666"), ("x-envoy-fault-delay-request", "66666"), ("grpc-timeout", "66666m")]
MARK = ("66666", "evil", "192.0.2.66", "https", "never")


class Spoofing(unittest.TestCase):
    def start(self, script=None, **settings):
        upstream = self.enterContext(Upstream(script))
        daemon = self.enterContext(Daemon({**single(upstream, **{**PLAIN, **settings}), **STRANGERS}))
        return daemon, upstream

    def assert_clean(self, upstream):
        for name, value in upstream.last.headers + upstream.last.trailers:
            self.assertFalse(any(mark in value for mark in MARK), f"{name}: {value}")

    def test_no_claim_of_a_stranger_travels_in_any_spelling(self):
        daemon, upstream = self.start()
        for name, value in SPOOFED:
            spellings = {name, name.upper(), name.title(), name.replace("-", "_"), name.replace("-", "_", 1)}
            for spelling in spellings:
                with self.subTest(spelling):
                    self.assertEqual(fetch(daemon.address, headers=[(spelling, value)]).status, 200)
                    self.assert_clean(upstream)
                    fetch(daemon.address, headers=[(spelling, value), ("x", "1"), (spelling, value)])
                    self.assert_clean(upstream)

    def test_no_claim_travels_as_a_trailer(self):
        daemon, upstream = self.start()
        for field in SPOOFED:
            with self.subTest(field[0]), Client(daemon.address) as client:
                client.send(encode("POST", "/", {"transfer-encoding": "chunked"}) + chunked(b"x", trailers=[field]))
                self.assertEqual(client.read().status, 200)
                self.assert_clean(upstream)

    def test_connection_cannot_name_away_what_we_say(self):
        daemon, upstream = self.start()
        before = fetch(daemon.address) and upstream.last.headers.names()
        for name in set(before) - {"host"}:
            with self.subTest(name):
                self.assertEqual(fetch(daemon.address, headers=[("connection", name)]).status, 200)
                self.assertIn(name, upstream.last.headers.names())

    def test_deadlines_of_a_stranger_have_no_effect(self):
        daemon, upstream = self.start(scripts.after(0.05))
        for field in (("x-envoy-expected-rq-timeout-ms", "1"), ("grpc-timeout", "1m"), ("grpc-timeout", "1n")):
            self.assertEqual(fetch(daemon.address, headers=[field]).status, 200)

    def test_a_stranger_cannot_forbid_retries_or_ask_for_faults(self):
        for fields in ([("fusegate-attempt", "2;reason=reset")], [("fusegate-retry", "never")],
                       [("x-envoy-fault-abort-request", "418")]):
            with self.subTest(fields):
                daemon, upstream = self.start(scripts.sequence(scripts.reply(b"", 503), scripts.reply(b"fine")), retries=1,
                                              retry={"backoff": {"kind": "constant", "initial": "1ms"}})
                self.assertEqual(fetch(daemon.address, headers=fields).body, b"fine")
                self.assertEqual(len(upstream.requests), 2)

    def test_an_upstream_cannot_speak_for_us(self):
        lies = {"fusegate-reason": "evil", "fusegate-attempts": "66666", "fusegate-attempt": "66666", "set-cookie": "a=b"}
        daemon, _ = self.start(scripts.reply(b"x", headers=lies))
        headers = fetch(daemon.address).headers
        self.assertEqual([name for name in headers.names() if name.startswith("fusegate")], [])
        self.assertEqual(headers.get("set-cookie"), "a=b")


class Injection(unittest.TestCase):
    """Texts of strangers in logs and replies: each line stays one JSON object."""

    NASTY = ["/%0aFAKE", "/?x=%0d%0aset-cookie:%20a=b", '/"}', "/'\"`$(x)", "/{\"ts\":1}", "/%1b[31m?%1b", "/%e2%80%a8", "/" + "a" * 4000,
             "/%22%2c%22status%22:200", "/a;b?c#d", "/%c3%28", "/%ff"]
    FIELDS = [("user-agent", "\"}\\"), ("user-agent", "caf\xe9\xff"), ("x-request-id", "\"},{\""), ("x-request-id", "a b"),
              ("x-request-id", "x" * 300), ("traceparent", "00-\"-1-01"), ("referer", "{}"), ("host", "a%22%7d.test")]

    def test_every_line_of_the_log_is_one_object(self):
        with Upstream() as upstream, Daemon(single(upstream, **PLAIN)) as daemon:
            sent = 0
            for target in self.NASTY:
                fetch(daemon.address, target=target)
                sent += 1
            for field in self.FIELDS:
                response = fetch(daemon.address, headers=[field])
                self.assertEqual(response.status, 200)
                sent += 1
            lines = wait_until(lambda: (found := daemon.access_log()) and len(found) >= sent and found, what="the log")
            self.assertEqual(len(lines), sent)
            for byte in daemon.stdout() + daemon.stderr():
                self.assertTrue(byte == "\n" or byte >= " ", repr(byte))

    def test_what_was_refused_is_told_without_its_bytes(self):
        with Upstream() as upstream, Daemon(single(upstream, **PLAIN)) as daemon:
            bad = [b"G\x1b[31m /\x1b HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\nx: \x1b]0;evil\x07\r\n\r\n",
                   b"GET /<script> HTTP/1.1\r\nhost: <script>\r\n\r\n", b"GET / HTTP/1.1\r\nhost: \"},{\"evil\r\n\r\n"]
            for data in bad:
                with Client(daemon.address) as client:
                    client.send(data)
                    response = client.read()
                    self.assertEqual(response.status, 400)
                    for mark in (b"evil", b"script", b"\x1b"):
                        self.assertNotIn(mark, response.body)
                    json.loads(response.body)
            self.assertEqual(len(daemon.access_log(len(bad))), len(bad))

    def test_an_id_is_kept_only_if_it_is_visible_ascii(self):
        with Upstream() as upstream, Daemon(single(upstream, **PLAIN)) as daemon:
            fetch(daemon.address, headers=[("x-request-id", "Abc-1.2_3")])
            self.assertEqual(upstream.last.header("x-request-id"), "Abc-1.2_3")
            for bad in ("a b", "a\tb", "caf\xe9", "x" * 129):
                fetch(daemon.address, headers=[("x-request-id", bad)])
                self.assertRegex(upstream.last.header("x-request-id"), r"^[0-9a-f-]{36}$")


if __name__ == "__main__":
    unittest.main()
