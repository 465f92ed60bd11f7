"""What Fusegate refuses: ambiguous messages of either side, and requests over a limit."""

import json
import unittest

from support import Client, Daemon, Upstream, dead_port, fetch, scripts, single, wait_until
from support.client import encode

HOST = b"host: example.test\r\n"

AMBIGUOUS_REQUESTS = {
    "length and chunked": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "differing lengths": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    "list of differing lengths": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5, 6\r\n\r\nabcdef",
    "signed length": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: +5\r\n\r\nabcde",
    "hexadecimal length": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 0x5\r\n\r\nabcde",
    "length beyond 64 bits": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 18446744073709551621\r\n\r\nabcde",
    "chunked not last": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in http/1.0": b"POST / HTTP/1.0\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare line feed": b"GET / HTTP/1.1\n" + b"host: example.test\n\n",
    "bare carriage return": b"GET / HTTP/1.1\r\n" + HOST + b"x-a: b\rc\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\n" + HOST + b"x-a : b\r\n\r\n",
    "folded line": b"GET / HTTP/1.1\r\n" + HOST + b"x-a: b\r\n c\r\n\r\n",
    "space before the first field": b"GET / HTTP/1.1\r\n " + HOST + b"\r\n",
    "invalid field name": b"GET / HTTP/1.1\r\n" + HOST + b"x(a): b\r\n\r\n",
    "nul in a value": b"GET / HTTP/1.1\r\n" + HOST + b"x-a: b\0c\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\n" + HOST + b"host: other.test\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "bad chunk size": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n5x\r\nabcde\r\n0\r\n\r\n",
    "negative chunk size": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n-1\r\nabcde\r\n0\r\n\r\n",
    "chunk with a wrong end": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n",
    "huge chunk size": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n11111111111111111\r\na\r\n0\r\n\r\n",
}

BAD_RESPONSES = {
    "no http at all": b"hello there, this is not http\r\n\r\n",
    "length and chunked": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "differing lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    "bad length": b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nabcde",
    "chunked not last": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "bare line feed": b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    "folded line": b"HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 2\r\n\r\nok",
    "space before the colon": b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok",
    "invalid field name": b"HTTP/1.1 200 OK\r\nx(a): b\r\ncontent-length: 2\r\n\r\nok",
    "status with two digits": b"HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok",
    "http/2 preface": b"HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
}


class RefusalCase(unittest.TestCase):
    def start(self, script=None, top=None, **settings):
        settings.setdefault("breaker", {"mode": "off"})
        settings.setdefault("ejection", {"enabled": False})
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon({**single(upstream, **settings), **(top or {})})), upstream

    def assert_problem(self, response, status, reason):
        self.assertEqual((response.status, response.header("fusegate-reason")), (status, reason))
        self.assertEqual(response.header("content-type"), "application/problem+json")
        problem = json.loads(response.body)
        self.assertEqual((problem["status"], problem["reason"]), (status, reason))
        self.assertTrue({"type", "title", "detail"} <= set(problem), problem)
        return problem


