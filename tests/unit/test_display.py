"""Bundles: their size in the file, their truth, and that they hold nothing that could run."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nb_artifacts import display
from nb_artifacts.types import coerce
from nb_artifacts.wire import MIME, Record, new_id

MOMENT = datetime(2026, 11, 24, tzinfo=timezone.utc)


def record(payload, key="k", description=None):
    return Record(id=new_id(), created=MOMENT, updated=MOMENT, key=key, type=payload.type, version=3, description=description)


def in_file(bundle):
    lines = {k: v.splitlines(keepends=True) if isinstance(v, str) else v for k, v in bundle.items()}
    return len(json.dumps({"cells": [{"outputs": [{"data": lines, "metadata": {}, "output_type": "display_data"}]}]}, indent=1))


texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300).flatmap(
    lambda text: st.integers(0, 400).map(lambda times: text * times)
)


@settings(max_examples=60, deadline=None)
@given(text=texts, description=texts)
def test_any_text_fits_in_32_kib(text, description):
    payload = coerce(text)
    bundle = display.bundle(record(payload, description=description), payload, "store")
    assert in_file(bundle) <= display.MAX_OUTPUT


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.dictionaries(texts.map(lambda t: t[:2000]), st.one_of(texts, st.integers(), st.none(), st.floats())),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 50),
)
def test_any_table_fits_in_32_kib(rows, times):
    payload = coerce(rows * times, "table")
    assert in_file(display.bundle(record(payload), payload, "store")) <= display.MAX_OUTPUT


def test_a_table_of_ten_mixed_columns_takes_12_kb():
    rows = 1000
    frame = pd.DataFrame({
        **{f"number_{n}": np.random.default_rng(n).normal(size=rows) for n in range(4)},
        "count": range(rows), "carrier": pd.Categorical(["UA", "B6"] * (rows // 2)), "late": [True, False] * (rows // 2),
        "text": [f"some text {n}" for n in range(rows)], "when": pd.date_range("2013-01-01", periods=rows, freq="h", tz="UTC"),
        "maybe": pd.array([1, None] * (rows // 2), dtype="Int64"),
    })  # fmt: skip
    payload = coerce(frame)
    assert len(json.dumps(display.bundle(record(payload), payload, "store"))) <= 12_000


def test_the_reference_names_the_artifact_and_no_address():
    payload = coerce("https://example.com/ and text")
    made = record(payload, description="A **description**\nof two lines")
    reference = display.bundle(made, payload, "abc")[MIME]
    assert UUID(reference["id"]) == made.id
    assert (reference["store"], reference["key"], reference["version"], reference["type"]) == ("abc", "k", 3, "markdown")
    assert reference["description"] == "A **description** of two lines"
    assert not {"url", "href", "api"} & set(reference)


def test_a_pending_version_is_said_to_be_pending():
    payload = coerce("x")
    pending = record(payload)
    pending.version = None
    bundle = display.bundle(pending, payload, "s")
    assert "version" not in bundle[MIME]
    assert "k (version pending)" in bundle["text/plain"]


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "\x1b[31mred", '" onload="alert(1)', "</div></body>"])
def test_keys_types_and_descriptions_are_text(hostile):
    payload = coerce("x")
    made = record(payload, key=hostile, description=hostile)
    made.type = hostile
    bundle = display.bundle(made, payload, "s")
    assert "<script" not in bundle["text/html"]
    assert 'onload="alert' not in bundle["text/html"]
    assert "\x1b" not in bundle["text/html"] + bundle["text/plain"]
