"""Runs some groups in their shortest form, for the tests; their figures tell nothing."""
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

RUN = Path(__file__).resolve().parent / "run"
TOOLS = ("haproxy", "nginx", "caddy", "apache2", "wrk", "hey", "valgrind", "strace", "openssl", "g++")
PRESENT = all(map(shutil.which, TOOLS))


class Trial:
    """What came of it: exit code, words, the figures of each measure, the circles of the picture."""

    def __init__(self, *groups):
        with tempfile.TemporaryDirectory() as folder:
            figures, picture = Path(folder) / "all.json", Path(folder) / "all.svg"
            running = subprocess.Popen([sys.executable, str(RUN), "--tiny", "--only", *groups, "--json", str(figures),
                                        "--picture", str(picture)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                self.said, _ = running.communicate(timeout=560)
            except subprocess.TimeoutExpired:
                running.terminate()   # It ends what it has started.
                self.said, _ = running.communicate()
            self.code = running.returncode
            self.measures = json.loads(figures.read_text())["measures"] if figures.exists() else {}
            self.circles = (len(ElementTree.parse(picture).findall(".//{http://www.w3.org/2000/svg}circle"))
                            if picture.exists() else 0)

    def values(self):
        """(measure, figure, {contender: values}) of everything."""
        for name, told in self.measures.items():
            for figure, values in told["values"].items():
                yield name, figure, values
