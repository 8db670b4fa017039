"""pandas frames → Arrow, so that every dtype, index and label comes back equal, whatever pandas' own metadata can express.

The Arrow table is also what any other reader of the Parquet file sees: plain types, one column a level of the index, and
pandas' metadata. How to get the frame back exactly stands in `Sheet.meta`; `_unframe` reads it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._labels import encode_label, shown_label, unique_names
from nb_artifacts.types._nested import json_problem
from nb_artifacts.types._objects import EXACT_FLOAT, encode_objects
from nb_artifacts.types._sheet import Column, Sheet, Spec, kind_of, order_of, write_inline, write_schema

if TYPE_CHECKING:
    import pandas as pd


def encode_frame(frame: pd.DataFrame) -> Sheet:
    """A frame as an Arrow table, and what leads back to it.

    Raises `InvalidValue` naming the column, and a row where one is the cause.
    """
    import pyarrow as pa

    names, index_names, metadata = _field_names(frame)
    index, arrays, specs = _encode_axis(frame.index, index_names)
    columns = [
        _column(shown_label(name) if name is not None else "", field, array, spec, _level_dtype(frame.index, level), index=True)
        for level, (name, field, array, spec) in enumerate(zip(frame.index.names, index_names, arrays, specs, strict=False))
    ]
    for position, field in enumerate(names):
        series = frame.iloc[:, position]
        name = shown_label(frame.columns[position])
        array, spec = encode_values(series, name)
        arrays.append(array)
        specs.append(spec)
        columns.append(_column(name, field, array, spec, str(series.dtype)))
    meta = {
        "library": "pandas", "columns": specs[len(index_names) :], "index": index,
        "labels": encode_labels(frame.columns), "attrs": _attrs(frame),
    }  # fmt: skip
    try:
        table = pa.table(arrays, names=index_names + names, metadata=metadata) if arrays else pa.table({})
    except UnicodeEncodeError as error:
        raise InvalidValue(f"the column name {error.object!r:.80} has a lone surrogate at position {error.start}.") from None
    return Sheet(table, columns, specs, meta, len(frame), "pandas")


def encode_series(series: pd.Series[Any]) -> Sheet:
    """A series as a frame of one column, with a note to give a series back. Errors as `encode_frame`."""
    frame = series.to_frame()
    frame.attrs = series.attrs
    sheet = encode_frame(frame)
    return sheet._replace(meta={**sheet.meta, "series": encode_label(series.name)})


def _column(name: str, field: str, array: Any, spec: Spec, dtype: str, *, index: bool = False) -> Column:
    return Column(
        name=name, field=field, dtype=dtype, kind=kind_of(array.type, spec), index=index, nulls=array.null_count,
        order=order_of(array),
    )  # fmt: skip


def _level_dtype(index: pd.Index[Any], level: int) -> str:
    import pandas as pd

    return str(index.levels[level].dtype if isinstance(index, pd.MultiIndex) else index.dtype)


def _field_names(frame: pd.DataFrame) -> tuple[list[str], list[str], dict[bytes, bytes] | None]:
    """Names in the Arrow table of columns and index levels, and pandas' own metadata where it can describe the frame."""
    import pandas as pd

    levels = 0 if isinstance(frame.index, pd.RangeIndex) else frame.index.nlevels
    metadata = _pandas_metadata(frame) if frame.columns.is_unique else None
    if metadata is not None:
        fields = [column["field_name"] for column in metadata["columns"]]
        wide = frame.shape[1]
        if len(set(fields)) == len(fields) == wide + levels and None not in fields:
            return fields[:wide], fields[wide:], {b"pandas": json.dumps(metadata).encode()}
    names = unique_names([str(label) for label in frame.columns])
    return names, unique_names([f"__index_level_{level}__" for level in range(levels)], set(names)), None


