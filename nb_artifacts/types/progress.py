"""Progress: how far something is, in numbers from which every viewer computes the same percentage and time left."""

from __future__ import annotations

import math
import warnings
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec
from msgspec import Struct

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types._html import escaped, fit, line
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_data, read_info
from nb_artifacts.types.text import clip_text, count, duration, encodable, one_line

if TYPE_CHECKING:
    from typing_extensions import Self

    from nb_artifacts.wire import Record

State = Literal["running", "finished", "failed", "interrupted", "stopped"]
_BARS = {"running": "#1976d2", "finished": "#2e7d32", "failed": "#c62828", "interrupted": "#c62828", "stopped": "#b26a00"}


class ProgressInfo(Struct, kw_only=True, omit_defaults=True):
    """How far something is. `done` and `total` are in `unit`s; a `total` of None is not known beforehand.

    `host`, `boot_id`, `pid` and `process_started` say which process writes it, so that a reader on the same host can
    tell whether it still lives.
    """

    state: State
    done: float
    started: datetime
    total: float | None = None
    unit: str | None = None
    ended: datetime | None = None
    rate: float | None = None
    """Units a second, as measured lately."""
    error: str | None = None
    message: str | None = None
    host: str | None = None
    boot_id: str | None = None
    pid: int | None = None
    process_started: float | None = None


def percent(info: ProgressInfo) -> float:
    """From 0 to 100; an unknown total is 0 until it is finished."""
    if info.total is None or not math.isfinite(info.total):
        return 100.0 if info.state == "finished" else 0.0
    if info.total <= 0:
        return 100.0
    return min(max(100.0 * info.done / info.total, 0.0), 100.0) if math.isfinite(info.done) else 0.0


def seconds_left(info: ProgressInfo, now: datetime | None = None) -> float | None:
    """The time to the end at the present rate; None where nothing tells it.

    Without a measured rate, the mean since `started` until `now` counts.
    """
    if info.state != "running" or info.total is None:
        return None
    rate = info.rate
    if rate is None and now is not None and info.done > 0:
        passed = (now - info.started).total_seconds()
        rate = info.done / passed if passed > 0 else None
    if rate is None or not rate > 0 or not math.isfinite(rate):
        return None
    left = (info.total - info.done) / rate
    return left if 0 <= left < 1e9 else None


def _number(value: float) -> str:
    return count(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:,.6g}"


