"""The warnings of `check`: docs/warnings.md against the binary, places, statements and exit codes."""

import json
import re
import unittest

from support import Authority, CommandCase
from support.command import command
from support.daemon import ROOT

PAGE = (ROOT / "docs/warnings.md").read_text()
SECTIONS = re.findall(r"^## ([a-z-]+)\n\n(.+?)\n\n```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
LAYERED = "upstreams:\n  orders: { url: http://127.0.0.1:9 }\n"


class Check(CommandCase):
    def check(self, text, *more, code=0):
        """The findings of a configuration."""
        done = self.expect(code, "-c", "-", "check", "--format", "json", *more, stdin=text)
        return json.loads(done.stdout)["findings"]

    def codes(self, text, *more):
        return [finding["code"] for finding in self.check(text, *more)]


class Documentation(Check):
    def test_has_a_page_for_every_code_and_none_for_others(self):
        headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
        self.assertEqual([name for name, _, _ in SECTIONS], headings)
        self.assertEqual(len(set(headings)), len(headings))
        # The program knows each of them, and a wrong one is refused.
        self.expect(0, "-c", "-", "check", *(word for name in headings for word in ("--allow", name)), stdin=LAYERED)
        self.assertIn('did you mean "route-shadowed"', self.diagnostics(2, "check", "--allow", "route-shadow"))

    def test_each_example_gives_its_warning_and_no_other(self):
        authority = self.enterContext(Authority())
        expired = authority.issue("localhost", first=-3, last=-1)
        files = {"expired.pem": expired.certificate, "expired.key": expired.key, "ca.pem": authority.file}
        for name, _, example in SECTIONS:
            with self.subTest(name):
                for file, made in files.items():
                    example = example.replace(f"/etc/fusegate/tls/{file}", made)
                options = re.match(r"# (--.*)\n", example)
                done = command("-c", "-", "check", *(options[1].split() if options else ()), stdin=example)
                if "not supported yet" in done.stderr:
                    continue
                self.assertEqual((done.returncode, set(re.findall(r"\[([a-z-]+)\]$", done.stderr, re.MULTILINE))),
                                 (0, {name}), done.stderr)

    def test_the_block_on_the_page_is_what_is_printed(self):
        shown = re.search(r"^    \$ fusegate.*?\n((?:    .*\n)+)", PAGE, re.MULTILINE)[1]
        text = "listen: 127.0.0.1:8080\nupstreams:\n  orders:\n    url: http://orders:8080\n" \
               "    per_try_timeout: 1s\n    timeout: 2s\n"
        done = self.expect(0, "-c", "-", "check", stdin=text)
        self.assertEqual(done.stderr.replace("stdin:", "fusegate.yaml:"), re.sub(r"^    ", "", shown, flags=re.M))


class Places(Check):
    def test_an_inherited_setting_is_told_once_where_it_stands(self):
        text = ("defaults:\n  retry: { backoff: { jitter: none } }\nupstreams:\n  a: { url: http://127.0.0.1:9 }\n"
                "  b: { url: http://127.0.0.1:9 }\nroutes:\n  - { match: /a, upstream: a }\n"
                "  - { match: /b, upstream: b }\n")
        finding, = self.check(text)
        self.assertEqual((finding["line"], finding["column"], finding["path"]), (2, 31, "defaults.retry.backoff.jitter"))
        self.assertIn('(route "/a" and 1 more)', finding["message"])

    def test_a_setting_that_works_somewhere_is_not_called_dead(self):
        text = ("defaults: { retry: { on: [503] } }\nupstreams:\n  a: { url: http://127.0.0.1:9, retries: 0 }\n"
                "  b: { url: http://127.0.0.1:9%s }\nroutes:\n  - { match: /a, upstream: a }\n"
                "  - { match: /b, upstream: b }\n")
        self.assertEqual(self.codes(text % ""), [])
        self.assertEqual(self.codes(text % ", retries: 0"), ["retry-setting-unused"])

    def test_a_default_written_out_is_no_mistake(self):
        text = "upstreams:\n  a: { endpoints: ['127.0.0.1:9'], ejection: { enabled: true, max_percent: %s } }\n"
        self.assertEqual(self.codes(text % "50%"), [])
        self.assertEqual(self.codes(text % "60%"), ["ejection-without-effect"])

    def test_shipped_configurations_have_none(self):
        for path in [ROOT / "config/fusegate.yaml", ROOT / "config/reference.yaml",
                     *sorted((ROOT / "config/examples").iterdir())]:
            with self.subTest(path.name):
                self.expect(0, "-c", path, "check", "--strict")


class Statements(Check):
    def test_rates_are_for_all_upstreams_or_for_one(self):
        text = "upstreams:\n  a: { url: http://127.0.0.1:9 }\n  b: { url: http://127.0.0.1:9 }\n" \
               "routes:\n  - { match: /a, upstream: a }\n  - { match: /b, upstream: b }\n"
        lines = lambda *rates: [finding["line"] for finding in self.check(text, *rates)]
        self.assertEqual(lines(), [])
        self.assertEqual(lines("--rate", "6/m"), [2, 3])
        self.assertEqual(lines("--rate", "6/m", "--rate", "a=10/s"), [3])
        finding, = self.check(text, "--rate", "b=360/h")
        self.assertEqual((finding["code"], finding["numbers"]["needed_per_s"]), ("breaker-volume-unreachable", 2))
        self.assertAlmostEqual(finding["numbers"]["rate_per_s"], 0.1)

    def test_layers_multiply_what_budgets_let_through(self):
        self.assertEqual(self.codes(LAYERED, "--layers", "3"), [])
        finding, = self.check(LAYERED, "--layers", "4")
        self.assertEqual((finding["code"], finding["numbers"]["attempts"]), ("layers-multiply", 81))
        self.assertAlmostEqual(finding["numbers"]["load_factor"], 1.2 ** 4)

    def test_grace_and_strict_and_allow(self):
        self.assertEqual(self.codes(LAYERED, "--grace", "10s"), ["stop-exceeds-grace"])
        self.check(LAYERED, "--grace", "10s", "--strict", code=3)
        self.check(LAYERED, "--grace", "10s", "--strict", "--allow", "stop-exceeds-grace")

    def test_wrong_statements_are_wrong_command_lines(self):
        for args, said in ((["--rate", "5"], "5/s"), (["--rate", "0/s"], "expected a rate"),
                           (["--rate", "ordes=5/s"], 'did you mean "orders"'), (["--layers", "0"], "--layers"),
                           (["--grace", "10"], "--grace")):
            with self.subTest(args):
                done = self.expect(2, "-c", "-", "check", *args, stdin=LAYERED)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
