"""Pages of a stored table: exact, in any order, at any place, as Arrow and as JSON."""

from __future__ import annotations

import io
import json

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from query.conftest import kept

from nb_artifacts import wire
from nb_artifacts.errors import BadQuery, BlobMissing, InvalidValue
from nb_artifacts.query import RowsQuery, parse
from nb_artifacts.query.engine import Engine
from nb_artifacts.query.source import Cursor, Limits, Source


def wire_record(**parts):
    return wire.Record(id=wire.new_id(), created=wire.now(), updated=wire.now(), **parts)


def test_a_page_has_the_types_of_the_table(ask, frame):
    table, page = ask(offset=990, limit=200)
    assert (page.rows, page.total, table.num_rows) == (1000, 1000, 10)
    assert table.column_names == list(frame.columns)
    assert table.schema.field("t").type == pa.timestamp(frame["t"].dt.unit, "Europe/Berlin")
    assert table.schema.field("d").type == pa.duration(frame["d"].dt.unit)
    assert table.schema.field("dec").type == pa.decimal128(3, 1)
    assert table.column("a").to_pylist() == list(range(990, 1000))
    assert table.column("c").to_pylist() == ["x", "y"] * 5
    assert table.column("p").to_pylist()[0] == str(frame["p"][990])
    assert table.column("o").to_pylist()[0] == {"x": 990}
    assert table.column("bytes").to_pylist()[0] == bytes([990 % 256])


def test_a_page_is_one_batch_without_compression(tables, record):
    page = tables.rows(record, RowsQuery(limit=300))
    reader = pa.ipc.open_stream(page.arrow)
    assert reader.schema.metadata is None
    assert [batch.num_rows for batch in reader] == [300]
    empty = pa.ipc.open_stream(tables.rows(record, RowsQuery(offset=5000)).arrow)
    assert [batch.num_rows for batch in empty] == [0]


def test_columns_come_in_the_order_asked(ask):
    table, _ = ask(columns="s,a", limit=1)
    assert table.column_names == ["s", "a"]
    exact, _ = ask(columns=json.dumps(['odd name, "quoted"', "A"]), limit=2)
    assert exact.to_pydict() == {'odd name, "quoted"': [0, 1], "A": [1000, 999]}


def test_json_never_rounds(rows):
    page = rows(limit="1", offset="999")
    assert (page["rows"], page["total"], page["offset"]) == (1000, 1000, 999)
    row = page["data"][0]
    assert row["big"] == str(2**70 + 999)
    assert row["dec"] == "99.9"
    assert row["t"] == "2022-09-26T00:00:00+02:00"
    assert row["d"] == "0 days 00:16:39"
    assert (row["l"], row["o"], row["yes"], row["a"]) == ("[999]", '{"x":999}', False, 999)
    assert page["columns"][1] == {"field": "b", "name": "b", "dtype": "float64", "kind": "number", "index": False}


def test_json_has_no_nan(store, rows):
    odd = pd.DataFrame({"f": [np.inf, -np.inf, np.nan, 1.5], "n": [2**53, 2**53 + 1, -(2**63), 0]})
    data = rows(kept(store, odd))["data"]
    assert [row["f"] for row in data] == [None, None, None, 1.5]
    assert [row["n"] for row in data] == [2**53, str(2**53 + 1), str(-(2**63)), 0]


@pytest.mark.parametrize("column", ["b", "s", "gaps", "t", "d", "p", "dec", "yes", "a"])
@pytest.mark.parametrize("minus", ["", "-"])
def test_sorted_as_pandas_sorts(ask, frame, column, minus):
    table, _ = ask(sort=f"{minus}{column}", columns="a", limit=1000)
    wanted = frame.sort_values(column, ascending=not minus, kind="stable", na_position="last")["a"]
    assert table.column("a").to_pylist() == wanted.to_list()


def test_sorted_by_several_columns(ask, frame):
    table, _ = ask(sort="s,-b", columns="a", limit=500, offset=100)
    wanted = frame.sort_values(["s", "b"], ascending=[True, False], kind="stable")["a"]
    assert table.column("a").to_pylist() == wanted.to_list()[100:600]


def test_numbers_in_text_are_sorted_as_numbers(store, ask):
    long = pd.DataFrame({"n": [10**30, 5, -(10**25), None, 70, 10**29]}, dtype=object)
    table, _ = ask(kept(store, long), sort="n")
    assert table.column("n").to_pylist() == ["-10000000000000000000000000", "5", "70", str(10**29), str(10**30), None]


def test_a_view_page_by_page_is_the_whole_view(ask):
    whole, page = ask(sort="-s,b", where="a % 3 = 0", columns="a", limit=1000)
    parts = [ask(sort="-s,b", where="a % 3 = 0", columns="a", limit=50, offset=start)[0] for start in range(0, page.rows, 50)]
    assert pa.concat_tables(parts) == whole.combine_chunks()
    assert whole.num_rows == page.rows == 334


