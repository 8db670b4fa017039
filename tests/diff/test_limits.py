"""Tables larger than the memory that is given, comparisons that take too long or that nobody waits for."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from waiting import until

import nb_artifacts as nba
from nb_artifacts import core
from nb_artifacts.diff.local import files_apart
from nb_artifacts.diff.result import TableAsk
from nb_artifacts.errors import InvalidValue, QueryFailed
from nb_artifacts.query import Left, Tables

ROWS = 400_000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A table of 100 MB or so in memory, and the same in another order with a few changes."""
    place = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(0)
    table = pa.table({
        "id": rng.permutation(ROWS), **{f"x{n}": rng.normal(size=ROWS) for n in range(10)},
        "text": pa.array([f"text number {n:040d}" for n in range(ROWS)]),
    })  # fmt: skip
    later = table.take(pa.array(rng.permutation(ROWS))).slice(10)
    changed = later.column("x3").to_numpy().copy()
    changed[:500] += 1
    later = later.set_column(later.column_names.index("x3"), "x3", pa.array(changed))
    paths = place / "a.parquet", place / "b.parquet"
    for path, one in zip(paths, (table, later), strict=True):
        pq.write_table(one, path, compression="zstd")
    return paths


def test_a_comparison_goes_to_disk_where_memory_does_not_do(files, tmp_path):
    found = files_apart(files, ((), ()), TableAsk(), tmp_path, memory=160 * 2**20, threads=1)
    assert (found.keys, found.keys_guessed) == (["id"], True) or found.keys == ["text"]
    assert (found.added, found.removed, found.changed) == (0, 10, 500)
    assert {one.field: one.changed for one in found.columns if one.changed} == {"x3": 500}
    assert len(found.rows) == 200


def test_too_little_memory_is_said(files, tmp_path):
    with pytest.raises(InvalidValue, match=r"cannot be compared: .*[Mm]emory"):
        files_apart(files, ((), ()), TableAsk(keys=["id"]), tmp_path, memory=2 * 2**20, threads=1)


INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from nb_artifacts.diff.local import files_apart
from nb_artifacts.diff.result import TableAsk

signal.signal(signal.SIGINT, signal.default_int_handler)
first, second, place = map(Path, sys.argv[1:])
for _ in range(20):  # Python itself drops one that comes while it is tidying up
    begun = lambda connection: threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        files_apart((first, second), ((), ()), TableAsk(), place, begun=begun)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        os._exit(0)
"""


def test_an_interrupt_is_one(files, tmp_path):
    """In a process of its own: a signal that comes late must not end the one that runs the tests."""
    command = [sys.executable, "-c", INTERRUPTED, *map(str, files), str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.stdout == "interrupted\n", said.stderr


def test_no_other_file_can_be_read(files, tmp_path):
    import duckdb

    def begun(connection):
        for attack in (f"SELECT * FROM read_csv('{Path(__file__)}')", "SET enable_external_access = true", "INSTALL httpfs"):
            with pytest.raises(duckdb.Error):
                connection.execute(attack)

    files_apart(files, ((), ()), TableAsk(keys=["id"]), tmp_path, begun=begun)


@pytest.fixture
def records(files):
    store, found = core.current_store(), []
    for path in files:
        record = nba.create(pq.read_table(path), "large")._record
        found.append(store.get(record.id))
    return found


def test_one_that_takes_too_long_is_ended_and_the_next_answered(records):
    tables = Tables(core.current_store(), seconds=0.1)
    try:
        with pytest.raises(QueryFailed, match=r"longer than 0\.1 s") as late:
            tables.diff(*records, TableAsk())
        assert late.value.late
        assert tables.worker.process.poll() is None
    finally:
        tables.close()


def test_one_that_nobody_waits_for_is_ended(records):
    tables, left = Tables(core.current_store()), Left()
    ended = []

    def ask():
        with pytest.raises(QueryFailed, match="nobody waits"):
            tables.diff(*records, TableAsk(), left=left)
        ended.append(True)

    try:
        tables.rows(records[0], nba.query.RowsQuery(limit=1))
        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: tables.worker._busy)
        left.leave()
        asking.join(20)
        assert ended
    finally:
        tables.close()


def test_a_killed_query_process_is_an_error_of_one_comparison(records):
    tables = Tables(core.current_store())
    try:
        tables.rows(records[0], nba.query.RowsQuery(limit=1))
        tables.worker.process.kill()
        tables.worker.process.wait()
        assert tables.diff(*records, TableAsk(limit=0)).changed == 500
    finally:
        tables.close()
