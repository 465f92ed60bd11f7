"""Patience of the tests, and how it grows for slow builds."""

import os
import time


def slow_factor():
    """How much slower than usual the binary runs: FUSEGATE_TEST_SLOW, else 4 for sanitized builds."""
    return float(os.environ.get("FUSEGATE_TEST_SLOW") or (4 if os.environ.get("FUSEGATE_SANITIZE") else 1))


def scaled(seconds):
    """A patience, scaled for slow builds. Never use it for a time the configuration sets."""
    return seconds * slow_factor()


def wait_until(condition, timeout=5.0, what="the condition", step=0.01):
    """Polls until `condition()` is true and returns its value; the timeout is scaled."""
    end = time.monotonic() + scaled(timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {scaled(timeout):.1f} s (last value: {value!r})")
        time.sleep(step)
