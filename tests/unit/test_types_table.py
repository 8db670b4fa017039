"""Tables of plain Python and of Arrow libraries come back equal, as the same library's value."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
from decimal import Decimal
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payloads import back, check_shown, kept, stored, strict

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types import Table, coerce


def same(one, other):
    """Equal, of the same classes, dicts in the same order; NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return set(one) == set(other) and all(same(one[key], other[key]) for key in one)
    return one == other or (one != one and other != other)


PLAIN = {
    "dicts": [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
    "dicts-missing": [{"a": 1}, {"b": 2}, {}],
    "dicts-none-or-missing": [{"a": None}, {}, {"a": "x"}],
    "dicts-order": [{"a": 1, "b": 2}, {"b": 3, "a": 4}],
    "dicts-int-float": [{"a": 1}, {"a": 2.5}, {"a": None}, {"a": -0.0}],
    "dicts-int-float-nan": [{"a": 1}, {"a": math.nan}, {"a": math.inf}, {"a": 2.5}],
    "dicts-int-nan": [{"a": 1}, {"a": math.nan}],
    "dicts-big": [{"a": 2**53 + 1}, {"a": 2**64}, {"a": -(10**400)}],
    "dicts-big-and-float": [{"a": 2**60}, {"a": 0.5}],
    "dicts-mixed": [{"a": 1}, {"a": "x"}, {"a": [1, {"b": None}]}, {"a": True}, {}],
    "dicts-bool-int": [{"a": True}, {"a": 1}],
    "dicts-nested": [{"a": {"x": [1, 2]}}, {"a": {"y": "z"}}, {"a": {}}],
    "dicts-lists": [{"a": []}, {"a": [1.5, math.nan]}, {"a": None}],
    "dicts-odd-keys": [{1: "a", None: "b", ("x", 2): "c", dt.date(2020, 1, 1): "d", 0.5: "e"}],
    "dicts-values": [
        {"a": Decimal("1.10"), "b": dt.date(2020, 1, 1), "c": b"\x00", "d": UUID(int=1), "e": dt.datetime(2020, 1, 1)}
    ],
    "dicts-empty": [{}, {}],
    "none-only": [{"a": None}, {"a": None}],
    "lists": [[1, "a"], [2, "b"]],
    "lists-ragged": [[1], [2, "b"], []],
    "lists-header": [["name", "n"], ["x", 1]],
    "tuples": [(1, "a"), (2, None)],
    "lists-empty": [[], []],
    "columns": {"a": [1, 2], "b": ["x", None]},
    "columns-ragged": {"a": [1, 2, 3], "b": ["x"], "c": []},
    "columns-empty": {"a": [], "b": []},
    "empty": [],
    "texts": [{"a": "\x00", "b": "\U0001f600", "c": "</script>"}],
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_table_comes_back_equal(name):
    value = PLAIN[name]
    payload = coerce(value, type="table")
    assert payload.value is value
    found = back(payload).value
    assert same(found, value), found
    check_shown(payload, rooms=(100, 1000, 8000))
    check_shown(back(payload), rooms=(100, 8000))


def test_plain_tables_are_found_by_their_form():
    for name in ("dicts", "lists", "columns", "dicts-missing", "tuples"):
        assert coerce(PLAIN[name]).type == "table"
    assert [coerce(PLAIN[name]).content().info["library"] for name in ("dicts", "lists", "columns")] == [
        "list-of-dicts",
        "list-of-lists",
        "dict-of-lists",
    ]
    for value in ([1, 2], ["a"], {"a": 1}, [{"a": 1}, [1]], {}):
        with pytest.raises(UnsupportedType, match="type="):
            coerce(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([{"a": 1}, [1]], "row 1 is a list after dict"),
        ([[1], (1,)], "row 1 is a tuple"),
        ([1], "row 0 is a int"),
        ({"a": 1}, "column 'a' is a int"),
        ({"a": (1, 2)}, "column 'a' is a tuple"),
        ("text", "not str"),
        (5, "not int"),
        (None, "not None"),
        (object(), "list of dicts"),
    ],
)
def test_what_is_no_table_says_what_a_table_takes(value, said):
    with pytest.raises(UnsupportedType, match="list of dicts") as raised:
        coerce(value, type="table")
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([{"a": 1}, {"a": object()}], "column 'a'"),
        ([{"a": {1}}], "row 0"),
        ([{"a": "fine"}, {"a": "\udc80"}], "row 1"),
        ([{"a": 1j}], "complex"),
        ([{object(): 1}], "name"),
        ([{"a": 1}, {"a": {"b": math.nan}}], "nan"),
        ([{"\ud800": 1}], "surrogate"),
        ({"a": [1, dt.date(2020, 1, 1)]}, "mixes int"),
    ],
)
def test_cells_that_cannot_be_kept_are_named(value, said):
    with pytest.raises(InvalidValue, match=said):
        coerce(value).content()


