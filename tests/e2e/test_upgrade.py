"""Upgrades: a WebSocket through the tunnel, and upgrades that are not accepted."""

import os
import unittest

from support import Client, Daemon, Upstream, scripts, single, wait_until
from support.client import encode
from support.websocket import accept_key, frame, handshake_headers, new_key


class Upgrade(unittest.TestCase):
    def start(self, script, **settings):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon(single(upstream, **settings))), upstream

    def open(self, daemon):
        client = self.enterContext(Client(daemon.address))
        key = new_key()
        response = client.request(target="/chat", headers=handshake_headers(key))
        self.assertEqual(response.status, 101)
        self.assertEqual(response.header("sec-websocket-accept"), accept_key(key))
        self.assertEqual(response.header("upgrade").lower(), "websocket")
        self.assertIn("upgrade", response.headers.tokens("connection"))
        return client

    def test_frames_pass_both_ways_unchanged(self):
        daemon, upstream = self.start(scripts.upgrade_echo)
        client = self.open(daemon)
        self.assertEqual(upstream.last.header("upgrade"), "websocket")
        self.assertIn("upgrade", upstream.last.headers.tokens("connection"))
        for payload in (b"hello", b"x" * 125, b"y" * 60000, b""):
            data = frame(payload)
            client.send(data)
            self.assertEqual(client.receive(len(data)), data)

    def test_large_amounts_pass_the_tunnel(self):
        daemon, _ = self.start(scripts.upgrade_echo)
        client = self.open(daemon)
        block = os.urandom(256 * 1024)
        for _ in range(16):
            client.send(block)
            self.assertEqual(client.receive(len(block)), block)

    def test_bytes_sent_with_the_handshake_reach_the_upstream(self):
        daemon, _ = self.start(scripts.upgrade_echo)
        with Client(daemon.address) as client:
            client.send(encode("GET", "/chat", handshake_headers(new_key())) + b"early")
            self.assertEqual(client.read().status, 101)
            self.assertEqual(client.receive(5), b"early")

    def test_tunnel_outlives_the_timeout_of_the_request(self):
        daemon, _ = self.start(scripts.upgrade_echo, timeout="500ms")
        client = self.open(daemon)
        self.assertFalse(client.closed_within(1.2))
        client.send(b"still here")
        self.assertEqual(client.receive(10), b"still here")

    def test_the_kernel_asks_after_silent_peers_of_a_tunnel(self):
        """One that is gone without a word is found out that way (tests/io/net shows it); an ordinary request does without."""
        daemon, upstream = self.start(scripts.upgrade_echo)
        with Client(daemon.address) as client:
            client.request(target="/plain")
            self.assertEqual(self.keepalive_timers(daemon.address), 0)
        self.open(daemon)
        wait_until(lambda: self.keepalive_timers(daemon.address) == 1, 5, "a timer of the client's connection")
        wait_until(lambda: self.keepalive_timers(f":{upstream.port}", at_peer=True) == 1, 5, "a timer of the upstream's connection")

    @staticmethod
    def keepalive_timers(address, at_peer=False):
        """Connections on this machine with that own (or, `at_peer`, that other) port whose keepalive timer runs."""
        port = f":{int(address.rpartition(':')[2]):04X}"
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
        established, keepalive = "01", "02:"   # See proc(5); tcp_states.h and tcp_ipv4.c of Linux.
        return sum(row[2 if at_peer else 1].endswith(port) and row[3] == established and row[5].startswith(keepalive)
                   for row in rows)

    def test_end_of_either_side_ends_the_other(self):
        daemon, upstream = self.start(scripts.upgrade_echo)
        self.open(daemon).close()
        wait_until(lambda: upstream.open == 0, what="the end of the upstream side")
        client = self.open(daemon)
        upstream.drop_connections()
        self.assertTrue(client.closed_within(3))
        wait_until(lambda: daemon.metric("fusegate_downstream_connections") == 0, what="no client connections")

    def test_plain_answer_to_an_upgrade_is_a_normal_response(self):
        daemon, _ = self.start(scripts.reply(b"no tunnels here"))
        with Client(daemon.address) as client:
            for _ in range(2):
                response = client.request(headers=handshake_headers(new_key()))
                self.assertEqual((response.status, response.body), (200, b"no tunnels here"))
            self.assertEqual(client.request().status, 200)

    def test_unasked_101_is_a_bad_response(self):
        daemon, upstream = self.start(scripts.raw(b"HTTP/1.1 101 Sure\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), retries=0)
        with Client(daemon.address) as client:
            response = client.request()
            self.assertEqual((response.status, response.header("fusegate-reason")), (502, "bad_response"))

    def test_refused_upgrade_is_retried_like_any_get(self):
        daemon, upstream = self.start(scripts.sequence(scripts.unavailable(), scripts.upgrade_echo))
        client = self.open(daemon)
        client.send(b"ping")
        self.assertEqual(client.receive(4), b"ping")
        self.assertEqual(len(upstream.requests), 2)


if __name__ == "__main__":
    unittest.main()
