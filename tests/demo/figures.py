"""Where the figures come from: Prometheus, hey, wrk and the admin listener."""

import csv
import io
import json
import re
import time
import urllib.parse
import urllib.request
from collections import Counter
from datetime import datetime


def fetch_json(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


class Prometheus:
    """Asks Prometheus' HTTP API."""

    def __init__(self, url):
        self.url = url

    def _ask(self, path, **query):
        answer = fetch_json(f"{self.url}api/v1/{path}?{urllib.parse.urlencode(query)}")
        return answer["data"]["result"]

    def value(self, expression):
        """One number; 0 when there is no such series."""
        result = self._ask("query", query=expression)
        return float(result[0]["value"][1]) if result else 0.0

    def table(self, expression, *labels):
        """Numbers by the values of some labels."""
        return {tuple(row["metric"].get(label, "") for label in labels): float(row["value"][1])
                for row in self._ask("query", query=expression)}

    def states(self, upstream, start, end):
        """The breaker's states as scraped each second: [(state, seconds), ...]."""
        rows = self._ask("query_range", query=f'fusegate_breaker_state{{upstream="{upstream}"}} == 1',
                         start=start, end=end, step=1)
        seen = sorted((at, row["metric"]["state"]) for row in rows for at, _ in row["values"])
        runs = []
        for _, state in seen:
            if not runs or runs[-1][0] != state:
                runs.append([state, 0])
            runs[-1][1] += 1
        return [tuple(run) for run in runs]

    def wait_ready(self, patience=30):
        """Prometheus listens before it answers queries."""
        end = time.monotonic() + patience
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}-/ready", timeout=5):
                    return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def settle(self, patience=20):
        """Waits until a scrape has happened that began after this call, so that what is asked next
        includes everything up to now."""
        start = time.time()
        while self.value("timestamp(fusegate_ready)") <= start:
            if time.time() > start + patience:
                raise TimeoutError("Prometheus does not scrape Fusegate")
            time.sleep(0.1)


class Traffic:
    """The counters of one upstream, as Prometheus sees them."""

    def __init__(self, prometheus, upstream):
        prometheus.settle()
        self.time = time.time()
        which = f'upstream="{upstream}"'
        self.requests = prometheus.value(f"sum(fusegate_requests_total{{{which}}})")
        self.good = prometheus.value(f'sum(fusegate_requests_total{{{which},code="200"}})')
        self.first = prometheus.value(f'sum(fusegate_attempts_total{{{which},kind="first"}})')
        self.retries = prometheus.value(f'sum(fusegate_attempts_total{{{which},kind!="first"}})')
        self.recovered = prometheus.value(f"sum(fusegate_recovered_total{{{which}}})")
        # Attempts that got no byte of an answer: no connection, or one whose server is gone.
        silent = "connect_failed|tls_failed|stale_reuse|reset|timeout"
        self.unreachable = prometheus.value(
            f'sum(fusegate_attempts_total{{{which},result=~"{silent}"}})')
        self.over_budget = prometheus.value(
            f'sum(fusegate_retries_denied_total{{{which},reason="budget"}})')

    def since(self, before):
        """What was added since `before`; one object with the same names."""
        delta = object.__new__(Traffic)
        delta.__dict__ = {name: value - before.__dict__[name] for name, value in self.__dict__.items()}
        return delta

    @property
    def attempts(self):
        return self.first + self.retries

    @property
    def amplification(self):
        return self.attempts / self.first if self.first else 0.0


class Load:
    """The output of `hey -n SENT -o csv`: a line for each answer. Requests without one got none."""

    def __init__(self, sent, text):
        rows = list(csv.DictReader(io.StringIO(text)))
        self.sent = sent
        self.answers = [(float(row["offset"]), int(row["status-code"]), float(row["response-time"]))
                        for row in rows]
        self.statuses = Counter(status for _, status, _ in self.answers)
        self.good = self.statuses[200]
        self.share = self.good / sent

    def times(self, status):
        return sorted(seconds for _, code, seconds in self.answers if code == status)

    def words(self):
        parts = [f"{count} times {status}" for status, count in sorted(self.statuses.items())]
        lost = self.sent - len(self.answers)
        return ", ".join(parts + ([f"{lost} without an answer"] if lost else []))


def quantile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Payments:
    """The line that payments.lua prints at the end."""

    def __init__(self, text):
        found = re.search(r"figures: requests=(\d+) refused=(\d+) broken=(\d+)", text)
        if not found:
            raise ValueError(f"wrk did not print its figures:\n{text[-2000:]}")
        self.requests, self.refused, self.broken = map(int, found.groups())


def transitions(admin, upstream, since):
    """The breaker's transitions from the admin listener: [(unix time, from, to, reason), ...]."""
    events = []
    for event in fetch_json(f"{admin}transitions")["transitions"]:
        at = datetime.fromisoformat(event["at"]).timestamp()
        if event["upstream"] == upstream and not event.get("endpoint") and at >= since:
            events.append((at, event["from"], event["to"], event["reason"]))
    return events
