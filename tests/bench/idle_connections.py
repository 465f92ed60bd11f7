#!/usr/bin/env python3
"""Memory of 10,000 idle client connections after one request each, with HAProxy and nginx beside.

Resident memory only: what the kernel holds for the sockets is the same for all three. Each proxy
is warmed up first with some connections that end again, so that what is paid once is not counted.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import rig
from support import free_port

REQUEST = b"GET /item HTTP/1.1\r\nHost: example.test\r\nUser-Agent: idle/1\r\n\r\n"

HAPROXY = """global
  maxconn {most}
  ulimit-n {files}
  no strict-limits
  nbthread 1
defaults
  mode http
  retries 2
  option redispatch
  timeout connect 1s
  timeout client 10m
  timeout server 15s
  timeout http-keep-alive 10m
frontend in
  bind 127.0.0.1:{port}
  default_backend out
backend out
  http-reuse always
  server one {backend}
"""

NGINX = """daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections {most}; }}
http {{
  access_log off;
  keepalive_timeout 600s;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream out {{ server {backend}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://out; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


class Peer:
    """HAProxy or nginx in the foreground, with a configuration of its own."""

    def __init__(self, name, command, text, backend, most):
        self.directory = Path(tempfile.mkdtemp(prefix="fusegate-idle-"))
        self.directory.chmod(0o777)
        port = free_port()
        self.address = ("127.0.0.1", port)
        config = self.directory / f"{name}.conf"
        config.write_text(text.format(port=port, backend=backend, most=most, files=most + 500, directory=self.directory))
        self.process = subprocess.Popen([*command, str(config)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rig.wait_until(self._answers, 10, f"{name} listens")

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.process.args} ended with {self.process.returncode}")
        try:
            socket.create_connection(self.address, timeout=1).close()
        except OSError:
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(5)
        shutil.rmtree(self.directory, ignore_errors=True)

    def pids(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]


def resident(pids):
    return sum(rig.Memory(pid).now() for pid in pids)


def ask(socks):
    """One request on each socket, all at once, and their whole answers."""
    for sock in socks:
        sock.sendall(REQUEST)
    for sock in socks:
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < 64:
            piece = sock.recv(65536)
            if not piece:
                raise RuntimeError(f"closed after {data[:200]!r}")
            data += piece
        if not data.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"unexpected answer {data[:200]!r}")


def connect(address, count, options):
    """`count` connections from several loopback addresses, one request on each."""
    out = []
    while len(out) < count:
        group = []
        for number in range(len(out), min(count, len(out) + options.at_once)):
            source = f"127.0.0.{2 + number % options.sources}"
            group.append(socket.create_connection(address, timeout=30, source_address=(source, 0)))
        ask(group)
        out += group
    return out


def measure(address, pids, options):
    """Bytes of growth for each connection, and how many of them still answer."""
    warm = connect(address, 200, options)
    for sock in warm:
        sock.close()
    time.sleep(1)
    before = resident(pids)
    socks = connect(address, options.connections, options)
    time.sleep(options.settle)
    grown = resident(pids) - before
    ask(socks[:: max(1, len(socks) // 100)])
    for sock in socks:
        sock.close()
    time.sleep(1)
    return before, grown, resident(pids) - before


def report(verdict, name, figures, options):
    before, grown, left = figures
    each = grown / options.connections
    verdict.say(f"{name}: {before / rig.MIB:.1f} MiB before, {grown / rig.MIB:+.2f} MiB with {options.connections} idle = "
                f"{each:.0f} bytes each ({each / 1024:.2f} KiB); {left / rig.MIB:+.2f} MiB after they closed")
    return each


def main():
    flags = rig.parser(__doc__)
    flags.add_argument("--connections", type=int, default=10000, help="idle client connections (default: %(default)s)")
    flags.add_argument("--limit", type=int, default=2048, help="most bytes for each (default: %(default)s)")
    flags.add_argument("--at-once", type=int, default=50, help="requests at the same time (default: %(default)s)")
    flags.add_argument("--sources", type=int, default=4, help="client addresses 127.0.0.2 and on (default: %(default)s)")
    flags.add_argument("--settle", type=float, default=3, help="idle seconds before reading (default: %(default)s)")
    options = flags.parse_args()
    most = options.connections + 1000
    rig.raise_descriptor_limit(most + 500)
    verdict = rig.Verdict(f"{options.connections} idle client connections")
    with rig.Backend() as backend:
        config = {"upstreams": {"up": {"url": backend.endpoint}}, "runtime": {"max_connections": most},
                  "limits": {"keepalive_timeout": "10m"}}
        with rig.Daemon(config) as daemon:
            host, _, port = daemon.address.rpartition(":")
            each = report(verdict, "fusegate", measure((host, int(port)), [daemon.pid], options), options)
        for name, command, text in (("haproxy", ["haproxy", "-db", "-f"], HAPROXY), ("nginx", ["nginx", "-c"], NGINX)):
            path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
            if not path:
                verdict.hold(False, f"{name} is not installed, so there is nothing to compare with")
                continue
            with Peer(name, [path, *command[1:]], text, backend.authority, most) as peer:
                report(verdict, name, measure(peer.address, peer.pids(), options), options)
    verdict.hold(each <= options.limit, f"fusegate {each:.0f} bytes for each idle connection (at most {options.limit})")
    verdict.exit()


if __name__ == "__main__":
    main()
