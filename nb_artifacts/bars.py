"""`track`: a loop's progress as an artifact; and the bar of a ``%%artifact progress`` cell.

A bar writes to the store at most ten times a second, the last value always and before the call returns.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from nb_artifacts import cells, core, display
from nb_artifacts.artifacts import Artifact
from nb_artifacts.errors import InvalidValue, StoreError, UnsupportedType
from nb_artifacts.process import this_process
from nb_artifacts.redact import error_line
from nb_artifacts.types.progress import Progress, ProgressInfo
from nb_artifacts.wire import now

if TYPE_CHECKING:
    from types import CodeType

    from nb_artifacts.types.progress import State

T = TypeVar("T")

WRITE_EVERY = 0.1
"""Seconds between two writes of a bar."""

_MEMORY = 0.7
"""Weight of the rate so far against the newest measurement."""


class Bar:
    """One progress artifact while it runs. Not for several threads at once."""

    def __init__(
        self,
        key: str | None,
        description: str | None,
        total: float | None,
        *,
        unit: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        writer = this_process()
        self.info = ProgressInfo(
            state="running", done=0.0, total=total, unit=unit, started=now(), host=writer.host, boot_id=writer.boot_id,
            pid=writer.pid, process_started=writer.started,
        )  # fmt: skip
        record = core.keep(Progress(self.info), key, description, tags=tags)
        self.artifact = Artifact._of(record, core.current_store(), Progress(self.info))
        self.live = display.Live(str(record.id))
        self.due = time.monotonic() + WRITE_EVERY
        self._seen = (self.due - WRITE_EVERY, 0.0)
        self._warned = False

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.info.state == "running"

    def at(self, done: float) -> None:
        """Write how far it is; call it when `due` has passed."""
        moment = time.monotonic()
        before, had = self._seen
        newest = (done - had) / (moment - before) if moment > before else 0.0
        rate = newest if self.info.rate is None else _MEMORY * self.info.rate + (1 - _MEMORY) * newest
        self._seen, self.due = (moment, done), moment + WRITE_EVERY
        self._write(msgspec.structs.replace(self.info, done=done, rate=rate), durable=False)

    def end(self, state: State, done: float | None = None, error: BaseException | None = None) -> None:
        """Write the last value."""
        ended = now()
        info = msgspec.structs.replace(self.info, state=state, ended=ended, error=_said(error))
        info.done = self.info.done if done is None else done
        if state == "finished" and self.info.total is not None:
            info.done = self.info.total
        passed = (ended - info.started).total_seconds()
        info.rate = info.done / passed if passed > 0 and info.done else None
        self._write(info, durable=True)

    def _write(self, info: ProgressInfo, *, durable: bool) -> None:
        self.info = info
        try:
            payload = Progress(info)
            record = core.change(self.artifact.id, payload, durable=durable)
        except StoreError as error:
            if not self._warned:
                self._warned = True
                warnings.warn(f"progress is not kept at the moment, the loop goes on: {error}", stacklevel=2)
            return
        self.artifact._record, self.artifact._payload = record, payload
        self.live.update(self.artifact._bundle, final=durable)

    def finished(self) -> Artifact:
        """End it at 100 %; gives its artifact."""
        if self.running:
            self.end("finished")
        return self.artifact


def _said(error: BaseException | None) -> str | None:
    return None if error is None or isinstance(error, KeyboardInterrupt) else error_line(error)


def track(
    iterable: Iterable[T], key: str | None = None, total: float | None = None, description: str | None = None
) -> Iterable[T]:
    """Iterate over `iterable` with its progress kept under `key` and shown where it is called.

    `total` is the number of items; without it ``len(iterable)`` where there is one, else the end is open. A `break`
    leaves "stopped", an error in the loop "failed", `KeyboardInterrupt` "interrupted"; they pass through.
    Raises `InvalidKey`, `UnsupportedType` for what cannot be iterated, and `StoreError`, before the first item.
    """
    if not isinstance(iterable, Iterable):
        raise UnsupportedType(f"track takes an iterable, not {type(iterable).__name__}.")
    if total is None:
        with suppress(TypeError):
            total = len(iterable)  # type: ignore[arg-type]
    elif not isinstance(total, (int, float)) or isinstance(total, bool) or not 0 <= total < float("inf"):
        raise InvalidValue(f"total={total!r} is not a number of items: give 0 or more, or leave it out.")
    import sys

    return _Loop(iterable, Bar(key, description, total), sys._getframe(1).f_code)


class _Loop(Generic[T]):
    """What `track` gives: iterated once, settled when it is let go of."""

    def __init__(self, iterable: Iterable[T], bar: Bar, owner: CodeType) -> None:
        self._iterable, self._bar, self._owner = iterable, bar, owner
        bar.artifact._shown()
        cell = cells.current()
        if cell is not None:
            cell.at_end.append(self._cell_ended)

    def __len__(self) -> int:
        return len(self._iterable)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[T]:
        bar, clock, done = self._bar, time.monotonic, 0
        try:
            for item in self._iterable:
                yield item
                done += 1
                if clock() >= bar.due:
                    bar.at(done)
            bar.end("finished", done)
        except GeneratorExit:
            bar.end("stopped", done)
            raise
        except BaseException as error:
            bar.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", done, error)
            raise

    def _cell_ended(self, error: BaseException | None) -> None:
        """A loop's iterator is closed alike by `break` and by an error of its body: the error's frames tell them apart."""
        if error is None or self._bar.info.state not in {"running", "stopped"}:
            return
        traceback = error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code is self._owner:
                self._bar.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", error=error)
                return
            traceback = traceback.tb_next

    def __del__(self) -> None:
        bar = getattr(self, "_bar", None)
        if bar is not None and bar.running:
            with suppress(Exception):
                bar.end("stopped")


def cell_bar(key: str | None, description: str | None, tags: Iterable[str] | None) -> Bar:
    """The bar of a cell: runs for as long as the cell does, and fails with it."""
    bar = Bar(key, description, None, tags=tags)
    bar.artifact._shown()
    cell = cells.current()

    def ended(error: BaseException | None) -> None:
        if bar.running:
            state: State = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed" if error else "finished"
            bar.end(state, error=error)

    if cell is not None:
        cell.at_end.append(ended)
    return bar
