"""Real programs behind Fusegate, in front of it and as its clients. What differs between them is
written down in docs/protocol.md."""

import hashlib
import http.client
import re
import subprocess
import unittest
from pathlib import Path

from support import Client, Daemon, Upstream, programs, scripts, single
from support.client import chunked, encode
from support.timing import scaled

PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}
BIG = hashlib.sha256(programs.BIG).hexdigest()
SERVERS = ("nginx", "apache", "haproxy", "caddy", "node", "python")
FRONTS = ("nginx", "apache", "haproxy", "caddy")
UPGRADE = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
           "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}
CHUNKED = {"transfer-encoding": "chunked"}


def run(*command, **options):
    return subprocess.run(command, capture_output=True, timeout=scaled(60), **options)


@scripts.early
def echo(exchange):
    if "upgrade" in exchange.request.headers:
        return scripts.upgrade_echo(exchange)
    if "expect" in exchange.request.headers:
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    exchange.read_body()
    exchange.reply(200, exchange.request.body or b"small\n", {"x-framing": exchange.request.framing})


class AsUpstreams(unittest.TestCase):
    def check(self, name):
        if not programs.have("apache2" if name == "apache" else name if name != "python" else "python3"):
            self.skipTest(f"{name} is not installed")
        server = self.enterContext(programs.server(name))
        daemon = self.enterContext(Daemon(single(server, **PLAIN)))
        big = (programs.BIG[:8192] if name == "haproxy" else programs.BIG)
        with Client(daemon.address, 20) as client:
            for _ in range(20):
                self.assertEqual(client.request(target="/small").body, b"small\n")
            head = client.request("HEAD", "/small")
            self.assertEqual((head.status, head.body), (200, b""))
            answer = client.request(target="/big")
            self.assertEqual((answer.status, answer.sha256), (200, hashlib.sha256(big).hexdigest()))
            self.assertEqual(client.request(target="/nothing").status, 404)
            unchanged = client.request(target="/small", headers={"if-none-match": head.headers.joined("etag") or '"x"'})
            self.assertIn(unchanged.status, (200, 304))
        self.posts(name, daemon)
        self.assertEqual(daemon.metric("fusegate_requests_total", result="cut"), 0)
        connects = daemon.metric("fusegate_upstream_connects_total", result="ok")
        self.assertLessEqual(connects, 100 if name == "python" else 8, "connections were not kept")

    def posts(self, name, daemon):
        bodies = [(b"x" * 5, {}), (b"x" * 300_000, {}), (b"x" * 5, {"expect": "100-continue"})]
        if name != "python":
            bodies.append((chunked(b"abc", b"d" * 70_000), CHUNKED))  # http.server knows no chunks.
        for body, fields in bodies:
            with self.subTest(name, length=len(body), fields=fields), Client(daemon.address, 20) as client:
                if fields is not CHUNKED:
                    fields = {**fields, "content-length": str(len(body))}
                client.send(encode("POST", "/post", fields) + body)
                self.assertEqual(client.read().status, 200)

    def test_servers(self):
        for name in SERVERS:
            with self.subTest(name):
                self.check(name)

    def test_node_speaks_everything(self):
        if not programs.have("node"):
            self.skipTest("node is not installed")
        server = self.enterContext(programs.server("node"))
        daemon = self.enterContext(Daemon(single(server, **PLAIN)))
        done = run("node", str(programs.HERE / "client.js"), daemon.address)
        self.assertEqual((done.returncode, done.stdout), (0, b"ok\n"), done.stderr.decode())


class InFront(unittest.TestCase):
    def check(self, name):
        if not programs.have("apache2" if name == "apache" else name):
            self.skipTest(f"{name} is not installed")
        upstream = self.enterContext(Upstream(echo))
        daemon = self.enterContext(Daemon(single(upstream, **PLAIN)))
        front = self.enterContext(programs.front(name, daemon.address))
        with Client(front.authority, 20) as client:
            for i in range(20):
                self.assertEqual(client.request(target=f"/{i}?q=%2f").body, b"small\n")
                self.assertEqual(upstream.last.target, f"/{i}?q=%2f")
            self.assertEqual(client.request("HEAD").body, b"")
            for body in (b"", b"x" * 10, programs.BIG):
                answer = client.request("POST", body=body)
                self.assertEqual((answer.status, answer.body), (200, body[:1 << 20] or b"small\n"))
            client.send(encode("POST", "/", CHUNKED) + chunked(b"abc", b"d" * 70_000))
            self.assertEqual(client.read().body, b"abc" + b"d" * 70_000)
            client.send(encode("PUT", "/", {"content-length": "4", "expect": "100-continue"}))
            self.assertIn(client.reader.until(b"\r\n\r\n", "a 100").split(b" ")[1], (b"100",))
            self.assertEqual(client.send(b"late").read().body, b"late")
        with Client(front.authority, 20) as client:
            self.assertEqual(client.request(target="/tunnel", headers=UPGRADE).status, 101)
            self.assertEqual(client.send(b"through").receive(7), b"through")
        seen = upstream.requests[-2].headers.joined("x-forwarded-for")
        self.assertRegex(seen, r"^127\.0\.0\.1, ?127\.0\.0\.1$", "the front's word is continued")
        self.assertEqual(upstream.bad, [])
        self.assertEqual(daemon.metric("fusegate_rejected_total"), 0)

    def test_proxies(self):
        for name in FRONTS:
            with self.subTest(name):
                self.check(name)