class FromClients(RefusalCase):
    def test_ambiguous_requests_get_400_and_a_close(self):
        daemon, upstream = self.start()
        for name, data in AMBIGUOUS_REQUESTS.items():
            with self.subTest(name), Client(daemon.address) as client:
                client.send(data + b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n")
                problem = self.assert_problem(client.read(), 400, "bad_request")
                self.assertGreater(len(problem["detail"]), 10)
                self.assertEqual(client.rest(), b"")
        self.assertEqual(upstream.count(), 0)
        self.assertEqual([r.target for r in upstream.requests if "smuggled" in r.target], [])
        daemon.expect_metric(len(AMBIGUOUS_REQUESTS), "fusegate_rejected_total", reason="bad_request")

    def test_a_refused_head_request_gets_no_body(self):
        daemon, _ = self.start()
        with Client(daemon.address) as client:
            client.send(b"HEAD / HTTP/1.1\r\n" + HOST + b"x-a : b\r\n\r\n")
            head, end, body = client.rest().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 400 "), head)
        self.assertEqual((end, body), (b"\r\n\r\n", b""), "RFC 9110 section 9.3.2")

    def test_equal_lengths_are_harmless_or_refused(self):
        daemon, upstream = self.start()
        with Client(daemon.address) as client:
            client.send(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 2\r\ncontent-length: 2\r\n\r\nab")
            self.assertIn(client.read().status, (200, 400))
        for request in upstream.requests:
            self.assertEqual(request.headers.all("content-length"), ["2"])

    def test_unknown_transfer_coding_is_501(self):
        daemon, _ = self.start()
        with Client(daemon.address) as client:
            client.send(b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
            self.assert_problem(client.read(), 501, "unsupported")

    def test_used_up_max_forwards_goes_no_further(self):
        daemon, upstream = self.start()
        with Client(daemon.address) as client:
            for method in ("OPTIONS", "TRACE"):
                answer = client.request(method, "/", {"max-forwards": "0"})
                self.assert_problem(answer, 501, "unsupported")
        self.assertEqual(upstream.requests, [])

    def test_connect_is_501(self):
        daemon, upstream = self.start()
        response = fetch(daemon.address, "CONNECT", "example.test:443")
        self.assertEqual((response.status, response.header("fusegate-reason")), (501, "unsupported"))
        self.assertEqual(upstream.requests, [])

    def test_unmatched_request_is_404_and_keeps_the_connection(self):
        daemon, upstream = self.start(top={"routes": [{"match": "/api", "upstream": "up"}]})
        with Client(daemon.address) as client:
            self.assert_problem(client.request(target="/other"), 404, "no_route")
            self.assertEqual(client.request("POST", "/other", body=b"unread").status, 404)
            self.assertEqual(client.request(target="/api").status, 200)

    def test_body_over_the_limit_is_413(self):
        daemon, upstream = self.start(top={"limits": {"request_body": "1KiB"}})
        with Client(daemon.address) as client:
            self.assertEqual(client.request("POST", body=b"x" * 1024).status, 200)
            self.assert_problem(client.request("POST", body=b"x" * 1025), 413, "body_too_large")
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"transfer-encoding": "chunked"}) + b"400\r\n" + b"x" * 1024 + b"\r\n")
            client.send(b"1\r\nx\r\n0\r\n\r\n")
            self.assert_problem(client.read(), 413, "body_too_large")
        self.assertEqual(upstream.count(), 1)

    def test_head_over_the_limits_is_431(self):
        daemon, upstream = self.start(top={"limits": {"request_head": "4KiB", "header_count": 20}})
        self.assertEqual(fetch(daemon.address, headers={"x": "y" * 3000}).status, 200)
        self.assert_problem(fetch(daemon.address, headers={"x": "y" * 5000}), 431, "head_too_large")
        many = [(f"x-{i}", "1") for i in range(30)]
        self.assert_problem(fetch(daemon.address, headers=many), 431, "head_too_large")
        self.assertEqual(len(upstream.requests), 1)

    def test_slow_head_is_408(self):
        daemon, _ = self.start(top={"limits": {"head_timeout": "300ms"}})
        with Client(daemon.address) as client:
            client.send(b"GET / HTTP/1.1\r\nhost: exa")
            self.assert_problem(client.read(), 408, "head_timeout")
            self.assertTrue(client.closed_within(2))


class FromUpstreams(RefusalCase):
    def test_bad_responses_are_502_and_the_connection_is_not_used_again(self):
        for name, data in BAD_RESPONSES.items():
            with self.subTest(name):
                script = scripts.sequence(scripts.raw(data), scripts.reply(b"fine"))
                daemon, upstream = self.start(script, retries=0)
                with Client(daemon.address) as client:
                    self.assert_problem(client.request(), 502, "bad_response")
                    self.assertEqual(client.request().body, b"fine")
                self.assertEqual([r.connection for r in upstream.requests], [1, 2])

    def test_bad_response_is_retried_for_get_and_not_for_post(self):
        bad = scripts.raw(b"garbage\r\n\r\n")
        daemon, upstream = self.start(scripts.sequence(bad, scripts.reply(b"fine"), bad))
        self.assertEqual(fetch(daemon.address).body, b"fine")
        self.assertEqual(fetch(daemon.address, "POST", body=b"x").status, 502)
        self.assertEqual(len(upstream.requests), 3)

    def test_response_head_over_the_limit_is_502(self):
        daemon, _ = self.start(scripts.reply(b"", 200, {"x-big": "y" * 9000}), retries=0,
                               top={"limits": {"response_head": "8KiB"}})
        self.assert_problem(fetch(daemon.address), 502, "response_head_too_large")

    def test_broken_chunk_cuts_the_response(self):
        data = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\nZZ\r\n"
        daemon, _ = self.start(scripts.raw(data), retries=0)
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            received = client.rest()
        self.assertFalse(received.endswith(b"0\r\n\r\n"), received)
        wait_until(lambda: daemon.metric("fusegate_requests_total", result="cut") == 1, what="a cut response")

    def test_nobody_listening_is_502(self):
        config = single(f"http://127.0.0.1:{dead_port()}", retries=0, breaker={"mode": "off"})
        daemon = self.enterContext(Daemon(config))
        problem = self.assert_problem(fetch(daemon.address), 502, "connect_failed")
        self.assertEqual(problem["upstream"], "up")
        self.assertEqual(problem["attempts"], 1)


if __name__ == "__main__":
    unittest.main()
