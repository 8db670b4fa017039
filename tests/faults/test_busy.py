"""R-23: another process holds the lock, or reads for long."""

import threading

import pytest
from contract.given import record, versions
from faults.processes import Child
from msgspec import Raw

from nb_artifacts.errors import StoreBusy
from nb_artifacts.store import connection, open_store, waiting
from nb_artifacts.wire import Patch, Query


def hold(send, home, go, begin):
    store = open_store(home)
    raw = store._database._links.mine().connection
    raw.execute(begin)
    raw.execute("SELECT count(*) FROM artifact").fetchone()
    send("held")
    go.wait()
    raw.execute("COMMIT")


@pytest.fixture
def holder(tmp_path):
    import multiprocessing

    go = multiprocessing.get_context("fork").Event()
    children = []

    def begin(how):
        children.append(Child(hold, tmp_path / "home", go, how))
        assert children[-1].receive() == "held"
        return children[-1]

    begin.release = go.set
    yield begin
    go.set()
    for child in children:
        child.wait()


def test_writers_wait_for_a_writer(tmp_path, holder):
    holder("BEGIN IMMEDIATE")
    store = open_store(tmp_path / "home")
    writers = [threading.Thread(target=store.put, args=(record("k"),)) for _ in range(5)]
    for writer in writers:
        writer.start()
    assert store.count(Query()) == 0, "readers do not wait"
    assert all(writer.is_alive() for writer in writers)
    holder.release()
    for writer in writers:
        writer.join()
    assert versions(store, "k") == [5, 4, 3, 2, 1]


def test_who_waits_too_long_is_told_who_holds_it(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(waiting, "BUSY_SECONDS", 0.1)
    store = open_store(tmp_path / "home")
    put = store.put(record("k"))
    child = holder("BEGIN IMMEDIATE")
    for write in (lambda: store.put(record("k")), lambda: store.patch(put.id, Patch()), lambda: store.delete(put.id)):
        with pytest.raises(StoreBusy) as caught:
            write()
        assert f"process {child.pid}" in str(caught.value)
        assert str(tmp_path / "home" / "store.db") in str(caught.value)
    assert store.get(put.id) == put
    holder.release()
    child.wait()
    assert store.put(record("k")).version == 2


def test_the_log_shrinks_after_a_long_reader(tmp_path, holder, monkeypatch):
    limit = 1_000_000
    monkeypatch.setattr(connection, "LOG_BYTES", limit)
    store = open_store(tmp_path / "home", durable=False)
    child = holder("BEGIN")
    put = store.put(record("k"))
    for n in range(60):
        store.patch(put.id, Patch(data=Raw(b'"%s"' % (b"%d" % (n % 10) * 100_000))))
    log = tmp_path / "home" / "store.db-wal"
    assert log.stat().st_size > 3 * limit
    holder.release()
    child.wait()
    for _ in range(3):
        store.patch(put.id, Patch())
    assert log.stat().st_size <= limit
