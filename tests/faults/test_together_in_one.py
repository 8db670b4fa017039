"""Writes that share a transaction: all on disk at once, each undone alone."""

import os
import signal

import pytest
from contract.given import of, record, versions
from faults.processes import Child
from msgspec import Raw

from nb_artifacts.errors import Conflict, NotFound, StoreError
from nb_artifacts.store import open_store
from nb_artifacts.wire import Patch, Query, new_id


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "home")


def transactions(store):
    """Counts the transactions from now on."""
    begun = []
    store._database._links.mine().connection.set_trace_callback(
        lambda sql: begun.append(sql) if sql.startswith("BEGIN") else None
    )
    return begun


def test_many_puts_are_one_transaction(store):
    begun = transactions(store)
    made = store.together([lambda n=n: store.put(record(f"k{n % 3}", n)) for n in range(20)])
    assert begun == ["BEGIN IMMEDIATE"]
    assert versions(store, "k0") == [7, 6, 5, 4, 3, 2, 1]
    assert [each.seq for each in made] == list(range(1, 21))
    assert {each.id: each for each in store.find(Query())} == {each.id: each for each in made}
    store.put(record("k"))
    assert len(begun) == 2


def test_they_see_each_other(store):
    def steps():
        put = store.put(record("k", "x" * 1000))
        assert store.get(put.id) == put
        assert store.changes()[-1].record.id == put.id
        patched = store.patch(put.id, Patch(data=Raw(b"2")), durable=False)
        assert store.find(of(key="k", latest=True))[0].seq == patched.seq
        return store.put(record("k")).version

    assert store.together([steps, steps]) == [2, 4]


def test_one_that_fails_undoes_itself_alone(store):
    id = new_id()

    def attempt(call):
        try:
            return call().version
        except (Conflict, NotFound) as error:
            return type(error)

    calls = [
        lambda: store.put(record("k", "a" * 1000, id=id)),
        lambda: store.put(record("k", "b" * 1000, id=id)),
        lambda: store.patch(new_id(), Patch()),
        lambda: store.put(record("k", "a" * 1000, id=id)),
        lambda: store.put(record("k", "c" * 1000)),
    ]
    assert store.together([lambda call=call: attempt(call) for call in calls]) == [1, Conflict, NotFound, 1, 2]
    assert versions(store, "k") == [2, 1]
    assert store.last_seq() == 2
    sql = "SELECT count(*) FROM payload"
    assert store._database.read(lambda c: c.execute(sql).fetchone()) == (2,)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_ends_the_group_undoes_all(store, error):
    def fails():
        raise error

    with pytest.raises(error):
        store.together([lambda: store.put(record("k")), fails])
    assert store.count(Query()) == 0
    assert store.put(record("k")).version == 1
    assert store.together([lambda: store.put(record("k")).version]) == [2]


def test_a_file_stays_while_its_row_may_come_back(store):
    put = store.put(record("k", blob=store.put_blob(b"bytes", "text/plain")))
    path = store._blobs.path(put.blob.sha256)
    os.utime(path, (0, 0))

    def fails():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.together([lambda: store.delete(put.id), fails])
    assert store.get(put.id) == put
    assert store.open_blob(put.blob).read() == b"bytes"


def test_nothing_is_told_before_all_is_on_disk(tmp_path):
    def die(send):
        store = open_store(tmp_path / "home")

        def put_and_die():
            store.put(record("k"))
            os.kill(os.getpid(), signal.SIGKILL)

        store.together([lambda: store.put(record("k")), put_and_die])

    child = Child(die)
    child.wait()
    assert child.code == -signal.SIGKILL
    assert open_store(tmp_path / "home").count(Query()) == 0


def test_a_full_disk_fails_the_group(store):
    store.put(record("k"))
    pages = store._database.read(lambda c: c.execute("PRAGMA page_count").fetchone())[0]
    store._database.read(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 3}").fetchone())

    def attempt():
        try:
            return store.put(record("k", "x" * 10_000))
        except StoreError:
            return None

    with pytest.raises(StoreError, match=str(store.folder)):
        store.together([attempt] * 5)
    assert store.count(Query()) == 1
    store._database.read(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    assert [each.version for each in store.together([attempt] * 2)] == [2, 3]
