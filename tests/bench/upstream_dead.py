#!/usr/bin/env python3
"""A dead upstream: the breaker opens within five failures, its refusals are cheap and say why, and
the recovery is seen in the metrics, with one probe at a time."""

import json
import threading
import time

import rig
from support import Client, dead_port, free_port

CLOSED_PORT_CONFIG = {"initial": "60s", "max": "60s", "jitter": "none"}


def opening(verdict):
    """Requests against a port that refuses, until the breaker opens; all at the defaults."""
    with rig.Daemon({"upstreams": {"up": {"url": f"http://127.0.0.1:{dead_port()}"}}}) as daemon:
        for requests in range(1, 21):
            rig.fetch(daemon.address)
            if daemon.breaker() == "open":
                break
        metrics = daemon.metrics()
        failures = rig.per_request(metrics)[1]
        verdict.hold(daemon.breaker() == "open" and failures <= 5,
                     f"open after {failures:.0f} failed attempts of {requests} requests (at most 5); "
                     f"state changes {rig.transitions(metrics)}")


def refusals(verdict, options):
    """The CPU of the process for each refusal, and what each refusal says."""
    config = {"upstreams": {"up": {"url": f"http://127.0.0.1:{dead_port()}", "breaker": {"open": CLOSED_PORT_CONFIG}}}}
    with rig.Daemon(config) as daemon:
        while daemon.breaker() != "open":
            rig.fetch(daemon.address)
        wrong = []
        with Client(daemon.address) as client:
            before = daemon.cpu_seconds()
            for _ in range(options.refusals):
                if fault := fault_of(client.request()):
                    wrong.append(fault)
            used = daemon.cpu_seconds() - before
            sample = client.request()
        refused = rig.total(daemon.metrics(), "fusegate_rejected_total", reason="breaker_open")
        verdict.say(f"one refusal: {sample.status} " + " ".join(
            f"{name}={sample.header(name)}" for name in ("retry-after", "fusegate-reason", "fusegate-retry",
                                                         "x-envoy-overloaded")))
        verdict.say(f"  {sample.body.decode(errors='replace').strip()}")
        verdict.hold(not wrong, f"refusals without Retry-After or reason {len(wrong)} of {options.refusals} (none) {wrong[:3]}")
        verdict.hold(refused >= options.refusals, f"counted as breaker_open {refused:.0f} (at least {options.refusals})")
        each = used / options.refusals
        verdict.hold(each < 1e-3, f"CPU for each refusal {each * 1e6:.1f} us (less than 1000)")


def fault_of(response):
    """What a refusal lacks, or None."""
    if response.status != 503 or response.header("fusegate-reason") != "breaker_open":
        return response.status, response.header("fusegate-reason")
    if not (response.header("retry-after") or "").isdigit():
        return "retry-after", response.header("retry-after")
    try:
        return None if json.loads(response.body)["reason"] == "breaker_open" else "reason in the body"
    except (ValueError, KeyError):
        return "body", response.body[:80]


def recovery(verdict, options):
    """Load on a dead port, then a server there whose answers take long enough to overlap."""
    port = free_port()
    seen = {}
    with rig.Daemon({"upstreams": {"up": {"url": f"http://127.0.0.1:{port}"}}}) as daemon:
        load = threading.Thread(daemon=True, target=lambda: seen.update(load=rig.run_load(
            daemon.address, options.rate, options.seconds, 128, jitter_seed=options.seed)))
        load.start()
        start = time.monotonic()
        rig.sleep_until(start + options.back_at)
        with rig.Backend(port=port, delay_ms=options.probe_ms) as backend:
            states = watch(daemon, start, load)
            stats = backend.stats()
        metrics = daemon.metrics()
    verdict.say(str(seen["load"]))
    verdict.say(f"upstream back at {options.back_at:g} s; states seen: " + ", ".join(f"{at:.1f} s {s}" for at, s in states))
    verdict.say(f"state changes {rig.transitions(metrics)}")
    names = [state for _, state in states]
    verdict.hold(names[-3:] == ["half_open", "ramp", "closed"] or
                 set(names) >= {"half_open", "ramp"} and names[-1] == "closed",
                 f"recovery in the metrics: {' '.join(names)} (half_open, ramp, closed at the end)")
    ok = rig.total(metrics, "fusegate_breaker_probes_total", result="ok")
    verdict.hold(ok == 3, f"good probes {ok:.0f} (exactly 3)")
    spans = [(began, ended or began) for began, ended in stats["spans"]]
    overlaps = sum(1 for before, after in zip(spans[:3], spans[1:3]) if after[0] < before[1])
    gaps = " ".join(f"{began - spans[0][0]:.2f}-{ended - spans[0][0]:.2f}" for began, ended in spans[:4])
    verdict.hold(len(spans) >= 3 and overlaps == 0, f"the three probes overlap {overlaps} times (none): {gaps} s")


def watch(daemon, start, load):
    """The states of the breaker in order, until the load ends."""
    states = []
    while load.is_alive():
        state = daemon.breaker()
        if not states or states[-1][1] != state:
            states.append((time.monotonic() - start, state))
        time.sleep(0.05)
    return states


def main():
    flags = rig.parser(__doc__)
    flags.add_argument("--refusals", type=int, default=20000, help="to measure (default: %(default)s)")
    flags.add_argument("--rate", type=float, default=100, help="requests a second of the recovery (default: %(default)s)")
    flags.add_argument("--back-at", type=float, default=3, help="second of the return (default: %(default)s)")
    flags.add_argument("--seconds", type=float, default=30, help="of load for the recovery (default: %(default)s)")
    flags.add_argument("--probe-ms", type=float, default=200, help="time of an answer (default: %(default)s)")
    options = flags.parse_args()
    verdict = rig.Verdict("dead upstream")
    opening(verdict)
    refusals(verdict, options)
    recovery(verdict, options)
    verdict.exit()


if __name__ == "__main__":
    main()
