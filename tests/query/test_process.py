"""The query process: one, when needed, ended when idle, replaced when it dies; what nobody waits for is interrupted."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from query.conftest import kept, mixed
from waiting import until

from nb_artifacts.errors import BadQuery, QueryFailed
from nb_artifacts.query import PARQUET, Left, RowsQuery, Tables, child, parse
from nb_artifacts.query.conditions import explained
from nb_artifacts.query.engine import Engine
from nb_artifacts.query.source import Cursor, Limits, Source
from nb_artifacts.query.worker import memory
from nb_artifacts.wire import Record, new_id, now

SLOW = {"where": " AND ".join(f"levenshtein(text || {n}, reverse(text)) >= 0" for n in range(40))}
"""Takes minutes over a million rows."""


@pytest.fixture(scope="module")
def million(store):
    numbers = np.arange(1_000_000)
    text = pa.array(numbers).cast(pa.string())
    return kept(store, pa.table({"n": numbers, "text": pa.compute.binary_join_element_wise(text, text, text, "-")}))


@pytest.fixture
def fresh(store):
    made = []

    def fresh(**options):
        made.append(Tables(store, **options))
        return made[-1]

    yield fresh
    for tables in made:
        tables.close()


def test_it_starts_with_the_first_question_and_only_once(fresh, record):
    tables = fresh()
    assert tables.worker.process is None
    errors = []

    def work():
        try:
            tables.rows(record, RowsQuery())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    children = [child for child in psutil.Process().children() if "nb_artifacts.query.child" in child.cmdline()]
    assert tables.worker.process.pid in [child.pid for child in children]
    temp = [path for path in os.listdir(tables.worker._folder) if path.startswith(f"query-{os.getpid()}-")]
    assert len(temp) >= 1


def test_it_ends_when_idle_and_leaves_nothing(fresh, record):
    tables = fresh(idle=0.1)
    tables.rows(record, RowsQuery())
    process, temp = tables.worker.process, tables.worker._running.temp
    assert temp.is_dir()
    until(lambda: process.poll() is not None)
    until(lambda: not temp.exists())
    assert tables.worker.process is None
    assert tables.rows(record, RowsQuery()).total == 1000


def test_a_crash_is_an_error_of_one_request(fresh, record, million):
    tables = fresh()
    tables.rows(record, RowsQuery())
    process, failed = tables.worker.process, []

    def work():
        try:
            tables.rows(million, parse(SLOW))
        except QueryFailed as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: len(tables.worker._running.waiting) == 1)
    process.kill()
    thread.join(30)
    assert "ended unexpectedly" in str(failed[0])
    assert not failed[0].late
    assert tables.rows(record, RowsQuery()).total == 1000
    assert tables.worker.process.pid != process.pid


def test_a_query_that_takes_too_long(fresh, record, million):
    tables = fresh(seconds=4)
    tables.rows(record, RowsQuery())
    with pytest.raises(QueryFailed, match=r"longer than 4 s") as raised:
        tables.rows(million, parse(SLOW))
    assert raised.value.late
    assert tables.rows(record, RowsQuery()).total == 1000


def test_a_query_that_nobody_waits_for(fresh, record, million):
    tables, left, ended = fresh(), Left(), []

    def work():
        try:
            tables.rows(million, parse(SLOW), left=left)
        except QueryFailed as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: tables.worker._running is not None and len(tables.worker._running.waiting) == 1)
    left.leave()
    thread.join(30)
    assert "nobody waits" in str(ended[0])
    with pytest.raises(QueryFailed, match="nobody waits"):
        tables.rows(record, RowsQuery(), left=left)
    until(lambda: psutil.Process(tables.worker.process.pid).num_threads() > 0)
    assert tables.rows(record, RowsQuery()).total == 1000


def test_a_second_asker_waits_for_the_same_order_and_takes_over(fresh, million):
    tables, left, found = fresh(), Left(), []
    query = parse({"sort": "-text", "offset": "999990", "limit": "10"})

    def first():
        with pytest.raises(QueryFailed):
            tables.rows(million, query, left=left)

    def second():
        found.append(tables.rows(million, query).rows)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    until(lambda: tables.worker._running is not None and len(tables.worker._running.waiting) == 1)
    left.leave()
    threads[1].start()
    for thread in threads:
        thread.join(60)
    assert found == [1_000_000]


def test_an_export_given_up_ends_its_work(fresh, million):
    tables = fresh(idle=0.1)
    parts = tables.export(million, RowsQuery(), "csv")
    assert next(parts).startswith(b"n,text\n0,0-0-0\n")
    process = tables.worker.process
    parts.close()
    del parts
    gc.collect()
    until(lambda: process.poll() is not None)


def test_an_export_is_not_cut_short_by_a_slow_reader(fresh, store):
    tables = fresh(seconds=2)
    record = kept(store, pd.DataFrame({"n": range(50_000)}))
    tables.rows(record, parse({"where": "n >= 0"}))  # what is loaded for the first question takes its time too
    tables.worker._idle = 0.05
    parts = tables.export(record, parse({"where": "n >= 0"}), "csv")
    found = [next(parts)]
    threading.Event().wait(2.5)
    found += parts
    assert b"".join(found).count(b"\n") == 50_001


def test_a_small_file_that_unpacks_to_any_size(fresh, store, tmp_path):
    """S-16, S-19: gigabytes of text in a few megabytes; memory is bounded, and what can be shown is."""
    rows = 1_200_000
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, "int32")), ["x" * 2000])
    pq.write_table(
        pa.table({"n": np.arange(rows), "s": texts}), tmp_path / "t.parquet", row_group_size=rows, compression="zstd"
    )
    blob = store.put_blob((tmp_path / "t.parquet").read_bytes(), PARQUET)
    assert blob.size < 10_000_000
    record = store.put(Record(id=new_id(), created=now(), updated=now(), type="table", blob=blob))
    tables = fresh()
    page = pa.ipc.open_stream(tables.rows(record, parse({"offset": f"{rows - 2}", "limit": "2"})).arrow).read_all()
    assert page.to_pydict() == {"n": [rows - 2, rows - 1], "s": ["x" * 2000] * 2}
    assert tables.rows(record, parse({"columns": "n", "sort": "-n"})).total == rows
    assert tables.rows(record, parse({"q": "xy"})).rows == 0
    with contextlib.suppress(QueryFailed):
        tables.rows(record, parse({"sort": "-s", "offset": f"{rows - 1}"}))
    taken = psutil.Process(tables.worker.process.pid).memory_info()
    assert taken.rss - taken.shared < memory() + 2**28  # DuckDB's own limit, and the process; shared: mapped files
    assert tables.rows(record, parse({"columns": "n"})).total == rows


def test_it_knows_no_secret_and_no_home(fresh, record, monkeypatch):
    monkeypatch.setenv("NB_ARTIFACTS_API_KEY", "secret-key")
    monkeypatch.setenv("PREFECT_API_KEY", "secret-key")
    tables = fresh()
    tables.rows(record, RowsQuery())
    process = psutil.Process(tables.worker.process.pid)
    assert "secret-key" not in str(process.environ())
    assert "secret-key" not in str(process.cmdline())
    assert process.cwd() == str(tables.worker._running.temp)


def test_it_ends_with_its_server(store, record, tmp_path):
    import sys

    script = (
        "import sys\nfrom nb_artifacts.store import open_store\nfrom nb_artifacts.query import *\n"
        "store = open_store(sys.argv[1]); tables = Tables(store)\n"
        "import uuid; tables.rows(store.get(uuid.UUID(sys.argv[2])), RowsQuery())\n"
        "print(tables.worker.process.pid, flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(store.folder), str(record.id)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid = int(server.stdout.readline())
    assert psutil.pid_exists(pid)
    server.kill()
    server.wait()
    server.stdout.close()
    server.stdin.close()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_store_whose_bytes_are_no_files(store, record, monkeypatch):
    import io

    from nb_artifacts.errors import BlobMissing

    class Elsewhere:
        id, where = store.id, "elsewhere"
        opened = 0

        def open_blob(self, ref):
            type(self).opened += 1
            with store.open_blob(ref) as file:
                content = file.read()
            return io.BytesIO(content[:-1] + b"x" if self.broken else content)

        broken = False

    other = Elsewhere()
    tables = Tables(other)
    try:
        assert tables.rows(record, parse({"sort": "-a", "limit": "1"})).rows == 1000
        folder = tables._spool._folder
        assert [path.name for path in folder.iterdir()] == [f"{record.blob.sha256}.parquet"]
        fresh = kept(store, mixed(100))
        other.broken = True
        with pytest.raises(BlobMissing, match=fresh.blob.sha256):
            tables.rows(fresh, RowsQuery())
    finally:
        tables.close()
    assert not folder.exists()


def test_loading_it_loads_no_engine():
    import sys

    script = "import sys, nb_artifacts.query, nb_artifacts.api; print(*[m.partition('.')[0] for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"duckdb", "pyarrow", "pandas", "numpy"} & set(loaded)


def test_what_cannot_be_interrupted_ends_with_its_process(monkeypatch):
    """One function over one long text hears no interrupt: the process says that it is late, and ends."""
    monkeypatch.setattr(child, "GRACE", 0.1)
    sent, ended = [], []
    monkeypatch.setattr(child.os, "_exit", ended.append)
    service = child.Service(SimpleNamespace(send=sent.append), child.Start(2**30, 1, "nowhere", 1.0))
    job = child.Job(7, 60, service._give_up)
    job.cursor = SimpleNamespace(interrupt=lambda: None)
    job.stop("late")
    job.end()  # or its own timer ends this very process, a minute later
    assert ended == [1]
    assert (sent[0]["id"], job.reason) == (7, "late")


def test_what_is_interrupted_does_not_end_it(monkeypatch):
    ended = []
    job = child.Job(7, 60, ended.append)
    job.cursor = SimpleNamespace(interrupt=job.end)
    job.stop("late")
    assert ended == []


def test_all_who_wait_are_told_of_a_crash(fresh, record):
    tables = fresh()
    tables.rows(record, RowsQuery())
    running, told = tables.worker._running, []

    class Leaves:
        def __init__(self, id):
            self.id = id

        def put(self, message):
            running.waiting.pop(self.id)
            told.append(message)

    running.waiting.update({-id: Leaves(-id) for id in (1, 2, 3)})
    running.process.kill()
    until(lambda: len(told) == 3)
    assert told == [None, None, None]


def test_a_process_that_ran_out_of_memory_is_asked_nothing_more(fresh, record):
    """What a query took is not all given back: others would find less than they may have."""
    tables = fresh()
    tables.rows(record, RowsQuery())
    running = tables.worker._running

    def send(head, content=b""):
        said = {"id": head["id"], "error": "failed", "message": "more memory", "late": False, "spent": True}
        running.waiting[head["id"]].put((said, b""))

    running.pipe.send = send
    with pytest.raises(QueryFailed, match="more memory"):
        tables.rows(record, RowsQuery())
    assert tables.rows(record, RowsQuery()).rows == 1000
    assert tables.worker._running is not running
    until(lambda: running.process.poll() is not None)


def test_a_table_that_a_query_broke_is_opened_anew(tmp_path, record, store):
    """After an error inside DuckDB its database answers nothing more."""
    import duckdb

    engine = Engine(Limits(2**28, 1, str(tmp_path)))
    path = tables_path(store, record)
    source = engine.source("t", path, None, b"")
    assert engine.source("t", path, None, b"") is source
    with pytest.raises(BadQuery, match="cannot be worked out: INTERNAL"), explained(source, RowsQuery(where="a > 1"), 1):
        raise duckdb.InternalException("INTERNAL Error: too long\nmore")
    again = engine.source("t", path, None, b"")
    assert again is not source
    assert engine.rows(again, RowsQuery(where="a > 1"), "json", Cursor(again), lambda: None).rows == 998


def test_who_asks_a_broken_table_is_told_to_ask_again(tmp_path, record, store):
    import duckdb

    def fails(*_):
        raise duckdb.FatalException("FATAL Error: invalidated")

    source = Source(tables_path(store, record), "t", Limits(2**28, 1, str(tmp_path)))
    cursor = Cursor(source)
    cursor._made = SimpleNamespace(execute=fails)
    source.spent = True
    with pytest.raises(QueryFailed, match="ask again"):
        cursor.execute("SELECT 1")


def tables_path(store, record):
    with store.open_blob(record.blob) as file:
        return file.name
