"""Plain proxying: lengths, framing, pipelining, old clients, interim responses, unix sockets."""

import hashlib
import json
import os
import tempfile
import unittest

from support import Client, Daemon, Upstream, fetch, scripts, single, wait_until
from support.client import chunked, encode


class ProxyCase(unittest.TestCase):
    def start(self, script=None, config=None, **settings):
        upstream = self.enterContext(Upstream(script))
        daemon = self.enterContext(Daemon(config(upstream) if config else single(upstream, **settings)))
        return daemon, upstream


class Bodies(ProxyCase):
    def test_get_returns_status_headers_and_body(self):
        daemon, upstream = self.start(scripts.reply(b"hello", 200, {"x-app": "one", "content-type": "text/plain"}))
        response = fetch(daemon.address, target="/a/b?q=1")
        self.assertEqual((response.status, response.body), (200, b"hello"))
        self.assertEqual(response.header("x-app"), "one")
        self.assertEqual(response.header("content-length"), "5")
        self.assertEqual((upstream.last.method, upstream.last.target), ("GET", "/a/b?q=1"))
        self.assertEqual(upstream.last.header("host"), "example.test")

    def test_repeated_response_headers_stay_apart(self):
        daemon, _ = self.start(scripts.reply(b"", 200, [("set-cookie", "a=1"), ("set-cookie", "b=2")]))
        self.assertEqual(fetch(daemon.address).headers.all("set-cookie"), ["a=1", "b=2"])

    def test_every_status_is_passed_on(self):
        daemon, _ = self.start(lambda e: e.reply(int(e.request.target[1:]), b"x"), retries=0)
        for status in (200, 201, 206, 301, 400, 401, 404, 409, 418, 429, 500, 501, 507, 599):
            with self.subTest(status=status):
                self.assertEqual(fetch(daemon.address, target=f"/{status}").status, status)

    def test_head_has_the_length_but_no_body(self):
        daemon, _ = self.start(scripts.reply(b"x" * 1234))
        with Client(daemon.address) as client:
            for _ in range(3):
                response = client.request("HEAD")
                self.assertEqual((response.status, response.header("content-length")), (200, "1234"))
            self.assertEqual(client.request("GET").length, 1234)

    def test_post_of_any_length_arrives_whole(self):
        daemon, upstream = self.start(scripts.echo)
        with Client(daemon.address) as client:
            for size in (0, 1, 1023, 65535, 65536, 65537, 262144, 300001):
                with self.subTest(size=size):
                    body = os.urandom(size)
                    seen = json.loads(client.request("POST", "/p", body=body).body)
                    self.assertEqual((seen["length"], seen["sha256"]), (size, hashlib.sha256(body).hexdigest()))
        self.assertEqual(upstream.requests[0].header("content-length"), "0")

    def test_responses_of_any_length_arrive_whole(self):
        daemon, _ = self.start(lambda e: e.reply(200, b"r" * int(e.request.target[1:])))
        with Client(daemon.address) as client:
            for size in (0, 1, 16384, 65535, 65536, 65537, 1000003):
                with self.subTest(size=size):
                    self.assertEqual(client.request(target=f"/{size}").length, size)

    def test_chunked_both_ways_with_trailers(self):
        def answer(exchange):
            scripts.chunks(exchange.request.body, b"tail", trailers=[("x-sum", "abc")],
                           headers={"trailer": "x-sum"})(exchange)
        daemon, upstream = self.start(answer)
        with Client(daemon.address) as client:
            for _ in range(2):
                client.send(encode("POST", "/", {"transfer-encoding": "chunked", "trailer": "x-check"}))
                client.send(chunked(b"one,", b"two," * 1000, b"three", trailers=[("x-check", "yes")]))
                response = client.read()
                self.assertEqual(response.body, b"one," + b"two," * 1000 + b"threetail")
                self.assertEqual(response.framing, "chunked")
                self.assertEqual(response.trailers.get("x-sum"), "abc")
                self.assertEqual(upstream.last.framing, "chunked")
                self.assertEqual(upstream.last.trailers.get("x-check"), "yes")

    def test_204_and_304_have_no_body_and_keep_the_connection(self):
        def answer(exchange):
            status = int(exchange.request.target[1:])
            exchange.head(status, {"content-length": "100", "etag": "v"} if status == 304 else {})
        daemon, _ = self.start(answer)
        with Client(daemon.address) as client:
            for status in (204, 304, 204):
                response = client.request(target=f"/{status}")
                self.assertEqual((response.status, response.length), (status, 0))
                self.assertNotIn("transfer-encoding", response.headers)

    def test_body_until_close_becomes_chunked_on_a_kept_connection(self):
        daemon, _ = self.start(scripts.until_close(b"z" * 100000))
        with Client(daemon.address) as client:
            for _ in range(2):
                response = client.request()
                self.assertEqual((response.length, response.framing), (100000, "chunked"))

    def test_cut_response_is_never_taken_for_a_whole_one(self):
        for reset in (False, True):
            with self.subTest(reset=reset):
                daemon, _ = self.start(scripts.partial(1000, 400, reset))
                with Client(daemon.address) as client:
                    client.send(encode("GET", "/"))
                    data = client.rest()
                self.assertLess(len(data.partition(b"\r\n\r\n")[2]), 1000)
                self.assertEqual(daemon.access_log(1)[0]["result"], "cut")


