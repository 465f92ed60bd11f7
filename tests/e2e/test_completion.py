"""Completion scripts, in the shells they are for."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import CommandCase, binary, commands, scaled

# Answers as bash does for a line whose cursor is at its end.
BASH = """
source "$1" || exit
line=$2
COMP_LINE=$line COMP_POINT=${#line}
_fusegate fusegate "" "" && printf '%s\\n' "${COMPREPLY[@]}"
complete -p fusegate >/dev/null
"""
FISH = "source $argv[1]; complete -C $argv[2]"
# zsh completes only in an interactive shell, so it gets a terminal. The list goes to a file.
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -D; compadd() {
  local -a found; builtin compadd -O found \\"\\$@\\"; print -rl -- \\$found >>$3; builtin compadd \\"\\$@\\" }
  print ready >$3"
for ((i = 0; i < 200; ++i)); do [[ -s $3 ]] && break; sleep 0.05; done
zpty -w -n shell "$2"$'\\t'
zpty -w -n shell $'\\x15print end >>'"$3"$'\\n'
for ((i = 0; i < 200; ++i)); do [[ "$(<$3)" == *end ]] && break; sleep 0.05; done
cat $3
"""


class Completion(CommandCase):
    def setUp(self):
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.files = self.directory / "files"
        self.files.mkdir()
        for name in ("fusegate.yaml", "fuse box.yaml", "other.yaml"):
            (self.files / name).touch()

    def script(self, shell, name="script"):
        """Writes the script for a shell; skips the test where that shell is missing."""
        if shutil.which(shell) is None:
            self.skipTest(f"{shell} is not installed")
        path = self.directory / name
        path.write_text(self.result("completion", shell))
        self.run_shell([shell, "-n", path])
        return path

    def run_shell(self, words):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=self.files,
                              timeout=scaled(60), check=False, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout.splitlines()

    def hold(self, complete):
        """Completes lines with `complete` and compares: the same in every shell."""
        built, later = commands()
        self.assertEqual(set(complete("fusegate ")), set(built))
        self.assertFalse(set(complete("fusegate ")) & set(later))
        for line, wanted in {
            "fusegate ch": {"check"},
            "fusegate -c fusegate.yaml ch": {"check"},
            "fusegate --admin-listen 127.0.0.1:9 ch": {"check"},
            "fusegate check --str": {"--strict"},
            "fusegate dump-config --def": {"--defaults"},
            "fusegate version --no": {"--no-color"},
            "fusegate check --format ": {"text", "json"},
            "fusegate dump-config --format ": {"yaml", "json"},
            "fusegate --log-level ": {"trace", "debug", "info", "warn", "error"},
            "fusegate completion ": {"bash", "zsh", "fish"},
            "fusegate -c o": {"other.yaml"},
            "fusegate check --config o": {"other.yaml"},
        }.items():
            with self.subTest(line):
                self.assertEqual(set(complete(line)), wanted)

    def test_bash(self):
        script = self.script("bash")
        complete = lambda line: [word for word in self.run_shell(["bash", "-c", BASH, "bash", script, line]) if word]
        self.hold(complete)
        self.assertEqual(complete("fusegate check --format=j"), ["json"])
        self.assertEqual(complete("fusegate --config=o"), ["other.yaml"])
        self.assertEqual(set(complete("fusegate -c fuse")), {"fusegate.yaml", "fuse box.yaml"})
        self.assertEqual(complete("fusegate run --upstream "), [])
        self.assertLessEqual({"--strict", "--format", "--config", "-c", "--help"}, set(complete("fusegate check -")))
        self.assertNotIn("--strict", complete("fusegate run -"))

    def test_fish(self):
        script = self.script("fish")
        self.hold(lambda line: [found.partition("\t")[0] for found in
                                self.run_shell(["fish", "-N", "-c", FISH, script, line])])

    def test_zsh(self):
        script = self.script("zsh", "_fusegate")
        answer = self.directory / "answer"

        def complete(line):
            answer.unlink(missing_ok=True)
            return set(self.run_shell(["zsh", "-f", "-c", ZSH, "zsh", script.parent, line, answer])) - {"ready", "end", ""}
        for line, wanted in {"fusegate ": commands()[0], "fusegate ch": ["check"],
                             "fusegate check --format ": ["text", "json"], "fusegate -c o": ["other.yaml"],
                             "fusegate completion ": ["bash", "zsh", "fish"]}.items():
            with self.subTest(line):
                self.assertEqual(complete(line), set(wanted))


if __name__ == "__main__":
    unittest.main()
