"""Twenty seconds of the soak test: nothing wrong, lost or delivered twice, and everything given back."""

import os
import pathlib
import subprocess
import sys
import unittest

RUN = pathlib.Path(__file__).resolve().parents[1] / "bench" / "soak" / "run"


class Soak(unittest.TestCase):
    def test_mixed_traffic_crosses_nothing_loses_nothing_and_leaves_nothing_behind(self):
        seed = os.environ.get("FUSEGATE_SOAK_SEED", "1")
        done = subprocess.run([sys.executable, str(RUN), "--seconds", "20", "--threads", "16", "--largest", "262144",
                               "--rate", "400", "--seed", seed],
                              capture_output=True, text=True, timeout=280)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
