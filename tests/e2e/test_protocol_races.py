"""Order and time: answers that come too early, connections that end at the wrong moment, and what a
half-told message must never become. What a byte sequence alone decides is in protocol/*.txt."""

import threading
import time
import unittest

from support import Client, Daemon, Upstream, fetch, scripts, single, wait_until
from support.client import encode

PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}
POISON = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON"


def echo(exchange):
    exchange.reply(200, exchange.request.target.encode())


class RaceCase(unittest.TestCase):
    def start(self, script=echo, top=None, **settings):
        upstream = self.enterContext(Upstream(script))
        config = {**single(upstream, **{**PLAIN, **settings}), **(top or {})}
        return self.enterContext(Daemon(config)), upstream

    def assert_sane(self, daemon, upstream):
        self.assertEqual(upstream.bad, [])
        self.assertEqual(fetch(daemon.address, target="/sane").body, b"/sane")


class OnIdleConnections(RaceCase):
    def unasked(self, data, count=10):
        """Sends `data` on the kept connection between requests; each request gets its own answer."""
        daemon, upstream = self.start()
        with Client(daemon.address) as client:
            for i in range(count):
                self.assertEqual(client.request(target=f"/{i}").body, f"/{i}".encode())
                sockets = upstream.live_sockets()
                self.assertEqual(len(sockets), 1)
                sockets[0].sendall(data)
                wait_until(lambda: upstream.open == 0, what="the end of the connection")
        self.assertEqual(upstream.connections, count)

    def test_a_response_before_its_request_ends_the_connection(self):
        self.unasked(POISON)

    def test_half_a_response_before_its_request_ends_the_connection(self):
        self.unasked(POISON[:10])

    def test_one_byte_before_a_request_ends_the_connection(self):
        self.unasked(b"\n")

    def test_an_interim_response_before_its_request_ends_the_connection(self):
        self.unasked(b"HTTP/1.1 100 Continue\r\n\r\n")

    def test_a_408_for_an_idle_connection_is_nobodys_answer(self):
        self.unasked(b"HTTP/1.1 408 Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    def late(self, method, response, rest):
        """The upstream sends `rest` after a response that is complete without it."""
        late = threading.Event()

        def script(exchange):
            if exchange.request.target != "/first":
                return echo(exchange)
            exchange.send(response)
            late.wait(10)
            exchange.send(rest)
        daemon, upstream = self.start(script)
        with Client(daemon.address) as client:
            client.request(method, "/first")
            late.set()
            wait_until(lambda: upstream.open == 0, what="the end of the connection")
            self.assertEqual(client.request(target="/second").body, b"/second")
        self.assertEqual(upstream.connections, 2)

    def test_late_body_of_head(self):
        self.late("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n", b"POISON")

    def test_late_body_of_204(self):
        self.late("GET", b"HTTP/1.1 204 No\r\n\r\n", POISON)

    def test_late_body_of_304(self):
        self.late("GET", b"HTTP/1.1 304 No\r\ncontent-length: 6\r\n\r\n", b"POISON")

    def test_late_second_answer(self):
        self.late("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", POISON)


class ClosesAtTheWrongMoment(RaceCase):
    def test_connections_that_end_without_a_word_lose_no_get_and_repeat_no_post(self):
        def rude(exchange):
            echo(exchange)
            exchange.close()  # Not announced: the next request may be on its way.
        daemon, upstream = self.start(rude)
        with Client(daemon.address) as client:
            for i in range(40):
                method = "POST" if i % 2 else "GET"
                response = client.request(method, f"/{i}", body=b"x" if i % 2 else None)
                self.assertIn(response.status, (200, 502) if i % 2 else (200,))
                if response.status == 200:
                    self.assertEqual(response.body, f"/{i}".encode())
        targets = [r.target for r in upstream.requests if r.method == "POST"]
        self.assertEqual(len(targets), len(set(targets)), "a POST was sent twice")

    def test_a_kept_connection_that_said_100_was_not_stale(self):
        # RFC 9110 section 9.2.2: it had the request. Only a connection that was silent is repeated for free.
        def script(exchange):
            if exchange.request.target == "/dies":
                exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                exchange.close()
            else:
                echo(exchange)
        daemon, upstream = self.start(script)
        with Client(daemon.address) as client:
            client.request(target="/first")
            response = client.request(target="/dies")
            self.assertEqual(response.status, 502)
        self.assertEqual(upstream.count(target="/dies"), 1)
        self.assertEqual(upstream.connections, 1)
        daemon.expect_metric(1, "fusegate_attempts_total", result="reset")
        self.assertEqual(daemon.metric("fusegate_attempts_total", result="stale_reuse"), 0)
        self.assert_sane(daemon, upstream)

    def test_post_that_was_cut_in_its_body_is_not_sent_again(self):
        daemon, upstream = self.start(scripts.reset_before_body, retries=2)
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"content-length": "100000"}) + b"x" * 1000)
            wait_until(lambda: upstream.requests, what="the head upstream")
            try:
                client.send(b"x" * 99000)
            except OSError:
                pass
            self.assertEqual(client.read().status, 502)
        self.assertEqual(len(upstream.requests), 1)

    def test_client_that_resets_in_its_body_leaves_nothing_whole(self):
        daemon, upstream = self.start()
        client = Client(daemon.address)
        client.send(encode("POST", "/", {"content-length": "1000"}) + b"hello")
        wait_until(lambda: upstream.requests, what="the head upstream")
        client.reset()
        wait_until(lambda: upstream.open == 0, what="the end upstream")
        self.assertEqual(upstream.count(), 0)
        self.assert_sane(daemon, upstream)

    def test_client_that_leaves_in_a_response_frees_no_half_read_connection(self):
        go_on = threading.Event()

        def script(exchange):
            if exchange.request.target != "/big":
                return echo(exchange)
            exchange.head(200, {"content-length": 200000})
            exchange.send(b"x" * 50000)
            go_on.wait(10)
            exchange.send(b"POISON" * 25000)
        daemon, upstream = self.start(script)
        client = Client(daemon.address)
        client.send(encode("GET", "/big"))
        client.receive(100)
        client.reset()
        self.assertEqual(fetch(daemon.address, target="/next").body, b"/next")
        go_on.set()
        self.assert_sane(daemon, upstream)

    def test_two_requests_at_once_never_share_a_connection_or_swap_answers(self):
        both = threading.Barrier(2)

        def script(exchange):
            if exchange.request.target != "/sane":
                both.wait(10)
            echo(exchange)
        daemon, upstream = self.start(script)
        with Client(daemon.address) as one, Client(daemon.address) as two:
            one.send(encode("GET", "/one"))
            two.send(encode("GET", "/two"))
            self.assertEqual(two.read().body, b"/two")
            self.assertEqual(one.read().body, b"/one")
        self.assert_sane(daemon, upstream)


