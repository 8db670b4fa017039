"""Columns of lists, dicts, tuples and arrays → Arrow: as lists and structs where they come back equal so, else as JSON text."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._guess import class_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa

    from nb_artifacts.types._sheet import Spec

_MAX_DEPTH = 100
_MAX_BITS = 14_000
"""Python writes whole numbers of up to 4,300 digits."""


def row_of(values: Iterable[Any], test: Callable[[Any], bool], default: int = 0) -> int:
    """The first row whose value passes `test`."""
    return next((row for row, value in enumerate(values) if test(value)), default)


def encode_nested(values: Sequence[Any], name: str, spec: Spec) -> pa.Array[Any]:
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
    return encode_json(plain, name, spec)


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
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124 (NaN differs from itself)


def _arrays(values: Sequence[Any], name: str, spec: Spec) -> pa.Array[Any]:
    import pyarrow as pa

    there = [value for value in values if value is not None]
    dtypes = {value.dtype for value in there}
    if len(dtypes) > 1 or any(value.ndim != 1 for value in there) or next(iter(dtypes)).kind not in "iufb":

        def odd(value: Any) -> bool:
            return value is not None and (value.ndim != 1 or value.dtype != there[0].dtype or value.dtype.kind not in "iufb")

        row = row_of(values, odd)
        raise InvalidValue(f"column {name!r}, row {row}: arrays in cells have one dimension and one dtype of numbers.")
    spec["dtype"] = str(next(iter(dtypes)))
    return pa.array(list(values), pa.list_(pa.from_numpy_dtype(next(iter(dtypes)))), from_pandas=False)


def encode_json(values: Sequence[Any], name: str, spec: Spec) -> pa.Array[Any]:
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
    if kind not in (list, dict):
        return _scalar_problem(value)
    if depth > _MAX_DEPTH:
        return f"lists and dicts are nested more than {_MAX_DEPTH} deep"
    if kind is dict:
        odd = next((key for key in value if type(key) is not str or not _encodable(key)), None)
        if odd is not None:
            return f"the dict has the key {odd!r:.60}, which is no text"
        value = value.values()
    return next((why for part in value if (why := json_problem(part, depth + 1))), None)


def _scalar_problem(value: Any) -> str | None:
    kind = type(value)
    if kind is str:
        fits = _encodable(value)
        said = "the text has a lone surrogate"
    elif kind is int:
        fits = value.bit_length() < _MAX_BITS
        said = "the whole number has more than 4,300 digits"
    elif kind is float:
        fits = value - value == 0
        said = f"{value} inside a list, a dict or a mix of kinds cannot be kept"
    else:
        fits = value is None or kind is bool
        said = f"a {class_name(value)} inside a list, a dict or a mix of kinds cannot be kept"
    return None if fits else said


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_json(value: Any) -> str:
    """Strict JSON of a value that `json_problem` passed, whole numbers with all their digits."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
