"""pandas frames ↔ Arrow: every dtype, index and label comes back equal, whatever pandas' own metadata can express.

The Arrow table is also what any other reader of the Parquet file sees: plain types, one column a level of the index, and
pandas' metadata. How to get the frame back exactly is in our own metadata (`encode_frame`'s second result).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._labels import decode_label, encode_label, shown_label, unique_names
from nb_artifacts.types._objects import Spec, decode_objects, encode_objects, json_problem
from nb_artifacts.types._sheet import Column, Sheet, kind_of, read_inline, write_inline

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


def encode_frame(frame: pd.DataFrame) -> Sheet:
    """A frame as an Arrow table, and what leads back to it.

    Raises `InvalidValue` naming the column, and a row where one is the cause.
    """
    import pyarrow as pa

    names, index_names, metadata = _field_names(frame)
    arrays, columns, specs = [], [], []
    index, index_arrays = _encode_axis(frame.index, index_names)
    for level, (field, array) in enumerate(zip(index_names, index_arrays, strict=True)):
        name = frame.index.names[level]
        shown = shown_label(name) if name is not None else ""
        arrays.append(array)
        columns.append(Column(name=shown, field=field, dtype=_dtype_name(frame.index, level), kind=kind_of(array.type), index=True, nulls=array.null_count))
    for position, field in enumerate(names):
        series = frame.iloc[:, position]
        array, spec = encode_values(series, shown_label(frame.columns[position]))
        arrays.append(array)
        specs.append(spec)
        columns.append(Column(name=shown_label(frame.columns[position]), field=field, dtype=str(series.dtype), kind=kind_of(array.type, spec), nulls=array.null_count))
    meta = {"library": "pandas", "columns": specs, "index": index, "labels": _encode_labels(frame.columns), "attrs": _attrs(frame)}
    table = pa.table(arrays, names=index_names + names) if arrays else pa.table({})
    return Sheet(table.replace_schema_metadata(metadata), columns, meta, len(frame), "pandas")


def encode_series(series: pd.Series) -> Sheet:
    """A series as a frame of one column, with a note to give a series back. Errors as `encode_frame`."""
    sheet = encode_frame(series.to_frame())
    return sheet._replace(meta={**sheet.meta, "series": encode_label(series.name)})


def _field_names(frame: pd.DataFrame) -> tuple[list[str], list[str], dict[bytes, bytes]]:
    """Names in the Arrow table of columns and index levels, and pandas' own metadata where it can describe the frame."""
    import pandas as pd

    plain = isinstance(frame.index, pd.RangeIndex)
    metadata = _pandas_metadata(frame) if frame.columns.is_unique else None
    if metadata is not None:
        fields = [column["field_name"] for column in metadata["columns"]]
        wide = frame.shape[1]
        if len(set(fields)) == len(fields) == wide + (0 if plain else frame.index.nlevels) and None not in fields:
            return fields[:wide], fields[wide:], {b"pandas": json.dumps(metadata).encode()}
    names = unique_names([str(label) for label in frame.columns])
    levels = [] if plain else [f"__index_level_{level}__" for level in range(frame.index.nlevels)]
    return names, unique_names(levels, set(names)), {}


def _pandas_metadata(frame: pd.DataFrame) -> Any:
    import pandas as pd
    import pyarrow as pa

    empty = frame.iloc[:0].copy()
    empty.attrs = {}
    try:
        found = pa.Schema.from_pandas(empty).metadata or {}
        metadata = json.loads(found[b"pandas"])
    except (pa.ArrowException, ValueError, TypeError, KeyError, NotImplementedError):
        return None
    index = frame.index
    if isinstance(index, pd.RangeIndex):
        described = metadata["index_columns"]
        if len(described) != 1 or not isinstance(described[0], dict):
            return None
        described[0].update(start=index.start, stop=index.stop, step=index.step)
    return metadata


def _attrs(frame: Any) -> Any:
    if not frame.attrs:
        return None
    problem = json_problem(dict(frame.attrs))
    if problem is not None:
        raise InvalidValue(f".attrs of the frame cannot be kept: {problem}. Set df.attrs = {{}} or make it JSON.")
    return dict(frame.attrs)


def _dtype_name(index: pd.Index, level: int) -> str:
    return str(index.levels[level].dtype if index.nlevels > 1 else index.dtype)  # type: ignore[attr-defined]


