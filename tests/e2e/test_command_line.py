"""The command line: what each command prints where, and its exit code."""

import json
import os
import pty
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import (CommandCase, Daemon, StartFailed, Upstream, binary, commands, dead_port, fetch, scaled, scripts,
                     single, wait_until)
from support.command import PASSED_ON
from support.daemon import ROOT

VALID = "listen: 127.0.0.1:0\nupstreams:\n  a: { url: 'http://127.0.0.1:9' }\n"
BROKEN = """\
listen: 127.0.0.1:0
upstreams:
  payments:
    # The address of the payment service.
    url: http://127.0.0.1:9
    timeout: 5s
    retrys: 3
"""
# The picture in the contract.
BLOCK = """\
fusegate.yaml:7:5: error: unknown key "retrys" in upstreams.payments
    7 |     retrys: 3
      |     ^~~~~~ did you mean "retries"?
"""
UNUSED = """\
upstreams:
  a: { url: http://127.0.0.1:9 }
  b: { url: http://127.0.0.1:9 }
routes:
  - { match: /, upstream: a }
"""
UNUSED_BLOCK = """\
stdin:3:3: warning: upstreams.b: no route leads to it [upstream-unused]
    3 |   b: { url: http://127.0.0.1:9 }
      |   ^ add a route"""


class InDirectory(CommandCase):
    def setUp(self):
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def write(self, text, name="fusegate.yaml"):
        path = self.directory / name
        path.write_text(text)
        return path