class Progress(Payload):
    """A percentage, or the fuller `ProgressInfo` of a bar.

    A percentage outside 0 to 100 is clamped with a warning. Raises `InvalidValue` for NaN and infinity, and
    `UnsupportedType` for what is no number.
    """

    type = "progress"
    Info: ClassVar[type[Struct]] = ProgressInfo

    def __init__(self, value: float | ProgressInfo = 0.0) -> None:
        self.info = value if isinstance(value, ProgressInfo) else _from_percent(value)
        _check(self.info)
        self._given = percent(self.info) if isinstance(value, ProgressInfo) else self.info.done

    def moved(self, value: float) -> Progress:
        """The same progress at another percentage; 100 finishes it. Errors as for a new one."""
        moved = _clamped(value)
        total = self.info.total if self.info.total is not None else 100.0
        finished = moved >= 100.0
        info = msgspec.structs.replace(
            self.info, done=moved * total / 100.0, total=total, rate=None, error=None,
            state="finished" if finished else "running", ended=_now() if finished else None,
        )  # fmt: skip
        return Progress(info)

    def content(self) -> Content:
        """See `Payload`."""
        return Content(raw(self._given), builtins(self.info))

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:  # noqa: ARG003 (a progress has no bytes)
        """See `Payload`. What another client stored is clamped without a word; no number counts as 0."""
        made = cls.__new__(cls)
        found = read_data(record)
        given = float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else 0.0
        made._given = min(max(given, 0.0), 100.0)
        info = read_info(record, ProgressInfo)
        if info is None:
            done = made._given >= 100.0
            info = ProgressInfo(
                state="finished" if done else "running", done=made._given, total=100.0, unit="%",
                started=record.created, ended=record.updated if done else None,
            )  # fmt: skip
        made.info = info
        return made

    @property
    def value(self) -> float:
        """The percentage."""
        return self._given

    def _said(self, now: datetime | None) -> str:
        info, part = self.info, f"{self._given:.0f} %" if self.info.total is not None else None
        if info.state == "finished":
            return f"finished in {duration((info.ended - info.started).total_seconds())}" if info.ended else "finished"
        if info.state == "running":
            return part or f"{_number(info.done)} {info.unit or 'done'}"
        return f"{info.state} at {part}" if part else f"{info.state} after {_number(info.done)} {info.unit or ''}".rstrip()

    def summary(self, now: datetime | None = None) -> str:
        """``43 % · 157 of 365 days · 2 min left``; `now` tells a rate where none was measured."""
        info, parts = self.info, [self._said(now)]
        if info.state == "running" and info.total is not None and info.unit != "%":
            parts.append(f"{_number(info.done)} of {_number(info.total)} {one_line(info.unit or '')}".rstrip())
        left = seconds_left(info, now)
        if left is not None:
            parts.append(f"{duration(left)} left")
        parts += [clip_text(one_line(more), 120) for more in (info.error, info.message) if more]
        return " · ".join(parts)

    def text(self) -> str:
        """A bar of 40 signs and the summary."""
        filled = int(self._given * 40 / 100)
        return f"[{'#' * filled}{'.' * (40 - filled)}] {self.summary()}"

    def html(self, room: int) -> str:
        """A bar that assistive technology reads as one, its state in words beside it."""
        said = self.summary()
        now = "" if self.info.total is None and self.info.state == "running" else f' aria-valuenow="{self._given:.0f}"'
        words = escaped(said, 400)
        bar = (
            f'<div role="progressbar" aria-valuemin="0" aria-valuemax="100"{now} aria-valuetext="{words}" '
            'style="height:6px;border-radius:3px;overflow:hidden;background-color:rgba(128,128,128,0.3);max-width:40em">'
            f'<div style="height:6px;width:{self._given:.1f}%;background-color:{_BARS[self.info.state]}"></div></div>'
        )
        found = fit(room, [lambda: f'{bar}<div style="margin-top:4px">{words}</div>'])
        return found or line(said, room)

    def file(self, suffix: str) -> bytes:
        """``.json``."""
        if suffix in ("", ".json"):
            return msgspec.json.format(msgspec.json.encode({"percent": self._given, **builtins(self.info)})) + b"\n"
        raise no_suffix(suffix, "a progress", (".json",))


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _clamped(value: Any) -> float:
    if isinstance(value, (bool, str, bytes)) or not hasattr(type(value), "__float__"):
        raise UnsupportedType(f"progress takes a number from 0 to 100, not {type(value).__name__}.")
    number = float(value)
    if not math.isfinite(number):
        raise InvalidValue(f"progress={number} is not a number from 0 to 100.")
    if not 0.0 <= number <= 100.0:
        warnings.warn(f"progress={number:g} is outside 0 to 100 and was clamped.", UserWarning, stacklevel=4)
    return min(max(number, 0.0), 100.0)


def _from_percent(value: Any) -> ProgressInfo:
    number, moment = _clamped(value), _now()
    done = number >= 100.0
    return ProgressInfo(
        state="finished" if done else "running", done=number, total=100.0, unit="%", started=moment,
        ended=moment if done else None,
    )  # fmt: skip


def _check(info: ProgressInfo) -> None:
    for name in ("done", "total", "rate"):
        number = getattr(info, name)
        if number is not None and not math.isfinite(number):
            raise InvalidValue(f"{name}={number} of a progress is not a finite number.")
    for name in ("unit", "error", "message"):
        text = getattr(info, name)
        if text is not None:
            encodable(text, f"{name} of a progress")
