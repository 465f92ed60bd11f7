#!/usr/bin/env python3
"""Everything fails: 503s, resets, closes, half heads, garbage and silence, at 500 requests/s.

At the defaults, where the breaker keeps nearly everything away, and with the breaker off, where
only the budget protects the upstream: against 503s alone and against the whole mixture. The added
load, all attempts beyond one for each request tried, is at most the budget; it is told apart which
were retries and which reconnects after a reused connection had broken. Afterwards descriptors, connections and memory are back where they were after a short
spell of the same failures, which fills what is kept on purpose.
"""

import math
import time

import rig

BUDGET, FLOOR, WINDOW = 0.20, 10, 10.0
QUICK = {"timeout": "2s", "connections": {"max_per_endpoint": 512, "max_idle": 64, "idle_timeout": "1s"}}


def readings(daemon):
    """Waits until nothing moves any more; what the process holds then."""
    end = time.monotonic() + 15
    while True:
        metrics = daemon.metrics()
        held = {"upstream connections": rig.total(metrics, "fusegate_upstream_connections"),
                "attempts in flight": rig.total(metrics, "fusegate_attempts_in_flight"),
                "requests in flight": rig.total(metrics, "fusegate_requests_in_flight"),
                "client connections": rig.total(metrics, "fusegate_downstream_connections"),
                "queued": rig.total(metrics, "fusegate_queue_length"),
                "replay bytes": rig.total(metrics, "fusegate_replay_buffer_bytes")}
        if not any(held.values()) or time.monotonic() > end:
            break
        time.sleep(0.2)
    time.sleep(0.5)
    return {"descriptors": daemon.fd_count(), **{name: int(value) for name, value in held.items()},
            "memory": daemon.rss_kib() * 1024}


def spell(daemon, options, seconds):
    return rig.run_load(daemon.address, options.rate, seconds, options.connections, timeout=20,
                        jitter_seed=options.seed)


def run(verdict, options, what, mode, settings):
    with rig.Backend(mode, share=1, seed=options.seed) as backend, rig.Daemon(
            {"upstreams": {"up": {"url": backend.endpoint}}, "defaults": {**QUICK, **settings}}) as daemon:
        spell(daemon, options, options.warm)
        before = readings(daemon)
        time.sleep(WINDOW)  # What the first spell left of the budget must not be spent in the second.
        counts = sums(daemon, backend)
        result = spell(daemon, options, options.seconds)
        after = readings(daemon)
        late = sums(daemon, backend)
        moved = rig.transitions(daemon.metrics())
    grown = {name: int(late[name] - counts.get(name, 0)) for name in late}
    verdict.say(f"{what}: {result}")
    verdict.say(f"  {', '.join(f'{name} {count}' for name, count in grown.items() if count)}")
    verdict.say(f"  state changes {moved or 'none'}")
    allowed = BUDGET * result.sent + FLOOR * (math.floor(result.seconds / WINDOW) + 1)
    charged = sum(count for name, count in grown.items() if name.startswith("retries for "))
    added = grown["attempts"] - grown["requests tried"]
    verdict.hold(added <= allowed,
                 f"{what}: {grown['attempts']} attempts for {result.sent} requests, {added} added = "
                 f"{added / result.sent:.2%} (at most {allowed / result.sent:.2%}); counted as retries {charged}, "
                 f"not {added - charged}; reconnects after a broken reused connection "
                 f"{grown.get('stale first', 0) + grown.get('stale retry', 0)}")
    verdict.hold(not result.errors, f"{what}: requests without an answer {sum(result.errors.values())} (none) "
                                    f"{dict(result.errors)}")
    judge_leaks(verdict, options, what, before, after)


def sums(daemon, backend):
    """Counters since the start. Requests that a breaker or limit refused were never tried."""
    metrics = daemon.metrics()
    local = ("breaker_open", "no_endpoint", "over_limit", "queue_full", "queue_timeout")
    refused = sum(rig.total(metrics, "fusegate_rejected_total", reason=reason) for reason in local)
    out = {"requests tried": rig.total(metrics, "fusegate_requests_total", upstream="up") - refused,
           "attempts": rig.per_request(metrics)[1], "arrived": backend.stats()["requests"]}
    for name, word in (("rejected", "rejected for"), ("retries", "retries for"), ("retries_denied", "denied for")):
        for have, value in rig.series(metrics, f"fusegate_{name}_total", upstream="up"):
            out[f"{word} {have['reason']}"] = value
    for have, value in rig.series(metrics, "fusegate_attempts_total", upstream="up", result="stale_reuse"):
        out[f"stale {have['kind']}"] = value
    return out


def judge_leaks(verdict, options, what, before, after):
    for name in before:
        if name == "memory":
            continue
        verdict.hold(after[name] <= before[name] if name == "descriptors" else after[name] == 0,
                     f"{what}: {name} {before[name]} before, {after[name]} after")
    grown = (after["memory"] - before["memory"]) / rig.MIB
    verdict.hold(grown <= options.memory_mib,
                 f"{what}: memory {before['memory'] / rig.MIB:.2f} MiB before, {after['memory'] / rig.MIB:.2f} after, "
                 f"{grown:+.2f} (at most {options.memory_mib:+g})")


def main():
    flags = rig.parser(__doc__)
    flags.add_argument("--rate", type=float, default=500, help="requests a second (default: %(default)s)")
    flags.add_argument("--seconds", type=float, default=60, help="of total failure (default: %(default)s)")
    flags.add_argument("--warm", type=float, default=5, help="seconds of it before the first readings (default: %(default)s)")
    flags.add_argument("--connections", type=int, default=400, help="client connections (default: %(default)s)")
    flags.add_argument("--memory-mib", type=float, default=1, help="growth taken as none (default: %(default)s)")
    options = flags.parse_args()
    rig.raise_descriptor_limit(8192)
    verdict = rig.Verdict(f"total failure, {options.rate:g} requests/s for {options.seconds:g} s, seed {options.seed}")
    run(verdict, options, "defaults, mixture", "fail", {})
    run(verdict, options, "breaker off, only 503", "flaky", {"breaker": {"mode": "off"}})
    run(verdict, options, "breaker off, mixture", "fail", {"breaker": {"mode": "off"}})
    verdict.exit()


if __name__ == "__main__":
    main()
