"""TLS towards clients: what is spoken, who is let in, and what becomes of handshakes that fail."""

import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from support import Authority, Client, Closed, Daemon, Upstream, fetch, refused, scaled, scripts, single, wait_until
from support.certificates import old_versions
from support.client import chunked, encode

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
FAILED = "TLS handshake with a client failed"


def setUpModule():
    global AUTHORITY, OWN
    AUTHORITY = unittest.enterModuleContext(Authority())
    OWN = AUTHORITY.issue("localhost", "127.0.0.1")


def listening(tls, **more):
    return {"listeners": [{"name": "default", "address": "127.0.0.1:0", "tls": tls, **more}]}


def client_hello():
    """The first bytes a client sends."""
    out = ssl.MemoryBIO()
    side = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class TlsCase(unittest.TestCase):
    def start(self, script=None, client_ca="", limits=None, **settings):
        self.upstream = self.enterContext(Upstream(script))
        tls = OWN.settings(**({"client_ca": client_ca} if client_ca else {}))
        config = {**listening(tls), **single(self.upstream, **settings), **({"limits": limits} if limits else {})}
        self.daemon = self.enterContext(Daemon(config))
        self.address = self.daemon.address
        return self.daemon

    def client(self, tls=None, **more):
        return self.enterContext(Client(self.address, tls=tls or AUTHORITY.client(), **more))

    def still_serves(self):
        self.assertEqual(fetch(self.address, tls=AUTHORITY.client()).status, 200)

    def failure(self, reason, again=None):
        """Fails unless a failed handshake is logged with this reason. One line a second is written,
        so the failure may have to be made `again`."""
        def told():
            if again:
                again()
            return [line for line in self.daemon.log() if line["msg"] == FAILED and reason in line["reason"]]
        wait_until(told, what=f"a log line: {reason}", step=0.1)


class Spoken(TlsCase):
    def test_requests_are_served_with_both_versions(self):
        self.start(scripts.echo)
        for version in VERSIONS:
            with self.subTest(version), self.client(AUTHORITY.client(newest=version)) as client:
                for _ in range(5):
                    seen = json.loads(client.request("POST", "/p", body=b"abc").body)
                    self.assertEqual((seen["length"], seen["target"]), (3, "/p"))
                    self.assertEqual(dict(seen["headers"])["x-forwarded-proto"], "https")
                self.assertEqual(client.sock.version(), version.name.replace("_", "."))
        self.assertEqual(self.upstream.connections, 1)

    def test_older_versions_are_refused(self):
        self.start()
        context = AUTHORITY.client()
        old_versions(context)
        with self.assertRaises(OSError):
            self.client(context)
        self.failure("no TLS version from 1.2 on")
        self.still_serves()

    def test_ciphers_without_forward_secrecy_are_refused(self):
        self.start()
        for ciphers in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"):
            context = AUTHORITY.client(newest=ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(ciphers)
            with self.subTest(ciphers), self.assertRaises(OSError):
                self.client(context)
        self.failure("no cipher")

    def test_the_protocol_is_agreed_on(self):
        self.start()
        for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), (None, None)):
            with self.subTest(offered), self.client(AUTHORITY.client(alpn=offered)) as client:
                self.assertEqual(client.sock.selected_alpn_protocol(), chosen)
                self.assertEqual(client.request().status, 200)
        with self.assertRaisesRegex(OSError, "(?i)no.application.protocol"):
            self.client(AUTHORITY.client(alpn=["h2"]))
        self.failure("ALPN")

    def test_sessions_are_resumed(self):
        self.start()
        for version in VERSIONS:
            with self.subTest(version):
                context = AUTHORITY.client(newest=version)
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
                               "-CAfile", AUTHORITY.file], input="", capture_output=True, text=True, timeout=scaled(20))
        self.assertEqual(done.stdout.count("Reused, TLSv1.2"), 5, done.stdout + done.stderr)

    def test_a_peer_cannot_renegotiate(self):
        self.start()
        host, _, port = self.address.rpartition(":")
        process = subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-CAfile", AUTHORITY.file],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.kill)
        process.stdin.write("R\n")
        process.stdin.flush()
        output, _ = process.communicate(timeout=scaled(20))
        self.assertIn("no renegotiation", output)
        self.still_serves()


