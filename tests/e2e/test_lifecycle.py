"""Start, health, the two service listeners, and the end of the process."""

import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

from support import Client, Daemon, StartFailed, Upstream, fetch, many, refused, scaled, scripts, single, wait_until
from support.client import encode


class LifecycleCase(unittest.TestCase):
    def start(self, script=None, top=None, **settings):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon({**single(upstream, **settings), **(top or {})})), upstream


class Ending(LifecycleCase):
    def test_idle_process_ends_cleanly_and_at_once(self):
        daemon, _ = self.start()
        client = self.enterContext(Client(daemon.address))
        self.assertEqual(client.request().status, 200)
        start = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(time.monotonic() - start, scaled(2))
        self.assertTrue(client.closed_within(1))

    def test_a_reload_that_is_not_supported_yet_is_told_and_harmless(self):
        daemon, _ = self.start()
        daemon.signal(signal.SIGHUP)
        said = lambda: [line for line in daemon.log() if line["msg"].startswith("reload is not supported yet")]
        wait_until(said, what="a warning")
        self.assertEqual(said()[0]["level"], "warn")
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(daemon.stop(), 0)

    @unittest.skipUnless(shutil.which("prlimit"), "SKIPPED: prlimit is missing")
    def test_takes_as_many_descriptors_as_it_may(self):
        upstream = self.enterContext(Upstream())
        daemon = self.enterContext(Daemon(single(upstream), prefix=["prlimit", "--nofile=256:4096"]))
        limits = Path(f"/proc/{daemon.pid}/limits").read_text()
        self.assertRegex(limits, r"Max open files\s+4096\s+4096\s")

    def test_running_request_is_finished(self):
        daemon, upstream = self.start(scripts.after(1.0, scripts.reply(b"done")))
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            wait_until(lambda: upstream.requests, what="the request upstream")
            daemon.signal()
            wait_until(lambda: refused(daemon.address), what="a listener that is closed")
            response = client.read()
            self.assertEqual((response.status, response.body), (200, b"done"))
            self.assertIn("close", response.headers.tokens("connection"))
            self.assertTrue(client.closed_within(2))
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(daemon.access_line()["status"], 200)

    def test_running_download_is_finished(self):
        def slowly(exchange):
            exchange.head(200, {"content-length": "10"})
            for _ in range(10):
                exchange.send(b"x")
                time.sleep(0.1)
        daemon, _ = self.start(slowly)
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            client.reader.until(b"\r\n\r\nx", "the first byte")
            daemon.signal()
            self.assertEqual(client.rest(), b"x" * 9)
        self.assertEqual(daemon.wait(), 0)

    def test_readiness_ends_with_the_signal_and_liveness_does_not(self):
        daemon, upstream = self.start(scripts.after(1.5))
        threading.Thread(target=lambda: fetch(daemon.address), daemon=True).start()
        wait_until(lambda: upstream.requests, what="the request upstream")
        daemon.signal()
        wait_until(lambda: fetch(daemon.status, target="/readyz").status == 503, what="an end of readiness")
        self.assertIn(b"drain", fetch(daemon.status, target="/readyz").body)
        self.assertEqual(fetch(daemon.status, target="/livez").status, 200)
        daemon.expect_metric(1, "fusegate_draining")
        self.assertEqual(daemon.wait(), 0)

    def test_delay_keeps_accepting_while_not_ready(self):
        daemon, _ = self.start(top={"shutdown": {"delay": "1s"}})
        start = time.monotonic()
        daemon.signal()
        wait_until(lambda: fetch(daemon.status, target="/readyz").status == 503, what="an end of readiness")
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(daemon.wait(), 0)
        self.assertGreaterEqual(time.monotonic() - start, 0.95)

    def test_drain_timeout_bounds_the_wait(self):
        daemon, upstream = self.start(scripts.hang, top={"shutdown": {"drain_timeout": "500ms"}}, timeout="30s")
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            wait_until(lambda: upstream.requests, what="the request upstream")
            start = time.monotonic()
            daemon.signal()
            daemon.wait()
            self.assertTrue(0.45 <= time.monotonic() - start < scaled(3))

    def test_second_signal_ends_at_once(self):
        daemon, upstream = self.start(scripts.hang, timeout="30s")
        with Client(daemon.address) as client:
            client.send(encode("GET", "/"))
            wait_until(lambda: upstream.requests, what="the request upstream")
            daemon.signal()
            wait_until(lambda: refused(daemon.address), what="a listener that is closed")
            self.assertIsNone(daemon.process.poll())
            daemon.signal()
            start = time.monotonic()
            daemon.wait()
            self.assertLess(time.monotonic() - start, scaled(1.5))
        daemon.stopped = -signal.SIGTERM  # How it reports this is its own business.

    def test_interrupt_ends_cleanly_too(self):
        daemon, _ = self.start()
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), 0)


