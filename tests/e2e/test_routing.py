"""Which upstream a request goes to, and that no spelling of a path gets around a rule."""

import unittest

from support import Client, Daemon, Upstream, fetch, scripts


class Routing(unittest.TestCase):
    """Every upstream answers with its own name; `go` says which one a request reached."""

    def start(self, routes, names=("a", "b", "c")):
        self.upstreams = {name: self.enterContext(Upstream(scripts.reply(name.encode()))) for name in names}
        config = {"upstreams": {name: {"url": up.endpoint} for name, up in self.upstreams.items()}, "routes": routes}
        self.daemon = self.enterContext(Daemon(config))

    def go(self, target="/", method="GET", **headers):
        response = fetch(self.daemon.address, method, target,
                         [(name.replace("_", "-"), value) for name, value in headers.items()])
        return response.body.decode() if response.status == 200 else response.status

    def test_hosts_exact_and_wildcard(self):
        self.start([{"match": {"host": ["one.test", "two.test"]}, "upstream": "a"},
                    {"match": {"host": ["*.wild.test"]}, "upstream": "b"}])
        for host in ("one.test", "two.test", "ONE.Test", "one.test:8080", "one.test."):
            with self.subTest(host):
                self.assertEqual(self.go(host=host), "a")
        for host in ("x.wild.test", "y.x.wild.test", "X.WILD.TEST:1"):
            with self.subTest(host):
                self.assertEqual(self.go(host=host), "b")
        for host in ("wild.test", "xwild.test", "three.test", "one.test.evil"):
            with self.subTest(host):
                self.assertEqual(self.go(host=host), 404)

    def test_prefix_matches_whole_segments(self):
        self.start([{"match": {"path_prefix": "/payments"}, "upstream": "a"}])
        for target in ("/payments", "/payments/", "/payments/x", "/payments?x", "/payments//x"):
            with self.subTest(target):
                self.assertEqual(self.go(target), "a")
        for target in ("/paymentsx", "/payment", "/", "/x/payments", "/PAYMENTS"):
            with self.subTest(target):
                self.assertEqual(self.go(target), 404)

    def test_exact_and_regex(self):
        self.start([{"match": {"path": "/exact"}, "upstream": "a"},
                    {"match": {"path_regex": "/v[0-9]+/items"}, "upstream": "b"}])
        self.assertEqual(self.go("/exact"), "a")
        self.assertEqual(self.go("/exact?q=1"), "a")
        self.assertEqual(self.go("/exact/"), 404)
        self.assertEqual(self.go("/v12/items"), "b")
        for target in ("/v/items", "/v1/items/2", "/x/v1/items"):
            with self.subTest(target):
                self.assertEqual(self.go(target), 404)

    def test_methods_and_headers(self):
        self.start([{"match": {"path_prefix": "/", "methods": ["POST", "PUT"], "headers": {"x-tenant": "eu-1"}}, "upstream": "a"},
                    {"match": {"methods": ["POST"]}, "upstream": "b"},
                    {"match": "/", "upstream": "c"}])
        self.assertEqual(self.go("/", "PUT", x_tenant="eu-1"), "a")
        self.assertEqual(self.go("/", "POST", X_Tenant="eu-1"), "a")
        self.assertEqual(self.go("/", "POST", x_tenant="us-1"), "b")
        self.assertEqual(self.go("/", "POST"), "b")
        self.assertEqual(self.go("/", "GET", x_tenant="eu-1"), "c")
        self.assertEqual(self.go("/", "post", x_tenant="eu-1"), "c")

    def test_first_match_wins_in_file_order(self):
        self.start([{"match": "/api/v1", "upstream": "a"}, {"match": "/api", "upstream": "b"},
                    {"match": "/api/v2", "upstream": "c"}])
        self.assertEqual([self.go("/api/v1/x"), self.go("/api/v2/x"), self.go("/api")], ["a", "b", "b"])

    def test_no_spelling_gets_around_a_rule(self):
        self.start([{"match": "/admin", "upstream": "a"}, {"match": "/", "upstream": "b"}])
        for target in ("/admin", "/./admin", "/x/../admin", "/admin/.", "/x/%2e%2e/admin", "/x/.%2E/admin",
                       "/%61dmin", "/%61%64%6d%69%6e/x", "/../admin", "/x/y/../../admin", "/admin/x/..",
                       "//admin", "/x//../admin", "/x/..//admin", "/admin%2fx", "/x/..%2fadmin",
                       "/x/..;/admin", "/x\\..\\admin", "/x/..%5cadmin", "/admin%00",
                       "http://example.test/admin", "http://example.test/x/../admin"):
            with self.subTest(target):
                # A refusal is as good as the right route.
                self.assertIn(self.go(target), ("a", 400, 404))

    def test_dot_segments_cannot_climb_into_an_allowed_prefix(self):
        self.start([{"match": "/public", "upstream": "a"}])
        for target in ("/public/../secret", "/public/%2e%2e/secret", "/public/x/../../secret", "/public/..%2fsecret"):
            with self.subTest(target):
                self.assertIn(self.go(target), (400, 404))
        self.assertEqual(self.go("/public/x/../y"), "a")

    def test_upstream_gets_the_path_as_it_came(self):
        self.start([{"match": "/", "upstream": "a"}])
        for target in ("/a/%7Euser/../b?x=%20y", "/a//b", "/%e2%82%ac?q=a+b&c", "/a?b?c", "/a;p=1/b", "/?"):
            with self.subTest(target):
                self.assertEqual(self.go(target), "a")
                self.assertEqual(self.upstreams["a"].last.target, target)

    def test_strip_prefix(self):
        self.start([{"match": "/svc/a", "upstream": "a", "rewrite": {"strip_prefix": True}}])
        for target, seen in (("/svc/a/x/y?q=1", "/x/y?q=1"), ("/svc/a", "/"), ("/svc/a/", "/"), ("/svc/a?q", "/?q")):
            with self.subTest(target):
                self.assertEqual(self.go(target), "a")
                self.assertEqual(self.upstreams["a"].last.target, seen)

    def test_strip_prefix_never_uncovers_another_authority(self):
        self.start([{"match": "/svc", "upstream": "a", "rewrite": {"strip_prefix": True}}])
        if self.go("/svc//evil.test/x") == "a":
            self.assertFalse(self.upstreams["a"].last.target.startswith("http"), self.upstreams["a"].last.target)
            self.assertTrue(self.upstreams["a"].last.target.startswith("/"))

    def test_host_rewrite(self):
        self.start([{"match": "/keep", "upstream": "a"},
                    {"match": "/up", "upstream": "a", "rewrite": {"host": "upstream"}},
                    {"match": "/name", "upstream": "a", "rewrite": {"host": "inner.test"}}])
        up = self.upstreams["a"]
        for target, host in (("/keep", "example.test"), ("/up", up.authority), ("/name", "inner.test")):
            with self.subTest(target):
                self.assertEqual(self.go(target), "a")
                self.assertEqual(up.last.header("host"), host)
                self.assertEqual(up.last.header("x-forwarded-host"), "example.test")

    def test_routes_of_a_listener(self):
        ups = [self.enterContext(Upstream(scripts.reply(name))) for name in (b"a", b"b")]
        daemon = self.enterContext(Daemon({
            "listeners": [{"name": "one", "address": "127.0.0.1:0", "routes": ["ra"]},
                          {"name": "all", "address": "127.0.0.1:0"}],
            "upstreams": {"a": {"url": ups[0].endpoint}, "b": {"url": ups[1].endpoint}},
            "routes": [{"name": "ra", "match": "/a", "upstream": "a"}, {"name": "rb", "match": "/b", "upstream": "b"}]}))
        self.assertEqual(fetch(daemon.addresses["one"], target="/a").body, b"a")
        self.assertEqual(fetch(daemon.addresses["one"], target="/b").status, 404)
        with Client(daemon.addresses["all"]) as client:
            self.assertEqual([client.request(target=t).body for t in ("/a", "/b", "/a")], [b"a", b"b", b"a"])


if __name__ == "__main__":
    unittest.main()