class Clients(unittest.TestCase):
    def setUp(self):
        self.upstream = self.enterContext(Upstream(echo))
        self.daemon = self.enterContext(Daemon(single(self.upstream, **PLAIN)))
        self.url = f"http://{self.daemon.address}/"

    def curl(self, *arguments, data=None):
        done = run("curl", "-sS", "--max-time", str(int(scaled(20))), *arguments, self.url, input=data)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout

    def test_curl(self):
        self.assertEqual(self.curl(), b"small\n")
        self.assertIn(b"200", self.curl("-I"))
        self.assertEqual(self.curl("-d", "a=b"), b"a=b")
        self.assertEqual(self.curl("-T", "-", data=b"x" * 100_000), b"x" * 100_000)
        self.assertEqual(self.upstream.last.framing, "chunked")
        self.assertEqual(self.curl("-H", "expect: 100-continue", "-d", "late"), b"late")
        self.assertEqual(self.curl("--http1.0"), b"small\n")
        self.assertEqual(self.curl("-H", "connection: close"), b"small\n")
        self.assertEqual(self.curl("--http2"), b"small\n", "an offer of h2c is declined")
        self.assertEqual(self.curl("-x", self.url, "http://shop.test/y"), b"small\n" * 2)
        self.assertEqual(self.curl("--path-as-is", "--globoff", self.url + "a/../[b]"), b"small\n" * 2)

    def test_http_client(self):
        host, _, port = self.daemon.address.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=scaled(20))
        for method, body in (("GET", None), ("POST", b"data"), ("PUT", iter([b"a", b"b"])), ("HEAD", None)):
            connection.request(method, "/", body, encode_chunked=not isinstance(body, (bytes, type(None))),
                               headers=CHUNKED if not isinstance(body, (bytes, type(None))) else {})
            response = connection.getresponse()
            wanted = {"POST": b"data", "PUT": b"ab", "HEAD": b""}.get(method, b"small\n")
            self.assertEqual((response.status, response.read()), (200, wanted))
        connection.close()

    def test_wrk(self):
        if not programs.have("wrk"):
            self.skipTest("wrk is not installed")
        done = run("wrk", "-t1", "-c8", "-d1s", self.url).stdout.decode()
        self.assertGreater(int(re.search(r"(\d+) requests in", done)[1]), 0, done)
        self.assertNotIn("Non-2xx", done)
        self.assertNotIn("Socket errors", done)

    def test_hey(self):
        if not programs.have("hey"):
            self.skipTest("hey is not installed")
        done = run("hey", "-n", "400", "-c", "8", "-m", "POST", "-d", "data", self.url).stdout.decode()
        self.assertRegex(done, r"\[200\]\s+400 responses")


class VarnishTest(unittest.TestCase):
    """programs/*.vtc: scripts of both sides for varnishtest."""

    def test_scripts(self):
        if not programs.have("varnishtest"):
            self.skipTest("varnishtest is not installed")
        scripts = sorted(Path(programs.HERE).glob("*.vtc"))
        self.assertGreater(len(scripts), 4)
        for script in scripts:
            with self.subTest(script.name), programs.Spot() as spot:
                with Daemon(single(spot.endpoint, **PLAIN)) as daemon:
                    done = run("varnishtest", "-t", str(int(scaled(15))), "-D", f"fusegate={daemon.address}",
                               "-D", f"upstream={spot.authority}", str(script))
                    self.assertEqual(done.returncode, 0, done.stdout.decode(errors="replace")[-3000:])


if __name__ == "__main__":
    unittest.main()
