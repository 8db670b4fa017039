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

LOOK_SECONDS = 0.5

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
        self._busy: set[str | UUID] = set()
        self._later: dict[str | UUID, float] = {}
        self._settled = True
        self._look_at = 0.0
        self.stopped = False

    def take(self) -> list[Waiting]:
        """The next batch, waiting for it if need be; empty once nothing waits, or it is time to stop."""
        with self._changed:
            while not self._is_over():
                batch = self._pick()
                if not batch and self._may_look():
                    self._refill()
                    batch = self._pick()
                if batch:
                    self._busy.update(_line_of(row) for row in batch)
                    return batch
                if not self._busy and not self._page:
                    break
                self._changed.wait(self._patience())
            return []

    def done(self, batch: list[Waiting]) -> None:
        """A batch has arrived, or was refused; its keys may go on."""
        with self._changed:
            self._settled = True
            self._busy.difference_update(_line_of(row) for row in batch)
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

    def _may_look(self) -> bool:
        """Looking for what is not of a busy key may mean looking at all that waits: while some are, not all the time."""
        now = time.monotonic()
        if self._busy and now < self._look_at:
            return False
        self._look_at = now + LOOK_SECONDS
        return True

    def _refill(self) -> None:
        """Look again what waits, beside what is kept in hand for the keys that are busy."""
        if self._settled:
            self._settled = False
            self._remotes.advance(self._address)
        keys = [line for line in self._busy if isinstance(line, str)]
        ids = [line for line in self._busy if not isinstance(line, str)]
        found = self._remotes.pending(self._address, PAGE, keys=keys, ids=ids)
        self._page = [row for row in self._page if _line_of(row) in self._busy] + found

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
