#!/usr/bin/env python3
"""A slow tail: an upstream answers in 5 ms, and a share of the requests in 200 ms, by chance.

Without hedging the share is what clients see. With hedge.after: p95 a late attempt gets a second one,
and only when both are late, 0.03 x 0.03 of the requests, is the client's answer late. Runs with and
without it take turns; hedges must keep to their share.
"""

import statistics

import rig

MAX_PERCENT = 0.05


def run(options, hedged):
    hedge = {"enabled": hedged, "after": "p95"}
    with rig.Backend("tail", share=options.share, seed=options.seed, delay_ms=5, late_ms=options.late_ms) as backend, \
            rig.Daemon({"upstreams": {"up": {"url": backend.endpoint, "hedge": hedge}}}) as daemon:
        rig.run_load(daemon.address, options.rate, 3, options.connections)  # The quantile is learned.
        before = daemon.metrics()
        result = rig.run_load(daemon.address, options.rate, options.seconds, options.connections,
                              jitter_seed=options.seed)
        after = daemon.metrics()
    made = sum(rig.total(m, "fusegate_hedges_total") * sign for m, sign in ((after, 1), (before, -1)))
    won = rig.total(after, "fusegate_hedges_total", result="won") - rig.total(before, "fusegate_hedges_total", result="won")
    return result, made, won


def main():
    flags = rig.parser(__doc__)
    flags.add_argument("--rate", type=float, default=200, help="requests a second (default: %(default)s)")
    flags.add_argument("--seconds", type=float, default=15, help="of each run (default: %(default)s)")
    flags.add_argument("--rounds", type=int, default=3, help="runs of each kind (default: %(default)s)")
    flags.add_argument("--share", type=float, default=0.03, help="of late answers (default: %(default)s)")
    flags.add_argument("--late-ms", type=float, default=200, help="time of a late answer (default: %(default)s)")
    flags.add_argument("--connections", type=int, default=128, help="client connections (default: %(default)s)")
    options = flags.parse_args()
    verdict = rig.Verdict(f"slow tail, {options.share:.0%} of answers {options.late_ms:g} ms, {options.rate:g} requests/s, "
                          f"{options.rounds} x {options.seconds:g} s of each, seed {options.seed}")
    tails = {False: [], True: []}
    for number in range(options.rounds):
        for hedged in (False, True):
            result, made, won = run(options, hedged)
            tails[hedged].append(result.quantile(0.99))
            verdict.say(f"round {number + 1}, {'hedged' if hedged else 'plain '}: {result}; "
                        f"hedges {made:.0f} ({made / result.sent:.2%}), won {won:.0f}")
            verdict.hold(result.share(200) == 1, "every answer good")
            if hedged:
                # The window of the share is ten seconds, so a run may begin with some of it unspent.
                allowed = MAX_PERCENT * (result.sent + options.rate * 10)
                verdict.hold(made <= allowed, f"{made:.0f} hedges (at most {allowed:.0f})")
    plain, hedged = statistics.median(tails[False]), statistics.median(tails[True])
    verdict.hold(hedged <= 0.5 * plain, f"p99 {hedged * 1e3:.1f} ms hedged, {plain * 1e3:.1f} ms plain, ratio "
                                        f"{hedged / plain:.2f} (at most 0.5)")
    verdict.exit()


if __name__ == "__main__":
    main()
