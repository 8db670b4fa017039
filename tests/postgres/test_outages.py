"""A database that goes away and comes back, and answers that are lost on the way."""

import gc
import random
import threading
import time

import psycopg
import pytest
from contract.given import of, record, run, versions
from faults.processes import Child
from msgspec import Raw, structs
from postgres.cluster import wait_until

from nb_artifacts.errors import Conflict, NotFound, StoreBusy, StoreError
from nb_artifacts.store import open_store, postgres_connection, postgres_pool
from nb_artifacts.wire import Patch, Query, RunState


def test_a_restart_loses_nothing_acknowledged_and_fails_no_call(store, cluster):
    told, errors, ended = [], [], threading.Event()

    def write(name):
        while not ended.is_set():
            try:
                told.append(store.put(record(name)))
            except Exception as error:
                errors.append(error)

    writers = [threading.Thread(target=write, args=(f"k{n}",)) for n in range(4)]
    for writer in writers:
        writer.start()
    for mode in ("immediate", "fast", "immediate"):
        before = len(told)
        while len(told) < before + 40 and not errors:
            time.sleep(0.01)
        cluster.stop(mode)
        cluster.start()
    before = len(told)
    while len(told) < before + 40 and not errors:
        time.sleep(0.01)
    ended.set()
    for writer in writers:
        writer.join()
    assert errors == []
    assert {each.id: each.version for each in store.find(Query())} == {each.id: each.version for each in told}
    for n in range(4):
        numbers = versions(store, f"k{n}")
        assert numbers == list(range(len(numbers), 0, -1))
    assert [change.seq for change in store.changes(0, 100_000)] == sorted(each.seq for each in told)


def test_every_connection_kept_is_replaced_at_its_first_use(store, cluster):
    barrier = threading.Barrier(6)

    def use(*_):
        with store._database.pool.connection():
            barrier.wait(20)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store._database.pool._idle) == 6
    cluster.stop()
    cluster.start()
    assert store.count(Query()) == 0
    assert store.put(record("k")).version == 1


def test_while_it_is_away_calls_wait_once_then_fail_at_once(store, cluster, monkeypatch):
    monkeypatch.setattr(postgres_pool, "BUSY_SECONDS", 1.0)
    given = record("k")
    cluster.stop()
    try:
        with pytest.raises(StoreBusy, match=r"cannot be used now .*: check that it runs there"):
            store.put(given)
        tried = []
        monkeypatch.setattr(postgres_connection.time, "sleep", tried.append)
        for call in (lambda: store.put(given), lambda: store.find(Query()), store.last_seq, lambda: store.changed(0, 0.01)):
            with pytest.raises(StoreBusy):
                call()
        assert [each for each in tried if each > 0.02] == []
    finally:
        cluster.start()
    assert store.put(given).version == 1
    assert store.changed(0, 0) == 1


def test_a_wait_for_news_outlives_a_restart(store, cluster):
    since = store.put(record("k")).seq
    answers = []
    thread = threading.Thread(target=lambda: answers.append(store.changed(since, 60)))
    thread.start()
    while store._listener._connection is None:
        time.sleep(0.01)
    cluster.stop()
    cluster.start()
    seq = store.put(record("k")).seq
    thread.join(30)
    assert answers == [seq]


@pytest.fixture
def lose_answer(monkeypatch):
    """Let the next statement that calls the named function be done, and its answer be lost."""
    wanted = []
    execute = postgres_connection.execute

    def lossy(connection, sql, *arguments, **options):
        rows = execute(connection, sql, *arguments, **options)
        if wanted and wanted[0] in sql:
            wanted.clear()
            connection.close()
            raise psycopg.OperationalError("the answer was lost")
        return rows

    monkeypatch.setattr(postgres_connection, "execute", lossy)
    return wanted.append


def test_a_put_whose_answer_was_lost_is_done_once(store, lose_answer):
    given = record("k", "x" * 1000)
    lose_answer(" put(")
    put = store.put(given)
    assert (put.version, put.seq, store.last_seq()) == (1, 1, 1)
    assert store.get(given.id) == put
    assert store.put(record("k")).version == 2


