"""The side of a worker: a bar that another process owns, and that this one adds to.

On the owner's host additions go through its `ledger`, seen at once and not lost when the worker is killed. Elsewhere
they are gathered and added to the record by conditional patches, four times a second and at the end of the process.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from nb_artifacts import config, core
from nb_artifacts.bars.counting import Counter
from nb_artifacts.bars.meter import Meter
from nb_artifacts.errors import Conflict, NotFound, StoreError
from nb_artifacts.handle import Artifact
from nb_artifacts.ledger import Ledger
from nb_artifacts.notices import warn
from nb_artifacts.store import Store, open_store
from nb_artifacts.ticker import ticker
from nb_artifacts.types.base import read_info
from nb_artifacts.types.progress import Progress, ProgressInfo
from nb_artifacts.wire import Patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.types.progress import State

SEND_EVERY = 0.25
"""Seconds between two additions to the record of a bar of another host."""


class Ticket(msgspec.Struct, frozen=True):
    """What a worker has to know of a bar: goes to it when the bar is pickled."""

    id: str
    where: str
    store: str
    folder: str | None
    """The owner's ledger."""
    total: float | None = None
    unit: str | None = None


class Outpost:
    """A `homes.Home` in a process that does not own the bar."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.pid = os.getpid()
        self._ledger = Ledger(ticket.id, Path(ticket.folder)) if ticket.folder and Path(ticket.folder).is_dir() else None
        self._cell: Any = None
        self._sent, self._due, self._warned = 0.0, 0.0, False
        self._opened: Store | None = None
        self.meter = Meter(total=ticket.total, unit=ticket.unit, counter=Counter(cell=self._new_cell))
        if self._ledger is None:
            ticker.add(self)
            atexit.register(self.send)
            _at_end_of_worker(self.send)

    def _new_cell(self) -> Any:
        """A cell of the ledger; a plain one elsewhere, and where the bar has ended, so that nobody adds up any more."""
        if self._ledger is not None:
            with suppress(OSError):
                return self._ledger.cell()
        return [0]

    def end(self, meter: Meter, state: State, error: BaseException | None = None, *, soon: bool = False) -> None:
        """See `homes.Home`: a bar ends where it is owned."""
        if meter is not self.meter and meter.state == "running":
            meter.end(state, error)
        if not soon:
            self.send()

    @property
    def mine(self) -> bool:
        """See `homes.Home`."""
        return self.pid == os.getpid()

    def waits(self, meter: Meter) -> bool:  # noqa: ARG002 (the signature of every home)
        """See `homes.Home`."""
        return False

    def moved(self, meter: Meter) -> None:  # noqa: ARG002 (the signature of every home)
        """See `homes.Home`: what loops have done counts beside the cells."""
        if self._ledger is None:
            return
        with self.meter.counter.guard:
            if self._cell is None:
                self._cell = self._new_cell()
            self._cell[0] = self.meter.done() - self.meter.counter.in_cells()
        if self.meter.sources:
            ticker.add(self)

    def tick(self, moment: float) -> None:
        """See `ticker.Member`."""
        if self._ledger is not None:
            self.moved(self.meter)
            if not self.meter.sources:
                ticker.remove(self)
        elif moment >= self._due:
            self._due = moment + SEND_EVERY
            self.send()

    def share(self) -> Ledger | None:
        """See `homes.Home`."""
        return self._ledger

    def tell(self, meter: Meter) -> None:
        """See `homes.Home`: words go to the record at once."""
        if meter is self.meter:
            self._patch(lambda info: msgspec.structs.replace(info, message=meter.message, total=meter.total))

    def describe(self, text: str | None) -> None:
        """See `homes.Home`: the owner's words stay."""

    @property
    def artifact(self) -> Artifact | None:
        """The bar's artifact as it is now."""
        with suppress(StoreError):
            store = self._store()
            record = store.get(UUID(self.ticket.id))
            return None if record is None else Artifact._of(record, store)
        return None

    def send(self) -> None:
        """Add what has been counted since the last time to the record."""
        if self._ledger is not None or not self.mine:
            return
        delta = self.meter.done() - self._sent
        if delta and self._patch(lambda info: _added(info, delta)):
            self._sent += delta

    def _store(self) -> Store:
        """The owner's store. Raises `StoreError` where this process cannot see it: a folder of the same name is not it."""
        if self._opened is None:
            there = None
            with suppress(OSError, ValueError):
                there = Path(self.ticket.where, config.ID_FILE).read_text(encoding="ascii").strip()
            store = open_store(Path(self.ticket.where)) if there == self.ticket.store else core.current_store()
            if store.id != self.ticket.store:
                raise StoreError(f"the bar's store, {self.ticket.where}, cannot be reached from here")
            self._opened = store
        return self._opened

    def _patch(self, change: Callable[[ProgressInfo], ProgressInfo]) -> bool:
        """Change the record by a patch that holds only if nobody else changed it meanwhile, as often as it takes."""
        try:
            store = self._store()
            while True:
                record = store.get(UUID(self.ticket.id))
                info = None if record is None else read_info(record, ProgressInfo)
                if record is None or info is None:
                    return True
                content = Progress(change(info)).content()
                with suppress(Conflict):
                    store.patch(record.id, Patch(data=content.data, info=content.info), if_seq=record.seq, durable=False)
                    return True
        except NotFound:
            return True
        except StoreError as error:
            if not self._warned:
                self._warned = True
                warn(f"progress of this process is not added to the bar at the moment: {error}")
            return False


def _added(info: ProgressInfo, delta: float) -> ProgressInfo:
    """`delta` more done; a bar that is finished has its whole total already."""
    if info.state == "finished" and info.total is not None:
        return info
    passed = time.time() - info.started.timestamp()
    done = info.done + delta
    return msgspec.structs.replace(
        info, done=done, shared=info.shared + delta, rate=done / passed if info.rate is None and passed > 0 else info.rate
    )


def _at_end_of_worker(action: Callable[[], None]) -> None:
    """Call at the end of a `multiprocessing` worker too, which runs no `atexit` functions."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, action, exitpriority=10)
