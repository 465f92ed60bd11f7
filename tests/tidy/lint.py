#!/usr/bin/env python3
"""Runs clang-format and clang-tidy 19 over the sources, and remembers what was clean.

A file is checked again only when something that could change the answer has changed: the file
itself, a header of this project that it reaches, the configuration of the tool, the compile command
or the version of the tool. So a second run takes a second, and a change to one file a few.

Nine tenths of clang-tidy's time go into the headers of libraries, so the files of a folder that are
to be checked are checked as one text. Files that do not compile as one, since two of them have a
private name in common, are checked in halves.
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


class Tidy:
    """Runs clang-tidy over groups of files and gathers what it finds."""

    def __init__(self, tool, scratch):
        self.tool = tool
        self.scratch = scratch
        self.found = []

    def clean(self, paths, flags):
        """The files of the group in which nothing was found."""
        run = subprocess.run(
            [self.tool, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", str(self._text(paths)), "--", *flags],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=1200,
        )
        if run.returncode == 0:
            return paths
        # A finding is told by the file that it is in, without the others; they may not even compile together.
        if len(paths) > 1:
            middle = len(paths) // 2
            return self.clean(paths[:middle], flags) + self.clean(paths[middle:], flags)
        output = run.stdout.replace(str(ROOT) + "/", "").strip() or run.stderr.strip()
        self.found.append(f"--- {paths[0].relative_to(ROOT)}\n{output}")
        return []

    def _text(self, paths):
        if len(paths) == 1:
            return paths[0]
        name = "_".join((*paths[0].relative_to(ROOT).parts[:-1], paths[0].stem, paths[-1].name))
        text, before = [], set()
        for path in paths:
            mine = set()
            for line in path.read_text(encoding="utf-8").splitlines():
                # Included by another file, which is not what readability-duplicate-include looks for.
                again = line.startswith("#include") and line in before and line not in mine
                mine.add(line)
                text.append("" if again else line)
            before |= mine
        one = self.scratch / name
        one.write_text("\n".join(text) + "\n", encoding="utf-8")
        return one


def check_tidy(build, jobs):
    tool = shutil.which("clang-tidy-19")
    if tool is None:
        sys.exit("lint: clang-tidy-19 is missing; run .ci/packages install lint")
    config = version(tool) + (ROOT / ".clang-tidy").read_text(encoding="utf-8")
    remembered = pathlib.Path(build) / "lint-clean"
    scratch = pathlib.Path(build) / "lint-groups"
    for folder in (remembered, scratch):
        folder.mkdir(parents=True, exist_ok=True)
    keys, groups, cached = {}, {}, 0
    for path, flags in sorted(commands(build).items()):
        keys[path] = key_of(path, config, " ".join(flags).replace(str(ROOT), ""))
        if (remembered / keys[path]).exists():
            cached += 1
        else:
            groups.setdefault((path.parent, *flags), []).append(path)

    tidy = Tidy(tool, scratch)

    def check(group):
        clean = tidy.clean(groups[group], group[1:])
        for path in clean:
            (remembered / keys[path]).touch()
        return len(clean)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        # The largest first, so that none is left running alone at the end.
        passed = sum(pool.map(check, sorted(groups, key=lambda group: -len(groups[group]))))
    checked = sum(map(len, groups.values()))
    for text in sorted(tidy.found):
        print(text)
    print(f"clang-tidy: {checked} files checked, {cached} unchanged since they were clean")
    return passed + cached, checked - passed


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
