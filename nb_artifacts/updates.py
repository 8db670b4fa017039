"""Updates of progress artifacts by their id: the first goes to the store, those that follow wait for the ticker.

What waits is written within 0.1 s, before this process reads anything, and when it ends; 100 % at once.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from nb_artifacts import core, display
from nb_artifacts.errors import Conflict, InvalidValue, NotFound, StoreError
from nb_artifacts.notices import warn
from nb_artifacts.ticker import ticker
from nb_artifacts.types.progress import Progress

if TYPE_CHECKING:
    from uuid import UUID

    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record

IDLE = 5.0
"""Seconds without an update after which the ticker looks no more."""

MOST = 1000
"""Artifacts that are followed at once."""

RETRY = 1.0
_NOTHING = -1.0


class Pending:
    """A progress artifact that is being updated by this process."""

    def __init__(self, record: Record, payload: Progress, store: Store) -> None:
        self.value: float = _NOTHING
        self.idle = False
        """Whether the ticker does not look any more: who sets `value` then wakes it."""
        self.payload = payload
        self._record, self._shown, self._store = record, record, store
        self._lock = threading.RLock()
        self._live = display.Live(str(record.id))
        self._touched, self._retry, self._warned = time.monotonic(), 0.0, False

    def write(self, value: float, description: str | None = None) -> None:
        """Write a value now, over what anybody else has written. Raises `NotFound`, `InvalidValue` and `StoreError`."""
        with self._lock:
            self.value = _NOTHING
            while True:
                moved = self.payload.moved(value)
                try:
                    self._record = core.change(
                        self._record.id, moved, UNSET if description is None else description,
                        if_seq=self._record.seq, durable=moved.info.state != "running", store=self._store,
                    )  # fmt: skip
                    break
                except Conflict:
                    self._record, self.payload = _read(self._record.id, self._store)
            self.payload, self._touched = moved, time.monotonic()
            self._show()

    def tick(self, moment: float) -> None:
        """See `ticker.Member`."""
        with self._lock:
            if self.value >= 0 and moment >= self._retry:
                self.flush()
            elif moment - self._touched > IDLE and self._shown is self._record:
                self.idle = True
                ticker.remove(self)
                if self.value >= 0:
                    self.wake()
            self._show()

    def wake(self) -> None:
        """Let the ticker look again."""
        self.idle = False
        ticker.add(self)

    def flush(self) -> None:
        """Write what waits; a store that cannot be written is warned of, once, and tried again."""
        with self._lock:
            value = self.value
            if value < 0:
                return
            try:
                self.write(value)
            except NotFound:
                _forget(self._record.id, self)  # deleted: the next update says so
            except StoreError as error:
                self.value = value if self.value < 0 else self.value
                self._retry = time.monotonic() + RETRY
                if not self._warned:
                    self._warned = True
                    warn(f"progress is not kept at the moment, the work goes on: {error}")

    def _show(self) -> None:
        final = self.payload.info.state != "running"
        if self._shown is not self._record and self._live.update(self._bundle, final=final):
            self._shown = self._record

    def _bundle(self) -> dict[str, Any]:
        return display.bundle(core.numbered(self._record), self.payload, self._store.id)


_pending: dict[UUID, Pending] = {}


def put(artifact_id: UUID, progress: float, description: str | None = None) -> UUID:
    """Set a progress artifact's percentage. See `nb_artifacts.update_progress_artifact`."""
    pending = _pending.get(artifact_id)
    if pending is not None and description is None:
        kind = type(progress)
        if (kind is float or kind is int) and 0 <= progress < 100:
            pending.value = progress
            if pending.idle:
                pending.wake()
            return artifact_id
    return _put(core.to_id(artifact_id), progress, description)


def _put(artifact_id: UUID, progress: float, description: str | None) -> UUID:
    pending = _pending.get(artifact_id)
    if pending is None:
        store = core.current_store()
        pending = Pending(*_read(artifact_id, store), store)
    elif description is None:
        moved = pending.payload.moved(progress)
        if moved.info.state == "running":
            return put(artifact_id, moved.value)
    pending.write(progress, description)
    if pending.payload.info.state == "running":
        _follow(artifact_id, pending)
    else:
        _forget(artifact_id, pending)
    return artifact_id


def _follow(artifact_id: UUID, pending: Pending) -> None:
    while len(_pending) >= MOST:
        _pending.pop(next(iter(_pending))).flush()
    _pending[artifact_id] = pending
    pending.wake()


def _read(artifact_id: UUID, store: Store) -> tuple[Record, Progress]:
    record = store.get(artifact_id)
    if record is None:
        raise NotFound(f"there is no artifact with the id {artifact_id}.")
    payload = core.read(record, store)
    if not isinstance(payload, Progress):
        raise InvalidValue(f"{artifact_id} is a {record.type} artifact, not a progress: only a progress is updated.")
    return record, payload


def _forget(artifact_id: UUID, pending: Pending) -> None:
    if _pending.get(artifact_id) is pending:
        del _pending[artifact_id]
    ticker.remove(pending)


def flush() -> None:
    """Write all that waits."""
    for pending in list(_pending.values()):
        pending.flush()


core.before_read.append(flush)
atexit.register(flush)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pending.clear)
