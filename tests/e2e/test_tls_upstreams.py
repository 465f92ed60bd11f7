"""TLS towards upstreams: how connections and sessions are used again, and health checks."""

import hashlib
import json
import os
import time
import unittest

from support import Authority, Client, Daemon, fetch, fetch_all, scripts, wait_until
from support.client import encode
from support.tls import VERSIONS, UpstreamCase, listening


class Spoken(UpstreamCase):
    def test_requests_reach_the_server_over_one_connection(self):
        for version in VERSIONS:
            with self.subTest(version):
                upstream = self.serve(scripts.echo, newest=version, alpn=["h2", "http/1.1"])
                daemon = self.run_with(upstream)
                with Client(daemon.address) as client:
                    for pause in [0] * 18 + [0.05, 0.05]:
                        time.sleep(pause)  # A rested connection is looked at: its tickets are no stale data.
                        self.assertEqual(json.loads(client.request("POST", body=b"abc").body)["length"], 3)
                done, = upstream.handshakes
                self.assertEqual((done.version, done.protocol, done.error), (version.name.replace("_", "."), "http/1.1", ""))
                self.assertIsNone(done.server_name)  # An address is no name to ask for.
                daemon.expect_metric(1, "fusegate_upstream_connects_total", result="ok")
                self.assertEqual(daemon.metric("fusegate_upstream_connect_duration_seconds_count"), 1)

    def test_the_name_of_the_url_is_asked_for_and_proved(self):
        upstream = self.serve(own=self.authority.issue("localhost"))
        daemon = self.run_with(f"https://localhost:{upstream.port}", dns={"family": "ipv4"})
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(upstream.handshakes[0].server_name, "localhost")

    def test_each_endpoint_proves_its_own_name(self):
        named, numbered = self.serve(own=self.authority.issue("localhost")), self.serve(own=self.authority.issue("127.0.0.1"))
        endpoints = {"endpoints": [f"https://localhost:{named.port}", f"https://127.0.0.1:{numbered.port}"],
                     "dns": {"family": "ipv4"}, "balance": "round_robin"}
        daemon = self.run_with({"up": endpoints}, retries=0)
        wait_until(lambda: fetch(daemon.address).status == 200 and named.count() and numbered.count(), what="both endpoints")
        self.assertEqual([line["status"] for line in daemon.access_log() if line["status"] != 200], [])

    def test_another_name_can_be_asked_for(self):
        upstream = self.serve(own=self.authority.issue("payments.local"))
        daemon = self.run_with(upstream, {"server_name": "payments.local"})
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(upstream.handshakes[0].server_name, "payments.local")

    def test_sessions_are_resumed(self):
        for version in VERSIONS:
            with self.subTest(version):
                upstream = self.serve(scripts.reply(close=True), newest=version)
                daemon = self.run_with(upstream)
                for _ in range(4):
                    self.assertEqual(fetch(daemon.address).status, 200)
                self.assertEqual([done.reused for done in upstream.handshakes], [False, True, True, True])

    def test_a_server_without_certificate_checks_is_believed_when_told_to(self):
        with Authority("Unknown") as other:
            upstream = self.serve(own=other.issue("nobody.local", first=-3, last=-1))
            self.assertEqual(fetch(self.run_with(upstream, {"ca_file": "", "verify": False}).address).status, 200)

    def test_the_system_authorities_are_believed_by_default(self):
        upstream = self.serve()
        args = ["run", "--upstream", upstream.endpoint, "--listen", "127.0.0.1:0"]
        for environment, status in (({"SSL_CERT_FILE": self.authority.file}, 200), ({}, 502)):
            listening = {"FUSEGATE_STATUS_LISTEN": "127.0.0.1:0", "FUSEGATE_ADMIN_LISTEN": "off", **environment}
            with Daemon({}, env=listening, args=args[1:], expect_listeners=["default"]) as daemon:
                self.assertEqual(fetch(daemon.address, "POST", body=b"").status, status)

    def test_tls_on_both_sides(self):
        upstream = self.serve(scripts.echo)
        listener = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "tls": self.own.settings()}]}
        daemon = self.run_with(upstream, extra=listener)
        body = os.urandom(1_000_003)
        with Client(daemon.address, tls=self.authority.client()) as client:
            for _ in range(3):
                seen = json.loads(client.request("POST", body=body).body)
                self.assertEqual(seen["sha256"], hashlib.sha256(body).hexdigest())
                self.assertEqual(dict(seen["headers"])["x-forwarded-proto"], "https")
        self.assertEqual(len(upstream.handshakes), 1)

    def test_an_upgrade_goes_through_tls_on_both_sides(self):
        upstream = self.serve(scripts.upgrade_echo)
        listener = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "tls": self.own.settings()}]}
        daemon = self.run_with(upstream, extra=listener)
        with Client(daemon.address, tls=self.authority.client()) as client:
            response = client.request(headers={"connection": "upgrade", "upgrade": "test"})
            self.assertEqual(response.status, 101)
            for _ in range(10):  # Not from two threads: Python's TLS socket may not be used by both at once.
                data = os.urandom(60_000)
                client.send(data)
                self.assertEqual(client.receive(len(data)), data)

    def test_big_bodies_go_both_ways_with_backpressure(self):
        upstream = self.serve(lambda e: e.reply(200, e.request.sha256.encode() + b"r" * 20_000_003))
        daemon = self.run_with(upstream, timeout="120s")
        body = os.urandom(20_000_003)
        with Client(daemon.address, 60, receive_buffer=100_000) as client:
            client.send(encode("POST", "/", body=body))
            time.sleep(0.5)
            response = client.read()
        self.assertEqual(response.length, 64 + 20_000_003)
        self.assertEqual(response.body[:64].decode(), hashlib.sha256(body).hexdigest())

    def test_many_requests_at_once_share_connections(self):
        self.start(scripts.after(0.05))
        for _ in range(3):
            answers = fetch_all(self.daemon.address, 64, timeout=60)
            self.assertEqual([answer[0].status for answer in answers], [200] * 64)
        self.assertLess(len(self.upstream.handshakes), 129)

    def test_a_kept_connection_that_the_server_has_closed_is_replaced(self):
        self.start()
        for _ in range(5):
            self.assertEqual(fetch(self.daemon.address, "POST", body=b"x").status, 200)
            self.upstream.drop_connections()  # Without close_notify.
            wait_until(lambda: self.daemon.metric("fusegate_upstream_connections", state="idle") == 0, what="no idle connection")
        self.assertEqual(self.upstream.count(), 5)

    def test_a_slow_attempt_is_hedged_over_tls(self):
        script = scripts.sequence(scripts.after(5), scripts.reply(b"hedge"))
        self.upstream = self.serve(script)
        daemon = self.run_with(self.upstream, hedge={"enabled": True, "after": "50ms", "max_percent": "100%"})
        self.assertEqual(fetch(daemon.address).body, b"hedge")
        self.assertEqual(len(self.upstream.handshakes), 2)


