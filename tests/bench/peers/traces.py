"""What does not depend on the neighbours: instructions by callgrind, system calls by strace."""
import re
import signal
import subprocess
import time

from stage import Load

WAITING = {"futex", "restart_syscall", "clock_nanosleep"}   # Of threads beside the one that works.


def instructions(live, connections=64, padding=0):
    """User instructions a request, of one process under callgrind between two dumps."""
    out = live.stage.directory / "callgrind.out"
    for old in live.stage.directory.glob("callgrind.out*"):
        old.unlink()
    proxy = live.start(before=("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"))
    requests = live.size.traced
    load = Load(live.stage, proxy.port, connections, requests=requests, padding=padding)
    _tell(proxy, "zero")
    load.run()
    _tell(proxy, "dump")
    load.close()
    proxy.close()
    text = (out.parent / (out.name + ".1")).read_text(errors="replace")
    return int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1]) / requests


def _tell(proxy, word):
    subprocess.run(["vgdb", f"--pid={proxy.process.pid}", word], check=True, timeout=60, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def counted(live):
    """Of a request with 190 bytes of head, and of one with 1.1 KB."""
    return {"small": instructions(live), "large": instructions(live, padding=900)}


def counted_once(live):
    return {"small": instructions(live)}


def system_calls(live, connections):
    """System calls a request, by name, of all threads and processes."""
    requests = live.size.traced
    load = Load(live.stage, live.port, connections, requests=requests)
    out = live.stage.directory / "strace.out"
    attach = [word for pid in live.proxy.pids() for word in ("-p", str(pid))]
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", str(out), *attach], stderr=subprocess.PIPE, text=True)
    for _ in live.proxy.pids():
        tracer.stderr.readline()   # "Process ... attached"
    time.sleep(0.2)
    load.run()
    tracer.send_signal(signal.SIGINT)
    tracer.stderr.read()
    tracer.wait(20)
    load.close()
    rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", out.read_text(), re.M)
    return {name: int(count) / requests for count, name in rows if name != "total" and name not in WAITING}


def called(live):
    """System calls a request on 64 connections and on one; those about timers among them."""
    many, one = system_calls(live, 64), system_calls(live, 1)
    return {"many": sum(many.values()), "one": sum(one.values()),
            "timers": sum(count for name, count in many.items() if name.startswith("timer"))}
