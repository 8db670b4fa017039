"""What is kept of a bar: its artifact, written at most ten times a second while it runs, and at once when it ends.

A `Keeper` belongs to the process that made the bar. Every write says which state it builds on (`if_seq`), so what
another host has added in between is taken over, never lost.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from nb_artifacts import cells, core, display
from nb_artifacts.bars import foresight
from nb_artifacts.errors import Conflict, NotFound, StoreBusy, StoreError
from nb_artifacts.handle import Artifact, switched_off
from nb_artifacts.ledger import Ledger
from nb_artifacts.notices import warn
from nb_artifacts.process import this_process
from nb_artifacts.ticker import ticker
from nb_artifacts.types.base import read_info
from nb_artifacts.types.progress import Progress, ProgressInfo
from nb_artifacts.unwinding import handled_by
from nb_artifacts.wire import Patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType
    from uuid import UUID

    from nb_artifacts.bars.meter import Meter
    from nb_artifacts.store import Store
    from nb_artifacts.types.progress import State

HEARTBEAT = 10.0
"""Seconds after which a bar is written though nothing changed, so that other hosts see that it lives."""

RETRY = 1.0
"""Seconds between attempts after one that failed."""

GIVES_UP = 60.0
"""Seconds for which the end of a bar is tried again, where the store could not be written."""

_ATTEMPTS = 50
"""Times that a write begins anew because another host was faster."""

LOOKS_BACK = 0.3
"""Seconds in which the exception that let go of a loop may still show itself."""

keepers: dict[int, Keeper] = {}
"""Of this process, until their bars have ended and are written."""

_lost: deque[Keeper] = deque(maxlen=50)
"""Those whose loops were let go of lately."""


class Keeper:
    """The artifact of one running bar. Its methods may be called from any thread, and from a finalizer."""

    def __init__(
        self,
        meter: Meter,
        key: str | None,
        description: str | None,
        *,
        tags: Iterable[str] | None = None,
        owner: CodeType | None = None,
        show: bool | None = None,
    ) -> None:
        """Keep a new version. Raises `InvalidKey`, `InvalidValue`, and `StoreError`."""
        self.meter, self.owner, self.pid = meter, owner, os.getpid()
        self.store: Store = core.current_store()
        self.lock = threading.RLock()
        self.ledger: Ledger | None = None
        self._description: str | None | UnsetType = UNSET
        self._shared = False
        self._writer, self._foreign = this_process(), 0.0
        self._usual = self._foreseen(key)
        self._written = self._info()
        self._at, self._retry, self._ended_at = time.monotonic(), 0.0, 0.0
        self._saved = self._warned = self._gone = False
        try:
            self._record = core.keep(Progress(self._written), key, description, tags=tags, hidden=switched_off(show))
            self._live, self._shown = display.Live(str(self._record.id)), self._written
            self._begin(show)
        except KeyboardInterrupt as stop:
            self._interrupted(stop)
            raise

    def _foreseen(self, key: str | None) -> float | None:
        """How long it usually takes; an earlier bar of the key that still runs is said."""
        versions = foresight.earlier(self.store, key) if key is not None else []
        foresight.say_where_used(versions, {one.id for one in list(keepers.values()) if one.meter.state == "running"})
        return foresight.usual(versions, self.meter.total)

    def _begin(self, show: bool | None) -> None:
        self.meter.elsewhere = self._elsewhere
        keepers[id(self)] = self
        self.artifact._shown(show)
        cell = cells.current()
        if cell is not None:
            cell.at_end.append(_weakly(self))
        ticker.add(self)

    def _interrupted(self, stop: KeyboardInterrupt) -> None:
        """The bar never began; if its artifact is there already, it says so."""
        found = self.store.get(stop.artifact_id) if hasattr(stop, "artifact_id") else self.__dict__.get("_record")
        if found is not None:
            self._record = found
            self._live, self._shown = display.Live(str(found.id)), self._written
            self.meter.end("interrupted")
            self.ended()

    @property
    def id(self) -> UUID:
        """The artifact's."""
        return self._record.id

    @property
    def artifact(self) -> Artifact:
        """The artifact as last written."""
        return Artifact._of(self._record, self.store, Progress(self._written))

    @property
    def mine(self) -> bool:
        """Whether this process made it; a forked one must leave it alone."""
        return self.pid == os.getpid()

    def _elsewhere(self) -> float:
        return self._foreign + (self.ledger.total() if self.ledger is not None else 0.0)

    def moved(self, meter: Meter) -> None:
        """See `homes.Home`: the ticker looks anyway."""

    def tell(self, meter: Meter) -> None:  # noqa: ARG002 (the signature of every home)
        """See `homes.Home`: the ticker looks, unless the bar has ended."""
        if self._saved and self.meter.state != "running":
            self.ended()

    def describe(self, text: str | None) -> None:
        """See `homes.Home`."""
        self._description = text
        self.tell(self.meter)

    def share(self) -> Ledger | None:
        """See `homes.Home`. The folder is made at first use; None where no temporary folder can be written."""
        self._shared = True
        if self.ledger is None and self.meter.state == "running":
            with suppress(OSError), self.lock:
                self.ledger = self.ledger or Ledger(str(self.id))
        return self.ledger

    def tick(self, moment: float) -> None:
        """See `ticker.Member`."""
        if not self.mine:
            ticker.remove(self)
            return
        with self.lock:
            if self.meter.state != "running":
                self._tick_ended(moment)
            elif moment >= self._retry:
                if self._shared:
                    self._take_over()
                info = self._info()
                if info != self._written or self._description is not UNSET or moment - self._at >= HEARTBEAT:
                    self._write(info, durable=False)
                self._show()

    def _tick_ended(self, moment: float) -> None:
        """Written as ended? Then only an exception that is being handled may still change what ended it."""
        if not self._saved and moment >= self._retry:
            self._save()
        left = self.meter.left
        if left is not None and left.doubtful and moment < self._ended_at + LOOKS_BACK:
            error = handled_by(left.thread)
            if error is not None:
                self.blame(error)
        elif self._saved or moment >= self._ended_at + GIVES_UP:
            self._forget()

    def end(self, meter: Meter, state: State, error: BaseException | None = None, *, soon: bool = False) -> None:
        """See `homes.Home`."""
        if self.mine:
            if meter.state == "running":
                meter.end(state, error)
            if meter is self.meter:
                self.ended(soon=soon)

    def waits(self, meter: Meter) -> bool:
        """See `homes.Home`."""
        return self.mine and meter is self.meter and not self._saved

    def ended(self, *, soon: bool = False) -> None:
        """The meter has ended: write it before this returns, or, with `soon`, in a moment by the ticker."""
        if not self.mine:
            return
        self._ended_at, self._saved = time.monotonic(), False
        keepers[id(self)] = self
        ticker.add(self)
        if soon or not self.lock.acquire(timeout=HEARTBEAT):
            ticker.hurry()
            return
        try:
            self._save()
            self._note_left()
        finally:
            self.lock.release()

    def _note_left(self) -> None:
        """A loop let go of: its exception may still show itself, soon or when the cell or the process ends."""
        left = self.meter.left
        if left is not None:
            for other in list(_lost):
                if other.meter.left is not None and other.meter.left.code is left.code and other is not self:
                    other.meter.left = None  # that call is over
            _lost.append(self)
        if left is not None and left.doubtful:
            ticker.hurry()
        elif self._saved:
            self._forget()

    def _save(self) -> None:
        self._saved = self._write(self._info(), durable=True)
        self._show(final=True)
        if self._saved and self.ledger is not None:
            self._foreign, ledger, self.ledger = self._foreign + self.ledger.total(), self.ledger, None
            ledger.remove()

    def _forget(self) -> None:
        keepers.pop(id(self), None)
        ticker.remove(self)

    def blame(self, error: BaseException, *, over: bool = False) -> None:
        """Say that this exception ended it, if it did; `over`: all code that it went through is."""
        may_be = self.meter.state == "running" or self.meter.left is not None
        if self.mine and may_be and self.meter.blame(error, self.owner if over else None) and self.meter.state != "running":
            self.ended()

    def cell_ended(self, error: BaseException | None) -> None:
        """The cell that it was made in is over."""
        if error is not None:
            self.blame(error, over=True)
        elif self.meter.state == "running" and not self.meter.in_block and self.meter.ended_by_itself() == "finished":
            self.end(self.meter, "finished")
        elif not self._saved and self.meter.state != "running":
            self.ended()

    def _info(self) -> ProgressInfo:
        meter, writer = self.meter, self._writer
        done = meter.done()
        steps, hidden = meter.steps()
        return ProgressInfo(
            state=meter.state, done=done, started=meter.started, total=meter.total, unit=meter.unit, ended=meter.ended,
            rate=meter.rate(done), error=meter.error, message=meter.message, usual=self._usual, steps=steps,
            hidden=hidden, shared=self._foreign, curve=meter.curve(done), host=writer.host, boot_id=writer.boot_id,
            pid=writer.pid, process_started=writer.started,
        )  # fmt: skip

    def _write(self, info: ProgressInfo, *, durable: bool) -> bool:
        """Write what is true now; False where the store could not."""
        description, self._description = self._description, UNSET
        try:
            for _ in range(_ATTEMPTS):
                if self._gone:
                    break
                content = Progress(info).content()
                patch = Patch(data=content.data, info=content.info, description=description)
                try:
                    self._record = self.store.patch(self._record.id, patch, if_seq=self._record.seq, durable=durable)
                    break
                except Conflict:
                    self._take_over()
                    info = self._info()
            else:
                raise StoreBusy(f"{self.store.where}: others change the bar all the time")
        except NotFound:
            self._gone = True  # deleted while it ran: nothing is left to write to
        except StoreError as error:
            self._description = description if self._description is UNSET else self._description
            self._failed(error)
            return False
        self._written, self._at = info, time.monotonic()
        return True

    def _failed(self, error: StoreError) -> None:
        self._retry = time.monotonic() + RETRY
        if not self._warned:
            self._warned = True
            warn(f"progress is not kept at the moment, the work goes on: {error}")

    def _take_over(self) -> None:
        """What others have written since: additions of other hosts; words and total where we have no newer."""
        with suppress(StoreError):
            record = self.store.get(self._record.id)
            if record is None:
                self._gone = True
                return
            if record.seq != self._record.seq:
                theirs = read_info(record, ProgressInfo)
                self._record = record
                if theirs is not None:
                    self._foreign = max(self._foreign, theirs.shared)
                    for name in ("message", "total"):
                        before, new = getattr(self._written, name), getattr(theirs, name)
                        if new != before and getattr(self.meter, name) == before:
                            setattr(self.meter, name, new)

    def _show(self, *, final: bool = False) -> None:
        with suppress(Exception):  # a front end that is gone is no reason to stop keeping
            if self._shown is not self._written and self._live.update(self._bundle, final=final):
                self._shown = self._written

    def _bundle(self) -> dict[str, object]:
        return display.bundle(core.numbered(self._record), Progress(self._written), self.store.id)


def settle_all() -> None:
    """At the end of the process: what still runs has stopped, unless an exception nobody caught ended it."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    for keeper in [*keepers.values(), *_lost]:
        if not keeper.mine:
            continue
        if isinstance(error, BaseException):
            keeper.blame(error, over=True)
        left = keeper.meter.left
        if keeper.meter.state == "running" or (left is not None and left.doubtful and id(keeper) in keepers):
            # an exception that ends the process and is not told of is `sys.exit`
            keeper.meter.end("stopped" if keeper.meter.in_block or left is not None else keeper.meter.ended_by_itself())
            keeper._saved = False
        if not keeper._saved:
            keeper.ended()


def _weakly(keeper: Keeper) -> Callable[[BaseException | None], None]:
    """`cell_ended` for a cell that may make bars by the thousand, and must not hold them all."""
    found = weakref.ref(keeper)

    def ended(error: BaseException | None) -> None:
        keeper = found()
        if keeper is not None:
            keeper.cell_ended(error)

    return ended
