"""The outage benchmark runs, judges and draws. Its figures need the full length; here it is only seen to work."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
from xml.etree import ElementTree

RUN = pathlib.Path(__file__).parent / "outage" / "run"


class Outage(unittest.TestCase):
    def test_a_short_outage_is_told_in_a_table_in_json_and_in_a_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            done = subprocess.run([sys.executable, str(RUN), "--scenario", "spike", "--contender", "Fusegate",
                                   "--contender", "nothing", "--calm", "3", "--fault", "4", "--after", "4",
                                   "--json", str(out / "all.json"), "--pictures", folder],
                                  capture_output=True, text=True, timeout=120)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            self.assertIn("| Fusegate |", done.stdout)
            self.assertRegex(done.stdout, r"(?m)^  (holds |MISSED)  spike: ")
            proxied, bare = json.loads((out / "all.json").read_text())["spike"]
            picture = ElementTree.parse(out / "spike.svg")
        self.assertEqual((proxied["contender"], bare["contender"]), ("Fusegate", "nothing"))
        self.assertEqual(len(picture.findall(".//{http://www.w3.org/2000/svg}polyline")), 2)
        self.assertAlmostEqual(bare["attempts"], 1, delta=0.05)
        self.assertLess(proxied["attempts"], 0.8, "what the service cannot answer is kept away from it")
        self.assertGreater(proxied["fault"], bare["fault"])


if __name__ == "__main__":
    unittest.main()
