#!/usr/bin/python3
"""Runs the fuzz targets one after another, and says what each of them did.

    tests/fuzz/run.py                       every target, 30 s each
    tests/fuzz/run.py --seconds 900 proxy   one target, longer
    tests/fuzz/run.py --merge               put what they have learnt into tests/fuzz/corpus

Build them first: cmake --preset fuzz && cmake --build --preset fuzz. Each target begins with its
checked-in corpus; what it finds beyond that is collected in build/fuzz/found/<target>, inputs that
fail in build/fuzz/failed. The last line is "fuzz: N passed, N failed". docs/fuzzing.md says more.
"""
import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/fuzz/corpus"
# What is checked in stays small enough to be replayed in seconds.
FILES_MAX = 400
BYTES_MAX = 1_000_000
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1"]


def targets(build, wanted):
    known = {path.name.removesuffix("_fuzz.cpp") for path in (ROOT / "tests/fuzz").glob("*_fuzz.cpp")}
    unknown = set(wanted) - known
    if unknown:
        sys.exit(f"no such target: {' '.join(sorted(unknown))}; there are: {' '.join(sorted(known))}")
    names = [name for name in wanted or sorted(known)]
    missing = [name for name in names if not (build / "tests" / f"fuzz_{name}").exists()]
    if missing:
        sys.exit(f"not built: {' '.join(missing)}; cmake --preset fuzz && cmake --build --preset fuzz")
    return names


def run(build, name, seconds, seed):
    found, failed = build / "found" / name, build / "failed"
    found.mkdir(parents=True, exist_ok=True)
    failed.mkdir(exist_ok=True)
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    command = [build / "tests" / f"fuzz_{name}", *LIMITS, f"-max_total_time={seconds}",
               f"-artifact_prefix={failed}/{name}-", f"-seed={seed}", found, CORPUS / name]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    units = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    reached = re.findall(r"cov: (\d+) ft: (\d+)", text)
    passed = process.returncode == 0 and units is not None
    print(f"{name}: {'passed' if passed else 'FAILED'}", flush=True)
    if not passed:
        print(text[-8000:], flush=True)
    return {"target": name, "runs": int(units[1]) if units else 0,
            "cpu": used.ru_utime + used.ru_stime,
            "cov": int(reached[-1][0]) if reached else 0, "ft": int(reached[-1][1]) if reached else 0,
            "ok": passed}


def merge(build, name):
    """The smallest set that reaches all that was reached. Seeds with a name of their own stay."""
    seeds = CORPUS / name
    seeds.mkdir(parents=True, exist_ok=True)
    sources = [path for path in (seeds, build / "found" / name) if path.is_dir()]
    with tempfile.TemporaryDirectory() as scratch:
        chosen = pathlib.Path(scratch) / "chosen"
        chosen.mkdir()
        subprocess.run([build / "tests" / f"fuzz_{name}", "-set_cover_merge=1", "-timeout=20", chosen, *sources],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        named = {hashlib.sha1(path.read_bytes()).hexdigest()[:16] for path in seeds.iterdir()
                 if not re.fullmatch(r"[0-9a-f]{16}", path.name)}
        kept = {}
        for path in sorted(chosen.iterdir(), key=lambda path: path.stat().st_size):
            data = path.read_bytes()
            if len(kept) + len(named) < FILES_MAX and sum(map(len, kept.values())) + len(data) <= BYTES_MAX:
                kept[hashlib.sha1(data).hexdigest()[:16]] = data
        for path in seeds.iterdir():
            if re.fullmatch(r"[0-9a-f]{16}", path.name):
                path.unlink()
        for digest, data in kept.items():
            if digest not in named:
                (seeds / digest).write_bytes(data)
    files = list(seeds.iterdir())
    print(f"{name}: {len(files)} files, {sum(path.stat().st_size for path in files)} bytes")


def table(rows):
    print("| target | executions | per CPU second | CPU seconds | edges | features |")
    print("|---|---:|---:|---:|---:|---:|")
    for row in rows:
        print(f"| {row['target']} | {row['runs']} | {row['runs'] / max(row['cpu'], 0.01):.0f} "
              f"| {row['cpu']:.0f} | {row['cov']} | {row['ft']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/fuzz")
    parser.add_argument("--seconds", type=int, default=30, help="for each target, by the clock")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations; 0 = another each time")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--merge", action="store_true", help="update the checked-in corpus instead of fuzzing")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    names = targets(options.build, options.targets)
    os.environ.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
    if options.merge:
        for name in names:
            merge(options.build, name)
        return 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        rows = list(pool.map(lambda name: run(options.build, name, options.seconds, options.seed), names))
    table(rows)
    failed = sum(not row["ok"] for row in rows)
    print(f"fuzz: {len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
