"""`fusegate simulate`: an outage played offline, and whether the daemon does the same."""

import json
import unittest
import xml.etree.ElementTree as ElementTree

from support import Daemon, Upstream, many, run_load, scripts
from support.command import command

CONFIG = "upstreams: { up: { url: http://up.test:80 } }\n"
NAMES = ["calm", "outage", "down", "brownout", "slow-endpoint", "bad-endpoint", "black-hole", "flapping", "spike",
         "caller-restart", "rolling-restart"]


def simulate(*args, config=CONFIG):
    return command("-c", "-", "simulate", *args, stdin=config)


class Command(unittest.TestCase):
    def test_it_tells_its_scenarios(self):
        result = command("simulate", "--list")
        self.assertEqual(result.returncode, 0)
        self.assertEqual([line.split()[0] for line in result.stdout.splitlines()], NAMES)

    def test_all_scenarios_in_one_table(self):
        result = simulate("--load", "50")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([line.split()[0] for line in result.stdout.splitlines()[1:]], NAMES)

    def test_one_scenario_over_time_with_a_verdict(self):
        result = simulate("outage", "--compare")
        self.assertIn("breaker", result.stdout)
        self.assertRegex(result.stdout, r"It adds little load: 0\.\d\d attempts a request")
        rows = {line[:16].strip(): line.split() for line in result.stdout.splitlines()}
        self.assertAlmostEqual(float(rows["naive retries"][2]), 3, delta=0.01)
        self.assertLess(float(rows["yours"][1]), 0.1)

    def test_the_same_seed_gives_the_same_bytes(self):
        for form in ("text", "json", "svg"):
            first, again, other = [simulate("spike", "--format", form, "--seed", seed).stdout for seed in ("1", "1", "2")]
            self.assertEqual(first, again)
            self.assertNotEqual(first, other)

    def test_json_and_picture_are_well_formed(self):
        runs = json.loads(simulate("brownout", "--compare", "--format", "json").stdout)
        self.assertEqual([run["policy"] for run in runs], ["yours", "defaults", "no retries", "naive retries"])
        self.assertEqual({len(run["seconds"]) for run in runs}, {90})
        for run in runs:
            self.assertEqual(sum(second["offered"] for second in run["seconds"]), run["requests"])
        picture = ElementTree.fromstring(simulate("brownout", "--compare", "--format", "svg").stdout)
        self.assertEqual(len(picture.findall("{http://www.w3.org/2000/svg}polyline")), 12)

    def test_the_configuration_counts(self):
        plain, adaptive = [json.loads(simulate("brownout", "--format", "json", config=text).stdout)[0]["verdict"]
                           for text in ("defaults: { concurrency: { adaptive: false } }\n" + CONFIG, CONFIG)]
        self.assertGreater(adaptive["goodput_of_possible"], plain["goodput_of_possible"] + 0.3)

    def test_what_is_wrong_is_said(self):
        for args, code, words in ((["brwnout"], 2, 'did you mean "brownout"?'), (["--format", "svg"], 2, "name it"),
                                  (["calm", "--route", "upp"], 1, 'did you mean "up"?'), (["calm", "--load", "0"], 2, "load")):
            result = simulate(*args)
            self.assertEqual(result.returncode, code, args)
            self.assertIn(words, result.stderr)
        self.assertEqual(simulate("calm", config="upstreams: {}\n").returncode, 1)


class Agreement(unittest.TestCase):
    """The first six seconds of a fault, simulated and real; the bounds stand in docs/simulate.md."""

    RATE, CALM, FAULT = 100, 2, 6

    def simulated(self, scenario):
        run = json.loads(simulate(scenario, "--load", str(self.RATE), "--format", "json").stdout)[0]
        return [sum(second[name] for second in run["seconds"][20:20 + self.FAULT]) for name in ("offered", "attempts", "good")]

    def real(self, broken):
        ups = [self.enterContext(Upstream(scripts.after(0.01))) for _ in range(3)]
        daemon = self.enterContext(Daemon(many({"up": ups})))
        run_load(daemon.address, self.RATE, self.CALM)
        before = sum(len(up.requests) for up in ups)
        for up in ups[:broken]:
            up.script = scripts.unavailable()
        result = run_load(daemon.address, self.RATE, self.FAULT)
        return result.sent, sum(len(up.requests) for up in ups) - before, result.statuses[200]

    def test_an_outage(self):
        offered, attempts, good = self.simulated("outage")
        sent, real_attempts, real_good = self.real(3)
        self.assertEqual((good, real_good), (0, 0))
        self.assertLess(abs(attempts / offered - real_attempts / sent), 0.05, (attempts, real_attempts))

    def test_a_bad_endpoint(self):
        offered, attempts, good = self.simulated("bad-endpoint")
        sent, real_attempts, real_good = self.real(1)
        self.assertLess(abs(attempts / offered - real_attempts / sent), 0.05, (attempts, real_attempts))
        self.assertLess(abs(good / offered - real_good / sent), 0.02, (good, real_good))


if __name__ == "__main__":
    unittest.main()