def encode_values(values: Any, name: str, *, loose: bool = False) -> tuple[Any, Spec]:
    """A Series or Index as an Arrow array, and its spec."""
    import pandas as pd
    import pyarrow as pa

    dtype = values.dtype
    if dtype == object:
        return encode_objects(values.to_numpy(), name, loose=loose)
    if isinstance(dtype, pd.CategoricalDtype):
        return _encode_category(values, name)
    spec = _dtype_spec(dtype, name)
    try:
        if isinstance(dtype, pd.SparseDtype):
            values = pd.Series(values.array.to_dense())
        elif isinstance(dtype, pd.ArrowDtype):
            return values.array.__arrow_array__(), spec
        elif getattr(dtype, "byteorder", "=") not in ("=", "|") and not dtype.isnative:
            values = values.astype(dtype.newbyteorder("="))
        return pa.array(values.array if _is_extension(dtype) else values, from_pandas=True), spec
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError) as error:
        raise InvalidValue(f"column {name!r} has dtype {dtype}, which cannot be kept (from row 0 on): {error}") from None


def _is_extension(dtype: Any) -> bool:
    import pandas as pd

    return isinstance(dtype, pd.api.extensions.ExtensionDtype)


def _dtype_spec(dtype: Any, name: str) -> Spec:
    """How to name a dtype so that it comes back equal. Raises `InvalidValue` if it cannot be named."""
    import pandas as pd

    if isinstance(dtype, pd.StringDtype):
        return {"as": "string", "storage": dtype.storage, "nan": dtype.na_value is not pd.NA}
    if isinstance(dtype, pd.ArrowDtype):
        return {"as": "arrow"}
    spec = {"as": "dtype", "dtype": str(dtype)}
    if getattr(dtype, "kind", "O") in "cV":
        raise InvalidValue(f"column {name!r}, row 0: {dtype} values cannot be kept in a table: keep real and imaginary parts as two columns.")
    try:
        known = pd.api.types.pandas_dtype(spec["dtype"]) == dtype
    except (TypeError, ValueError):
        known = False
    if not known:
        raise InvalidValue(f"column {name!r}, row 0: the dtype {dtype} cannot be kept: turn the column into text, numbers or dates.")
    return spec


def _encode_category(values: Any, name: str) -> tuple[pa.Array, Spec]:
    """Codes with their categories; categories that Parquet cannot hold in a dictionary are written as their text."""
    import numpy as np
    import pyarrow as pa

    dtype = values.dtype
    codes = values.cat.codes.to_numpy() if hasattr(values, "cat") else values.codes
    categories, spec = encode_values(dtype.categories, f"categories of {name}", loose=True)
    categories = categories.combine_chunks() if isinstance(categories, pa.ChunkedArray) else categories
    plain = not pa.types.is_nested(categories.type) and not isinstance(categories, pa.ExtensionArray) and "json" not in spec and not pa.types.is_null(categories.type)
    if plain:
        dictionary = categories
    else:
        labels = [str(category) for category in dtype.categories]
        if len(set(labels)) != len(labels):
            raise InvalidValue(f"column {name!r}, row 0: two of its categories are written alike ({_twice(labels)!r}).")
        dictionary = pa.array(labels, pa.string())
    indices = pa.array(codes.astype(np.int32, copy=False), mask=codes < 0)
    array = pa.DictionaryArray.from_arrays(indices, dictionary, ordered=bool(dtype.ordered))
    return array, {"as": "category", "ordered": bool(dtype.ordered), "plain": plain, "categories": write_inline(categories, spec)}


def _twice(labels: list[str]) -> str:
    return next(label for label in labels if labels.count(label) > 1)


def _encode_axis(index: pd.Index, fields: list[str]) -> tuple[Spec, list[Any]]:
    import pandas as pd

    names = [encode_label(name) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "names": names}, []
    pairs = [encode_values(index.get_level_values(level), f"index {field}") for level, field in enumerate(fields)]
    spec: Spec = {"levels": [spec for _, spec in pairs], "names": names, "multi": isinstance(index, pd.MultiIndex), "freq": _freq(index)}
    return spec, [array for array, _ in pairs]


def _freq(index: Any) -> str | None:
    from pandas.tseries.frequencies import to_offset

    freq = getattr(index, "freq", None) if hasattr(index, "inferred_freq") else None
    if freq is None:
        return None
    try:
        same = to_offset(freq.freqstr) == freq
    except ValueError:
        same = False
    if not same:
        raise InvalidValue(f"the index has the frequency {freq!r}, which cannot be kept: set df.index.freq = None.")
    return str(freq.freqstr)


