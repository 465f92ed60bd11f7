"""The file that is shipped is hardened: what the flags of FUSEGATE_HARDENING promise, read from the file."""
import os
import pathlib
import re
import subprocess
import unittest

BINARY = pathlib.Path(os.environ.get("FUSEGATE_BIN", pathlib.Path(__file__).parents[2] / "build/release/src/fusegate"))


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, str(BINARY)], capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


class Hardening(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.header, cls.segments, cls.dynamic = readelf("-h"), readelf("-l"), readelf("-d")
        cls.sections, cls.symbols = readelf("-S"), readelf("--dyn-syms")

    def test_its_place_in_memory_is_random(self):
        self.assertRegex(self.header, r"Type:\s+DYN")
        self.assertRegex(self.dynamic, r"FLAGS_1\).*\bPIE\b")
        self.assertNotIn("TEXTREL", self.dynamic)

    def test_tables_of_the_linker_are_read_only_from_the_start(self):
        self.assertIn("GNU_RELRO", self.segments)
        self.assertRegex(self.dynamic, r"BIND_NOW|FLAGS_1\).*\bNOW\b")

    def test_nothing_is_writable_and_executable(self):
        stack = re.search(r"GNU_STACK\s+(?:0x\w+\s+){5}(\S[RWE ]*?)\s+0x", self.segments)
        self.assertIsNotNone(stack, self.segments)
        self.assertNotIn("E", stack[1])
        loads = re.findall(r"^\s+LOAD\s+(?:0x\w+\s+){5}([RWE ]+?)\s+0x", self.segments, re.M)
        self.assertGreaterEqual(len(loads), 2)
        for flags in loads:
            self.assertFalse({"W", "E"} <= set(flags), flags)

    def test_stacks_and_copies_are_guarded(self):
        self.assertIn("__stack_chk_fail", self.symbols)
        self.assertRegex(self.symbols, r"__(mem\w+|str\w+|read|recv|\w*printf|poll|fd\w+)_chk\b")

    def test_indexes_and_iterators_are_checked(self):
        self.assertIn("__glibcxx_assert_fail", self.symbols)

    def test_no_path_of_the_builder_is_searched_for_libraries(self):
        self.assertNotRegex(self.dynamic, r"\((RPATH|RUNPATH)\)")

    def test_symbols_lie_apart_and_can_be_found(self):
        self.assertNotIn(".symtab", self.sections)
        self.assertNotIn(".debug_info", self.sections)
        self.assertIn(".gnu_debuglink", self.sections)
        build_id = re.search(r"Build ID: (\w{40})", readelf("-n"))
        self.assertIsNotNone(build_id)
        apart = BINARY.with_name(BINARY.name + ".debug")
        self.assertTrue(apart.is_file(), apart)
        self.assertIn(bytes.fromhex(build_id[1]), apart.read_bytes()[:1 << 20])

    def test_each_unit_was_compiled_with_the_flags_that_leave_no_trace_of_their_own(self):
        apart = BINARY.with_name(BINARY.name + ".debug").read_bytes()
        compiled = re.findall(rb"GNU C\+\+[ -~]{20,}", apart)
        self.assertTrue(compiled, "the compiler writes its options into the debug information")
        for producer in compiled:
            for flag in (b"-fstack-clash-protection", b"-fstack-protector-strong"):
                self.assertIn(flag, producer)


if __name__ == "__main__":
    unittest.main()
