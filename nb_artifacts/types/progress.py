"""Progress: how far something is, in numbers from which every viewer computes the same percentage and time left."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.notices import warn
from nb_artifacts.types._html import escaped, fit, line
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_data, read_info
from nb_artifacts.types.text import clip_text, count, duration, encodable, one_line, size, took

if TYPE_CHECKING:
    from typing_extensions import Self

    from nb_artifacts.wire import Record

State = Literal["running", "finished", "failed", "interrupted", "stopped"]
_BARS = {"running": "#1976d2", "finished": "#2e7d32", "failed": "#c62828", "interrupted": "#c62828", "stopped": "#b26a00"}
_MARKS = {"running": "▸", "finished": "✓", "failed": "✗", "interrupted": "✗", "stopped": "■"}

MAX_STEPS = 20
"""Rows below a bar that are kept; `ProgressInfo.hidden` counts finished ones beyond."""

MAX_CURVE = 48
"""Points of a bar's curve that are kept."""


class Step(Struct, kw_only=True, omit_defaults=True):
    """A row below a bar: a named part of the work, or a loop inside it. Rows stand in order; `level` 1 is the bar's own."""

    name: str
    state: State
    done: float
    started: datetime
    level: int = 1
    total: float | None = None
    unit: str | None = None
    ended: datetime | None = None
    rate: float | None = None
    message: str | None = None


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
    usual: float | None = None
    """Seconds that earlier finished runs of the key took."""
    steps: list[Step] = []
    hidden: int = 0
    """Finished steps that are not listed any more."""
    shared: float = 0.0
    """What of `done` other hosts have added."""
    curve: list[tuple[float, float]] = []
    """How it went: seconds since `started` and how much was done then; few points, however long it takes."""
    host: str | None = None
    boot_id: str | None = None
    pid: int | None = None
    process_started: float | None = None


def grown(curve: list[tuple[float, float]], seconds: float, done: float, *, last: bool = False) -> list[tuple[float, float]]:
    """`curve` with a new point, at most `MAX_CURVE`: none where nothing moved, or so soon that nobody would see it."""
    seconds = round(seconds, 2)
    kept = [point for at, point in enumerate(curve) if point[0] < seconds or (at == 0 and point[0] == seconds)]
    if kept and not last and (done == kept[-1][1] or seconds - kept[-1][0] <= seconds / MAX_CURVE):
        return curve if len(kept) == len(curve) else kept
    if len(kept) >= MAX_CURVE:
        kept = _thinned(kept, 2 * seconds / MAX_CURVE)
    return [*kept, (seconds, round(done, 6))]


def _thinned(curve: list[tuple[float, float]], apart: float) -> list[tuple[float, float]]:
    """The points that are so many seconds apart, from the first on; every other of those where they still are too many."""
    kept = curve[:1]
    for point in curve[1:]:
        if point[0] - kept[-1][0] >= apart:
            kept.append(point)
    return kept if len(kept) < MAX_CURVE else kept[::2]


def percent(info: ProgressInfo | Step) -> float:
    """From 0 to 100; an unknown total is 0 until it is finished."""
    if info.state == "finished":
        return 100.0
    if info.total is None or not math.isfinite(info.total):
        return 0.0
    if info.total <= 0:
        return 0.0 if info.state == "running" else 100.0
    return min(max(100.0 * info.done / info.total, 0.0), 100.0) if math.isfinite(info.done) else 0.0


def _whole(info: ProgressInfo | Step) -> int:
    """The whole percentage that is reached, as the browser's views say it: never 100 before the end."""
    return math.floor(percent(info) + 1e-9)


def seconds_left(info: ProgressInfo | Step, now: datetime | None = None, told: datetime | None = None) -> float | None:
    """The time from `now` to the end at the present rate; None where nothing tells it. The browser's views compute the same.

    Without a measured rate, the mean since `started` counts, from one second on. `told` is when `info` was news; without
    it that is now.
    """
    if info.state != "running" or info.total is None:
        return None
    since = max((now - told).total_seconds(), 0.0) if now is not None and told is not None else 0.0
    rate = info.rate
    if rate is None and now is not None and info.done > 0:
        passed = (now - info.started).total_seconds() - since
        rate = info.done / passed if passed >= 1 else None
    if rate is None or not rate > 0 or not math.isfinite(rate):
        return None
    left = (info.total - info.done) / rate
    return max(left - since, 0.0) if 0 <= left < 1e9 else None


