"""Tables compared: what is added, removed and changed is found by keys, whatever the dtypes, and counted in full."""

import datetime as dt
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nb_artifacts as nba
from nb_artifacts.diff import TableAsk
from nb_artifacts.errors import InvalidValue
from nb_artifacts.query import Tables

OLD = pd.DataFrame({"carrier": ["UA", "B6", "AA"], "delay": [1.5, np.nan, 3.0], "n": [1, 2, 3]})
NEW = pd.DataFrame({"carrier": ["B6", "UA", "DL"], "delay": [np.nan, 2.5, 9.0], "n": [2, 1, 5], "new": ["x", "y", None]})


def counts(found):
    table = found.table
    return table.added, table.removed, table.changed, table.same


def changes(found):
    return {(row.change, *row.key.values()): row.cells for row in found.table.rows}


def test_rows_are_matched_by_a_guessed_column_and_it_is_said(diff):
    found = diff(OLD, NEW)
    assert counts(found) == (1, 1, 1, 1)
    assert (found.table.keys, found.table.keys_guessed, found.table.matched_by) == (["carrier"], True, "guessed")
    assert changes(found) == {
        ("changed", "UA"): {"delay": (1.5, 2.5)},
        ("removed", "AA"): {"carrier": ("AA", None), "delay": (3.0, None), "n": (3, None)},
        ("added", "DL"): {"carrier": (None, "DL"), "delay": (None, 9.0), "n": (None, 5), "new": (None, None)},
    }
    assert [(one.field, one.change, one.after) for one in found.table.schema] == [("new", "added", str(NEW["new"].dtype))]
    assert "Rows are matched by carrier (guessed)." in repr(found)
    assert not found.same


def test_the_index_is_the_key_where_both_have_it(diff):
    found = diff(OLD.set_index("carrier"), NEW.set_index("carrier"))
    assert (found.table.matched_by, found.table.keys_guessed, counts(found)) == ("index", False, (1, 1, 1, 1))


def test_given_columns_lead_also_where_they_are_not_unique(diff):
    found = diff(OLD, NEW, key_columns="n")
    assert (found.table.keys, found.table.matched_by, counts(found)) == (["n"], "given", (1, 1, 1, 1))
    twice = pd.DataFrame({"k": ["a", "a", "b"], "v": [1, 2, 3]})
    found = diff(twice, twice.assign(v=[1, 5, 3]), key_columns=["k"])
    assert (counts(found), found.table.keys_unique) == ((0, 0, 1, 2), False)
    assert "rows of one key in their order" in repr(found)


def test_two_columns_together_may_be_the_key(diff):
    old = pd.DataFrame({"month": [1, 1, 2, 2], "carrier": ["UA", "AA"] * 2, "mean": [0.5, 1.5, 2.5, 3.5]})
    found = diff(old, old.iloc[::-1].assign(mean=[3.5, 2.5, 1.5, 0.0]))
    assert (set(found.table.keys), counts(found)) == ({"month", "carrier"}, (0, 0, 1, 3))


def test_without_any_key_rows_are_matched_by_their_place(diff):
    old = pd.DataFrame({"x": [0.5, 0.5, 1.0]})
    found = diff(old, pd.DataFrame({"x": [0.5, 0.75]}))
    assert (found.table.matched_by, counts(found)) == ("position", (0, 1, 1, 1))
    assert [(row.before, row.after) for row in found.table.rows] == [(1, 1), (2, None)]
    assert "matched by their place" in repr(found)


def test_a_column_whose_values_all_changed_is_no_key(diff):
    old = pd.DataFrame({"token": ["a", "b", "c"], "v": [1.0, 2.0, 3.0]})
    assert diff(old, old.assign(token=["x", "y", "z"])).table.matched_by == "position"


