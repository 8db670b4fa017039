"""Waiting for what comes true in another thread or process."""

from __future__ import annotations

import time


def until(true, seconds=20.0):
    """Wait until something is true; what it is then. Fails when it never is."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
    return found
