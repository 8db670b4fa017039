"""Ordered categories, periods and intervals: sorted, filtered and summed up as pandas orders them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query.conftest import kept

from nb_artifacts.errors import BadQuery
from nb_artifacts.query import RowsQuery, parse

SIZES = ["low", "mid", "high"]
ZONE = "Europe/Berlin" if pd.__version__ >= "3" else None
"""pandas 2 gives Arrow no intervals of times with a zone."""


def frame():
    return pd.DataFrame({
        "size": pd.Categorical(["mid", "low", None, "high", "mid"], SIZES, ordered=True),
        "bin": pd.cut(pd.Series([50, 3, np.nan, 12, 4]), [0, 5, 20, 100]),
        "rank": pd.Categorical([3, 1, None, 2, 3], [3, 1, 2], ordered=True),
        "wait": pd.Categorical(pd.to_timedelta([3, 1, None, 2, 3], unit="D"), pd.to_timedelta([3, 1, 2], unit="D"), ordered=True),
        "at": pd.Categorical(
            pd.to_datetime(["2020", "2022", None, "2021", "2020"]).tz_localize("Europe/Berlin"),
            pd.to_datetime(["2020", "2022", "2021"]).tz_localize("Europe/Berlin"), ordered=True,
        ),
        "quarter": pd.PeriodIndex(["2020Q2", "2019Q4", pd.NaT, "2020Q1", "0999Q1"], freq="Q"),
        "span": pd.arrays.IntervalArray.from_tuples([(10, 20), (2, 5), None, (2, 3), (-10, 0.5)], closed="left"),
        "when": pd.arrays.IntervalArray.from_breaks(pd.date_range("2020", periods=6, tz=ZONE))[[3, 0, 4, 1, 2]],
        "loose": pd.Categorical(["b", "c", None, "a", "c"], ["c", "b", "a"]),
        "row": range(5),
    })  # fmt: skip


@pytest.fixture(scope="module")
def ordered(store):
    return kept(store, frame())


def numbers(page):
    return [row["row"] for row in page["data"]]


@pytest.mark.parametrize("column", [name for name in frame() if name not in ("row", "loose")])
@pytest.mark.parametrize("minus", ["", "-"])
def test_sorted_as_pandas_orders_them(rows, ordered, column, minus):
    wanted = frame().sort_values(column, ascending=not minus, kind="stable", na_position="last")
    assert numbers(rows(ordered, sort=f"{minus}{column}")) == wanted["row"].to_list()


def test_categories_without_an_order_are_sorted_as_texts(rows, ordered):
    assert numbers(rows(ordered, sort="loose")) == [3, 0, 1, 4, 2]


def test_an_index_of_ordered_categories(store, rows):
    index = pd.CategoricalIndex(["mid", "low", "high"], SIZES, ordered=True, name="size")
    assert [row["v"] for row in rows(kept(store, pd.DataFrame({"v": [1, 2, 3]}, index=index)), sort="size")["data"]] == [
        2,
        1,
        3,
    ]


def test_an_enum_of_polars_and_an_ordered_dictionary_of_arrow(store, rows):
    enum = pl.DataFrame({"e": pl.Series(["mid", None, "low", "high"], dtype=pl.Enum(SIZES)), "row": range(4)})
    values = pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 2]), pa.array(SIZES), ordered=True)
    halves = pa.chunked_array([values[:2], values[2:]])
    for table in (enum, pa.table({"e": halves, "row": range(4)})):
        record = kept(store, table)
        assert numbers(rows(record, sort="e")) == [2, 0, 3, 1]
        assert numbers(rows(record, sort="-e")) == [3, 0, 2, 1]


@pytest.mark.parametrize(
    ("column", "least", "most", "wanted"),
    [
        ("size", "mid", None, [0, 3, 4]),
        ("size", None, "mid", [0, 1, 4]),
        ("bin", "(5, 20]", None, [0, 3]),
        ("rank", 3, 1, [0, 1, 4]),
        ("wait", "3 days", "1 day", [0, 1, 4]),
        ("at", None, "2022-01-01T00:00:00+01:00", [0, 1, 4]),
        ("quarter", "2020Q1", None, [0, 3]),
        ("quarter", "2019", "2020-01-15", [1, 3]),
    ],
)
def test_a_range_goes_by_the_order(rows, ordered, column, least, most, wanted):
    assert numbers(rows(ordered, filter=[{"column": column, "op": "range", "min": least, "max": most}])) == wanted


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("size", "medium", "none of its categories"),
        ("rank", 7, "none of its categories"),
        ("rank", "x", "is no bigint"),
        ("quarter", "then", "is no period"),
        ("span", 3, "not for intervals"),
    ],
)
def test_a_bound_without_a_place_is_named(rows, ordered, column, value, said):
    with pytest.raises(BadQuery, match=said) as raised:
        rows(ordered, filter=[{"column": column, "op": "range", "min": value}])
    assert raised.value.column == column


def test_the_summary_goes_by_the_order(tables, ordered):
    found = {column["field"]: column for column in json.loads(tables.summary(ordered, RowsQuery()))["columns"]}
    ends = {name: (column["min"], column["max"]) for name, column in found.items()}
    assert ends["size"] == ("low", "high")
    assert ends["bin"] == ("(0, 5]", "(20, 100]")
    assert ends["rank"] == (3, 2)
    assert ends["wait"] == ("3 days 00:00:00", "2 days 00:00:00")
    assert ends["at"] == ("2020-01-01T00:00:00+01:00", "2021-01-01T00:00:00+01:00")
    assert ends["quarter"] == (str(pd.Period("0999Q1")), "2020Q2")  # pandas 2 writes 999Q1
    assert ends["span"] == ("[-10.0, 0.5)", "[10.0, 20.0)")
    assert [(one["value"], one["count"]) for one in found["size"]["top"]] == [("low", 1), ("mid", 2), ("high", 1)]
    assert [one["value"] for one in found["rank"]["top"]] == [3, 1, 2]
    assert [one["value"] for one in found["bin"]["top"]] == ["(0, 5]", "(5, 20]", "(20, 100]"]
    assert [one["value"] for one in found["loose"]["top"]] == ["c", "a", "b"]


def test_only_the_most_frequent_categories_are_listed(store, tables):
    grades = pd.Categorical(list("ABCDEFG" + "BCDEF"), list("GFEDCBA"), ordered=True)
    found = json.loads(tables.summary(kept(store, pd.DataFrame({"g": grades})), RowsQuery()))["columns"][0]
    assert [one["value"] for one in found["top"]] == list("FEDCB")


def test_columns_that_only_sorting_reads_are_nowhere_to_be_seen(store, ask, tables, ordered):
    odd = frame()[["quarter"]].assign(
        **{"nb_artifacts key 0": range(5), "file_row_number": range(5), "File_Row_Number_": range(5)}
    )
    record = kept(store, odd)
    table, _ = ask(record, sort="-quarter")
    assert table.column_names == list(odd.columns)
    assert table.column("nb_artifacts key 0").to_pylist() == [0, 3, 1, 4, 2]
    assert table.column("file_row_number").to_pylist() == [0, 3, 1, 4, 2]
    with pytest.raises(BadQuery, match="there is no column"):
        ask(ordered, where='"nb_artifacts key 5" > 0')
    assert b"".join(tables.export(ordered, RowsQuery(), "csv")).splitlines()[0] == ",".join(frame().columns).encode()


def test_a_short_table_tells_views_the_order_of_what_occurs(store, ordered):
    """They hold all of its rows and sort them themselves; they know how to read an interval."""
    orders = {column["field"]: column.get("order") for column in ordered.info["columns"]}
    assert {name: order for name, order in orders.items() if order is not None} == {
        "size": SIZES, "bin": ["(0, 5]", "(5, 20]", "(20, 100]"], "rank": ["3", "1", "2"],
    }  # fmt: skip
    some = pd.Categorical(["high", "low", None], SIZES, ordered=True)
    assert kept(store, pd.DataFrame({"s": some})).info["columns"][0]["order"] == ["low", "high"]
    enum = pl.DataFrame({"s": pl.Series(["high", None], dtype=pl.Enum(SIZES))})
    assert kept(store, enum).info["columns"][0]["order"] == ["high"]
    for long in (
        pd.Categorical.from_codes([0] * 10_001, SIZES, ordered=True),
        pd.Categorical(map(str, range(101)), ordered=True),
    ):
        assert "order" not in kept(store, pd.DataFrame({"s": long})).info["columns"][0]


def test_tables_of_such_columns_without_rows(store, ask, tables):
    record = kept(store, frame().iloc[:0])
    for column in frame():
        assert ask(record, sort=column)[1].rows == 0
    assert json.loads(tables.summary(record, RowsQuery()))["rows"] == 0


CATEGORIES = st.one_of(
    st.lists(st.text(max_size=3), unique=True, min_size=1, max_size=6),
    st.lists(st.integers(-(2**40), 2**40), unique=True, min_size=1, max_size=6),
    st.lists(st.floats(allow_nan=False), unique=True, min_size=1, max_size=6),
    st.lists(st.booleans(), unique=True, min_size=1),
    st.lists(st.datetimes(pd.Timestamp("1900"), pd.Timestamp("2100")), unique=True, min_size=1, max_size=6),
)


@st.composite
def columns(draw, rows):
    kind = draw(st.sampled_from(["category", "period", "interval", "number"]))
    missing = st.lists(st.booleans(), min_size=rows, max_size=rows)
    if kind == "category":
        categories = pd.Index(draw(CATEGORIES))
        codes = draw(st.lists(st.integers(-1, len(categories) - 1), min_size=rows, max_size=rows))
        return pd.Categorical.from_codes(codes, categories, ordered=True)
    if kind == "period":
        freq = draw(st.sampled_from(["Y", "Q", "M", "W", "D", "h", "min", "s"]))
        places = draw(st.lists(st.integers(-40, 40), min_size=rows, max_size=rows))
        found = pd.arrays.PeriodArray(np.array(places, np.int64), dtype=f"period[{freq}]")
    elif kind == "interval":
        ends = draw(st.lists(st.tuples(st.integers(-12, 12), st.integers(0, 12)), min_size=rows, max_size=rows))
        closed = draw(st.sampled_from(["left", "right", "both", "neither"]))
        left = np.array([one for one, _ in ends], float)
        found = pd.arrays.IntervalArray.from_arrays(left, left + np.array([wide for _, wide in ends], float), closed=closed)
    else:
        return draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows))
    return pd.Series(found).mask(pd.Series(draw(missing), dtype=bool)).array


@st.composite
def frames(draw):
    rows = draw(st.integers(1, 12))
    return pd.DataFrame({f"c{n}": draw(columns(rows)) for n in range(draw(st.integers(1, 3)))}).assign(row=range(rows))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames(), st.data())
def test_any_such_frame_is_sorted_as_pandas_sorts_it(store, tables, given_frame, data):
    names = data.draw(st.permutations([name for name in given_frame if name != "row"]))
    down = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    wanted = given_frame
    for name, descending in reversed([*zip(names, down, strict=True)]):
        wanted = wanted.sort_values(name, ascending=not descending, kind="stable", na_position="last")
    sort = ",".join(f"{'-' if descending else ''}{name}" for name, descending in zip(names, down, strict=True))
    page = json.loads(tables.rows(kept(store, given_frame), parse({"sort": sort}), form="json").arrow)
    assert numbers(page) == wanted["row"].to_list()