def test_columns_that_are_not_there_are_named(diff):
    with pytest.raises(InvalidValue, match="'nonsense' is not a column of the first table: its columns are 'carrier'"):
        diff(OLD, NEW, key_columns=["nonsense"])
    with pytest.raises(InvalidValue, match="'new' is not a column of the first"):
        diff(OLD, NEW, key_columns=["new"])
    with pytest.raises(InvalidValue, match="is empty"):
        diff(OLD, NEW, key_columns=[])
    with pytest.raises(InvalidValue, match="tolerance"):
        diff(OLD, NEW, tolerance=float("nan"))


def test_a_given_column_may_be_named_as_it_is_shown(diff):
    old = pd.DataFrame([[1, "a"], [2, "b"]], columns=pd.MultiIndex.from_tuples([("id", "x"), ("v", "y")]))
    shown = next(one["name"] for one in nba.create(old)._record.info["columns"])
    assert diff(old, old, key_columns=[shown]).same


def test_dtypes_and_order_are_part_of_a_table(diff):
    old = pd.DataFrame({"id": [1, 2], "a": [1, 2], "b": [1.0, 2.0], "c": ["x", "y"]})
    found = diff(old, old[["id", "c", "a", "b"]].astype({"a": "Int16", "c": "category"}))
    assert counts(found) == (0, 0, 0, 2) and not found.same
    said = {(one.field, one.change): (one.before, one.after) for one in found.table.schema}
    assert said == {
        ("a", "changed"): ("int64", "Int16"),
        ("c", "changed"): (str(old["c"].dtype), "category"),
        ("c", "moved"): ("4", "2"),
    }


def test_nan_equals_nan_and_null_null_but_not_each_other(diff):
    old = pl.DataFrame({"id": [1, 2, 3, 4], "x": [float("nan"), None, float("nan"), float("inf")]})
    new = pl.DataFrame({"id": [1, 2, 3, 4], "x": [float("nan"), None, None, float("-inf")]})
    assert changes(diff(old, new)) == {("changed", 3): {"x": ("NaN", None)}, ("changed", 4): {"x": ("Infinity", "-Infinity")}}


def test_tolerance_is_for_numbers(diff):
    old = pd.DataFrame({"id": ["a", "b", "c"], "x": [1.0, 2.0, np.nan], "n": [1, 2, 3]})
    new = old.assign(x=[1.0005, 2.5, np.nan])
    assert counts(diff(old, new)) == (0, 0, 2, 1)
    assert counts(diff(old, new, tolerance=0.001)) == (0, 0, 1, 2)
    assert diff(old, new, tolerance=1).same


def test_numeric_drift_of_whole_columns(diff):
    found = diff(pd.DataFrame({"id": [1, 2], "x": [1.0, 3.0]}), pd.DataFrame({"id": [1, 2, 3], "x": [1.0, np.nan, 9.0]}))
    drift = next(one for one in found.table.columns if one.field == "x")
    assert (drift.changed, drift.nulls_from, drift.nulls_to) == (1, 0, 1)
    assert (drift.mean_from, drift.mean_to, drift.min_to, drift.max_from, drift.max_to) == (2.0, 5.0, 1.0, 3.0, 9.0)
    assert "2 → 5" in repr(found)


def test_numbers_beyond_what_a_browser_holds_are_texts(diff):
    found = diff(pd.DataFrame({"id": ["a"], "n": [2**60]}), pd.DataFrame({"id": ["a"], "n": [2**60 + 1]}))
    assert changes(found) == {("changed", "a"): {"n": (str(2**60), str(2**60 + 1))}}


