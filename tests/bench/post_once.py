#!/usr/bin/env python3
"""POSTs against an upstream that reads the whole request and then resets the connection.

Without a key each must be delivered exactly once, on a new connection and on a reused one, because
nobody knows whether it was carried out. With an Idempotency-Key it must be retried.
The breaker is off and the budget wide, so that only the method decides.
"""

import threading
from collections import Counter

import rig
from support import Client, Upstream, scripts, single

SETTINGS = {"breaker": {"mode": "off"}, "ejection": {"enabled": False},
            "retry_budget": {"percent": "100%", "min_retries": 100000}}


def deliver(options, count, script, headers=()):
    """Sends `count` POSTs from several threads; (answers, deliveries of each, denials)."""
    answers, lock = Counter(), threading.Lock()
    with Upstream(script) as upstream, rig.Daemon(single(upstream, **SETTINGS)) as daemon:
        def post(numbers):
            with Client(daemon.address, 30) as client:
                for number in numbers:
                    fields = [("x-number", str(number)), *((name, f"{value}{number}") for name, value in headers)]
                    response = client.request("POST", f"/pay/{number}", fields, b"amount=1")
                    key = (response.status, response.header("fusegate-reason"), response.header("fusegate-attempts"))
                    with lock:
                        answers[key] += 1
        threads = [threading.Thread(target=post, args=(range(n, count, options.clients),)) for n in range(options.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deliveries = Counter(request.header("x-number") for request in upstream.requests)
        denied = {have["reason"]: int(value) for have, value in
                  rig.series(daemon.metrics(), "fusegate_retries_denied_total") if value}
    return answers, deliveries, denied


def answer_once_then_reset(exchange):
    """Answers the first request of a connection and resets at each later one."""
    first = not getattr(exchange.reader, "used", False)
    exchange.reader.used = True
    exchange.reply() if first else exchange.reset()


def reset_first_delivery():
    """Resets at the first delivery of each number and answers the later ones. Each answer ends its
    connection, so that every reset meets a new one and only a true retry can help."""
    seen, lock = set(), threading.Lock()

    def run(exchange):
        number = exchange.request.header("x-number")
        with lock:
            first = number not in seen
            seen.add(number)
        exchange.reset() if first else scripts.reply(close=True)(exchange)
    return run


def exactly_once(verdict, options, what, count, script):
    answers, deliveries, denied = deliver(options, count, script)
    times = Counter(deliveries.values())
    verdict.say(f"{what}: answers {dict(answers)}, denials {denied}")
    verdict.hold(len(deliveries) == count and set(times) == {1},
                 f"{count} POSTs, deliveries of each {dict(times)} (exactly 1), never arrived {count - len(deliveries)}")


def main():
    flags = rig.parser(__doc__)
    flags.add_argument("--posts", type=int, default=10000, help="without a key (default: %(default)s)")
    flags.add_argument("--reused", type=int, default=2000, help="where half meet a reused connection (default: %(default)s)")
    flags.add_argument("--keyed", type=int, default=500, help="with an Idempotency-Key (default: %(default)s)")
    flags.add_argument("--clients", type=int, default=8, help="at the same time (default: %(default)s)")
    options = flags.parse_args()
    verdict = rig.Verdict("POST, the upstream reads it and resets")
    exactly_once(verdict, options, "new connections", options.posts, scripts.reset_after_reading)
    exactly_once(verdict, options, "reused connections", options.reused, answer_once_then_reset)
    answers, deliveries, _ = deliver(options, options.keyed, reset_first_delivery(), [("idempotency-key", "key-")])
    verdict.say(f"with Idempotency-Key: answers {dict(answers)}")
    good = sum(count for key, count in answers.items() if key[0] == 200)
    verdict.hold(good == options.keyed and set(deliveries.values()) == {2},
                 f"retried to success {good} of {options.keyed}, deliveries of each {dict(Counter(deliveries.values()))} (2)")
    verdict.exit()


if __name__ == "__main__":
    main()
