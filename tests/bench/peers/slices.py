"""One slice of each kind of measure: what is done with one contender, and the figures that come of it."""
import http.client
import re
import socket
import ssl
import statistics
import subprocess
import threading
import time
import urllib.request

from parts import pinned
from stage import Load

MIB = 1 << 20


def cpu(live):
    """Microseconds of CPU a request and a MiB, requests a second, how many its workers would carry with a core each, and the
    most memory meanwhile."""
    options = {"connections": 64, "seconds": live.size.seconds, **live.entry.load}
    options["connections"] = min(options["connections"], max(live.size.many, 64))
    load = Load(live.stage, live.port, **options, core=None if live.entry.setup.workers > 1 else 1)
    live.proxy.forget_peak()
    before = live.proxy.cpu_us()
    done = load.run()
    used = live.proxy.cpu_us() - before
    load.close()
    moved = (done["bytes"] + done["good"] * options.get("body", 0)) / MIB
    each = used / done["good"]
    return {"cpu": each, "cpu_mib": used / moved, "rate": done["good"] / done["seconds"],
            "carried": live.entry.setup.workers * 1e6 / each, "peak": live.proxy.peak() / MIB}


def only(slice_, *names):
    """The slice with these figures of it alone."""
    def chosen(live):
        found = slice_(live)
        return {name: found[name] for name in names}
    return chosen


def failing(live):
    """CPU an answered request, and the share of the requests that were not answered well."""
    connections = live.entry.load["connections"]
    load = Load(live.stage, live.port, connections, seconds=live.size.seconds, path="/fail/10", most_bad=1)
    before = live.proxy.cpu_us()
    done = load.run()
    used = live.proxy.cpu_us() - before
    load.close()
    return {"cpu": used / done["good"], "unanswered": 100 * done["bad"] / (done["good"] + done["bad"])}


def open_loop(live):
    """At a fixed rate: CPU a request, latency from the moment a request was due, sends that were late. Short: a slice in which
    the machine stood still has its p99 from that alone, and most slices shall have none."""
    rate = live.entry.load["rate"]
    load = Load(live.stage, live.port, 64, seconds=0.7 * live.size.seconds, rate=rate, seed=live.seed)
    scraper = Scraper(live.proxy.status_port) if live.entry.load.get("scraped") else None
    before = live.proxy.cpu_us() if live.proxy else 0
    done = load.run()
    used = (live.proxy.cpu_us() if live.proxy else 0) - before
    load.close()
    if scraper:
        scraper.close()
    return {"cpu": used / done["good"], "p50": done["p50_us"], "p99": done["p99_us"], "p999": done["p999_us"],
            "late": 100 * done["late"] / done["good"]}


class Scraper:
    """Reads /metrics again and again, ten milliseconds apart, in a thread. The kernel throws the bytes away: a reader that
    looked at them would take the core from the load, and its delays would be put down to the proxy."""

    def __init__(self, port):
        self.address, self.room = ("127.0.0.1", port), bytearray(1 << 20)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.scrapes = 0
        self._thread.start()

    def _run(self):
        while not self._ending.wait(0.01):
            with socket.create_connection(self.address, 20) as connection:
                connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                if not connection.recv(64).startswith(b"HTTP/1.0 200"):
                    break
                while connection.recv_into(self.room, 0, socket.MSG_TRUNC):
                    pass
            self.scrapes += 1

    def close(self):
        self._ending.set()
        self._thread.join(30)
        if not self.scrapes:
            raise SystemExit(f"/metrics at {self.address} was not read")


def outside(command, pattern, core=1):
    """Runs a load of others, on the second core unless told otherwise; the number that it tells."""
    done = subprocess.run(pinned(command, core), capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout)
    if done.returncode or not found or "Non-2xx" in done.stdout:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return float(found[1])


def tls_kept(live):
    """wrk over TLS; its 64 handshakes are in it. On a busy machine they may take it all its time: once more, then."""
    command = ["wrk", "-t1", "-c64", f"-d{max(2, round(live.size.seconds * 2))}", "-H", "User-Agent: bench/1.0",
               "-H", "Accept: application/json", "-H", "X-Tenant: eu-1", f"https://localhost:{live.port}/api/items/42"]
    for _ in range(4):
        before = live.proxy.cpu_us()
        if requests := outside(command, r"(\d+) requests in"):
            return {"cpu": (live.proxy.cpu_us() - before) / requests}
    raise SystemExit(f"{live.entry.contender} answered nothing over TLS")


