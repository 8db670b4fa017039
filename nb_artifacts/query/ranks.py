"""What a column is ordered by, where that is not its values as SQL compares them.

Ordered categories go by the order that they were given: a small table in DuckDB says the place of each. Periods and intervals
go by the columns that `plain` made for them. Everything else (and categories that stand in the order of their values anyway) is
ordered by its values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts.types._labels import decode_label
from nb_artifacts.types._sheet import Spec, read_inline

if TYPE_CHECKING:
    import pyarrow as pa

_VALUE, _PLACE = '"nb_artifacts value"', '"nb_artifacts place"'


def is_ordered(spec: Spec) -> bool:
    """Whether a column's values are categories of which one is less than another."""
    return bool(spec.get("as") == "category" and spec.get("ordered"))


def rank(connection: Any, name: str, spec: Spec, kind: Any, engine: str) -> str:
    """Make the table of categories and their places, called `name`, where one is needed; gives its name in SQL, else nothing.

    `kind` is the column's type in Arrow, `engine` that in DuckDB, for which two categories may be the same moment.
    """
    places = _places(spec, kind)
    if places is None:
        return ""
    connection.register("places", places)
    select = f"SELECT CAST(v AS {engine}) AS {_VALUE}, min(p) AS {_PLACE} FROM places GROUP BY 1"  # noqa: S608 (names of ours)
    connection.execute(f'CREATE TABLE "{name}" AS {select}')
    connection.unregister("places")
    return f'"{name}"'


def placed(table: str, value: str) -> str:
    """The place of a value in SQL."""
    return f"(SELECT {_PLACE} FROM {table} WHERE {_VALUE} = {value})"  # noqa: S608 (names of ours, a column or placeholder)


def ordinal(spec: Spec, text: str) -> int | None:
    """The place in time of a period that is written so, of the column's frequency; None where it is none."""
    import pandas as pd

    try:
        dtype: Any = pd.api.types.pandas_dtype(spec["dtype"])
        found: Any = pd.Period(text, freq=dtype.freq)
        return None if found is pd.NaT else int(found.ordinal)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _places(spec: Spec, kind: Any) -> pa.Table | None:
    """The categories of an ordered one, as a column of that Arrow type holds them, and their places."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not is_ordered(spec):
        return None
    values = _categories(spec).cast(kind.value_type if pa.types.is_dictionary(kind) else kind)
    places = pa.array(range(len(values)), pa.uint32())
    return None if pc.array_sort_indices(values).equals(places.cast(pa.uint64())) else pa.table({"v": values, "p": places})


def _categories(spec: Spec) -> Any:
    """The categories in their order, as the file has them."""
    import pyarrow as pa

    said = spec["categories"]
    if not spec["plain"]:  # the file has their texts, which pandas has to tell
        from nb_artifacts.types._unframe import decode_labels

        return pa.array([str(category) for category in decode_labels(said)], pa.string())
    if "labels" in said:
        return pa.array([decode_label(label) for label in said["labels"]])
    return read_inline(said["inline"][0])[0].combine_chunks()
