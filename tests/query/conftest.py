from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nb_artifacts import wire
from nb_artifacts.query import Tables, parse
from nb_artifacts.store import open_store
from nb_artifacts.types import coerce
from nb_artifacts.wire import Record


def kept(store, value, key=None):
    """The stored record of a table."""
    payload, now = coerce(value, type="table"), wire.now()
    content = payload.content()
    record = Record(
        id=wire.new_id(), created=now, updated=now, key=key, type="table", data=content.data, info=content.info,
        blob=store.put_blob(*content.blob),
    )  # fmt: skip
    return store.put(record)


def mixed(rows=1000):
    """A column of every kind that people have."""
    rng = np.random.default_rng(0)
    return pd.DataFrame({
        "a": range(rows), "b": rng.normal(size=rows), "s": [f"w{n % 7}" for n in range(rows)],
        "gaps": [None if n % 10 == 0 else n / 2 for n in range(rows)],
        "t": pd.date_range("2020", periods=rows, tz="Europe/Berlin"), "d": pd.to_timedelta(range(rows), unit="s"),
        "p": pd.period_range("2020", periods=rows, freq="D"), "c": pd.Categorical(["x", "y"] * (rows // 2)),
        "big": [2**70 + n for n in range(rows)], "dec": [Decimal(n) / 10 for n in range(rows)],
        "l": [[n] for n in range(rows)], "o": [{"x": n} for n in range(rows)], "yes": [True, False] * (rows // 2),
        "bytes": [bytes([n % 256]) for n in range(rows)], 'odd name, "quoted"': range(rows), "A": range(rows, 0, -1),
    })  # fmt: skip


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    store = open_store(tmp_path_factory.mktemp("store"), durable=False)
    yield store
    store.close()


@pytest.fixture(scope="session")
def tables(store):
    tables = Tables(store)
    yield tables
    tables.close()


@pytest.fixture(scope="session")
def frame():
    return mixed()


@pytest.fixture(scope="session")
def record(store, frame):
    return kept(store, frame, "mixed")


@pytest.fixture
def ask(tables, record):
    """Rows as Arrow by the parameters of a URL."""

    def ask(record=record, **params):
        page = tables.rows(record, parse({name: str(text) for name, text in params.items()}))
        return pa.ipc.open_stream(page.arrow).read_all(), page

    return ask


@pytest.fixture
def rows(tables, record):
    """Rows as JSON by the parameters of a URL."""

    def rows(record=record, **params):
        query = parse({name: text if isinstance(text, str) else json.dumps(text) for name, text in params.items()})
        return json.loads(tables.rows(record, query, form="json").arrow)

    return rows
