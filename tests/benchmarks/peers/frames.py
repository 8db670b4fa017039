"""The frames that all are measured with; imported by ours and, in their own environment, by the peers."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd


def frame(rows: int) -> pd.DataFrame:
    """Ten columns of the kinds that people have."""
    rng = np.random.default_rng(1)
    words = np.array([f"word-{n}" for n in range(10_000)], dtype=object)
    found = pd.DataFrame({
        "int": rng.integers(0, 10**9, rows), "small": rng.integers(0, 100, rows).astype("int16"), "float": rng.normal(size=rows),
        "gaps": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)), "flag": rng.random(rows) < 0.5,
        "text": words[rng.integers(0, 10_000, rows)], "category": pd.Categorical.from_codes(rng.integers(0, 16, rows), list("abcdefghijklmnop")),
        "time": pd.Timestamp("2020") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s"),
        "zone": pd.Timestamp("2020", tz="Europe/Berlin") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s"),
        "nullable": pd.array(rng.integers(0, 1000, rows), dtype="Int64"),
    })  # fmt: skip
    found.loc[found.index[::7], "nullable"] = pd.NA
    return found


def dtypes() -> dict[str, pd.DataFrame]:
    """A frame of each of 22 dtypes, with missing values where the dtype has them."""
    when = pd.to_datetime(["2020-01-01 10:00:00.123456", None, "2021-06-01"], format="ISO8601")
    columns = {
        "int64": pd.Series([1, -2, 2**53 + 1]), "uint64": pd.Series([1, 2, 2**64 - 1], dtype="uint64"),
        "int8": pd.Series([1, -2, 3], dtype="int8"), "float64": pd.Series([0.1, np.nan, -np.inf]),
        "float32": pd.Series([0.1, np.nan, 2], dtype="float32"), "bool": pd.Series([True, False, True]),
        "object text": pd.Series(["a", None, "ü"], dtype=object), "string": pd.Series(["a", None, ""], dtype="string"),
        "Int64": pd.Series([1, None, 2**53 + 1], dtype="Int64"), "Float64": pd.Series([1.5, None, 3], dtype="Float64"),
        "boolean": pd.Series([True, None, False], dtype="boolean"), "category": pd.Series(pd.Categorical(["b", None, "a"])),
        "category, ordered": pd.Series(pd.Categorical(["lo", None, "hi"], categories=["lo", "mid", "hi"], ordered=True)),
        "datetime": pd.Series(when), "datetime, zone": pd.Series(when).dt.tz_localize("Europe/Berlin"),
        "timedelta": pd.Series(pd.to_timedelta([1, None, 3], unit="s")),
        "period": pd.Series(pd.PeriodIndex(["2020-01", None, "2021-06"], freq="M")),
        "interval": pd.Series(pd.arrays.IntervalArray.from_tuples([(0, 1), None, (2, 3)])),
        "Decimal": pd.Series([Decimal("1.10"), None, Decimal(-3)], dtype=object), "bytes": pd.Series([b"\x00\xff", None, b""], dtype=object),
        "date": pd.Series([dt.date(2020, 1, 1), None, dt.date(1999, 1, 1)], dtype=object),
        "list": pd.Series([[1, 2], None, []], dtype=object),
    }  # fmt: skip
    return {name: pd.DataFrame({"x": column}) for name, column in columns.items()}
