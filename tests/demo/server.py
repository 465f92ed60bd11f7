#!/usr/bin/env python3
"""A server that fails on purpose, a fixed share of requests in an order that the seed decides.

It answers 503 (--fail status), or reads the whole request and then resets the connection (--fail
reset), as an application does that dies right after it has done its work. It counts how often each
value of X-Payment was delivered; GET /deliveries answers with these counts and forgets them.
"""

import argparse
import asyncio
import collections
import json
import random
import socket
import struct

OUT_OF = 10


class Failures:
    """Of every ten requests exactly `share` fail; only their order is random."""

    def __init__(self, share, seed):
        self.share = share
        self.random = random.Random(seed)
        self.block = []

    def next(self):
        if not self.block:
            self.block = [place < self.share for place in range(OUT_OF)]
            self.random.shuffle(self.block)
        return self.block.pop()


class Connection(asyncio.Protocol):
    def __init__(self, fail, failures, deliveries):
        self.fail = fail
        self.failures = failures
        self.deliveries = deliveries
        self.transport = None
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while not self.transport.is_closing() and self.take_request():
            pass

    def take_request(self):
        head, end, rest = self.received.partition(b"\r\n\r\n")
        if not end:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        fields = {name.lower(): value.strip() for name, _, value in pairs}
        length = int(fields.get("content-length", 0))
        if len(rest) < length:
            return False
        self.received = rest[length:]
        self.respond(first.split(" ")[1], fields)
        return True

    def respond(self, target, fields):
        if target == "/deliveries":
            self.write("200 OK", json.dumps(self.deliveries))
            self.deliveries.clear()
            return
        if "x-payment" in fields:
            self.deliveries[fields["x-payment"]] += 1
        if not self.failures.next():
            self.write("200 OK", "done\n")
        elif self.fail == "status":
            self.write("503 Service Unavailable", "not today\n")
        else:
            self.reset()

    def write(self, status, body):
        self.transport.write(f"HTTP/1.1 {status}\r\ncontent-type: text/plain\r\n"
                             f"content-length: {len(body)}\r\n\r\n{body}".encode())

    def reset(self):
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


async def serve(options):
    deliveries = collections.Counter()
    failures = Failures(options.share, options.seed)
    loop = asyncio.get_running_loop()
    for port in options.port:
        await loop.create_server(lambda: Connection(options.fail, failures, deliveries),
                                 "127.0.0.1", port, reuse_address=True, backlog=1024)
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, action="append", required=True)
    parser.add_argument("--fail", choices=["status", "reset"], default="status")
    parser.add_argument("--share", type=int, default=0, help="how many of every ten requests fail")
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
