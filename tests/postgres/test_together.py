"""Writes that share a transaction: all or nothing, and a failing one undoes itself alone."""

import threading

import psycopg
import pytest
from contract.given import record, run, versions

from nb_artifacts.errors import Conflict, NotFound
from nb_artifacts.store import open_store
from nb_artifacts.wire import Patch, Query, new_id


def test_all_are_kept_and_told_at_once(store, address):
    other = open_store(address)
    seen = []

    def look():
        seen.append((other.count(Query()), other.last_seq()))

    made = store.together([*[lambda n=n: store.put(record(f"k{n % 3}", n)) for n in range(20)], look])
    assert seen == [(0, 0)]
    assert [each.version for each in made[:-1]] == [n // 3 + 1 for n in range(20)]
    assert other.changed(0, 10) == 20
    assert [change.record for change in other.changes()] == made[:-1]
    other.close()


def test_a_write_that_fails_undoes_itself_alone(store):
    given = record("k", 1)

    def attempt(call):
        try:
            return call()
        except (Conflict, NotFound) as error:
            return type(error)

    other = record("k", 2, id=given.id)
    calls = (
        lambda: store.put(given).version,
        lambda: store.put(other),
        lambda: store.delete(new_id()),
        lambda: store.put(given).version,
        lambda: store.patch(given.id, Patch(description="d")).description,
        lambda: store.get(given.id).description,
        lambda: store.put_run(run()).seq > 0,
        lambda: store.put(record("k")).version,
    )
    assert store.together([lambda call=call: attempt(call) for call in calls]) == [1, Conflict, NotFound, 1, "d", "d", True, 2]
    assert versions(store, "k") == [2, 1]


def test_what_a_call_raises_undoes_everything(store):
    ref = store.put_blob(b"bytes", "a/b")
    there = store.put(record("k", blob=ref))

    def fails():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        store.together([lambda: store.put(record("k")), lambda: store.delete(there.id), fails])
    assert versions(store, "k") == [1]
    assert store.last_seq() == there.seq
    assert store.open_blob(ref).read() == b"bytes"
    assert store.together([lambda: store.put(record("k")).version]) == [2]


def test_two_that_need_the_same_keys_in_another_order_take_turns(store, address):
    both = threading.Barrier(2)
    errors = []

    def batch(keys):
        mine = open_store(address)
        both.wait(20)
        try:
            for _ in range(5):
                mine.together([lambda key=key: mine.put(record(key)) for key in keys])
        except Exception as error:
            errors.append(error)
        mine.close()

    keys = [f"k{n}" for n in range(10)]
    threads = [threading.Thread(target=batch, args=(order,)) for order in (keys, keys[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(versions(store, key) == list(range(10, 0, -1)) for key in keys)


def test_a_lost_connection_repeats_all_of_it(store, monkeypatch):
    given = [record("k", n) for n in range(5)]
    tries = []

    def put_last():
        tries.append(True)
        put = store.put(given[-1])
        if len(tries) == 1:
            store._database._local.connection.close()
        return put

    made = store.together([*[lambda each=each: store.put(each) for each in given[:-1]], put_last])
    assert len(tries) == 2
    assert [each.version for each in made] == [1, 2, 3, 4, 5]
    assert versions(store, "k") == [5, 4, 3, 2, 1]


def test_an_answer_to_the_commit_that_is_lost_keeps_all_once(store, monkeypatch):
    given = [record("k", n) for n in range(5)]
    lose = [True]
    transaction = psycopg.Connection.transaction

    class Lossy:
        def __init__(self, connection):
            self.connection, self.inner = connection, transaction(connection)

        def __enter__(self):
            self.outer = self.connection.pgconn.transaction_status == 0
            return self.inner.__enter__()

        def __exit__(self, *error):
            done = self.inner.__exit__(*error)
            if self.outer and lose:
                lose.clear()
                self.connection.close()
                raise psycopg.OperationalError("the answer was lost")
            return done

    def lossy(connection):
        return Lossy(connection)

    monkeypatch.setattr(psycopg.Connection, "transaction", lossy)
    made = store.together([lambda each=each: store.put(each) for each in given])
    assert lose == []
    assert [each.version for each in made] == [1, 2, 3, 4, 5]
    assert store.last_seq() == 5