def test_data_is_what_a_prefect_client_reads():
    rows = strict(strict(kept(coerce([{"a": 1, "b": math.nan}, {"b": [1, {"c": None}]}])).data).encode())
    assert rows == [{"a": 1, "b": None}, {"a": None, "b": [1, {"c": None}]}]
    assert strict(strict(kept(coerce([["x", 1]])).data).encode()) == [{"0": "x", "1": 1}]


def test_numpy_scalars_become_plain_numbers():
    found = back(coerce([{"a": np.int64(3), "b": np.float32(0.5), "c": np.bool_(True), "d": np.str_("x")}])).value
    assert found == [{"a": 3, "b": 0.5, "c": True, "d": "x"}]


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), inner, max_size=3),
    ),
    max_leaves=6,
)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.lists(st.dictionaries(keys, json_values, max_size=3), max_size=5),
        st.lists(st.lists(json_values, max_size=3), max_size=5),
        st.dictionaries(keys, st.lists(json_values, max_size=4), max_size=3),
    )
)
def test_any_json_table_comes_back_equal(value):
    payload = coerce(value, type="table")
    assert same(back(payload).value, value)
    strict(strict(kept(payload).data).encode())


def test_polars_frames_come_back_equal():
    frame = pl.DataFrame({
        "i": [1, None, 2**62], "f": [0.1, math.nan, None], "s": ["a", None, "ü"], "b": [True, None, False], "bin": [b"\x00", None, b""],
        "d": [dt.date(2020, 1, 1), None, dt.date(1, 1, 1)], "t": [dt.time(10, 1), None, dt.time(0)],
        "dt": pl.Series([dt.datetime(2020, 1, 1), None, None], dtype=pl.Datetime("ms")),
        "tz": pl.Series([dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc), None, None], dtype=pl.Datetime("us", "Europe/Berlin")),
        "td": pl.Series([dt.timedelta(1), None, None], dtype=pl.Duration("ns")),
        "cat": pl.Series(["b", "a", None], dtype=pl.Categorical), "enum": pl.Series(["x", None, "y"], dtype=pl.Enum(["z", "y", "x"])),
        "dec": pl.Series([Decimal("1.10"), None, None], dtype=pl.Decimal(10, 2)), "list": [[1, 2], None, []],
        "struct": [{"a": 1, "b": "x"}, None, {"a": 2, "b": None}], "arr": pl.Series([[1, 2], [5, 6], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        "u8": pl.Series([1, 2, 3], dtype=pl.UInt8), "f32": pl.Series([1, 2, 3], dtype=pl.Float32), "null": [None, None, None],
    }, strict=False)  # fmt: skip
    payload = coerce(frame)
    found = back(payload)
    polars.testing.assert_frame_equal(found.value, frame)
    assert found.value.schema == frame.schema
    assert found.info.columns[0].dtype == "Int64"
    check_shown(payload, rooms=(300, 30000))
    assert found.to_polars() is found.value


def test_a_polars_series_and_odd_dtypes():
    series = pl.Series("x", [1, 2])
    found = back(coerce(series)).value
    assert isinstance(found, pl.Series)
    polars.testing.assert_series_equal(found, series)
    with pytest.raises(InvalidValue, match="column 'x', row 0"):
        coerce(pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)})).content()
    with pytest.raises(InvalidValue, match="Int128"):
        coerce(pl.DataFrame({"x": pl.Series([1], dtype=pl.Int128)})).content()
    with pytest.raises(UnsupportedType, match="collect"):
        coerce(pl.LazyFrame({"a": [1]}))


def test_arrow_tables_come_back_equal():
    schema = pa.schema(
        [
            pa.field("a", pa.int8(), nullable=False),
            pa.field("a", pa.timestamp("s", "UTC"), metadata={"unit": "s"}),
            ("c", pa.dictionary(pa.int8(), pa.string())),
            ("d", pa.large_string()),
            ("m", pa.map_(pa.string(), pa.int64())),
        ],
        metadata={"made": "by hand"},
    )
    table = pa.table(
        [
            pa.array([1, 2], pa.int8()),
            pa.array([1, None], pa.timestamp("s", "UTC")),
            pa.array(["x", None]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())),
            pa.array(["u", "v"], pa.large_string()),
            pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        ],
        schema=schema,
    )
    found = back(coerce(table)).value
    assert found.equals(table, check_metadata=True)
    assert found.schema.equals(schema, check_metadata=True)
    batch = table.select([2, 3]).to_batches()[0]
    again = back(coerce(batch)).value
    assert isinstance(again, pa.RecordBatch)
    assert again.equals(batch)
    check_shown(coerce(table), rooms=(300, 8000))