class Connections(ProxyCase):
    def test_keep_alive_reuses_both_connections(self):
        daemon, upstream = self.start()
        with Client(daemon.address) as client:
            for _ in range(20):
                self.assertEqual(client.request().status, 200)
        self.assertEqual(upstream.connections, 1)

    def test_pipelined_requests_are_answered_in_order(self):
        daemon, upstream = self.start(lambda e: e.reply(200, e.request.target.encode() + e.request.body))
        with Client(daemon.address) as client:
            burst = b"".join(encode("POST" if i % 3 == 0 else "GET", f"/{i}", body=b"b" * i if i % 3 == 0 else None)
                             for i in range(60))
            client.send(burst)
            for i in range(60):
                expected = f"/{i}".encode() + (b"b" * i if i % 3 == 0 else b"")
                self.assertEqual(client.read().body, expected)
        self.assertEqual(upstream.count(), 60)

    def test_connection_close_is_honoured(self):
        daemon, _ = self.start()
        with Client(daemon.address) as client:
            response = client.request(headers={"connection": "close"})
            self.assertIn("close", response.headers.tokens("connection"))
            self.assertTrue(client.closed_within(2))

    def test_closing_before_pipelined_requests_does_not_take_earlier_answers_along(self):
        script = scripts.by_target({"/first": scripts.reply(b"x" * 200_000),
                                    "/cut": scripts.partial(100, 10)})
        daemon, _ = self.start(script, retries=0)
        with Client(daemon.address, receive_buffer=4096) as client:
            body = b"y" * 40_000
            client.send(encode("GET", "/first") + encode("POST", "/cut", body=body) + encode("GET", "/never") * 3)
            wait_until(lambda: daemon.metric("fusegate_requests_total", result="cut") == 1, what="the cut")
            first = client.read()
            self.assertEqual(first.length, 200_000)
            self.assertTrue(client.rest().endswith(b"x" * 10))

    def test_http_1_0_client_gets_a_length_or_the_end(self):
        daemon, upstream = self.start(scripts.chunks(b"one", b"two"))
        with Client(daemon.address) as client:
            response = client.request(version="1.0")
            self.assertEqual((response.body, response.framing), (b"onetwo", "close"))
            self.assertNotIn("transfer-encoding", response.headers)
        self.assertEqual(upstream.last.version, "1.1")

    def test_http_1_0_keep_alive_is_answered(self):
        daemon, _ = self.start()
        with Client(daemon.address) as client:
            for _ in range(2):
                response = client.request(headers={"connection": "keep-alive"}, version="1.0")
                self.assertEqual(response.body, b"ok")
                self.assertIn("keep-alive", response.headers.tokens("connection"))

    def test_half_closed_client_still_gets_its_answer(self):
        daemon, _ = self.start(scripts.after(0.3))
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            client.finish_sending()
            self.assertEqual(client.read().body, b"ok")
            self.assertTrue(client.closed_within(2))

    def test_client_that_aborts_ends_the_upstream_request(self):
        daemon, upstream = self.start(scripts.hang)
        client = Client(daemon.address)
        client.send(encode("GET", "/"))
        wait_until(lambda: upstream.requests, what="the request upstream")
        client.reset()
        wait_until(lambda: upstream.open == 0, what="the end of the upstream connection")
        line = daemon.access_line()
        self.assertEqual((line["status"], line["reason"]), (499, "client_gone"))
        self.assertEqual(len(upstream.requests), 1)

    def test_unix_sockets_on_both_sides(self):
        with tempfile.TemporaryDirectory() as folder:
            upstream = self.enterContext(Upstream(scripts.echo, path=f"{folder}/app.sock"))
            config = {"listen": f"unix:{folder}/proxy.sock", **single(upstream)}
            daemon = self.enterContext(Daemon(config))
            with Client(f"unix:{folder}/proxy.sock") as client:
                for _ in range(3):
                    self.assertEqual(json.loads(client.request("POST", "/u", body=b"abc").body)["length"], 3)
            self.assertEqual(upstream.connections, 1)
            daemon.expect_metric(3, "fusegate_requests_total", code="200")


