"""When to ask again: after failures ever later, and updates of what is there already only so often."""

from __future__ import annotations

import random
import time

LONGEST_WAIT = 60.0
FIRST_WAIT = 0.5
LONGEST_RETRY_AFTER = 3600.0
UPDATES_EVERY = 0.2
"""Seconds between two requests that carry updates of what the remote has already; new artifacts do not wait."""


def backoff(failures: int, retry_after: float | None = None) -> float:
    """Seconds to wait after so many failures in a row: at random up to a bound that doubles, so that many clients spread.

    From the sixth on never less than a second; never less than the remote asked for, as far as that is an hour at most.
    """
    most = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(failures - 1, 20))
    wait = random.uniform(0, most)  # noqa: S311 -- no secret
    if failures > 5:
        wait = max(1.0, wait)
    return max(wait, min(retry_after or 0.0, LONGEST_RETRY_AFTER))


class Gate:
    """Lets updates through every so often. Not thread-safe: its user holds a lock."""

    def __init__(self, every: float = UPDATES_EVERY) -> None:
        self._every = every
        self._next = 0.0

    def wait(self) -> float:
        """Seconds until it is open; 0 where it is."""
        return max(0.0, self._next - time.monotonic())

    def close(self) -> None:
        """Something went through."""
        self._next = time.monotonic() + self._every