def test_arrow_types_without_a_place_in_parquet_are_named():
    table = pa.table({"good": [1], "bad": pa.array([pa.MonthDayNano([1, 2, 3])])})
    with pytest.raises(InvalidValue, match="column 'bad', row 0"):
        coerce(table).content()


@pytest.mark.parametrize(
    "values",
    [pa.array([9, 5, 7]), pa.array([2, 1, 0], pa.timestamp("ns", "UTC")), pa.array([1.5, 0.5, 2.5]), pa.array(["b", "a", "c"])],
    ids=lambda values: str(values.type),
)
@pytest.mark.parametrize("ordered", [False, True])
def test_dictionaries_of_any_value_come_back_equal(values, ordered):
    made = pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1], pa.int8()), values, ordered=ordered)
    table = pa.table({"a": made})
    found = back(coerce(table))
    assert found.value.schema.equals(table.schema)
    assert found.value.equals(table)
    check_shown(found, rooms=(8000,))


def test_a_long_dictionary_of_numbers_comes_back():
    table = pa.table({"a": pa.array(range(20_000)).dictionary_encode()})
    found = back(coerce(table)).value
    assert found.schema.equals(table.schema)
    assert found.to_pylist() == table.to_pylist()


def test_arrow_and_polars_without_rows_or_columns_or_names():
    batch = pa.record_batch({"a": pa.array([], pa.int8()), "d": pa.array([], pa.dictionary(pa.int8(), pa.string()))})
    found = back(coerce(batch)).value
    assert isinstance(found, pa.RecordBatch)
    assert found.equals(batch)
    bare = pa.table({"a": [1, 2]}).select([])
    assert back(coerce(bare)).value.num_rows == 2
    assert back(coerce(pl.Series("", [1]))).value.name == ""
    assert back(coerce(pl.DataFrame({"": [1], "b": [2]}))).value.columns == ["", "b"]
    assert back(coerce(pl.DataFrame())).value.shape == (0, 0)


def test_values_of_arrow_and_polars_without_a_place_are_named():
    with pytest.raises(InvalidValue, match="column 'x', row 0"):
        coerce(pl.DataFrame({"x": pl.Series([[1]], dtype=pl.List(pl.Int128))})).content()
    with pytest.raises(InvalidValue, match="column 'x', row 0"):
        coerce(pa.table({"x": pa.array([Decimal(100)], pa.decimal128(5, -2))})).content()


def test_relations_keep_types_that_arrow_has_no_name_for():
    relation = duckdb.sql(
        "select uuid 'a5f0d1b2-0000-4000-8000-000000000001' as u, 'a'::enum('z', 'a') as e, sum(x)::hugeint as h, '{}'::json as j,"
        " [uuid 'a5f0d1b2-0000-4000-8000-000000000002'] as l, {'x': 1::hugeint} as s, 1 as n, 2 as \"n\"\"\" from range(3) t(x)"
    )
    found = back(coerce(relation)).value
    assert found.fetchall() == relation.fetchall()
    assert found.columns == relation.columns
    assert [str(kind) for kind in found.types] == [str(kind) for kind in relation.types]
    assert back(coerce(relation)).to_duckdb().fetchall() == relation.fetchall()


@pytest.mark.parametrize(
    "value", ["timetz '01:02:03+02'", "'101'::bit", "[timetz '01:02:03+02']", "{'x': '1'::bit}", "1::uhugeint"]
)
def test_values_of_relations_that_arrow_would_change_are_named(value):
    with pytest.raises(InvalidValue, match="column 'bad', row 0"):
        coerce(duckdb.sql(f"select 1 as good, {value} as bad")).content()


