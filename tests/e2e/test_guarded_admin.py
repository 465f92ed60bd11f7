"""Who may use the admin listener and the status listener, and what bad clients of theirs can do to others."""

import resource
import time
import unittest

from support import Client, CommandCase, Daemon, Upstream, fetch, refused, scaled, single, wait_until
from support.client import _connect, encode

CHANGES = ("/upstreams/up/breaker/open", "/upstreams/up/breaker/close", "/upstreams/up/breaker/auto", "/reload",
           "/log-level", "/drain", "/quitquitquit")
READS = ("/", "/upstreams", "/upstreams/up", "/routes", "/transitions", "/config", "/server_info", "/metrics", "/livez", "/readyz")
PLACES = 64  # Connections that a listener has at once.


class GuardedCase(unittest.TestCase):
    def setUp(self):
        self.upstream = self.enterContext(Upstream())
        self.daemon = self.enterContext(Daemon(single(self.upstream)))
        self.port = self.daemon.admin.rpartition(":")[2]

    def ask(self, method, path, headers=(), host=None):
        return fetch(self.daemon.admin, method, path, [("host", host or self.daemon.admin), *headers])


class Check(CommandCase):
    def test_an_admin_address_that_others_can_reach_is_refused(self):
        for address in ("0.0.0.0:9901", "[::]:9901", "10.1.2.3:9901", "[fe80::1]:9901", "[::ffff:127.0.0.1]:9901"):
            with self.subTest(address):
                text = f'admin: {{ listen: "{address}" }}\nupstreams: {{ a: {{ url: http://a }} }}\n'
                self.assertIn("stdin:1:18: error: admin.listen: the admin listener changes things and has no password",
                              self.diagnostics(1, "-c", "-", "check", stdin=text))
        done = self.expect(1, "--admin-listen", "0.0.0.0:9901", "-c", "-", "check", stdin="upstreams: { a: { url: http://a } }\n")
        self.assertIn("command line: error: admin.listen", done.stderr)

    def test_loopback_and_sockets_are_taken(self):
        for address in ("127.0.0.1:9901", "127.9.9.9:9901", "[::1]:9901", "unix:/run/fusegate/admin.sock", "off"):
            with self.subTest(address):
                self.expect(0, "-c", "-", "check",
                            stdin=f'admin: {{ listen: "{address}" }}\nupstreams: {{ a: {{ url: http://a }} }}\n')


