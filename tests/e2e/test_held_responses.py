"""A response that is kept while others are tried: what the client gets when they bring none."""

import threading
import unittest

from support import Client, Daemon, Upstream, fetch, many, scripts, single
from support.client import chunked, encode

SETTINGS = {"retries": 1, "breaker": {"mode": "off"}, "ejection": {"enabled": False},
            "retry_budget": {"percent": "100%", "min_retries": 1000},
            "retry": {"backoff": {"kind": "constant", "initial": "1ms", "jitter": "none"}}}
HEAD = b"HTTP/1.1 503 Busy\r\n"
SIZED = HEAD + b"content-length: 1000\r\n\r\n" + b"x" * 10
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nxxxxx\r\n"
OPEN = HEAD + b"connection: close\r\n\r\n" + b"x" * 10


class HeldResponses(unittest.TestCase):
    def ask(self, first, then, fallback=None):
        """The first attempt is answered with the bytes `first`; when the second has arrived `then` is
        done to the first one's connection, and the second one's is closed. What the client gets."""
        second_is_here, done = threading.Event(), threading.Event()

        def script(exchange):
            if exchange.request.number == 0:
                exchange.send(first)
                second_is_here.wait(10)
                then(exchange)
                done.set()
                exchange.until_peer_leaves()
            else:
                second_is_here.set()
                done.wait(10)
                exchange.close()
        upstream = self.enterContext(Upstream(script))
        settings = {**SETTINGS, **({"fallback": fallback} if fallback else {})}
        daemon = self.enterContext(Daemon(single(upstream, **settings)))
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            response = client.read()
            self.assertEqual(len(upstream.requests), 2)
            return response, daemon

    def assert_local(self, response, daemon):
        self.assertEqual((response.status, response.header("fusegate-reason")), (502, "reset"))
        daemon.expect_metric(1, "fusegate_requests_total", result="rejected")

    def test_one_whose_connection_was_reset_is_not_given_in_part(self):
        self.assert_local(*self.ask(SIZED, lambda exchange: exchange.reset()))

    def test_one_whose_connection_was_closed_is_not_given_in_part(self):
        self.assert_local(*self.ask(SIZED, lambda exchange: exchange.close()))

    def test_one_without_its_last_chunk_is_not_given_in_part(self):
        self.assert_local(*self.ask(CHUNKED, lambda exchange: exchange.close()))

    def test_the_reply_of_the_operator_stands_in(self):
        response, _ = self.ask(SIZED, lambda exchange: exchange.reset(), {"status": 200, "body": "spare"})
        self.assertEqual((response.status, response.body), (200, b"spare"))

    def test_one_that_died_while_another_upstream_was_asked_is_not_given_in_part(self):
        asked, gone = threading.Event(), threading.Event()

        def first(exchange):
            exchange.send(SIZED)
            asked.wait(10)
            exchange.reset()
            gone.set()

        def spare(exchange):
            asked.set()
            gone.wait(10)
            exchange.close()
        upstreams = {"up": self.enterContext(Upstream(first)), "spare": self.enterContext(Upstream(spare))}
        routes = [{"match": "/", "upstream": "up", "fallback": {"upstream": "spare"}}]
        daemon = self.enterContext(Daemon(many(upstreams, routes, **{**SETTINGS, "retries": 0})))
        self.assert_local(fetch(daemon.address), daemon)

    def test_one_that_was_completed_meanwhile_is_given(self):
        def complete(exchange):
            exchange.send(b"x" * 990)
            exchange.close()
        response, _ = self.ask(SIZED, complete)
        self.assertEqual((response.status, response.length), (503, 1000))

    def test_one_whose_last_chunk_came_meanwhile_is_given(self):
        def complete(exchange):
            exchange.send(chunked(b"yyy"))
            exchange.close()
        response, _ = self.ask(CHUNKED, complete)
        self.assertEqual((response.status, response.body), (503, b"xxxxxyyy"))

    def test_one_that_ends_with_its_connection_is_given(self):
        response, _ = self.ask(OPEN, lambda exchange: exchange.close())
        self.assertEqual((response.status, response.body), (503, b"x" * 10))

    def test_one_that_is_still_arriving_is_given_as_it_comes(self):
        def slowly(exchange):
            threading.Timer(0.1, exchange.send, [b"x" * 990]).start()
        response, _ = self.ask(SIZED, slowly)
        self.assertEqual((response.status, response.length), (503, 1000))

    def test_a_whole_chunked_one_frees_its_connection_at_once(self):
        upstream = self.enterContext(Upstream(scripts.sequence(
            scripts.raw(CHUNKED + b"0\r\n\r\n"), scripts.reply(b"fine"))))
        daemon = self.enterContext(Daemon(single(upstream, **SETTINGS)))
        with Client(daemon.address) as client:
            self.assertEqual(client.request().body, b"fine")
        self.assertEqual([r.connection for r in upstream.requests], [1, 1])


if __name__ == "__main__":
    unittest.main()