def test_every_kind_of_column(diff):
    zone = dt.timezone(dt.timedelta(hours=1))
    old = pa.table({
        "id": [1], "d": [Decimal("1.20")], "day": [dt.date(2026, 1, 1)], "at": pa.array([0], pa.timestamp("ns", "Europe/Berlin")),
        "span": pa.array([1_000_000], pa.duration("us")), "clock": [dt.time(1, 2)], "raw": [b"\0a"], "list": [[1, None]],
        "struct": [{"a": 1}], "word": pa.array(["q"]).dictionary_encode(), "flag": [True], "nothing": pa.nulls(1),
        "moment": [dt.datetime(2026, 1, 1, tzinfo=zone)], "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
    })  # fmt: skip
    new = pa.table({
        "id": [1], "d": [Decimal("1.21")], "day": [dt.date(2026, 1, 2)], "at": pa.array([10**9], pa.timestamp("ns", "Europe/Berlin")),
        "span": pa.array([2_000_000], pa.duration("us")), "clock": [dt.time(1, 3)], "raw": [b"\0b"], "list": [[1, 2]],
        "struct": [{"a": 2}], "word": pa.array(["r"]).dictionary_encode(), "flag": [False], "nothing": pa.nulls(1),
        "moment": [dt.datetime(2026, 1, 2, tzinfo=zone)], "map": pa.array([[("k", 2)]], pa.map_(pa.string(), pa.int64())),
    })  # fmt: skip
    assert diff(old, old.slice(0)).same
    found = diff(old, new, key_columns=["id"])
    cells = found.table.rows[0].cells
    assert set(cells) == set(old.column_names) - {"id", "nothing"}
    assert cells["d"] == ("1.20", "1.21")
    assert cells["span"] == ("0 days 00:00:01", "0 days 00:00:02")
    assert cells["at"] == ("1970-01-01T01:00:00+01:00", "1970-01-01T01:00:01+01:00")
    assert cells["list"] == ("[1,null]", "[1,2]")


def test_periods_and_intervals_read_as_pandas_writes_them(diff):
    old = pd.DataFrame({"id": [1], "p": pd.period_range("2026-01", periods=1, freq="M"), "i": pd.interval_range(0, 1)})
    new = old.assign(p=pd.period_range("2026-02", periods=1, freq="M"), i=pd.interval_range(1, 2))
    assert changes(diff(old, new)) == {("changed", 1): {"p": ("2026-01", "2026-02"), "i": ("(0, 1]", "(1, 2]")}}


def test_names_that_sql_would_mistake(diff):
    old = pd.DataFrame(
        {"id": [1, 2], "a": [1, 2], "A": ["x", "y"], 'q"; DROP': [1, 2], "rn": [1, 2], "file_row_number": [5, 6]}
    )
    new = old.assign(A=["x", "z"], file_row_number=[5, 7])
    found = diff(old, new)
    assert changes(found) == {("changed", 2): {"A": ("y", "z"), "file_row_number": (6, 7)}}
    twice = pd.DataFrame([[1, 2, 3]], columns=["id", "x", "x"])
    assert counts(diff(twice, pd.DataFrame([[1, 2, 4]], columns=["id", "x", "x"]), key_columns=["id"])) == (0, 0, 1, 0)


def test_tables_without_rows_or_columns(diff):
    assert counts(diff(OLD.iloc[:0], OLD)) == (3, 0, 0, 0)
    assert counts(diff(OLD, OLD.iloc[:0])) == (0, 3, 0, 0)
    assert diff(pd.DataFrame(), pd.DataFrame()).same
    assert diff(pd.DataFrame(), OLD).table.added == 3


def test_columns_of_another_kind_are_compared_as_text(diff):
    found = diff(pd.DataFrame({"id": ["a", "b"], "v": [1, 2]}), pd.DataFrame({"id": ["a", "b"], "v": ["1", "x"]}))
    assert changes(found) == {("changed", "b"): {"v": (2, "x")}}


def test_a_table_of_another_client_has_only_its_json(diff):
    old, new = ('[{"id": 1, "v": "a"}]', '[{"id": 1, "v": "b"}]')
    first, second = (nba.Artifact(type="table", key="theirs", data=text).create() for text in (old, new))
    assert changes(first.diff(second)) == {("changed", 1): {"v": ("a", "b")}}


