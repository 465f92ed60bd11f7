"""One contender in one scenario, for real: its processes, and what came of it."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from parts import free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def compile_tools(directory):
    for tool in ("service", "callers"):
        subprocess.run(["g++", "-std=c++20", "-O2", "-I", ROOT / "include", "-o", directory / tool, HERE / f"{tool}.cpp",
                        ROOT / "src/base/rng.cpp"], check=True)


def wait_for(port, process, errors, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"error: {process.args[0]} does not listen on 127.0.0.1:{port}: {errors.read_text()[-2000:]}")


@dataclass
class Run:
    """Requests as (due s, latency ms, status, tries), and arrivals at the service by tenths of a second."""
    contender: str
    scenario: str
    requests: list
    arrivals: list

    def share_good(self, begin, end):
        """Of the requests due from `begin` to `end`; None when there were none."""
        window = [status == 200 for due, _, status, _ in self.requests if begin <= due < end]
        return sum(window) / len(window) if window else None

    def attempts(self, begin, end):
        """Requests that came to the service for each one that was due."""
        due = sum(begin <= it[0] < end for it in self.requests)
        return sum(self.arrivals[round(begin * 10):round(end * 10)]) / due

    def p99(self, begin, end):
        """Milliseconds, of the good answers; None without any."""
        times = sorted(ms for due, ms, status, _ in self.requests if status == 200 and begin <= due < end)
        return times[int(len(times) * 0.99)] if times else None

    def recovery(self, end, until, share=0.95, window=2.0):
        """Seconds from `end` until requests are good again, over `window`; None = not before `until`."""
        at = end
        while at + window <= until:
            if self.share_good(at, at + window) >= share:
                return at - end
            at += 0.25
        return None


class Stage:
    """The processes of one run, ended by their pid."""

    def __init__(self, tools, contender, scenario, model, times, seed, logs):
        self.tools, self.contender, self.scenario = tools, contender, scenario
        self.model, self.times, self.seed = model, times, seed
        self.logs = logs
        self.directory = Path(tempfile.mkdtemp(prefix="fusegate-outage-"))
        self.proxy = None
        self.service = self._start([tools / "service", model.endpoints, model.slots, model.mean_ms, model.backlog, seed,
                                    *scenario.events(times)], stdin=subprocess.PIPE)
        self.ports = list(map(int, self.service.stdout.readline().split()))
        if contender.command:
            port = free_port()
            command = contender.start_command(self.directory, port, self.ports, model.slots)
            self.proxy = self._start(command, stdin=subprocess.DEVNULL, quiet=True)
            wait_for(port, self.proxy, self.directory / "errors")
            self.ports = [port]
        self.callers = None

    def _start(self, command, stdin, quiet=False):
        home = {**os.environ, "HOME": str(self.directory), "XDG_CONFIG_HOME": str(self.directory)}
        errors = open(self.directory / "errors", "a", encoding="utf-8") if quiet else None
        return subprocess.Popen(list(map(str, command)), stdin=stdin, text=True, env=home,
                                stdout=errors or subprocess.PIPE, stderr=errors)

    def begin(self, start_ns):
        self.service.stdin.write(f"{start_ns}\n")
        self.service.stdin.flush()
        rates = [f"{until * 1000:.0f}:{rate}" for until, rate in self.scenario.rates(self.model, self.times)]
        self.callers = self._start([self.tools / "callers", start_ns, self.model.patience_ms, self.contender.tries, self.seed,
                                    ",".join(map(str, self.ports)), *rates], stdin=subprocess.DEVNULL)

    def finish(self):
        """Waits for the last caller."""
        said, _ = self.callers.communicate(timeout=self.times.total + 30)
        if self.callers.returncode != 0 or (self.proxy and self.proxy.poll() is not None):
            raise SystemExit(f"error: {self.contender.name} in {self.scenario.name} did not last; its last words:\n"
                             + (self.directory / "errors").read_text()[-2000:])
        arrivals, _ = self.service.communicate(timeout=20)
        requests = [(int(due) / 1e6, int(took) / 1e3, int(status), int(tries))
                    for due, took, status, tries in map(str.split, said.splitlines())]
        return Run(self.contender.name, self.scenario.name, requests, list(map(int, arrivals.split())))

    def close(self):
        for process in (self.callers, self.proxy, self.service):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if self.logs and self.proxy:
            self.logs.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.directory / "errors", self.logs / f"{self.scenario.name}-{self.contender.name.replace(' ', '-')}.log")
        shutil.rmtree(self.directory, ignore_errors=True)


def play(tools, contenders, scenario, model, times, seed, logs=None):
    """The contenders side by side, each with a service and callers of its own, from the same seed."""
    stages = []
    try:
        for contender in contenders:
            stages.append(Stage(tools, contender, scenario, model, times, seed, logs))
        start_ns = time.monotonic_ns() + 500_000_000
        for stage in stages:
            stage.begin(start_ns)
        print(f"  {scenario.name}: {', '.join(it.name for it in contenders)}", file=sys.stderr, flush=True)
        return [stage.finish() for stage in stages]
    finally:
        for stage in stages:
            stage.close()
