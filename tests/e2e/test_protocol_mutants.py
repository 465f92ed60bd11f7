"""Requests made of damaged cases: whatever Fusegate makes of them, what it sends on is sound.

The seed is printed; FUSEGATE_SEED repeats a run, FUSEGATE_MUTANTS sets how many there are."""

import os
import random
import time
import unittest

from support import Client, Daemon, ProtocolError, Upstream, cases, fetch, single, wire

PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}
PIECES = [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b",", b";a=\"", b"\"", b"5", b"0", b"\x80", b"%2e", b"/../",
          b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b"chunked", b"0\r\n\r\n", b"\r\n\r\n", b"host: b\r\n",
          b"connection: close\r\n", b"expect: 100-continue\r\n", b"HTTP/1.0", b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n"]


def damage(data, others, dice):
    data = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        at = dice.randint(0, len(data))
        way = dice.random()
        if way < 0.4:
            data[at:at] = dice.choice(PIECES)
        elif way < 0.6:
            del data[at : at + dice.randint(1, 4)]
        elif way < 0.8 and at < len(data):
            data[at] = dice.randint(0, 255)
        else:
            other = dice.choice(others)
            begin = dice.randint(0, len(other))
            data[at:at] = other[begin : begin + dice.randint(1, 40)]
    return bytes(data)


class Mutants(unittest.TestCase):
    def test_whatever_comes_what_goes_on_is_sound(self):
        seed = int(os.environ.get("FUSEGATE_SEED") or time.time_ns() % 1_000_000)
        print("seed", seed)
        dice = random.Random(seed)
        sound = [case.request for case in cases.load("requests") if 0 < len(case.request) < 600]
        upstream = self.enterContext(Upstream())
        daemon = self.enterContext(Daemon(single(upstream, **PLAIN)))
        for _ in range(int(os.environ.get("FUSEGATE_MUTANTS") or 1000)):
            data = damage(dice.choice(sound), sound, dice)
            with self.subTest(data), Client(daemon.address) as client:
                try:
                    client.send(data)
                    client.finish_sending()
                except OSError:
                    pass  # Refused before all of it was sent.
                self.read_all(client, data)
                self.assertEqual(upstream.bad, [])
        self.assertGreater(upstream.count(), 20, "nothing of all that was accepted")
        self.assertEqual(fetch(daemon.address).status, 200)

    def read_all(self, client, data):
        """Every response has to be sound, too."""
        if b"HEAD" in data:
            client.rest()  # Which of them have no body cannot be told here.
            return
        while True:
            try:
                wire.read_response(client.reader)
            except wire.Closed as closed:
                self.assertEqual(closed.partial, b"")
                return
            except ProtocolError as error:
                self.fail(str(error))


if __name__ == "__main__":
    unittest.main()