def test_a_store_without_files_of_its_own_will_do(monkeypatch):
    first, second = (nba.create(frame, "elsewhere") for frame in (OLD, NEW))
    opened = type(first._store).open_blob

    def in_memory(store, ref):
        with opened(store, ref) as file:
            return io.BytesIO(file.read())

    monkeypatch.setattr(type(first._store), "open_blob", in_memory)
    assert counts(first.diff(second)) == (1, 1, 1, 1)
    tables = Tables(first._store)
    try:
        assert tables.diff(*(first._store.get(one.id) for one in (first, second)), TableAsk()).added == 1
    finally:
        tables.close()


def test_a_page_has_all_kinds_and_the_numbers_are_of_all(diff):
    old = pd.DataFrame({"id": range(3000), "v": range(3000)})
    new = pd.concat([old.iloc[1000:].assign(v=0), pd.DataFrame({"id": range(5000, 6000), "v": 1})])
    found = diff(old, new)
    assert counts(found) == (1000, 1000, 2000, 0)
    shown = [row.change for row in found.table.rows]
    assert len(shown) == 200 and min(shown.count(change) for change in ("added", "removed", "changed")) >= 66


def test_what_it_shows_stays_small(diff):
    wide = {f"column {n} {'long ' * 20}": ["<script>" + "ä" * 5000] for n in range(300)}
    found = diff(
        pd.DataFrame({"id": [1], **wide}),
        pd.DataFrame({"id": [1], **{name: ["b" * 5000] for name in wide}}),
        key_columns=["id"],
    )
    bundle = found._repr_mimebundle_()
    assert sum(len(part.encode()) for part in bundle.values()) < 32 * 1024
    assert "<script" not in bundle["text/html"]


