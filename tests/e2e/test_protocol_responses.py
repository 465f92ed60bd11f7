"""What upstreams send: protocol/responses/*.txt, each case through the binary.

Outcomes: `refuse S`  the client gets S from Fusegate, and none of the upstream's bytes
          `pass S`    the client gets the upstream's response of status S, whole
          `cut S`     the client gets its head, and can tell that the body is not whole
The upstream plays its bytes and then keeps the connection, or `then close` or `then reset`; with
`early` it does so before it has read the request's body. After every case another request is sent
on the client's connection, if that goes on, and one on a new one; both must get their own answer.
`fresh` and `reused` say whether the next request may find the upstream's connection again: after a
refusal or a cut it never may.
"""

import re
import socket
import threading
import unittest

from support import Client, Closed, Daemon, ProtocolError, Upstream, cases, fetch, scripts, single

DEFAULT = b"GET /case HTTP/1.1\r\nhost: a.test\r\n\r\n"
PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}
LIMITS = {"response_head": "16KiB", "header_count": 100}


class Responses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.case = None
        cls.upstream = cls.enterClassContext(Upstream(scripts.early(lambda e: cls.answer(e))))
        cls.daemon = cls.enterClassContext(Daemon({**single(cls.upstream, **PLAIN), "limits": LIMITS}))

    @classmethod
    def answer(cls, exchange):
        target = exchange.request.target
        if target in ("/after", "/next"):
            exchange.read_body()
            exchange.reply(200, target.encode())
            return
        case = cls.case
        if not case.has("early"):
            exchange.read_body()
        try:
            cls.say(exchange, case)
        except OSError:
            exchange.keep = False  # Fusegate has had enough.
        ending = case.one("then", "keep")
        if ending == "reset":
            if case.outcome == "cut":
                cls.heard.wait(10)  # Until the client has a part of it, a RST may take the rest along.
            exchange.reset()
        elif ending == "close":
            exchange.close()

    @staticmethod
    def say(exchange, case):
        exchange.send(case.response)

    def play(self, case):
        type(self).case, type(self).heard = case, threading.Event()
        request = case.request or DEFAULT
        method = request.split(b" ")[0].decode()
        self.leave_no_idle_connection()
        first = len(self.upstream.requests)
        with Client(self.daemon.address) as client:
            client.send(request)
            getattr(self, "expect_" + case.outcome)(case, client, method)
            if case.outcome != "cut" and not case.has("closes"):
                self.assertEqual(client.request(target="/after").body, b"/after")
            elif case.has("closes"):
                self.assertEqual(client.rest(), b"")
        self.assertEqual(fetch(self.daemon.address, target="/next").body, b"/next")
        seen = self.upstream.requests[first:]
        self.assertEqual(len(seen), 2 if case.outcome == "cut" or case.has("closes") else 3)
        if case.has("fresh") or case.outcome in ("refuse", "cut"):
            self.assertNotEqual(seen[0].connection, seen[1].connection, "the connection was used again")
        elif case.has("reused"):
            self.assertEqual(seen[0].connection, seen[1].connection)

    def leave_no_idle_connection(self):
        # A case that ends its connection would otherwise be repeated on another: a stale reuse.
        self.upstream.drop_connections()
        self.daemon.expect_metric(0, "fusegate_upstream_connections", state="idle")

    def expect_refuse(self, case, client, method):
        response = client.read(method)
        self.assertEqual(response.status, case.number, response)
        self.assertIn("fusegate-reason", response.headers)

    def expect_pass(self, case, client, method):
        response = client.read(method)
        self.assertEqual(response.status, case.number, response)
        self.assertNotIn("fusegate-reason", response.headers)
        head = (b"".join(r.raw_head for r in response.informational) + response.raw_head).decode("latin-1")
        self.match(case, head)
        if case.has("body"):
            self.assertEqual(response.body, cases.unescape(case.one("body")))
        interims = " ".join(str(r.status) for r in response.informational)
        self.assertEqual(interims, case.one("interim"))
        for name, value in response.trailers:
            self.assertEqual((name, value), ("x-checksum", "abc"))

    def expect_cut(self, case, client, method):
        client.sock.recv(1, socket.MSG_PEEK)
        self.heard.set()
        with self.assertRaises(ProtocolError) as caught:
            client.read(method)
        self.assertIsInstance(caught.exception, Closed, "the end of the body is made up")
        self.assertNotIn(b"POISON", caught.exception.partial)

    def match(self, case, head):
        text = head.replace("\r\n", "\n")
        for pattern in case.all("shows"):
            self.assertRegex(text, re.compile(pattern, re.I | re.M))
        for pattern in case.all("lacks") + ["POISON"]:
            self.assertNotRegex(text, re.compile(pattern, re.I | re.M))

    def test_every_case(self):
        for case in cases.load("responses"):
            with self.subTest(str(case)):
                try:
                    self.play(case)
                except TimeoutError as error:
                    self.fail(f"no answer: {error}")


class Drips(Responses):
    """The same responses byte by byte: nothing may depend on how they arrive."""

    @staticmethod
    def say(exchange, case):
        for at in range(len(case.response)):
            exchange.send(case.response[at : at + 1])

    def test_every_case(self):
        sample = [case for case in cases.load("responses") if len(case.response) < 300 and not case.has("whole")]
        self.assertGreater(len(sample), 80)
        for case in sample:
            with self.subTest(str(case)):
                try:
                    self.play(case)
                except TimeoutError as error:
                    self.fail(f"no answer: {error}")


if __name__ == "__main__":
    unittest.main()
