"""What grows with what: Fusegate alone, the smallest case first, which the ratios are formed to."""
import slices
from measure import Entry, Figure, Measure
from setup import Setup
from slices import MIB, cpu, only

US = "µs of CPU a request"


def family(name, title, cast, names=("cpu", "peak"), note=""):
    figures = {"cpu": Figure("cpu", "CPU", US), "cpu_mib": Figure("cpu_mib", "CPU", "µs a MiB"),
               "peak": Figure("peak", "resident memory meanwhile", "MiB")}
    return Measure(name, title, "growth", tuple(figures[it] for it in names), cast, only(cpu, *names), base=next(iter(cast)),
                   rounds=4, note=note)


def connections():
    wide = Setup(wide=True)
    cast = {f"{count:,} connection{'s' if count > 1 else ''}": Entry("Fusegate", wide, {"connections": count})
            for count in (1, 64, 1000)}
    cast["64 connections and 10,000 idle"] = Entry("Fusegate", wide, {"connections": 64}, idle=True)
    return family("connections", "Connections", cast, note="On one connection each request is a wake-up of its own.")


def routes(size):
    return family("routes", "Routes, the last one matches", {
        f"{count:,} route{'s' if count > 1 else ''}": Entry("Fusegate", Setup(routes=count)) for count in (1, 10, size.routes)})


def endpoints():
    return family("endpoints", "Endpoints of the upstream", {
        f"{count} endpoint{'s' if count > 1 else ''}": Entry("Fusegate", Setup(endpoints=count)) for count in (1, 3, 200)},
        note="With more endpoints than connections each kept connection to a server is used less often.")


def upstreams(size):
    return family("upstreams", "Upstreams in the file, the last one used", {
        f"{count} upstream{'s' if count > 1 else ''}": Entry("Fusegate", Setup(upstreams=count))
        for count in (1, 10, size.upstreams)})


def spelled(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size // 1024} KiB"


def bodies(kind):
    """CPU by body size, of responses or of requests."""
    cast = {}
    for size in (1024, 16384, 65536, 262144, MIB, 16 * MIB):
        load = {"path": f"/bytes/{size}"} if kind == "responses" else {"body": size}
        cast[spelled(size)] = Entry("Fusegate", Setup(), {**load, "connections": 8})
    return family(kind, f"Bodies of {kind}, 8 connections", cast, ("cpu", "cpu_mib", "peak"))


def scrapes(size):
    figures = (Figure("took", "a scrape takes", "ms", 2), Figure("cpu_ms", "CPU", "ms", 2), Figure("kib", "size", "KiB", 0),
               Figure("series", "series", "", 0), Figure("resident", "resident memory", "MiB"))
    cast = {f"{count} upstream{'s' if count > 1 else ''}": Entry("Fusegate", Setup(upstreams=count, status=True))
            for count in (1, 10, 100, size.upstreams)}
    return Measure("scrapes", "A scrape of /metrics, and memory, by upstreams", "growth", figures, cast, slices.scrape,
                   base="1 upstream", rounds=3)


def scraped(size):
    setup = Setup(upstreams=size.upstreams, status=True)
    figures = (Figure("p50", "p50", "µs", 0), Figure("p99", "p99", "µs", 0), Figure("p999", "p99.9", "µs", 0),
               Figure("late", "sent more than 1 ms late", "%", 2))
    cast = {"without scrapes": Entry("Fusegate", setup, {"rate": 1000}),
            "scraped without a pause": Entry("Fusegate", setup, {"rate": 1000, "scraped": True})}
    return Measure("scraped", f"Requests while {size.upstreams} upstreams are scraped, 1,000 requests/s", "growth", figures, cast,
                   only(slices.open_loop, "p50", "p99", "p999", "late"), base="without scrapes", rounds=12, times=2,
                   note="Worker and scrape have one core together, and the next scrape begins ten milliseconds after the last.")


def growth(size):
    return [connections(), routes(size), endpoints(), upstreams(size), bodies("responses"), bodies("requests"), scrapes(size),
            scraped(size)]
