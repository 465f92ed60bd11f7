"""TLS towards clients: what is spoken, who is let in, and bodies both ways."""

import hashlib
import json
import os
import socket
import ssl
import subprocess
import time
import unittest

from support import Authority, Closed, scaled, scripts, wait_until
from support.certificates import old_versions
from support.client import chunked, encode
from support.tls import VERSIONS, ListenerCase


class Spoken(ListenerCase):
    def test_requests_are_served_with_both_versions(self):
        self.start(scripts.echo)
        for version in VERSIONS:
            with self.subTest(version), self.client(self.authority.client(newest=version)) as client:
                for _ in range(5):
                    seen = json.loads(client.request("POST", "/p", body=b"abc").body)
                    self.assertEqual((seen["length"], seen["target"]), (3, "/p"))
                    self.assertEqual(dict(seen["headers"])["x-forwarded-proto"], "https")
                self.assertEqual(client.sock.version(), version.name.replace("_", "."))
        self.assertEqual(self.upstream.connections, 1)

    def test_older_versions_are_refused(self):
        self.start()
        context = self.authority.client()
        old_versions(context)
        with self.assertRaises(OSError):
            self.client(context)
        self.failure("no TLS version from 1.2 on")
        self.still_serves()

    def test_ciphers_without_forward_secrecy_are_refused(self):
        self.start()
        for ciphers in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"):
            context = self.authority.client(newest=ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(ciphers)
            with self.subTest(ciphers), self.assertRaises(OSError):
                self.client(context)
        self.failure("no cipher")

    def test_the_protocol_is_agreed_on(self):
        self.start()
        for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), (None, None)):
            with self.subTest(offered), self.client(self.authority.client(alpn=offered)) as client:
                self.assertEqual(client.sock.selected_alpn_protocol(), chosen)
                self.assertEqual(client.request().status, 200)
        with self.assertRaisesRegex(OSError, "(?i)no.application.protocol"):
            self.client(self.authority.client(alpn=["h2"]))
        self.failure("ALPN")

    def test_sessions_are_resumed(self):
        self.start()
        for version in VERSIONS:
            with self.subTest(version):
                context = self.authority.client(newest=version)
                with self.client(context) as first:
                    first.request()
                    session = first.sock.session
                    self.assertFalse(first.sock.session_reused)
                with self.client(context, session=session) as second:
                    self.assertTrue(second.sock.session_reused)
                    self.assertEqual(second.request().status, 200)

    def test_a_session_is_resumed_without_tickets_too(self):
        self.start()
        host, _, port = self.address.rpartition(":")
        done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-no_ticket", "-reconnect",
                               "-CAfile", self.authority.file], input="", capture_output=True, text=True, timeout=scaled(20))
        self.assertEqual(done.stdout.count("Reused, TLSv1.2"), 5, done.stdout + done.stderr)

    def test_a_peer_cannot_renegotiate(self):
        self.start()
        host, _, port = self.address.rpartition(":")
        process = subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-CAfile", self.authority.file],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.kill)
        process.stdin.write("R\n")
        process.stdin.flush()
        output, _ = process.communicate(timeout=scaled(20))
        self.assertIn("no renegotiation", output)
        self.still_serves()


