"""`explain`: text and JSON of each route, the choice of one, and exit codes."""

import json
import re
import unittest

from support import CommandCase
from support.daemon import ROOT

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


if __name__ == "__main__":
    unittest.main()
