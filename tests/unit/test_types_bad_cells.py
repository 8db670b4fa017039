"""Cells that cannot be kept are named by column and row before anything is stored; all others come back equal."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from payloads import back

import nb_artifacts as nba
from nb_artifacts.errors import InvalidValue
from nb_artifacts.store import open_store
from nb_artifacts.types import coerce
from nb_artifacts.wire import Query

LOOP, RING = [], {}
LOOP.append(LOOP)
RING["again"] = RING
LONG = 10**5000
BAD = {
    "object": ([{"x": 1}, {"x": object()}], "column 'x' mixes int (row 0) and object (row 1)"),
    "object-alone": ([{"x": None}, {"x": object()}], "column 'x', row 1: object objects cannot be kept"),
    "object-deep": ([{"x": {"a": []}}, {"x": {"a": [{"b": object()}]}}], "column 'x', row 1: a object inside"),
    "cycle": ([{"x": [1]}, {"x": LOOP}], "column 'x', row 1: lists and dicts are nested"),
    "cycle-dict": ([{"x": {}}, {"x": RING}], "column 'x', row 1: lists and dicts are nested"),
    "cycle-pandas": (
        pd.DataFrame({"x": pd.Series([[1], LOOP], dtype=object)}),
        "column 'x', row 1: lists and dicts are nested",
    ),
    "surrogate": ([{"x": "a"}, {"x": "b\ud800"}], "column 'x', row 1: the text has a lone surrogate at position 1"),
    "surrogate-deep": ([{"x": ["a"]}, {"x": ["\ud800"]}], "column 'x', row 1: the text has a lone surrogate"),
    "surrogate-dict": ({"x": ["a", "\udfff"]}, "column 'x', row 1: the text has a lone surrogate at position 0"),
    "surrogate-name": ([{"\ud800": 1}], "column name '\\ud800' has a lone surrogate"),
    "surrogate-index": (
        pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "\ud800"], dtype=object)),
        "column 'index __index_level_0__', row 1: the text has a lone surrogate",
    ),
    "long": ([[1], [LONG]], "column '0', row 1: the whole number has more than 4,300 digits"),
    "long-pandas": (pd.DataFrame({"x": pd.Series([1, LONG], dtype=object)}), "column 'x', row 1: the whole number has more"),
    "long-deep": ([{"x": [1]}, {"x": [LONG]}], "column 'x', row 1: the whole number has more than 4,300 digits"),
    "nan-deep": ([{"x": []}, {"x": [float("nan"), "a"]}], "column 'x', row 1: nan inside a list"),
    "polars": (pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), "column 'o', row 0: polars Object values"),
    "arrow": (pa.table({"i": pa.array([pa.MonthDayNano([1, 2, 3])])}), "column 'i', row 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_nothing_is_stored(name, tmp_path, monkeypatch):
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "home"))
    value, said = BAD[name]
    with pytest.raises(InvalidValue) as raised:
        nba.create(value, "bad", type="table")
    assert said in str(raised.value)
    store = open_store(tmp_path / "home")
    assert (store.count(Query()), store.blob_bytes()) == (0, 0)
    assert not [path for path in (store.folder / "blobs").glob("*/*") if path.is_file()]


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\x1b[31m", "\u2028", "\ufeff", "￿", "\U0010ffff", ""])
def test_odd_texts_come_back(text):
    frame = pd.DataFrame({"x": [text, "plain"], text or "empty": [1, 2]})
    assert back(coerce(frame)).value.equals(frame)
    rows = [{"x": text, "deep": [text, 1]}]
    assert back(coerce(rows)).value == rows


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, -(2**100), 10**400])
def test_long_numbers_come_back_digit_by_digit(number):
    rows = [{"x": number, "deep": [number]}, {"x": 1, "deep": []}]
    assert back(coerce(rows)).value == rows
    frame = pd.DataFrame({"x": pd.Series([number, None], dtype=object)})
    assert back(coerce(frame)).value["x"].to_list() == [number, None]
