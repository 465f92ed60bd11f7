"""The measures beside the peers: each one small function, or a line where only the load differs."""
import slices
import traces
from measure import Bound, Entry, Figure, Measure, everybody
from setup import Setup
from slices import MIB, cpu, only

US = "µs of CPU a request"


def cpu_measure(name, title, load, must=(), setup=Setup(), slice_=None, figure="cpu", unit=US, note="", times=1):
    """CPU a request (or a MiB) of everybody under one load."""
    what = Figure(figure, title, unit, bounds=tuple(must))
    return Measure(name, title, "cpu", (what,), everybody(setup, load), slice_ or only(cpu, figure), note=note,
                   times=times)


def over_haproxy(must, aim):
    return Bound(must, aim, "HAProxy")


def cpu_measures():
    wide = Setup(wide=True)
    yield cpu_measure("get", "GET of 1 KiB, 64 connections", {}, (over_haproxy(0.80, 0.70), Bound(0.88, 0.80, "nginx")),
                      times=2)
    yield cpu_measure("get-1", "the same, 1 connection", {"connections": 1})
    yield cpu_measure("get-1000", "the same, 1,000 connections", {"connections": 1000}, setup=wide)
    yield cpu_measure("post-1k", "POST of 1 KiB", {"body": 1024})
    yield cpu_measure("post-64k", "POST of 64 KiB", {"body": 65536, "connections": 16})
    yield cpu_measure("get-64k", "response of 64 KiB", {"path": "/bytes/65536", "connections": 16})
    yield cpu_measure("get-1m", "response of 1 MiB", {"path": f"/bytes/{MIB}", "connections": 8}, (over_haproxy(0.70, 0.50),),
                      figure="cpu_mib", unit="µs of CPU a MiB")
    yield cpu_measure("connect", "new connection for each request, Connection: close", {"close": 1}, (over_haproxy(1.00, 0.85),))
    yield cpu_measure("leave", "new connection for each request, the client leaves", {"close": 2}, (over_haproxy(1.00, 0.85),))
    yield cpu_measure("tls", "TLS to the client, kept", {}, (over_haproxy(0.92, 0.80),), Setup(tls_in=True), slices.tls_kept)
    yield cpu_measure("tls-new", "TLS to the client, a handshake each", {}, (over_haproxy(1.08, 1.00),), Setup(tls_in=True),
                      slices.tls_new)
    yield cpu_measure("tls-out", "TLS to the server", {}, (), Setup(tls_out=True))
    yield cpu_measure("log", "access log on, to a file", {}, (over_haproxy(0.85, 0.75),), Setup(log=True))


def failing():
    """Fusegate's retries wait up to 25 ms, as a backoff should; those of HAProxy and nginx do not. Of 64 connections most
    would be waiting, so that nothing is saturated: the bound is held where all are busy."""
    what = "10 % answers 503, retried"
    for name, connections, bounds in (("failing", 256, (over_haproxy(0.90, 0.80),)), ("failing-64", 64, ())):
        figures = (Figure("cpu", f"{what}, {connections} connections", "µs of CPU an answered request", bounds=bounds),
                   Figure("unanswered", "the same: not answered well in the end", "% of the requests", 2, plotted=False))
        yield Measure(name, f"10 % of the server's answers are 503, and retried; {connections} connections", "cpu", figures,
                      everybody(Setup(endpoints=2), {"connections": connections}), slices.failing)


def rate():
    figures = (Figure("cpu", "3,000 requests/s, open loop", US, bounds=(over_haproxy(0.82, 0.72),)),
               Figure("p50", "added latency, p50", "µs", 0, (over_haproxy(0.90, 0.80),)),
               Figure("p99", "added latency, p99", "µs", 0, (over_haproxy(1.00, 0.90),)),
               Figure("p999", "added latency, p99.9", "µs", 0),
               Figure("late", "sent more than 1 ms late", "% of the requests", 2, plotted=False))
    return Measure("rate", "3,000 requests/s, open loop, 64 connections", "latency", figures,
                   everybody(load={"rate": 3000}, direct=True), slices.open_loop, added=("p50", "p99", "p999"), times=5,
                   note="Latency is counted from the moment a request was due, and is less what the server alone takes.")


def memory():
    start = (Figure("ready", "start to ready", "ms"),
             Figure("resident", "resident memory, idle", "MiB", 1, (Bound(10, 8),)),
             Figure("private", "private memory, idle", "MiB", 1, (Bound(4, 3),)))
    yield Measure("start", "start-up and idle memory", "memory", start, everybody(), slices.start_up, rounds=5, starts=False)
    idle = (Figure("each", "memory of an idle connection", "KiB", 2, (Bound(2, 1),), plotted=False),)
    yield Measure("idle", "10,000 idle connections", "memory", idle, everybody(Setup(wide=True)), slices.idle_connections,
                  rounds=2, starts=False)
    idle = (Figure("each_tls", "memory of an idle TLS connection", "KiB", 1),)
    yield Measure("idle-tls", "250 idle TLS connections", "memory", idle, everybody(Setup(wide=True, tls_in=True)),
                  slices.idle_tls, rounds=2, starts=False)
    busy = (Figure("active", "memory of a connection whose request is held", "KiB", 1),
            Figure("transfers", "resident memory, 1,000 answers of 2 MiB at once", "MiB"))
    yield Measure("busy", "1,000 active connections, 1,000 large answers", "memory", busy, everybody(Setup(wide=True)),
                  slices.busy_memory, rounds=2, starts=False)


