"""Runs one command of the binary to its end."""

import os
import subprocess
import unittest

from .daemon import binary
from .timing import scaled

PASSED_ON = {"PATH", "HOME", "TERM", "LANG", "LC_ALL", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}


def command(*args, stdin="", env=None, cwd=None):
    """Both outputs as text, and the exit code. Variables of the caller that Fusegate reads are kept
    from it; `env` adds some."""
    clean = {name: value for name, value in os.environ.items() if name in PASSED_ON}
    return subprocess.run([str(binary()), *map(str, args)], input=stdin, capture_output=True, text=True,
                          env=clean | (env or {}), cwd=cwd, timeout=scaled(20), check=False)


def commands():
    """The names of the commands that the help lists, and those it calls not supported yet."""
    built, later = [], []
    heading = None
    for line in command("--help").stdout.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            heading = line
        elif line.startswith("  ") and line[2:3].strip():
            if heading == "Subcommands:":
                built.append(line.split()[0])
            elif heading == "Not supported yet:":
                later.append(line.split()[0])
    return built, later


class CommandCase(unittest.TestCase):
    """Assertions about `command`; a failure shows both outputs."""

    def expect(self, code, *args, **options):
        done = command(*args, **options)
        self.assertEqual(done.returncode, code, f"{args}\nstdout: {done.stdout}\nstderr: {done.stderr}")
        return done

    def result(self, *args, **options):
        """Standard output of a command that succeeds and has nothing to say on standard error."""
        done = self.expect(0, *args, **options)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def diagnostics(self, code, *args, **options):
        """Standard error of a command that fails and has no result."""
        done = self.expect(code, *args, **options)
        self.assertEqual(done.stdout, "")
        return done.stderr
