"""The faults, each between a calm and a time to recover in, and what is possible under them."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Model:
    """Three endpoints, of four slots each, 20 ms a request: 600 requests a second; 70 % of it is asked."""
    endpoints: int = 3
    slots: int = 4
    mean_ms: float = 20
    backlog: int = 1024
    patience_ms: int = 1000
    load: float = 0.7

    @property
    def capacity(self):
        return self.endpoints * self.slots * 1000 / self.mean_ms

    @property
    def rate(self):
        return self.capacity * self.load


@dataclass(frozen=True)
class Times:
    calm: float = 10
    fault: float = 20
    after: float = 30

    @property
    def end(self):
        return self.calm + self.fault

    @property
    def total(self):
        return self.end + self.after


@dataclass(frozen=True)
class Scenario:
    name: str
    meaning: str
    spells: list = field(default_factory=list)  # (begin, end, endpoint, manner, slower) in shares of the fault.
    surge: float = 0   # Load while the fault lasts, in capacities; 0 = as before.
    attempts: float = 1.1  # At most, of Fusegate, per request during the fault.

    def events(self, times):
        """As the service takes them."""
        for begin, end, endpoint, manner, slower in self.spells:
            yield f"{(times.calm + begin * times.fault) * 1000:.0f}:{endpoint}:{manner}:{slower}"
            yield f"{(times.calm + end * times.fault) * 1000:.0f}:{endpoint}:serves:1"

    def rates(self, model, times):
        """As the callers take them: until when, how many a second."""
        surge = self.surge * model.capacity or model.rate
        return [(times.calm, model.rate), (times.end, surge), (times.total, model.rate)]

    def possible(self, model):
        """The share of the requests asked during the fault that the service can answer: its capacity of
        each moment against what is asked. What waits from one moment into a better one is left out."""
        edges = sorted({0.0, 1.0, *(edge for begin, end, *_ in self.spells for edge in (begin, end))})
        asked = self.surge * model.capacity or model.rate
        answered = 0.0
        for begin, end in zip(edges, edges[1:]):
            share = [1.0] * model.endpoints
            for first, last, endpoint, manner, slower in self.spells:
                if first <= begin < last:
                    share[endpoint] = 1 / slower if manner == "serves" else 0
            capacity = sum(share) / model.endpoints * model.capacity
            answered += (end - begin) * min(1.0, capacity / asked)
        return answered


ALL = range(3)
SCENARIOS = {scenario.name: scenario for scenario in (
    Scenario("brownout", "every endpoint five times slower",
             [(0, 1, endpoint, "serves", 5) for endpoint in ALL]),
    Scenario("black-hole", "one endpoint of three takes requests and never answers", [(0, 1, 0, "silent", 1)], attempts=1.2),
    Scenario("slow-endpoint", "one endpoint of three 25 times slower", [(0, 1, 0, "serves", 25)], attempts=1.2),
    Scenario("flapping", "one endpoint of three answers 503 every other 2 s",
             [(turn / 10, (turn + 1) / 10, 0, "errors", 1) for turn in range(0, 10, 2)], attempts=1.2),
    Scenario("rolling-restart", "one endpoint after the other is gone for 4 s",
             [(0.3 * endpoint, 0.3 * endpoint + 0.2, endpoint, "refuses", 1) for endpoint in ALL], attempts=1.2),
    Scenario("spike", "three times as many requests as the service can answer", surge=3),
)}
