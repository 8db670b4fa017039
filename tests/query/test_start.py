"""The start of the query process: early where a table will be looked at, and no more loaded than a page needs."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import msgspec
import numpy as np
import pandas as pd
import psutil
import pytest
from query.conftest import kept
from waiting import until

from nb_artifacts.api import Api, Request
from nb_artifacts.query import RowsQuery, Tables
from nb_artifacts.types.table import ROWS
from nb_artifacts.wire import MIME, new_id

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


@pytest.fixture(scope="module")
def large(store):
    record = kept(store, pd.DataFrame({"n": range(100_000)}), "large")
    return store.put(msgspec.structs.replace(record, id=new_id(), metadata_={ROWS: "9,000 of 100,000"}, seq=0, version=None))


@pytest.fixture
def api(store):
    api = Api(lambda: store)
    yield api
    api.tables.close()


def children():
    return [one for one in psutil.Process().children() if "nb_artifacts.query.child" in one.cmdline()]


def get(api, path, **headers):
    said = {"accept": MIME, "user-agent": BROWSER} | {name.replace("_", "-"): value for name, value in headers.items()}
    return api(Request("GET", path, headers=said))


def test_a_browser_that_gets_a_long_table_finds_the_process_started(api, large):
    first = get(api, f"/artifacts/{large.id}")
    assert first.status == 200
    until(lambda: api.tables.worker.process is not None)
    process = api.tables.worker.process
    assert get(api, f"/artifacts/{large.id}", if_none_match=first.headers["ETag"]).status == 304
    assert get(api, f"/artifacts/{large.id}/rows").status == 200
    assert api.tables.worker.process is process


def test_after_a_reload_too(api, large):
    assert get(api, f"/artifacts/{large.id}", if_none_match="*").status == 304
    until(lambda: api.tables.worker.process is not None)


def test_nothing_else_starts_it(api, large, store, record, monkeypatch):
    started = []
    monkeypatch.setattr(api.tables.worker, "warm", lambda: started.append(True))
    small = kept(store, pd.DataFrame({"n": [1, 2]}), "small")
    for path in (f"/artifacts/{small.id}", "/artifacts/small/latest", f"/artifacts/{large.id}/blob"):
        assert get(api, path).status == 200
    assert get(api, f"/artifacts/{large.id}", user_agent="python-httpx/0.28").status == 200
    assert api(Request("POST", "/artifacts/filter", headers={"accept": MIME, "user-agent": BROWSER})).status == 200
    assert started == []
    assert get(api, "/artifacts/large/latest").status == 200
    assert started == [True]


def test_many_who_expect_it_start_one(store, large):
    tables = Tables(store, idle=0.1)
    before = {one.pid for one in children()}
    for _ in range(8):
        tables.expect(large)
    assert tables.rows(large, RowsQuery()).total == 100_000
    assert len({one.pid for one in children()} - before) == 1
    process = tables.worker.process
    if process is not None:
        until(lambda: process.poll() is not None)
    tables.close()


def test_one_that_nobody_asks_ends(store, large):
    tables = Tables(store, idle=0.1)
    tables.expect(large)
    until(lambda: tables.worker.process is not None)
    until(lambda: tables.worker.process is None)
    tables.close()


SCRIPT = """
import json, sys
from nb_artifacts.query import parse
from nb_artifacts.query.engine import Engine
from nb_artifacts.query.source import Cursor, Limits
engine = Engine(Limits(2**28, 1, sys.argv[2]))
source = engine.source("t", sys.argv[1], None, b"")
source.prepare()
for form in ("arrow", "json"):
    for asked in ({}, {"sort": "-n"}, {"sort": "n", "offset": "50000"}, {"where": "n > 5"}, {"q": "7"}, {"stride": "900"}):
        engine.rows(source, parse(asked), form, Cursor(source), lambda: None)
engine.summary(source, parse({}), Cursor(source))
print("pandas" in sys.modules)
"""


def test_pages_orders_and_summaries_load_no_pandas(tmp_path):
    """It would take longer than all of the rest."""
    rows = 100_000
    table = pd.DataFrame({"n": np.random.default_rng(0).permutation(rows), "t": pd.date_range("2020", periods=rows, freq="s")})
    table.to_parquet(tmp_path / "t.parquet", row_group_size=10_000)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "t.parquet"), str(tmp_path)]
    loads_it_itself = duckdb.__version__.startswith("1.")  # to look at any value that a query is given
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{loads_it_itself}\n"