def test_what_another_library_has_no_place_for_is_said():
    long = back(coerce(pa.table({"a": pa.array([Decimal("1" * 60)])})))
    for turn in (long.to_polars, long.to_duckdb):
        with pytest.raises(UnsupportedType, match="cannot hold this table"):
            turn()
    with pytest.raises(UnsupportedType, match="DuckDB cannot hold"):
        back(coerce(pa.table({}))).to_duckdb()
    with pytest.raises(UnsupportedType, match="pandas cannot hold"):
        back(coerce(pa.table({"a": pa.array([1], pa.time64("ns"))}))).to_pandas()
    halves = back(coerce(pa.table({"a": pa.array([np.float16(1.5), None], pa.float16())})))
    assert halves.to_duckdb().fetchall() == [(1.5,), (None,)]


def test_lists_of_unequal_length_as_a_frame():
    ragged = back(coerce({"a": [1, 2], "b": ["x"], "c": []}, type="table"))
    assert ragged.value == {"a": [1, 2], "b": ["x"], "c": []}
    assert ragged.to_pandas().shape == (2, 3)
    assert ragged.file(".csv").splitlines()[2] == b"2,,"


def test_anything_that_offers_an_arrow_stream():
    relation = duckdb.sql("select 1 as a, 'x' as b union all select 2, null order by 1")
    payload = coerce(relation)
    assert payload.content().info["library"] == "duckdb"
    assert back(payload).value.fetchall() == [(1, "x"), (2, None)]

    class Frame:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table({"n": [1]}).__arrow_c_stream__(requested_schema)

    assert back(coerce(Frame())).to_pandas().n.tolist() == [1]
    with pytest.raises(InvalidValue, match="rows and columns"):
        coerce(pa.chunked_array([[1, 2]])).content()


def test_what_only_claims_to_be_a_frame_is_refused():
    class Claims:
        def __dataframe__(self):
            raise AssertionError("not reached")

    with pytest.raises(InvalidValue, match="Claims does not give rows"):
        coerce(Claims()).content()


def test_forms_of_a_table():
    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    table = back(coerce(rows))
    assert table.to_pandas().to_dict("records")[0] == {"a": 1, "b": "x"}
    assert table.to_polars().to_dicts() == rows
    assert table.to_arrow().to_pylist() == rows
    assert strict(table.file(".json")) == rows
    assert table.file(".csv").splitlines()[0] == b"a,b"
    assert pa.parquet.read_table(pa.BufferReader(table.file(""))).num_rows == 2
    with pytest.raises(InvalidValue, match=r"\.parquet, \.csv, \.json"):
        table.file(".xlsx")
    assert table.summary().startswith("2 rows \u00d7 2 columns")
    assert Table([{"a": 1}]).summary().startswith("1 row \u00d7 1 column ")


@pytest.mark.parametrize(
    ("text", "value", "columns"),
    [
        ('[{"a": 1, "b": null}]', [{"a": 1, "b": None}], ["a", "b"]),
        ('{"a": [1, 2], "b": ["x"]}', {"a": [1, 2], "b": ["x"]}, ["a", "b"]),
        ('[["x", 1], ["y"]]', [["x", 1], ["y"]], ["0", "1"]),
        ("[]", [], []),
        ("null", None, []),
        ("5", 5, ["value"]),
        ("no json", "no json", ["value"]),
        ('[{"a": 18446744073709551617}]', [{"a": 2**64 + 1}], ["a"]),
        ('[1, "x", null]', [1, "x", None], ["0"]),
    ],
)
def test_tables_of_prefect_clients_are_read(text, value, columns):
    payload = stored("table", text)
    assert payload.value == value
    assert [column.name for column in payload.info.columns] == columns
    check_shown(payload, rooms=(100, 8000))
    again = stored("table", strict(text.encode()) if text != "no json" else text)
    check_shown(again, rooms=(8000,))


def test_infinity_of_prefect_clients_is_read_and_never_written():
    payload = stored("table", '[{"a": Infinity, "b": NaN}]')
    assert payload.value[0]["a"] == math.inf
    assert payload.to_pandas().a[0] == math.inf
    check_shown(payload)
    assert strict(payload.file(".json")) == [{"a": None, "b": None}]


def test_a_hundred_thousand_levels_of_json_are_text():
    payload = stored("table", "[" * 100_000)
    check_shown(payload, rooms=(8000,))
    assert payload.value == "[" * 100_000


def test_hostile_info_is_shown_as_text():
    info = {
        "rows": -5,
        "columns": [
            {"name": "<script>" * 1000, "field": "a", "dtype": "\x1b[2J<b>", "kind": "number", "index": False, "nulls": 0}
        ],
        "column_count": 10**9,
        "library": "pandas",
        "size": 5,
    }
    payload = stored("table", '[{"a": "<img src=x onerror=alert(1)>"}]', info)
    check_shown(payload)
    assert "&lt;img src=x" in payload.html(8000)


