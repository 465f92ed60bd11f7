"""As much of RFC 6455 as the upgrade tests need: the handshake and masked text frames."""

import base64
import hashlib
import os
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def handshake_headers(key):
    return [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
            ("sec-websocket-key", key)]


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def frame(payload, opcode=1):
    """A final, masked frame, as a client sends it."""
    mask = os.urandom(4)
    if len(payload) < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload))
    else:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(payload))
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
