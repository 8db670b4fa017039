"""Columns of Python objects ↔ Arrow, so that every object comes back equal and of its class.

`encode_objects` finds what a column holds and writes it in the plainest Arrow type; its spec says how to turn that back.
What has no Arrow type of its own is written as text. A column that would not come back equal is refused, with its row.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._guess import class_name, loaded

if TYPE_CHECKING:
    from nb_artifacts.types._sheet import Spec
    from collections.abc import Callable, Iterable, Sequence
    import pyarrow as pa


class Absent:
    """Stands where a row has no such member at all."""


ABSENT = Absent()
_NULLS = ("None", "nan", "NaT", "NA", "absent")
_PLAIN: dict[type, str] = {
    str: "str", bytes: "bytes", bool: "bool", int: "int", float: "float", Decimal: "Decimal", date: "date", time: "time",
    datetime: "datetime", timedelta: "timedelta", UUID: "UUID", list: "list", dict: "dict", tuple: "tuple",
}  # fmt: skip
_NESTED = ("list", "dict", "tuple")
_EXACT_FLOAT = 2**53
_MAX_DEPTH = 100


def encode_objects(values: Sequence[Any], name: str, *, loose: bool = False) -> tuple[pa.Array[Any], Spec]:
    """An Arrow array of objects, and how to get them back.

    `loose` also takes a mix of JSON values. Raises `InvalidValue` naming the column and a row that does not fit.
    """
    kinds = set(map(type, values))
    if any(kind.__module__ == "numpy" for kind in kinds):
        values = _unboxed(values)
        kinds = set(map(type, values))
    real = {kind for kind in kinds if _null_code(kind) is None}
    nan_is_null = False
    if float in real and len(real) > 1:
        # NaN among texts or whole numbers stands for a missing one; among broken numbers it is a number.
        broken = any(type(value) is float and value == value for value in values)  # noqa: PLR0124
        nan_is_null = not (broken and real == {int, float})
        if not broken:
            real.discard(float)
    spec: Spec = {"as": "objects"}
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


def _null_codes(values: Sequence[Any], kinds: set[type], *, nan_is_null: bool) -> bytes:
    """For each value which null it is; 0 for a value that is there."""
    found = {kind: _null_code(kind) or 0 for kind in kinds}
    if not nan_is_null:
        return bytes(found[type(value)] for value in values)
    return bytes(2 if type(v) is float and v != v else found[type(v)] for v in values)  # noqa: PLR0124


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


def row_of(values: Iterable[Any], test: Callable[[Any], bool], default: int = 0) -> int:
    """The first row whose value passes `test`."""
    return next((row for row, value in enumerate(values) if test(value)), default)


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
        return _nested(values, name, spec)
    try:
        return _typed(values, of, spec)
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        raise InvalidValue(f"column {name!r}, row {_failing(values, of)}: {error}") from None


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

    if of == "int":
        try:
            return pa.array(values, pa.int64(), from_pandas=False)
        except (OverflowError, pa.ArrowInvalid):
            return _as_text(values, str, spec)
    if of == "Decimal":
        exact = all(value is None or value.is_finite() for value in values)
        try:
            return pa.array(values) if exact else _as_text(values, str, spec)
        except pa.ArrowInvalid:
            return _as_text(values, str, spec)
    if of == "time" and any(value is not None and value.tzinfo is not None for value in values):
        return _as_text(values, time.isoformat, spec)
    if of == "UUID":
        return _as_text(values, str, spec)
    if of in {"datetime", "Timestamp"}:
        return _instants(values)
    if of == "Timedelta":
        return pa.array(values, pa.duration("ns" if any(v is not None and v.unit == "ns" for v in values) else "us"))
    known: Any = {"str": pa.string(), "bytes": pa.binary(), "bool": pa.bool_(), "float": pa.float64(), "date": pa.date32(),
             "time": pa.time64("us"), "timedelta": pa.duration("us")}  # fmt: skip
    return cast("pa.Array[Any]", pa.array(values, known.get(of), from_pandas=False))


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

    if any(type(value) is int and abs(value) > _EXACT_FLOAT for value in values):
        return _json(values, name, spec)
    spec["of"] = "number"
    spec["ints"] = pack(bytes(type(value) is int for value in values))
    return pa.array(values, pa.float64(), from_pandas=False)


def _mixed(values: Sequence[Any], real: set[type], name: str, spec: Spec, *, loose: bool) -> pa.Array[Any]:
    if loose and all(_PLAIN.get(kind) in ("str", "bool", "int", "float", "list", "dict") for kind in real):
        return _json(values, name, spec)
    first = row_of(values, lambda value: type(value) in real)
    other = row_of(values, lambda value: type(value) in real and type(value) is not type(values[first]))
    raise InvalidValue(
        f"column {name!r} mixes {class_name(values[first])} (row {first}) and {class_name(values[other])} (row {other}): "
        "a column has values of one kind; make them all text, for example with .astype(str)."
    )


def _nested(values: Sequence[Any], name: str, spec: Spec) -> pa.Array[Any]:
    """Lists, dicts, tuples and arrays: as Arrow lists and structs if they come back equal so, else as JSON text."""
    import pyarrow as pa

    if spec["of"] == "ndarray":
        return _arrays(values, name, spec)
    plain = [list(value) if type(value) is tuple else value for value in values]
    row = row_of(plain, _too_deep, -1)
    if row >= 0:
        raise InvalidValue(f"column {name!r}, row {row}: lists and dicts are nested more than {_MAX_DEPTH} deep.")
    flat = _flat_type(plain) if spec["of"] != "dict" else None
    with suppress(pa.ArrowException, ValueError, TypeError, OverflowError):
        array = pa.array(plain, flat, from_pandas=False)
        # Parquet has no place for a struct without members.
        whole = not pa.types.is_null(array.type) and "struct<>" not in str(array.type)
        if flat is not None or (whole and _same(array.to_pylist(), plain)):
            return cast("pa.Array[Any]", array)
    return _json(plain, name, spec)


def _too_deep(value: Any, left: int = 0) -> bool:
    kind = type(value)
    if kind not in (list, dict, tuple):
        return False
    if left >= _MAX_DEPTH:
        return True
    return any(_too_deep(part, left + 1) for part in (value.values() if kind is dict else value))


def _flat_type(values: Sequence[Any]) -> Any:
    """The Arrow type of lists that hold texts, or one kind of numbers, and nothing else; None for all others."""
    import pyarrow as pa

    kinds = set(map(type, chain.from_iterable(value for value in values if value is not None))) - {type(None)}
    known = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    only = next(iter(kinds)) if len(kinds) == 1 else None
    return pa.list_(known[only]) if only in known else None


def _same(one: Any, other: Any) -> bool:
    """Equal, of the same classes, and dicts in the same order, NaN being NaN."""
    if type(one) is not type(other):
        return False
    if type(one) is list:
        return len(one) == len(other) and all(map(_same, one, other))
    if type(one) is dict:
        return list(one) == list(other) and all(map(_same, one.values(), other.values()))
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124


def _arrays(values: Sequence[Any], name: str, spec: Spec) -> pa.Array[Any]:
    import pyarrow as pa

    there = [value for value in values if value is not None]
    dtypes = {value.dtype for value in there}
    if len(dtypes) > 1 or any(value.ndim != 1 for value in there) or next(iter(dtypes)).kind not in "iufb":
        row = row_of(
            values,
            lambda value: (
                value is not None and (value.ndim != 1 or value.dtype != there[0].dtype or value.dtype.kind not in "iufb")
            ),
        )
        raise InvalidValue(f"column {name!r}, row {row}: arrays in cells have one dimension and one dtype of numbers.")
    spec["dtype"] = str(next(iter(dtypes)))
    return pa.array(list(values), pa.list_(pa.from_numpy_dtype(next(iter(dtypes)))), from_pandas=False)


def _json(values: Sequence[Any], name: str, spec: Spec) -> pa.Array[Any]:
    import pyarrow as pa

    spec.setdefault("of", "json")
    spec["json"] = True
    written = []
    for row, value in enumerate(values):
        problem = None if value is None else json_problem(value)
        if problem is not None:
            raise InvalidValue(f"column {name!r}, row {row}: {problem}")
        written.append(None if value is None else write_json(value))
    return pa.array(written, pa.string())


def json_problem(value: Any, depth: int = 0) -> str | None:
    """Why a value would not come back equal from JSON, or None."""
    kind = type(value)
    if value is None or kind in (bool, int):
        return None
    if kind is str:
        return None if value.isascii() or _encodable(value) else "the text has a lone surrogate"
    if kind is float:
        return None if value - value == 0 else f"{value} inside a list, a dict or a mix of kinds cannot be kept"
    if depth > _MAX_DEPTH:
        return f"lists and dicts are nested more than {_MAX_DEPTH} deep"
    if kind is list:
        return next((why for part in value if (why := json_problem(part, depth + 1))), None)
    if kind is dict:
        odd = next((key for key in value if type(key) is not str or not _encodable(key)), None)
        if odd is not None:
            return f"the dict has the key {odd!r:.60}, which is no text"
        return next((why for part in value.values() if (why := json_problem(part, depth + 1))), None)
    return f"a {class_name(value)} inside a list, a dict or a mix of kinds cannot be kept"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_json(value: Any) -> str:
    """Strict JSON of a value that `json_problem` passed, whole numbers with all their digits."""
    import json

    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


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


def _reader(spec: Spec) -> Callable[[Any], Any] | None:
    of = spec["of"]
    if of == "ndarray":
        import numpy as np

        return lambda value: np.asarray(value, dtype=spec["dtype"])
    if of == "tuple":
        return (lambda value: tuple(_read_json(value))) if spec.get("json") else tuple
    if spec.get("json"):
        return _read_json
    if of in ("Timestamp", "Timedelta"):
        import pandas as pd

        return pd.Timestamp if of == "Timestamp" else pd.Timedelta
    if spec.get("text"):
        readers: dict[str, Callable[[str], Any]] = {"int": int, "Decimal": Decimal, "time": time.fromisoformat, "UUID": UUID}
        return readers[of]
    return None


def _read_json(text: str) -> Any:
    import json

    return json.loads(text)


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