cells = st.one_of(st.none(), st.integers(-3, 3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    old=st.dictionaries(st.integers(0, 8), st.tuples(cells, cells), max_size=6),
    new=st.dictionaries(st.integers(0, 8), st.tuples(cells, cells), max_size=6),
)
def test_as_two_dicts_would_be_compared(diff, old, new):
    def frame(rows):
        columns = {"id": list(rows), "x": [row[0] for row in rows.values()], "y": [row[1] for row in rows.values()]}
        return pa.table(columns, schema=pa.schema([("id", pa.int64()), ("x", pa.int64()), ("y", pa.int64())]))

    found = diff(frame(old), frame(new), key_columns=["id"])
    expected = {
        ("added", k): {"id": (None, k), "x": (None, new[k][0]), "y": (None, new[k][1])} for k in new.keys() - old.keys()
    }
    expected |= {
        ("removed", k): {"id": (k, None), "x": (old[k][0], None), "y": (old[k][1], None)} for k in old.keys() - new.keys()
    }
    for k in old.keys() & new.keys():
        changed = {name: (old[k][n], new[k][n]) for n, name in enumerate("xy") if old[k][n] != new[k][n]}
        expected |= {("changed", k): changed} if changed else {}
    if not found.same or expected:
        assert changes(found) == expected


@pytest.mark.parametrize(("before", "after"), [("s", "ns"), ("ms", "us")])
def test_a_duration_in_another_unit_is_the_same(diff, before, after):
    spans = pd.to_timedelta(["1s", "-90000 days", None])
    old, new = (pd.DataFrame({"id": list("abc"), "t": spans.as_unit(unit)}) for unit in (before, after))
    assert counts(diff(old, new)) == (0, 0, 0, 3)
    assert counts(diff(old, new.assign(t=new["t"] + pd.Timedelta(1, "s")))) == (0, 0, 2, 1)
    assert counts(diff(old.dropna(), new.dropna(), key_columns="t")) == (0, 0, 0, 2)


@pytest.mark.parametrize("keyed", [True, False])
def test_a_table_of_many_columns_is_compared_some_at_a_time(diff, keyed):
    rng = np.random.default_rng(0)
    old = pd.DataFrame(rng.random((9, 700)), columns=[f"c{place}" for place in range(700)])
    old["c5"] = ["a", "b", "c"] * 3
    new = old.copy()
    new.iloc[2, 650], new.iloc[2, 3], new.iloc[4, 310] = 7.0, 8.0, 9.0
    if keyed:
        old["id"], new["id"] = range(9), range(9)
        new = pd.concat([new.iloc[1:], new.iloc[:1].assign(id=99)])
    found = diff(old, new)
    assert counts(found) == ((1, 1, 2, 6) if keyed else (0, 0, 2, 7))
    changed = {row.before: row.cells for row in found.table.rows if row.change == "changed"}
    assert {place: list(cells) for place, cells in changed.items()} == {2: ["c3", "c650"], 4: ["c310"]}
    assert changed[4]["c310"] == (old.iloc[4, 310], 9.0)
    drift = {one.field: one.changed for one in found.table.columns if one.changed}
    assert drift == {"c3": 1, "c650": 1, "c310": 1}
    if keyed:
        assert {row.change: len(row.cells) for row in found.table.rows} == {"changed": 1, "added": 50, "removed": 50}


def test_many_columns_with_names_that_sql_would_mistake(diff):
    names = [*(f"c{place}" for place in range(400)), "C1", 'a"b', "file_row_number", "é"]
    old = pd.DataFrame([range(404), range(404)], columns=names)
    new = old.copy()
    new.loc[1, "C1"], new.loc[0, 'a"b'] = -1, -2
    found = diff(old, new)
    assert {tuple(row.cells) for row in found.table.rows} == {("C1",), ('a"b',)}
    found = diff(old[names[:402]].rename(columns={"C1": "other"}), new[names[:402]].rename(columns={"C1": "other"}))
    assert {tuple(row.cells) for row in found.table.rows} == {("other",), ('a"b',)}


def test_whole_numbers_that_became_rounded_ones_are_others(diff):
    """As pandas makes them where a value is missing."""
    old = pd.DataFrame({"id": ["a", "b", "c"], "n": [2**53 + 1, 2**53, 5]})
    found = diff(old, old.astype({"n": "float64"}))
    assert counts(found) == (0, 0, 1, 2)
    assert changes(found) == {("changed", "a"): {"n": (str(2**53 + 1), float(2**53))}}
    assert diff(old, old.astype({"n": "float64"}), tolerance=1).table.changed == 0
    assert diff(old[1:], old[1:].astype({"n": "float64"})).table.changed == 0


def test_periods_and_durations_are_no_numbers(diff):
    old = pd.DataFrame({
        "k": ["a", "b"], "p": pd.period_range("2020-01", periods=2, freq="M"), "d": pd.to_timedelta([1, 2], unit="us"),
    })  # fmt: skip
    found = diff(old, old.assign(p=old.p + 1, d=old.d * 2), tolerance=5)
    assert counts(found) == (0, 0, 2, 0)
    assert {(one.field, one.changed, one.mean_from, one.max_to) for one in found.table.columns} == {
        ("k", 0, None, None), ("p", 2, None, None), ("d", 2, None, None),
    }  # fmt: skip


def test_tables_without_a_common_column_have_no_row_in_common(diff):
    found = diff(pd.DataFrame({"loss": [1.0, 2.0]}), pd.DataFrame({"carrier": ["a", "b", "c"]}))
    assert counts(found) == (3, 2, 0, 0)
    assert found.note is not None
    assert "no column in common" in found.note


def test_key_columns_that_are_no_texts(diff):
    old = pd.DataFrame([[1, 2], [3, 4]])
    found = diff(old, old.assign(x=1).rename(columns={"x": 5}), key_columns=[0])
    assert (found.table.keys, found.table.matched_by) == (["0"], "given")
    with pytest.raises(InvalidValue, match="not a list of names"):
        diff(old, old, key_columns=3)
    with pytest.raises(InvalidValue, match="'3' is not a column"):
        diff(old, old, key_columns=[3])
