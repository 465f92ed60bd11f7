"""Active health checks: who is checked, what takes an endpoint out and what brings it back."""

import json
import tempfile
import threading
import time
import unittest

from support import Daemon, Upstream, dead_port, fetch, many, run_load, scripts, single, wait_until

FAST = {"path": "/healthz", "interval": "100ms", "timeout": "300ms", "healthy": 2, "unhealthy": 3}


def page(status=200, **more):
    """Requests are answered; the health page says `status`."""
    return scripts.by_target({"/healthz": scripts.reply(b"", status, **more)})


class HealthCase(unittest.TestCase):
    def start(self, ups, **settings):
        settings = {"balance": "round_robin", "health_check": FAST, **settings}
        return self.enterContext(Daemon(many({"up": ups}, **settings)))

    def endpoints(self, daemon):
        response = fetch(daemon.admin, target="/upstreams/up", host=daemon.admin)
        return {each["name"]: each for each in json.loads(response.body)["endpoints"]}

    def await_state(self, daemon, up, health, state):
        def reached():
            found = self.endpoints(daemon)[up.authority]
            return (found["health_check"]["state"], found["state"]) == (health, state)
        wait_until(reached, 10, f"{up.authority} {health} and {state}", step=0.02)


class OutAndBack(HealthCase):
    def test_failing_page_takes_an_endpoint_out_and_a_good_one_brings_it_back(self):
        good, bad = [self.enterContext(Upstream(page())) for _ in range(2)]
        daemon = self.start([good, bad], breaker={"ramp": {"from": "10%", "over": "1s"}})
        self.await_state(daemon, bad, "up", "healthy")
        bad.script = page(503)
        self.await_state(daemon, bad, "down", "ejected")
        found = self.endpoints(daemon)[bad.authority]
        self.assertEqual(found["ejection"]["reason"], "health_check")
        self.assertEqual(found["health_check"]["problem"], "status 503")
        daemon.expect_metric(1, "fusegate_endpoints", state="ejected")
        daemon.expect_metric(1, "fusegate_endpoint_ejections_total", reason="health_check")
        before = bad.count(target="/")
        for _ in range(20):
            self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(bad.count(target="/"), before)

        bad.script = page()
        wait_until(lambda: self.endpoints(daemon)[bad.authority]["state"] == "ramping", 5, "the ramp", step=0.02)
        self.await_state(daemon, bad, "up", "healthy")
        for _ in range(20):
            fetch(daemon.address)
        self.assertGreaterEqual(bad.count(target="/"), before + 10)

        said = {line["msg"]: line for line in daemon.log() if line.get("endpoint") == bad.authority}
        self.assertEqual(said["endpoint is unhealthy"]["error"], "status 503")
        self.assertEqual(said["endpoint is unhealthy"]["failed_checks"], 3)
        self.assertEqual(said["endpoint is unhealthy"]["in_rotation"], False)
        self.assertIn("endpoint is healthy again", said)

    def test_each_way_to_be_unwell_is_told_by_its_name(self):
        ways = {
            "status 500": page(500),
            "status 302": page(302, headers={"location": "/elsewhere"}),
            "no answer within 300ms": scripts.by_target({"/healthz": scripts.hang}),
            "the connection was closed before an answer": scripts.by_target({"/healthz": scripts.close_after_reading}),
            "no valid answer": scripts.by_target({"/healthz": scripts.raw(b"what is this\r\n\r\n", close=True)}),
            "no valid answer: the response head is too long": scripts.by_target({"/healthz": scripts.raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20000)}),
        }
        good = self.enterContext(Upstream(page()))
        ups = {problem: self.enterContext(Upstream(script)) for problem, script in ways.items()}
        dead = f"127.0.0.1:{dead_port()}"
        daemon = self.start([good, *ups.values(), dead], ejection={"max_percent": "100%"})
        for problem, up in ups.items():
            with self.subTest(problem):
                self.await_state(daemon, up, "down", "ejected")
                self.assertTrue(self.endpoints(daemon)[up.authority]["health_check"]["problem"].startswith(problem))
        wait_until(lambda: self.endpoints(daemon)[dead]["state"] == "ejected", 5, "the dead one out")
        self.assertEqual(self.endpoints(daemon)[dead]["health_check"]["problem"], "no connection: Connection refused")
        self.assertEqual(self.endpoints(daemon)[good.authority]["health_check"]["state"], "up")
        self.assertEqual([r.target for r in ups["status 302"].requests if r.target != "/healthz"], [], "redirects are not followed")

    def test_last_endpoint_stays_and_says_so(self):
        bad = self.enterContext(Upstream(page(500)))
        daemon = self.start([bad])
        self.await_state(daemon, bad, "down", "healthy")
        self.assertEqual(fetch(daemon.address).status, 200)
        line = next(line for line in daemon.log() if line.get("msg") == "endpoint is unhealthy")
        self.assertEqual(line["in_rotation"], True)

    def test_new_endpoint_is_used_before_its_first_check(self):
        up = self.enterContext(Upstream(scripts.by_target({"/healthz": scripts.hang})))
        daemon = self.start([up], health_check={"interval": "1h", "timeout": "5m"})
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(self.endpoints(daemon)[up.authority]["health_check"]["state"], "unknown")


