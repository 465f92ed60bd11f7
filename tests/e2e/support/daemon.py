"""Starts the real binary with a configuration, on ports the system chooses, and looks at it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .client import fetch
from .metrics import parse_metrics, split_series
from .timing import scaled, wait_until

ROOT = Path(__file__).resolve().parents[3]


def binary():
    """The binary under test: FUSEGATE_BIN, else the dev build."""
    named = os.environ.get("FUSEGATE_BIN")
    candidates = [Path(named)] if named else [ROOT / "build/dev/src/fusegate", ROOT / "build/dev/bin/fusegate"]
    for path in candidates:
        if path.is_file():
            return path
    raise FileNotFoundError(f"no binary at {' or '.join(map(str, candidates))}; set FUSEGATE_BIN")


def single(upstream, name="up", routes=None, **settings):
    """A configuration with one upstream; `settings` are keys of `defaults`."""
    return many({name: upstream}, routes=routes, **settings)


def many(upstreams, routes=None, **settings):
    """A configuration as a dict. An upstream is an object with `.endpoint`, a text (url or
    endpoint), a list of those (endpoints), or a dict that is taken as it is."""
    out = {"upstreams": {name: _upstream(value) for name, value in upstreams.items()}}
    if settings:
        out["defaults"] = settings
    if routes is not None:
        out["routes"] = routes
    return out


def _upstream(value):
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        return {"endpoints": [_endpoint(item) for item in value]}
    endpoint = _endpoint(value)
    return {"endpoints": [endpoint]} if endpoint.startswith("unix:") else {"url": endpoint}


def _endpoint(value):
    return value if isinstance(value, str) else value.endpoint


class StartFailed(Exception):
    """The binary ended, or said nothing, before it was listening."""

    def __init__(self, code, stdout, stderr):
        super().__init__(f"exit code {code}\nstdout: {stdout}\nstderr: {stderr}")
        self.code, self.stdout, self.stderr = code, stdout, stderr


class Daemon:
    """A running fusegate. `config` is a dict, written as YAML in its JSON form, or YAML text.

    Listeners that the configuration does not name get port 0 on loopback. Use it with `with`: at
    the end the process is stopped, and a crash or a sanitizer's report fails the test.
    """

    def __init__(self, config, args=(), env=None, prefix=(), expect_listeners=None):
        command = [*prefix, str(binary())]
        self.directory = Path(tempfile.mkdtemp(prefix="fusegate-e2e-"))
        self.config_path = self.directory / "fusegate.yaml"
        self.config_path.write_text(self._text(config))
        self._stdout = open(self.directory / "stdout", "w+b")
        self._stderr = open(self.directory / "stderr", "w+b")
        self.addresses = {}
        self.stopped = None
        command += ["-c", str(self.config_path), "run", *args]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._stdout,
                                        stderr=self._stderr, env={**os.environ, **(env or {})})
        self.pid = self.process.pid
        wanted = self._names(config) if expect_listeners is None else set(expect_listeners)
        try:
            self._await_listening(wanted)
        except BaseException:
            self._end(signal.SIGKILL, 5)
            self._clean()
            raise

    def _text(self, config):
        if isinstance(config, str):
            return config
        config = dict(config)
        if "listeners" not in config:
            config.setdefault("listen", "127.0.0.1:0")
        config.setdefault("status", {"listen": "127.0.0.1:0"})
        config.setdefault("admin", {"listen": "127.0.0.1:0"})
        config.setdefault("log", {}).setdefault("format", "json")
        return json.dumps(config, indent=2) + "\n"

    @staticmethod
    def _names(config):
        names = {"status", "admin"}
        if isinstance(config, str):
            return names | {"default"}
        for name in ("status", "admin"):
            if config.get(name, {}).get("listen") == "off":
                names.discard(name)
        listeners = config.get("listeners")
        return names | ({item["name"] for item in listeners} if listeners else {"default"})

    def _await_listening(self, wanted):
        end = time.monotonic() + scaled(10)
        while not wanted <= set(self.addresses):
            for line in self.log():
                if line.get("msg") == "listening":
                    self.addresses[line["listener"]] = line["address"]
            code = self.process.poll()
            if code is not None:
                raise StartFailed(code, self.stdout(), self.stderr())
            if time.monotonic() > end:
                raise StartFailed(None, self.stdout(), self.stderr() + f"\nlistening so far: {self.addresses}, wanted {wanted}")
            time.sleep(0.005)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.stop() if self.stopped is None else self.stopped
        report = self.stderr()
        if kind is not None:
            print("\n--- standard error of the daemon (last 40 lines)\n" + "\n".join(report.splitlines()[-40:]))
        self._clean()
        if kind is None and (code not in (0, -signal.SIGKILL, -signal.SIGTERM) or "Sanitizer" in report):
            raise AssertionError(f"the daemon ended with {code}:\n{report[-4000:]}")

    def _clean(self):
        self._stdout.close()
        self._stderr.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    # Stopping.

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=10.0):
        """Waits for the process to end by itself; its exit code."""
        self.stopped = self.process.wait(scaled(timeout))
        return self.stopped

    def stop(self, timeout=10.0):
        """SIGTERM, again after `timeout`, then SIGKILL; the exit code."""
        return self._end(signal.SIGTERM, timeout)

    def _end(self, number, timeout):
        for attempt in (number, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            self.process.send_signal(attempt)
            try:
                self.process.wait(scaled(timeout))
            except subprocess.TimeoutExpired:
                timeout = 2
        self.stopped = self.process.wait()
        return self.stopped

    # What it says.

    @property
    def address(self):
        """The address of the only, or the first, proxy listener."""
        return next(value for name, value in self.addresses.items() if name not in ("status", "admin"))

    @property
    def status(self):
        return self.addresses["status"]

    @property
    def admin(self):
        return self.addresses["admin"]

    def stdout(self):
        return (self.directory / "stdout").read_text(errors="replace")

    def stderr(self):
        return (self.directory / "stderr").read_text(errors="replace")

    def log(self):
        """The complete JSON lines of standard error."""
        return _json_lines(self.stderr(), strict=False)

    def access_log(self, count=None, **match):
        """Access log lines whose fields equal `match`; waits for `count` of them if given."""
        def lines():
            found = [line for line in _json_lines(self.stdout(), strict=True)
                     if all(line.get(key) == value for key, value in match.items())]
            return found if count is None or len(found) >= count else None
        if count is None:
            return lines()
        return wait_until(lines, 5, f"{count} access log lines with {match}")

    def access_line(self, **match):
        """The only access log line with these fields."""
        lines = self.access_log(1, **match)
        assert len(lines) == 1, lines
        return lines[0]

    def metrics(self):
        """GET /metrics as a dict from 'name{a="b"}' with sorted labels to float."""
        response = fetch(self.status, target="/metrics")
        assert response.status == 200, response
        return parse_metrics(response.body.decode())

    def metric(self, name, **labels):
        """The sum of all series of `name` that have these labels; 0 if there is none."""
        total = 0.0
        for key, value in self.metrics().items():
            series, found = split_series(key)
            if series == name and all(found.get(label) == str(wanted) for label, wanted in labels.items()):
                total += value
        return total

    def expect_metric(self, wanted, name, **labels):
        """Fails unless `metric` becomes `wanted`: a request is counted after its response was sent.
        Not for a counter that must stay 0, which this would not watch for long enough."""
        def reached():
            seen[0] = self.metric(name, **labels)
            return seen[0] == wanted
        seen = [None]
        try:
            wait_until(reached, 2, name)
        except AssertionError:
            raise AssertionError(f"{name} {labels or ''} is {seen[0]}, not {wanted}") from None

    def breaker(self, upstream="up"):
        """The state the breaker of `upstream` is in."""
        states = [split_series(key)[1] for key, value in self.metrics().items()
                  if key.startswith("fusegate_breaker_state{") and value == 1]
        return next(found["state"] for found in states if found["upstream"] == upstream)

    # What the system says.

    def rss_kib(self):
        return self._status_kib("VmRSS")

    def peak_rss_kib(self):
        return self._status_kib("VmHWM")

    def _status_kib(self, field):
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M)[1])

    def fd_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        """CPU time of all threads, from the scheduler, in seconds."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9


def _json_lines(text, strict):
    out = []
    for line in text.split("\n")[:-1]:
        try:
            out.append(json.loads(line))
        except ValueError:
            if strict:
                raise AssertionError(f"not a line of JSON: {line!r}") from None
    return out


def refused(address):
    """True if nothing accepts connections at `address` any more."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=scaled(1)).close()
    except OSError:
        return True
    return False
