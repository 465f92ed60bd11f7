"""What a measure asks of a proxy, and where its things lie. contenders.py makes configurations of it."""
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Setup:
    """The ordinary case is one plain listener, one plain server, no access log, one thread."""
    log: bool = False          # Access log to a file, each in its own ordinary format.
    tls_in: bool = False       # The listener speaks TLS.
    tls_out: bool = False      # The server does, and its certificate is checked.
    endpoints: int = 1         # Servers, all alike.
    wide: bool = False         # Room for 1,000 requests in flight and 10,000 connections.
    alone: bool = False        # One process without a parent, for callgrind.
    workers: int = 1           # Threads; with more than one nothing is pinned.
    rsa: bool = False          # The listener's key is RSA of 8192 bits: a handshake costs thirty times what its client pays.
    # From here on Fusegate alone.
    unix: bool = False         # The server is reached by a unix socket.
    routes: int = 1            # The last one matches.
    upstreams: int = 1         # The last one is used.
    status: bool = False       # /metrics is served.
    settings: tuple = ()       # More keys of `defaults`, one line each.


@dataclass
class Place:
    """Where one process listens and writes."""
    port: int
    directory: Path
    servers: list = field(default_factory=list)   # host:port of each.
    tls_server: str = ""                          # host:port of the server that speaks TLS.
    unix_path: str = ""
    common: Path = None                           # Has cert.pem (its own authority), key.pem, both.pem and our tools.
    backend_port: int = 0                         # Of servers[0].
    status_port: int = 0

    def own(self, setup, what):
        """The listener's cert, key, or both of them."""
        return f"{self.common}/{'rsa-' if setup.rsa else ''}{what}.pem"

    def upstreams(self, setup):
        """host:port of the servers that this setup has."""
        return [self.tls_server] if setup.tls_out else self.servers[:setup.endpoints]
