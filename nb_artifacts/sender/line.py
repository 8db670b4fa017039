"""Who sends what next: of each key one batch at a time, in order; different keys at once.

The store says what waits; here is only what is on its way, and what has to wait a little.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from nb_artifacts.sender.pace import Gate
    from nb_artifacts.store.remotes import Remotes
    from nb_artifacts.store.remotes_rows import Waiting

PAGE = 1000
"""So much of what waits is looked at a time."""

REFUSED_WAIT = 0.5
"""Seconds before what was refused is tried again."""


class Line:
    """What waits for one remote, handed out to those that send. Raises `StoreError`."""

    def __init__(self, remotes: Remotes, address: str, batch: int, gate: Gate, deadline: float | None) -> None:
        self._remotes = remotes
        self._address = address
        self._batch = batch
        self._gate = gate
        self._deadline = deadline
        self._changed = threading.Condition()
        self._page: list[Waiting] = []
        self._busy: dict[str | UUID, int] = {}
        self._later: dict[str | UUID, float] = {}
        self._settled = True
        self.stopped = False

    def take(self) -> list[Waiting]:
        """The next batch, waiting for it if need be; empty once nothing waits, or it is time to stop."""
        with self._changed:
            while not self._is_over():
                batch = self._pick() or (self._refill() and self._pick())
                if batch:
                    for row in batch:
                        self._busy[_line_of(row)] = self._busy.get(_line_of(row), 0) + 1
                    return batch
                if not self._busy and not self._page:
                    break
                self._changed.wait(self._patience())
            return []

    def done(self, batch: list[Waiting]) -> None:
        """A batch has arrived, or was refused; its keys may go on."""
        with self._changed:
            self._settled = True
            for row in batch:
                self._busy.pop(_line_of(row), None)
            self._changed.notify_all()

    def hold(self, row: Waiting) -> None:
        """Let the key of a refused row wait a little, when its batch is done."""
        with self._changed:
            self._later[_line_of(row)] = time.monotonic() + REFUSED_WAIT

    def stop(self) -> None:
        """Hand out nothing any more."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def has_more(self) -> bool:
        """Whether there was more than was handed out when it was last looked."""
        with self._changed:
            return bool(self._page)

    def _is_over(self) -> bool:
        return self.stopped or (self._deadline is not None and time.monotonic() > self._deadline)

    def _refill(self) -> bool:
        if self._settled:
            self._settled = False
            self._remotes.advance(self._address)
        keys = [line for line in self._busy if isinstance(line, str)]
        ids = [line for line in self._busy if not isinstance(line, str)]
        self._page = self._remotes.pending(self._address, PAGE, keys=keys, ids=ids)
        return bool(self._page)

    def _pick(self) -> list[Waiting]:
        """Rows for one batch, taken out of the page; of a key none after one that has to wait."""
        picked: list[Waiting] = []
        left: list[Waiting] = []
        waits: set[str | UUID] = set()
        now, updates = time.monotonic(), self._gate.wait() == 0
        for row in self._page:
            line = _line_of(row)
            full = len(picked) >= self._batch
            held = line in waits or line in self._busy or self._later.get(line, 0) > now
            if full or held or (_is_update(row) and not updates):
                waits.add(line)
                left.append(row)
            else:
                picked.append(row)
        self._page = left
        if any(_is_update(row) for row in picked):
            self._gate.close()
        return picked

    def _patience(self) -> float:
        """Seconds after which something that had to wait can go."""
        now = time.monotonic()
        soonest = [until - now for until in self._later.values() if until > now]
        waits: list[float] = [*soonest, self._gate.wait() or 1.0]
        if self._deadline is not None:
            waits.append(self._deadline - now)
        return max(0.001, min(waits))


def _is_update(row: Waiting) -> bool:
    return row.settled > 0 and row.kind != "deleted"


def _line_of(row: Waiting) -> str | UUID:
    return row.id if row.key is None else row.key
