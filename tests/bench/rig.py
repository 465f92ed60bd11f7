"""What the fault benchmarks share: verdicts, servers in processes of their own, memory readings.

The servers run in their own processes because a client and a server in one Python process would
take turns, and the figures would be those of the interpreter.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from parts import raise_descriptor_limit  # noqa: E402
from support import Daemon, fetch, free_port, run_load, wait_until  # noqa: E402
from support.daemon import binary  # noqa: E402
from support.metrics import split_series  # noqa: E402

__all__ = ["MIB", "Backend", "Daemon", "Memory", "Verdict", "binary", "fetch", "free_port", "parser", "per_request",
           "raise_descriptor_limit", "run_load", "series", "sleep_until", "total", "transitions",
           "wait_until"]

MIB = 1 << 20


def parser(doc):
    """An argument parser with the first lines of the script as its help, and the seed."""
    out = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--seed", type=int, default=20261123, help="seed of everything random (default: %(default)s)")
    return out


class Verdict:
    """Prints figures and bounds, and remembers whether a bound was missed."""

    def __init__(self, title):
        self.missed = []
        print(f"{title} ({binary().name} {self._revision()})", flush=True)

    @staticmethod
    def _revision():
        said = subprocess.run([str(binary()), "version"], capture_output=True, text=True, check=False).stdout
        return said.strip().removeprefix("fusegate ")

    def say(self, text):
        print(f"  {text}", flush=True)

    def hold(self, holds, text):
        """`text` names the figure and its bound."""
        print(f"  {'holds ' if holds else 'MISSED'}  {text}", flush=True)
        if not holds:
            self.missed.append(text)
        return holds

    def exit(self):
        print(f"result: {len(self.missed)} bound(s) missed" if self.missed else "result: every bound holds", flush=True)
        sys.exit(1 if self.missed else 0)


class Backend:
    """A backend.py in its own process; the arguments are its flags."""

    def __init__(self, mode="ok", port=0, **flags):
        command = [sys.executable, str(HERE / "backend.py"), "--mode", mode, "--port", str(port)]
        for name, value in flags.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"backend.py ended with {self.process.wait()}")
        self.port = int(line)
        self.authority = f"127.0.0.1:{self.port}"
        self.endpoint = f"http://{self.authority}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """SIGKILL: the kernel resets what is in flight."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stats(self):
        return json.loads(fetch(self.authority, target="/_stats", timeout=20).body)


class Memory:
    """Resident memory of one process from now on: samples, and the kernel's own peak if it lets
    itself be reset. Use with `with`."""

    def __init__(self, pid, every=0.01):
        self.pid, self.every = pid, every
        self.start = self.highest = self.now()
        self.samples = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        try:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
            self._exact = True
        except OSError:
            self._exact = False

    def now(self):
        """Resident bytes."""
        return _status_bytes(self.pid, "VmRSS")

    def _run(self):
        while not self._ending.wait(self.every):
            self.highest = max(self.highest, self.now())
            self.samples += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()
        self.highest = max(self.highest, self.now())
        if self._exact:
            self.highest = max(self.highest, _status_bytes(self.pid, "VmHWM"))


def _status_bytes(pid, field):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M)[1]) * 1024


def series(metrics, name, **labels):
    """The series of `name` with these labels, as (labels, value)."""
    for key, value in metrics.items():
        found, have = split_series(key)
        if found == name and all(have.get(label) == wanted for label, wanted in labels.items()):
            yield have, value


def total(metrics, name, **labels):
    return sum(value for _, value in series(metrics, name, **labels))


def transitions(metrics, upstream="up"):
    """The state changes of the breaker that happened, in words."""
    return {f"{have['from']}->{have['to']} ({have['reason']})": int(value)
            for have, value in series(metrics, "fusegate_breaker_transitions_total", upstream=upstream) if value}


def per_request(metrics, upstream="up"):
    """(first attempts, all attempts) of an upstream."""
    return (total(metrics, "fusegate_attempts_total", upstream=upstream, kind="first"),
            total(metrics, "fusegate_attempts_total", upstream=upstream))


def sleep_until(at):
    """Sleeps until this point of the monotonic clock."""
    time.sleep(max(0.0, at - time.monotonic()))
