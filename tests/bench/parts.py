"""What the benchmarks of cost share: the compiled load and backend, a minimal daemon, ports."""
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BINARY = os.environ.get("FUSEGATE_BIN", str(HERE.parent.parent / "build/release/src/fusegate"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=20, process=None, every=0.05):
    """Until somebody listens there; `process` is who should, and must not end before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and (process is None or process.poll() is None):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(every)
    raise SystemExit(f"nothing listens on 127.0.0.1:{port} after {seconds} s")


def raise_descriptor_limit(wanted):
    """Raises the soft limit to `wanted`, and the hard one where that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return
        except (ValueError, OSError):
            sys.exit(f"error: {wanted} descriptors are needed and the hard limit is {hard}; raise it with ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def pinned(command, core):
    """The command on this core alone; anywhere for None, or where this process may not use both of the first two."""
    pin = ["taskset", "-c", str(core)] if core is not None and {0, 1} <= os.sched_getaffinity(0) else []
    return [*pin, *map(str, command)]


def end(process, seconds=20):
    """Asks it to end, and makes it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Bench:
    """A directory, the compiled tools and every process that was started; ends them by their pid."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="fusegate-bench-"))
        self.processes = []
        for tool in ("load", "backend"):
            subprocess.run(["g++", "-std=c++20", "-O2", "-o", self.directory / tool, HERE / f"{tool}.cpp"], check=True)
        self.backend_port = free_port()
        self.start([self.directory / "backend", str(self.backend_port)], core=1)
        wait_for(self.backend_port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            self.stop(process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, command, core=None):
        process = subprocess.Popen(pinned(command, core), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def stop(self, process):
        end(process)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def config(self, port, access_log=False):
        """Resilience on, as by default; the access log as told. The queue is patient, because a tracer makes
        answers fifty times slower at once, which the adaptive limit is there to notice."""
        return self.write(f"fusegate-{port}.yaml", f"""
listen: 127.0.0.1:{port}
status: {{ listen: "off" }}
admin: {{ listen: "off" }}
log: {{ access: {{ enabled: {str(access_log).lower()} }} }}
upstreams:
  bench: {{ url: "http://127.0.0.1:{self.backend_port}", concurrency: {{ queue: {{ wait: 10s }} }} }}
""")

    def load(self, port, connections, requests, *options):
        subprocess.run([self.directory / "load", str(port), str(connections), str(requests), *options], check=True,
                       stdout=subprocess.DEVNULL)