def test_every_so_many_rows(ask):
    table, page = ask(stride=100, columns="a")
    assert (table.column("a").to_pylist(), page.rows) == (list(range(0, 1000, 100)), 1000)
    assert ask(stride=300, columns="a", sort="-a")[0].column("a").to_pylist() == [999, 699, 399, 99]
    assert ask(stride=100, columns="a", offset=9)[0].column("a").to_pylist() == [900]


def test_names_that_sql_takes_for_the_same(ask, store):
    table, _ = ask(sort="-A", columns="a,A", limit=1)
    assert table.to_pydict() == {"a": [0], "A": [1000]}
    twice = pa.table([[1, 2], [3, 4], [5, 6], [7, 8]], names=["x", "X", "file_row_number", ""])
    found, _ = ask(kept(store, twice), sort="-X", where='"X_1" > 3 OR x = 1')
    assert found.to_pydict() == {"x": [2, 1], "X": [4, 3], "file_row_number": [6, 5], "": [8, 7]}


def test_the_index_comes_first(ask, store, rows):
    frame = pd.DataFrame({"v": [1, 2, 3]}, index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", None]))
    record = kept(store, frame)
    table, _ = ask(record)
    assert table.num_columns == 3
    assert [column["index"] for column in rows(record)["columns"]] == [True, True, False]
    assert ask(record, where="k = 'a'")[1].rows == 2


@pytest.mark.parametrize(
    "value",
    [
        pl.DataFrame({"x": [1, 2], "y": ["a", None], "z": [[1], None]}),
        pa.table({"x": [1, 2], "y": ["a", None]}),
        [{"x": 1, "y": "a"}, {"x": 2}],
        [[1, "a"], [2]],
        {"x": [1, 2], "y": ["a"]},
    ],
)
def test_any_kind_of_table(store, ask, value):
    record = kept(store, value)
    first = ask(record)[0]
    assert first.num_rows == 2
    name = first.column_names[0]
    assert ask(record, sort=f"-{name}")[0].column(name).to_pylist() == [2, 1]


def test_tables_without_rows_or_columns(store, ask):
    assert ask(kept(store, pd.DataFrame({"x": []})), sort="x")[0].num_rows == 0
    assert ask(kept(store, pd.DataFrame(index=range(3))))[1].total in (0, 3)
    assert ask(kept(store, []))[1].rows == 0


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"limit": "10001"}, "limit"),
        ({"limit": "1000000000"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"offset": "-5"}, "offset"),
        ({"offset": "1e3"}, "offset"),
        ({"offset": "9" * 30}, "offset"),
        ({"sort": ",".join("a" * 40)}, "32"),
        ({"q": "x\x00y"}, "NUL"),
        ({"q": "x" * 10_001}, "10000"),
        ({"where": "\ud800"}, "surrogate"),
    ],
)
def test_paging_cannot_be_abused(params, said):
    with pytest.raises(BadQuery, match=said):
        parse(params)


def test_unknown_columns_are_named(ask):
    for params in ({"columns": "nope"}, {"sort": "-nope"}, {"filter": '[{"column":"nope","op":"null"}]'}):
        with pytest.raises(BadQuery, match="'nope'") as raised:
            ask(**params)
        assert raised.value.column == "nope"


def test_a_table_that_came_as_json(store, ask, tables):
    text = json.dumps([{"x": 2, "y": "a"}, {"x": 1, "y": None}, {"x": 10**20}])
    record = store.put(wire_record(type="table", data=msgspec.Raw(json.dumps(text).encode())))
    table, page = ask(record, sort="-x")
    assert page.total == 3
    assert table.column("x").to_pylist() == [str(10**20), "2", "1"]
    assert json.loads(tables.summary(record, RowsQuery()))["total"] == 3
    with pytest.raises(BadQuery):
        ask(record, where="z")


def test_other_types_and_other_bytes(store, tables, record):
    link = store.put(wire_record(type="link"))
    with pytest.raises(InvalidValue, match="is not a table"):
        tables.rows(link, RowsQuery())
    broken = store.put(wire_record(type="table", blob=store.put_blob(b"PAR1" + bytes(1000) + b"PAR1", record.blob.media)))
    with pytest.raises(InvalidValue, match=broken.blob.sha256):
        tables.rows(broken, RowsQuery())


def test_damaged_and_missing_bytes(store, ask):
    record = kept(store, pd.DataFrame({"x": np.random.default_rng(5).normal(size=50_000)}))
    path = store.folder / "blobs" / record.blob.sha256[:2] / record.blob.sha256
    content = path.read_bytes()
    path.write_bytes(content[:1000] + bytes(100_000) + content[101_000:])
    with pytest.raises(InvalidValue, match=record.blob.sha256):
        ask(record)
    with pytest.raises(InvalidValue, match=record.blob.sha256):
        ask(record, sort="x")
    path.write_bytes(content[:-10])
    with pytest.raises(BlobMissing, match=record.blob.sha256):
        ask(record)
    path.unlink()
    with pytest.raises(BlobMissing, match=record.blob.sha256):
        ask(record)


