"""What a measure is, and how it is played: everybody at once, slices in random order, round by round."""
import random
from dataclasses import dataclass, field
from typing import Callable

from contenders import CONTENDERS
from setup import Setup
from stage import Load, Proxy


@dataclass(frozen=True)
class Size:
    """How long and how large a run is. `quick` is for looking, `tiny` tests the machinery and tells nothing."""
    rounds: int = 7
    seconds: float = 1.0         # Of a slice.
    idle: int = 10000            # Idle connections.
    many: int = 1000             # Active connections, and large transfers.
    upstreams: int = 500
    routes: int = 1000
    traced: int = 3200           # Requests under callgrind and strace.


SIZES = {"whole": Size(), "quick": Size(2, 0.25, 2000, 300, 500, 1000, 1280), "tiny": Size(1, 0.05, 100, 70, 20, 20, 128)}


@dataclass(frozen=True)
class Bound:
    """What must hold of one figure, and what is aimed at. `over` names whom it is compared with."""
    must: float
    aim: float
    over: str = ""               # "" = the figure itself.
    difference: bool = False     # To `over`, instead of the ratio.
    at_least: bool = False
    who: str = "Fusegate"
    cores: int = 0               # With fewer it cannot be judged.


@dataclass(frozen=True)
class Figure:
    name: str
    title: str
    unit: str
    digits: int = 1
    bounds: tuple = ()
    plotted: bool = True         # Its ratios stand in the picture.


@dataclass(frozen=True)
class Entry:
    """One of a cast: who, set up how, under which load."""
    contender: str               # "direct" = the server itself.
    setup: Setup = Setup()
    load: dict = field(default_factory=dict)
    idle: bool = False           # As many idle connections beside as the size says.


@dataclass(frozen=True)
class Measure:
    name: str
    title: str
    group: str                   # The table it stands in.
    figures: tuple
    cast: dict                   # Name -> Entry, or why there is no figure.
    slice: Callable              # (Live) -> {figure name: value}
    base: str = "HAProxy"        # Ratios are formed to this one.
    rounds: int = 1000           # At most.
    times: int = 1               # So many times the rounds of the run, where its bound is close.
    starts: bool = True          # False = the slice starts its process itself.
    added: tuple = ()            # Figures from which those of "direct" are taken.
    note: str = ""


class Live:
    """An entry on the stage."""

    def __init__(self, stage, entry, size, seed, start=True):
        self.stage, self.entry, self.size, self.seed = stage, entry, size, seed
        self.proxy = None
        self.idle = None
        if start and entry.contender != "direct":
            self.proxy = self.start()
            if entry.idle:
                self.idle = Load(stage, self.proxy.port, size.idle, requests=1)

    def start(self, setup=None, before=()):
        return Proxy(self.stage, CONTENDERS[self.entry.contender], setup or self.entry.setup, before)

    @property
    def port(self):
        return self.proxy.port if self.proxy else self.stage.port

    def close(self):
        if self.idle:
            self.idle.close()
        if self.proxy:
            self.proxy.close()


@dataclass
class Result:
    """The values of each figure and contender, by rounds, and why others have none."""
    values: dict                 # Figure name -> {contender: [value by round]}
    missing: dict                # Contender -> reason.


def everybody(setup=Setup(), load=None, direct=False):
    """The cast of all contenders in one setup, or why one is left out."""
    cast = {name: contender.reason(setup) or Entry(name, setup, load or {}) for name, contender in CONTENDERS.items()}
    if direct:
        cast["direct"] = Entry("direct", setup, load or {})
    return cast


def play(stage, measure, size, rounds, seed, peers):
    """Only `peers` of the contenders take part, Fusegate and the base always."""
    missing = {name: entry for name, entry in measure.cast.items() if isinstance(entry, str)}
    cast = {name: entry for name, entry in measure.cast.items()
            if name not in missing and (entry.contender in peers or entry.contender in ("Fusegate", "direct"))}
    draw = random.Random(f"{seed} {measure.name}")
    lives, values = {}, {figure.name: {} for figure in measure.figures}
    name = ""
    try:
        for name, entry in cast.items():
            lives[name] = Live(stage, entry, size, seed, measure.starts)
        for number in range(min(rounds * measure.times, measure.rounds)):
            row = {}
            for name in draw.sample(list(lives), len(lives)):
                lives[name].seed = f"{seed}{number}"
                row[name] = measure.slice(lives[name])
            direct = row.pop("direct", None)
            for name, found in row.items():
                for figure, value in found.items():
                    less = direct[figure] if figure in measure.added else 0
                    values[figure].setdefault(name, []).append(value - less)
        for live in lives.values():
            live.close()
    except SystemExit as error:
        raise SystemExit(f"error: {measure.name}, {name}: {error}") from error
    return Result(values, missing)
