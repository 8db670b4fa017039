"""Cells of an Arrow table as JSON values: null for NaN and infinity, ISO for times, every digit of a number."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts.types._objects import unpack

if TYPE_CHECKING:
    import pyarrow as pa

    from nb_artifacts.types._sheet import Spec

_FITS = range(-(2**63), 2**64)
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def cells(column: pa.ChunkedArray[Any], spec: Spec, start: int = 0) -> list[Any]:
    """The cells of a column from row `start` on, each a value that `msgspec.json.encode` writes."""
    import pyarrow as pa

    kind: Any = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _extension_cells(column)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_timestamp(kind):
        return _time_cells(column)
    if pa.types.is_duration(kind):
        column = column.cast(pa.duration("us"), safe=False)
    elif pa.types.is_time(kind):
        column = column.cast(pa.time64("us"), safe=False)
    return _plain_cells(column.to_pylist(), kind, spec, start)


def _plain_cells(values: list[Any], kind: Any, spec: Spec, start: int) -> list[Any]:
    import pyarrow.types as is_

    if spec.get("json") or (spec.get("text") and spec.get("of") == "int"):
        return [None if value is None else msgspec.Raw(value.encode()) for value in values]
    if "ints" in spec:
        whole = unpack(spec["ints"])[start:]
        return [int(v) if is_int else jsonable(v) for v, is_int in zip(values, whole, strict=False)]
    if is_.is_float16(kind):
        return [None if value is None else jsonable(float(value)) for value in values]
    if is_.is_integer(kind) or is_.is_boolean(kind) or is_.is_string(kind) or is_.is_large_string(kind):
        return values
    return [jsonable(value) for value in values]


def _extension_cells(column: Any) -> list[Any]:
    """Periods and intervals as pandas writes them; other extension types as what they are stored as."""
    import pyarrow as pa

    if len(column) and getattr(column.type, "extension_name", "") in {"pandas.period", "pandas.interval"}:
        found = column.to_pandas()
        return [None if missing else str(value) for value, missing in zip(found, found.isna(), strict=True)]
    stored = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    return cells(stored, {})


def _time_cells(column: Any) -> list[Any]:
    """ISO 8601 with no more digits than there are, and the offset where there is a time zone."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    zone, unit = column.type.tz, column.type.unit
    plain: Any = column.cast(pa.timestamp(unit))
    local: Any = plain
    if zone:
        with suppress(pa.ArrowException, ValueError):  # no time zone database here: in UTC
            local = pc.local_timestamp(column)
    texts = np.datetime_as_string(_whole(local).astype(f"datetime64[{unit}]"))
    offsets = (_whole(local) - _whole(plain)) // _UNITS[unit]
    valid = column.is_valid().to_pylist()
    return [
        _short(text) + (_offset(int(offset)) if zone else "") if ok else None
        for text, offset, ok in zip(texts, offsets, valid, strict=True)
    ]


def _whole(column: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    whole = column.cast(pa.int64())
    if whole.null_count:
        whole = whole.fill_null(0)
    return np.from_dlpack(whole.combine_chunks())  # `to_numpy` would load pandas


def _short(text: str) -> str:
    day, _, clock = str(text).partition("T")
    if "." in clock:
        clock = clock.rstrip("0").rstrip(".")
    return f"{day}T{clock}"


def _offset(seconds: int) -> str:
    minutes, rest = divmod(abs(seconds), 60)
    end = f":{rest:02d}" if rest else ""
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}{end}"


def jsonable(value: Any) -> Any:
    """Any Python value as one that JSON holds; what it has no word for as its text."""
    if isinstance(value, (list, tuple)):
        return [jsonable(part) for part in value]
    if isinstance(value, dict):
        return {str(name): jsonable(part) for name, part in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if value in _FITS else msgspec.Raw(str(value).encode())
    return value if value is None or isinstance(value, str) else _worded(value)


def _worded(value: Any) -> str:
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return span(value)
    return repr(value) if isinstance(value, (bytes, bytearray)) else str(value)


def span(value: timedelta) -> str:
    """A duration as pandas writes it: ``1 days 02:03:04``."""
    total = value.seconds
    clock = f"{total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}"
    return f"{value.days} days {clock}" + (f".{value.microseconds:06d}" if value.microseconds else "")
