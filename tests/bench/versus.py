#!/usr/bin/env python3
"""CPU per proxied keep-alive GET of 1 KiB, side by side: Fusegate with its defaults (access log off),
HAProxy with its retries on, nginx. All run at once on one core; wrk and the backend have the other. Slices
of one second in random order; the ratio to HAProxy is formed inside each round.

    python3 tests/bench/versus.py --rounds 20       needs haproxy, nginx, wrk, two cores; FUSEGATE_BIN
"""
import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import time

from parts import BINARY, Bench, free_port, wait_for

HAPROXY = """
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 15s
  option http-keep-alive
  http-reuse always
  retries 3
  retry-on conn-failure empty-response response-timeout 503
  option forwardfor
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  server s1 127.0.0.1:{backend} check inter 5s observe layer7
"""
NGINX = """
worker_processes 1; daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
events {{ worker_connections 4000; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300;
  upstream u {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{
    proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_next_upstream error timeout http_503; }} }}
}}
"""


def start_all(bench):
    """Name -> (port, process)."""
    ports = {name: free_port() for name in ("fusegate", "haproxy", "nginx")}
    values = {"backend": bench.backend_port, "directory": bench.directory}
    haproxy = bench.write("haproxy.cfg", HAPROXY.format(port=ports["haproxy"], **values))
    nginx = bench.write("nginx.conf", NGINX.format(port=ports["nginx"], **values))
    commands = {"fusegate": [BINARY, "-c", bench.config(ports["fusegate"]), "run"],
                "haproxy": ["haproxy", "-db", "-f", haproxy],
                "nginx": ["nginx", "-c", nginx]}
    started = {name: (ports[name], bench.start(command, core=0)) for name, command in commands.items()}
    for port in ports.values():
        wait_for(port)
    return started


def cpu_ns(pid):
    """Run time of a process and its children, from the scheduler."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    total = 0
    for process in (str(pid), *children):
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/schedstat", encoding="ascii") as stat:
                total += int(stat.read().split()[0])
    return total


def slice_of(port, process, connections):
    """Microseconds of CPU per request over one second of load."""
    before = cpu_ns(process.pid)
    done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", "-d1", "-H", "Accept: application/json",
                           "-H", "User-Agent: bench/1.0", "-H", "X-Tenant: eu-1", f"http://127.0.0.1:{port}/api/items/42"],
                          capture_output=True, text=True, check=True).stdout
    return (cpu_ns(process.pid) - before) / int(re.search(r"(\d+) requests in", done).group(1)) / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bound", type=float, default=0.80, help="of HAProxy's CPU per request")
    options = parser.parse_args()
    random.seed(options.seed)
    with Bench() as bench:
        proxies = start_all(bench)
        time.sleep(1)
        rounds = []
        for _ in range(options.rounds):
            order = random.sample(list(proxies), len(proxies))
            rounds.append({name: slice_of(*proxies[name], options.connections) for name in order})
    ratio = {}
    for name in proxies:
        ratios = sorted(row[name] / row["haproxy"] for row in rounds)
        low, ratio[name], high = statistics.quantiles(ratios, n=4)
        print(f"{name:9} {statistics.median(row[name] for row in rounds):6.1f} us of CPU a request, "
              f"ratio to HAProxy {ratio[name]:.2f} [{low:.2f}..{high:.2f}]")
    held = ratio["fusegate"] <= options.bound
    print(f"{'holds ' if held else 'MISSED'} CPU per request: {ratio['fusegate']:.2f} of HAProxy, at most {options.bound}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