def test_a_damaged_file_says_so():
    good = coerce([{"a": 1}])
    record = kept(good)
    for blob in (b"", b"PAR1", good.content().blob[0][:-20], b"\x00" * 1000):
        with pytest.raises(InvalidValue, match="Parquet"):
            Table.read(record, lambda blob=blob: blob).value


def test_a_file_of_another_program_is_read():
    import io

    sink = io.BytesIO()
    pd.DataFrame({"a": [1, 2]}, index=["x", "y"]).to_parquet(sink)
    record = kept(coerce([{"a": 1}]))
    record.info = {}
    payload = Table.read(record, sink.getvalue)
    assert payload.value.loc["y", "a"] == 2
    assert payload.summary().startswith("2 rows")


def test_the_html_of_a_table():
    html = coerce(pd.DataFrame({"n": [1, 2], "x": [1.5, None], "t": ["<b>", None]})).html(8000)
    assert '<th scope="col"' in html
    assert html.count(">null</em>") == 2
    assert "int64" in html
    assert "2 rows \u00d7 3 columns" in html
    assert "&lt;b&gt;" in html
    assert "text-align:right" in html
    many = coerce(pd.DataFrame({"n": range(336_776)}))
    assert "336,776 rows \u00d7 1 column" in many.html(8000)
    assert many.html(8000).count("<tr ") == 11
    assert many.html(700).count("<tr ") < 11
    assert many.text().splitlines()[:3] == ["n", "0", "1"]


def test_floats_of_a_column_have_the_same_digits():
    text = coerce([{"x": 1.5}, {"x": 20.25}, {"x": 100.0}]).text().splitlines()
    assert text[:4] == ["     x", "  1.50", " 20.25", "100.00"]
    assert "1e-07" in coerce([{"x": 1e-7}, {"x": 1.0}]).text()


def test_numbers_and_times_read_well():
    frame = pd.DataFrame({
        "flights": [685, 54173], "year": [2013, 20130], "delay": [20.215543, 18.99], "day": pd.date_range("2013-01-01", periods=2),
        "when": pd.date_range("2013-01-01 10:00", periods=2, tz="America/New_York"), "big": [2**53 + 1, 10**6], "whole": [1.0, 2.0],
    })  # fmt: skip
    html, text = coerce(frame).html(20_000), coerce(frame).text()
    for part in (
        ">54,173<",
        ">20130<",
        ">20.216<",
        ">18.990<",
        ">2013-01-02<",
        ">2013-01-01 10:00:00-05:00<",
        ">9007199254740993<",
        ">1000000<",
        ">2<",
    ):
        assert part in html, part
    for part in (" 54173 ", " 20.216 ", " 2013-01-02 ", " 2.0"):
        assert part in text, part


def test_importing_the_types_loads_no_library():
    code = (
        "import sys, nb_artifacts.types as t\n"
        "t.coerce('text').content(); t.coerce(5, 'progress').content(); t.payload_class('table'); t.payload_class('image'); t.payload_class('display')\n"
        "print([m for m in ('pandas', 'pyarrow', 'PIL', 'numpy', 'polars', 'narwhals', 'nh3', 'markdown_it', 'matplotlib', 'IPython') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_fresh_process_reads_periods_and_intervals(tmp_path):
    frame = pd.DataFrame({"p": pd.period_range("2020", periods=2, freq="M"), "i": pd.interval_range(0, periods=2)})
    payload = coerce(frame)
    (tmp_path / "blob").write_bytes(payload.content().blob[0])
    code = (
        "import sys; from nb_artifacts.types._sheet import from_parquet; from nb_artifacts.types.table import restored\n"
        f"frame = restored(*from_parquet(open({str(tmp_path / 'blob')!r}, 'rb').read()))\n"
        "print(frame.dtypes.astype(str).tolist(), frame.to_numpy().astype(str).tolist())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "['period[M]', 'interval[int64, right]'] [['2020-01', '(0, 1]'], ['2020-02', '(1, 2]']]\n"


def test_a_csv_file_has_no_formula_for_a_spreadsheet():
    """S-25: by every way out, `Artifact.save` too; JSON is untouched."""
    table = Table([{"a": "=cmd()", "b": -1.5, "c": "-5"}, {"a": "@x", "b": 2.0, "c": "-a"}])
    assert table.file(".csv").decode().splitlines() == ["a,b,c", "'=cmd(),-1.5,-5", "'@x,2.0,'-a"]
    assert b'"=cmd()"' in table.file(".json")