def test_a_patch_whose_answer_was_lost_is_no_conflict_with_itself(store, lose_answer):
    put = store.put(record("k"))
    lose_answer(" patch(")
    patched = store.patch(put.id, Patch(description="new"), if_seq=put.seq)
    assert patched.description == "new"
    assert patched.seq == store.last_seq() == put.seq + 1
    lose_answer(" patch(")
    again = store.patch(put.id, Patch(data=Raw(b"2")))
    assert store.get(put.id) == again
    with pytest.raises(Conflict):
        store.patch(put.id, Patch(description="late"), if_seq=put.seq)


def test_a_delete_whose_answer_was_lost_is_no_unknown_artifact(store, lose_answer):
    put = store.put(record("k"))
    lose_answer(" remove(")
    store.delete(put.id)
    assert store.last_seq() == put.seq + 1
    with pytest.raises(NotFound):
        store.delete(put.id)


def test_a_run_and_a_blob_whose_answers_were_lost_are_kept(store, lose_answer):
    given = run()
    lose_answer(" put_run(")
    put = store.put_run(given)
    assert store.get_run(given.id) == put
    lose_answer("INTO part ")
    ref = store.put_blob(b"x" * 10, "text/plain")
    lose_answer("INTO blob ")
    other = store.put_blob(b"y" * 10, "text/plain")
    assert store.open_blob(ref).read() + store.open_blob(other).read() == b"x" * 10 + b"y" * 10
    ended = store.put_run(structs.replace(given, state=RunState.completed))
    assert store.get_run(given.id) == ended


def test_more_threads_than_connections_take_turns(database, schema):
    store = open_store(f"{database}?schema={schema}")
    store._database.pool = postgres_pool.Pool(store._database.connect, 2)
    threads = [threading.Thread(target=store.put, args=(record(f"k{n % 3}"),)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count(Query()) == 30
    assert store.count(of(key="k0")) == 10
    assert len(store._database.pool._idle) <= 2
    store.close()


def test_when_all_connections_are_held_that_is_said(store, monkeypatch):
    monkeypatch.setattr(postgres_pool, "BUSY_SECONDS", 0.1)
    pool = postgres_pool.Pool(store._database.connect, 1)
    monkeypatch.setattr(store._database, "pool", pool)
    with pool.connection(), pytest.raises(StoreBusy, match="all 1 connections"):
        store.last_seq()
    assert store.last_seq() == 0


def test_a_server_with_no_connection_to_spare_is_said(cluster, monkeypatch):
    cluster.sql("CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 0")
    with pytest.raises(StoreError, match="no connection to spare"):
        open_store(cluster.url(user="few", password="few"))


def test_an_interrupted_put_tells_its_id_or_is_not_kept(store):
    """Ctrl-C at any moment: what was returned or is on the exception is kept once, and the store goes on."""

    def work(send):
        gc.disable()  # an interrupt that falls into a finaliser is lost
        told = []
        for _ in range(60):
            try:
                send("ready")
                while True:
                    told.append(store.put(record("k")).id)
            except KeyboardInterrupt as stop:
                told += [stop.artifact_id] if hasattr(stop, "artifact_id") else []
        send((told, store.put(record("last")).version))

    child, chance = Child(work), random.Random(7)
    for _ in range(60):
        assert child.receive() == "ready"
        time.sleep(chance.uniform(0.001, 0.01))
        child.interrupt()
    ((told, last),) = child.wait()
    assert last == 1
    kept = {each.id: each.version for each in store.find(of(key="k"))}
    assert set(told) <= set(kept)
    assert len(set(told)) == len(told) >= len(kept) - 60
    assert sorted(kept.values()) == list(range(1, len(kept) + 1))


def test_an_interrupt_gives_back_the_right_to_a_connection(store):
    pool = postgres_pool.Pool(store._database.connect, 1)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), pool.connection():
            raise KeyboardInterrupt
    lease = postgres_pool._Lease()
    pool._leases.add(lease)
    del lease
    with pool.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    pool.close()


def test_what_nobody_uses_holds_no_connection(address, cluster, monkeypatch):
    monkeypatch.setattr(postgres_connection, "IDLE_SECONDS", 0.1)
    store = open_store(f"{address}&application_name=idle")
    put = store.put(record("k"))
    wait_until(lambda: cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idle'") == [(0,)])
    assert store.get(put.id) == put
    assert store.put(record("k")).version == 2
    store.close()
