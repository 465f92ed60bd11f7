"""The benchmark beside the peers works: every measure has figures of everybody who can do it. Times are not judged."""
import math
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
from trial import PRESENT, TOOLS, Trial  # noqa: E402

PEERS = {"Fusegate", "HAProxy", "nginx", "Caddy", "Apache", "relay"}
# Who cannot do what; everybody else must have figures.
CANNOT = {"tls": {"relay"}, "tls-new": {"relay"}, "tls-out": {"relay"}, "idle-tls": {"relay"}, "log": {"relay"},
          "failing": {"Caddy", "Apache", "relay"}, "failing-64": {"Caddy", "Apache", "relay"}}
MEASURES = ["get", "get-1", "get-1000", "post-1k", "post-64k", "get-64k", "get-1m", "connect", "leave", "tls", "tls-new",
            "tls-out", "log", "failing", "failing-64", "rate", "start", "idle", "idle-tls", "busy"]


@unittest.skipUnless(PRESENT, "needs " + ", ".join(TOOLS))
class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.trial = Trial("cpu", "latency", "memory")

    def test_every_measure_has_figures_of_everybody(self):
        self.assertIn(self.trial.code, (0, 1), self.trial.said)
        self.assertEqual(list(self.trial.measures), MEASURES, self.trial.said)
        for name, figure, values in self.trial.values():
            with self.subTest(measure=name, figure=figure):
                self.assertEqual(set(values), PEERS - CANNOT.get(name, set()))
                self.assertTrue(all(map(math.isfinite, sum(values.values(), []))))
        for name, told in self.trial.measures.items():
            self.assertEqual(set(told["missing"]), CANNOT.get(name, set()), name)

    def test_what_costs_is_more_than_nothing(self):
        for name, figure, values in self.trial.values():
            if figure in ("cpu", "cpu_mib", "resident", "ready", "transfers"):
                self.assertGreater(min(map(min, values.values())), 0, f"{name}: {values}")

    def test_retries_hide_the_failures_of_the_server(self):
        for contender, values in self.trial.measures["failing"]["values"]["unanswered"].items():
            self.assertLess(values[0], 5, f"{contender}: a tenth fails without retries")

    def test_bounds_are_told_and_the_picture_is_drawn(self):
        self.assertRegex(self.trial.said, r"(?m)^  (holds |MISSED)  get: GET of 1 KiB, 64 connections / HAProxy [\d.]+, "
                                          r"at most 0.8, aim 0.7$")
        self.assertRegex(self.trial.said, r"(?m)^result: ")
        self.assertGreater(self.trial.circles, 80)


if __name__ == "__main__":
    unittest.main()
