"""`explain`: text and JSON of each route, the choice of one, and exit codes."""

import json
import re
import unittest

from support import CommandCase, Daemon, Upstream, fetch, scripts, single
from support.daemon import ROOT
from support.timing import slow_factor

EGRESS = ROOT / "config/examples/egress.yaml"
TOPICS = {"matches", "upstream", "time", "retries", "waits", "load", "breaker", "ejection", "limits"}


class Explain(CommandCase):
    def explain(self, *args):
        return json.loads(self.result("explain", "--format", "json", *args))

    def test_tells_each_route_in_the_order_of_the_file(self):
        text = self.result("-c", EGRESS, "explain")
        names = [line[7:-1] for line in text.splitlines() if line.startswith("Route ")]
        self.assertEqual(names, ["pay", "payments.local/", "/"])
        self.assertEqual([route["route"] for route in self.explain("-c", EGRESS)], names)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_tells_one_route(self):
        route, = self.explain("-c", EGRESS, "--route", "pay")
        self.assertEqual((route["route"], route["upstream"], set(route["policy"])), ("pay", "payments", TOPICS))
        numbers = route["numbers"]
        self.assertEqual((numbers["worst_time_ms"], numbers["attempts_max"], numbers["endpoints"]), (2000, 2, 2))
        self.assertEqual((numbers["load_factor_without_budget"], numbers["load_factor"]), (2, 1.2))
        self.assertIn("Nothing else, because idempotent is false.", route["policy"]["retries"])

    def test_statements_change_the_figures(self):
        route, = self.explain("-c", EGRESS, "--route", "pay", "--rate", "payments=5/s", "--layers", "2")
        self.assertAlmostEqual(route["numbers"]["load_factor"], 1.4)
        self.assertAlmostEqual(route["numbers"]["load_factor_of_layers"], 1.96)
        self.assertEqual(route["numbers"]["open_after_ms"], 600)

    def test_the_page_shows_what_is_printed_and_names_every_number(self):
        page = (ROOT / "docs/explain.md").read_text()
        shown = re.search(r"^    \$ fusegate.*?\n((?:    .*\n)+)", page, re.MULTILINE)[1]
        self.assertEqual(re.sub(r"^    ", "", shown, flags=re.MULTILINE),
                         self.result("-c", EGRESS, "explain", "--route", "pay"))
        for route in self.explain("-c", EGRESS, "--rate", "5/s", "--layers", "2"):
            for name in route["numbers"]:
                self.assertIn(f"`{name}`", page)

    def test_a_wrong_name_ends_with_one_and_the_nearest(self):
        self.assertIn('there is no route "pya"; did you mean "pay"?',
                      self.diagnostics(1, "-c", EGRESS, "explain", "--route", "pya"))
        self.assertIn('did you mean "payments"?', self.diagnostics(2, "-c", EGRESS, "explain", "--rate", "payment=1/s"))

    def test_a_broken_file_gives_its_errors(self):
        done = self.expect(1, "-c", "-", "explain", stdin="upstreams: { a: { url: http://a, retrys: 1 } }\n")
        self.assertIn('did you mean "retries"', done.stderr)
        self.assertEqual(done.stdout, "")


class Measured(CommandCase):
    """What is told, against the daemon."""

    JITTERLESS = {"backoff": {"kind": "exponential", "initial": "40ms", "max": "1s", "factor": 2, "jitter": "none"},
                  "adaptive": False}

    def play(self, script, **settings):
        """The numbers of the route, and the access line of one request to such an upstream."""
        with Upstream(script) as upstream, Daemon(single(upstream, retry=self.JITTERLESS, **settings)) as daemon:
            fetch(daemon.address)
            told = json.loads(self.result("-c", daemon.config_path, "explain", "--format", "json"))[0]["numbers"]
            return told, daemon.access_line()

    def near(self, measured, told, what):
        self.assertGreater(measured, told - 15, what)
        self.assertLess(measured, told + 60 * slow_factor(), what)

    def test_an_upstream_that_hangs_costs_the_times_that_were_told(self):
        for settings in ({"timeout": "1200ms"}, {"timeout": "1200ms", "per_try_timeout": "300ms"}):
            with self.subTest(settings):
                told, line = self.play(scripts.hang, **settings)
                self.assertEqual(len(line["tries"]), told["attempts_max"])
                for attempt, share in zip(line["tries"], told["tries_ms"], strict=True):
                    self.near(attempt["ms"], share, line)
                whole = sum(told["tries_ms"]) + sum(told["waits_mean_ms"])
                self.assertLessEqual(round(whole), told["worst_time_ms"])
                self.near(line["duration_ms"], whole, line)

    def test_an_upstream_that_fails_at_once_costs_the_waits(self):
        told, line = self.play(scripts.reply(status=503))
        self.assertEqual(told["quick_failure_mean_ms"], 40 + 80)
        self.assertEqual((line["attempts"], line["status"]), (told["attempts_max"], 503))
        self.near(line["duration_ms"], told["quick_failure_mean_ms"], line)

    def test_the_load_of_an_outage_stays_within_what_was_told(self):
        settings = {"retry_budget": {"percent": "30%", "min_retries": 2}, "breaker": {"mode": "off"}, "timeout": "5s"}
        with Upstream(scripts.reply(status=503)) as upstream, \
                Daemon(single(upstream, retry={"backoff": {"initial": "1ms", "max": "1ms"}}, **settings)) as daemon:
            for _ in range(100):
                fetch(daemon.address)
            told, = json.loads(self.result("-c", daemon.config_path, "explain", "--format", "json", "--rate", "10/s"))
            # All in one window of 10 s: 100 requests are 10/s.
            factor = told["numbers"]["load_factor"]
            self.assertAlmostEqual(factor, 1.32)
            daemon.expect_metric(round(100 * (factor - 1)), "fusegate_attempts_total", kind="retry")


if __name__ == "__main__":
    unittest.main()
