"""The man page names all that the help shows, and is installed."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import CommandCase, binary, commands, scaled
from support.daemon import ROOT

PAGE = ROOT / "docs/fusegate.1"


def plain(roff):
    """The words of a page, without requests and fonts."""
    text = re.sub(r'^\.\\".*|^\.[A-Z]{1,2} ?', "", roff, flags=re.MULTILINE)
    return re.sub(r"\\f[BIR]", "", text).replace("\\-", "-").replace('"', "")


class Manual(CommandCase):
    def setUp(self):
        self.text = plain(PAGE.read_text())

    def named(self, text, word):
        self.assertRegex(text, r"(?<![\w-])" + re.escape(word) + r"(?![\w-])")

    def section(self, command):
        """What stands in COMMANDS between the entry of a command and that of the next."""
        built, _ = commands()
        entries = "|".join(map(re.escape, built))
        body = self.text.partition("\nCOMMANDS\n")[2].partition("\nEXIT STATUS\n")[0]
        parts = re.split(rf"^\n({entries})\b", body, flags=re.MULTILINE)
        return parts[parts.index(command) + 1]

    def test_commands_and_options_of_the_help_are_all_there(self):
        built, later = commands()
        spelled = lambda *args: re.findall(r"^  (?:(-\w),)?(--[\w-]+)", self.result(*args, "--help"), re.MULTILINE)
        self.assertGreaterEqual(len(spelled()), 6)
        for name in later:
            self.named(self.text, name)
        for options in spelled():
            for option in filter(None, options):
                with self.subTest(option):
                    self.named(self.text.partition("\nCOMMANDS\n")[0], option)
        for name in built:
            for _, option in spelled(name):
                with self.subTest(command=name, option=option):
                    self.named(self.section(name) if option != "--help" else self.text, option)

    def test_formats_without_a_warning(self):
        if shutil.which("groff") is None:
            self.skipTest("groff is not installed")
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-cbou", PAGE], capture_output=True, text=True,
                              timeout=scaled(60), check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("fusegate -c fusegate.yaml check --strict", done.stdout.replace("−", "-").replace("‐", "-"))

    def test_is_installed_with_the_binary(self):
        build = binary().resolve().parent.parent
        if shutil.which("cmake") is None or not (build / "cmake_install.cmake").exists():
            self.skipTest("the binary does not lie in a build directory")
        prefix = Path(self.enterContext(tempfile.TemporaryDirectory()))
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], capture_output=True, check=True,
                       timeout=scaled(60))
        self.assertEqual((prefix / "share/man/man1/fusegate.1").read_text(), PAGE.read_text())
        self.assertTrue((prefix / "bin/fusegate").stat().st_mode & 0o111)


if __name__ == "__main__":
    unittest.main()
