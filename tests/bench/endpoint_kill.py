#!/usr/bin/env python3
"""Three endpoints under load; one is killed with SIGKILL and later comes back on the same port.

No GET may fail, and the endpoint that came back must take traffic again through the ramp: first
probes, then a growing share, then as much as the others.
"""

import threading
import time

import rig


class EndpointStates(threading.Thread):
    """The states of the endpoints over time, from /metrics."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.proxy, self.seen, self.ending = daemon, [], threading.Event()

    def run(self):
        while not self.ending.wait(0.2):
            states = {have["state"]: int(value)
                      for have, value in rig.series(self.proxy.metrics(), "fusegate_endpoints") if value}
            if not self.seen or self.seen[-1][1] != states:
                self.seen.append((time.monotonic(), states))

    def finish(self):
        self.ending.set()
        self.join()
        return self.seen


def play(options):
    """Runs the load with the kill in the middle; everything that was seen."""
    backends = [rig.Backend(delay_ms=options.delay_ms) for _ in range(3)]
    config = {"upstreams": {"up": {"endpoints": [backend.endpoint for backend in backends]}}}
    seen = {}
    try:
        with rig.Daemon(config) as daemon:
            states = EndpointStates(daemon)
            states.start()
            load = threading.Thread(daemon=True, target=lambda: seen.update(load=rig.run_load(
                daemon.address, options.rate, options.seconds, options.connections, jitter_seed=options.seed)))
            start = seen["start"] = time.monotonic()
            load.start()
            rig.sleep_until(start + options.kill_at)
            backends[0].kill()
            rig.sleep_until(start + options.back_at)
            seen["back"] = time.monotonic()
            backends[0] = rig.Backend(port=backends[0].port, delay_ms=options.delay_ms)
            load.join()
            seen["states"] = states.finish()
            seen["metrics"] = daemon.metrics()
            seen["stats"] = [backend.stats() for backend in backends]
    finally:
        for backend in backends:
            backend.kill()
    return seen


def judge(verdict, options, seen):
    load, start, metrics = seen["load"], seen["start"], seen["metrics"]
    verdict.say(str(load))
    bad = [(round(due - start, 2), what) for due, what in load.responses if what != 200]
    verdict.hold(not bad, f"client errors {len(bad)} of {load.sent} (none){': ' + str(bad[:8]) if bad else ''}")
    verdict.say(f"recovered by a retry: {rig.total(metrics, 'fusegate_recovered_total'):.0f}; ejections: "
                f"{rig.total(metrics, 'fusegate_endpoint_ejections_total'):.0f}; breaker changes: "
                f"{rig.transitions(metrics) or 'none'}")
    for at, states in seen["states"]:
        verdict.say(f"  {at - start:6.1f} s  endpoints {states}")
    phases = [name for name in ("ejected", "probing", "ramping") if any(name in s for _, s in seen["states"])]
    verdict.hold({"ejected", "ramping"} <= set(phases) and seen["states"][-1][1] == {"healthy": 3},
                 f"states passed {phases}, last {seen['states'][-1][1]} (ejected, ramping, all three healthy)")
    judge_ramp(verdict, options, seen)


def judge_ramp(verdict, options, seen):
    """The share of the endpoint that came back, against the even share of a third."""
    even = options.rate / 3
    ramp_at = next((at for at, states in seen["states"] if at > seen["back"] and "ramping" in states), None)
    if not verdict.hold(ramp_at is not None, "the ramp began after the endpoint was back"):
        return
    arrivals = {int(second): count for second, count in seen["stats"][0]["per_second"].items()}
    first, last = int(ramp_at), int(seen["start"] + options.seconds) - 1
    shares = [arrivals.get(second, 0) / even for second in range(first + 1, last)]
    verdict.say(f"back {seen['back'] - seen['start']:.1f} s, ramp began {ramp_at - seen['start']:.1f} s")
    verdict.say("share of a third in each second of the ramp and after: " + " ".join(f"{s:.0%}" for s in shares))
    early, late = sum(shares[:3]) / 3, sum(shares[-5:]) / 5
    verdict.hold(early <= 0.6, f"first three seconds of the ramp {early:.0%} of an even share (at most 60 %)")
    verdict.hold(late >= 0.8, f"last five seconds {late:.0%} of an even share (at least 80 %)")


def main():
    flags = rig.parser(__doc__)
    flags.add_argument("--rate", type=float, default=300, help="requests a second (default: %(default)s)")
    flags.add_argument("--seconds", type=float, default=60, help="of load (default: %(default)s)")
    flags.add_argument("--kill-at", type=float, default=10, help="second of the SIGKILL (default: %(default)s)")
    flags.add_argument("--back-at", type=float, default=20, help="second of the return (default: %(default)s)")
    flags.add_argument("--delay-ms", type=float, default=5, help="time of an answer (default: %(default)s)")
    flags.add_argument("--connections", type=int, default=64, help="client connections (default: %(default)s)")
    options = flags.parse_args()
    verdict = rig.Verdict(f"one of three endpoints killed at {options.kill_at:g} s, back at {options.back_at:g} s, "
                          f"{options.rate:g} requests/s")
    judge(verdict, options, play(options))
    verdict.exit()


if __name__ == "__main__":
    main()
