"""What clients send: protocol/requests/*.txt, each case through the binary.

Outcomes: `refuse S`  answered with S by Fusegate, closed, and nothing has reached the upstream
          `break S`   the same, but the head was sound: no whole request may reach the upstream
          `drop`      closed without an answer; no whole request may reach the upstream
          `stay S`    answered with S by Fusegate; the connection goes on
          `pass N`    N requests (one if not said) reach the upstream whole and are answered
Behind refused bytes a request to /smuggled is sent, which nobody may ever see. After every case a
plain GET has to work, on the same connection where that goes on.
"""

import re
import unittest

from support import Client, Closed, Daemon, Upstream, cases, fetch, single, wait_until

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: a.test\r\n\r\n"
# Nothing but the protocol may play a part.
PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}
LIMITS = {"request_head": "16KiB", "header_count": 100, "request_body": "1MiB"}


def answer(exchange):
    exchange.reply(200, exchange.request.target.encode("latin-1"))


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = cls.enterClassContext(Upstream(answer))
        cls.daemon = cls.enterClassContext(Daemon({**single(cls.upstream, **PLAIN), "limits": LIMITS}))

    def play(self, case):
        first = len(self.upstream.requests)
        data = case.request
        guarded = case.outcome in ("refuse", "break") and not case.has("end")
        with Client(self.daemon.address) as client:
            try:
                client.send(data + SMUGGLED if guarded else data)
                if case.has("end"):
                    client.finish_sending()
            except OSError:
                pass  # Refused before all of it was sent; what was answered is read below.
            getattr(self, "expect_" + case.outcome)(case, client, first)
            if case.outcome in ("pass", "stay") and not case.has("closes"):
                self.assertEqual(client.request(target="/after").body, b"/after")
        if case.outcome in ("break", "drop"):
            self.await_the_end_of_broken_ones()
        self.assertEqual(fetch(self.daemon.address, target="/next").body, b"/next")
        seen = self.upstream.requests[first:]
        self.assertEqual([r.target for r in seen if "smuggled" in r.target], [])
        self.assertEqual(self.upstream.bad, [], "bytes that are not a request reached the upstream")

    def await_the_end_of_broken_ones(self):
        # The next connection is accepted behind theirs, so all have been seen when it is the only one.
        self.upstream.drop_connections()
        fetch(self.daemon.address, target="/next")
        wait_until(lambda: self.upstream.open <= 1, what="the end of broken connections")

    def own(self, first):
        return [r for r in self.upstream.requests[first:] if r.target not in ("/after", "/next")]

    def expect_refuse(self, case, client, first):
        self.assert_refusal(case, client)
        self.assertEqual(self.own(first), [])

    def expect_break(self, case, client, first):
        self.assert_refusal(case, client)
        self.assertEqual([r for r in self.own(first) if r.complete], [])

    def expect_drop(self, case, client, first):
        self.assertEqual(client.rest(), b"")
        self.assertEqual([r for r in self.own(first) if r.complete], [])

    def expect_stay(self, case, client, first):
        response = client.read(case.request.split(b" ")[0].decode("latin-1"))
        self.assertEqual(response.status, case.number)
        self.assertIn("fusegate-reason", response.headers)
        self.assertEqual(self.own(first), [])

    def assert_refusal(self, case, client):
        response = client.read()
        self.assertEqual(response.status, case.number, response)
        self.assertIn("fusegate-reason", response.headers)
        self.assertEqual(response.headers.tokens("connection"), ["close"])
        self.assertEqual(client.rest(), b"", "something follows the refusal")

    def expect_pass(self, case, client, first):
        method = case.request.lstrip(b"\r\n").split(b" ")[0].decode()
        got = [client.read(method) for _ in range(case.number)]
        self.assertEqual([r.status for r in got], [200] * case.number, got[-1].body)
        own = self.own(first)
        self.assertEqual([r.complete for r in own], [True] * case.number)
        self.assertEqual({r.version for r in own}, {"1.1"})
        if case.number > 1:
            self.assertEqual([r.body.decode("latin-1") for r in got], [r.target for r in own])
        self.match(case, b"".join(r.raw_head for r in own), "sees", "hides")
        self.match(case, b"".join(r.raw_head for r in got), "shows", "lacks")
        if case.has("body"):
            self.assertEqual(own[0].body, cases.unescape(case.one("body")))
        if case.has("closes"):
            self.assertEqual(client.rest(), b"")

    def match(self, case, data, wanted, unwanted):
        text = data.decode("latin-1").replace("\r\n", "\n")
        for pattern in case.all(wanted):
            self.assertRegex(text, re.compile(pattern, re.I | re.M))
        for pattern in case.all(unwanted):
            self.assertNotRegex(text, re.compile(pattern, re.I | re.M))

    def test_every_case(self):
        for case in cases.load("requests"):
            with self.subTest(str(case)):
                try:
                    self.play(case)
                except (Closed, TimeoutError) as error:
                    self.fail(f"no answer: {error}")


class Splits(Requests):
    """Accepted requests in two pieces, cut at every byte: nothing may depend on the cut."""

    def test_every_case(self):
        sample = [case for case in cases.load("requests")
                  if case.outcome == "pass" and len(case.request) < 120 and not case.has("end")]
        self.assertGreater(len(sample), 40)
        for case in sample[::4]:
            for cut in range(1, len(case.request)):
                with self.subTest(str(case), cut=cut):
                    self.play_cut(case, cut)

    def play_cut(self, case, cut):
        first = len(self.upstream.requests)
        with Client(self.daemon.address) as client:
            client.send(case.request[:cut])
            self.probe()
            client.send(case.request[cut:])
            self.expect_pass(case, client, first)

    def probe(self):
        """Lets the first piece be read before the second is sent: another request takes as long."""
        with Client(self.daemon.status) as client:
            client.request(target="/livez")


if __name__ == "__main__":
    unittest.main()
