"""Attacks take no more memory than the limits allow and leave no connection behind. Times need a quiet machine: attack/run."""
import pathlib
import subprocess
import sys
import unittest

RUN = pathlib.Path(__file__).parent / "attack" / "run"
ATTACKS = ("slow heads", "slow readers", "head bombs", "big uploads", "pipelines unread", "replay memory", "stuck tunnels")


class Attacks(unittest.TestCase):
    def test_memory_stays_within_the_limits_and_connections_are_given_back(self):
        chosen = [word for name in ATTACKS for word in ("--attack", name)]
        done = subprocess.run([sys.executable, str(RUN), "--no-times", "--rounds", "1", "--calm", "1", "--seconds", "3",
                               "--rate", "50", *chosen], capture_output=True, text=True, timeout=500)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
