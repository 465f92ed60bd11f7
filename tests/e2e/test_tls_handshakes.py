"""Handshakes of clients that fail, and many connections at once."""

import hashlib
import json
import os
import signal
import socket
import threading
import time
import unittest

from support import Client, Daemon, Upstream, refused, scaled, scripts, single, wait_until
from support.client import encode
from support.tls import FAILED, ListenerCase, client_hello, listening


class Failing(ListenerCase):
    def test_plain_http_is_told_so(self):
        self.start()
        with Client(self.address) as client:
            response = client.request()
            self.assertEqual((response.status, response.header("fusegate-reason")), (400, "bad_request"))
            self.assertIn(b"use https", response.body)
        self.daemon.expect_metric(1, "fusegate_rejected_total", reason="bad_request")
        self.still_serves()

    def test_garbage_ends_the_connection(self):
        self.start()
        for garbage in (b"\0" * 1000, b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"SSH-2.0-OpenSSH_9\r\n", os.urandom(5000), client_hello()[:50] + os.urandom(2000)):
            with Client(self.address) as client:
                try:
                    client.send(garbage)
                    client.finish_sending()
                except OSError:
                    pass
                self.assertLess(len(client.rest()), 100)
        self.failure("")
        self.still_serves()
        self.daemon.expect_metric(0, "fusegate_downstream_connections")

    def test_a_handshake_that_is_cut_ends_the_connection(self):
        self.start()
        hello = client_hello()
        for size in (1, 5, len(hello) // 2, len(hello)):
            with self.subTest(size), Client(self.address) as client:
                client.send(hello[:size])
                client.finish_sending()
                client.rest()
        self.failure("closed the connection during the handshake")
        self.daemon.expect_metric(0, "fusegate_downstream_connections")
        self.still_serves()

    def test_a_slow_handshake_is_ended(self):
        self.start(limits={"head_timeout": "300ms"})
        for first in (b"", client_hello()[:20]):
            with self.subTest(first), Client(self.address) as client:
                client.send(first)
                self.assertTrue(client.closed_within(5))
        self.failure("took too long")
        self.still_serves()

    def test_a_look_at_the_port_is_no_failure(self):
        self.start()
        for _ in range(3):
            socket.create_connection(tuple(self.address.rsplit(":", 1))).close()
        self.daemon.expect_metric(3, "fusegate_downstream_connections_total")
        self.daemon.expect_metric(0, "fusegate_downstream_connections")
        self.assertEqual([line for line in self.daemon.log() if line["msg"] == FAILED], [])

    def test_failures_are_logged_now_and_then_and_counted(self):
        self.start()
        for _ in range(50):
            with Client(self.address) as client:
                client.send(b"garbage, and not little of it\n" * 10)
                client.rest()
        end = time.monotonic() + scaled(5)
        told = 0
        while told < 50 and time.monotonic() < end:
            time.sleep(0.2)
            with Client(self.address) as client:
                client.send(b"garbage, and not little of it\n" * 10)
                client.rest()
            lines = [line for line in self.daemon.log() if line["msg"] == FAILED]
            told = sum(line["failures"] for line in lines)
        self.assertGreaterEqual(told, 50)
        self.assertLess(len(lines), 15)

    def test_one_connection_too_many_is_closed(self):
        self.upstream = self.enterContext(Upstream())
        self.daemon = self.enterContext(Daemon({**listening(self.own.settings()), **single(self.upstream), "runtime": {"max_connections": 1}}))
        self.address = self.daemon.address
        with self.client() as first:
            self.assertEqual(first.request().status, 200)
            with self.assertRaises(OSError):
                self.client()
            self.daemon.expect_metric(1, "fusegate_rejected_total", reason="over_limit")


class Together(ListenerCase):
    def test_many_connections_at_once(self):
        self.start(lambda e: e.reply(200, e.request.target.encode() * 200))
        wrong = []

        def one(number):
            try:
                with Client(self.address, 60, tls=self.authority.client()) as client:
                    for turn in range(5):
                        target = f"/{number}/{turn}"
                        if client.request(target=target).body != target.encode() * 200:
                            wrong.append(target)
            except Exception as error:
                wrong.append(error)
        threads = [threading.Thread(target=one, args=(number,)) for number in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_pipelined_requests_are_answered_in_order(self):
        self.start(lambda e: e.reply(200, e.request.target.encode()))
        with self.client() as client:
            client.send(b"".join(encode("GET", f"/{i}") for i in range(40)))
            self.assertEqual([client.read().body for _ in range(40)], [f"/{i}".encode() for i in range(40)])

    def test_a_stop_ends_idle_connections_and_handshakes(self):
        self.start()
        idle = self.client()
        idle.request()
        silent = self.enterContext(Client(self.address))
        wait_until(lambda: self.daemon.metric("fusegate_downstream_connections") == 2, what="two connections")
        self.daemon.signal(signal.SIGTERM)
        self.assertTrue(silent.closed_within(5))
        self.assertEqual(self.daemon.wait(), 0)
        self.assertTrue(refused(self.address))

    def test_a_unix_socket_speaks_tls_too(self):
        self.upstream = self.enterContext(Upstream(scripts.echo))
        folder = self.authority.folder
        config = {"listeners": [{"name": "default", "address": f"unix:{folder}/proxy.sock", "tls": self.own.settings()}], **single(self.upstream)}
        self.enterContext(Daemon(config))
        body = os.urandom(300_000)
        with Client(f"unix:{folder}/proxy.sock", tls=self.authority.client()) as client:
            for _ in range(3):
                self.assertEqual(json.loads(client.request("POST", body=body).body)["sha256"], hashlib.sha256(body).hexdigest())

    def test_two_workers_serve_tls(self):
        self.upstream = self.enterContext(Upstream(lambda e: e.reply(200, b"x" * 100_000)))
        config = {**listening(self.own.settings()), **single(self.upstream), "runtime": {"workers": 2}}
        self.daemon = self.enterContext(Daemon(config))
        context = self.authority.client()
        clients = [self.enterContext(Client(self.daemon.address, tls=context)) for _ in range(8)]
        for _ in range(5):
            for client in clients:
                self.assertEqual(client.request().length, 100_000)


if __name__ == "__main__":
    unittest.main()