def tls_new(live):
    """hey: a whole handshake and one request on each connection."""
    before = live.proxy.cpu_us()
    requests = outside(["hey", "-z", f"{max(0.3, live.size.seconds)}s", "-c", "8", "-cpus", "1", "-disable-keepalive",
                        f"https://localhost:{live.port}/api/items/42"], r"\[200\]\s+(\d+) responses")
    return {"cpu": (live.proxy.cpu_us() - before) / requests}


def tls_throughput(live):
    """Whole handshakes and requests a second, eight at a time, with a key so expensive that load and server need next to
    nothing of the cores."""
    command = [live.stage.directory / "handshakes", live.port, 8, 2 * live.size.seconds]
    return {"rate": outside(command, r"([\d.]+) handshakes/s", None if live.entry.setup.workers > 1 else 1)}


def start_up(live):
    """Milliseconds from the start of the process until it accepts a connection, and the memory it has then."""
    proxy = live.start()
    time.sleep(min(1, live.size.seconds))
    resident, private = proxy.memory()
    proxy.close()
    return {"ready": proxy.ready_s * 1000, "resident": resident / MIB, "private": private / MIB}


def idle_connections(live):
    """KiB that each of many idle connections adds, after some have come and gone."""
    proxy = live.start()
    Load(live.stage, proxy.port, 200, requests=200).close()
    time.sleep(min(1, live.size.seconds))
    before = proxy.memory()[0]
    idle = Load(live.stage, proxy.port, live.size.idle, requests=1)
    time.sleep(min(1, live.size.seconds))
    grown = proxy.memory()[0] - before
    idle.close()
    proxy.close()
    return {"each": max(0, grown) / live.size.idle / 1024}


def idle_tls(live):
    """KiB that each idle TLS connection adds after its handshake and one request, after some have come and gone."""
    proxy = live.start()
    for client in tls_clients(proxy.port, 20):
        client.close()
    time.sleep(min(1, live.size.seconds))
    before = proxy.memory()[0]
    many = live.size.many // 4
    clients = tls_clients(proxy.port, many)
    time.sleep(min(1, live.size.seconds))
    grown = proxy.memory()[0] - before
    for client in clients:
        client.close()
    proxy.close()
    return {"each_tls": max(0, grown) / many / 1024}


def tls_clients(port, count):
    """Connections that have had an answer each and are idle now."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE   # The stage's certificate is its own authority.
    clients = []
    for _ in range(count):
        client = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="localhost")
        client.sendall(b"GET /api/items/42 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        answer.read()
        clients.append(client)
    return clients


def busy_memory(live):
    """KiB for each connection whose request the server holds; MiB while so many large answers flow."""
    proxy = live.start()
    Load(live.stage, proxy.port, 100, requests=100).close()
    before = proxy.memory()[0]
    held = peak(live, proxy, "/hold/1500", live.size.many)
    proxy.close()
    proxy = live.start()
    flowing = peak(live, proxy, f"/bytes/{2 * MIB}", live.size.many)
    proxy.close()
    return {"active": (held - before) / live.size.many / 1024, "transfers": flowing / MIB}


def peak(live, proxy, path, connections):
    """The most resident memory while each connection has one answer of this path."""
    load = Load(live.stage, proxy.port, connections, requests=connections, path=path, cold=1)
    load.begin()
    figures = {}
    waiting = threading.Thread(target=lambda: figures.update(load.figures()))
    waiting.start()
    most = 0
    while waiting.is_alive():
        most = max(most, proxy.memory()[0])
        time.sleep(0.02)
    load.close()
    if not figures:
        raise SystemExit(f"{path}: no figures")
    return most


def scrape(live):
    """What a scrape costs when nothing else happens: time, CPU, bytes, series; and the memory of the process."""
    proxy = live.proxy
    Load(live.stage, proxy.port, 64, requests=64).close()
    url = f"http://127.0.0.1:{proxy.status_port}/metrics"
    took, before = [], proxy.cpu_us()
    for _ in range(5):
        began = time.monotonic()
        with urllib.request.urlopen(url, timeout=20) as answer:
            text = answer.read()
        took.append(time.monotonic() - began)
    used = (proxy.cpu_us() - before) / 5
    return {"took": statistics.median(took) * 1000, "cpu_ms": used / 1000, "kib": len(text) / 1024,
            "series": sum(not line.startswith(b"#") for line in text.splitlines()), "resident": proxy.memory()[0] / MIB}

