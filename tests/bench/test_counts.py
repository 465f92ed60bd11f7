"""The costs that do not depend on time stay within budgets.json."""
import pathlib
import shutil
import subprocess
import sys
import unittest


@unittest.skipUnless(shutil.which("valgrind") and shutil.which("strace"), "needs valgrind and strace")
class Counts(unittest.TestCase):
    def test_a_request_costs_no_more_than_its_budget(self):
        script = pathlib.Path(__file__).with_name("counts.py")
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=280)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