def counts():
    figures = (Figure("small", "instructions, 190-byte head", "a request", 0, (Bound(16000, 11000),)),
               Figure("large", "instructions, 1.1 KB head", "a request", 0, (Bound(26000, 18000),)))
    yield Measure("instructions", "user instructions", "counts", figures, everybody(Setup(alone=True)), traces.counted, rounds=1,
                  starts=False)
    figures = (Figure("many", "system calls, 64 connections", "a request", 2, (Bound(6.2, 4.3),)),
               Figure("one", "system calls, one connection", "a request", 2, (Bound(8.2, 6.2),)),
               Figure("timers", "of them about timers", "a request", 3, (Bound(0.02, 0),), plotted=False))
    yield Measure("system-calls", "system calls", "counts", figures, everybody(), traces.called, rounds=1)


def unix(name):
    """The relay's says what the kernel gives: it does nothing else."""
    other = f"{name}, unix socket"
    cast = {name: Entry(name), other: Entry(name, Setup(unix=True))}
    bounds = (Bound(0.80, 0.72, name, who=other),) if name == "Fusegate" else ()
    figure = Figure("cpu", "unix socket to the server", US, bounds=bounds)
    return Measure(f"unix-{name.lower()}", f"unix socket to the server instead of TCP, {name}", "alone", (figure,), cast,
                   only(cpu, "cpu"), base=name, times=2)


def workers(name):
    """Throughput shows it where load and server have cores of their own. With fewer cores the workers share theirs with
    both; what they would carry alone follows from the CPU a request, in which their being in each other's way is."""
    one, two = f"{name}, 1 worker", f"{name}, 2 workers"
    cast = {one: Entry(name), two: Entry(name, Setup(workers=2))}

    def bounds(cores):
        bound = Bound(1.7, 1.9, one, at_least=True, who=two, cores=cores)
        return (bound,) if name == "Fusegate" else ()
    figures = (Figure("rate", "throughput", "requests a second", 0, bounds(4)),
               Figure("carried", "what a core for each worker carries", "requests a second", 0, bounds(2)),
               Figure("cpu", "CPU", US))
    return Measure(f"workers-{name.lower()}", f"two workers against one, {name}", "alone", figures, cast,
                   only(cpu, "rate", "carried", "cpu"), base=one, note="" if name != "nginx" else
                   "Load and server need a core of their own: on two cores two workers share both with them, and throughput tells "
                   "nothing. What a core for each worker carries is the number of workers over the CPU a request; a ratio above 2 is "
                   "noise.")


def workers_tls(name):
    """What two cores can judge: throughput where a request costs the proxy far more than it costs load and server."""
    one, two = f"{name}, 1 worker", f"{name}, 2 workers"
    cast = {one: Entry(name, Setup(tls_in=True, rsa=True)), two: Entry(name, Setup(tls_in=True, rsa=True, workers=2))}
    bounds = (Bound(1.7, 1.9, one, at_least=True, who=two, cores=2),) if name == "Fusegate" else ()
    figure = Figure("rate", "two workers' TLS handshakes, RSA of 8192 bits", "a second", 0, bounds)
    return Measure(f"workers-tls-{name.lower()}", f"two workers against one, TLS, {name}", "alone", (figure,), cast, slices.tls_throughput, base=one,
                   note="" if name != "nginx" else
                   "Its client pays a thirtieth of what such a handshake costs the proxy: two workers have two cores nearly for "
                   "themselves.")


OFF = {"retries": "retries: 0", "budget": "retry_budget: { percent: 0%, min_retries: 0 }", "breaker": "breaker: { mode: off }",
       "ejection": "ejection: { enabled: false }",
       "limit": "concurrency: { adaptive: false, queue: { length: 4096, wait: 10s } }"}


def features():
    """Everything that can be off is; then one thing at a time is on."""
    off = tuple(OFF.values())
    cast = {"everything off": Entry("Fusegate", Setup(settings=off))}
    names = {"retries": "retries", "budget": "retry budget", "breaker": "breaker", "ejection": "ejection",
             "limit": "adaptive limit"}
    for key, name in names.items():
        cast[name] = Entry("Fusegate", Setup(settings=tuple(line for other, line in OFF.items() if other != key)))
    cast["all of these (the defaults)"] = Entry("Fusegate")
    cast["defaults and hedge"] = Entry("Fusegate", Setup(settings=("hedge: { enabled: true }",)))
    cast["defaults and fallback"] = Entry("Fusegate", Setup(settings=("fallback: { status: 200 }",)))
    cast["defaults and access log"] = Entry("Fusegate", Setup(log=True))
    bound = Bound(2500, 1500, "everything off", difference=True, who="all of these (the defaults)")
    figure = Figure("small", "instructions", "a request", 0, (bound,))
    return Measure("features", "features, switched on one by one", "features", (figure,), cast, traces.counted_once,
                   base="everything off", rounds=1, starts=False, note="Metrics cannot be switched off; they are in all rows.")


def measures():
    return [*cpu_measures(), *failing(), rate(), *memory(), *counts(), unix("Fusegate"), unix("relay"),
            *map(workers, ("Fusegate", "HAProxy", "nginx")), *map(workers_tls, ("Fusegate", "HAProxy", "nginx")), features()]
