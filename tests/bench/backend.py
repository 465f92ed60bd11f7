"""A quick scripted HTTP/1.1 server in a process of its own, for the fault benchmarks.

Prints the port it listens on, serves until it is killed, and tells at /_stats what arrived.
Modes: ok = answers 200; flaky = answers 503 with probability --share; fail = never answers well:
503s, resets, closes, half heads, garbage and hangs in turn by chance; tail = answers 200, and with
probability --share only after --late-ms.
"""

import argparse
import asyncio
import json
import random
import socket
import struct
import time

OK = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s"
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\n\r\nflaky"
KEPT_SPANS = 64


class Stats:
    def __init__(self):
        self.requests = self.answered_503 = self.in_flight = self.max_in_flight = self.connections = 0
        self.per_second = {}
        self.spans = []  # [arrival, answer] of the first requests, on the monotonic clock.

    def arrived(self):
        now = time.monotonic()
        self.requests += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self.per_second[int(now)] = self.per_second.get(int(now), 0) + 1
        if len(self.spans) < KEPT_SPANS:
            span = [now, None]
            self.spans.append(span)
            return span
        return [now, None]

    def done(self, span):
        span[1] = time.monotonic()
        self.in_flight -= 1


class Connection(asyncio.Protocol):
    def __init__(self, options, stats, chance):
        self.options, self.stats, self.chance = options, stats, chance
        self.buffer = b""
        self.ok = OK % (options.body, b"x" * options.body)

    def connection_made(self, transport):
        self.transport = transport
        self.stats.connections += 1
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head, self.buffer = self.buffer[:end], self.buffer[end + 4:]
            if head.startswith(b"GET /_stats "):
                body = json.dumps(vars(self.stats)).encode()
                self.transport.write(OK % (len(body), body))
                continue
            span = self.stats.arrived()
            late = self.options.mode == "tail" and self.chance.random() < self.options.share
            delay = self.options.late_ms if late else self.options.delay_ms
            if delay:
                asyncio.get_running_loop().call_later(delay / 1000, self.answer, span)
            else:
                self.answer(span)

    def answer(self, span):
        self.stats.done(span)
        if self.transport.is_closing():
            return
        if self.options.mode == "fail":
            self.fail()
        elif self.options.mode == "flaky" and self.chance.random() < self.options.share:
            self.unavailable()
        else:
            self.transport.write(self.ok)

    def unavailable(self):
        self.stats.answered_503 += 1
        self.transport.write(UNAVAILABLE)

    def fail(self):
        draw = self.chance.random()
        if draw < 0.60:
            self.unavailable()
        elif draw < 0.75:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        elif draw < 0.85:
            self.transport.close()
        elif draw < 0.92:
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-le")
            self.transport.close()
        elif draw < 0.98:
            self.transport.write(b"this is not HTTP\r\n\r\n")
            self.transport.close()
        # Else nothing is ever said, and the proxy's own time has to end the attempt.


async def serve(options):
    stats = Stats()
    chance = random.Random(options.seed)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(options, stats, chance), "127.0.0.1", options.port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--port", type=int, default=0, help="0 = any free port")
    flags.add_argument("--mode", choices=["ok", "flaky", "fail", "tail"], default="ok")
    flags.add_argument("--share", type=float, default=0.1, help="of failures (flaky) or late answers (tail)")
    flags.add_argument("--late-ms", type=float, default=200, help="time of a late answer of the mode tail")
    flags.add_argument("--seed", type=int, default=1)
    flags.add_argument("--delay-ms", type=float, default=0, help="time until each answer")
    flags.add_argument("--body", type=int, default=64, help="bytes of each good answer")
    asyncio.run(serve(flags.parse_args()))


if __name__ == "__main__":
    main()
