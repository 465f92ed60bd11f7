"""Reads protocol cases: text files that are bytes, what is to become of them, and why.

    == two Host fields
    why RFC 9112 section 3.2
    > GET / HTTP/1.1
    > host: a.test
    > host: b.test
    >
    refuse 400

`> text` is a line of the client with CRLF, `>> text` the same bytes without it; `<` and `<<` are the
upstream's. `>*9 text` repeats nine times. Escapes: \\r \\n \\t \\0 \\\\ \\xHH. `#` begins a comment.
What follows the bytes is what is expected; `WORDS` below names each word, and the modules that play
the cases say what it means. The same files are read by the property test of the codec.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "protocol"
ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))")
SINGLE = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
BYTES = re.compile(r"(>>?|<<?)(?:\*([0-9]+))?(?: (.*))?")

# How a case ends: one of these.
OUTCOMES = {"refuse", "break", "stay", "pass", "drop", "cut"}
# What else may be said, with the number of words it takes (None = the rest of the line).
WORDS = {"why": None, "sees": None, "hides": None, "shows": None, "lacks": None, "body": None,
         "interim": None, "then": 1, "end": 0, "early": 0, "closes": 0, "fresh": 0, "reused": 0,
         "whole": 0}


@dataclass
class Case:
    name: str
    place: str
    request: bytes = b""
    response: bytes = b""
    outcome: str = ""
    number: int = 0  # The status, or how many requests pass.
    said: dict = field(default_factory=dict)

    def has(self, word):
        return word in self.said

    def all(self, word):
        return self.said.get(word, [])

    def one(self, word, default=""):
        return self.said.get(word, [default])[0]

    def __str__(self):
        return f"{self.name} ({self.place})"


def unescape(text):
    def char(match):
        if match[1]:
            return chr(int(match[1], 16))
        return SINGLE[match[2]]
    return ESCAPE.sub(char, text).encode("latin-1")


def load(kind):
    """All cases of protocol/<kind>, in the order of their files."""
    cases = []
    for path in sorted((FOLDER / kind).glob("*.txt")):
        cases += read(path)
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"two cases with one name: {twice}"
    return cases


def read(path):
    cases = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        place = f"{path.name}:{number}"
        if line.startswith("== "):
            cases.append(Case(line[3:], place))
        elif line and not line.startswith("#"):
            _add(cases[-1], line, place)
    for case in cases:
        assert case.outcome and case.has("why"), f"{case} lacks its outcome or its reason"
    return cases


def _add(case, line, place):
    match = BYTES.fullmatch(line)
    if match:
        data = unescape(match[3] or "") + (b"" if len(match[1]) == 2 else b"\r\n")
        data *= int(match[2] or 1)
        if match[1][0] == ">":
            case.request += data
        else:
            case.response += data
        return
    word, _, rest = line.partition(" ")
    if word in OUTCOMES:
        assert not case.outcome, f"{place}: a second outcome"
        case.outcome, case.number = word, int(rest or 1)
        return
    assert word in WORDS, f"{place}: what is {word!r}?"
    assert WORDS[word] is None or len(rest.split()) == WORDS[word], f"{place}: {line!r}"
    case.said.setdefault(word, []).append(rest)