class Bodies(TlsCase):
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
                side = AUTHORITY.client().wrap_bio(received, sent, server_hostname="localhost")

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


class Admitted(TlsCase):
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
        self.start(client_ca=AUTHORITY.file)
        good = AUTHORITY.issue("service", purpose="clientAuth")
        for version in VERSIONS:
            with self.client(AUTHORITY.client(good, newest=version)) as client:
                self.assertEqual(client.request().status, 200)
        self.refused_client(AUTHORITY.client(), "it shows no certificate")
        with Authority("Another") as other:
            self.refused_client(AUTHORITY.client(other.issue("service")), "unknown authority")
        self.refused_client(AUTHORITY.client(AUTHORITY.issue("service", first=-3, last=-1)), "has expired")
        self.refused_client(AUTHORITY.client(AUTHORITY.issue("service", first=1, last=3)), "not valid yet")
        self.refused_client(AUTHORITY.client(AUTHORITY.issue("service", purpose="serverAuth")), "another purpose")
        self.assertEqual(self.upstream.count(), 2)

    def test_a_revoked_client_is_refused(self):
        good, bad = AUTHORITY.issue("service"), AUTHORITY.issue("service")
        AUTHORITY.revoke(bad)
        self.start(client_ca=AUTHORITY.with_revocations())
        with self.client(AUTHORITY.client(good)) as client:
            self.assertEqual(client.request().status, 200)
        self.refused_client(AUTHORITY.client(bad), "has been revoked")

    def test_a_session_of_a_certified_client_is_resumed(self):
        self.start(client_ca=AUTHORITY.file)
        context = AUTHORITY.client(AUTHORITY.issue("service"))
        with self.client(context) as first:
            first.request()
            session = first.sock.session
        with self.client(context, session=session) as second:
            self.assertTrue(second.sock.session_reused)
            self.assertEqual(second.request().status, 200)


class Failing(TlsCase):
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
        self.daemon = self.enterContext(Daemon({**listening(OWN.settings()), **single(self.upstream), "runtime": {"max_connections": 1}}))
        self.address = self.daemon.address
        with self.client() as first:
            self.assertEqual(first.request().status, 200)
            with self.assertRaises(OSError):
                self.client()
            self.daemon.expect_metric(1, "fusegate_rejected_total", reason="over_limit")


class Together(TlsCase):
    def test_many_connections_at_once(self):
        self.start(lambda e: e.reply(200, e.request.target.encode() * 200))
        wrong = []

        def one(number):
            try:
                with Client(self.address, 60, tls=AUTHORITY.client()) as client:
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
        folder = AUTHORITY.folder
        config = {"listeners": [{"name": "default", "address": f"unix:{folder}/proxy.sock", "tls": OWN.settings()}], **single(self.upstream)}
        self.enterContext(Daemon(config))
        body = os.urandom(300_000)
        with Client(f"unix:{folder}/proxy.sock", tls=AUTHORITY.client()) as client:
            for _ in range(3):
                self.assertEqual(json.loads(client.request("POST", body=body).body)["sha256"], hashlib.sha256(body).hexdigest())

    def test_two_workers_serve_tls(self):
        self.upstream = self.enterContext(Upstream(lambda e: e.reply(200, b"x" * 100_000)))
        config = {**listening(OWN.settings()), **single(self.upstream), "runtime": {"workers": 2}}
        self.daemon = self.enterContext(Daemon(config))
        context = AUTHORITY.client()
        clients = [self.enterContext(Client(self.daemon.address, tls=context)) for _ in range(8)]
        for _ in range(5):
            for client in clients:
                self.assertEqual(client.request().length, 100_000)


if __name__ == "__main__":
    unittest.main()
