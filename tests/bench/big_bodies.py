#!/usr/bin/env python3
"""Bodies of 1 GiB up and down, by length and chunked: byte-identical, in little memory, and a
reader that stalls stops the writer.

"Idle" is the memory before the first big body. The peak is the kernel's own, where it may be reset.
"""

import json
import subprocess
import sys
import threading
import time

import bodies
import rig
from support import Client


class BodyServer:
    """bodies.py in its own process."""

    def __init__(self, size, seed):
        self.process = subprocess.Popen([sys.executable, str(rig.HERE / "bodies.py"), str(size), str(seed)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.authority = f"127.0.0.1:{int(self.process.stdout.readline())}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def moved(self):
        """Body bytes the last download has handed to the system."""
        return json.loads(rig.fetch(self.authority, target="/_moved").body)["moved"]


def upload(client, pattern, chunked, fields="", moved=lambda count: None):
    """(length, hash) as the upstream saw them."""
    client.send(f"PUT / HTTP/1.1\r\nhost: example.test\r\n{fields}{bodies.framing_field(pattern, chunked)}\r\n\r\n")
    bodies.send_body(client.sock, pattern, chunked, moved)
    response = client.read("PUT")
    if response.status != 200:
        return response.status, response.header("fusegate-reason")
    seen = json.loads(response.body)
    return seen["length"], seen["sha256"]


def download(client, chunked):
    client.send(f"GET /{'chunked' if chunked else 'length'} HTTP/1.1\r\nhost: example.test\r\n\r\n")
    response = client.read()
    return response.length, response.sha256


def transfers(verdict, options, daemon, pattern, wanted):
    for direction in ("up", "down"):
        for chunked in (False, True):
            what = f"{direction}, {'chunked' if chunked else 'by length'}"
            start = time.monotonic()
            with rig.Memory(daemon.pid) as memory, Client(daemon.address, 120) as client:
                seen = upload(client, pattern, chunked) if direction == "up" else download(client, chunked)
            took = time.monotonic() - start
            verdict.hold(seen == wanted, f"{what}: {seen[0]} bytes, sha256 {str(seen[1])[:16]} "
                                         f"({'equal' if seen == wanted else 'NOT ' + wanted[1][:16]}), "
                                         f"{pattern.size / took / rig.MIB:.0f} MiB/s")
            hold_memory(verdict, options, what, memory)


def hold_memory(verdict, options, what, memory):
    above = (memory.highest - options.idle) / rig.MIB
    verdict.hold(above <= options.memory_mib,
                 f"{what}: peak {memory.highest / rig.MIB:.2f} MiB, {above:.2f} MiB above idle "
                 f"(at most {options.memory_mib:g}; {memory.samples} samples)")


def hold_stopped(verdict, what, readings):
    """`readings` are the bytes written during the stall; the second half must not grow."""
    late = readings[len(readings) // 2:]
    grown = late[-1] - late[0]
    verdict.hold(grown == 0, f"{what}: the writer stopped after {readings[-1] / rig.MIB:.1f} MiB "
                             f"(grew by {grown} bytes in the second half of the stall, none allowed)")


def stalled_client(verdict, options, daemon, server, wanted):
    """A client reads the head and no more for a while, then the rest."""
    with rig.Memory(daemon.pid) as memory, Client(daemon.address, 120) as client:
        client.send("GET /length HTTP/1.1\r\nhost: example.test\r\n\r\n")
        readings = watch(options, server.moved)
        response = client.read()
    hold_stopped(verdict, "stalled client", readings)
    verdict.hold((response.length, response.sha256) == wanted, f"stalled client: got {response.length} bytes afterwards, equal")
    hold_memory(verdict, options, "stalled client", memory)


def stalled_upstream(verdict, options, daemon, pattern, wanted):
    """An upstream reads the head and no more for a while, then the rest."""
    sent = [0]

    def moved(count):
        sent[0] += count

    seen = []
    with rig.Memory(daemon.pid) as memory, Client(daemon.address, 120) as client:
        stall = f"x-stall-ms: {int((options.stall + 1) * 1000)}\r\n"
        writer = threading.Thread(target=lambda: seen.append(upload(client, pattern, False, stall, moved)), daemon=True)
        writer.start()
        readings = watch(options, lambda: sent[0])
        writer.join()
    hold_stopped(verdict, "stalled upstream", readings)
    verdict.hold(seen == [wanted], f"stalled upstream: got {seen[0][0] if seen else 'nothing'} bytes afterwards, equal")
    hold_memory(verdict, options, "stalled upstream", memory)


def watch(options, reading):
    """Readings over the time of the stall."""
    end = time.monotonic() + options.stall
    out = []
    while time.monotonic() < end:
        time.sleep(0.25)
        out.append(reading())
    return out


def main():
    flags = rig.parser(__doc__)
    flags.add_argument("--mib", type=int, default=1024, help="size of each body (default: %(default)s)")
    flags.add_argument("--memory-mib", type=float, default=16, help="most above idle (default: %(default)s)")
    flags.add_argument("--stall", type=float, default=8, help="seconds a reader stalls (default: %(default)s)")
    options = flags.parse_args()
    verdict = rig.Verdict(f"bodies of {options.mib} MiB")
    pattern = bodies.Pattern(options.mib * rig.MIB, options.seed)
    wanted = (pattern.size, pattern.sha256())
    with BodyServer(pattern.size, options.seed) as server, rig.Daemon(
            {"upstreams": {"up": {"url": f"http://{server.authority}"}}, "defaults": {"timeout": "10m"}}) as daemon:
        rig.fetch(daemon.address, target="/_moved")
        options.idle = rig.Memory(daemon.pid).now()
        verdict.say(f"idle {options.idle / rig.MIB:.2f} MiB")
        transfers(verdict, options, daemon, pattern, wanted)
        stalled_client(verdict, options, daemon, server, wanted)
        stalled_upstream(verdict, options, daemon, pattern, wanted)
        after = rig.Memory(daemon.pid).now()
        verdict.say(f"afterwards {after / rig.MIB:.2f} MiB, {(after - options.idle) / rig.MIB:.2f} MiB above idle")
    verdict.exit()


if __name__ == "__main__":
    main()
