"""Arrow → the pandas frame that `_frames` wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts.types._labels import decode_label
from nb_artifacts.types._objects import decode_objects
from nb_artifacts.types._sheet import Spec, read_inline, read_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def decode_frame(table: pa.Table, meta: dict[str, Any]) -> pd.DataFrame:
    """The frame that `encode_frame` was given."""
    import pandas as pd

    levels = len(meta["index"].get("levels", ()))
    index = decode_axis(meta["index"], [table.column(level) for level in range(levels)])
    data = {}
    for place, spec in enumerate(meta["columns"]):
        values = decode_values(table.column(levels + place), spec)
        # Of bare objects pandas would guess another dtype.
        data[place] = pd.Series(values, index=index, dtype=object) if spec["as"] == "objects" else values
    frame = pd.DataFrame(data, index=index, copy=False)
    frame.columns = decode_labels(meta["labels"])
    if meta.get("attrs"):
        frame.attrs = meta["attrs"]
    return frame


def decode_series(table: pa.Table, meta: dict[str, Any]) -> pd.Series[Any]:
    """The series that `encode_series` was given."""
    frame = decode_frame(table, meta)
    series = frame.iloc[:, 0]
    series.name = decode_label(meta["series"])
    series.attrs = frame.attrs
    return series


def decode_values(column: Any, spec: Spec) -> Any:
    """The array that `encode_values` was given: NumPy's, or pandas' own for a dtype of its own."""
    import numpy as np
    import pandas as pd

    if spec["as"] == "objects":
        return np.fromiter(decode_objects(column, spec), dtype=object, count=len(column))
    if spec["as"] == "category":
        return _decode_category(column, spec)
    if spec["as"] == "arrow":
        return pd.arrays.ArrowExtensionArray(column.cast(read_schema(spec["schema"]).types[0]))
    dtype: Any = string_dtype(spec) if spec["as"] == "string" else pd.api.types.pandas_dtype(spec["dtype"])
    if isinstance(dtype, pd.SparseDtype):
        return pd.arrays.SparseArray(column.to_pandas().to_numpy(), dtype=dtype)
    if hasattr(dtype, "__from_arrow__"):
        return _extension(column, dtype)
    found = column.to_numpy()
    return found if found.dtype == dtype else found.astype(dtype)


def _extension(column: Any, dtype: Any) -> Any:
    import pandas as pd

    if isinstance(dtype, (pd.Float32Dtype, pd.Float64Dtype)):  # pandas takes NaN for a missing value here
        return pd.arrays.FloatingArray(column.fill_null(0).to_numpy(), column.is_null().to_numpy())
    # Of an interval with a time zone pandas forgets that zone where there is no row.
    bare = not len(column) and isinstance(dtype, pd.IntervalDtype)
    return pd.Series([], dtype=dtype).array if bare else dtype.__from_arrow__(column)


def string_dtype(spec: Spec) -> Any:
    """The dtype of texts with its storage and its missing value."""
    import pandas as pd

    return pd.StringDtype(spec["storage"], na_value=float("nan")) if spec["nan"] else pd.StringDtype(spec["storage"])


def _decode_category(column: Any, spec: Spec) -> pd.Categorical[Any]:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    categories = decode_labels(spec["categories"])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    chunks = column.chunks
    places = _places(chunks[0].dictionary, categories, plain=spec["plain"]) if chunks else np.empty(0, np.int64)
    known = np.append(places, -1)
    codes = [known[chunk.indices.cast(pa.int64()).fill_null(len(places)).to_numpy(zero_copy_only=False)] for chunk in chunks]
    whole = np.concatenate(codes) if codes else np.empty(0, np.int64)
    return pd.Categorical.from_codes(whole, dtype=pd.CategoricalDtype(categories, spec["ordered"]))


def _places(dictionary: pa.Array[Any], categories: pd.Index[Any], *, plain: bool) -> Any:
    """Where each entry of a dictionary stands among the categories."""
    import pandas as pd

    if not plain:
        return pd.Index([str(category) for category in categories]).get_indexer(pd.Index(dictionary.to_pylist()))
    found = dictionary.to_pandas()
    if not isinstance(categories.dtype, pd.StringDtype) and categories.dtype != object:
        found = found.astype(categories.dtype)
    return categories.get_indexer(pd.Index(found))


def _index(values: Any) -> pd.Index[Any]:
    import pandas as pd

    found: pd.Index[Any] = pd.Index(values, dtype=values.dtype, tupleize_cols=False)
    return found


def decode_axis(spec: Spec, columns: list[Any]) -> pd.Index[Any]:
    """The index that was written as these columns."""
    import pandas as pd

    names = [decode_label(name) for name in spec["names"]]
    if "range" in spec:
        start, stop, step = spec["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    levels = []
    for column, level, freq in zip(columns, spec["levels"], spec["freqs"], strict=True):
        found: Any = _index(decode_values(column, level))
        if freq is not None:
            found.freq = freq
        levels.append(found)
    if spec["multi"]:
        whole = pd.MultiIndex.from_arrays(levels, names=names)
        for place, level in enumerate(spec["levels"]):
            if "level" in level:
                whole = whole.set_levels(whole.levels[place].astype(level["level"]), level=place)
        return whole
    only: pd.Index[Any] = levels[0]
    only.name = names[0]
    return only


def decode_labels(spec: Spec) -> pd.Index[Any]:
    import numpy as np
    import pandas as pd

    if "labels" in spec:
        labels = np.fromiter(map(decode_label, spec["labels"]), dtype=object, count=len(spec["labels"]))
        dtype = object if spec["dtype"] is None else string_dtype(spec["dtype"])
        return pd.Index(labels, dtype=dtype, name=decode_label(spec["names"][0]), tupleize_cols=False)
    pairs = [read_inline(one) for one in spec["inline"]]
    return decode_axis({**spec, "levels": [level for _, level in pairs]}, [column for column, _ in pairs])
