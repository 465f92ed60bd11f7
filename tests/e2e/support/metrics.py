"""Reads the text format of Prometheus, as far as the tests need it."""

import re

SERIES = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})?')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def split_series(key):
    match = SERIES.fullmatch(key)
    return match[1], dict(LABEL.findall(match[2] or ""))


def parse_metrics(text):
    out = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        key, _, value = line.rpartition(" ")
        name, labels = split_series(key)
        inner = ",".join(f'{label}="{labels[label]}"' for label in sorted(labels))
        out[f"{name}{{{inner}}}" if inner else name] = float(value)
    return out