class Admin(GuardedCase):
    def breaker(self):
        return self.daemon.breaker()

    def test_a_name_that_was_pointed_at_loopback_is_refused(self):
        hosts = ("evil.test", f"evil.test:{self.port}", f"localhost.evil.test:{self.port}", f"127.0.0.1.evil.test:{self.port}",
                 "127.0.0.1@evil.test", "10.0.0.1", "0.0.0.0", "[::]", "[::2]", "2130706433", "0x7f.1", "127.1", "")
        for host in hosts:
            for method, path in (("GET", "/config"), ("HEAD", "/"), ("POST", CHANGES[0])):
                with self.subTest(host, method=method):
                    response = fetch(self.daemon.admin, method, path, [("host", host)])
                    self.assertIn(response.status, (400, 403))
                    self.assertNotIn(b"url", response.body)
        self.assertEqual(self.breaker(), "closed")

    def test_a_request_without_a_host_or_with_two_is_refused(self):
        self.assertEqual(fetch(self.daemon.admin, target="/config", host=None).status, 403)
        self.assertEqual(fetch(self.daemon.admin, target="/config", host=None, version="1.0").status, 403)
        twice = [("host", "localhost"), ("host", "evil.test")]
        self.assertEqual(fetch(self.daemon.admin, target="/config", headers=twice).status, 400)
        self.assertEqual(fetch(self.daemon.admin, target="/config", headers=twice[::-1]).status, 400)

    def test_names_of_loopback_are_answered(self):
        for host in ("localhost", "LOCALHOST", "127.0.0.1", "[::1]"):
            for suffix in ("", f":{self.port}", ":1"):  # A forwarded port is another one.
                with self.subTest(host + suffix):
                    self.assertEqual(self.ask("GET", "/config", host=host + suffix).status, 200)

    def test_pages_of_other_sites_are_refused(self):
        own = f"http://{self.daemon.admin}"
        foreign = [[("origin", value)] for value in ("http://evil.test", "null", "http://localhost:1", "https://evil.test:9901",
                                                     "file://", f"http://evil.test/{self.daemon.admin}")]
        foreign += [[("sec-fetch-site", value)] for value in ("cross-site", "same-site", "anything")]
        foreign += [[("origin", own), ("sec-fetch-site", "cross-site")], [("origin", "http://evil.test"), ("sec-fetch-site", "none")]]
        for headers in foreign:
            for method, path in (("GET", "/config"), ("HEAD", "/upstreams"), ("POST", CHANGES[0])):
                with self.subTest(headers, method=method):
                    self.assertEqual(self.ask(method, path, headers).status, 403)
        self.assertEqual(self.breaker(), "closed")

    def test_the_own_page_and_tools_are_answered(self):
        own = f"http://{self.daemon.admin}"
        for headers in ([], [("origin", own)], [("sec-fetch-site", "same-origin")], [("sec-fetch-site", "none")],
                        [("origin", own), ("sec-fetch-site", "same-origin")]):
            with self.subTest(headers):
                self.assertEqual(self.ask("GET", "/upstreams", headers).status, 200)
                self.assertEqual(self.ask("POST", CHANGES[1], headers).status, 200)

    def test_what_changes_something_answers_post_only_and_what_reads_get_and_head_only(self):
        for path in CHANGES:
            for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
                with self.subTest(path, method=method):
                    response = self.ask(method, path)
                    self.assertEqual((response.status, response.header("allow")), (405, "POST"))
        for path in READS:
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                with self.subTest(path, method=method):
                    response = self.ask(method, path)
                    self.assertEqual((response.status, response.header("allow")), (405, "GET, HEAD"))
        self.assertEqual(self.breaker(), "closed")

    def test_answers_are_not_for_other_pages(self):
        response = self.ask("GET", "/config")
        self.assertEqual(response.header("cache-control"), "no-store")
        self.assertEqual(response.header("x-content-type-options"), "nosniff")
        self.assertIsNone(response.header("access-control-allow-origin"))

    def test_heads_and_bodies_are_bounded(self):
        for address in (self.daemon.admin, self.daemon.status):
            with self.subTest(address):
                big = fetch(address, target="/livez", headers=[("host", "localhost"), ("x-a", "x" * 9000)])
                self.assertEqual(big.status, 431)
                self.assertEqual(fetch(address, target="/" + "p" * 9000, host="localhost").status, 431)
                with Client(address) as client:
                    client.send("POST /reload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n")
                    self.assertEqual(client.read().status, 413)
                with Client(address) as client:
                    client.send("POST /reload HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
                    client.send(b"2000\r\n" + b"x" * 0x2000)
                    self.assertEqual(client.read().status, 413)
        self.assertEqual(fetch(self.daemon.status, target="/livez").status, 200)


class AdminSocket(unittest.TestCase):
    def test_any_host_may_be_named_and_no_foreign_origin(self):
        with Upstream() as upstream, Daemon(single(upstream)) as first:
            address = f"unix:{first.directory}/admin.sock"
            with Daemon({**single(upstream), "admin": {"listen": address}}) as daemon:
                for host in ("localhost", "anything", "evil.test"):
                    self.assertEqual(fetch(daemon.admin, target="/config", headers=[("host", host)]).status, 200)
                self.assertEqual(fetch(daemon.admin, headers=[("host", "a"), ("origin", "http://evil.test")]).status, 403)


class Status(GuardedCase):
    def test_answers_get_and_head_only_and_tells_nothing_of_the_inside(self):
        for path in ("/livez", "/healthz", "/readyz", "/startupz", "/metrics"):
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "MADEUP"):
                with self.subTest(path, method=method):
                    response = fetch(self.daemon.status, method, path)
                    self.assertIn(response.status, (400, 405))
                    if response.status == 405:
                        self.assertEqual(response.header("allow"), "GET, HEAD")
        for path in ("/config", "/upstreams", "/routes", "/server_info", "/transitions", *CHANGES):
            for method in ("GET", "POST"):
                with self.subTest(path, method=method):
                    self.assertEqual(fetch(self.daemon.status, method, path).status, 404)


class Flood(GuardedCase):
    """Clients that never finish, more than there are places, on both listeners."""

    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))

    def occupy(self, count, start):
        for address in (self.daemon.status, self.daemon.admin):
            for _ in range(count):
                sock = self.enterContext(_connect(address, scaled(5)))
                sock.sendall(start)
                yield sock

    def assert_served(self):
        begun = time.monotonic()
        for _ in range(20):
            self.assertEqual(fetch(self.daemon.status, target="/metrics").status, 200)
            self.assertEqual(fetch(self.daemon.status, target="/readyz").status, 200)
            self.assertEqual(self.ask("GET", "/upstreams").status, 200)
            self.assertEqual(fetch(self.daemon.address).status, 200)
        # Were each to wait until a place had timed out, this would take minutes.
        self.assertLess(time.monotonic() - begun, scaled(30))

    def test_heads_that_never_end_keep_nobody_out(self):
        # More than places and backlog together: were they to wait for each other, connecting would time out.
        held = list(self.occupy(6 * PLACES, b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nx-slow: "))
        self.assert_served()
        for sock in held[-5:]:
            try:
                sock.sendall(b"x")  # Drop by drop does not extend the time.
            except OSError:
                pass
        wait_until(lambda: self.daemon.fd_count() < 40, 15, "an end of every slow connection")
        self.assertTrue(held)

    def test_answers_that_nobody_reads_keep_nobody_out(self):
        request = encode("GET", "/metrics", host="localhost") * 2
        held = list(self.occupy(PLACES + 8, request))
        self.assert_served()
        self.assertTrue(held)

    def test_connections_that_say_nothing_are_closed(self):
        held = list(self.occupy(8, b""))
        for sock in held:
            sock.settimeout(scaled(15))
            self.assertEqual(sock.recv(1), b"")

    def test_data_plane_is_as_fast_as_ever(self):
        held = list(self.occupy(2 * PLACES, b"GET / HTTP/1.1\r\n"))
        with Client(self.daemon.address) as client:
            for _ in range(200):
                self.assertEqual(client.request().status, 200)
        self.assertTrue(held)
        self.assertFalse(refused(self.daemon.status))


if __name__ == "__main__":
    unittest.main()
