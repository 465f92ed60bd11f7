"""The processes of one measure: server, proxies, load. Started, looked at from outside, ended by their pid."""
import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from parts import end, free_port, pinned, raise_descriptor_limit, wait_for
from setup import Place

HERE = Path(__file__).resolve().parent


def compile_tools(directory):
    for source in (HERE.parent / "load.cpp", HERE.parent / "backend.cpp", HERE.parent / "handshakes.cpp", HERE / "relay.cpp"):
        libraries = ["-pthread", "-lssl", "-lcrypto"] if source.stem == "handshakes" else []
        subprocess.run(["g++", "-std=c++20", "-O2", "-o", directory / source.stem, source, *libraries], check=True)


def make_certificate(directory, prefix, kind):
    """One for localhost that is its own authority, with a new key of this kind."""
    cert, key, both = (directory / f"{prefix}{name}.pem" for name in ("cert", "key", "both"))
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "30", "-subj", "/CN=localhost",
                    "-addext", names, "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    both.write_text(cert.read_text() + key.read_text())


TLS_SERVER = """worker_processes 1; daemon off; pid {directory}/tls.pid; error_log {directory}/tls.log;
events {{ worker_connections 4000; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;
    location / {{ default_type application/json; return 200 "{body}"; }} }}
}}
"""


class Stage:
    """A directory with the tools, a certificate and the servers; `with` ends everything that was started."""

    def __init__(self, descriptors):
        self.directory = Path(tempfile.mkdtemp(prefix="fusegate-peers-"))
        self.directory.chmod(0o755)   # nginx and Apache write as another user.
        self.processes = []
        raise_descriptor_limit(descriptors)

    def __enter__(self):
        try:
            compile_tools(self.directory)
            make_certificate(self.directory, "", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
            self.tls_server, self.tls_port = None, free_port()
            self.port = self._start_backend()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.stop(process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start_backend(self):
        """Its port: below those that clients get, because many addresses are listened on and all must be free."""
        for attempt in range(20):
            port = random.randrange(10000, 32000)
            self.unix_path = f"{self.directory}/backend{attempt}.sock"
            backend = self.start([self.directory / "backend", port, "addresses=200", f"unix={self.unix_path}"], core=1)
            try:
                wait_for(port, 20, backend)
                return port
            except SystemExit:
                self.stop(backend)
        raise SystemExit("error: the server of the benchmark found no port")

    def need_rsa(self):
        """Its key takes seconds to find, so only where it is used."""
        if not (self.directory / "rsa-both.pem").exists():
            make_certificate(self.directory, "rsa-", ("rsa:8192",))

    def need_tls_server(self):
        if self.tls_server is None:
            file = self.directory / "tls.conf"
            file.write_text(TLS_SERVER.format(directory=self.directory, port=self.tls_port, body="x" * 1024))
            self.tls_server = self.start(["nginx", "-e", self.directory / "tls.log", "-c", file], core=1)
            wait_for(self.tls_port)

    def start(self, command, core=None, environment=None, out=subprocess.DEVNULL, err=subprocess.DEVNULL):
        process = subprocess.Popen(pinned(command, core), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   env={**os.environ, "HOME": str(self.directory), "XDG_CONFIG_HOME": str(self.directory),
                                        **(environment or {})})
        self.processes.append(process)
        return process

    def stop(self, process):
        end(process, 10)
        if process in self.processes:
            self.processes.remove(process)


def of_threads(pid, name):
    """The text of this file for each thread; one that ends meanwhile is left out."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield (task / name).read_text()


class Proxy:
    """One contender as a process. `before` is put in front of its command, for tracers."""

    def __init__(self, stage, contender, setup, before=()):
        self.stage, self.contender, self.setup = stage, contender, setup
        directory = Path(tempfile.mkdtemp(prefix=contender.name + "-", dir=stage.directory))
        directory.chmod(0o755)
        if setup.tls_out:
            stage.need_tls_server()
        if setup.rsa:
            stage.need_rsa()
        place = Place(free_port(), directory, [f"127.0.0.{1 + index}:{stage.port}" for index in range(200)],
                      f"127.0.0.1:{stage.tls_port}", stage.unix_path, stage.directory, stage.port, free_port())
        self.port, self.status_port, self.log = place.port, place.status_port, directory / "output"
        file = directory / "configuration"
        file.write_text(contender.write(setup, place))
        command = contender.command_for(setup, file, place)
        pinned = setup.workers == 1
        started = time.monotonic()
        with open(self.log, "w", encoding="utf-8") as out:
            self.process = stage.start([*before, *command], core=0 if pinned else None, environment=contender.environment,
                                       out=out, err=out)
        try:
            wait_for(self.port, 60 if before else 20, self.process, 0.001)
        except SystemExit as error:
            raise SystemExit(f"{contender.name}: {error}; its last words:\n{self.words()}") from error
        self.ready_s = time.monotonic() - started

    def words(self):
        files = [self.log, *self.log.parent.glob("*.log")]
        return "\n".join(file.read_text(errors="replace")[-1000:] for file in files)

    def close(self):
        if self.process.poll() is not None:
            raise SystemExit(f"error: {self.contender.name} did not last; its last words:\n{self.words()}")
        self.stage.stop(self.process)

    def pids(self):
        """The process and those it has started."""
        found, new = [], [self.process.pid]
        while new:
            found += new
            new = [int(child) for pid in new for text in of_threads(pid, "children") for child in text.split()]
        return found

    def cpu_us(self):
        """Run time, user and system, from the scheduler."""
        return sum(int(text.split()[0]) for pid in self.pids() for text in of_threads(pid, "schedstat")) / 1000

    def forget_peak(self):
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self):
        """The most resident memory since forget_peak(), in bytes."""
        return sum(int(re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)[1])
                   for pid in self.pids()) * 1024

    def memory(self):
        """(resident, private) bytes. Pages that its processes share are counted once for each of them. Private are those
        that it has written: clean pages of programs and libraries are shared with whoever runs the same files."""
        total = {"Rss": 0, "Private_Dirty": 0}
        for pid in self.pids():
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            for name in total:
                total[name] += int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) * 1024
        return total["Rss"], total["Private_Dirty"]


class Load:
    """Our own load, in steps: connected and warm; begun; ended with figures; connections closed.

    An answer that is not 200 is counted apart. A few are borne: when the machine stands still for a tenth of a second,
    Fusegate's adaptive limit takes that for an overload of the server and refuses some, as it shall."""

    def __init__(self, stage, port, connections, core=1, most_bad=0.02, **options):
        requests = options.pop("requests", 0)
        self.most_bad = most_bad
        named = [f"{name}={value}" for name, value in options.items()]
        command = [stage.directory / "load", port, connections, requests, "wait=1", "any=1", *named]
        self.process = subprocess.Popen(pinned(command, core), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        stage.processes.append(self.process)
        self.stage = stage
        self._expect("ready")

    def _expect(self, what):
        line = self.process.stdout.readline()
        if not line.startswith(what):
            raise SystemExit(f"error: the load ended: {self.process.stderr.read()}")
        return line

    def begin(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def figures(self):
        figures = json.loads(self._expect("{"))
        if figures["bad"] > max(10, self.most_bad * figures["good"]):
            raise SystemExit(f"error: too many bad answers: {figures}")
        return figures

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        self.process.stderr.close()
        self.stage.processes.remove(self.process)

    def run(self):
        self.begin()
        return self.figures()
