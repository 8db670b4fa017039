"""pandas frames come back equal: every dtype, index, label and attribute, or the call names column and row."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal
from payloads import back, check_shown, kept, strict

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types import coerce


def assert_kept(frame: pd.DataFrame) -> pd.DataFrame:
    payload = coerce(frame)
    assert payload.value is frame
    found = back(payload).value
    assert type(found) is pd.DataFrame
    assert_frame_equal(found, frame, check_freq=True, check_column_type=True, check_flags=True)
    assert [type(label) for label in found.columns] == [type(label) for label in frame.columns]
    assert found.attrs == frame.attrs
    assert found.index.names == frame.index.names
    assert found.columns.names == frame.columns.names
    return found


def objects(*values):
    made = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        made[row] = value
    return pd.Series(made, dtype=object)


WHEN = pd.to_datetime(["2020-01-01 10:00:00.123456", None, "2021-06-01"], format="ISO8601")

DTYPES = {
    "int8": pd.Series([1, -2, 3], dtype="int8"),
    "int16": pd.Series([1, -2, 3], dtype="int16"),
    "int32": pd.Series([1, -2, 3], dtype="int32"),
    "int64": pd.Series([2**53 + 1, -(2**63), 2**63 - 1]),
    "uint8": pd.Series([1, 2, 255], dtype="uint8"),
    "uint64": pd.Series([1, 2, 2**64 - 1], dtype="uint64"),
    "float16": pd.Series([1.5, np.nan, -0.0], dtype="float16"),
    "float32": pd.Series([0.1, np.nan, np.inf], dtype="float32"),
    "float64": pd.Series([0.1, np.nan, -np.inf]),
    "big-endian": pd.Series(np.array([1, 2, 3], dtype=">i4")),
    "bool": pd.Series([True, False, True]),
    "str": pd.Series(["a", None, "ü\U0001f600"]),
    "object-str": objects("a", None, "b"),
    "object-str-nan": objects("a", np.nan, "b"),
    "object-str-mixed-nulls": objects("a", np.nan, None, pd.NA, pd.NaT),
    "string-python": pd.Series(["a", None, ""], dtype=pd.StringDtype("python")),
    "string-pyarrow": pd.Series(["a", None, ""], dtype=pd.StringDtype("pyarrow")),
    "Int64": pd.Series([1, None, 2**53 + 1], dtype="Int64"),
    "UInt8": pd.Series([1, None, 3], dtype="UInt8"),
    "Float64": pd.Series([1.5, None, 3], dtype="Float64"),
    "Float64-nan": pd.Series(pd.arrays.FloatingArray(np.array([1.5, np.nan, 3]), np.array([False, False, True]))),
    "Float32-nan": pd.Series(pd.arrays.FloatingArray(np.array([1.5, np.nan, 3], "f4"), np.array([False, False, True]))),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "datetime-s": pd.Series(WHEN).dt.as_unit("s"),
    "datetime-ms": pd.Series(WHEN).dt.as_unit("ms"),
    "datetime-us": pd.Series(WHEN).dt.as_unit("us"),
    "datetime-ns": pd.Series(WHEN).dt.as_unit("ns") + pd.Timedelta(1, "ns"),
    "datetime-utc": pd.Series(WHEN).dt.tz_localize("UTC"),
    "datetime-berlin": pd.Series(WHEN).dt.tz_localize("Europe/Berlin"),
    "datetime-berlin-s": pd.Series(WHEN).dt.as_unit("s").dt.tz_localize("Europe/Berlin"),
    "datetime-offset": pd.Series(WHEN).dt.tz_localize(dt.timezone(dt.timedelta(hours=5, minutes=30))),
    "timedelta-ns": pd.Series(pd.to_timedelta([1, None, -(10**15)], unit="ns")),
    "timedelta-s": pd.Series(pd.to_timedelta([1, None, 3], unit="s")).dt.as_unit("s"),
    "category": pd.Series(pd.Categorical(["b", None, "a"], categories=["c", "b", "a"])),
    "category-ordered": pd.Series(pd.Categorical(["lo", "hi", None], categories=["lo", "mid", "hi"], ordered=True)),
    "category-int": pd.Series(pd.Categorical([3, None, 1], categories=[9, 3, 1])),
    "category-float": pd.Series(pd.Categorical([0.1, None, 1.5])),
    "category-bool": pd.Series(pd.Categorical([True, None, False])),
    "category-time": pd.Series(pd.Categorical(WHEN)),
    "category-zone": pd.Series(pd.Categorical(WHEN.tz_localize("Europe/Berlin"))),
    "category-timedelta": pd.Series(pd.Categorical(pd.to_timedelta([1, None, 2], unit="D"))),
    "category-interval": pd.cut(pd.Series([1.0, 5.0, np.nan]), [0, 2, 6]),
    "category-period": pd.Series(pd.Categorical(pd.period_range("2020", periods=3, freq="M"))),
    "category-mixed": pd.Series(pd.Categorical([1, "a", None], categories=["a", 1, 2.5])),
    "category-tuple": pd.Series(pd.Categorical.from_codes([0, 1, -1], pd.Index([("a", 1), ("b", 2)], tupleize_cols=False))),
    "category-empty": pd.Series(pd.Categorical([None, None, None], categories=[])),
    "category-date": pd.Series(pd.Categorical([dt.date(2020, 1, 1), None, dt.date(2019, 1, 1)])),
    "period-M": pd.Series(pd.PeriodIndex(["2020-01", None, "2021-06"], freq="M")),
    "period-W": pd.Series(pd.PeriodIndex(["2020-01-01", None, "2021-06-01"], freq="W-WED")),
    "interval": pd.Series(pd.arrays.IntervalArray.from_tuples([(0, 1), None, (2, 3)])),
    "interval-both": pd.Series(pd.interval_range(0.5, periods=3, closed="both")),
    "interval-time": pd.Series(pd.interval_range(pd.Timestamp("2020"), periods=3)),
    "sparse": pd.Series(pd.arrays.SparseArray([1, 0, 0])),
    "sparse-float": pd.Series(pd.arrays.SparseArray([1.5, np.nan, np.nan])),
    "arrow-int": pd.Series([1, None, 3], dtype="int32[pyarrow]"),
    "arrow-list": pd.Series([[1], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "arrow-struct": pd.Series([{"a": 1}, None, {"a": 2}], dtype=pd.ArrowDtype(pa.struct([("a", pa.int8())]))),
    "arrow-time-s": pd.Series([1, None, 3], dtype=pd.ArrowDtype(pa.timestamp("s", "Asia/Tokyo"))),
    "arrow-decimal": pd.Series([Decimal("1.10"), None, Decimal(2)], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    "object-none": objects(None, None, None),
    "object-nan": objects(np.nan, np.nan, np.nan),
    "object-int": objects(1, None, 3),
    "object-int-nan": objects(1, np.nan, None),
    "object-int-big": objects(1, None, 2**70),
    "object-float": objects(1.5, None, np.nan),
    "object-bool": objects(True, None, False),
    "object-bytes": objects(b"\x00\xff", None, b""),
    "object-Decimal": objects(Decimal("1.10"), None, Decimal(-3)),
    "object-Decimal-big": objects(Decimal("1e50"), None, Decimal("1e-50")),
    "object-Decimal-odd": objects(Decimal("1.5"), Decimal("Infinity"), None),
    "object-date": objects(dt.date(2020, 1, 1), None, dt.date(1, 1, 1)),
    "object-time": objects(dt.time(10, 0, 0, 5), None, dt.time(0)),
    "object-time-zone": objects(dt.time(10, tzinfo=dt.timezone.utc), None, dt.time(0)),
    "object-datetime": objects(dt.datetime(2020, 1, 1, 1), None, dt.datetime(9999, 12, 31)),
    "object-datetime-utc": objects(dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc), None),
    "object-timedelta": objects(dt.timedelta(days=1, microseconds=5), None, dt.timedelta(-1)),
    "object-Timestamp": objects(pd.Timestamp("2020", tz="Europe/Berlin"), pd.NaT, pd.Timestamp("2021", tz="Europe/Berlin")),
    "object-Timedelta": objects(pd.Timedelta(5, "ns"), None),
    "object-list": objects([1, 2], None, []),
    "object-list-mixed": objects([1, "a"], None, [None, [2.5, {}]]),
    "object-dict": objects({"a": 1}, None, {"b": [1]}),
    "object-tuple": objects((1, 2), None, ()),
    "object-tuple-mixed": objects((1, "a"), None),
    "object-array": objects(np.array([1.5, 2.5], dtype="float32"), None, np.array([], dtype="float32")),
    "object-UUID": objects(UUID(int=5), None, uuid4()),
    "object-numpy": objects(np.int64(3), np.int64(4), None),
    "empty-float": pd.Series([], dtype="float64"),
    "empty-object": pd.Series([], dtype=object),
    "empty-str": pd.Series([], dtype="str"),
    "empty-category": pd.Series(pd.Categorical([], categories=["a"])),
    "empty-period": pd.Series(pd.PeriodIndex([], freq="D")),
}
if int(pd.__version__.split(".")[0]) >= 3:  # Arrow has no place for those of pandas 2, which are refused by name
    DTYPES["interval-zone"] = pd.Series(pd.interval_range(pd.Timestamp("2020", tz="Europe/Berlin"), periods=3))


@pytest.mark.parametrize("name", DTYPES)
def test_a_column_without_rows_comes_back_equal(name):
    assert_kept(pd.DataFrame({"x": DTYPES[name]}).iloc[:0])


def test_a_table_of_many_row_groups_comes_back_equal():
    rows = 300_001
    numbers = np.arange(rows)
    texts = np.array(["a", None, np.nan, "b"], dtype=object)[numbers % 4]
    frame = pd.DataFrame({
        "n": numbers, "c": pd.Categorical.from_codes(numbers % 5 - 1, ["d", "b", "a", "c"]), "o": pd.Series(texts, dtype=object),
        "i": pd.interval_range(0, periods=rows), "late": pd.Categorical.from_codes((numbers > 200_000).astype(int), ["x", "y"]),
    })  # fmt: skip
    frame.index = pd.Index(numbers[::-1], name="k")
    found = assert_kept(frame)
    assert [type(value) for value in found["o"][:8]] == [type(value) for value in texts[:8]]
    blob = coerce(frame).content().blob[0]
    groups = pq.ParquetFile(io.BytesIO(blob)).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [131_072, 131_072, 37_857]


def test_an_unchanged_table_has_the_same_bytes():
    frame = pd.DataFrame({"x": DTYPES["category"], "y": DTYPES["object-str-mixed-nulls"][:3]})
    assert (
        coerce(frame).content().blob == coerce(frame.copy()).content().blob == coerce(back(coerce(frame)).value).content().blob
    )


@pytest.mark.parametrize("name", DTYPES)
def test_a_column_comes_back_equal(name):
    series = DTYPES[name]
    found = assert_kept(pd.DataFrame({"x": series}))["x"]
    assert found.dtype == series.dtype
    if series.dtype == object:
        for was, now in zip(series, found, strict=True):
            assert type(was) is type(now) or (isinstance(was, np.generic) and was == now), (was, now)
    check_shown(coerce(pd.DataFrame({"x": series})), rooms=(300, 8000))


@pytest.mark.parametrize(
    "name", [name for name in DTYPES if not name.startswith(("float16", "object-array", "object-list", "object-dict"))]
)
def test_an_index_comes_back_equal(name):
    index = (
        pd.Index(DTYPES[name], name="key")
        if DTYPES[name].dtype != object
        else pd.Index(DTYPES[name], dtype=object, name="key", tupleize_cols=False)
    )
    if isinstance(index, pd.RangeIndex):
        index = pd.Index(list(index))
    assert_kept(pd.DataFrame({"x": range(len(index))}, index=index))


def test_a_series_comes_back_as_one():
    for name in (None, "x", 5, ("a", "b")):
        series = pd.Series([1, 2], index=["u", "v"], name=name)
        series.attrs = {"unit": "m"}
        found = back(coerce(series)).value
        assert_series_equal(found, series)
        assert found.attrs == series.attrs


INDEXES = {
    "default": pd.RangeIndex(3),
    "range": pd.RangeIndex(10, 16, 2, name="r"),
    "ints": pd.Index([5, 3, 5], name="i"),
    "text": pd.Index(["a", "b", "c"]),
    "dates-freq": pd.date_range("2020", periods=3, freq="D", name="day"),
    "dates-business": pd.date_range("2020", periods=3, freq="BQE-MAR"),
    "dates-zone-freq": pd.date_range("2020-03-29", periods=3, freq="h", tz="Europe/Berlin"),
    "timedelta-freq": pd.timedelta_range("1h", periods=3, freq="15min"),
    "periods": pd.period_range("2020", periods=3, freq="Q-NOV"),
    "intervals": pd.interval_range(0, periods=3, closed="left"),
    "categories": pd.CategoricalIndex(["b", "a", "b"], categories=["c", "b", "a"], ordered=True),
    "multi": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", None]),
    "multi-same-names": pd.MultiIndex.from_arrays([[1, 2, 3], ["x", "y", "z"]], names=["k", "k"]),
    "multi-kinds": pd.MultiIndex.from_arrays(
        [pd.date_range("2020", periods=3, tz="UTC"), pd.Categorical(["b", "a", "b"]), [1.5, np.nan, 2]], names=["d", "c", "f"]
    ),
    "multi-gaps": pd.MultiIndex(levels=[["z", "a"], [1, 5], [True, False]], codes=[[0, 1, -1], [1, -1, 0], [-1, 0, 1]]),
    "named-like-a-column": pd.Index([3, 2, 1], name="x"),
    "tuple-name": pd.Index([3, 2, 1], name=("a", 1)),
    "int-name": pd.Index([3, 2, 1], name=0),
}


@pytest.mark.parametrize("name", INDEXES)
def test_rows_keep_their_labels(name):
    assert_kept(pd.DataFrame({"x": [1, 2, 3], "y": list("abc")}, index=INDEXES[name]))


LABELS = {
    "ints": pd.Index([3, 1, 2]),
    "range": pd.RangeIndex(3),
    "floats": pd.Index([0.5, 1.5, 2.5]),
    "bools": pd.Index([True, False, True]),
    "mixed": pd.Index(["a", 1, 2.5], dtype=object),
    "none": pd.Index(["a", None, "b"], dtype=object),
    "duplicates": pd.Index(["a", "a", "b"]),
    "duplicates-and-suffix": pd.Index(["a", "a", "a (2)"]),
    "alike": pd.Index(["1", 1, "x"], dtype=object),
    "object-text": pd.Index(["a", "b", "c"], dtype=object),
    "named": pd.Index(["a", "b", "c"], name="columns"),
    "timestamps": pd.date_range("2020", periods=3, freq="D"),
    "zone": pd.date_range("2020", periods=3, tz="Europe/Berlin", freq="h"),
    "dates": pd.Index([dt.date(2020, 1, 1), dt.date(2020, 1, 2), dt.date(2020, 1, 3)], dtype=object),
    "periods": pd.period_range("2020", periods=3, freq="M"),
    "intervals": pd.interval_range(0, periods=3),
    "categories": pd.CategoricalIndex(["b", "a", "c"], categories=["c", "b", "a"]),
    "multi": pd.MultiIndex.from_product([["a"], ["x", "y", "z"]], names=["one", None]),
    "multi-ints": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]),
    "multi-same": pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 1)]),
    "tuples": pd.Index([("a", 1), ("b", 2), ("c", 3)], tupleize_cols=False),
    "hostile": pd.Index(["__proto__", "</script><script>alert(1)</script>", "\x1b[31m"]),
    "empty-names": pd.Index(["", " ", "index"]),
    "index-like": pd.Index(["__index_level_0__", "index", "level_0"]),
}


@pytest.mark.parametrize("name", LABELS)
def test_columns_keep_their_labels(name):
    frame = pd.DataFrame([[1, "a", 2.5], [2, "b", 3.5]], index=["u", "v"])
    frame.columns = LABELS[name]
    assert_kept(frame)
    check_shown(coerce(frame), rooms=(300, 8000))


def test_frames_without_rows_or_columns():
    assert_kept(pd.DataFrame())
    assert_kept(pd.DataFrame(index=range(3)))
    assert_kept(pd.DataFrame(index=["a", "b"]))
    assert_kept(pd.DataFrame(columns=["a", "b"]))
    assert_kept(pd.DataFrame({"a": pd.Series([], dtype="datetime64[ns, UTC]")}))


def test_attributes_are_kept_or_refused():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"unit": "m", "made": [1, 2.5, {"x": None}]}
    assert_kept(frame)
    frame.attrs = {"made": dt.date(2020, 1, 1)}
    with pytest.raises(InvalidValue, match="attrs"):
        coerce(frame).content()


REFUSED = {
    "complex": (pd.Series([1j, 2]), "row 0"),
    "mixed": (objects("a", 1), r"mixes str \(row 0\) and int \(row 1\)"),
    "mixed-late": (objects(*["a"] * 5, 1.5), r"row 5"),
    "unknown": (objects(1, None, object()), "mixes"),
    "unknown-only": (objects(None, object()), "row 1: object objects"),
    "set": (objects(None, {1}), "row 1: set"),
    "complex-objects": (objects(None, 1j), "row 1: complex"),
    "zones-mixed": (objects(dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)), "time zone"),
    "surrogate": (objects("fine", "\ud800"), "row 1"),
    "list-of-sets": (objects([1], [{2}]), "row 1"),
    "dict-of-dates": (objects({}, {"a": {"b": dt.date(2020, 1, 1)}}), "row 1"),
    "dict-with-int-keys": (objects({1: 2}), "row 0"),
    "nan-in-mixed-list": (objects([np.nan, "a"]), "row 0"),
    "two-dimensions": (objects(np.zeros(2), np.zeros((2, 2))), "row 1"),
    "array-dtypes": (objects(np.zeros(2), np.zeros(2, dtype="int8")), "row 1"),
    "sparse-objects": (pd.Series(pd.arrays.SparseArray(["a", "b"], dtype=pd.SparseDtype(object, "a"))), "row 0"),
    "intervals-of-arrow": (pd.Series([None], dtype=pd.ArrowDtype(pa.month_day_nano_interval())), "row 0"),
    "subclass": (objects(None, type("Text", (str,), {})("a")), "row 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_come_back_equal_is_refused_by_column_and_row(name):
    series, said = REFUSED[name]
    with pytest.raises(InvalidValue, match=said) as raised:
        coerce(pd.DataFrame({"good": [1] * len(series), "bad column": series})).content()
    assert "'bad column'" in str(raised.value)


def test_deep_cells_are_refused_in_words():
    deep = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InvalidValue, match="row 0"):
        coerce(pd.DataFrame({"bad": objects(deep)})).content()


def test_a_frequency_without_a_name_is_refused():
    index = pd.date_range("2020", periods=3, freq=pd.offsets.CustomBusinessDay(holidays=["2020-01-02"]))
    with pytest.raises(InvalidValue, match="freq"):
        coerce(pd.DataFrame({"a": [1, 2, 3]}, index=index)).content()


def test_a_level_whose_numbers_would_be_rounded_is_refused():
    index = pd.MultiIndex(levels=[[2**60 + 1], ["a"]], codes=[[0, -1], [0, 0]])
    with pytest.raises(InvalidValue, match="index level 0"):
        coerce(pd.DataFrame({"x": [1, 2]}, index=index)).content()


def test_labels_of_other_classes_are_refused():
    with pytest.raises(InvalidValue, match="object"):
        coerce(pd.DataFrame([[1]], columns=pd.Index([object()], dtype=object))).content()
    with pytest.raises(InvalidValue, match="surrogate"):
        coerce(pd.DataFrame([[1]], columns=pd.Index(["\ud800"], dtype=object))).content()


def test_other_readers_of_the_file_see_the_same_frame():
    frame = pd.DataFrame(
        {"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["u", "v"]), "t": pd.date_range("2020", periods=2, tz="UTC")},
        index=pd.Index([5, 6], name="i"),
    )
    assert_frame_equal(pd.read_parquet(io.BytesIO(coerce(frame).file(".parquet"))), frame, check_freq=False)
    wide = frame.reset_index(drop=True)
    assert_frame_equal(pd.read_parquet(io.BytesIO(coerce(wide).file("")), engine="pyarrow"), wide)


def test_numbers_of_json_have_every_digit_and_no_nan():
    frame = pd.DataFrame({"n": [2**53 + 1, 2**63 - 1], "f": [np.nan, np.inf], "big": objects(10**400, 2**64)})
    (text,) = [strict(kept(coerce(frame)).data)]
    assert "9007199254740993" in text
    rows = strict(text.encode())
    assert rows == [{"n": 2**53 + 1, "f": None, "big": 10**400}, {"n": 2**63 - 1, "f": None, "big": 2**64}]


def test_times_of_json_are_iso():
    frame = pd.DataFrame({
        "utc": pd.to_datetime(["2020-01-01", "2020-07-01 10:00:00.5"], format="ISO8601", utc=True),
        "berlin": pd.to_datetime(["2020-01-01", "2020-07-01 10:00"], format="ISO8601").tz_localize("Europe/Berlin"),
        "span": pd.to_timedelta(["1h", "-1s"]),
    })  # fmt: skip
    assert strict(strict(kept(coerce(frame)).data).encode()) == [
        {"utc": "2020-01-01T00:00:00+00:00", "berlin": "2020-01-01T00:00:00+01:00", "span": "0 days 01:00:00"},
        {"utc": "2020-07-01T10:00:00.5+00:00", "berlin": "2020-07-01T10:00:00+02:00", "span": "-1 days 23:59:59"},
    ]


def test_long_tables_carry_their_first_rows():
    frame = pd.DataFrame({"n": range(100_000), "text": "some text"})
    payload = coerce(frame)
    record = kept(payload)
    rows = strict(strict(record.data).encode())
    assert record.metadata_ == {"nb_artifacts.rows": f"{len(rows)} of 100000"}
    assert len(record.data) < 100_000
    assert rows[0] == {"n": 0, "text": "some text"}
    assert record.info["rows"] == 100_000
    assert_frame_equal(back(payload).value, frame)
    short = kept(coerce(frame.head(3000)))
    assert short.metadata_ is None
    assert len(strict(strict(short.data).encode())) == 3000


def test_wide_tables_say_how_wide_they_are():
    frame = pd.DataFrame(np.zeros((3, 2000)), columns=[f"column {n}" for n in range(2000)])
    payload = coerce(frame)
    info = payload.content().info
    assert (info["column_count"], len(info["columns"])) == (2000, 200)
    assert "1,980 more columns" in payload.html(30_000)
    check_shown(payload)
    assert_frame_equal(back(payload).value, frame)


def test_huge_cells_still_show_a_head():
    payload = coerce(pd.DataFrame({"text": ["x" * 1_000_000, "short"], "list": [[1] * 100_000, [2]]}))
    rows = strict(strict(kept(payload).data).encode())
    assert rows[0]["text"] == "x" * 200 + "…"
    assert rows[1] == {"text": "short", "list": "[2]"}
    check_shown(payload)


def test_nulls_are_counted():
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None], "c": [1, 2]})
    assert [column["nulls"] for column in coerce(frame).content().info["columns"]] == [1, 1, 0]


def test_index_levels_come_first_as_columns():
    frame = pd.DataFrame({"v": [1.5, 2.5]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None]))
    info = coerce(frame).content().info
    assert [(column["name"], column["index"], column["kind"]) for column in info["columns"]] == [
        ("k", True, "text"),
        ("", True, "number"),
        ("v", False, "number"),
    ]
    assert info["column_count"] == 1
    assert coerce(frame).to_arrow().num_columns == 3


def test_a_frame_with_an_index_as_other_forms():
    frame = pd.DataFrame({"v": [1.5, np.nan]}, index=pd.Index(["a", "b"], name="k"))
    read = back(coerce(frame))
    assert read.to_polars().to_dicts() == [{"k": "a", "v": 1.5}, {"k": "b", "v": None}]
    assert read.file(".csv") == b"k,v\na,1.5\nb,\n"
    assert strict(read.file(".json")) == [{"k": "a", "v": 1.5}, {"k": "b", "v": None}]
    assert_frame_equal(read.to_pandas(), frame)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
columns = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    st.lists(st.floats(), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), texts), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.binary(max_size=5)), min_size=3, max_size=3),
    st.lists(st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)), min_size=3, max_size=3),
    st.lists(st.dates(), min_size=3, max_size=3),
    st.lists(st.decimals(allow_nan=False), min_size=3, max_size=3),
    st.lists(st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)), min_size=3, max_size=3),
    st.lists(st.dictionaries(texts, st.integers(), max_size=2), min_size=3, max_size=3),
    st.lists(st.lists(texts, max_size=2), min_size=3, max_size=3),
    st.lists(st.sampled_from(["a", "b"]), min_size=3, max_size=3).map(pd.Categorical),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.one_of(texts, st.integers(-5, 5)), columns), max_size=4), st.booleans())
def test_any_frame_comes_back_equal(parts, indexed):
    frame = (
        pd.concat(
            [
                pd.Series(
                    values, dtype=object if isinstance(values, list) and type(values[0]) in (dict, list, Decimal) else None
                )
                for _, values in parts
            ],
            axis=1,
        )
        if parts
        else pd.DataFrame(index=range(3))
    )
    frame.columns = pd.Index([label for label, _ in parts], dtype=object)
    if indexed:
        frame.index = pd.Index(["a", "b", "c"], name="key")
    assert_kept(frame)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.sampled_from([np.nan, pd.NA, pd.NaT]), texts), max_size=6))
def test_every_kind_of_null_stays_what_it_is(values):
    series = objects(*values)
    found = back(coerce(pd.DataFrame({"x": series}))).value["x"]
    for was, now in zip(series, found, strict=True):
        assert type(was) is type(now)
        assert was is now or was == now or was != was


ZONE = ZoneInfo("America/New_York")


def test_aware_datetimes_are_the_same_instants():
    values = objects(dt.datetime(2020, 11, 1, 1, 30, tzinfo=ZONE), dt.datetime(2020, 7, 1, tzinfo=dt.timezone.utc))
    found = back(coerce(pd.DataFrame({"x": values}))).value["x"]
    assert [value.timestamp() for value in found] == [value.timestamp() for value in values]
