"""Bodies that are long enough to go from socket to socket uncopied: each byte arrives, at whom it belongs."""

import hashlib
import tempfile
import unittest

from support import Client, Daemon, Upstream, scripts, single, wait_until
from support.client import encode

SIZE = 600_000
PIPES = 64    # Of a worker; who comes when all are taken is served from memory.


def pattern(target):
    """Bytes that are of this target and of no other."""
    block = b"".join(hashlib.sha256(f"{target} {number}".encode()).digest() for number in range(64))
    return (block * (SIZE // len(block) + 1))[:SIZE]


def own_pattern(exchange):
    exchange.head(200, {"content-length": str(SIZE)})
    exchange.send(pattern(exchange.request.target))


class LongBodies(unittest.TestCase):
    def start(self, script):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon({**single(upstream), "runtime": {"workers": 1}}))

    def start_on_unix_sockets(self, script):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.upstream = self.enterContext(Upstream(script, path=f"{folder}/server.sock"))
        return self.enterContext(Daemon({**single(self.upstream, concurrency={"max_in_flight": 200, "adaptive": False}),
                                         "runtime": {"workers": 1},
                                         "listeners": [{"name": "default", "address": f"unix:{folder}/own.sock"}]}))

    def assert_whole(self, response, target):
        self.assertEqual((response.status, response.length, response.sha256),
                         (200, SIZE, hashlib.sha256(pattern(target)).hexdigest()))

    def test_slow_readers_get_every_byte_whether_there_is_a_pipe_left_or_not(self):
        daemon = self.start_on_unix_sockets(own_pattern)   # Their buffers are small: who does not read is felt at once.
        before = daemon.metric("process_open_fds")
        clients = []
        for number in range(PIPES + 30):
            client = self.enterContext(Client(daemon.address, timeout=30))
            client.send(encode("GET", f"/{number}"))
            clients.append(client)
        daemon.expect_metric(len(clients), "fusegate_attempts_in_flight", upstream="up")
        held = daemon.metric("process_open_fds") - before
        self.assertLessEqual(held, 2 * len(clients) + 2 * PIPES + 10, "clients, upstream connections, pipes")
        for number, client in enumerate(clients):
            self.assert_whole(client.read(), f"/{number}")
        wait_until(lambda: daemon.metric("process_open_fds") <= before + 2 * len(clients) + 10, 5, "the end of unused pipes")

    def test_what_a_client_left_behind_reaches_nobody(self):
        daemon = self.start(own_pattern)
        for number in range(40):
            leaver = Client(daemon.address, receive_buffer=8192)
            leaver.send(encode("GET", f"/left/{number}"))
            leaver.receive(20_000)
            leaver.reset()
            with Client(daemon.address) as client:
                self.assert_whole(client.request("GET", f"/asked/{number}"), f"/asked/{number}")

    def test_what_an_upstream_left_untaken_reaches_nobody(self):
        """It answers while the body is on its way, and does not take the rest of it."""
        refuse = scripts.reply(status=413, close=True)   # Announced: the proxy may keep what promises to stay open.

        @scripts.early
        def impatient(exchange):
            if exchange.request.target == "/refused":
                refuse(exchange)
                return
            exchange.reader.exactly(SIZE, "the upload", received.extend)
            exchange.request.complete = True
            exchange.reply()
        daemon = self.start(impatient)
        for _ in range(20):
            with Client(daemon.address) as client:
                client.send(encode("POST", "/refused", {"content-length": str(SIZE)}))
                try:
                    client.send(pattern("/refused"))
                except ConnectionError:
                    pass
            received = bytearray()
            with Client(daemon.address) as client:
                body = pattern("/taken")
                client.send(encode("POST", "/taken", {"content-length": str(SIZE)}))
                client.send(body)
                self.assertEqual(client.read("POST").status, 200)
            self.assertEqual(hashlib.sha256(received).hexdigest(), hashlib.sha256(body).hexdigest())

    def test_a_cut_body_arrives_as_far_as_it_came_and_is_seen_to_be_cut(self):
        sent = 500_000
        for reset in (False, True):
            with self.subTest(reset=reset):
                daemon = self.start(scripts.partial(SIZE, sent, reset=reset))
                with Client(daemon.address) as client:
                    client.send(encode("GET", "/"))
                    _, _, body = client.rest().partition(b"\r\n\r\n")
                self.assertEqual(body, b"x" * sent if not reset else b"x" * len(body))
                self.assertLess(len(body), SIZE)
                line = daemon.access_line(path="/")
                self.assertEqual(line["bytes_out"], len(body))

    def test_what_follows_a_body_is_a_request_of_its_own(self):
        daemon = self.start(scripts.echo)
        body = pattern("/first")
        with Client(daemon.address, timeout=30) as client:
            client.send(encode("POST", "/first", {"content-length": str(SIZE)}) + body + encode("GET", "/second"))
            self.assertEqual(client.read("POST").status, 200)
            self.assertEqual(client.read().status, 200)

    def test_unix_sockets_on_both_sides(self):
        daemon = self.start_on_unix_sockets(own_pattern)
        with Client(daemon.address, timeout=30) as client:
            for target in ("/one", "/two"):
                self.assert_whole(client.request("GET", target), target)
            self.assert_whole(client.request("POST", "/up", body=pattern("/up")), "/up")
        self.assertEqual(self.upstream.last.sha256, hashlib.sha256(pattern("/up")).hexdigest())


if __name__ == "__main__":
    unittest.main()
