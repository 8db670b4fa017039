"""`live_table`: a table that grows while something runs; an artifact that is written at most once a second.

Appending puts a row into a list. The ticker looks ten times a second whether a write is due, and a thread makes it, so
that a large one holds up no bar. The next write is due after `every` seconds, or later where writes take long or are
large: never more than a tenth of the time goes into them.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from nb_artifacts import core, display, outbox
from nb_artifacts.errors import InvalidValue, NotFound, StoreError, UnsupportedType
from nb_artifacts.handle import Artifact, switched_off
from nb_artifacts.live_rows import Rows
from nb_artifacts.notices import warn
from nb_artifacts.process import this_process
from nb_artifacts.redact import error_line
from nb_artifacts.ticker import ticker
from nb_artifacts.types import Table
from nb_artifacts.types._live import LiveTable as Info
from nb_artifacts.unwinding import state_of
from nb_artifacts.wire import Patch, now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from types import TracebackType
    from uuid import UUID

    from typing_extensions import Self

    from nb_artifacts.types.progress import State

SHARE = 10
"""The next write waits so many times as long as the last one took."""
BYTES = 4_000_000
"""Bytes a second that are written on the average."""
RETRY = 1.0
GIVES_UP = 60.0
"""Seconds for which the last write is tried again, where the store could not be written."""


def live_table(
    key: str | None = None,
    *,
    columns: Iterable[str] | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    every: float = 1.0,
    display: bool | None = None,
) -> LiveTable:
    """A table to append rows to, kept under `key` and shown where it is called, with a chart in the live view.

    ``with nba.live_table("training") as table: table.append(epoch=1, loss=0.3)``. The first row is on disk before its
    call returns, later ones within `every` seconds or, for tables so large that a write takes more than a tenth of that,
    within ten times what it takes; all of them when the ``with`` block ends. Then it is finished; an exception leaves it
    failed, a killed process interrupted.

    Args:
        key: Name of its line of versions.
        columns: Names of columns that come first; others may come with any row.
        description: Markdown.
        tags: Tags of the artifact.
        every: Seconds between two writes, 0.1 at least.
        display: Whether it is shown where it is called; None is what is configured.

    Raises `InvalidKey`, `InvalidValue` and `StoreError`.
    """
    if isinstance(every, bool) or not isinstance(every, (int, float)) or not 0.1 <= every <= 86_400:
        raise InvalidValue(f"every={every!r} is not a number of seconds: give 0.1 or more.")
    if isinstance(columns, str):
        raise InvalidValue(f"columns={columns!r} is one text: write columns=[{columns!r}].")
    rows = Rows(columns or ())
    return LiveTable(_Writer(rows, key, description, tags, float(every), display), rows)


class LiveTable:
    """A table that grows. Safe to use from any thread of the process that made it."""

    def __init__(self, writer: _Writer, rows: Rows) -> None:
        self._writer, self._rows = writer, rows
        self._begun = False

    def append(self, row: Mapping[str, Any] | None = None, /, **columns: Any) -> None:
        """One more row: a dict, or its cells by name. Costs next to nothing.

        Raises `InvalidValue` naming the column and row of a cell that cannot be kept, and after the table has ended;
        nothing is added then; and `UnsupportedType` for what is no row.
        """
        if not (row is None or hasattr(type(row), "keys")):
            raise UnsupportedType(f"append takes one row, a dict or its cells by name, not a {type(row).__name__}.")
        self._rows.append(columns if row is None else {**row, **columns})
        if not self._begun:
            self._begin()

    def extend(self, rows: Any) -> None:
        """Several rows: dicts, or a frame. All of them are added, or none. Errors as `append`, and `UnsupportedType`."""
        self._rows.extend(rows)
        if not self._begun:
            self._begin()

    def _begin(self) -> None:
        self._begun = True
        self._writer.write()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def artifact(self) -> Artifact:
        """The artifact, as last written."""
        return self._writer.artifact

    @property
    def state(self) -> State:
        """``running``, ``finished``, ``failed``, ``interrupted`` or ``stopped``."""
        return self._writer.state

    def finish(self) -> None:
        """No more rows come; what was appended is on disk when this returns."""
        self._writer.end("finished")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if error is None:
            self.finish()
        else:
            self._writer.end(state_of(error), error)

    def __del__(self) -> None:
        writer = self.__dict__.get("_writer")
        if writer is not None and writer.state == "running" and not sys.is_finalizing():
            writer.end("stopped", soon=True)

    def __repr__(self) -> str:
        return f"<LiveTable {self.artifact!r}, {self.state}, {len(self)} rows>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return self.artifact._repr_mimebundle_(include, exclude)


class _Writer:
    """Keeps the artifact of one live table as its rows are."""

    def __init__(
        self, rows: Rows, key: str | None, description: str | None, tags: Iterable[str] | None, every: float, show: bool | None
    ) -> None:
        self._rows, self._every = rows, every
        self.state: State = "running"
        self._error: str | None = None
        self._started = now()
        self._ended: datetime | None = None
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._due, self._gives_up = 0.0, 0.0
        self._warned = self._gone = False
        self._saved = True
        self._store = core.current_store()
        self._payload = self._made()
        try:
            self._record = core.keep(self._payload, key, description, tags=tags, hidden=switched_off(show))
            self._begin(show)
        except KeyboardInterrupt as stop:
            self._interrupted(stop)
            raise

    def _begin(self, show: bool | None) -> None:
        self._live, self._shown = display.Live(str(self._record.id)), self._record
        _writers.add(self)
        self.artifact._shown(show)
        ticker.add(self)

    def _interrupted(self, stop: KeyboardInterrupt) -> None:
        """It never began; if its artifact is there already, it says so."""
        found = self._store.get(stop.artifact_id) if hasattr(stop, "artifact_id") else self.__dict__.get("_record")
        if found is not None:
            self._record = self._shown = found
            self._live = display.Live(str(found.id))
            self.end("interrupted", stop)

    @property
    def id(self) -> UUID:
        """The artifact's."""
        return self._record.id

    @property
    def artifact(self) -> Artifact:
        """The artifact as last written."""
        return Artifact._of(self._record, self._store, self._payload)

    def _made(self) -> Table:
        """What is true now."""
        writer = this_process()
        table = self._rows.take()
        payload = Table(table)
        payload.live = Info(
            state=self.state, rows=table.num_rows, started=self._started, ended=self._ended, error=self._error,
            host=writer.host, boot_id=writer.boot_id, pid=writer.pid, process_started=writer.started,
        )  # fmt: skip
        return payload

    def tick(self, moment: float) -> None:
        """See `ticker.Member`: begin a write where one is due."""
        if self.state != "running" and (self._saved or moment > self._gives_up):
            ticker.remove(self)
            return
        if self._thread is not None and self._thread.is_alive():
            return
        if moment < self._due or not (self._rows.waiting or not self._saved):
            self._show()
        else:
            self._thread = threading.Thread(target=self.write, name="nb_artifacts-live-table", daemon=True)
            self._thread.start()

    def write(self) -> None:
        """Write what is true now; a store that cannot be written is warned of, once, and tried again."""
        with self._lock:
            if self._gone:
                return
            begun, final = time.monotonic(), self.state != "running"
            try:
                payload = self._made()
                self._record = self._store.patch(self._record.id, self._patch(payload), durable=final)
                self._payload, self._saved = payload, True
                outbox.wake()
            except NotFound:
                self._gone = self._saved = True  # deleted while it ran: nothing is left to write to
                return
            except StoreError as error:
                self._failed(error)
                return
            took, size = time.monotonic() - begun, self._record.blob.size if self._record.blob else 0
            self._due = time.monotonic() + max(self._every, SHARE * took, size / BYTES)
            self._show(final=final)

    def _patch(self, payload: Table) -> Patch:
        content = payload.content()
        assert content.blob is not None
        said = {**(self._record.metadata_ or {}), **content.metadata}
        return Patch(
            data=content.data, info=content.info, blob=self._store.put_blob(*content.blob),
            metadata_=UNSET if said == (self._record.metadata_ or {}) else said,
        )  # fmt: skip

    def _show(self, *, final: bool = False) -> None:
        record = self._record
        with suppress(Exception):  # a front end that is gone is no reason to stop keeping
            if record is not self._shown and self._live.update(self.artifact._bundle, final=final):
                self._shown = record

    def _failed(self, error: StoreError) -> None:
        self._saved, self._due = False, time.monotonic() + RETRY
        if not self._warned:
            self._warned = True
            warn(f"the live table is not kept at the moment, the work goes on: {error}")

    def end(self, state: State, error: BaseException | None = None, *, soon: bool = False) -> None:
        """No more rows come. Written when this returns, or, with `soon`, in a moment by the ticker."""
        if self.state != "running":
            return
        self.state, self._ended = state, now()
        self._error = None if error is None else error_line(error)
        self._rows.closed = f"the live table {self._record.key or self.id} has {_WORDS[state]}: it takes no more rows."
        self._saved, self._due, self._gives_up = False, 0.0, time.monotonic() + GIVES_UP
        ticker.add(self)
        if soon:
            ticker.hurry()
        else:
            self.write()

    def left_behind(self) -> None:
        """In a forked child: the table is the parent's."""
        self.state, self._saved, self._gone = "stopped", True, True
        self._lock = threading.RLock()
        self._rows.leave("this live table belongs to the process that made it: send the rows there.")


_WORDS = {"finished": "finished", "failed": "failed", "interrupted": "been interrupted", "stopped": "been stopped"}
_writers: weakref.WeakSet[_Writer] = weakref.WeakSet()


def _end_all() -> None:
    """At the end of the process: what still runs has stopped, with all its rows; by an exception, if one ends the process."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    for writer in list(_writers):
        if isinstance(error, BaseException):
            writer.end(state_of(error), error)
        writer.end("stopped")
        if not writer._saved:
            writer.write()


def _in_child() -> None:
    for writer in list(_writers):
        if writer.state == "running":
            writer.left_behind()


def _flush() -> None:
    """Write the rows that wait, before this process reads."""
    for writer in list(_writers):
        if writer._rows.waiting and writer.state == "running":
            writer.write()


core.before_read.append(_flush)
atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

__all__ = ["LiveTable", "live_table"]
