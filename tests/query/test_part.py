"""``Artifact.get(key, columns=…, where=…, limit=…)``: the part that the library itself would make, and no more is read."""

from __future__ import annotations

import json

import duckdb
import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal
from query.conftest import kept, mixed
from unit.test_types_pandas import DTYPES

from nb_artifacts import Artifact, create, wire
from nb_artifacts.errors import BadQuery, BlobMissing, InvalidValue
from nb_artifacts.query.ask import Which
from nb_artifacts.query.conditions import explained
from nb_artifacts.query.select import part


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def same(found, wanted):
    assert_frame_equal(found, wanted, check_column_type=True, check_freq=False)
    assert found.attrs == wanted.attrs
    assert found.index.names == wanted.index.names
    assert found.columns.names == wanted.columns.names


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_of_pandas(store, name):
    """Rows from the middle, so that what is noted row by row must move with them."""
    series = DTYPES[name]
    if name == "big-endian":
        series = series.astype("int32")  # pandas itself cannot take rows of the other kind
    frame = pd.DataFrame({"x": series, "n": range(len(series))})
    record = kept(store, frame)
    same(part(record, store, ["x"], "n >= 1").value, frame[frame["n"] >= 1][["x"]])
    same(part(record, store, None, "n <> 1").value, frame[frame["n"] != 1])
    same(part(record, store, ["n", "x"], limit=2).value, frame[["n", "x"]].head(2))
    same(part(record, store, limit=0).value, frame.head(0))


def test_a_filter_over_columns_that_are_not_wanted(home):
    frame = mixed()
    create(frame, "mixed")
    found = Artifact.get("mixed", columns=["b", "p"], where="s = 'w3' AND gaps > 100", limit=20)
    same(found.value, frame[(frame["s"] == "w3") & (frame["gaps"] > 100)][["b", "p"]].head(20))
    assert found.key == "mixed"
    assert found.to_arrow().num_rows == 20
    assert Artifact.get("nope", columns=["b"]) is None
    same(Artifact.get("mixed", 1).value, frame)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(10, 30, 2, name="r"),
        pd.Index(list("abcdefghij"), name="k"),
        pd.date_range("2020", periods=10, freq="D"),
        pd.MultiIndex.from_product([["a", "b"], range(5)], names=["k", None]),
        pd.CategoricalIndex(list("aabbccaabb")),
    ],
)
def test_an_index_is_kept(store, index):
    frame = pd.DataFrame({"n": range(10), "x": np.arange(10) / 2}, index=index)
    frame.attrs = {"unit": "m"}
    record = kept(store, frame)
    same(part(record, store, ["x"], "n % 3 = 1").value, frame[frame["n"] % 3 == 1][["x"]])
    same(part(record, store, None, "n BETWEEN 2 AND 5").value, frame[frame["n"].between(2, 5)])
    head = part(record, store, limit=4).value
    same(head, frame.head(4))
    if isinstance(index, pd.RangeIndex):
        assert head.index.equals(frame.head(4).index)
        assert type(head.index) is pd.RangeIndex


def test_levels_of_columns_and_names_that_several_have(store):
    wide = pd.DataFrame(
        [[1, 2, 3], [4, 5, 6]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["x", "y"])
    )
    same(part(kept(store, wide), store, [("a", 2), ("b", 1)]).value, wide[[("a", 2), ("b", 1)]])
    twice = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    same(part(kept(store, twice), store, ["a"]).value, twice[["a"]])
    numbered = pd.DataFrame([[1, 2, 3], [4, 5, 6]])
    same(part(kept(store, numbered), store, [2, 0]).value, numbered[[2, 0]])
    when = pd.DataFrame([[1, 2]], columns=pd.date_range("2020", periods=2, freq="D"))
    same(part(kept(store, when), store, [pd.Timestamp("2020-01-02")]).value, when[[pd.Timestamp("2020-01-02")]])


def test_what_is_noted_row_by_row(store):
    """Kinds of missing values in a column of objects, and whole numbers among broken ones, stay with their rows."""
    values = np.array([None, "a", np.nan, pd.NA, "b", None, pd.NaT], dtype=object)
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object), "n": range(7)})
    found = part(kept(store, frame), store, where="n >= 2").value
    assert [type(value) for value in found["x"]] == [type(value) for value in values[2:]]
    rows = [{"v": 1}, {"v": 1.5}, {"v": 2}, {}, {"v": None}, {"v": 3}]
    left = part(kept(store, rows), store, where="v IS NULL OR v > 1.2").value
    assert left == rows[1:]
    assert [type(row.get("v")) for row in left] == [type(row.get("v")) for row in rows[1:]]


