"""The other half of the benchmark beside the peers works: what is counted, what features cost, what grows with what."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
from trial import PRESENT, TOOLS, Trial  # noqa: E402

ROWS = {"instructions": 5, "system-calls": 6, "unix-fusegate": 2, "unix-relay": 2, "workers-fusegate": 2,
        "workers-haproxy": 2, "workers-nginx": 2, "workers-tls-fusegate": 2, "workers-tls-haproxy": 2, "workers-tls-nginx": 2,
        "features": 10, "connections": 4, "routes": 3, "endpoints": 3,
        "upstreams": 3, "responses": 6, "requests": 6, "scrapes": 4, "scraped": 2}


@unittest.skipUnless(PRESENT, "needs " + ", ".join(TOOLS))
class Growth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.trial = Trial("counts", "alone", "features", "growth")

    def test_every_row_has_its_figures(self):
        self.assertIn(self.trial.code, (0, 1), self.trial.said)
        self.assertEqual(list(self.trial.measures), list(ROWS), self.trial.said)
        for name, figure, values in self.trial.values():
            self.assertEqual(len(values), ROWS[name], f"{name}, {figure}: {list(values)}")

    def test_counts_are_those_of_a_proxy(self):
        counted = self.trial.measures["instructions"]["values"]
        for name, (value,) in counted["small"].items():
            self.assertGreater(value, 0 if name == "relay" else 3000, name)
            if name != "relay":
                self.assertGreater(counted["large"][name][0], value, "a longer head costs more")
        for name, (value,) in self.trial.measures["system-calls"]["values"]["one"].items():
            self.assertGreaterEqual(value, 5.9, f"{name}: two reads, two writes, two waits")

    def test_the_access_log_and_more_upstreams_cost_something(self):
        features = {name: value for name, (value,) in self.trial.measures["features"]["values"]["small"].items()}
        self.assertGreater(features["defaults and access log"], features["all of these (the defaults)"] + 500)
        series = [value for (value,) in self.trial.measures["scrapes"]["values"]["series"].values()]
        self.assertEqual(len(set(series)), 4)


if __name__ == "__main__":
    unittest.main()