class Checks(UpstreamCase):
    def state(self, healthy):
        return lambda: self.daemon.metric("fusegate_endpoints", state="healthy") == healthy

    def test_health_checks_speak_tls(self):
        health = {"path": "/healthz", "interval": "100ms", "timeout": "1s", "unhealthy": 1, "healthy": 1}
        self.start(tls={"server_name": "localhost"}, health_check=health)
        wait_until(lambda: self.upstream.count(target="/healthz") > 1, what="two checks")
        self.assertEqual(self.upstream.handshakes[0].server_name, "localhost")
        self.assertEqual(fetch(self.daemon.address).status, 200)

    def test_a_server_that_cannot_prove_its_name_is_unhealthy(self):
        health = {"path": "/healthz", "interval": "100ms", "timeout": "1s", "unhealthy": 1, "healthy": 1}
        self.start(tls={"server_name": "other.local"}, health_check=health)
        line = wait_until(lambda: [line for line in self.daemon.log() if line["msg"] == "endpoint is unhealthy"], what="the verdict")[0]
        self.assertEqual(line["error"], "no TLS: its certificate is not for other.local")
        self.assertEqual(self.upstream.count(), 0)

    def test_each_name_of_a_list_is_checked_by_its_own_host(self):
        first, second = self.serve(own=self.authority.issue("127.0.0.1")), self.serve(own=self.authority.issue("localhost"))
        health = {"path": "/healthz", "interval": "100ms", "timeout": "1s"}
        endpoints = [f"https://127.0.0.1:{first.port}", f"https://localhost:{second.port}"]
        self.run_with({"up": {"endpoints": endpoints, "dns": {"family": "ipv4"}}}, health_check=health)
        wait_until(lambda: first.count() and second.count(), what="a check of each")
        self.assertEqual(second.last.header("host"), f"localhost:{second.port}")


if __name__ == "__main__":
    unittest.main()