def test_rows_all_over_a_large_file(tmp_path):
    rows = 1_200_000
    rng = np.random.default_rng(2)
    values = rng.permutation(rows)
    table = pa.table({
        "n": values, "at": pa.array(np.arange(rows), pa.timestamp("s", "Europe/Berlin")), "span": pa.array(values, pa.duration("s")),
        "text": pa.array(values % 1000).cast(pa.string()).dictionary_encode(),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=65_536)
    engine = Engine(Limits(512 * 2**20, 2, str(tmp_path / "tmp")))
    source = engine.source("t", str(tmp_path / "t.parquet"), None, b"")
    cursor = Cursor(source)
    order = np.argsort(values)
    for start in (0, 600_000, rows - 100):
        page = engine.rows(
            source, RowsQuery(sort=parse({"sort": "n"}).sort, offset=start, limit=100), "arrow", cursor, lambda: None
        )
        found = pa.ipc.open_stream(page.content).read_all()
        assert page.rows == rows
        assert found.column("n").to_pylist() == list(range(start, start + 100))
        wanted = table.take(pa.array(order[start : start + 100]))
        for name in table.column_names:
            assert found.column(name).to_pylist() == wanted.column(name).to_pylist(), name
        assert found.schema.field("span").type == pa.duration("s")


def test_files_hold_every_digit(store, tables):
    odd = pd.DataFrame({
        "f": [np.inf, -np.inf, np.nan, 0.1, 1e300], "n": [2**53 + 1, -(2**63), 0, 1, 2], "s": ["a,b", 'q"', "new\nline", "=1+1", None],
        "big": pd.Series([2**70, None, 1, 2, 3], dtype=object), "yes": [True, False, True, False, True],
    })  # fmt: skip
    record = kept(store, odd)
    csv = b"".join(tables.export(record, RowsQuery(), "csv")).decode()
    assert csv == (
        'f,n,s,big,yes\ninf,9007199254740993,"a,b",1180591620717411303424,True\n-inf,-9223372036854775808,"q""",,False\n'
        ',0,"new\nline",1,True\n0.1,1,\'=1+1,2,False\n1e+300,2,,3,True\n'
    )
    again = pd.read_csv(io.StringIO(csv), dtype={"n": "int64"})
    assert again["f"].to_list()[3:] == [0.1, 1e300]
    lines = b"".join(tables.export(record, RowsQuery(), "markdown")).decode().splitlines()
    assert lines[2] == "| inf | 9007199254740993 | a,b | 1180591620717411303424 | True |"
    assert lines[4] == "|  | 0 | new line | 1 | True |"
    rows = json.loads(b"".join(tables.export(record, RowsQuery(), "json")))
    assert rows[0] == {"f": None, "n": "9007199254740993", "s": "a,b", "big": str(2**70), "yes": True}
    found = pq.read_table(io.BytesIO(b"".join(tables.export(record, parse({"columns": "n,f"}), "parquet"))))
    assert found.column("n").to_pylist() == odd["n"].to_list()


def test_markdown_says_a_text_as_it_is(tables, store):
    record = kept(store, pd.DataFrame({"t": ["&copy; $x$ _a_"]}))
    assert b"".join(tables.export(record, RowsQuery(), "markdown")).decode().splitlines()[2] == "| \\&copy; \\$x\\$ \\_a\\_ |"


def test_rows_are_counted_where_there_are_no_columns(store, rows):
    for value, count in ((pd.DataFrame(index=range(3)), 3), (pd.DataFrame(index=range(9, 1, -2)), 4), ([{}, {}], 2)):
        page = rows(kept(store, value))
        assert (page["rows"], page["total"], page["data"]) == (count, count, [{}] * count)


@pytest.mark.parametrize("odd", ["c0 x", "C7", "é"])
def test_a_summary_of_a_wide_table_does_not_plan_all_its_columns(tmp_path, tables, store, odd):
    names = [f"c{n}" for n in range(300)]
    frame = pd.DataFrame([range(300), range(1, 301)], columns=[*names[:-1], odd])
    record = kept(store, frame)
    found = json.loads(tables.summary(record, parse({"columns": json.dumps(["c7", odd]), "where": "c0 = 1", "q": "8"})))
    assert [(column["field"], column["min"], column["max"]) for column in found["columns"]] == [("c7", 8, 8), (odd, 300, 300)]
    assert (found["rows"], found["total"]) == (1, 2)
    path = tmp_path / "wide.parquet"
    path.write_bytes(b"".join(tables.export(record, RowsQuery(), "parquet")))
    source = Source(str(path), "wide", Limits(2**28, 1, str(tmp_path)))
    source.prepare()
    assert (source.reading_from != "rows") == (odd == "c0 x")
