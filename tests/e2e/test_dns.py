"""Upstreams by name: resolution, names that do not exist, and readiness."""

import json
import unittest

from support import Daemon, Upstream, fetch, many, scripts, wait_until

# RFC 6761: never resolves.
NOWHERE = "http://no-such-host.invalid:8080"


class Names(unittest.TestCase):
    def test_name_of_this_machine_resolves(self):
        upstream = self.enterContext(Upstream(scripts.reply(b"by name")))
        daemon = self.enterContext(Daemon(many({"up": f"http://localhost:{upstream.port}"})))
        for _ in range(10):
            # The name may also have an IPv6 address, where nothing listens: a retry finds the other.
            self.assertEqual(fetch(daemon.address, "POST", body=b"x").body, b"by name")
        wait_until(lambda: daemon.metric("fusegate_dns_lookups_total", upstream="up", result="ok") >= 1, what="the count")
        self.assertGreater(daemon.metric("fusegate_dns_last_success_timestamp_seconds", upstream="up"), 1e9)

    def test_family_can_be_chosen(self):
        upstream = self.enterContext(Upstream())
        daemon = self.enterContext(Daemon(many({"up": f"http://localhost:{upstream.port}"}, dns={"family": "ipv4"}, retries=0)))
        self.assertEqual([fetch(daemon.address).status for _ in range(10)], [200] * 10)

    def test_host_rewrite_to_the_name(self):
        upstream = self.enterContext(Upstream())
        routes = [{"match": "/", "upstream": "up", "rewrite": {"host": "upstream"}}]
        daemon = self.enterContext(Daemon(many({"up": f"http://localhost:{upstream.port}"}, routes=routes)))
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(upstream.last.header("host"), f"localhost:{upstream.port}")

    def test_unknown_name_is_refused_and_the_process_is_ready(self):
        upstream = self.enterContext(Upstream())
        routes = [{"match": "/lost", "upstream": "lost"}, {"match": "/", "upstream": "up"}]
        daemon = self.enterContext(Daemon(many({"lost": NOWHERE, "up": upstream}, routes=routes, retries=0)))
        wait_until(lambda: fetch(daemon.status, target="/readyz").status == 200, 15, "readiness")
        response = fetch(daemon.address, target="/lost", timeout=20)
        self.assertEqual((response.status, response.header("fusegate-reason")), (502, "dns_failed"))
        self.assertIn("no-such-host.invalid", json.loads(response.body)["detail"])
        self.assertEqual(fetch(daemon.address, target="/else").status, 200)
        self.assertGreaterEqual(daemon.metric("fusegate_dns_lookups_total", upstream="lost")
                                - daemon.metric("fusegate_dns_lookups_total", upstream="lost", result="ok"), 1)


if __name__ == "__main__":
    unittest.main()
