#!/usr/bin/env python3
"""The demonstration in four acts. Every line that starts with "ok:" is a claim that was checked."""

import os
import signal
import sys
import textwrap
import time
import urllib.error
import urllib.request

from figures import Load, Payments, Prometheus, Traffic, fetch_json, quantile, transitions
from scene import Scene, StageError

BUDGET, FLOOR, WINDOW = 0.20, 10, 10.0  # The defaults of retry_budget: percent, min_retries, seconds.


def tell(text):
    print(textwrap.fill(" ".join(text.split()), 100, initial_indent="  ", subsequent_indent="  "))


class Story:
    def __init__(self, scene):
        self.scene = scene
        self.prometheus = Prometheus(scene.url("PROMETHEUS"))
        self.failed = 0

    def claim(self, holds, text):
        print(f"  {'ok' if holds else 'FAILED'}: {text}")
        self.failed += not holds

    def hey(self, url, rate, seconds):
        """Twenty connections at a fixed rate together."""
        sent = rate * seconds
        return sent, self.scene.run(["hey", "-n", sent, "-c", 20, "-q", rate / 20, "-t", 10, "-o", "csv", url])

    def load(self, started):
        sent, process = started
        return Load(sent, self.scene.output(process))

    def prologue(self):
        scene = self.scene
        scene.start_nginx("healthy")
        scene.start_nginx("mortal")
        scene.start_nginx("plain", "nginx-plain.conf")
        scene.start_server("flaky", ["FLAKY"], share=3, seed=11)
        scene.start_server("stock", ["STOCK"], share=3, seed=12)
        scene.start_server("payments", ["PAYMENTS", "PAYMENTS2"], share=1, fail="reset", seed=13)
        scene.start_fusegate()
        scene.start_prometheus()
        self.prometheus.wait_ready()
        self.prometheus.settle()
        print("The stage")
        tell(f"""Upstream "shop" has three endpoints: a healthy nginx, a flaky server that answers 503 to
             three requests in ten, and a mortal nginx. Fusegate listens on port {scene.ports['PROXY']},
             Prometheus ({scene.url('PROMETHEUS')}) scrapes it every second.""")
        tell("""The settings are the defaults, except that the breaker waits 2 s instead of 5 s and its ramp
             takes 3 s instead of 10 s (tests/demo/fusegate.yaml).""")

    def ten_bad_seconds(self, url):
        """2,000 GETs at 200 a second, while the mortal nginx is dead for three of ten seconds."""
        started = self.hey(url, 200, 10)
        time.sleep(3)
        self.scene.kill("mortal")
        time.sleep(3)
        self.scene.start_nginx("mortal")
        return self.load(started)

    def act_success(self):
        print("\nAct 1: how many requests succeed, without Fusegate and with it")
        tell("""hey sends 200 GET a second for ten seconds. Three seconds in, the mortal nginx is killed with
             SIGKILL; three seconds later it is back.""")
        without = self.ten_bad_seconds(self.scene.url("PLAIN"))
        before = Traffic(self.prometheus, "shop")
        with_fusegate = self.ten_bad_seconds(self.scene.url("PROXY"))
        traffic = Traffic(self.prometheus, "shop").since(before)
        tell(f"Without (a plain nginx takes the three in turn): {without.share:.1%} ({without.words()}).")
        tell(f"With Fusegate: {with_fusegate.share:.2%} ({with_fusegate.words()}).")
        tell(f"""Prometheus: {traffic.requests:.0f} requests took {traffic.attempts:.0f} attempts, which is
             {traffic.amplification:.3f} for each; {traffic.recovered:.0f} requests failed at first and
             succeeded on another endpoint.""")
        self.claim(without.share < 0.95, "without Fusegate more than one client in twenty sees an error")
        self.claim(with_fusegate.share >= 0.998, "with Fusegate at least 99.8 % of the clients see 200")
        self.claim(traffic.good == with_fusegate.good and traffic.requests == with_fusegate.sent,
                   "Prometheus counted exactly the requests and successes that hey saw")
        self.claim_budget(traffic)

    def claim_budget(self, traffic):
        """Each window of ten seconds that the act touched had its floor; the first window may also
        hold requests from before the act, but none came then."""
        windows = int(traffic.time / WINDOW) + 1
        allowed = BUDGET * traffic.first + FLOOR * windows
        self.claim(traffic.retries <= allowed,
                   f"{traffic.retries:.0f} retries are within the budget of {allowed:.0f} "
                   f"(20 % of {traffic.first:.0f}, and {FLOOR} in each of {windows} windows)")

    def act_budget(self):
        print("\nAct 2: retries do not become a storm")
        tell("""Upstream "stock" has one server and it fails three times in ten. With two retries each, a
             request would need 1.39 attempts; the budget allows a fifth more than there are requests. hey
             sends 200 GET a second for twelve seconds.""")
        before = Traffic(self.prometheus, "stock")
        load = self.load(self.hey(self.scene.url("PROXY", "/stock"), 200, 12))
        traffic = Traffic(self.prometheus, "stock").since(before)
        tell(f"Clients: {load.share:.1%} see 200 ({load.words()}).")
        tell(f"""Prometheus: {traffic.first:.0f} first attempts and {traffic.retries:.0f} retries, which is
             {traffic.amplification:.3f} attempts for each request; {traffic.over_budget:.0f} retries were
             refused by the budget.""")
        state = self.prometheus.value('fusegate_breaker_state{upstream="stock",state="closed"}')
        self.claim(traffic.over_budget > 0, "the budget was needed: it refused retries")
        self.claim_budget(traffic)
        self.claim(load.share > 0.72, "yet more clients succeed than the 70 % the server manages by itself")
        self.claim(state == 1, "the breaker stayed closed: 30 % random failures are no outage")

    def refusal(self):
        """One request while the breaker is open: its status and the headers that tell why."""
        try:
            with urllib.request.urlopen(self.scene.url("PROXY"), timeout=5) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers

    def wait_for_breaker(self, state, patience):
        """Polls the admin listener; whether the shop's breaker reached the state in time."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if fetch_json(self.scene.url("ADMIN", "/upstreams/shop"))["breaker"]["state"] == state:
                return True
            time.sleep(0.02)
        return False

    def act_outage(self):
        print("\nAct 3: an outage of everything")
        tell("""hey sends 100 GET a second for twenty seconds. All three servers of "shop" are killed with
             SIGKILL after three seconds, and come back four seconds later, all of them healthy.""")
        before = Traffic(self.prometheus, "shop")
        begin = time.time()
        started = self.hey(self.scene.url("PROXY"), 100, 20)
        time.sleep(3)
        dead = time.time()
        for name in ("healthy", "flaky", "mortal"):
            self.scene.kill(name)
        opened = self.wait_for_breaker("open", 3)
        status, headers = self.refusal()
        time.sleep(max(0.0, dead + 4 - time.time()))
        back = time.time()
        self.scene.start_nginx("healthy")
        self.scene.start_nginx("mortal")
        self.scene.start_server("flaky", ["FLAKY"], share=0)
        load = self.load(started)
        after = Traffic(self.prometheus, "shop")
        self.judge_outage(begin, dead, back, load, after.since(before))
        self.claim(opened and status == 503 and headers.get("retry-after", "").isdigit()
                   and headers.get("fusegate-reason") == "breaker_open",
                   f"a refusal says why and for how long: {status}, fusegate-reason: "
                   f"{headers.get('fusegate-reason')}, retry-after: {headers.get('retry-after')}")

    def judge_outage(self, begin, dead, back, load, traffic):
        steps = transitions(self.scene.url("ADMIN"), "shop", begin)
        for at, origin, to, reason in steps:
            after = f"{at - back:5.2f} s after the return" if at >= back else f"{at - dead:5.2f} s into the outage"
            print(f"    {after}: {origin} -> {to} ({reason})")
        seen = self.prometheus.states("shop", begin, time.time())
        tell("Prometheus saw the breaker " + ", ".join(f"{state} {count} s" for state, count in seen) + ".")
        refused = load.times(503)
        refused_in_ms = quantile(refused, 0.5) * 1e3 if refused else float("inf")
        tell(f"""Clients: {load.words()}. Half of the refusals took at most {refused_in_ms:.1f} ms. Only
             {traffic.unreachable:.0f} attempts went to the dead servers.""")
        self.claim_life(steps, dead, back)
        self.claim({"open", "ramp", "closed"} <= {state for state, _ in seen}, "Prometheus saw it as well")
        self.claim(refused_in_ms < 10, "refusals are quick: half of them within 10 ms")
        self.claim(0 < traffic.unreachable <= 40, "the dead servers were left in peace: at most 40 attempts")
        self.claim_budget(traffic)
        end = steps[-1][0] - begin if steps else 0
        late = [code for offset, code, _ in load.answers if offset > end + 0.5]
        self.claim(len(late) > 50 and set(late) == {200},
                   f"all {len(late)} requests after the breaker had closed again succeeded")

    def claim_life(self, steps, dead, back):
        moves = [(origin, to) for _, origin, to, _ in steps]
        self.claim(moves[:1] == [("closed", "open")] and steps[0][0] - dead < 1,
                   "the breaker opened within a second of the outage")
        self.claim(moves[-3:] == [("open", "half_open"), ("half_open", "ramp"), ("ramp", "closed")]
                   and steps[-3][0] >= dead, "it let probes through, then a growing share, then everything")
        closed = steps[-1][0] - back if steps else float("inf")
        self.claim(closed < 9, f"normal service {closed:.1f} s after the servers were back")

    def pay(self, prefix, *keyed):
        """Payments as fast as four connections go, and how often each arrived at the servers."""
        process = self.scene.run(["wrk", "-t1", "-c4", "-d4s", "-s", "tests/demo/payments.lua",
                                  self.scene.url("PROXY"), "--", prefix, *keyed])
        payments = Payments(self.scene.output(process))
        counts = fetch_json(self.scene.url("PAYMENTS", "/deliveries"))
        return payments, [count for name, count in counts.items() if name.startswith(f"{prefix}-")]

    def act_payments(self):
        print("\nAct 4: no payment is sent twice")
        tell("""Two servers read each POST to the end and then reset one connection in ten: the work is done,
             the answer lost. wrk sends POSTs for four seconds, each with an id of its own, and the servers
             count how often each id arrives. Then the same with an Idempotency-Key, which permits retries.""")
        before = Traffic(self.prometheus, "payments")
        plain, plain_counts = self.pay("plain")
        middle = Traffic(self.prometheus, "payments")
        keyed, keyed_counts = self.pay("keyed", "keyed")
        traffic = Traffic(self.prometheus, "payments").since(middle)
        tell(f"""Without a key: {len(plain_counts)} payments arrived {sum(plain_counts)} times;
             {plain.refused} of {plain.requests} clients got 502 and know that they do not know.""")
        tell(f"""With a key: {len(keyed_counts)} payments arrived {sum(keyed_counts)} times; {keyed.refused} of
             {keyed.requests} clients got an error. Prometheus: {traffic.recovered:.0f} were saved by a retry,
             {traffic.amplification:.3f} attempts for each request.""")
        retries = middle.since(before).retries
        self.claim(plain.requests > 500 and plain.refused > plain.requests * 0.08,
                   "one answer in ten was really lost")
        self.claim(max(plain_counts, default=0) == 1 and retries == 0,
                   f"no POST was delivered twice in {len(plain_counts)}, and Prometheus counted no retry")
        # wrk stops with requests under way: at most one on each of its four connections.
        self.claim(plain.requests <= len(plain_counts) <= plain.requests + 4 and not plain.broken,
                   "every POST was delivered, and every client got an answer")
        self.claim(max(keyed_counts, default=0) > 1 and keyed.refused < keyed.requests * 0.01,
                   "with a key they are retried, and more than 99 % of the clients succeed")

    def epilogue(self):
        print("\nThe end")
        code = self.scene.stop("fusegate")
        self.claim(code == 0, f"Fusegate stopped on SIGTERM with exit code {code}")


def perform(binary):
    scene = Scene(binary)
    complete = False
    try:
        story = Story(scene)
        start = time.monotonic()
        for part in (story.prologue, story.act_success, story.act_budget, story.act_outage,
                     story.act_payments, story.epilogue):
            part()
        took = time.monotonic() - start
        complete = story.failed == 0
        print("  Every claim held." if complete else f"  {story.failed} claims did not hold.", f"{took:.0f} s.")
        return 0 if complete else 1
    except StageError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    finally:
        scene.close(keep=bool(os.environ.get("KEEP")))


def main():
    if len(sys.argv) != 2 or not os.access(sys.argv[1], os.X_OK):
        print("usage: story.py BINARY (tests/demo/run builds it)", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        return perform(sys.argv[1])
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything it started has ended", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
