"""An open-loop load generator: a fixed rate, whatever the answers take.

A closed loop slows down with the server it measures and hides what users would see; here request
k is due at `start + k / rate`, and its latency counts from then on.
"""

import asyncio
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


@dataclass
class LoadResult:
    sent: int = 0
    statuses: Counter = field(default_factory=Counter)
    errors: Counter = field(default_factory=Counter)
    latencies: list = field(default_factory=list)
    connections: int = 0
    seconds: float = 0.0
    responses: list = field(default_factory=list)  # (due time, status or error), for time lines.

    def share(self, status=200):
        return self.statuses[status] / self.sent if self.sent else 0.0

    def quantile(self, q):
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0

    def __str__(self):
        return (f"{self.sent} requests in {self.seconds:.1f} s, statuses {dict(self.statuses)}, "
                f"errors {dict(self.errors)}, p50 {self.quantile(.5) * 1e3:.1f} ms, "
                f"p99 {self.quantile(.99) * 1e3:.1f} ms")


async def _open(address):
    if address.startswith("unix:"):
        return await asyncio.open_unix_connection(address[5:])
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port))


async def _read_response(reader, method):
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = LENGTH.search(head)
    if length and method != b"HEAD":
        await reader.readexactly(int(length[1]))
    elif b"chunked" in head.lower():
        while True:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            await reader.readexactly(size + 2)
            if size == 0:
                break
    lowered = head.lower()
    return status, b"\r\nconnection: close" in lowered


async def _worker(address, queue, result, timeout):
    connection = None
    while True:
        item = await queue.get()
        if item is None:
            break
        due, request = item
        try:
            if connection is None:
                connection = await asyncio.wait_for(_open(address), timeout)
                result.connections += 1
            reader, writer = connection
            writer.write(request)
            status, close = await asyncio.wait_for(_read_response(reader, request.split(b" ", 1)[0]), timeout)
            result.statuses[status] += 1
            result.responses.append((due, status))
        except Exception as error:
            result.errors[type(error).__name__] += 1
            result.responses.append((due, type(error).__name__))
            close = True
        result.latencies.append(time.monotonic() - due)
        if close and connection:
            connection[1].transport.abort()
            connection = None
    if connection:
        connection[1].close()


async def _run(address, rate, seconds, connections, request, timeout, jitter_seed):
    result = LoadResult()
    queue = asyncio.Queue()
    workers = [asyncio.create_task(_worker(address, queue, result, timeout)) for _ in range(connections)]
    chance = random.Random(jitter_seed) if jitter_seed is not None else None
    start = due = time.monotonic()
    while due - start < seconds:
        wait = due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        data = request(result.sent) if callable(request) else request
        queue.put_nowait((due, data))
        result.sent += 1
        due += chance.expovariate(rate) if chance else 1 / rate
    for _ in workers:
        queue.put_nowait(None)
    await asyncio.gather(*workers)
    result.seconds = time.monotonic() - start
    return result


def run_load(address, rate, seconds, connections=16, request=None, timeout=20.0, jitter_seed=None):
    """Runs the load and returns what came of it. `request` is bytes, or a function of the number
    of the request. `jitter_seed` makes the arrivals Poisson instead of even."""
    request = request or b"GET / HTTP/1.1\r\nhost: example.test\r\n\r\n"
    return asyncio.run(_run(address, rate, seconds, connections, request, timeout, jitter_seed))