class Starting(LifecycleCase):
    def test_taken_port_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for section in ({"listen": f"127.0.0.1:{port}"}, {"status": {"listen": f"127.0.0.1:{port}"}},
                            {"admin": {"listen": f"127.0.0.1:{port}"}}):
                with self.subTest(section), self.assertRaises(StartFailed) as failed:
                    Daemon({**many({"up": "http://127.0.0.1:9"}), **section})
                self.assertEqual(failed.exception.code, 1)
                self.assertIn(f"127.0.0.1:{port}", failed.exception.stderr)
                self.assertIn("in use", failed.exception.stderr)

    def test_bad_configuration_is_explained(self):
        text = "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    url: http://127.0.0.1:9\n    retrys: 3\n"
        with self.assertRaises(StartFailed) as failed:
            Daemon(text)
        self.assertEqual(failed.exception.code, 1)
        self.assertIn('fusegate.yaml:5:5: error: unknown key "retrys"', failed.exception.stderr)
        self.assertIn('did you mean "retries"?', failed.exception.stderr)

    def test_smallest_file_of_the_documentation_runs(self):
        upstream = self.enterContext(Upstream())
        text = ("listen: 127.0.0.1:0\nstatus: { listen: 127.0.0.1:0 }\nadmin: { listen: 127.0.0.1:0 }\n"
                f"log: {{ format: json }}\nupstreams:\n  orders: {{ url: {upstream.endpoint} }}\n")
        daemon = self.enterContext(Daemon(text))
        self.assertEqual(fetch(daemon.address).status, 200)

    def test_standard_output_has_only_the_access_log(self):
        daemon, _ = self.start()
        fetch(daemon.address, target='/q"uote')
        self.assertEqual([line["kind"] for line in daemon.access_log(1)], ["access"])
        self.assertTrue(all({"ts", "level", "msg"} <= set(line) for line in daemon.log()))


class StatusListener(LifecycleCase):
    def test_health_paths(self):
        daemon, _ = self.start()
        for path in ("/livez", "/healthz", "/readyz", "/readyz?verbose", "/startupz"):
            with self.subTest(path):
                self.assertEqual(fetch(daemon.status, target=path).status, 200)
                self.assertEqual(fetch(daemon.status, "HEAD", path).status, 200)
        self.assertEqual(fetch(daemon.status, target="/nothing").status, 404)
        self.assertEqual(fetch(daemon.status, "POST", "/livez").status, 405)
        self.assertEqual(fetch(daemon.status, target="/upstreams").status, 404)

    def test_dead_upstream_does_not_end_readiness(self):
        daemon = self.enterContext(Daemon(many({"up": "http://127.0.0.1:9"})))
        for _ in range(8):
            fetch(daemon.address)
        self.assertEqual(fetch(daemon.status, target="/readyz").status, 200)

    def test_metrics_are_valid_and_complete_from_the_start(self):
        daemon, _ = self.start()
        response = fetch(daemon.status, target="/metrics")
        self.assertEqual(response.header("content-type"), "text/plain; version=0.0.4; charset=utf-8")
        text = response.body.decode()
        for name in ("fusegate_build_info", "fusegate_ready", "process_open_fds", "fusegate_breaker_state"):
            self.assertRegex(text, rf"(?m)^# TYPE {name} ")
        metrics = daemon.metrics()
        self.assertEqual(metrics['fusegate_breaker_state{state="closed",upstream="up"}'], 1)
        self.assertEqual(daemon.metric("fusegate_rejected_total", reason="no_route"), 0)
        for _ in range(3):
            fetch(daemon.address)
        daemon.expect_metric(3, "fusegate_requests_total", code="200", result="ok")
        daemon.expect_metric(3, "fusegate_request_duration_seconds_count")

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_finds_nothing(self):
        daemon, upstream = self.start(scripts.flaky(0.3, 7))
        for _ in range(30):
            fetch(daemon.address)
        text = fetch(daemon.status, target="/metrics").body
        check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, b""))


class AdminListener(LifecycleCase):
    def get(self, daemon, path, **options):
        options.setdefault("host", daemon.admin)
        return fetch(daemon.admin, target=path, **options)

    def test_state_is_shown_as_json(self):
        daemon, _ = self.start()
        fetch(daemon.address)
        for path in ("/upstreams", "/upstreams/up", "/routes", "/transitions", "/config", "/config?defaults=1", "/server_info"):
            with self.subTest(path):
                response = self.get(daemon, path)
                self.assertEqual((response.status, response.header("content-type")), (200, "application/json"))
                json.loads(response.body)
        self.assertIn("closed", self.get(daemon, "/upstreams/up").body.decode())
        self.assertEqual(self.get(daemon, "/upstreams/none").status, 404)
        for path in ("/metrics", "/livez", "/readyz"):
            self.assertEqual(self.get(daemon, path).status, 200)

    def test_foreign_hosts_are_refused(self):
        daemon, _ = self.start()
        for host in ("evil.test", "127.0.0.1.evil.test", "evil.test:9901"):
            with self.subTest(host):
                self.assertIn(self.get(daemon, "/config", host=host).status, (400, 403, 421))
        port = re.search(r":(\d+)$", daemon.admin)[1]
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost"):
            with self.subTest(host):
                self.assertEqual(self.get(daemon, "/config", host=host).status, 200)


if __name__ == "__main__":
    unittest.main()