def test_other_libraries_get_their_own(store):
    frame = pl.DataFrame({"n": range(10), "c": pl.Series(["a", "b"] * 5, dtype=pl.Categorical)})
    found = part(kept(store, frame), store, ["c"], "n > 6").value
    assert found.equals(frame.filter(pl.col("n") > 6).select("c"))
    table = pa.table({"n": range(10), "s": pa.array(["a", "b"] * 5).dictionary_encode()})
    assert part(kept(store, table), store, ["s", "n"], limit=3).value.equals(table.select(["s", "n"]).slice(0, 3))
    ordered = pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int8()), pa.array([9, 5]), ordered=True)
    table = pa.table({"n": range(3), "o": ordered})
    assert part(kept(store, table), store, ["o"], "o = 5").value.equals(table.select(["o"]).take([0, 2]))
    assert part(kept(store, table), store, ["n"]).value.equals(table.select(["n"]))
    assert part(kept(store, table), store, [], "n > 0").value.num_rows == 2
    lists = [[1, "a"], [2, "b"], [3]]
    assert part(kept(store, lists), store, ["0"], '"0" > 1').value == [[2], [3]]
    columns = {"x": [1, 2, 3], "y": ["a"]}
    assert part(kept(store, columns), store, where="x > 1").value == {"x": [2, 3], "y": []}
    relation = duckdb.sql("SELECT range AS n, 'x' AS s FROM range(10)")
    found = part(kept(store, relation), store, ["n"], "n > 7").value
    assert isinstance(found, duckdb.DuckDBPyRelation)
    assert found.fetchall() == [(8,), (9,)]
    relation = duckdb.sql("SELECT uuid '00000000-0000-4000-8000-000000000001' AS u, 1::hugeint AS h, 2 AS n")
    assert part(kept(store, relation), store, ["n", "u"]).value.fetchall() == [relation.fetchall()[0][::-2]]
    series = pd.Series([1.5, 2.5, 3.5], name="v")
    assert_series_equal(part(kept(store, series), store, where="v > 2").value, series[series > 2])


def test_a_table_that_came_as_json(store):
    text = json.dumps([{"x": 2, "y": "a"}, {"x": 1}])
    record = wire.Record(
        id=wire.new_id(), created=wire.now(), updated=wire.now(), type="table", data=msgspec.Raw(json.dumps(text).encode())
    )
    assert part(store.put(record), store, ["x"], "x > 1").value == [{"x": 2}]


def test_a_file_of_another_program(store, tmp_path):
    table = pa.table({"a": range(5), "b": list("vwxyz")})
    pq.write_table(table, tmp_path / "t.parquet")
    blob = store.put_blob((tmp_path / "t.parquet").read_bytes(), "application/vnd.apache.parquet")
    record = store.put(wire.Record(id=wire.new_id(), created=wire.now(), updated=wire.now(), type="table", blob=blob))
    assert part(record, store, ["b"], "a > 3").value["b"].to_list() == ["z"]


def test_only_what_is_asked_is_read(store, monkeypatch):
    record = kept(store, pd.DataFrame({"n": range(400_000), "wide": np.random.default_rng(0).normal(size=400_000)}))
    read, whole = [], pq.ParquetFile.read_row_group

    def spy(self, group, columns=None, **options):
        read.append((group, columns))
        return whole(self, group, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", spy)
    assert part(record, store, ["n"], limit=10).value["n"].to_list() == list(range(10))
    assert read == [(0, ["n"])]
    read.clear()
    assert len(part(record, store, ["wide"], "n >= 399990").value) == 10
    assert read == [(3, ["wide"])]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": ["nope"]}, "there is no column 'nope'. Near it: n"),
        ({"columns": "n"}, "columns='n' is not a list"),
        ({"columns": 3}, "columns=3"),
        ({"where": "n >"}, "syntax error"),
        ({"where": "nope > 1"}, "there is no column 'nope'"),
        ({"where": "n IN (SELECT 1)"}, "a query inside"),
        ({"where": "read_csv('/etc/passwd')"}, "read_csv"),
        ({"where": 5}, "where=5"),
        ({"where": "n = '\x00'"}, "NUL"),
        ({"limit": -1}, "limit=-1"),
        ({"limit": 2.5}, "limit=2.5"),
        ({"limit": True}, "limit=True"),
    ],
)
def test_what_cannot_be_read_is_said_at_once(store, options, said):
    record = kept(store, pd.DataFrame({"n": [1]}))
    with pytest.raises(BadQuery) as raised:
        part(record, store, **options)
    assert said in str(raised.value)


def test_other_types_and_bytes_that_are_gone(home, store):
    create("# hi", "text")
    with pytest.raises(InvalidValue, match="are for tables"):
        Artifact.get("text", limit=3)
    record = kept(store, pd.DataFrame({"x": range(77)}))
    (store.folder / "blobs" / record.blob.sha256[:2] / record.blob.sha256).unlink()
    with pytest.raises(BlobMissing, match=record.blob.sha256):
        part(record, store, limit=3)


def test_to_duckdb(home):
    frame = mixed(10)
    relation = create(frame, "mixed").to_duckdb()
    assert relation.columns[:3] == ["a", "b", "s"]
    assert Artifact.get("mixed").to_duckdb().aggregate("sum(a)").fetchall() == [(45,)]
    assert create([{"x": 1}], "rows").to_duckdb().fetchall() == [(1,)]


def test_a_relation_of_duckdb_comes_back(home):
    connection = duckdb.connect()
    relation = connection.sql("SELECT range AS n, range::DECIMAL(9, 2) AS d, [range] AS l, NULL::DATE AS t FROM range(5)")
    create(relation, "relation")
    found = Artifact.get("relation")
    assert isinstance(found.value, duckdb.DuckDBPyRelation)
    assert found.value.fetchall() == relation.fetchall()
    assert found.value.types == relation.types
    assert [column["dtype"] for column in found._record.info["columns"]] == ["BIGINT", "DECIMAL(9,2)", "BIGINT[]", "DATE"]
    assert found.to_pandas()["n"].to_list() == list(range(5))


def test_an_interrupt_is_one():
    """DuckDB tells Ctrl-C as a RuntimeError."""
    with pytest.raises(KeyboardInterrupt), explained(None, Which(), 1):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="another"), explained(None, Which(), 1):
        raise RuntimeError("another")
