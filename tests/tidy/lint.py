#!/usr/bin/env python3
"""Runs clang-format and clang-tidy 19 over the sources, and remembers what was clean.

A file is checked again only when something that could change the answer has changed: the file
itself, a header of this project that it reaches, the configuration of the tool, the compile command
or the version of the tool. So a second run takes a second, and a change to one file a few.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
SKIPPED_FLAGS = {"-fpch-preprocess", "-Winvalid-pch"}


def sources(suffixes=(".cpp", ".hpp")):
    """Every C++ file of the project, in a stable order."""
    return sorted(
        path
        for top in ("include", "src", "tests")
        for path in (ROOT / top).rglob("*")
        if path.suffix in suffixes and path.is_file()
    )


def version(tool):
    return subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout


def reached(path, seen=None):
    """The file and every project header it includes, directly or not."""
    seen = {} if seen is None else seen
    if path in seen:
        return seen
    text = path.read_text(encoding="utf-8")
    seen[path] = text
    for name in INCLUDE.findall(text):
        for base in (ROOT / "include", ROOT / "src", ROOT / "tests", path.parent):
            candidate = base / name
            if candidate.is_file():
                reached(candidate.resolve(), seen)
                break
    return seen


def key_of(path, *more):
    digest = hashlib.sha256()
    for part in more:
        digest.update(part.encode() + b"\0")
    for name, text in sorted(reached(path).items()):
        digest.update(str(name.relative_to(ROOT)).encode() + b"\0" + text.encode() + b"\0")
    return digest.hexdigest()


def check_format():
    """Formats nothing; reports the files that clang-format would change."""
    tool = shutil.which("clang-format-19")
    if tool is None:
        sys.exit("lint: clang-format-19 is missing; run .ci/packages install lint")
    files = [str(path.relative_to(ROOT)) for path in sources()]
    run = subprocess.run(
        [tool, "--dry-run", "-Werror", *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    bad = sorted({line.split(":", 1)[0] for line in run.stderr.splitlines() if ": error: " in line})
    if run.returncode != 0 and not bad:
        print(run.stderr)
        bad = ["clang-format itself"]
    for name in bad:
        print(f"{name}: not formatted; run clang-format-19 -i {name}")
    return len(files) - len(bad), len(bad)


def commands(build):
    """Compile commands of the files under src/, without what only gcc understands."""
    database = pathlib.Path(build) / "compile_commands.json"
    if not database.exists():
        sys.exit(f"lint: {database} is missing; run cmake --preset lint")
    found = {}
    for entry in json.loads(database.read_text(encoding="utf-8")):
        path = pathlib.Path(entry["file"]).resolve()
        if ROOT / "src" not in path.parents or path.parent.name == "third_party":
            continue
        arguments = shlex.split(entry["command"])
        start = next(i for i, word in enumerate(arguments) if re.search(r"(\+\+|clang)[^/]*$", word))
        keep = [word for word in arguments[start + 1 :] if word not in SKIPPED_FLAGS]
        for flag in ("-o", "-c"):
            if flag in keep:
                position = keep.index(flag)
                del keep[position : position + 2]
        found[path] = keep
    return found


def check_tidy(build, jobs):
    tool = shutil.which("clang-tidy-19")
    if tool is None:
        sys.exit("lint: clang-tidy-19 is missing; run .ci/packages install lint")
    config = version(tool) + (ROOT / ".clang-tidy").read_text(encoding="utf-8")
    clean = pathlib.Path(build) / "lint-clean"
    clean.mkdir(parents=True, exist_ok=True)
    todo, cached = [], 0
    for path, flags in sorted(commands(build).items()):
        key = key_of(path, config, " ".join(flags).replace(str(ROOT), ""))
        if (clean / key).exists():
            cached += 1
        else:
            todo.append((path, flags, key))

    def one(job):
        path, flags, key = job
        run = subprocess.run(
            [tool, "--quiet", str(path), "--", *flags],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=600,
        )
        if run.returncode == 0:
            (clean / key).touch()
        return path, run

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for path, run in pool.map(one, todo):
            if run.returncode != 0:
                failed += 1
                print(f"--- {path.relative_to(ROOT)}")
                print(run.stdout.replace(str(ROOT) + "/", "").strip() or run.stderr.strip())
    print(f"clang-tidy: {len(todo)} files checked, {cached} unchanged since they were clean")
    return len(todo) + cached - failed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/lint", help="directory of compile_commands.json")
    parser.add_argument("--only", choices=("format", "tidy"), help="run one of the two")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    arguments = parser.parse_args()
    passed = failed = 0
    if arguments.only != "tidy":
        passed, failed = check_format()
    if arguments.only != "format":
        more = check_tidy(arguments.build, arguments.jobs)
        passed, failed = passed + more[0], failed + more[1]
    print(f"lint: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