class EarlyAnswers(RaceCase):
    def test_an_answer_while_the_body_still_arrives_reaches_the_client_whole(self):
        @scripts.early
        def hasty(exchange):
            exchange.reply(413, b"too much", {"connection": "close"})
            exchange.close()  # With bytes unread: a reset follows the answer.
        daemon, upstream = self.start(hasty)
        with Client(daemon.address) as client:
            client.send(encode("POST", "/big", {"content-length": str(1 << 26)}))
            try:
                for _ in range(64):
                    client.send(b"x" * 16384)
            except OSError:
                pass
            response = client.read()
            self.assertEqual((response.status, response.body), (413, b"too much"))
            self.assertEqual(client.rest(), b"")
        upstream.script = echo
        self.assert_sane(daemon, upstream)

    def test_an_answer_reaches_a_client_that_first_sends_all_of_a_large_body(self):
        answer = b"answer" * 30_000
        @scripts.early
        def hasty(exchange):
            exchange.reply(200, answer)
            exchange.until_peer_leaves()
        daemon, upstream = self.start(hasty)
        # Most of the answer waits in the proxy's socket.
        with Client(daemon.address, receive_buffer=8192) as client:
            client.send(encode("POST", "/", {"content-length": str(6 << 20)}))
            for _ in range(6 << 6):
                client.send(b"x" * 16384)
            self.assertEqual(client.read().body, answer)
        upstream.script = echo
        self.assert_sane(daemon, upstream)

    def test_the_rest_of_a_body_is_never_a_request(self):
        @scripts.early
        def hasty(exchange):
            exchange.reply(403, b"no")
            exchange.until_peer_leaves()
        daemon, upstream = self.start(hasty)
        smuggled = encode("GET", "/smuggled")
        for expect in ({}, {"expect": "100-continue"}):
            with self.subTest(expect), Client(daemon.address) as client:
                client.send(encode("POST", "/", {"content-length": str(len(smuggled)), **expect}))
                self.assertEqual(client.read().status, 403)
                try:
                    client.send(smuggled)
                except OSError:
                    pass
                self.assertEqual(client.rest(), b"")
        self.assertNotIn("/smuggled", [r.target for r in upstream.requests])

    def test_an_answer_before_a_bad_chunk_stands_and_the_connection_ends(self):
        @scripts.early
        def hasty(exchange):
            exchange.reply(200, b"early")
            exchange.until_peer_leaves()
        daemon, upstream = self.start(hasty)
        with Client(daemon.address) as client:
            client.send(encode("POST", "/", {"transfer-encoding": "chunked"}) + b"5\r\nhello\r\n")
            self.assertEqual(client.read().body, b"early")
            try:
                client.send(b"ZZ\r\n" + encode("GET", "/smuggled"))
            except OSError:
                pass
            self.assertEqual(client.rest(), b"")
        self.assertEqual(len(upstream.requests), 1)


class Stalls(RaceCase):
    def test_a_body_that_stalls_is_cut_and_its_connection_closed(self):
        def stall(exchange):
            if exchange.request.target == "/sane":
                return echo(exchange)
            exchange.head(200, {"content-length": 50})
            exchange.send(b"hello")
            exchange.until_peer_leaves()
        daemon, upstream = self.start(stall, top={"limits": {"body_timeout": "300ms"}})
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            started = time.monotonic()
            self.assertTrue(client.rest().endswith(b"hello"))
            self.assertGreater(time.monotonic() - started, 0.25)
        self.assert_sane(daemon, upstream)
        daemon.expect_metric(1, "fusegate_requests_total", result="cut")


if __name__ == "__main__":
    unittest.main()
