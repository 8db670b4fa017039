"""Waiting for another process's lock.

SQLite's own waiting soon sleeps 0.1 s between two tries, by which those who write without a pause starve all others, and
Ctrl-C does not end it. So it waits only `STEP_SECONDS` at a time, and we ask again.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

BUSY_SECONDS = 10.0
STEP_SECONDS = 0.03


class WouldWait(Exception):
    """What was to be done at once would have to wait: for a lock, for a file, for the database to be opened."""


def patiently(call: Callable[[], T]) -> T:
    """What `call` returns once nobody is in its way; it must be one that can be made again."""
    deadline = 0.0
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:  # noqa: PERF203 -- each try may be the one
            moment = time.monotonic()
            deadline = deadline or moment + BUSY_SECONDS
            if not is_locked(error) or moment > deadline:
                raise


def is_locked(error: BaseException) -> bool:
    """Whether another connection holds what is needed."""
    return "locked" in str(error)
