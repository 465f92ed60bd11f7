"""Configurations and state files that were made, or broken, to cost time and memory: each is refused in
words, or read, within bounds. CPU time counts, not the clock, so that a busy machine changes nothing."""

import os
import tempfile
import unittest
from pathlib import Path

from support import Daemon, fetch, many, wait_until
from support.measured import Measured

UPSTREAM = "upstreams:\n  a: { url: http://127.0.0.1:9 }\n"
MIB = 1 << 20


def nested_aliases():
    lines = ["x-0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    return "\n".join(lines) + "\n" + UPSTREAM


def listed(count, line):
    return "".join(line.format(i=i) for i in range(count))


def routes(count, match="/r{i}", upstream="a"):
    return "routes:\n" + listed(count, "  - {{ match: " + match + ", upstream: " + upstream + " }}\n")


LONG = "u" * 55
# Each: the file, and what the only or first error says.
REFUSED = {
    "an alias bomb": (nested_aliases(), "more than 100000 values"),
    "aliases to a long text": ('x-a: &a "' + "z" * 500_000 + '"\nx-b: [' + "*a, " * 40_000 + "]\n" + UPSTREAM,
                               "more than 4 MiB of text"),
    "an alias inside itself": ("x-a: &a [*a]\n" + UPSTREAM, "stands inside the value it names"),
    "merge keys": ("x-a: &a { timeout: 1s }\nupstreams:\n  a: { url: http://a, <<: *a }\n", "merge keys are not part"),
    "100,000 open brackets": ("[" * 100_000, "nested more than 64 levels deep"),
    "100,000 pairs of brackets": ("x-a: " + "[" * 100_000 + "]" * 100_000, "nested more than 64 levels deep"),
    "100,000 open maps": ("{a: " * 100_000, "nested more than 64 levels deep"),
    "100,000 dashes": ("- " * 100_000, "nested more than 64 levels deep"),
    "100,000 question marks": ("? " * 100_000, "nested more than 64 levels deep"),
    "a key in a key": ("{" * 100_000, "nested more than 64 levels deep"),
    "a huge file": ("#" * (8 * MIB), "larger than 1 MiB"),
    "a huge list": ("[" + "a," * 500_000, "more than 100000 values"),
    "a long key": ("upstreams:\n  ? " + "y" * 400_000 + "\n  : {" + listed(30_000, "k{i}: 1,") + "}\n",
                   "a key is longer than 256 bytes"),
    "a NUL byte": (UPSTREAM.replace("9 ", "9\0 "), "a NUL byte"),
    "NUL bytes alone": ("\0" * 100_000, "a NUL byte"),
    "an escape sequence": (UPSTREAM + "x-a: \x1b[2J\n", "a control character"),
    "bytes that are no UTF-8": (UPSTREAM.encode() + b'x-a: "\xff\xfe\xc0\xaf"\n', "not UTF-8"),
    "half a character at the end": (UPSTREAM.encode() + b"# \xe2\x82", "not UTF-8"),
    "a surrogate": (UPSTREAM.encode() + b"# \xed\xa0\x80", "not UTF-8"),
    "UTF-16": (UPSTREAM.encode("utf-16"), "not UTF-8"),
    "many unknown keys": (UPSTREAM + listed(49_000, "k{i}: 1\n"), 'unknown key "k0"'),
    "one key many times": (UPSTREAM + "x: 1\n" * 49_000, 'duplicate key "x"'),
    "many upstreams": ("upstreams:\n" + listed(20_000, "  u{i}: {{ url: http://127.0.0.1:9 }}\n"), "1 to 1000 upstreams"),
    "many endpoints": ("upstreams: { a: { endpoints: [" + listed(40_000, "a:{i},") + "] } }\n", "1 to 1000 endpoints"),
    "many hosts": (UPSTREAM + "routes: [ { match: { host: [" + listed(40_000, "h{i}.t,") + "] }, upstream: a } ]\n",
                   "at most 1000 items"),
    "many methods": ("defaults: { hedge: { methods: [" + listed(40_000, "M{i},") + "] } }\n" + UPSTREAM + routes(9000),
                     "at most 64 items"),
    "long names that do not exist": (
        "upstreams:\n" + listed(1000, "  " + LONG + "{i}: {{ url: http://127.0.0.1:9 }}\n")
        + routes(7000, upstream=LONG[1:] + "x{i}"), "there is no upstream"),
    "a route name without end": (UPSTREAM + 'routes: [ { match: /, upstream: a, name: "' + "n" * 500_000 + '" } ]\n',
                                 "a name has 1 to 200 bytes"),
    "a regular expression that unfolds": (
        UPSTREAM + 'routes: [ { match: { path_regex: "((a{100}){100}){100}" }, upstream: a } ]\n', "not a valid RE2"),
    "regular expressions that unfold together": (
        UPSTREAM + routes(9000, match='{{ path_regex: "/(a|b{i}){{1,90}}x" }}'), "all regular expressions together"),
    "a variable that unfolds": (UPSTREAM + 'routes: [ { match: /, upstream: a, name: "' + "${BIG}" * 100_000 + '" } ]\n',
                                "more than 4 MiB of text, with every variable written out"),
    "nested defaults of variables": ('upstreams: { a: { url: "' + "${A:-" * 100_000 + "}" * 100_000 + '" } }\n',
                                     "expected a url"),
    "an error about a long value": ("upstreams: { a: { url: http://a, timeout: " + "9" * 900_000 + " } }\n", "timeout"),
}

# Ten thousand are allowed. A debug build takes five times as long for the same, a sanitized one longer.
MANY = 1000 if os.environ.get("FUSEGATE_SANITIZE") else 3000 if os.environ.get("FUSEGATE_BUILD_TYPE") == "Debug" else 9000
ACCEPTED = {
    "a long text in a key of one's own": UPSTREAM + "x-a: " + "y" * 900_000 + "\n",
    "many keys of one's own": UPSTREAM + listed(49_000, "x-{i}: 1\n"),
    "many routes": UPSTREAM + routes(MANY),
    "many routes that match the same": UPSTREAM + routes(MANY, match="/"),
    "routes with dead settings of their own": UPSTREAM + "routes:\n" + listed(
        MANY // 6, "  - {{ match: /r{i}, upstream: a, retries: 0, retry: {{ backoff: {{ initial: 30ms }} }} }}\n"),
    "1,000 upstreams": "upstreams:\n" + listed(1000, "  u{i}: {{ url: http://127.0.0.1:9 }}\n")
                       + routes(MANY, upstream="u999"),
    "1,000 endpoints under many routes": "upstreams: { a: { endpoints: ["
                                          + listed(1000, "127.0.0.1:{i},").replace(":0,", ":1000,") + "] } }\n" + routes(MANY),
    "routes with many hosts": UPSTREAM + "routes:\n" + listed(
        MANY // 6, "  - {{ match: {{ path_prefix: /, host: [" + ", ".join(f"h{{i}}-{j}" for j in range(40)) + "] }}, upstream: a }}\n"),
}


class HostileFiles(unittest.TestCase):
    def measured(self, text, command, memory_mib=320, cpu_s=20):
        """The run of a command on a text; it must not have been ended by a signal or its bounds."""
        text = text.encode() if isinstance(text, str) else text
        run = Measured(["-c", "-", command], stdin=text, cpu_s=cpu_s, env={"BIG": "q" * 100_000})
        self.assertIn(run.code, (0, 1), run.stderr[-2000:])
        if not os.environ.get("FUSEGATE_SANITIZE"):
            self.assertLess(run.peak_mib, memory_mib)
        return run

    def test_is_refused_in_words_and_within_bounds(self):
        for name, (text, words) in REFUSED.items():
            with self.subTest(name):
                run = self.measured(text, "check", memory_mib=192)
                print(f"{name}: {run.cpu_s:.2f} s of CPU, {run.peak_mib:.0f} MiB")
                self.assertEqual((run.code, run.stdout), (1, b""))
                self.assertIn(words, run.stderr.decode())
                self.assertLess(len(run.stderr), 200_000, "two hundred errors of at most a kilobyte")

    def test_no_command_starts_with_it(self):
        for command in ("run", "explain", "simulate", "dump-config"):
            for name in ("an alias bomb", "100,000 open brackets", "a huge file", "a NUL byte", "a variable that unfolds"):
                with self.subTest(name, command=command):
                    text, words = REFUSED[name]
                    run = self.measured(text, command)
                    self.assertEqual(run.code, 1)
                    self.assertIn(words, run.stderr.decode())

    def test_large_but_sane_files_are_read(self):
        for name, text in ACCEPTED.items():
            with self.subTest(name):
                run = self.measured(text, "check", cpu_s=60)
                print(f"{name}: {run.cpu_s:.2f} s of CPU, {run.peak_mib:.0f} MiB")
                self.assertEqual(run.code, 0, run.stderr[-2000:])


class HostileStates(unittest.TestCase):
    def test_a_state_file_that_is_anything_at_all_does_not_keep_it_from_starting(self):
        states = {
            "brackets": b"[" * 100_000,
            "objects": b'{"a":' * 100_000,
            "a frame around brackets": b'{"fusegate_state":1,"checksum":"0","body":{"a":' + b"[" * 100_000,
            "empty lists": b"[" + b"[]," * (2 * MIB) + b"[]]",
            "too large": b" " * (80 * MIB),
            "noise": bytes(i * i % 251 for i in range(1_000_000)),
            "NUL bytes": b"\0" * 1000,
            "numbers without end": b'{"fusegate_state":' + b"9" * 1_000_000 + b"}",
            "nothing": b"",
        }
        for name, state in states.items():
            with self.subTest(name), tempfile.TemporaryDirectory(prefix="fusegate-e2e-") as folder:
                path = Path(folder) / "state.json"
                path.write_bytes(state)
                with Daemon({**many({"up": "http://127.0.0.1:9"}), "state_file": str(path)}) as daemon:
                    wait_until(lambda: fetch(daemon.status, target="/readyz").status == 200, 20, "readiness")
                    wait_until(lambda: any(line["level"] == "warn" and "state" in line["msg"] for line in daemon.log()), 20,
                               "a warning about the state file")
                    if not os.environ.get("FUSEGATE_SANITIZE"):
                        self.assertLess(daemon.peak_rss_kib(), 160 * 1024)


if __name__ == "__main__":
    unittest.main()
