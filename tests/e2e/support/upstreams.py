"""Scripted HTTP servers on loopback: they answer, stall, cut and lie as a test tells them to.

    with Upstream(scripts.reply(b"hello")) as up: ...

A script is a function of one `Exchange`. It runs once per request, after the body was read, unless
it is marked `early`. `Upstream.requests` holds everything that arrived, bodies as hashes.
"""

import hashlib
import os
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

from . import wire


def free_port():
    """A port for a server that the caller starts soon; until then others may take it, too."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


_held = []


def dead_port():
    """A port that refuses connections until this process ends: bound, so that nobody else gets it."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    _held.append(sock)
    return sock.getsockname()[1]


@dataclass
class Received:
    """A request as the upstream saw it. `complete` is false until the whole body was read."""

    method: str
    target: str
    version: str
    headers: wire.Headers
    raw_head: bytes
    connection: int
    number: int
    at: float
    body: bytes = b""
    length: int = 0
    sha256: str = hashlib.sha256().hexdigest()
    framing: str = "none"
    trailers: wire.Headers = field(default_factory=wire.Headers)
    complete: bool = False

    def header(self, name, default=None):
        return self.headers.get(name, default)


class Exchange:
    """One request and the connection it came on."""

    def __init__(self, upstream, request, reader, sock):
        self.upstream, self.request, self.reader, self.sock = upstream, request, reader, sock
        self.keep = True  # Serve another request on this connection afterwards.

    def read_body(self):
        request = self.request
        if request.complete:
            return
        framing, length = wire.request_framing(request)
        if framing != "none":
            body = wire.read_body(self.reader, framing, length)
            request.body, request.length, request.sha256 = body.kept, body.length, body.sha256
            request.trailers = body.trailers
        request.framing = framing
        request.complete = True

    def send(self, data):
        self.sock.sendall(data)

    def head(self, status, headers=(), reason="Scripted"):
        lines = "".join(f"{name}: {value}\r\n" for name, value in pairs(headers))
        self.send(f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode("latin-1"))

    def reply(self, status=200, body=b"ok", headers=()):
        head = [("content-length", str(len(body)))] + pairs(headers)
        lines = "".join(f"{name}: {value}\r\n" for name, value in head)
        payload = b"" if self.request.method == "HEAD" else body
        self.send(f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode("latin-1") + payload)

    def close(self):
        """Ends the connection in order, after everything sent was delivered."""
        self.keep = False
        try:
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.unwrap()  # Says so first, and waits for the answer.
        except (OSError, ValueError):
            pass
        self.cut()

    def cut(self):
        """Ends the connection with a FIN; with TLS without saying so first (close_notify)."""
        self.keep = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def reset(self):
        """Ends the connection with a RST."""
        self.keep = False
        reset(self.sock)

    def until_peer_leaves(self):
        """Waits until the other side has closed or reset; true if it did."""
        self.keep = False
        while True:
            try:
                if not self.sock.recv(65536):
                    return True
            except OSError as error:
                return not isinstance(error, socket.timeout)


def pairs(headers):
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


@dataclass
class Handshake:
    """What a TLS handshake of an upstream came to; `error` is empty when it succeeded."""

    server_name: str = None
    version: str = None
    protocol: str = None
    reused: bool = False
    certificate: dict = None
    error: str = ""


def reset(sock):
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    # A plain close() of the Python object would wait for other references to the descriptor.
    os.close(sock.detach())


def _ok(exchange):
    exchange.reply()


class Upstream:
    """A server on a loopback port, or on a unix socket when `path` is given; with `tls`, a server's
    context, it speaks TLS."""

    def __init__(self, script=None, port=0, path=None, on_connect=None, receive_buffer=None, idle=60.0, tls=None):
        self.script = script or _ok
        self.on_connect = on_connect  # Called with each new socket; true = it is dealt with.
        self.requests = []
        self.connections = 0
        self.open = 0
        self.bad = []  # Requests that were not HTTP, or broke off in their head.
        self.idle = idle
        self.tls = tls
        self.handshakes = []
        if tls:
            tls.sni_callback = lambda sock, name, _: setattr(sock, "asked_name", name)
        self._lock = threading.Lock()
        self._sockets = set()
        self._closing = False
        if path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
            self.endpoint = f"unix:{path}"
        else:
            self._listener = socket.socket()
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if receive_buffer:
                self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self._listener.bind(("127.0.0.1", port))
            self.port = self._listener.getsockname()[1]
            self.authority = f"127.0.0.1:{self.port}"
            self.endpoint = f"{'https' if tls else 'http'}://{self.authority}"
        self._listener.listen(1024)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Stops listening and cuts every connection."""
        self._closing = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.drop_connections()

    def drop_connections(self):
        with self._lock:
            sockets = list(self._sockets)
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def live_sockets(self):
        """The connections that are open now, to misbehave on them from outside a script."""
        with self._lock:
            return list(self._sockets)

    def count(self, **match):
        """How many complete requests arrived with these attributes (method, target, ...)."""
        with self._lock:
            return sum(1 for request in self.requests if request.complete
                       and all(getattr(request, key) == value for key, value in match.items()))

    @property
    def last(self):
        return self.requests[-1]

    def _accept(self):
        while not self._closing:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock, number):
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(self.idle)
        with self._lock:
            self._sockets.add(sock)
            self.open += 1
        try:
            if not (self.on_connect and self.on_connect(sock)):
                sock = self._secured(sock)
                self._requests(sock, number)
        except (OSError, wire.ProtocolError):
            pass  # The tests look at what arrived, and at what the client got.
        finally:
            with self._lock:
                self._sockets.discard(sock)
                self.open -= 1
            sock.close()

    def _secured(self, sock):
        if not self.tls:
            return sock
        plain = sock
        done = Handshake()
        self.handshakes.append(done)
        try:
            sock = self.tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._sockets.discard(plain)
                self._sockets.add(sock)
            sock.do_handshake()
        except OSError as error:
            done.error = str(error)
            with self._lock:
                self._sockets.discard(sock)
            sock.close()
            raise
        done.server_name = getattr(sock, "asked_name", None)
        done.version, done.protocol = sock.version(), sock.selected_alpn_protocol()
        done.reused, done.certificate = sock.session_reused, sock.getpeercert()
        return sock

    def _requests(self, sock, number):
        reader = wire.Reader(sock)
        while True:
            try:
                head = wire.read_request_head(reader)
            except wire.Closed as closed:
                if closed.partial:
                    self.bad.append(closed)
                return
            except wire.ProtocolError as error:
                self.bad.append(error)
                return
            with self._lock:
                request = Received(head.method, head.target, head.version, head.headers, head.raw,
                                   number, len(self.requests), time.monotonic())
                self.requests.append(request)
            exchange = Exchange(self, request, reader, sock)
            if not getattr(self.script, "early", False):
                exchange.read_body()
            self.script(exchange)
            if not exchange.keep:
                return
            exchange.read_body()