class TheCheck(HealthCase):
    def test_is_a_get_of_the_path_with_the_endpoints_host(self):
        up = self.enterContext(Upstream(page()))
        self.start([up], health_check={**FAST, "path": "/healthz?deep=1"})
        wait_until(lambda: up.count() >= 1, 5, "a check")
        check = up.requests[0]
        self.assertEqual((check.method, check.target, check.header("host")), ("GET", "/healthz?deep=1", up.authority))
        self.assertTrue(check.header("user-agent").startswith("fusegate/"))
        self.assertEqual(check.header("connection"), "close")

    def test_goes_over_unix_sockets_too(self):
        with tempfile.TemporaryDirectory(prefix="fusegate-e2e-") as directory:
            up = self.enterContext(Upstream(page(500), path=f"{directory}/up"))
            daemon = self.enterContext(Daemon(single(up, health_check=FAST)))
            wait_until(lambda: any(line.get("msg") == "endpoint is unhealthy" for line in daemon.log()), 5, "a verdict")

    def test_interim_responses_are_passed_over(self):
        script = scripts.by_target({"/healthz": scripts.informational(103, {"link": "</a>"}, scripts.reply())})
        up = self.enterContext(Upstream(script))
        daemon = self.start([up, self.enterContext(Upstream(page()))])
        self.await_state(daemon, up, "up", "healthy")

    def test_counts_neither_as_attempt_nor_for_the_breaker(self):
        up = self.enterContext(Upstream(page(500)))
        daemon = self.start([up])
        wait_until(lambda: up.count(target="/healthz") >= 10, 10, "ten checks")
        self.assertEqual(daemon.metric("fusegate_attempts_total"), 0)
        self.assertEqual(daemon.metric("fusegate_breaker_window_attempts"), 0)
        self.assertEqual(daemon.breaker(), "closed")
        self.assertEqual(daemon.access_log(), [])

    def test_is_made_once_for_the_process_and_at_its_interval(self):
        up = self.enterContext(Upstream(page()))
        config = many({"up": [up]}, health_check={**FAST, "interval": "200ms"})
        config["runtime"] = {"workers": 4}
        self.enterContext(Daemon(config))
        wait_until(lambda: up.count() >= 1, 5, "a check")
        time.sleep(2)
        self.assertLessEqual(up.count(), 13)
        self.assertGreaterEqual(up.count(), 4)

    def test_stops_when_the_drain_begins(self):
        up = self.enterContext(Upstream(scripts.by_target({"/slow": scripts.after(2)})))
        daemon = self.start([up])
        slow = threading.Thread(target=lambda: fetch(daemon.address, target="/slow"))
        slow.start()
        wait_until(lambda: up.count(target="/slow") == 1 and up.count(target="/healthz") >= 2, 5, "requests and checks")
        daemon.signal()
        wait_until(lambda: any(line["msg"] == "shutting down" for line in daemon.log()), 5, "the drain")
        time.sleep(0.3)
        checks = up.count(target="/healthz")
        time.sleep(0.8)
        self.assertEqual(up.count(target="/healthz"), checks)
        self.assertIsNone(daemon.process.poll(), "the slow request still runs")
        slow.join()
        self.assertEqual(daemon.wait(), 0)

    def test_leaves_no_connections_behind(self):
        ups = [self.enterContext(Upstream(scripts.by_target({"/healthz": scripts.hang}))) for _ in range(3)]
        daemon = self.start(ups, health_check={**FAST, "timeout": "50ms"})
        wait_until(lambda: all(up.count() >= 5 for up in ups), 10, "five checks of each")
        self.assertLessEqual(sum(up.open for up in ups), 6)
        before = daemon.fd_count()
        wait_until(lambda: all(up.count() >= 15 for up in ups), 10, "fifteen checks of each")
        self.assertLessEqual(daemon.fd_count(), before + 3)

    def test_many_endpoints_that_hang_hold_up_nobody(self):
        good = self.enterContext(Upstream(page()))
        hanging = self.enterContext(Upstream(scripts.hang))
        # One listener on many loopback addresses would need other sockets; many names do as well.
        config = {"upstreams": {f"u{i}": {"endpoints": [hanging.endpoint]} for i in range(100)},
                  "defaults": {"health_check": {**FAST, "timeout": "200ms"}}}
        config["upstreams"]["good"] = {"endpoints": [good.endpoint]}
        config["routes"] = [{"match": f"/u{i}", "upstream": f"u{i}"} for i in range(100)]
        config["routes"].append({"match": "/", "upstream": "good"})
        daemon = self.enterContext(Daemon(config))
        wait_until(lambda: good.count(target="/healthz") >= 5, 15, "checks of the good one")
        self.assertLessEqual(hanging.open, 70, "bounded")
        result = run_load(daemon.address, 100, 1)
        self.assertEqual(result.statuses, {200: result.sent}, str(result))


if __name__ == "__main__":
    unittest.main()
