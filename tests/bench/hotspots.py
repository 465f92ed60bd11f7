#!/usr/bin/env python3
"""Where the user instructions of one proxied keep-alive GET go, by part of the program and function (callgrind, 64
connections, after a warm-up, access log off).

    python3 tests/bench/hotspots.py                      needs valgrind; FUSEGATE_BIN = a release build
    python3 tests/bench/hotspots.py --document docs      also writes docs/performance.md and docs/performance/profile.svg
"""
import argparse
import collections
import html
import re
import subprocess
import sys
from pathlib import Path

from parts import BINARY, HERE, Bench, free_port, wait_for

sys.path.insert(0, str(HERE / "peers"))
import document  # noqa: E402

CONNECTIONS, REQUESTS = 64, 64 * 300
TITLES = {"proxy": "the life of a request", "http": "heads, read and written", "exchange": "endpoint, attempt, retry decision",
          "net": "sockets, timers, buffers", "telemetry": "counters, histograms", "policy": "breaker, budget, limit",
          "route": "which route", "upstream": "kept connections"}
WIDTH, LEFT, ROW, TOP = 900, 110, 34, 40
SHADES = ("#0b6e4f", "#3d8d74", "#6fab98", "#a1c9bc", "#d3e7e0")


def profiled(bench):
    """Callgrind's own file of the requests alone."""
    port, out = free_port(), bench.directory / "callgrind.out"
    daemon = bench.start(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", BINARY, "-c", bench.config(port), "run"])
    wait_for(port, 60)
    bench.load(port, CONNECTIONS, CONNECTIONS * 20)
    for word, requests in (("zero", REQUESTS), ("dump", 0)):
        subprocess.run(["vgdb", f"--pid={daemon.pid}", word], check=True, timeout=60, capture_output=True)
        if requests:
            bench.load(port, CONNECTIONS, requests)
    bench.stop(daemon)
    return Path(f"{out}.1").read_text(errors="replace")


def own_cost(text):
    """{(object, function): instructions of its own} from callgrind's format."""
    names, costs = {"ob": {}, "fn": {}}, collections.Counter()
    place = {"ob": "", "fn": ""}
    called = False
    for line in text.splitlines():
        if named := re.match(r"c?(ob|fn)=\((\d+)\)(?: (.*))?", line):
            kind, number, name = named.groups()
            if name:
                names[kind][number] = name
            if not line.startswith("c"):
                place[kind] = names[kind][number]
        elif line.startswith("calls="):
            called = True   # The next line is what the callee costs, which is counted there.
        elif cost := re.match(r"[-+*\d]\S* (\d+)$", line):
            costs[place["ob"], place["fn"]] += 0 if called else int(cost[1])
            called = False
    return costs


def bare(function):
    """A C++ name without return type, parameters and template arguments."""
    function = re.sub(r"\(anonymous namespace\)::|operator\(\)", "", function)
    while (shorter := re.sub(r"<[^<>]*>", "", function)) != function:
        function = shorter
    return function.partition("(")[0].rpartition(" ")[2]


def parts_of(costs):
    """[(part, instructions a request, {function: the same})], the dearest first."""
    parts = collections.defaultdict(collections.Counter)
    for (library, function), cost in costs.items():
        if library.endswith("/" + Path(BINARY).name):
            scopes = bare(function).split("::")
            part = scopes[1] if scopes[0] == "fusegate" and len(scopes) > 2 else "standard library"
            name = scopes[-1]
        else:
            part, name = Path(library).name.split(".so")[0], function.split("@")[0].lstrip("_")
        parts[part][name] += cost / REQUESTS
    return sorted(((part, sum(functions.values()), functions) for part, functions in parts.items()), key=lambda row: -row[1])


def table(parts):
    total = sum(cost for _, cost, _ in parts)
    lines = ["| part | instructions | share | the largest in it |", "|---|---|---|---|"]
    for part, cost, functions in parts:
        if cost >= total / 200:
            largest = ", ".join(f"`{name}` {each:,.0f}" for name, each in functions.most_common(4) if each >= 50)
            title = f"`{part}`" + (f": {TITLES[part]}" if part in TITLES else "")
            lines.append(f"| {title} | {cost:,.0f} | {100 * cost / total:.0f} % | {largest} |")
    return "\n".join([*lines, f"| all | {total:,.0f} | 100 % | |"])


def draw(parts):
    """A bar for each part, in pieces for its dearest functions."""
    total = sum(cost for _, cost, _ in parts)
    rows = [row for row in parts if row[1] >= total / 100]
    scale = (WIDTH - LEFT - 70) / rows[0][1]
    height = TOP + ROW * len(rows) + 10
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
           '<title>User instructions of one request by part and function</title>',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           f'<text x="10" y="22" font-size="14" font-weight="bold">User instructions of one kept GET: {total:,.0f}</text>']
    for number, (part, cost, functions) in enumerate(rows):
        y, x = TOP + ROW * number, LEFT
        out.append(f'<text x="{LEFT - 8}" y="{y + 18}" text-anchor="end">{html.escape(part)}</text>')
        dearest = functions.most_common(4)
        dearest.append(("others", cost - sum(each for _, each in dearest)))
        for (name, each), shade in zip(dearest, SHADES):
            wide, label = each * scale, html.escape(name)
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{ROW - 8}" fill="{shade}" stroke="white">'
                       f'<title>{label}: {each:,.0f}</title></rect>')
            if wide > 7 * len(name) + 8:
                ink = "white" if shade in SHADES[:3] else "black"
                out.append(f'<text x="{x + 5:.1f}" y="{y + 18}" fill="{ink}">{label}</text>')
            x += wide
        out.append(f'<text x="{x + 6:.1f}" y="{y + 18}">{cost:,.0f}</text>')
    return "\n".join(out) + "\n</svg>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--document", type=Path, metavar="DIR", help="writes DIR/performance.md and DIR/performance/profile.svg")
    options = parser.parse_args()
    with Bench() as bench:
        parts = parts_of(own_cost(profiled(bench)))
    print(table(parts))
    if options.document:
        (options.document / "performance" / "profile.svg").write_text(draw(parts))
        document.fill(options.document / "performance.md", {"profile": table(parts)})


if __name__ == "__main__":
    main()
