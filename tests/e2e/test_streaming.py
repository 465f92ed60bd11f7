"""Big bodies: byte-identical, in little memory. FUSEGATE_TEST_MIB sets the size (default 64)."""

import hashlib
import os
import threading
import unittest

from support import Client, Daemon, Upstream, scripts, single, slow_factor
from support.client import encode

MIB = 1 << 20
SIZE = int(os.environ.get("FUSEGATE_TEST_MIB", "64")) * MIB
BLOCK = os.urandom(MIB)
MEMORY_MAX_KIB = 16 * 1024


def expected():
    digest = hashlib.sha256()
    for _ in range(SIZE // MIB):
        digest.update(BLOCK)
    return digest.hexdigest()


def pour_by_length(exchange):
    exchange.head(200, {"content-length": str(SIZE)})
    for _ in range(SIZE // MIB):
        exchange.send(BLOCK)


def pour_chunked(exchange):
    exchange.head(200, {"transfer-encoding": "chunked"})
    for _ in range(SIZE // MIB):
        exchange.send(b"100000\r\n" + BLOCK + b"\r\n")
    exchange.send(b"0\r\n\r\n")


def pour_until_close(exchange):
    exchange.head(200)
    for _ in range(SIZE // MIB):
        exchange.send(BLOCK)
    exchange.close()


class BigBodies(unittest.TestCase):
    def start(self, script):
        upstream = self.enterContext(Upstream(script))
        daemon = self.enterContext(Daemon({**single(upstream, timeout="60s"), "limits": {"body_timeout": "30s"}}))
        with Client(daemon.address) as client:
            client.request("HEAD") if script is scripts.echo else None
        self.idle = daemon.rss_kib()
        return daemon, upstream

    def assert_lean(self, daemon):
        if slow_factor() == 1:  # Sanitizers keep freed memory.
            self.assertLess(daemon.peak_rss_kib() - self.idle, MEMORY_MAX_KIB)

    def down(self, script):
        daemon, _ = self.start(script)
        with Client(daemon.address, timeout=30) as client:
            response = client.request()
        self.assertEqual((response.length, response.sha256), (SIZE, expected()))
        self.assert_lean(daemon)

    def up(self, framed):
        daemon, upstream = self.start(scripts.echo)
        with Client(daemon.address, timeout=30) as client:
            if framed:
                client.send(encode("POST", "/", {"transfer-encoding": "chunked"}))
                for _ in range(SIZE // MIB):
                    client.send(b"100000\r\n" + BLOCK + b"\r\n")
                client.send(b"0\r\n\r\n")
            else:
                client.send(encode("POST", "/", {"content-length": str(SIZE)}))
                for _ in range(SIZE // MIB):
                    client.send(BLOCK)
            self.assertEqual(client.read().status, 200)
        self.assertEqual((upstream.last.length, upstream.last.sha256), (SIZE, expected()))
        self.assert_lean(daemon)

    def test_down_by_length(self):
        self.down(pour_by_length)

    def test_down_chunked(self):
        self.down(pour_chunked)

    def test_down_until_close(self):
        self.down(pour_until_close)

    def test_up_by_length(self):
        self.up(False)

    def test_up_chunked(self):
        self.up(True)

    def test_both_directions_at_once(self):
        @scripts.early
        def mirror(exchange):
            exchange.head(200, {"content-length": str(SIZE)})
            exchange.reader.exactly(SIZE, "the upload", exchange.send)
            exchange.request.complete = True
        daemon, _ = self.start(mirror)
        with Client(daemon.address, timeout=30) as client:
            client.send(encode("POST", "/", {"content-length": str(SIZE)}))
            sender = threading.Thread(target=lambda: [client.send(BLOCK) for _ in range(SIZE // MIB)])
            sender.start()
            response = client.read("POST")
            sender.join()
        self.assertEqual((response.length, response.sha256), (SIZE, expected()))
        self.assert_lean(daemon)

    def test_first_bytes_do_not_wait_for_the_rest(self):
        gate = threading.Event()

        def halves(exchange):
            exchange.head(200, {"transfer-encoding": "chunked"})
            exchange.send(b"5\r\nfirst\r\n")
            gate.wait(10)
            exchange.send(b"6\r\nsecond\r\n0\r\n\r\n")
        daemon, _ = self.start(halves)
        with Client(daemon.address, timeout=5) as client:
            client.send(encode("GET", "/"))
            client.reader.until(b"first", "the first chunk")
            gate.set()
            client.reader.until(b"0\r\n\r\n", "the end")


if __name__ == "__main__":
    unittest.main()
