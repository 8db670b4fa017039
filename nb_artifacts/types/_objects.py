"""Columns of Python objects ↔ Arrow, so that every object comes back equal and of its class.

`encode_objects` finds what a column holds and writes it in the plainest Arrow type; its spec says how to turn that back.
What has no Arrow type of its own is written as text. A column that would not come back equal is refused, with its row.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._guess import class_name, loaded
from nb_artifacts.types._nested import encode_json, encode_nested, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from nb_artifacts.types._sheet import Spec


class Absent:
    """Stands where a row has no such member at all."""


ABSENT = Absent()
_NULLS = ("None", "nan", "NaT", "NA", "absent")
_PLAIN: dict[type, str] = {
    str: "str", bytes: "bytes", bool: "bool", int: "int", float: "float", Decimal: "Decimal", date: "date", time: "time",
    datetime: "datetime", timedelta: "timedelta", UUID: "UUID", list: "list", dict: "dict", tuple: "tuple",
}  # fmt: skip
_NESTED = ("list", "dict", "tuple")
EXACT_FLOAT = 2**53
"""Whole numbers up to this are exact as floats."""


def encode_objects(values: Sequence[Any], name: str, *, loose: bool = False) -> tuple[pa.Array[Any], Spec]:
    """An Arrow array of objects, and how to get them back.

    `loose` also takes a mix of JSON values. Raises `InvalidValue` naming the column and a row that does not fit.
    """
    kinds = set(map(type, values))
    if any(kind.__module__ == "numpy" for kind in kinds):
        values = _unboxed(values)
        kinds = set(map(type, values))
    spec: Spec = {"as": "objects"}
    filled = _without_gaps(values, kinds, spec)
    if filled is not None:
        return _encode_real(filled, set(map(type, filled)) - {type(None)}, name, spec, loose=loose), spec
    real = {kind for kind in kinds if _null_code(kind) is None}
    nan_is_null = False
    if float in real and len(real) > 1:
        # NaN among texts or whole numbers stands for a missing one; among broken numbers it is a number.
        broken = any(type(value) is float and value == value for value in values)  # noqa: PLR0124 (NaN differs from itself)
        nan_is_null = not (broken and real == {int, float})
        if not broken:
            real.discard(float)
    if nan_is_null or any(kind is not type(None) for kind in kinds - real):
        codes = _null_codes(values, kinds, nan_is_null=nan_is_null)
        values = [None if code else value for value, code in zip(values, codes, strict=True)]
        _note_nulls(spec, codes)
    return _encode_real(values, real, name, spec, loose=loose), spec


def _unboxed(values: Sequence[Any]) -> list[Any]:
    import numpy as np

    boxes = (np.generic,)
    kept = (np.datetime64, np.timedelta64, np.complexfloating)
    return [v.item() if isinstance(v, boxes) and not isinstance(v, kept) else v for v in values]


def _null_code(kind: type) -> int | None:
    """Which null a class is, or None for a class of values."""
    if kind is type(None):
        return 1
    if kind is Absent:
        return 5
    if kind.__module__.startswith("pandas."):
        return {"NaTType": 3, "NAType": 4}.get(kind.__name__)
    return None


def _without_gaps(values: Any, kinds: set[type], spec: Spec) -> Any:
    """An array of objects with None for every NaN, where NaN can only stand for a missing value; None elsewhere.

    The texts of pandas 2 come like that by the million: what follows says the same of any sequence, one object at a time.
    """
    if float not in kinds or not kinds & {str, bool, bytes} or not isinstance(values, loaded("numpy", "ndarray")):
        return None
    import pandas as pd

    gone: Any = pd.isna(values)
    lost = values[gone]
    if float in set(map(type, values[~gone])) or Decimal in set(map(type, lost)):
        return None
    _note_nulls(spec, bytes(2 if type(value) is float else _null_code(type(value)) or 0 for value in lost))
    filled = values.copy()
    filled[gone] = None
    return filled


def _null_codes(values: Sequence[Any], kinds: set[type], *, nan_is_null: bool) -> bytes:
    """For each value which null it is; 0 for a value that is there."""
    found = {kind: _null_code(kind) or 0 for kind in kinds}
    if not nan_is_null:
        return bytes(found[type(value)] for value in values)
    return bytes(2 if type(v) is float and v != v else found[type(v)] for v in values)  # noqa: PLR0124 (NaN differs from itself)


def _note_nulls(spec: Spec, codes: bytes) -> None:
    used = set(codes) - {0}
    if len(used) == 1:
        spec["null"] = _NULLS[used.pop() - 1]
    elif used:
        spec["nulls"] = pack(bytes(code for code in codes if code))


def pack(content: bytes) -> str:
    """Bytes as compressed base64."""
    return b64encode(zlib.compress(content, 1)).decode()


def unpack(text: str) -> bytes:
    """What `pack` packed."""
    return zlib.decompress(b64decode(text))


def _encode_real(values: Sequence[Any], real: set[type], name: str, spec: Spec, *, loose: bool) -> pa.Array[Any]:
    import pyarrow as pa

    if not real:
        spec["of"] = "none"
        return pa.nulls(len(values))
    if loose and real == {int, float}:
        return _numbers(values, name, spec)
    if len(real) > 1:
        return _mixed(values, real, name, spec, loose=loose)
    (kind,) = real
    of = _PLAIN.get(kind) or _foreign(kind)
    if of is None:
        row = row_of(values, lambda value: type(value) is kind)
        raise InvalidValue(
            f"column {name!r}, row {row}: {class_name(values[row])} objects cannot be kept in a table; "
            "turn the column into text, numbers or dates first."
        )
    spec["of"] = of
    if of in _NESTED or of == "ndarray":
        return encode_nested(values, name, spec)
    try:
        return _typed(values, of, spec)
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        raise InvalidValue(f"column {name!r}, row {_failing(values, of)}: {_said(error)}") from None


def _said(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return f"the text has a lone surrogate at position {error.start}"
    return "the whole number has more than 4,300 digits" if "integer string conversion" in str(error) else str(error)


def _foreign(kind: type) -> str | None:
    if kind in loaded("pandas", "Timestamp", "Timedelta"):
        return kind.__name__
    return "ndarray" if kind in loaded("numpy", "ndarray") else None


def _failing(values: Sequence[Any], of: str) -> int:
    def fails(value: Any) -> bool:
        try:
            _typed([value], of, {})
        except Exception:  # noqa: BLE001 (whatever made the column fail)
            return True
        return False

    return row_of(values, fails)


def _typed(values: Sequence[Any], of: str, spec: Spec) -> pa.Array[Any]:
    import pyarrow as pa

    if of in {"int", "Decimal"}:
        return _exact(values, of, spec)
    aware = of == "time" and any(value is not None and value.tzinfo is not None for value in values)
    if aware or of == "UUID":
        return _as_text(values, time.isoformat if aware else str, spec)
    if of in {"datetime", "Timestamp"}:
        return _instants(values)
    fine = of == "Timedelta" and any(value is not None and value.unit == "ns" for value in values)
    known: dict[str, Any] = {
        "str": pa.string(), "bytes": pa.binary(), "bool": pa.bool_(), "float": pa.float64(), "date": pa.date32(),
        "time": pa.time64("us"), "timedelta": pa.duration("us"), "Timedelta": pa.duration("ns" if fine else "us"),
    }  # fmt: skip
    return cast("pa.Array[Any]", pa.array(values, known[of], from_pandas=False))


def _exact(values: Sequence[Any], of: str, spec: Spec) -> pa.Array[Any]:
    """Whole and decimal numbers; as text those that Arrow has no room for."""
    import pyarrow as pa

    with suppress(OverflowError, pa.ArrowInvalid):
        if of == "int":
            return pa.array(values, pa.int64(), from_pandas=False)
        if all(value is None or value.is_finite() for value in values):
            return cast("pa.Array[Any]", pa.array(values))
    return _as_text(values, str, spec)


def _instants(values: Sequence[Any]) -> pa.Array[Any]:
    """Points in time, all with a time zone or all without; those of several zones stand in that of the first."""
    import pyarrow as pa

    there = [value for value in values if value is not None]
    aware = {value.tzinfo is not None for value in there}
    if len(aware) > 1:
        raise ValueError("some times have a time zone and some have none")
    fine = any(getattr(value, "unit", "us") == "ns" for value in there)
    zone = pa.array(there[:1]).type.tz if aware == {True} else None
    return pa.array(values, pa.timestamp("ns" if fine else "us", zone))


def _as_text(values: Sequence[Any], write: Callable[[Any], str], spec: Spec) -> pa.Array[Any]:
    import pyarrow as pa

    spec["text"] = True
    return pa.array([None if value is None else write(value) for value in values], pa.string())


def _numbers(values: Sequence[Any], name: str, spec: Spec) -> pa.Array[Any]:
    """Whole and broken numbers mixed: floats, with a note of which were whole."""
    import pyarrow as pa

    if any(type(value) is int and abs(value) > EXACT_FLOAT for value in values):
        return encode_json(values, name, spec)
    spec["of"] = "number"
    spec["ints"] = pack(bytes(type(value) is int for value in values))
    return pa.array(values, pa.float64(), from_pandas=False)


def _mixed(values: Sequence[Any], real: set[type], name: str, spec: Spec, *, loose: bool) -> pa.Array[Any]:
    if loose and all(_PLAIN.get(kind) in ("str", "bool", "int", "float", "list", "dict") for kind in real):
        return encode_json(values, name, spec)
    first = row_of(values, lambda value: type(value) in real)
    other = row_of(values, lambda value: type(value) in real and type(value) is not type(values[first]))
    raise InvalidValue(
        f"column {name!r} mixes {class_name(values[first])} (row {first}) and {class_name(values[other])} (row {other}): "
        "a column has values of one kind; make them all text, for example with .astype(str)."
    )


def decode_objects(column: pa.ChunkedArray[Any] | pa.Array[Any], spec: Spec) -> list[Any]:
    """The objects that `encode_objects` wrote."""
    found: list[Any] = column.to_pylist()
    read = _reader(spec)
    if read is not None:
        found = [None if value is None else read(value) for value in found]
    if "ints" in spec:
        whole = unpack(spec["ints"])
        found = [int(value) if is_int else value for value, is_int in zip(found, whole, strict=True)]
    if "null" in spec or "nulls" in spec:
        found = _with_nulls(found, spec)
    return found


_READERS: dict[str, Callable[[Any], Any]] = {"int": int, "Decimal": Decimal, "time": time.fromisoformat, "UUID": UUID}
"""What turns the text back, where an object was written as text."""


def _reader(spec: Spec) -> Callable[[Any], Any] | None:
    of = spec["of"]
    read: Callable[[Any], Any] | None = json.loads if spec.get("json") else None
    if of == "tuple":
        return (lambda value: tuple(json.loads(value))) if read else tuple
    if of == "ndarray":
        import numpy as np

        return lambda value: np.asarray(value, dtype=spec["dtype"])
    if of in {"Timestamp", "Timedelta"}:
        import pandas as pd

        return pd.Timestamp if of == "Timestamp" else pd.Timedelta
    return _READERS[of] if spec.get("text") else read


def _with_nulls(found: list[Any], spec: Spec) -> list[Any]:
    if "null" in spec:
        one = _null(spec["null"])
        return [one if value is None else value for value in found]
    kinds = iter(unpack(spec["nulls"]))
    return [_null(_NULLS[next(kinds) - 1]) if value is None else value for value in found]


def _null(name: str) -> Any:
    if name in ("NaT", "NA"):
        import pandas as pd

        return pd.NaT if name == "NaT" else pd.NA
    return {"None": None, "nan": float("nan"), "absent": ABSENT}[name]