class Usage(CommandCase):
    def test_wrong_command_lines_end_with_two_and_say_what_is_wrong(self):
        for named, args in {
            "chekc": ["chekc"],
            "--stric": ["check", "--stric"],
            "--strict": ["version", "--strict"],
            "version": ["check", "version"],
            "xml": ["check", "--format", "xml"],
            "toml": ["dump-config", "--format", "toml"],
            "FILE": ["check", "-c"],
            "SHELL": ["completion"],
            "--listen needs --upstream": ["run", "--listen", "127.0.0.1:0"],
        }.items():
            with self.subTest(args):
                self.assertIn(named, self.diagnostics(2, *args))

    def test_refused_values_come_with_those_that_are_accepted(self):
        self.assertIn("text,json", self.diagnostics(2, "check", "--format", "xml"))
        self.assertIn("yaml,json", self.diagnostics(2, "dump-config", "--format", "text"))
        self.assertIn("bash,zsh,fish", self.diagnostics(2, "completion", "tcsh"))

    def test_every_command_has_help_with_an_example(self):
        built, _ = commands()
        self.assertLessEqual({"run", "check", "dump-config", "schema", "healthcheck", "completion",
                              "version"}, set(built))
        for args in [[], *([name] for name in built)]:
            with self.subTest(args):
                self.assertRegex(self.result(*args, "--help"), r"\nExamples?:\n  fusegate .*" + "".join(args))

    def test_commands_of_later_versions_say_so(self):
        for name in commands()[1]:
            with self.subTest(name):
                self.assertIn(f"{name}: not supported yet", self.diagnostics(1, name))
                self.assertIn(f"{name}: not supported yet", self.diagnostics(1, name, "--format", "json"))

    def test_result_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([binary(), "schema"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=scaled(20), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)


class WhichFile(InDirectory):
    def test_option_wins_over_the_variable(self):
        good, bad = self.write(VALID, "good.yaml"), self.write(BROKEN, "bad.yaml")
        self.assertIn(str(good), self.result("-c", good, "check", env={"FUSEGATE_CONFIG": str(bad)}))
        self.assertIn(str(good), self.result("check", "--config", good, env={"FUSEGATE_CONFIG": str(bad)}))
        self.assertIn(str(bad), self.diagnostics(1, "check", env={"FUSEGATE_CONFIG": str(bad)}))

    def test_standard_input_is_a_dash(self):
        self.result("-c", "-", "check", stdin=VALID)
        self.result("check", stdin=VALID, env={"FUSEGATE_CONFIG": "-"})
        self.assertTrue(self.diagnostics(1, "-c", "-", "check", stdin=BROKEN).startswith("stdin:7:5: error:"))

    def test_without_any_name_the_file_below_etc_is_read(self):
        if Path("/etc/fusegate/fusegate.yaml").exists():
            self.skipTest("this machine has one")
        self.assertIn("/etc/fusegate/fusegate.yaml: error:", self.diagnostics(1, "check"))

    def test_file_that_cannot_be_read_is_named_with_the_cause(self):
        missing = self.directory / "none.yaml"
        self.assertIn(f"{missing}: error: cannot be read: No such file", self.diagnostics(1, "-c", missing, "check"))
        self.assertIn("Is a directory", self.diagnostics(1, "-c", self.directory, "check"))

    def test_overrides_have_an_order_and_a_name(self):
        file = self.write(VALID + "log: { level: error }\n")
        level = lambda *args, **env: json.loads(self.result("-c", file, "dump-config", "--format", "json",
                                                            *args, env=env))["log"]["level"]
        self.assertEqual(level(), "error")
        self.assertEqual(level(FUSEGATE_LOG_LEVEL="debug"), "debug")
        self.assertEqual(level("--log-level", "trace", FUSEGATE_LOG_LEVEL="debug"), "trace")
        self.assertIn("FUSEGATE_LOG_LEVEL: error: log.level",
                      self.diagnostics(1, "-c", file, "check", env={"FUSEGATE_LOG_LEVEL": "loud"}))
        self.assertIn("command line: error: admin.listen",
                      self.diagnostics(1, "-c", file, "check", "--admin-listen", "0.0.0.0:9901"))


class Check(InDirectory):
    def test_error_reads_as_drawn(self):
        self.write(BROKEN)
        text = self.diagnostics(1, "-c", "fusegate.yaml", "check", cwd=self.directory)
        self.assertEqual(text, BLOCK + "1 error; the configuration is not used\n")

    def test_every_error_has_its_block(self):
        self.write(BROKEN + "log: { level: loud }\n")
        text = self.diagnostics(1, "-c", "fusegate.yaml", "check", cwd=self.directory)
        self.assertTrue(text.startswith(BLOCK + "fusegate.yaml:8:15: error: log.level: "), text)
        self.assertTrue(text.endswith("2 errors; the configuration is not used\n"), text)

    def test_warnings_count_only_when_strict(self):
        for code, strict in ((0, []), (3, ["--strict"])):
            done = self.expect(code, "-c", "-", "check", *strict, stdin=UNUSED)
            self.assertTrue(done.stderr.startswith(UNUSED_BLOCK), done.stderr)
            self.assertIn("1 warnings", done.stdout)
        self.result("-c", "-", "check", "--strict", stdin=VALID)
        self.diagnostics(1, "-c", "-", "check", "--strict", stdin=BROKEN)

    def test_json_holds_the_same_with_the_same_exit_codes(self):
        run = lambda code, text, *more: self.expect(code, "-c", "-", "check", "--format", "json", *more, stdin=text)
        for code, text, valid, more in ((0, VALID, True, []), (0, UNUSED, True, []), (1, BROKEN, False, []),
                                        (3, UNUSED, True, ["--strict"])):
            done = run(code, text, *more)
            self.assertEqual((done.stderr, json.loads(done.stdout)["valid"]), ("", valid))
        self.assertEqual(json.loads(run(0, VALID).stdout)["findings"], [])
        error, = json.loads(run(1, BROKEN).stdout)["findings"]
        self.assertEqual(error, error | {"severity": "error", "file": "stdin", "line": 7, "column": 5, "length": 6})
        self.assertIn('"retries"', error["suggestion"])
        warning, = json.loads(run(0, UNUSED).stdout)["findings"]
        self.assertEqual(warning, warning | {"severity": "warning", "code": "upstream-unused", "line": 3, "column": 3})

    def on_terminal(self, *args, **env):
        """Standard error of `check` on a terminal."""
        terminal, end = pty.openpty()
        done = subprocess.run([binary(), "-c", self.write(BROKEN), "check", *args], stderr=end, env=env,
                              stdout=subprocess.DEVNULL, timeout=scaled(20), check=False)
        os.close(end)
        with open(terminal, "rb", buffering=0) as side:
            text = side.read(65536).decode()
        self.assertEqual(done.returncode, 1)
        self.assertIn("unknown key", text)
        return text

    def test_colours_are_for_terminals_and_can_be_turned_off(self):
        self.assertIn("\x1b[", self.on_terminal())
        self.assertNotIn("\x1b", self.on_terminal("--no-color"))
        self.assertNotIn("\x1b", self.on_terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b", self.diagnostics(1, "-c", "-", "check", stdin=BROKEN))


class Secrets(CommandCase):
    ENV = {"API_TOKEN": "hunter2", "DB_PASSWORD": "hunter3"}
    TEXT = VALID + 'routes:\n  - { match: { path_prefix: /, headers: { x-key: "${API_TOKEN}" } }, upstream: a }\n'

    def test_no_command_prints_one(self):
        for args in (["dump-config"], ["dump-config", "--format", "json"], ["check"], ["check", "--format", "json"]):
            text = self.result("-c", "-", *args, stdin=self.TEXT, env=self.ENV)
            self.assertNotIn("hunter", text)
            self.assertEqual("(redacted)" in text, args[0] == "dump-config")

    def test_errors_do_not_print_one(self):
        broken = self.TEXT + 'log: { level: "${DB_PASSWORD}" }\nshutdown: { delay: "${API_TOKEN}" }\n'
        for args in (["check"], ["check", "--format", "json"], ["run"], ["dump-config"], ["healthcheck"]):
            done = self.expect(1, "-c", "-", *args, stdin=broken, env=self.ENV)
            self.assertIn("log.level", done.stdout + done.stderr)
            self.assertNotIn("hunter", done.stdout + done.stderr)


class Run(InDirectory):
    def test_needs_no_file(self):
        upstream = self.enterContext(Upstream(scripts.reply(b"hello")))
        # The support writes a file and names it; nobody may read this one.
        daemon = self.enterContext(Daemon("not: [a configuration", expect_listeners={"default", "admin", "status"}, args=[
            "--listen", "127.0.0.1:0", "--upstream", upstream.endpoint, "--admin-listen", "127.0.0.1:0",
            "--status-listen", "127.0.0.1:0"]))
        self.assertEqual(fetch(daemon.addresses["default"]).body, b"hello")
        self.assertEqual(daemon.stop(), 0)

    def test_is_what_happens_without_a_command(self):
        file = self.write(VALID + "status: { listen: 127.0.0.1:0 }\nadmin: { listen: 'off' }\n")
        env = {name: value for name, value in os.environ.items() if name in PASSED_ON}
        with open(self.directory / "stderr", "w+b") as log:
            process = subprocess.Popen([binary(), "-c", file], stdin=subprocess.DEVNULL, env=env,
                                       stdout=subprocess.DEVNULL, stderr=log)
            try:
                wait_until(lambda: b'"default"' in (self.directory / "stderr").read_bytes(), 10, "a listener")
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(scaled(10)), 0)
            finally:
                process.kill()
                process.wait()

    def test_start_that_fails_ends_with_one(self):
        self.assertIn("stdin:7:5: error:", self.diagnostics(1, "-c", "-", "run", stdin=BROKEN))
        self.assertIn("command line", self.diagnostics(1, "run", "--upstream", "not an address"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            with self.assertRaises(StartFailed) as failed:
                Daemon({**single("http://127.0.0.1:9"), "listen": address})
        self.assertEqual((failed.exception.code, failed.exception.stdout), (1, ""))
        self.assertIn(address, failed.exception.stderr)


class Healthcheck(CommandCase):
    def test_follows_readiness(self):
        daemon = self.enterContext(Daemon({**single("http://127.0.0.1:9"), "shutdown": {"delay": "2s"}}))
        ask = lambda code: self.expect(code, "-c", daemon.config_path, "--status-listen", daemon.status, "healthcheck")
        wait_until(lambda: fetch(daemon.status, target="/readyz").status == 200, what="readiness")
        done = ask(0)
        self.assertEqual((done.stdout, done.stderr), ("ready\n", ""))
        daemon.signal()
        wait_until(lambda: fetch(daemon.status, target="/readyz").status == 503, what="an end of readiness")
        self.assertIn("503", ask(1).stderr)
        daemon.wait()
        self.assertIn("no answer from " + daemon.status, ask(1).stderr)

    @unittest.skipIf(Path("/etc/fusegate/fusegate.yaml").exists(), "there is a file to read")
    def test_asks_an_instance_that_runs_without_a_file(self):
        daemon = self.enterContext(Daemon(single("http://127.0.0.1:9")))
        wait_until(lambda: fetch(daemon.status, target="/readyz").status == 200, what="readiness")
        self.expect(0, "healthcheck", env={"FUSEGATE_STATUS_LISTEN": daemon.status})
        self.assertIn("cannot be read", self.diagnostics(1, "-c", "/nowhere/fusegate.yaml", "healthcheck"))

    def test_fails_when_there_is_nothing_to_ask(self):
        check = lambda text: self.diagnostics(1, "-c", "-", "healthcheck", stdin=text)
        self.assertIn("no answer", check(VALID + f"status: {{ listen: 127.0.0.1:{dead_port()} }}\n"))
        self.assertIn("status.listen is off", check(VALID + "status: { listen: 'off' }\n"))
        self.assertIn("unknown key", check(BROKEN))


class Version(CommandCase):
    def test_text_and_json_agree(self):
        parts = json.loads(self.result("version", "--format", "json"))
        self.assertEqual(set(parts), {"version", "revision", "compiler", "boost"})
        self.assertRegex(parts["version"], r"^\d+\.\d+\.\d+$")
        text = self.result("version")
        self.assertTrue(text.startswith(f"fusegate {parts['version']} "), text)
        self.assertTrue(all(part in text for part in parts.values()), text)
        self.assertIn(f"project(fusegate VERSION {parts['version']} ", (ROOT / "CMakeLists.txt").read_text())


if __name__ == "__main__":
    unittest.main()
