#!/usr/bin/env python3
"""Random failures: an upstream answers a share of the GETs with 503, everything at its default.

At 10 % nearly every client must see 200. At 30 % the retries wanted (0.39 a request) are more than
the budget gives (0.20), so the budget binds: every client success is one good attempt, and
good attempts are 0.7 of all attempts, hence 0.7 x 1.2 = 84 % is what the arithmetic allows.
The breaker must never leave closed: random failures are no outage.
"""

import math

import rig

BUDGET = 0.20
FLOOR = 10  # Retries allowed in each window of ten seconds, however little traffic there is.
WINDOW = 10.0


def allowed(share, retries=2):
    """Success rate and attempts per request that the retries and the budget allow."""
    wanted = sum(share ** n for n in range(1, retries + 1))
    attempts = 1 + min(wanted, BUDGET)
    return (1 - share) * attempts, attempts


def run(verdict, options, share):
    with rig.Backend("flaky", share=share, seed=options.seed) as backend, \
            rig.Daemon({"upstreams": {"up": {"url": backend.endpoint}}}) as daemon:
        result = rig.run_load(daemon.address, options.rate, options.seconds, options.connections,
                              jitter_seed=options.seed)
        metrics = daemon.metrics()
        stats = backend.stats()
    success = result.share(200)
    first, attempts = rig.per_request(metrics)
    verdict.say(f"{share:.0%} of answers 503: {result}")
    verdict.say(f"  upstream saw {stats['requests']} attempts, answered 503 to {stats['answered_503']} "
                f"({stats['answered_503'] / max(1, stats['requests']):.2%})")
    if share <= 0.10:
        verdict.hold(success >= 0.998, f"success {success:.3%} (at least 99.8 %, arithmetic {allowed(share)[0]:.2%})")
    else:
        judge_budget(verdict, options, share, result, attempts)
    verdict.hold(first == result.sent, f"first attempts {first:.0f} for {result.sent} requests (equal)")
    closed = rig.total(metrics, "fusegate_breaker_state", state="closed", upstream="up")
    moved = rig.transitions(metrics)
    ejected = rig.total(metrics, "fusegate_endpoint_ejections_total")
    verdict.hold(closed == 1 and not moved, f"breaker closed all the time (state changes: {moved or 'none'})")
    verdict.hold(ejected == 0, f"ejections {ejected:.0f} (none)")


def judge_budget(verdict, options, share, result, attempts):
    # A run that does not begin with a slot of the window touches one window more than it is long.
    floor = FLOOR * (math.floor(options.seconds / WINDOW) + 1) / result.sent
    ratio = attempts / result.sent
    verdict.hold(ratio <= 1 + BUDGET + floor,
                 f"attempts per request {ratio:.4f} (at most {1 + BUDGET} and {floor:.4f} for the floor)")
    expected, _ = allowed(share)
    # Four standard deviations of the share of good attempts, which is all that chance moves.
    slack = 4 * math.sqrt(share * (1 - share) / max(1, attempts)) * (1 + BUDGET)
    observed = result.share(200)
    verdict.hold(abs(observed - expected) <= slack,
                 f"success {observed:.2%}, the arithmetic allows {expected:.2%} (within {slack:.2%})")


def main():
    flags = rig.parser(__doc__)
    flags.add_argument("--rate", type=float, default=200, help="requests a second (default: %(default)s)")
    flags.add_argument("--seconds", type=float, default=60, help="for each share (default: %(default)s)")
    flags.add_argument("--shares", type=float, nargs="+", default=[0.10, 0.30], help="shares of failures")
    flags.add_argument("--connections", type=int, default=128, help="client connections (default: %(default)s)")
    options = flags.parse_args()
    verdict = rig.Verdict(f"flaky upstream, {options.rate:g} requests/s, {options.seconds:g} s each, seed {options.seed}")
    for share in options.shares:
        run(verdict, options, share)
    verdict.exit()


if __name__ == "__main__":
    main()