class Interim(ProxyCase):
    def test_expect_100_continue_waits_for_the_upstream(self):
        @scripts.early
        def answer(exchange):
            exchange.head(100, reason="Continue")
            exchange.read_body()
            exchange.reply(200, exchange.request.body)
        daemon, upstream = self.start(answer)
        with Client(daemon.address) as client:
            for _ in range(2):
                client.send(encode("POST", "/", {"expect": "100-continue", "content-length": "5"}))
                head = client.reader.until(b"\r\n\r\n", "an interim response")
                self.assertTrue(head.startswith(b"HTTP/1.1 100 "), head)
                client.send(b"12345")
                self.assertEqual(client.read().body, b"12345")

    def test_expect_can_be_refused_without_the_body(self):
        @scripts.early
        def answer(exchange):
            exchange.reply(417, b"no")
            exchange.close()
        daemon, _ = self.start(answer)
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"expect": "100-continue", "content-length": "5000000"}))
            self.assertEqual(client.read().status, 417)

    def test_early_hints_are_passed_on(self):
        daemon, _ = self.start(scripts.informational(103, {"link": "</a.css>; rel=preload"}))
        response = fetch(daemon.address)
        self.assertEqual((response.status, [r.status for r in response.informational]), (200, [103]))
        self.assertEqual(response.informational[0].header("link"), "</a.css>; rel=preload")

    def test_interim_responses_do_not_reach_http_1_0_clients(self):
        daemon, _ = self.start(scripts.informational(103, {"link": "x"}))
        self.assertEqual(fetch(daemon.address, version="1.0").informational, [])


class Forms(ProxyCase):
    def test_absolute_form_is_routed_by_its_host(self):
        orders = self.enterContext(Upstream(scripts.echo))
        daemon = self.enterContext(Daemon({
            "upstreams": {"orders": {"url": orders.endpoint}, "other": {"url": "http://127.0.0.1:9"}},
            "routes": [{"match": {"host": ["orders.local"]}, "upstream": "orders"}]}))
        headers = {"host": "orders.local", "proxy-connection": "Keep-Alive", "user-agent": "curl/7.88"}
        response = fetch(daemon.address, target="http://orders.local/v1?x=2", headers=headers)
        self.assertEqual(response.status, 200)
        seen = orders.last
        self.assertEqual((seen.target, seen.header("host")), ("/v1?x=2", "orders.local"))
        self.assertNotIn("proxy-connection", seen.headers)
        # The host of the target wins over the field (RFC 9112 section 3.2.2).
        fetch(daemon.address, target="http://orders.local/", headers={"host": "evil.local"})
        self.assertEqual(orders.last.header("host"), "orders.local")

    def test_asterisk_options_is_passed_on(self):
        daemon, upstream = self.start()
        self.assertEqual(fetch(daemon.address, "OPTIONS", "*").status, 200)
        self.assertEqual((upstream.last.method, upstream.last.target), ("OPTIONS", "*"))


if __name__ == "__main__":
    unittest.main()
