"""More clients than may be there, and more than the system has descriptors for. The table is in docs/limits.md."""

import os
import time
import unittest

from support import Client, Daemon, Upstream, fetch, scripts, single, wait_until
from support.client import encode


class Floods(unittest.TestCase):
    def start(self, script=None, prefix=(), **top):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon({**single(upstream), **top}, prefix=prefix)), upstream

    def occupied(self, daemon, count):
        clients = [self.enterContext(Client(daemon.address)) for _ in range(count)]
        daemon.expect_metric(count, "fusegate_downstream_connections")
        return clients

    def test_one_client_too_many_is_told_so_counted_logged_and_there_is_room_afterwards(self):
        daemon, _ = self.start(runtime={"max_connections": 3})
        clients = self.occupied(daemon, 3)
        with Client(daemon.address) as extra:
            response = extra.read()
            self.assertEqual(extra.rest(), b"")
        self.assertEqual((response.status, response.header("fusegate-reason")), (503, "over_limit"))
        self.assertEqual(response.header("x-envoy-overloaded"), "true")
        self.assertGreaterEqual(int(response.header("retry-after")), 1)
        daemon.expect_metric(1, "fusegate_rejected_total", reason="over_limit")
        self.assertEqual(daemon.access_line(status=503)["reason"], "over_limit")
        self.assertEqual(clients[0].request().status, 200)
        clients[1].close()
        daemon.expect_metric(2, "fusegate_downstream_connections")
        self.assertEqual(fetch(daemon.address).status, 200)

    def test_flood_past_the_limit_does_not_touch_those_who_are_served(self):
        daemon, _ = self.start(runtime={"max_connections": 4})
        clients = self.occupied(daemon, 4)
        for turn in range(300):
            with Client(daemon.address) as extra:
                self.assertEqual(extra.read().status, 503)
            if turn % 50 == 0:
                self.assertEqual(clients[turn % 4].request().status, 200)
        daemon.expect_metric(300, "fusegate_rejected_total", reason="over_limit")
        self.assertEqual(daemon.metric("fusegate_downstream_connections"), 4)

    def test_workers_share_the_limit(self):
        daemon, _ = self.start(runtime={"max_connections": 6, "workers": 2})
        clients = self.occupied(daemon, 6)
        with Client(daemon.address) as extra:
            self.assertEqual(extra.read().status, 503)
        for client in clients:
            self.assertEqual(client.request().status, 200)

    @unittest.skipIf("undefined" in os.environ.get("FUSEGATE_SANITIZE", ""),
                     "the sanitizer opens a pipe to look at memory, and reports a fault when it cannot")
    def test_without_descriptors_accepting_pauses_without_spinning_and_goes_on_later(self):
        most = 64
        daemon, _ = self.start(scripts.reply(b"fine"), ["prlimit", f"--nofile={most}:{most}"])
        first = self.enterContext(Client(daemon.address))
        self.assertEqual(first.request().body, b"fine")
        crowd = [Client(daemon.address) for _ in range(most + 20)]  # The kernel's backlog takes those that are too many.
        wait_until(lambda: any("accepting pauses" in line["msg"] for line in daemon.log()), what="a warning")
        before = daemon.cpu_seconds()
        time.sleep(1)
        self.assertLess(daemon.cpu_seconds() - before, 0.5)
        self.assertEqual(first.request().body, b"fine", "who is here is served on, over a kept connection")
        waiting = crowd.pop()
        waiting.send(encode("GET", "/"))
        for client in crowd:
            client.close()
        self.assertEqual(waiting.read().body, b"fine")
        waiting.close()
        daemon.expect_metric(1, "fusegate_downstream_connections")
        self.assertGreaterEqual(daemon.metric("fusegate_accept_pauses_total"), 1)
        self.assertEqual(len([line for line in daemon.log() if "accepting pauses" in line["msg"]]), 1)

    @unittest.skipIf("undefined" in os.environ.get("FUSEGATE_SANITIZE", ""),
                     "the sanitizer opens a pipe to look at memory, and reports a fault when it cannot")
    def test_without_descriptors_for_the_upstream_the_upstream_is_not_blamed(self):
        most = 64
        daemon, _ = self.start(scripts.reply(b"fine"), ["prlimit", f"--nofile={most}:{most}"])
        first = self.occupied(daemon, 1)[0]
        crowd = [Client(daemon.address) for _ in range(most + 20)]
        wait_until(lambda: any("accepting pauses" in line["msg"] for line in daemon.log()), what="a warning")
        time.sleep(0.2)  # A scrape that has just ended frees one, which the next try to accept takes.
        wait_until(lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")) == most, what="no descriptor left")
        for _ in range(8):  # Five failures of the upstream's would have opened its breaker.
            response = first.request()
            self.assertEqual((response.status, response.header("fusegate-reason")), (502, "connect_failed"))
            self.assertIn(b"descriptors", response.body)
        for client in crowd:
            client.close()
        daemon.expect_metric(1, "fusegate_downstream_connections")
        self.assertEqual(first.request().body, b"fine")


if __name__ == "__main__":
    unittest.main()