def _encode_labels(columns: pd.Index) -> Spec:
    import pandas as pd

    if columns.dtype == object or isinstance(columns.dtype, pd.StringDtype):
        if not isinstance(columns, pd.MultiIndex):
            dtype = None if columns.dtype == object else _dtype_spec(columns.dtype, "of the column names")
            return {"labels": [encode_label(label) for label in columns], "names": [encode_label(columns.name)], "dtype": dtype}
    spec, arrays = _encode_axis(columns, [f"level {level}" for level in range(columns.nlevels)])
    spec["inline"] = [write_inline(array, level) for array, level in zip(arrays, spec.pop("levels", []), strict=True)]
    return spec


# Back


def decode_frame(table: pa.Table, meta: dict[str, Any]) -> pd.DataFrame:
    """The frame that `encode_frame` wrote."""
    import pandas as pd

    levels = len(meta["index"].get("levels", ()))
    data = {
        position: decode_values(table.column(levels + position), spec) for position, spec in enumerate(meta["columns"])
    }
    index = _decode_axis(meta["index"], [table.column(level) for level in range(levels)])
    frame = pd.DataFrame(data, index=index, copy=False)
    frame.columns = _decode_labels(meta["labels"])
    if meta.get("attrs"):
        frame.attrs = meta["attrs"]
    return frame


def decode_series(table: pa.Table, meta: dict[str, Any]) -> pd.Series:
    """The series that `encode_series` wrote."""
    series = decode_frame(table, meta).iloc[:, 0]
    series.name = decode_label(meta["series"])
    return series


def decode_values(column: Any, spec: Spec) -> Any:
    """The array that `encode_values` wrote: NumPy's, or pandas' for a dtype of its own."""
    import numpy as np
    import pandas as pd

    if spec["as"] == "objects":
        return np.fromiter(decode_objects(column, spec), dtype=object, count=len(column))
    if spec["as"] == "category":
        return _decode_category(column, spec)
    if spec["as"] == "arrow":
        return pd.arrays.ArrowExtensionArray(column)
    dtype: Any = (
        pd.StringDtype(spec["storage"], na_value=float("nan")) if spec["as"] == "string" and spec["nan"]
        else pd.StringDtype(spec["storage"]) if spec["as"] == "string"
        else pd.api.types.pandas_dtype(spec["dtype"])
    )  # fmt: skip
    if isinstance(dtype, pd.SparseDtype):
        return pd.arrays.SparseArray(column.to_pandas().to_numpy(), dtype=dtype)
    if hasattr(dtype, "__from_arrow__"):
        return dtype.__from_arrow__(column)
    found = column.to_numpy()
    return found if found.dtype == dtype else found.astype(dtype)


def _decode_category(column: Any, spec: Spec) -> pd.Categorical:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    categories = _index(decode_values(*read_inline(spec["categories"])))
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    if spec["plain"]:
        inner = read_inline(spec["categories"])[1]
        dictionary = _index(decode_values(pa.chunked_array([whole.dictionary]), {k: v for k, v in inner.items() if k != "nulls"}))
        places = categories.get_indexer(dictionary)
    else:
        places = pd.Index([str(category) for category in categories]).get_indexer(whole.dictionary.to_pylist())
    codes = np.append(places, -1)[whole.indices.fill_null(len(places)).to_numpy(zero_copy_only=False).astype(np.int64)]
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories, spec["ordered"]))


def _index(values: Any) -> pd.Index:
    import pandas as pd

    return pd.Index(values, dtype=values.dtype)


def _decode_axis(spec: Spec, columns: list[Any]) -> pd.Index:
    import pandas as pd

    names = [decode_label(name) for name in spec["names"]]
    if "range" in spec:
        return pd.RangeIndex(*spec["range"], name=names[0])
    levels = [_index(decode_values(column, level)) for column, level in zip(columns, spec["levels"], strict=True)]
    if spec["multi"]:
        return pd.MultiIndex.from_arrays(levels, names=names)
    (found,) = levels
    found.name = names[0]
    if spec["freq"] is not None:
        found.freq = spec["freq"]  # type: ignore[attr-defined]
    return found


def _decode_labels(spec: Spec) -> pd.Index:
    import numpy as np
    import pandas as pd

    if "labels" in spec:
        labels = np.fromiter((decode_label(label) for label in spec["labels"]), dtype=object, count=len(spec["labels"]))
        dtype = object if spec["dtype"] is None else pd.StringDtype(spec["dtype"]["storage"], na_value=float("nan") if spec["dtype"]["nan"] else pd.NA)
        return pd.Index(labels, dtype=dtype, name=decode_label(spec["names"][0]), tupleize_cols=False)
    pairs = [read_inline(text) for text in spec.get("inline", ())]
    return _decode_axis({**spec, "levels": [level for _, level in pairs]}, [column for column, _ in pairs])
