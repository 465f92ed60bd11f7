"""Real programs on ports that the system chooses: servers behind Fusegate and proxies in front of it.

A server has /small ("small\\n"), /big (BIG) and /post, which answers a POST with 200. Those that
Debian's packages bring are required; see `.ci/packages`.
"""

import http.server
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from .daemon import refused
from .timing import scaled, wait_until
from .upstreams import free_port

BIG = bytes(range(256)) * 8192  # 2 MiB of every byte.
HERE = Path(__file__).resolve().parents[1] / "programs"

NGINX = """
daemon off; master_process off; pid {dir}/pid; error_log stderr error;
events {{}}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen {address}; {inside} }}
}}
"""
NGINX_SERVER = 'root {dir}/www; location /post {{ return 200 "posted"; }}'
NGINX_FRONT = """client_max_body_size 0; location / {{ proxy_pass http://{target}; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr; }}
  location /tunnel {{ proxy_pass http://{target}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection upgrade; }}"""

APACHE = """
ServerName localhost
DefaultRuntimeDir {dir}
PidFile {dir}/pid
ErrorLog {dir}/error.log
Listen {address}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
{inside}
"""
APACHE_SERVER = """DocumentRoot {dir}/www
<Directory {dir}/www>
Require all granted
</Directory>"""
APACHE_FRONT = """LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ProxyPass / http://{target}/ upgrade=websocket"""

HAPROXY = """
global
  log stderr format raw local0 err
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend f
  bind {address}
  {inside}
"""
HAPROXY_SERVER = """http-request return status 200 content-type text/plain file {dir}/www/small if {{ path /small }}
  http-request return status 200 content-type text/plain file {dir}/www/part if {{ path /big }}
  http-request return status 200 content-type text/plain string posted if {{ path /post }}
  http-request return status 404"""
HAPROXY_FRONT = """option forwardfor
  default_backend b
backend b
  http-reuse always
  server s {target}"""

CADDY = """{{
  admin off
  auto_https off
}}
http://:{port} {{
  bind 127.0.0.1
  {inside}
}}
"""
CADDY_SERVER = """respond /post "posted"
  root * {dir}/www
  file_server"""
CADDY_FRONT = "reverse_proxy {target}"

COMMANDS = {
    "nginx": (NGINX, ["/usr/sbin/nginx", "-e", "stderr", "-c", "{file}", "-p", "{dir}"]),
    "apache": (APACHE, ["/usr/sbin/apache2", "-X", "-f", "{file}"]),
    "haproxy": (HAPROXY, ["/usr/sbin/haproxy", "-db", "-f", "{file}"]),
    "caddy": (CADDY, ["/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", "{file}"]),
}
INSIDES = {"nginx": (NGINX_SERVER, NGINX_FRONT), "apache": (APACHE_SERVER, APACHE_FRONT),
           "haproxy": (HAPROXY_SERVER, HAPROXY_FRONT), "caddy": (CADDY_SERVER, CADDY_FRONT)}


class Program:
    """A program that was started and is stopped at the end; `authority` is where it listens."""

    def __init__(self, command, directory, port):
        self.authority = f"127.0.0.1:{port}"
        self.endpoint = f"http://{self.authority}"
        self._directory = directory
        self._log = open(directory / "log", "w+b")
        home = {**os.environ, "HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                         cwd=directory, env=home)
        try:
            wait_until(lambda: self._process.poll() is not None or not refused(self.authority), 15, command[0])
            if self._process.poll() is not None:
                raise AssertionError(f"{command[0]} ended: {(directory / 'log').read_text(errors='replace')}")
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(scaled(5))
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self._directory, ignore_errors=True)


def _directory():
    directory = Path(tempfile.mkdtemp(prefix="fusegate-programs-"))
    directory.chmod(0o755)
    (directory / "www").mkdir()
    (directory / "www/small").write_bytes(b"small\n")
    (directory / "www/big").write_bytes(BIG)
    (directory / "www/post").write_bytes(b"posted")  # Apache gives a file to a POST, too.
    (directory / "www/part").write_bytes(BIG[:8192])  # What fits into a buffer of HAProxy.
    return directory


def _start(name, inside, target=""):
    port, directory = free_port(), _directory()
    words = {"dir": str(directory), "port": port, "address": f"127.0.0.1:{port}", "target": target}
    text, command = COMMANDS[name]
    path = directory / "config"
    path.write_text(text.format(inside=inside.format(**words), **words))
    return Program([part.format(file=path, dir=directory) for part in command], directory, port)


def server(name):
    """nginx, apache, haproxy, caddy, node or python as an upstream."""
    if name == "python":
        return PythonServer()
    if name == "node":
        port = free_port()
        return Program(["node", str(HERE / "server.js"), str(port)], _directory(), port)
    return _start(name, INSIDES[name][0])


def front(name, target):
    """nginx, apache, haproxy or caddy as a proxy in front of `target`, an authority."""
    return _start(name, INSIDES[name][1], target)


class PythonServer:
    """http.server as it comes: HTTP/1.0, one thread a connection."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = {"/small": b"small\n", "/big": BIG}.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body or b"")

        do_HEAD = do_GET

        def do_POST(self):
            left = int(self.headers.get("content-length", 0))
            self.rfile.read(left)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"posted")

        def log_message(self, *_):
            pass

    def __init__(self):
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self.Handler)
        self._server.daemon_threads = True
        self.authority = "127.0.0.1:%d" % self._server.server_address[1]
        self.endpoint = f"http://{self.authority}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def have(*names):
    """The names among these that are not installed."""
    missing = [name for name in names if not shutil.which(name) and not Path("/usr/sbin", name).exists()]
    for name in missing:
        print(f"NOT CHECKED: {name} is not installed", file=sys.stderr, flush=True)
    return not missing


class Spot:
    """A free address, for a program that is told where to listen."""

    def __init__(self):
        self.authority = f"127.0.0.1:{free_port()}"
        self.endpoint = f"http://{self.authority}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
