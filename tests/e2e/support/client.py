"""A raw HTTP client: sends exactly the bytes it is told to and reads answers strictly."""

import socket
import struct
import threading
import time

from . import wire
from .timing import scaled


def _connect(address, timeout):
    """`address` is (host, port), "host:port" or "unix:/path"."""
    if isinstance(address, str) and address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect(address[5:])
        return sock
    if isinstance(address, str):
        host, _, port = address.rpartition(":")
        address = (host.strip("[]"), int(port))
    sock = socket.create_connection(address, timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def encode(method, target, headers=None, body=None, host="example.test", version="1.1"):
    """A request as bytes. `headers` is a dict or a list of pairs; a Host is added if missing."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    names = {name.lower() for name, _ in pairs}
    if host is not None and "host" not in names:
        pairs.insert(0, ("host", host))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("content-length", str(len(body))))
    lines = [f"{method} {target} HTTP/{version}"] + [f"{name}: {value}" for name, value in pairs]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chunked(*parts, trailers=()):
    """Parts as a chunked body; empty parts are left out, because an empty chunk is the end."""
    out = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part)
    fields = "".join(f"{name}: {value}\r\n" for name, value in trailers).encode("latin-1")
    return out + b"0\r\n" + fields + b"\r\n"


class Client:
    """One connection to the proxy."""

    def __init__(self, address, timeout=10.0, receive_buffer=None, tls=None, server_name="localhost", session=None):
        self.timeout = scaled(timeout)
        self.sock = _connect(address, self.timeout)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if tls:
            try:
                self.sock = tls.wrap_socket(self.sock, server_hostname=server_name, session=session,
                                            suppress_ragged_eofs=False)
            except BaseException:
                self.sock.close()
                raise
        self.reader = wire.Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        if isinstance(data, str):
            data = data.encode("latin-1")
        self.sock.sendall(data)
        return self

    def read(self, method="GET"):
        return wire.read_response(self.reader, method)

    def request(self, method="GET", target="/", headers=None, body=None, **options):
        self.send(encode(method, target, headers, body, **options))
        return self.read(method)

    def receive(self, count):
        """Exactly `count` raw bytes, for tunnels."""
        out = bytearray()
        self.reader.exactly(count, "raw bytes", out.extend)
        return bytes(out)

    def rest(self):
        """All bytes until the peer closes, or resets."""
        out = bytearray()
        try:
            self.reader.to_end("the end", out.extend)
        except wire.Closed:
            pass
        return bytes(out)

    def closed_within(self, seconds):
        """True if the peer closes within `seconds` without sending another byte."""
        self.sock.settimeout(scaled(seconds))
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            return False
        except ConnectionError:
            return True
        finally:
            self.sock.settimeout(self.timeout)
        if data:
            raise wire.ProtocolError(f"unexpected bytes instead of a close: {data[:300]!r}")
        return True

    def finish_sending(self):
        self.sock.shutdown(socket.SHUT_WR)

    def cut(self):
        """Ends the connection with a FIN; with TLS without saying so first (close_notify)."""
        socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def reset(self):
        """Ends the connection with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


def fetch(address, method="GET", target="/", headers=None, body=None, timeout=10.0, tls=None, **options):
    """One request on a connection of its own."""
    with Client(address, timeout, tls=tls) as client:
        return client.request(method, target, headers, body, **options)


def fetch_all(address, count, method="GET", target="/", headers=None, body=None, timeout=20.0):
    """`count` requests at the same time, each on its own connection; (response, seconds) or the
    exception each ended with, in no order."""
    out = []
    lock = threading.Lock()
    barrier = threading.Barrier(count)

    def one():
        try:
            try:
                client = Client(address, timeout)
            except OSError:
                barrier.abort()
                raise
            with client:
                barrier.wait()
                start = time.monotonic()
                response = client.request(method, target, headers, body)
                result = (response, time.monotonic() - start)
        except Exception as error:  # The test looks at it.
            result = error
        with lock:
            out.append(result)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out
