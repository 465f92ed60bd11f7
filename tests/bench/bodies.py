"""The body of big_bodies.py and the server for it, which runs in a process of its own.

The body is made of blocks that differ from each other, so that a block lost, doubled or moved
changes the hash. The server prints its port and answers:
GET /length, GET /chunked  the body;   PUT /  the length and hash of what came, as JSON;
GET /_moved  the body bytes moved so far on other connections. PUT with x-stall-ms reads that late.
"""

import hashlib
import json
import random
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from support import wire  # noqa: E402

BLOCK = 1 << 20


class Pattern:
    """`size` bytes, the same ones for each seed, never held whole."""

    def __init__(self, size, seed):
        self.size, self.seed = size, seed
        self._base = random.Random(seed).randbytes(BLOCK)

    def blocks(self):
        """The body in pieces of at most one block."""
        for number in range((self.size + BLOCK - 1) // BLOCK):
            block = number.to_bytes(8, "big") + self._base[8:]
            yield block[: min(BLOCK, self.size - number * BLOCK)]

    def pieces(self):
        """The same bytes in pieces of uneven length, for chunks."""
        chance = random.Random(self.seed)
        for block in self.blocks():
            at = 0
            while at < len(block):
                length = chance.choice((1, 100, 4096, 16384, 65536, 250000))
                yield block[at : at + length]
                at += length

    def sha256(self):
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()


def send_body(sock, pattern, chunked, moved=lambda count: None):
    """Sends the body of a message; tells `moved` about each piece the system took."""
    if not chunked:
        for block in pattern.blocks():
            view = memoryview(block)
            while view:
                taken = sock.send(view[:65536])
                moved(taken)
                view = view[taken:]
        return
    for piece in pattern.pieces():
        sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        moved(len(piece))
    sock.sendall(b"0\r\n\r\n")


def framing_field(pattern, chunked):
    return "transfer-encoding: chunked" if chunked else f"content-length: {pattern.size}"


class Server:
    def __init__(self, pattern):
        self.pattern, self.moved = pattern, 0

    def add(self, count):
        self.moved += count

    def serve(self, sock):
        reader = wire.Reader(sock)
        try:
            while True:
                self.answer(sock, reader, wire.read_request_head(reader))
        except (OSError, wire.ProtocolError):
            sock.close()

    def answer(self, sock, reader, head):
        if head.method == "PUT":
            body = json.dumps(self.receive(reader, head)).encode()
        elif head.target in ("/length", "/chunked"):
            chunked = head.target == "/chunked"
            self.moved = 0
            sock.sendall(f"HTTP/1.1 200 OK\r\n{framing_field(self.pattern, chunked)}\r\n\r\n".encode())
            send_body(sock, self.pattern, chunked, self.add)
            return
        else:
            body = json.dumps({"moved": self.moved}).encode()
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    def receive(self, reader, head):
        if "x-stall-ms" in head.headers:
            time.sleep(int(head.headers.get("x-stall-ms")) / 1000)
        body = wire.read_body(reader, *wire.request_framing(head))
        return {"length": body.length, "sha256": body.sha256}


def main():
    size, seed = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    server = Server(Pattern(size, seed))
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=server.serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
