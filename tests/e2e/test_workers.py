"""Several event loops: limits, budgets and breakers are exact across them, and a drain loses nothing."""

import contextlib
import ctypes
import os
import threading
import time
import unittest
from pathlib import Path

from support import (Client, Daemon, Upstream, fetch, fetch_all, many, refused, run_load, scripts, single,
                     wait_until)
from support.client import encode

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
LIBC.ptrace.restype = ctypes.c_long
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
WORKERS = {"runtime": {"workers": 2}}
STEADY = {"breaker": {"mode": "off"}, "ejection": {"enabled": False}}


@contextlib.contextmanager
def halted(thread):
    """This thread alone stands still, as if it had much to do."""
    def ptrace(request):
        if LIBC.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace({request:#x}) of thread {thread}")
    ptrace(PTRACE_SEIZE)
    try:
        ptrace(PTRACE_INTERRUPT)
        os.waitpid(thread, WALL)
        yield
    finally:
        ptrace(PTRACE_DETACH)


class Gauge:
    """A script that counts how many requests are in it at once."""

    def __init__(self, seconds, script=None):
        self.seconds, self.script = seconds, script or scripts.reply()
        self.now = self.peak = 0
        self.lock = threading.Lock()

    def __call__(self, exchange):
        with self.lock:
            self.now += 1
            self.peak = max(self.peak, self.now)
        time.sleep(self.seconds)
        # Counted out before the answer: once that is on its way the proxy may send the next.
        with self.lock:
            self.now -= 1
        self.script(exchange)


class Workers(unittest.TestCase):
    def start(self, script=None, top=None, **settings):
        upstream = self.enterContext(Upstream(script))
        config = {**single(upstream, **{**STEADY, **settings}), **WORKERS, **(top or {})}
        return self.enterContext(Daemon(config)), upstream

    def test_both_take_connections(self):
        daemon, _ = self.start()
        # Connections go to the loop that has the fewest; each loop keeps connections of its own to
        # the upstream, so one that idles for every client shows that the clients were spread.
        clients = [self.enterContext(Client(daemon.address)) for _ in range(4)]
        for _ in range(3):
            for client in clients:
                self.assertEqual(client.request().status, 200)
        daemon.expect_metric(2, "fusegate_upstream_connections", state="idle")
        daemon.expect_metric(4, "fusegate_downstream_connections")
        daemon.expect_metric(12, "fusegate_requests_total", code="200", result="ok")

    def test_who_is_busy_leaves_new_connections_to_the_other(self):
        daemon, _ = self.start()
        self.assertEqual(fetch(daemon.address).status, 200)
        for thread in sorted(int(task.name) for task in Path(f"/proc/{daemon.pid}/task").iterdir()):
            daemon.expect_metric(0, "fusegate_downstream_connections")  # Else the other may have fewer.
            with self.subTest(thread=thread), halted(thread):
                self.assertEqual(fetch(daemon.address).status, 200)

    def test_limit_is_never_exceeded_and_the_queue_is_shared(self):
        gauge = Gauge(0.02)
        daemon, upstream = self.start(gauge, concurrency={"max_in_flight": 4, "queue": {"length": 200, "wait": "20s"}})
        for _ in range(3):
            results = fetch_all(daemon.address, 40)
            self.assertEqual([r for r in results if isinstance(r, Exception)], [])
            self.assertEqual([r[0].status for r in results], [200] * 40)
        self.assertEqual(gauge.peak, 4)
        self.assertEqual(upstream.count(), 120)
        daemon.expect_metric(0, "fusegate_attempts_in_flight")
        daemon.expect_metric(0, "fusegate_queue_length")

    def test_queue_overflows_at_its_length_over_all(self):
        daemon, upstream = self.start(scripts.after(1.0), retries=0,
                                      concurrency={"max_in_flight": 2, "queue": {"length": 6, "wait": "20s"}})
        results = fetch_all(daemon.address, 20)
        reasons = sorted(r[0].header("fusegate-reason") or "" for r in results)
        self.assertEqual(reasons, [""] * 8 + ["queue_full"] * 12)
        self.assertEqual(upstream.count(), 8)

    def test_limit_holds_while_attempts_fail_and_are_repeated(self):
        gauge = Gauge(0.005, scripts.flaky(0.3, 11))
        daemon, upstream = self.start(gauge, retry_budget={"percent": "100%", "min_retries": 1000}, timeout="60s",
                                      concurrency={"max_in_flight": 3, "queue": {"length": 500, "wait": "30s"}},
                                      retries=10, retry={"backoff": {"initial": "1ms", "max": "5ms"}})
        result = run_load(daemon.address, 120, 3, connections=24, timeout=60)
        self.assertEqual(result.statuses, {200: result.sent}, str(result))
        self.assertLessEqual(gauge.peak, 3)
        failures = len(upstream.requests) - result.sent
        self.assertGreater(failures, 50)
        daemon.expect_metric(failures, "fusegate_retries_total")
        daemon.expect_metric(result.sent, "fusegate_attempts_total", kind="first")
        daemon.expect_metric(result.sent, "fusegate_requests_total")

    def test_budget_is_one_for_all(self):
        daemon, upstream = self.start(scripts.unavailable(), retries=1, retry={"backoff": {"initial": "1ms", "max": "1ms"}},
                                      retry_budget={"percent": "0%", "window": "10m", "min_retries": 7})
        for _ in range(4):
            results = fetch_all(daemon.address, 20)
            self.assertEqual([r[0].status for r in results], [503] * 20)
        self.assertEqual(len(upstream.requests), 80 + 7)

    def test_breaker_opens_for_all_after_exactly_its_failures(self):
        settings = {"mode": "open", "consecutive_failures": 5, "open": {"initial": "30s", "jitter": "none"}}
        daemon, upstream = self.start(scripts.unavailable(), retries=0, breaker=settings)
        clients = [self.enterContext(Client(daemon.address)) for _ in range(4)]
        # In turn on connections of both loops: the run of failures is counted over both.
        reasons = [clients[i % 4].request().header("fusegate-reason") for i in range(12)]
        self.assertEqual(reasons, [None] * 5 + ["breaker_open"] * 7)
        self.assertEqual(len(upstream.requests), 5)
        results = fetch_all(daemon.address, 40)
        self.assertEqual({r[0].header("fusegate-reason") for r in results}, {"breaker_open"})
        self.assertEqual(len(upstream.requests), 5)
        self.assertEqual(daemon.metric("fusegate_breaker_transitions_total", to="open"), 1)

    def test_one_probe_at_a_time_for_all(self):
        settings = {"mode": "open", "open": {"initial": "500ms", "max": "500ms", "jitter": "none"}}
        daemon, upstream = self.start(scripts.unavailable(), retries=0, breaker=settings)
        wait_until(lambda: fetch(daemon.address).header("fusegate-reason") == "breaker_open", what="an open breaker")
        before = len(upstream.requests)
        gauge = upstream.script = Gauge(1.0)
        time.sleep(0.6)
        results = fetch_all(daemon.address, 60)
        statuses = [r[0].status for r in results]
        self.assertEqual((statuses.count(200), statuses.count(503)), (1, 59))
        self.assertEqual((gauge.peak, len(upstream.requests) - before), (1, 1))

    def test_looking_at_it_and_looking_up_names_disturb_no_request(self):
        upstream = self.enterContext(Upstream(scripts.flaky(0.1, 5)))
        settings = {"dns": {"refresh": "100ms", "family": "ipv4"}, "retries": 10, "ejection": {"enabled": True},
                    "retry_budget": {"percent": "100%", "min_retries": 1000}, "breaker": {"mode": "off"}}
        named = many({"up": f"http://localhost:{upstream.port}"}, **settings)
        daemon = self.enterContext(Daemon({**named, **WORKERS}))
        results = []
        load = threading.Thread(target=lambda: results.append(run_load(daemon.address, 100, 3, connections=12)))
        load.start()
        looks = 0
        while load.is_alive():
            for path in ("/upstreams", "/routes", "/transitions", "/config", "/server_info", "/metrics", "/readyz"):
                self.assertEqual(fetch(daemon.admin, target=path, host=daemon.admin).status, 200, path)
                looks += 1
            time.sleep(0.01)
        load.join()
        self.assertGreater(looks, 50)
        self.assertEqual(results[0].statuses, {200: results[0].sent}, str(results[0]))
        self.assertGreaterEqual(daemon.metric("fusegate_dns_lookups_total", upstream="up", result="ok"), 10)

    def test_drain_finishes_what_runs_on_every_loop(self):
        daemon, upstream = self.start(scripts.after(1.0, scripts.reply(b"done")))
        idle = [self.enterContext(Client(daemon.address)) for _ in range(4)]
        for client in idle:
            client.send(encode("GET", "/"))
        for client in idle:
            self.assertEqual(client.read().status, 200)
        busy = [self.enterContext(Client(daemon.address)) for _ in range(6)]
        for client in busy:
            client.send(encode("GET", "/"))
        wait_until(lambda: len(upstream.requests) == 10, what="all requests upstream")
        daemon.signal()
        wait_until(lambda: refused(daemon.address), what="a listener that is closed")
        for client in busy:
            response = client.read()
            self.assertEqual((response.status, response.body), (200, b"done"))
            self.assertIn("close", response.headers.tokens("connection"))
        for client in idle:
            self.assertTrue(client.closed_within(3))
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(len(daemon.access_log(10)), 10)

    def test_drain_under_load_loses_no_request_that_was_accepted(self):
        daemon, upstream = self.start(scripts.flaky(0.2, 3), retry_budget={"percent": "100%", "min_retries": 1000},
                                      retries=10, retry={"backoff": {"initial": "1ms", "max": "5ms"}})
        results = []
        load = threading.Thread(target=lambda: results.append(run_load(daemon.address, 150, 3, connections=12)))
        load.start()
        time.sleep(1.0)
        daemon.signal()
        self.assertEqual(daemon.wait(20), 0)
        load.join()
        # After the listener closed there are refused connections; nothing else may go wrong.
        self.assertEqual(set(results[0].statuses), {200}, str(results[0]))
        self.assertEqual(set(results[0].errors), {"ConnectionRefusedError"}, str(results[0]))
        self.assertEqual(len(daemon.access_log(status=200)), results[0].statuses[200])

    def test_second_signal_cuts_every_loop(self):
        daemon, upstream = self.start(scripts.hang, timeout="60s", retries=0)
        clients = [self.enterContext(Client(daemon.address)) for _ in range(6)]
        for client in clients:
            client.send(encode("POST", "/", {"content-length": "10"}) + b"12345")
        wait_until(lambda: len(upstream.requests) == 6, what="all requests upstream")
        daemon.signal()
        wait_until(lambda: refused(daemon.address), what="a listener that is closed")
        daemon.signal()
        daemon.wait()
        for client in clients:
            self.assertEqual(client.rest(), b"")


if __name__ == "__main__":
    unittest.main()
