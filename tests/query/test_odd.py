"""Tables as they also come: names that SQL uses itself, names that several columns have, NaN, ties, types of other programs."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from query.conftest import kept

from nb_artifacts import wire
from nb_artifacts.query import PARQUET, RowsQuery, order, parse
from nb_artifacts.query.engine import Engine
from nb_artifacts.query.source import Cursor, Limits


def foreign(store, table):
    """The record of a Parquet file that another program wrote."""
    file = io.BytesIO()
    pq.write_table(table, file)
    blob = store.put_blob(file.getvalue(), PARQUET)
    return store.put(wire.Record(id=wire.new_id(), created=wire.now(), updated=wire.now(), type="table", blob=blob))


def column(page, name):
    return [row[name] for row in page["data"]]


NAMES = [
    "", "-x", "+x", "a,b", "rows", "row", "r", "k0", "bin", "place", "count", "file_row_number", "nb_artifacts row", "SELECT",
    "x\ny", "é", "É", "t", "v", "p", "c0", '"', "'", "%20", "[a]", "x" * 300, "null",
]  # fmt: skip


@pytest.fixture(scope="module")
def named(store):
    return kept(store, pd.DataFrame([[3 * row + n % 2 for n in range(len(NAMES))] for row in range(9)], columns=NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_may_be_any_text(rows, tables, named, name):
    said = {"columns": json.dumps([name]), "sort": json.dumps([f"-{name}"])}
    assert column(rows(named, **said), name) == sorted(column(rows(named), name), reverse=True)
    assert rows(named, filter=[{"column": name, "op": "range", "max": 4}])["rows"] == 2
    (found,) = json.loads(tables.summary(named, parse({"columns": json.dumps([name])})))["columns"]
    assert sum(one["count"] for one in found["histogram"]) == 9
    assert found["histogram"][0]["count"] == 1


def test_an_expression_means_the_column_and_not_what_a_statement_calls_so(rows, named):
    for name in ("r", "k0", "bin", "place"):
        assert rows(named, where=f"{name} > 12", sort="-r")["rows"] == 5 - (NAMES.index(name) % 2 == 0)


def test_columns_of_one_name_in_the_file_of_another_program(store, rows, tables):
    record = foreign(store, pa.table([pa.array([2, 1]), pa.array(["x", "y"]), pa.array([5, 6])], names=["a", "b", "a"]))
    assert rows(record, sort=json.dumps(["-a (2)"]))["data"] == [{"a": 1, "b": "y", "a (2)": 6}, {"a": 2, "b": "x", "a (2)": 5}]
    assert b"".join(tables.export(record, RowsQuery(columns=["a (2)", "a"]), "csv")) == b"a (2),a\n5,2\n6,1\n"


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string(), pa.string()])
def test_texts_of_any_layout_are_sorted_and_written(store, rows, tables, kind):
    table = pa.table({"x": pa.array(["b", None, "a"], kind)})
    for record in (kept(store, table), foreign(store, table)):
        assert column(rows(record, sort="x"), "x") == ["a", "b", None]
        assert b"".join(tables.export(record, parse({"sort": "-x"}), "csv")) == b'x\nb\na\n""\n'


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_what_is_no_number_comes_last_either_way(store, rows, kind):
    table = pa.table({"x": pa.array([1.0, float("nan"), None, -1.0, float("inf"), float("nan")], kind), "row": range(6)})
    record = kept(store, table)
    assert column(rows(record, sort="x"), "row") == [3, 0, 4, 1, 2, 5]
    assert column(rows(record, sort="-x"), "row") == [4, 0, 3, 1, 2, 5]


def test_durations_and_moments_as_categories_read_as_what_they_are(store, rows, tables):
    spans, moments = pd.to_timedelta(["2 days", "1 days"]), pd.to_datetime(["2021", "2020"]).tz_localize("Europe/Berlin")
    record = kept(store, pd.DataFrame({"d": pd.Categorical(spans), "t": pd.Categorical(moments)}))
    assert rows(record, sort="d")["data"][0] == {"d": "1 days 00:00:00", "t": "2020-01-01T00:00:00+01:00"}
    assert rows(record, filter=[{"column": "d", "op": "range", "min": "36 hours"}])["rows"] == 1
    found = json.loads(tables.summary(record, RowsQuery()))["columns"]
    assert [(one["min"], one["max"]) for one in found] == [
        ("1 days 00:00:00", "2 days 00:00:00"),
        ("2020-01-01T00:00:00+01:00", "2021-01-01T00:00:00+01:00"),
    ]


@pytest.mark.parametrize("sort", ["s", "-s", "f", "-f", "-size,f", "size,-s"])
@pytest.mark.parametrize("where", ["", "n % 7 <> 3"])
def test_pages_neither_repeat_nor_drop_rows_that_are_equal(tmp_path, monkeypatch, sort, where):
    """The first pages come before the order is complete; whichever are read first, together they are the whole."""
    monkeypatch.setattr(order, "LARGE", 100)
    monkeypatch.setattr(order, "FIRST", 64)
    rows, rng = 3000, np.random.default_rng(3)
    table = pa.table({
        "n": range(rows), "s": [f"w{one}" for one in rng.integers(0, 3, rows)],
        "f": pa.array([[1.0, float("nan"), None][one] for one in rng.integers(0, 3, rows)]),
        "size": pa.array(rng.integers(0, 2, rows)),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=500)
    engine = Engine(Limits(2**28, 2, str(tmp_path / "tmp")))
    source = engine.source("t", str(tmp_path / "t.parquet"), None, b"")
    cursor, seen = Cursor(source), []
    total = len([n for n in range(rows) if not where or n % 7 != 3])
    for start in range(0, total, 32):
        asked = parse({"sort": sort, "where": where, "offset": str(start), "limit": "32", "columns": "n"})
        seen += json.loads(engine.rows(source, asked, "json", cursor, lambda: None).content)["data"]
    assert len(seen) == len({row["n"] for row in seen}) == total
    source.connection.close()