class Bodies(ListenerCase):
    def test_big_bodies_go_both_ways(self):
        self.start(lambda e: e.reply(200, e.request.sha256.encode() + b"r" * 20_000_003))
        body = os.urandom(20_000_003)
        for headers, payload in ((None, body), ({"transfer-encoding": "chunked"}, chunked(*(body[i:i + 70_001] for i in range(0, len(body), 70_001))))):
            with self.client(timeout=60) as client:
                client.send(encode("POST", "/", headers, payload))
                response = client.read()
            self.assertEqual(response.length, 64 + 20_000_003)
            self.assertEqual(response.body[:64].decode(), hashlib.sha256(body).hexdigest())

    def test_a_slow_reader_slows_the_upstream_and_costs_no_memory(self):
        self.start(lambda e: e.reply(200, b"r" * (50_000_000 if e.request.target == "/big" else 1)), timeout="120s")
        self.still_serves()
        before = self.daemon.rss_kib()
        client = self.client(receive_buffer=200_000, timeout=60)
        client.send(encode("GET", "/big"))
        time.sleep(1)
        self.assertLess(self.daemon.rss_kib() - before, 20_000)
        self.assertEqual(client.read().length, 50_000_000)

    def test_an_end_that_delimits_a_body_is_said(self):
        self.start(scripts.chunks(b"one" * 100_000, b"two"))
        client = self.client(receive_buffer=4096)
        client.send(encode("GET", "/", version="1.0"))
        time.sleep(0.3)
        response = client.read()  # Raises when the connection ends without close_notify.
        self.assertEqual((response.length, response.framing), (300_003, "close"))

    def test_a_body_that_the_upstream_cuts_never_looks_whole(self):
        self.start(lambda e: (e.head(200, {"transfer-encoding": "chunked"}), e.send(b"5\r\nhello\r\n"), time.sleep(0.1), e.close()))
        client = self.client()
        client.send(encode("GET", "/", version="1.0"))
        with self.assertRaises(Closed) as cut:
            client.read()
        self.assertRegex(str(cut.exception), "^(reset|cut)")
        self.assertEqual(self.daemon.access_line()["result"], "cut")

    def test_an_upload_that_the_client_cuts_is_not_completed(self):
        for framing in ({"content-length": "1000"}, {"transfer-encoding": "chunked"}):
            with self.subTest(framing):
                self.start()
                client = self.client()
                client.send(encode("POST", "/", framing) + (b"5\r\nhello\r\n" if "transfer-encoding" in framing else b"hello"))
                wait_until(lambda: self.upstream.requests, what="the head upstream")
                client.cut()
                self.assertEqual(self.daemon.access_line()["reason"], "client_gone")
                self.assertEqual(self.upstream.count(), 0)

    def test_a_client_that_says_its_end_still_gets_its_answer(self):
        self.start(scripts.after(0.3))
        for cut in (False, True):
            with self.subTest(cut=cut):
                raw = socket.create_connection(tuple(self.address.rsplit(":", 1)))
                self.addCleanup(raw.close)
                received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
                side = self.authority.client().wrap_bio(received, sent, server_hostname="localhost")

                def drive(step):
                    while True:
                        try:
                            result = step()
                            raw.sendall(sent.read())
                            return result
                        except ssl.SSLWantReadError:
                            raw.sendall(sent.read())
                            received.write(raw.recv(65536) or self.fail("closed before the answer"))
                drive(side.do_handshake)
                drive(lambda: side.write(encode("GET", "/")))
                if not cut:
                    try:
                        side.unwrap()
                    except ssl.SSLWantReadError:
                        raw.sendall(sent.read())
                raw.shutdown(socket.SHUT_WR)
                # OpenSSL reads on after its own close_notify, Python's unwrap would not: look at the bytes.
                raw.settimeout(scaled(5))
                answer = b""
                while data := raw.recv(65536):
                    answer += data
                self.assertGreater(len(answer), 150)
        self.assertEqual([line["status"] for line in self.daemon.access_log(2)], [200, 200])


class Admitted(ListenerCase):
    def refused_client(self, context, reason):
        """The client is not served: with TLS 1.3 it learns that after its own handshake."""
        def attempt():
            with self.assertRaises((OSError, Closed)):
                with self.client(context) as client:
                    client.request()
        for version in VERSIONS:
            context.maximum_version = version
            with self.subTest(version):
                attempt()
        self.failure(reason, attempt)

    def test_clients_must_show_a_certificate_of_the_authority(self):
        self.start(client_ca=self.authority.file)
        good = self.authority.issue("service", purpose="clientAuth")
        for version in VERSIONS:
            with self.client(self.authority.client(good, newest=version)) as client:
                self.assertEqual(client.request().status, 200)
        self.refused_client(self.authority.client(), "it shows no certificate")
        with Authority("Another") as other:
            self.refused_client(self.authority.client(other.issue("service")), "unknown authority")
        self.refused_client(self.authority.client(self.authority.issue("service", first=-3, last=-1)), "has expired")
        self.refused_client(self.authority.client(self.authority.issue("service", first=1, last=3)), "not valid yet")
        self.refused_client(self.authority.client(self.authority.issue("service", purpose="serverAuth")), "another purpose")
        self.assertEqual(self.upstream.count(), 2)

    def test_a_revoked_client_is_refused(self):
        good, bad = self.authority.issue("service"), self.authority.issue("service")
        self.authority.revoke(bad)
        self.start(client_ca=self.authority.with_revocations())
        with self.client(self.authority.client(good)) as client:
            self.assertEqual(client.request().status, 200)
        self.refused_client(self.authority.client(bad), "has been revoked")

    def test_a_session_of_a_certified_client_is_resumed(self):
        self.start(client_ca=self.authority.file)
        context = self.authority.client(self.authority.issue("service"))
        with self.client(context) as first:
            first.request()
            session = first.sock.session
        with self.client(context, session=session) as second:
            self.assertTrue(second.sock.session_reused)
            self.assertEqual(second.request().status, 200)


if __name__ == "__main__":
    unittest.main()
