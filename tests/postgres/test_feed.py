"""The change feed over several connections: nothing is skipped, and news travels."""

import threading
import time

import psycopg
import pytest
from msgspec import Raw
from postgres.cluster import wait_until

from nb_artifacts.store import open_store
from nb_artifacts.store.postgres import PUT
from nb_artifacts.wire import Patch, Record, Run, RunKind, new_id, now


def record(key=None, data=b"1", **members):
    moment = now()
    return Record(id=new_id(), created=moment, updated=moment, key=key, data=Raw(data), **members)


def seqs(store, since=0, limit=1000):
    return [change.seq for change in store.changes(since, limit)]


@pytest.fixture
def other(address):
    store = open_store(address)
    yield store
    store.close()


@pytest.fixture
def session(address, schema):
    """A connection outside of the store, which can hold a transaction open."""
    with psycopg.connect(address.partition("?")[0]) as connection:
        connection.execute(f"SET search_path = {schema}")
        connection.commit()
        yield connection


def put_in(session, store, key="late"):
    """A put in the session's open transaction; its seq."""
    return session.execute(PUT, store.put_values(record(key))).fetchone()[0]


def test_a_seq_that_commits_late_is_not_skipped(store, session):
    first = store.put(record("a")).seq
    late = put_in(session, store)
    early = store.put(record("a")).seq
    assert first < late < early
    assert seqs(store) == [first]
    assert store.last_seq() == first
    session.commit()
    assert seqs(store, first) == [late, early]
    assert store.last_seq() == early


def test_a_transaction_that_is_undone_lets_the_feed_go_on(store, session):
    put_in(session, store)
    seq = store.put(record("a")).seq
    assert seqs(store) == []
    session.rollback()
    assert seqs(store) == [seq]
    assert store.last_seq() == seq


@pytest.mark.parametrize("change", ["patch", "delete", "put_run"])
def test_every_kind_of_change_waits_for_earlier_ones(store, session, change):
    made = store.put(record("a"))
    late = put_in(session, store)
    if change == "patch":
        store.patch(made.id, Patch(description="new"))
    elif change == "delete":
        store.delete(made.id)
    else:
        store.put_run(Run(id=new_id(), kind=RunKind.cell, started=now()))
    assert late not in seqs(store)
    assert store.last_seq() < late
    session.commit()
    assert late in seqs(store)
    assert seqs(store)[-1] == store.last_seq() > late


def test_a_held_transaction_keeps_no_other_key_from_being_written(store, session):
    put_in(session, store, "held")
    assert [store.put(record("free")).version for _ in range(3)] == [1, 2, 3]


def test_the_halves_of_a_lock_are_put_together_at_every_turn(store, session, schema):
    for start in (2**31 - 2, 2**32 - 2, 2**33 - 1):
        session.execute("SELECT setval('feed', %s)", (start,))
        session.commit()
        before = store.put(record("a")).seq
        late = put_in(session, store)
        for _ in range(4):
            store.put(record("b"))
        assert store.last_seq() == before
        session.commit()
        assert seqs(store, before)[0] == late


def test_a_follower_sees_every_change_of_concurrent_writers(store, address):
    writers, each = 8, 60
    made, seen, ended = set(), [], threading.Event()

    def write(number):
        mine = open_store(address)
        for n in range(each):
            put = mine.put(record(f"k{n % 3}"))
            made.add(put.id)
            if n % 4 == 0:
                mine.patch(put.id, Patch(description=str(number)))
        mine.close()

    def follow():
        seq = 0
        while True:
            last = ended.is_set()
            found = store.changes(seq, 50)
            seen.extend(found)
            seq = found[-1].seq if found else seq
            if last and not found:
                return

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    follower = threading.Thread(target=follow)
    for thread in (*threads, follower):
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    follower.join()
    assert {change.record.id for change in seen} == made
    assert len(made) == writers * each
    order = [change.seq for change in seen]
    assert order == sorted(set(order))
    newest = {change.record.id: change.seq for change in seen}
    assert newest == {change.record.id: change.seq for change in store.changes(0, 10_000)}


def test_changed_wakes_for_a_write_through_another_store(store, other, monkeypatch):
    monkeypatch.setattr("nb_artifacts.store.postgres_feed.POLL_SECONDS", 60.0)
    since = store.put(record("a")).seq
    answers = []

    def wait():
        answers.append(store.changed(since, 30))

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: store._listener._connection is not None)
    written = other.put(record("a")).seq
    thread.join(20)
    assert answers == [written]


def test_changed_answers_at_once_where_there_is_news_and_after_a_while_where_not(store):
    seq = store.put(record("a")).seq
    assert store.changed(0, 60) == seq
    began = time.monotonic()
    assert store.changed(seq, 0.2) == seq
    assert time.monotonic() - began >= 0.2


def test_changed_finds_what_nobody_told(store, session, monkeypatch):
    monkeypatch.setattr("nb_artifacts.store.postgres_feed.POLL_SECONDS", 0.05)
    since = store.put(record("a")).seq
    seq = put_in(session, store)
    session.commit()
    assert store.changed(since, 30) == seq


def test_close_sends_away_who_waits(store, monkeypatch):
    monkeypatch.setattr("nb_artifacts.store.postgres_feed.POLL_SECONDS", 60.0)
    thread = threading.Thread(target=store.changed, args=(10**9, 60))
    thread.start()
    wait_until(lambda: store._listener._connection is not None)
    store.close()
    thread.join(20)
    assert not thread.is_alive()
    assert store.last_seq() == 0


def test_a_session_that_stops_asking_is_replaced(store, monkeypatch, cluster):
    since = store.put(record("a")).seq
    store.changed(since, 0)
    pid = store._listener._connection.info.backend_pid
    cluster.sql(f"SELECT pg_terminate_backend({pid})")
    wait_until(lambda: not cluster.sql(f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid}"))
    seq = store.put(record("a")).seq
    assert store.changed(since, 10) == seq