def _number(value: float) -> str:
    return count(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:,.6g}"


def _amount(value: float, unit: str) -> str:
    """``157 days``; bytes as people say them: ``4.6 MB``."""
    return size(int(value)) if unit == "B" and abs(value) < 1e18 else f"{_number(value)} {unit}".rstrip()


def _pace(rate: float | None, unit: str) -> str:
    """``3.5 days/s``, ``12 s each``; nothing where no rate is known."""
    if rate is None or not 0 < rate < math.inf:
        return ""
    if rate >= 100 or (unit == "B" and rate >= 1):
        return f"{_amount(round(rate), unit)}/s"
    if rate >= 1:
        return f"{rate:.3g} {unit}".rstrip() + "/s"
    return f"{1 / rate:.2g} s each" if rate > 1 / 60 else f"{duration(1 / rate)} each"


def _ended(info: ProgressInfo | Step) -> str:
    """``100 % · finished in 14 s``, ``failed at 43 %``, ``stopped after 12 files``."""
    unit = one_line(info.unit or "")
    if info.state == "finished":
        how_long = f" in {took((info.ended - info.started).total_seconds())}" if info.ended else ""
        many = f" · {_amount(info.done, unit)}" if info.done and unit != "%" else ""
        return f"100 % · finished{how_long}{many}"
    if info.total is None:
        return f"{info.state} after {_amount(info.done, unit)}"
    return f"{info.state} at {_whole(info)} %"


def _running(info: ProgressInfo | Step, now: datetime, told: datetime | None) -> list[str]:
    unit = one_line(info.unit or "")
    if info.total is None:
        parts = [_amount(info.done, unit or "done")]
    else:
        parts = [f"{_whole(info)} %"]
        if unit != "%":
            done = _amount(info.done, unit) if unit == "B" else _number(info.done)
            parts.append(f"{done} of {_amount(info.total, unit)}")
    gone, left = (now - info.started).total_seconds(), seconds_left(info, now, told)
    parts += [_pace(info.rate, unit) if unit != "%" else "", f"{duration(gone)} gone" if gone >= 1 else ""]
    usual = getattr(info, "usual", None)
    if left is not None:
        parts.append(f"{duration(left)} left")
    elif usual is not None:
        parts.append(f"usually {duration(usual)}")
    return [part for part in parts if part]


def said(info: ProgressInfo | Step, now: datetime | None = None, told: datetime | None = None) -> str:
    """``43 % · 157 of 365 days · 3.5 days/s · 45 s gone · 1 min left``, and the error or message where there is one."""
    parts = _running(info, now or _now(), told) if info.state == "running" else [_ended(info)]
    more = (getattr(info, "error", None), info.message)
    parts += [clip_text(one_line(text), 120) for text in more if text]
    return " · ".join(parts)