def _pandas_metadata(frame: pd.DataFrame) -> Any:
    """The metadata that pandas' own readers look for, made from the frame without its rows; None where pyarrow refuses."""
    import pandas as pd
    import pyarrow as pa

    odd = any(not isinstance(name, str) for name in frame.index.names if name is not None)
    if odd or frame.columns.inferred_type.startswith("mixed"):
        return None  # pandas' own readers would not give such names back, and pyarrow warns
    empty = frame.iloc[:0].copy()
    empty.attrs = {}
    try:
        metadata = json.loads((pa.Schema.from_pandas(empty).metadata or {})[b"pandas"])
    except (pa.ArrowException, ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
        return None
    index = frame.index
    if isinstance(index, pd.RangeIndex):
        described = metadata["index_columns"]
        if len(described) != 1 or not isinstance(described[0], dict):
            return None
        described[0].update(start=index.start, stop=index.stop, step=index.step)
    return metadata


def _attrs(frame: pd.DataFrame) -> Any:
    if not frame.attrs:
        return None
    problem = json_problem(dict(frame.attrs))
    if problem is not None:
        raise InvalidValue(
            f"the frame's .attrs cannot be kept: {problem}. Set df.attrs = {{}}, or put plain JSON values there."
        )
    return dict(frame.attrs)


def encode_values(values: Any, name: str, *, loose: bool = False) -> tuple[Any, Spec]:
    """A Series or Index as an Arrow array, and how to get it back. Errors as `encode_frame`."""
    import pandas as pd
    import pyarrow as pa

    dtype = values.dtype
    if getattr(dtype, "char", "") == "O":
        return encode_objects(values.to_numpy(), name, loose=loose)
    if isinstance(dtype, pd.CategoricalDtype):
        return _encode_category(values, name)
    spec = _dtype_spec(dtype, name)
    try:
        if isinstance(dtype, pd.ArrowDtype):
            return values.array.__arrow_array__(), spec
        if isinstance(dtype, pd.SparseDtype):
            values = pd.Series(values.array.to_dense())
        extension = isinstance(values.dtype, pd.api.extensions.ExtensionDtype)
        if not extension and not values.dtype.isnative:
            values = values.astype(values.dtype.newbyteorder("="))
        return pa.array(values.array if extension else values.to_numpy(), from_pandas=True), spec
    except UnicodeEncodeError as error:
        raise _surrogate(values, name, error) from None
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError) as error:
        raise InvalidValue(f"column {name!r}, row 0: its dtype {dtype} cannot be kept: {error}") from None


def _surrogate(values: Any, name: str, error: UnicodeEncodeError) -> InvalidValue:
    row = next((row for row, value in enumerate(values) if value is error.object or value == error.object), 0)
    return InvalidValue(f"column {name!r}, row {row}: the text has a lone surrogate at position {error.start}.")


