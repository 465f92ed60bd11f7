#!/usr/bin/env python3
"""What hostile input costs: user instructions for each byte that is sent (callgrind), beside those of a plain GET as curl
sends it. No accepted input may cost more than ten times as much, and none may grow faster than its size. Then the memory of
idle connections: at most 16 KiB each.

    python3 tests/bench/hostile_cost.py            needs valgrind; FUSEGATE_BIN = a release build
"""
import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rig
from support import Client, Upstream, scripts
from support.client import encode

TIMES, GROWTH, IDLE = 10, 2.6, 16 * 1024
PLAIN = b"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
HEAD = b"GET / HTTP/1.1\r\nhost: a\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
CORPUS = Path(__file__).resolve().parents[1] / "fuzz/corpus/request"


def fields(count, line=b"a:b\r\n"):
    return HEAD + line * count + b"\r\n"


def nominated(count):
    """`count` options in Connection, and as many fields that it may name."""
    names = [b"n%d" % i for i in range(count)]
    return HEAD + b"connection: " + b",".join(names) + b"\r\n" + b"".join(b"%s: x\r\n" % name for name in reversed(names)) + b"\r\n"


def wide_connection(size):
    """The longest Connection there may be beside all the fields there may be."""
    option = b"o" * (size // 31)
    return HEAD + b"connection: " + b",".join([option] * 31) + b"\r\n" + b"x: y\r\n" * 120 + b"\r\n"


def chunks(count, line=b"1\r\nx\r\n"):
    return POST + b"\r\n" + line * count + b"0\r\n\r\n"


def trailers(count):
    return POST + b"\r\n1\r\nx\r\n0\r\n" + b"t: x\r\n" * count + b"\r\n"


# Name: what makes one accepted input of a size, that size, and the number of requests it is.
CASES = {
    "tiny requests in a pipeline": (lambda n: b"GET / HTTP/1.1\r\nhost:a\r\n\r\n" * n, 200),
    "many tiny fields": (fields, 60),
    "many cookies": (lambda n: fields(n, b"cookie: a=b; c=d\r\n"), 60),
    "one huge cookie": (lambda n: HEAD + b"cookie: " + b"a=b; " * n + b"\r\n\r\n", 6000),
    "Connection names many fields": (nominated, 15),
    "the widest Connection": (wide_connection, 30_000),
    "x-forwarded-for in many fields": (lambda n: fields(n, b"x-forwarded-for: 10.0.0.1\r\n"), 60),
    "x-forwarded-for as a long list": (lambda n: HEAD + b"x-forwarded-for: " + b"10.0.0.1, " * n + b"::1\r\n\r\n", 3000),
    "fields that look like ours": (lambda n: fields(n, b"x_forwarded_for: 1\r\n"), 60),
    "dot segments": (lambda n: b"GET " + b"/a/.." * n + b"/x HTTP/1.1\r\nhost: a\r\n\r\n", 6000),
    "dots alone": (lambda n: b"GET " + b"/." * n + b"/x HTTP/1.1\r\nhost: a\r\n\r\n", 15_000),
    "percent signs": (lambda n: b"GET /" + b"%41%7e" * n + b" HTTP/1.1\r\nhost: a\r\n\r\n", 5000),
    "a path that every expression tries": (lambda n: b"GET /" + b"a" * n + b"! HTTP/1.1\r\nhost: regex\r\n\r\n", 16_000),
    "a long query": (lambda n: b"GET /?" + b"a=b&" * n + b" HTTP/1.1\r\nhost: a\r\n\r\n", 7000),
    "chunks of one byte": (chunks, 10_000),
    "chunks with extensions": (lambda n: chunks(n, b"5;a=b;c=\"d\"\r\nhello\r\n"), 5000),
    "sizes with many zeros": (lambda n: chunks(n, b"0000000000000001\r\nx\r\n"), 5000),
    "trailers": (trailers, 30),
    "Accept as a long list": (lambda n: HEAD + b"accept: " + b"a/b;q=0.1, " * n + b"\r\n\r\n", 2500),
}


class Callgrind:
    """The daemon under valgrind; instructions from one mark to the next."""

    def __init__(self, daemon, folder):
        self.daemon, self.folder, self.number = daemon, folder, 0

    def mark(self):
        """Instructions since the last mark."""
        self.number += 1
        subprocess.run(["callgrind_control", f"--dump=mark{self.number}", str(self.daemon.pid)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        total = 0
        for path in self.folder.iterdir():
            total += sum(map(int, re.findall(r"^(?:summary|totals): (\d+)", path.read_text(errors="replace"), re.M)[-1:]))
            path.unlink()
        return total


def answered(address, data, piece=None):
    """Sends `data` on a new connection and reads until all is answered; the statuses."""
    with Client(address, timeout=120) as client:
        for at in range(0, len(data), piece or len(data)):
            client.send(data[at:at + (piece or len(data))])
            if piece:
                time.sleep(0.002)
        client.sock.shutdown(socket.SHUT_WR)
        received = client.rest()
    return re.findall(rb"HTTP/1\.1 (\d{3})", received)


def cost(callgrind, address, data, idle, piece=None):
    began = time.monotonic()
    callgrind.mark()
    statuses = answered(address, data, piece)
    spent = callgrind.mark() - idle * (time.monotonic() - began)
    if not statuses or set(statuses) != {b"200"}:
        return None
    return max(spent, 1) / len(data)


def configuration(upstream):
    """Twenty routes with expressions that a request for their host tries in vain, before the one for everything."""
    routes = [{"name": f"r{i}", "match": {"host": ["regex"], "path_regex": f"/(a|aa)*{i}"}, "upstream": "up"} for i in range(20)]
    return {"upstreams": {"up": {"url": upstream.endpoint}}, "log": {"access": {"enabled": False}},
            "routes": routes + [{"name": "all", "match": "/", "upstream": "up"}]}


def measure_cpu(verdict):
    os.environ.setdefault("FUSEGATE_TEST_SLOW", "10")  # Patience with what valgrind runs.
    folder = Path(tempfile.mkdtemp(prefix="fusegate-callgrind-"))
    prefix = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
    try:
        with Upstream(scripts.reply(b"x" * 64)) as upstream, rig.Daemon(configuration(upstream), prefix=prefix) as daemon:
            callgrind = Callgrind(daemon, folder)
            answered(daemon.address, PLAIN * 50)
            callgrind.mark()
            time.sleep(2)
            idle = callgrind.mark() / 2
            plain = cost(callgrind, daemon.address, PLAIN * 100, idle)
            verdict.say(f"a plain GET: {plain:.0f} instructions a byte, {plain * len(PLAIN):.0f} a request; "
                        f"idle {idle:.0f} a second")
            judge_cases(verdict, callgrind, daemon, plain, idle)
            pieces = cost(callgrind, daemon.address, PLAIN * 3, idle, piece=1)
            verdict.hold(pieces <= TIMES * plain, f"bytes that come one by one: {pieces / plain:.1f} times a plain GET (at most {TIMES})")
            judge_corpus(verdict, callgrind, daemon, plain, idle)
            daemon.signal(signal.SIGKILL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def judge_cases(verdict, callgrind, daemon, plain, idle):
    for name, (make, count) in CASES.items():
        small, large = (cost(callgrind, daemon.address, make(n), idle) for n in (count, 2 * count))
        if small is None or large is None:
            verdict.hold(False, f"{name}: was not accepted")
            continue
        worst, growth = max(small, large) / plain, 2 * large / small
        verdict.hold(worst <= TIMES, f"{name}: {worst:.2f} times a plain GET for each byte (at most {TIMES})")
        verdict.hold(growth <= GROWTH, f"{name}: twice the size costs {growth:.2f} times as much (at most {GROWTH})")


def judge_corpus(verdict, callgrind, daemon, plain, idle):
    """The seeds of the fuzzer, as whole inputs; refused ones count, too. Their first byte is not input but says how to cut."""
    inputs = [data for path in sorted(CORPUS.iterdir()) if (data := path.read_bytes()[1:])]
    callgrind.mark()
    began = time.monotonic()
    for data in inputs * 10:
        answered(daemon.address, data)
    spent = callgrind.mark() - idle * (time.monotonic() - began)
    each = spent / (10 * sum(map(len, inputs)))
    verdict.hold(each <= TIMES * plain, f"corpus of {len(inputs)} inputs, a connection each: {each / plain:.2f} times a plain GET "
                                        f"(at most {TIMES})")


def measure_memory(verdict, count):
    """Growth for each idle connection, in the states in which one may be left."""
    big = encode("GET", "/", {"x-big": "b" * 60_000})
    states = {"that never sent": b"", "after a plain GET": PLAIN, "after a head of 60 KB": big,
              "after a body of 60 KB": encode("POST", "/", body=b"x" * 60_000)}
    with rig.Backend() as backend:
        for name, data in states.items():
            config = {"upstreams": {"up": {"url": backend.endpoint}}, "log": {"access": {"enabled": False}}}
            with rig.Daemon(config) as daemon:
                before = daemon.rss_kib()
                clients = []
                for _ in range(count):
                    client = Client(daemon.address, timeout=30)
                    clients.append(client)
                    if data:
                        client.send(data)
                        client.read()
                time.sleep(3)
                each = (daemon.rss_kib() - before) * 1024 / count
                verdict.hold(each <= IDLE, f"an idle connection {name}: {each:.0f} bytes (at most {IDLE})")
                for client in clients:
                    client.close()
                daemon.stop(1)


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--connections", type=int, default=1000, help="idle ones (default: %(default)s)")
    options = flags.parse_args()
    rig.raise_descriptor_limit(options.connections + 500)
    verdict = rig.Verdict("cost of hostile input")
    measure_cpu(verdict)
    measure_memory(verdict, options.connections)
    verdict.exit()


if __name__ == "__main__":
    sys.exit(main())