class Progress(Payload):
    """A percentage, or the fuller `ProgressInfo` of a bar.

    A percentage outside 0 to 100 is clamped with a warning. Raises `InvalidValue` for NaN and infinity, and
    `UnsupportedType` for what is no number.
    """

    type = "progress"
    Info = ProgressInfo
    tells_itself = True

    def __init__(self, value: float | ProgressInfo = 0.0) -> None:
        self.info = value if isinstance(value, ProgressInfo) else _from_percent(value)
        _check(self.info)
        self.percent: float = percent(self.info) if isinstance(value, ProgressInfo) else self.info.done
        self.told: datetime | None = None
        """When a store had news of it; None is now."""

    def moved(self, value: float) -> Progress:
        """The same progress at another percentage; 100 finishes it. Errors as for a new one."""
        moved = _clamped(value)
        total = self.info.total if self.info.total is not None else 100.0
        finished, moment, done = moved >= 100.0, _now(), moved * total / 100.0
        seconds = (moment - self.info.started).total_seconds()
        info = msgspec.structs.replace(
            self.info, done=done, total=total, rate=None, error=None, state="finished" if finished else "running",
            ended=moment if finished else None, curve=grown(self.info.curve, seconds, done, last=finished),
        )  # fmt: skip
        return Progress(info)

    def content(self) -> Content:
        """See `Payload`."""
        return Content(raw(self.percent), builtins(self.info))

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:  # noqa: ARG003 (a progress has no bytes)
        """See `Payload`. What another client stored is clamped without a word; no number counts as 0."""
        made = cls.__new__(cls)
        made.told = record.updated
        found = read_data(record)
        given = float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else 0.0
        made.percent = min(max(given, 0.0), 100.0)
        info = read_info(record, ProgressInfo)
        if info is None:
            done = made.percent >= 100.0
            info = ProgressInfo(
                state="finished" if done else "running", done=made.percent, total=100.0, unit="%",
                started=record.created, ended=record.updated if done else None,
            )  # fmt: skip
        made.info = info
        return made

    @property
    def value(self) -> float:
        """The percentage."""
        return self.percent

    def summary(self, now: datetime | None = None) -> str:
        """``43 % · 157 of 365 days · 3.5 days/s · 45 s gone · 1 min left``; `now` is the time it is said at."""
        return said(self.info, now, self.told)

    def _rows(self, now: datetime, *, running: bool = False) -> list[tuple[Step, str]]:
        """The steps, each with its line of words."""
        rows = [step for step in self.info.steps if step.state == "running" or not running]
        return [
            (step, f"{clip_text(one_line(step.name), 80)} · {said(step, now, self.told)}".removeprefix(" · ")) for step in rows
        ]

    def text(self) -> str:
        """A bar of 40 signs and the summary; a line for each step."""
        now, filled = _now(), int(self.percent * 40 / 100)
        lines = [f"[{'#' * filled}{'.' * (40 - filled)}] {self.summary(now)}"]
        if self.info.hidden:
            lines.append(f"  ✓ {count(self.info.hidden)} earlier")
        lines += [f"{'  ' * step.level}{_MARKS[step.state]} {words}" for step, words in self._rows(now)]
        return clip_text("\n".join(lines), 4000)

    def html(self, room: int) -> str:
        """A bar that assistive technology reads as one, its state in words beside it, and a line for each step."""
        now = _now()
        top = _bar(self.info, escaped(self.summary(now), 400))

        def tree(*, running: bool) -> str:
            rows = [_row(step, escaped(words, 300)) for step, words in self._rows(now, running=running)]
            hidden = f'<div style="opacity:0.75">✓ {count(self.info.hidden)} earlier</div>' if self.info.hidden else ""
            return top + hidden + "".join(rows)

        found = fit(room, [lambda: tree(running=False), lambda: tree(running=True), lambda: top])
        return found or line(self.summary(now), room)

    def file(self, suffix: str) -> bytes:
        """``.json``."""
        if suffix in ("", ".json"):
            return msgspec.json.format(msgspec.json.encode({"percent": self.percent, **builtins(self.info)})) + b"\n"
        raise no_suffix(suffix, "a progress", (".json",))


def _bar(info: ProgressInfo | Step, words: str) -> str:
    """A bar that assistive technology reads as one, and its words."""
    part = percent(info)
    running = f"running, {_whole(info)} %" if info.total else "running"
    spoken = escaped(running if info.state == "running" else _ended(info), 200)
    open_end = info.total is None and info.state == "running"
    now = "" if open_end else f' aria-valuenow="{_whole(info)}"'
    return (
        f'<div role="progressbar" aria-valuemin="0" aria-valuemax="100"{now} aria-valuetext="{spoken}" '
        'style="background-color:rgba(128,128,128,0.3);max-width:40em">'
        f'<div style="height:6px;width:{part:.1f}%;background-color:{_BARS[info.state]}"></div></div><div>{words}</div>'
    )


def _row(step: Step, words: str) -> str:
    """A step as one line; a bar over it while it runs."""
    indent = 16 * min(step.level, 6)
    if step.state == "running" and step.total is not None:
        return f'<div style="margin-left:{indent}px">{_bar(step, words)}</div>'
    return f'<div style="margin-left:{indent}px">{_MARKS[step.state]} {words}</div>'


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _clamped(value: Any) -> float:
    if isinstance(value, (bool, str, bytes)) or not hasattr(type(value), "__float__"):
        raise UnsupportedType(f"progress takes a number from 0 to 100, not {type(value).__name__}.")
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValue(f"progress={value!r:.40} is not a number from 0 to 100.")
    if not 0.0 <= number <= 100.0:
        warn(f"progress={number:g} is outside 0 to 100 and was clamped.")
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
