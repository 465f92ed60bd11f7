#!/usr/bin/python3
"""Prints the coverage of each folder and fails below the bounds. Before: the tests of the coverage
build, `cmake --workflow --preset coverage`, or those in question.

    tests/coverage.py                 every folder
    tests/coverage.py http policy     some folders

Lines: 95 % in each folder. Branches, without those that only an exception takes: 85 % where a mistake
costs most, the codec and what decides about retries and breakers. A lower bound has its place in
EXCEPTIONS, with a reason. The last line is "coverage: N passed, N failed".
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINES_MIN = 95.0
BRANCHES_MIN = 85.0
# What branches are counted for, by the path of the file.
BRANCHES = {
    "http": r"src/http/|include/fusegate/http/",
    "exchange": r"(src|include/fusegate)/exchange/",
    "retry": r"(src|include/fusegate)/policy/(retry|retry_after|backoff|budget|deadline)\.",
    "breaker": r"(src|include/fusegate)/policy/(breaker\w*|rolling_window|throttle)\.",
}
# (name, "lines" or "branches"): (bound in percent, reason)
EXCEPTIONS = {
}


def summary(build):
    command = ["gcovr", "-r", ROOT, build, "--filter", "src/", "--filter", "include/", "--json-summary",
               "--exclude-throw-branches", "--exclude-unreachable-branches", "-j", "2"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return json.loads(done.stdout)["files"]


def folder_of(path):
    return re.sub(r"^(src|include/fusegate)/", "", path).split("/")[0]


def share(part, whole):
    return 100.0 * part / whole if whole else 100.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/coverage")
    parser.add_argument("--files", action="store_true", help="name the files with the most that is missing")
    parser.add_argument("folders", nargs="*")
    options = parser.parse_args()
    files = [file for file in summary(options.build)
             if not options.folders or folder_of(file["filename"]) in options.folders]
    counts = collections.defaultdict(lambda: [0, 0])
    for file in files:
        path = file["filename"]
        names = [(folder_of(path), "lines", "line")]
        names += [(name, "branches", "branch") for name, pattern in BRANCHES.items() if re.match(pattern, path)]
        for name, kind, key in names:
            counts[name, kind][0] += file[f"{key}_covered"]
            counts[name, kind][1] += file[f"{key}_total"]
    failed = 0
    for (name, kind), (part, whole) in sorted(counts.items(), key=lambda item: (item[0][1] == "branches", item[0])):
        bound, reason = EXCEPTIONS.get((name, kind), (LINES_MIN if kind == "lines" else BRANCHES_MIN, ""))
        below = share(part, whole) < bound
        failed += below
        note = f"  BELOW {bound:g}" if below else f"  at least {bound:g}: {reason}" if reason else ""
        print(f"{name:12} {kind:8} {part:6} of {whole:6} {share(part, whole):6.1f} %{note}")
    if options.files:
        for file in sorted(files, key=lambda file: file["line_covered"] - file["line_total"])[:25]:
            print(f"  {file['line_total'] - file['line_covered']:4} lines, "
                  f"{file['branch_total'] - file['branch_covered']:4} branches missing in {file['filename']}")
    if not counts:
        sys.exit("nothing was counted: build and run the tests of the coverage preset first")
    print(f"coverage: {len(counts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