def _dtype_spec(dtype: Any, name: str) -> Spec:
    """How to name a dtype so that it comes back equal. Raises `InvalidValue` if it cannot be named."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(dtype, pd.StringDtype):
        return {"as": "string", "storage": dtype.storage, "nan": dtype.na_value is not pd.NA}
    if isinstance(dtype, pd.ArrowDtype):
        return {"as": "arrow", "schema": write_schema(pa.schema([("c", dtype.pyarrow_dtype)]))}
    if getattr(dtype, "kind", "O") in "cV" and not isinstance(dtype, pd.api.extensions.ExtensionDtype):
        raise InvalidValue(
            f"column {name!r}, row 0: {dtype} values cannot be kept in a table: make two columns, such as .real and .imag."
        )
    try:
        known = pd.api.types.pandas_dtype(str(dtype)) == dtype
    except (TypeError, ValueError):
        known = False
    if not known:
        raise InvalidValue(
            f"column {name!r}, row 0: the dtype {dtype} cannot be kept: turn the column into text, numbers or dates first."
        )
    return {"as": "dtype", "dtype": str(dtype)}


def _encode_category(values: Any, name: str) -> tuple[Any, Spec]:
    """Codes with their categories; categories that Parquet has no dictionary for are written there as their text."""
    import numpy as np
    import pyarrow as pa

    dtype = values.dtype
    codes = np.asarray(values.cat.codes if hasattr(values, "cat") else values.codes)
    dictionary, spec = encode_values(dtype.categories, f"categories of {name}", loose=True)
    if isinstance(dictionary, pa.ChunkedArray):
        dictionary = pa.concat_arrays(dictionary.chunks) if dictionary.num_chunks else pa.array([], dictionary.type)
    plain = not spec.get("text") and kind_of(dictionary.type, spec) in {"number", "text", "time"}
    kept = encode_labels(dtype.categories, dictionary, spec)
    if not plain:
        labels = [str(category) for category in dtype.categories]
        if len(set(labels)) != len(labels):
            raise InvalidValue(f"column {name!r}, row 0: two of its categories read alike: {_twice(labels)!r}.")
        dictionary = pa.array(labels, pa.string())
    indices: Any = pa.array(codes.astype(np.int32, copy=False), mask=codes < 0)
    array: Any = pa.DictionaryArray.from_arrays(indices, dictionary, ordered=bool(dtype.ordered))
    if pa.types.is_temporal(dictionary.type):  # of which Parquet would forget the unit or the time zone
        array = array.dictionary_decode()
    return array, {"as": "category", "ordered": bool(dtype.ordered), "plain": plain, "categories": kept}


def _twice(labels: list[str]) -> str:
    seen: set[str] = set()
    return next(label for label in labels if label in seen or seen.add(label))  # type: ignore[func-returns-value]  # `add` gives None, which is false


def _encode_axis(index: pd.Index[Any], fields: list[str]) -> tuple[Spec, list[Any], list[Spec]]:
    import pandas as pd

    names = [encode_label(name) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "names": names}, [], []
    levels = [index.get_level_values(level) for level in range(index.nlevels)]
    pairs = [encode_values(level, f"index {field}") for level, field in zip(levels, fields, strict=True)]
    specs = [spec for _, spec in pairs]
    if isinstance(index, pd.MultiIndex):
        _note_gaps(index, levels, specs)
    multi, freqs = isinstance(index, pd.MultiIndex), [_freq(level) for level in levels]
    return {"levels": specs, "names": names, "multi": multi, "freqs": freqs}, [array for array, _ in pairs], list(specs)


def _note_gaps(index: pd.MultiIndex, levels: list[Any], specs: list[Spec]) -> None:
    """The dtype of levels whose values are of another where some are missing: whole numbers are floats then."""
    import pandas as pd

    for place, (values, spec) in enumerate(zip(levels, specs, strict=True)):
        known: Any = index.levels[place]
        if known.dtype == values.dtype or pd.api.types.is_object_dtype(known.dtype):
            continue
        if known.dtype.kind in "iu" and len(known) and max(abs(int(known.max())), abs(int(known.min()))) > EXACT_FLOAT:
            raise InvalidValue(
                f"index level {place} has whole numbers of more than 53 bits and missing ones: make it Int64 or text first."
            )
        spec["level"] = str(known.dtype)


def _freq(index: Any) -> str | None:
    import pandas as pd
    from pandas.tseries.frequencies import to_offset

    freq = index.freq if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)) else None
    if freq is None:
        return None
    try:
        same = to_offset(freq.freqstr) == freq
    except ValueError:
        same = False
    if not same:
        raise InvalidValue(f"the index has the frequency {freq!r}, which cannot be kept: set df.index.freq = None.")
    return str(freq.freqstr)


def encode_labels(labels: pd.Index[Any], array: Any = None, spec: Spec | None = None) -> Spec:
    """Column names or categories: texts and other objects as JSON, the rest as Arrow."""
    import pandas as pd

    names = [encode_label(name) for name in labels.names]
    text = isinstance(labels.dtype, pd.StringDtype)
    if (text or pd.api.types.is_object_dtype(labels.dtype)) and not isinstance(labels, pd.MultiIndex):
        dtype = _dtype_spec(labels.dtype, "of names") if text else None
        return {"labels": [encode_label(label) for label in labels], "names": names, "dtype": dtype}
    if array is not None and spec is not None:
        axis: Spec = {"names": names, "multi": False, "freqs": [_freq(labels)]}
        return {**axis, "inline": [write_inline(array, spec)]}
    axis, arrays, specs = _encode_axis(labels, [f"level {level} of the columns" for level in range(labels.nlevels)])
    return {**axis, "levels": [], "inline": [write_inline(one, level) for one, level in zip(arrays, specs, strict=True)]}
