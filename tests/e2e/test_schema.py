"""The printed configuration and its JSON Schema, held against the files in config/."""

import json
import unittest

import jsonschema

from support import CommandCase
from support.daemon import ROOT
from support.yaml12 import load

FILES = [ROOT / "config/fusegate.yaml", ROOT / "config/reference.yaml",
         *sorted((ROOT / "config/examples").glob("*.yaml"))]
UPSTREAM = "upstreams: { a: { url: 'http://a' } }\n"

# Valid in forms that the files above do not use.
GOOD = {
    "variables for numbers, words and durations":
        "upstreams:\n  a:\n    url: http://a\n    retries: ${R:-3}\n    timeout: ${T:-3s}\n    balance: ${B:-p2c}\n",
    "endpoints": "upstreams: { a: { endpoints: ['unix:/run/a', '10.0.0.1:80'] } }\n",
    "listeners": "listeners: [{ name: x, address: 'unix:/run/x', trust: [], routes: [a] }]\n" + UPSTREAM
                 + "routes: [{ name: a, match: /, upstream: a }]\n",
    "notes": "x-note: [1, { a: b }]\n" + UPSTREAM,
    "statuses in all forms": "defaults: { retry: { on: [never_sent, 429, 5xx, '520-530', gateway-error] } }\n" + UPSTREAM,
    "a rewrite to a name": UPSTREAM + "routes: [{ match: /, upstream: a, rewrite: { host: b.test } }]\n",
    "compound durations": "shutdown: { drain_timeout: 1m30s }\n" + UPSTREAM,
    "listeners that are off": "status: { listen: off }\nadmin: { listen: off }\n" + UPSTREAM,
}
# Each is refused by the schema, and by `check`.
BAD = {
    "misspelt key": "upstreams: { a: { url: 'http://a', retrys: 3 } }\n",
    "unknown key at the top": "upstream: {}\n" + UPSTREAM,
    "key of an upstream in a route": UPSTREAM + "routes: [{ match: /, upstream: a, balance: p2c }]\n",
    "no upstreams": "listen: 127.0.0.1:0\n",
    "upstream without an address": "upstreams: { a: { timeout: 1s } }\n",
    "url and endpoints": "upstreams: { a: { url: 'http://a', endpoints: ['b:1'] } }\n",
    "route without a match": UPSTREAM + "routes: [{ upstream: a }]\n",
    "route without an upstream": UPSTREAM + "routes: [{ match: / }]\n",
    "bare number as duration": "upstreams: { a: { url: 'http://a', timeout: 5 } }\n",
    "duration with an unknown unit": "upstreams: { a: { url: 'http://a', timeout: 5 minutes } }\n",
    "size with a decimal unit": "limits: { request_head: 64KB }\n" + UPSTREAM,
    "bare number as percentage": "log: { access: { sample: 20 } }\n" + UPSTREAM,
    "unknown word": "defaults: { balance: fastest }\n" + UPSTREAM,
    "number out of range": "runtime: { workers: 0 }\n" + UPSTREAM,
    "text as a number": "defaults: { retries: three }\n" + UPSTREAM,
    "word for a boolean": "reload: { watch: yes }\n" + UPSTREAM,
    "list for a map": "upstreams: [a]\n",
}


class Schema(CommandCase):
    def setUp(self):
        self.schema = json.loads(self.result("schema"))
        self.validator = jsonschema.Draft7Validator(self.schema)

    def errors(self, text):
        return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}"[:300]
                for error in self.validator.iter_errors(load(text))]

    def test_is_a_json_schema(self):
        self.assertEqual(self.schema["$schema"], "http://json-schema.org/draft-07/schema#")
        jsonschema.Draft7Validator.check_schema(self.schema)

    def test_accepts_the_files_we_ship_and_what_is_printed_for_them(self):
        self.assertGreaterEqual(len(FILES), 5)
        for file in FILES:
            with self.subTest(file.name):
                self.assertEqual(self.errors(file.read_text()), [])
                for form in ("yaml", "json"):
                    self.assertEqual(self.errors(self.result("-c", file, "dump-config", "--format", form)), [])

    def test_accepts_what_check_accepts(self):
        for name, text in GOOD.items():
            with self.subTest(name):
                self.assertEqual(self.errors(text), [])
                self.expect(0, "-c", "-", "check", stdin=text)

    def test_refuses_mistakes_that_check_refuses(self):
        for name, text in BAD.items():
            with self.subTest(name):
                self.assertNotEqual(self.errors(text), [])
                self.diagnostics(1, "-c", "-", "check", stdin=text)


class Dump(CommandCase):
    def test_defaults_are_the_reference_in_both_forms(self):
        # No file is read for the defaults, so a missing one is no matter.
        missing = {"FUSEGATE_CONFIG": "/nonexistent"}
        reference = load((ROOT / "config/reference.yaml").read_text())
        text = self.result("dump-config", "--defaults", env=missing)
        self.assertEqual(load(text), reference)
        self.assertEqual(json.loads(self.result("dump-config", "--defaults", "--format", "json", env=missing)), reference)
        self.assertEqual(self.result("dump-config", "--defaults", "--format", "yaml", env=missing), text)

    def test_both_forms_agree_and_are_read_back_as_the_same(self):
        for file in FILES:
            with self.subTest(file.name):
                text = self.result("-c", file, "dump-config")
                self.assertEqual(json.loads(self.result("-c", file, "dump-config", "--format", "json")), load(text))
                self.assertEqual(self.result("-c", "-", "dump-config", stdin=text), text)

    def test_shows_what_is_inherited(self):
        text = "defaults: { retries: 4 }\nupstreams: { a: { url: 'http://a', timeout: '${T:-3s}' } }\n"
        route, = load(self.result("-c", "-", "dump-config", stdin=text, env={"T": "7s"}))["routes"]
        self.assertEqual((route["retries"], route["timeout"]), (4, "7s"))


if __name__ == "__main__":
    unittest.main()
