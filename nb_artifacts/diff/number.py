"""Two percentages or other numbers, and the series of a key's versions."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from nb_artifacts.diff.result import NumberDiff, Point
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query, Sort, decode_data

if TYPE_CHECKING:
    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record

MOST = 200
"""Versions of a series, the newest ones."""


def number_diff(before: Record, after: Record, store: Store) -> NumberDiff:
    """Both numbers, and those of every version of the second one's key."""
    return NumberDiff(before=number(before), after=number(after), series=_series(after, store))


def number(record: Record) -> float | None:
    """The number that a record's data is; None where it is none."""
    found = decode_data(record) if record.data is not UNSET else None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        return None
    return float(found)


def _series(record: Record, store: Store) -> list[Point]:
    if record.key is None:
        return []
    only = ArtifactFilter(key=KeyFilter(any_=[record.key]))
    found = store.find(Query(artifacts=only, sort=Sort.VERSION_DESC, limit=MOST))
    return [
        Point(version=one.version, value=number(one), state=_text(one.info.get("state")), seconds=_seconds(one.info))
        for one in reversed(found) if one.type == record.type
    ]  # fmt: skip


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _seconds(info: dict[str, Any]) -> float | None:
    try:
        started, ended = (msgspec.convert(info.get(name), datetime) for name in ("started", "ended"))
    except msgspec.ValidationError:
        return None
    return max((ended - started).total_seconds(), 0.0)
