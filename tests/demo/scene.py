"""The stage: free ports, generated configurations, and processes that end with the demonstration."""

import random
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORTS = ["HEALTHY", "FLAKY", "MORTAL", "STOCK", "PAYMENTS", "PAYMENTS2", "PLAIN", "PROXY", "STATUS",
         "ADMIN", "PROMETHEUS"]


class StageError(Exception):
    """The stage could not be set, which says nothing about Fusegate's claims."""


def _free_ports(names):
    """Ports nobody listens on. They lie below the range from which the system takes the ports of
    outgoing connections: a server that was killed must find its port free when it comes back."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = list(range(max(1024, lowest - 12000), lowest))
    random.shuffle(candidates)
    held = {}
    try:
        for port in candidates:
            if len(held) == len(names):
                break
            sock = socket.socket()
            try:
                sock.bind(("127.0.0.1", port))
                held[port] = sock
            except OSError:
                sock.close()
    finally:
        for sock in held.values():
            sock.close()
    if len(held) < len(names):
        raise StageError("fewer than a dozen ports are free on this machine")
    return dict(zip(names, held))


class Scene:
    def __init__(self, binary):
        self.binary = str(binary)
        self.directory = Path(tempfile.mkdtemp(prefix="fusegate-demo-"))
        self.ports = _free_ports(PORTS)
        self.processes = {}

    def url(self, name, path="/"):
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def generate(self, template, name, **values):
        """Fills the ports into one of the files beside this one and returns the result's path."""
        values |= {f"{port}_PORT": number for port, number in self.ports.items()}
        values |= {"DIRECTORY": self.directory, "NAME": name}
        path = self.directory / f"{name}{Path(template).suffix}"
        path.write_text(string.Template((HERE / template).read_text()).substitute(values))
        return path

    def start(self, name, command, port):
        """Starts a process and waits until it listens. setpriv makes the kernel end it should this
        process die without a chance to clean up; a session of its own keeps Ctrl-C for us."""
        log = (self.directory / f"{name}.log").open("ab")
        with log:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        self.processes[name] = process
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StageError(f"{name} ended with code {process.returncode}:\n{self.log(name)}")
            try:
                socket.create_connection(("127.0.0.1", self.ports[port]), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise StageError(f"{name} does not listen after 20 s:\n{self.log(name)}")

    def start_nginx(self, name, template="nginx-server.conf"):
        config = self.generate(template, name, PORT=self.ports[name.upper()])
        self.start(name, ["/usr/sbin/nginx", "-p", self.directory, "-e", "stderr", "-c", config],
                   name.upper())

    def start_server(self, name, ports, share, fail="status", seed=1):
        where = [word for port in ports for word in ("--port", self.ports[port])]
        self.start(name, ["/usr/bin/python3", HERE / "server.py", *where, "--share", share,
                          "--fail", fail, "--seed", seed], ports[0])

    def start_fusegate(self):
        config = self.generate("fusegate.yaml", "fusegate")
        self.start("fusegate", [self.binary, "-c", config, "run"], "PROXY")

    def start_prometheus(self):
        config = self.generate("prometheus.yml", "prometheus")
        self.start("prometheus",
                   ["/usr/bin/prometheus", f"--config.file={config}", "--log.level=warn",
                    f"--storage.tsdb.path={self.directory / 'prometheus'}",
                    f"--web.listen-address=127.0.0.1:{self.ports['PROMETHEUS']}"], "PROMETHEUS")

    def run(self, command):
        """Starts a load generator; `output` waits for it."""
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.processes[f"load-{process.pid}"] = process
        return process

    def output(self, process):
        text, _ = process.communicate(timeout=90)
        del self.processes[f"load-{process.pid}"]
        if process.returncode != 0:
            raise StageError(f"{process.args[3]} ended with code {process.returncode}:\n{text[-2000:]}")
        return text

    def kill(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self, name, patience=30):
        """SIGTERM; returns the exit code."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def log(self, name):
        path = self.directory / f"{name}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def close(self, keep=False):
        # A second Ctrl-C must not leave anything behind; this takes a few seconds at most.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in self.processes.values():
            process.terminate()
        deadline = time.monotonic() + 5
        for process in self.processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        if keep:
            print(f"Configurations and logs are in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
