#!/usr/bin/env python3
"""Counts what one proxied keep-alive GET of 1 KiB costs, without a clock: user instructions (callgrind),
system calls and timer calls (strace) and heap allocations (callgrind's call counts of malloc), on 64
connections, with retries, budget, breaker and metrics on and the access log off. And the instructions and
system calls of a GET on a connection of its own, and the system calls of an answer of 64 KiB. Asserts
budgets.json.

    python3 tests/bench/counts.py            needs valgrind and strace; FUSEGATE_BIN = a release build
"""
import argparse
import json
import re
import signal
import subprocess
import sys
import time

from parts import BINARY, HERE, Bench, free_port, wait_for

CONNECTIONS = 64


def callgrind(bench, requests, *load):
    """(instructions, calls of malloc) of a whole run with so many requests; the load has more options."""
    port = free_port()
    out = bench.directory / f"callgrind.{requests}"
    daemon = bench.start(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", BINARY,
                          "-c", bench.config(port), "run"])
    wait_for(port, 60)
    # As many at once as there will ever be: what each of them allocates once is no matter of how many
    # requests follow.
    bench.load(port, CONNECTIONS, CONNECTIONS * 2, "path=/hold/500")
    bench.load(port, CONNECTIONS, requests, *load)
    bench.stop(daemon)
    text = out.read_text(errors="replace")
    total = int(re.search(r"^(?:summary|totals): (\d+)", text, re.M).group(1))
    return total, calls_of(text, ("malloc", "operator new(unsigned long)"))


def calls_of(text, names):
    """Sum of the call counts of the functions, from callgrind's own file."""
    ids, calls, callee = {}, 0, None
    for line in text.splitlines():
        named = re.match(r"c?fn=\((\d+)\)(?: (.*))?", line)
        if named:
            if named.group(2):
                ids[named.group(1)] = named.group(2)
            callee = ids.get(named.group(1)) if line.startswith("cfn") else callee
        elif line.startswith("calls=") and callee in names:
            calls += int(line[6:].split()[0])
    return calls


def system_calls(bench, requests, *load):
    """System calls a request of the process by name, while so many are served; the load has more options."""
    port = free_port()
    daemon = bench.start([BINARY, "-c", bench.config(port), "run"], core=0)
    wait_for(port)
    bench.load(port, CONNECTIONS, 64 * 50)
    out = bench.directory / "strace"
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", str(out), "-p", str(daemon.pid)], stderr=subprocess.DEVNULL)
    time.sleep(1)
    bench.load(port, CONNECTIONS, requests, *load)
    tracer.send_signal(signal.SIGINT)
    tracer.wait(20)
    bench.stop(daemon)
    rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", out.read_text(), re.M)
    waiting = {"total", "futex", "restart_syscall", "clock_nanosleep"}  # Of the threads beside the worker.
    return {name: int(count) / requests for count, name in rows if name not in waiting}


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    budgets = json.loads((HERE / "budgets.json").read_text())
    few, many, traced = 64 * 20, 64 * 100, 64 * 500
    with Bench() as bench:
        low, high = callgrind(bench, few), callgrind(bench, many)
        new_low, new_high = callgrind(bench, few, "close=1"), callgrind(bench, many, "close=1")
        calls = system_calls(bench, traced)
        connection = system_calls(bench, traced // 4, "close=1")
        large = system_calls(bench, traced // 8, "path=/bytes/65536")
    figures = {
        "instructions_per_request": (high[0] - low[0]) / (many - few),
        "instructions_per_connection": (new_high[0] - new_low[0]) / (many - few),
        "allocations_per_request": max(0, high[1] - low[1]) / (many - few),
        "system_calls_per_request": sum(calls.values()),
        "timer_calls_per_request": sum(n for name, n in calls.items() if name.startswith("timer")),
        "system_calls_per_connection": sum(connection.values()),
        "system_calls_per_64k_answer": sum(large.values()),
        "copied_64k_answers": max(0, 1 - large.get("splice", 0) / 2),  # The others go through a pipe.
    }
    missed = 0
    for name, figure in figures.items():
        missed += figure > budgets[name]
        print(f"{'MISSED' if figure > budgets[name] else 'holds '} {name}: {figure:.3f}, at most {budgets[name]}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
