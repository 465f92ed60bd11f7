"""Support for the end-to-end tests: the real binary, scripted servers and a strict client."""

from . import cases, programs, scripts
from .certificates import Authority, Pair
from .client import Client, fetch, fetch_all
from .command import CommandCase, command, commands
from .daemon import Daemon, StartFailed, binary, many, refused, single
from .load import LoadResult, run_load
from .metrics import parse_metrics, split_series
from .timing import scaled, slow_factor, wait_until
from .upstreams import Upstream, dead_port, free_port
from .wire import Closed, Headers, ProtocolError, Response

__all__ = [
    "Authority", "Client", "Closed", "CommandCase", "Daemon", "Headers", "LoadResult", "Pair", "ProtocolError", "Response",
    "StartFailed", "Upstream", "binary", "cases", "command", "commands", "dead_port", "fetch", "fetch_all", "free_port",
    "many", "parse_metrics", "programs", "refused", "run_load", "scaled", "scripts", "single", "slow_factor", "split_series",
    "wait_until",
]
