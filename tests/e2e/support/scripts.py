"""Scripts for `Upstream`: functions of one exchange, and functions that make them."""

import json
import random
import select
import threading
import time

from .client import chunked
from .upstreams import pairs
from .websocket import accept_key


def early(script):
    """Marks a script that runs before the body was read."""
    script.early = True
    return script


def reply(body=b"ok", status=200, headers=(), close=False):
    """A response with a length; `close` announces and makes the end of the connection."""
    def run(exchange):
        exchange.reply(status, body, pairs(headers) + ([("connection", "close")] if close else []))
        if close:
            exchange.close()
    return run


def echo(exchange):
    """Answers with what it saw, as JSON."""
    request = exchange.request
    seen = {"method": request.method, "target": request.target, "headers": list(request.headers),
            "length": request.length, "sha256": request.sha256, "framing": request.framing,
            "trailers": list(request.trailers), "connection": request.connection}
    exchange.reply(200, json.dumps(seen).encode(), {"content-type": "application/json"})


def after(seconds, script=None):
    """Waits before the script runs."""
    def run(exchange):
        time.sleep(seconds)
        (script or reply())(exchange)
    return run


def sequence(*scripts):
    """One script per request in the order of arrival; the last one stays."""
    lock = threading.Lock()
    left = list(scripts)

    def run(exchange):
        with lock:
            script = left.pop(0) if len(left) > 1 else left[0]
        if not getattr(script, "early", False):
            exchange.read_body()
        script(exchange)
    run.early = any(getattr(script, "early", False) for script in scripts)
    return run


def by_target(scripts, otherwise=None):
    """The script listed for the path of the request."""
    def run(exchange):
        path = exchange.request.target.partition("?")[0]
        scripts.get(path, otherwise or reply())(exchange)
    return run


def flaky(share, seed, failure=None, success=None):
    """Fails with probability `share`, from a seeded generator."""
    lock = threading.Lock()
    chance = random.Random(seed)

    def run(exchange):
        with lock:
            fails = chance.random() < share
        ((failure or reply(b"flaky", 503)) if fails else (success or reply()))(exchange)
    return run


def unavailable(retry_after=None, close=False):
    return reply(b"unavailable", 503, {} if retry_after is None else {"retry-after": str(retry_after)}, close)


def reset_after_reading(exchange):
    exchange.reset()


def close_after_reading(exchange):
    exchange.close()


@early
def reset_before_body(exchange):
    exchange.reset()


@early
def hang(exchange):
    """Reads the head, then neither reads nor answers until the peer goes away."""
    exchange.keep = False
    watch = select.poll()
    watch.register(exchange.sock, select.POLLRDHUP)
    watch.poll(60000)


def partial(total, sent, reset=False):
    """Announces `total` bytes, sends `sent` of them and ends the connection."""
    def run(exchange):
        exchange.head(200, {"content-length": total})
        exchange.send(b"x" * sent)
        time.sleep(0.05)
        exchange.reset() if reset else exchange.close()
    return run


def raw(data, close=False):
    """Exactly these bytes as the answer."""
    def run(exchange):
        exchange.send(data)
        if close:
            exchange.close()
    return run


def informational(status, headers=(), then=None):
    def run(exchange):
        exchange.head(status, headers)
        (then or reply())(exchange)
    return run


def chunks(*parts, trailers=(), headers=()):
    def run(exchange):
        exchange.head(200, [("transfer-encoding", "chunked"), *pairs(headers)])
        exchange.send(chunked(*parts, trailers=trailers))
    return run


def until_close(body):
    def run(exchange):
        exchange.head(200, {"connection": "close"})
        exchange.send(body)
        exchange.close()
    return run


def upgrade_echo(exchange):
    """Accepts an upgrade and sends every byte back until the peer ends."""
    key = exchange.request.header("sec-websocket-key", "")
    exchange.head(101, {"connection": "Upgrade", "upgrade": exchange.request.header("upgrade", "websocket"),
                        "sec-websocket-accept": accept_key(key)}, "Switching Protocols")
    exchange.keep = False
    data = bytes(exchange.reader.buffer)
    exchange.reader.buffer.clear()
    while True:
        if data:
            exchange.send(data)
        data = exchange.sock.recv(65536)
        if not data:
            return
