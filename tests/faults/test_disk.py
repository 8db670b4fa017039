"""Disks that fail, fill up, cannot be written, or have no shared memory."""

import errno
import os
import sqlite3
import sys
from pathlib import Path

import pytest
from contract.given import record, run, versions
from faults import syscalls
from faults.processes import Child, run_all
from msgspec import Raw

import nb_artifacts as nba
from nb_artifacts.errors import NotFound, StoreError, StoreFull, StoreReadOnly
from nb_artifacts.store import open_store
from nb_artifacts.store.salvage import salvage
from nb_artifacts.wire import Patch, Query, RunQuery


def refused(call):
    """The error of a call that raises one of the store's, else None."""
    try:
        call()
    except StoreError as error:
        return error
    return None


def one_write_fails(send, home, at, number):
    """Does one of each write, the `at`-th call to the disk failing; then all again, without a fault."""
    store = open_store(home)
    kept = store.put(record("k", "x" * 1000))
    count = syscalls.fail_write(at, number)
    actions = [
        lambda: store.put(record("k", "y" * 2000)),
        lambda: store.patch(kept.id, Patch(data=Raw(b'"%s"' % (b"z" * 3000)))),
        lambda: store.delete(kept.id),
    ]
    for action in actions:
        before = (store.count(Query()), store.last_seq())
        if error := refused(action):
            send((type(error).__name__, str(error)))
            assert (store.count(Query()), store.last_seq()) == before, "nothing half done"
            assert os.fspath(home) in str(error)
            action()
        assert store.last_seq() == before[1] + 1
    assert store.count(Query()) == 1
    send(count[0] < at)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_any_one_write_may_fail(tmp_path, number):
    """R-05: a call does it all or raises, and the next one works."""
    at, failures, beyond = 0, [], False
    while not beyond:
        at += 1
        child = Child(one_write_fails, tmp_path / str(at), at, number)
        *errors, beyond = child.wait()
        assert child.code == 0
        failures += [name for name, _ in errors]
    assert len(failures) >= 20
    assert set(failures) == {"StoreError" if number == errno.EIO else "StoreFull"}
    store = open_store(tmp_path / "1")
    assert sqlite3.connect(store.folder / "store.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def put_until_full(store, length):
    put = []
    while not (error := refused(lambda: put.append(store.put(record("k", "x" * length)).id))):
        pass
    assert isinstance(error, StoreFull)
    assert str(store.folder) in str(error)
    return put


def fill(send, home, length, size):
    syscalls.small_disk(home, size)
    store = open_store(home)
    first = put_until_full(store, length)
    assert len(first) > 10
    assert [found.id for found in store.find(Query(data=True))] == first[::-1], "still readable"
    for id in first[:10]:
        store.delete(id)
    assert store.count(Query()) == len(first) - 10
    made = store.put(record("k", "x" * length))
    assert made.version == len(first) + 1
    other = Child(lambda tell: tell(open_store(home).count(Query())))
    assert other.wait() == [len(first) - 9], "another process reads"
    more = put_until_full(store, length)
    store.delete(made.id)
    send({found.id for found in store.find(Query())} == {*first[10:], *more})


@pytest.mark.parametrize(("length", "size"), [(1_000, 4_000_000), (20_000, 4_000_000), (200_000, 8_000_000)])
def test_a_full_disk(tmp_path, length, size):
    """R-06: reading and deleting work, and then creating works again."""
    child = Child(fill, tmp_path / "home", length, size)
    assert child.wait() == [True]
    assert child.code == 0
    store = open_store(tmp_path / "home")
    assert sqlite3.connect(store.folder / "store.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


class TestWithoutSharedMemory:
    """R-31: a mount where WAL is promised and fails."""

    @pytest.fixture(autouse=True)
    def mount(self):
        syscalls.without_shared_memory()
        yield
        syscalls.restore()

    def test_the_plain_journal_is_taken(self, tmp_path):
        store = open_store(tmp_path / "home")
        assert store.journal == "delete"
        assert store.put(record("k")).version == 1
        assert store._database.read(lambda c: c.execute("PRAGMA synchronous").fetchone()) == (3,)
        assert store._database.read(lambda c: c.execute("PRAGMA locking_mode").fetchone()) == ("normal",)
        again = open_store(tmp_path / "home")
        assert (again.journal, again.put(record("k")).version, store.put(record("k")).version) == ("delete", 2, 3)
        assert not (tmp_path / "home" / "store.db-wal").exists()

    def test_processes_share_it(self, tmp_path):
        def create(send, n):
            store = open_store(tmp_path / "home")
            for _ in range(20):
                send(store.put(record("k")).version)

        assert sorted(run_all(3, create)) == list(range(1, 61))

    def test_a_folder_made_elsewhere_goes_on(self, tmp_path):
        syscalls.restore()
        store = open_store(tmp_path / "home")
        store.put(record("k"))
        assert store.journal == "wal"
        store.close()
        syscalls.without_shared_memory()
        moved = open_store(tmp_path / "home")
        assert (moved.journal, moved.put(record("k")).version, moved.id) == ("delete", 2, store.id)


def as_nobody(work):
    """In a child that is no superuser, whom permissions do not stop; the folders that it uses must be its own."""

    def run(send):
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        work(send)

    child = Child(run)
    values = child.wait()
    assert child.code == 0
    return values


@pytest.mark.skipif(sys.platform == "win32", reason="Windows folders have no such mode bits")
class TestNotWritable:
    """R-32."""

    @pytest.fixture
    def home(self):
        import shutil
        import tempfile

        top = Path(tempfile.mkdtemp())
        home = top / "home"
        home.mkdir(mode=0o700)
        if os.geteuid() == 0:
            top.chmod(0o755)
            os.chown(home, 65534, 65534)
        yield home
        home.chmod(0o700)
        shutil.rmtree(top)

    def message(self, home):
        (message,) = as_nobody(lambda send: send(str(refused(lambda: open_store(home)))))
        return message

    def test_an_empty_folder(self, home):
        home.chmod(0o500)
        message = self.message(home)
        assert str(home) in message
        assert "NB_ARTIFACTS_HOME" in message

    def test_a_folder_that_cannot_be_made(self, home):
        home.chmod(0o500)
        message = self.message(home / "new" / "folder")
        assert str(home / "new" / "folder") in message

    def test_a_folder_that_cannot_be_entered(self, home):
        home.chmod(0)
        message = self.message(home)
        assert str(home) in message

    @pytest.mark.parametrize("file", [0o600, 0o400])
    def test_a_store_is_read_and_not_written(self, home, file):
        def prepare(send):
            store = open_store(home)
            send(store.put(record("k", "x" * 1000, blob=store.put_blob(b"bytes", "text/plain"))).id)
            store.put_run(run())
            store.close()

        (id,) = as_nobody(prepare)
        (home / "store.db").chmod(file)
        for folder in (home / "tmp", home):
            folder.chmod(0o500)

        def work(send):
            store = open_store(home)
            found = store.get(id)
            assert store.open_blob(found.blob).read() == b"bytes"
            assert len(store.find_runs(RunQuery())) == 1
            for write in (
                lambda: store.put(record("k")),
                lambda: store.patch(id, Patch()),
                lambda: store.delete(id),
                lambda: store.put_run(store.find_runs(RunQuery())[0]),
                lambda: store.put_blob(b"other", "text/plain"),
            ):
                error = refused(write)
                assert isinstance(error, StoreReadOnly)
                assert str(home) in str(error)
                assert "NB_ARTIFACTS_HOME" in str(error)
            send(store.count(Query()))

        assert as_nobody(work) == [1]

    def test_from_a_store_that_is_only_read_nothing_is_sent(self, home):
        def prepare(send):
            store = open_store(home)
            store.put(record("k"))
            store.close()

        as_nobody(prepare)
        home.chmod(0o500)
        from nb_artifacts import leaving, outbox, sender  # noqa: F401 -- now: the child may not be able to read Python's files

        def work(send):
            os.environ["NB_ARTIFACTS_HOME"] = str(home)
            nba.configure(api_url="http://127.0.0.1:9/api")
            for call in (outbox.sync, lambda: outbox.sync(all=True), lambda: salvage(home)):
                error = refused(call)
                assert isinstance(error, StoreReadOnly)
                assert str(home) in str(error)
                assert "NB_ARTIFACTS_HOME" in str(error)
            send((outbox.sync(dry_run=True).items, outbox.state().kept_here))

        assert as_nobody(work) == [([], 1)]

    def test_it_is_written_again_once_it_can_be(self, home):
        def work(send):
            open_store(home).close()
            home.chmod(0o500)
            store = open_store(home)
            try:
                store.put(record("k"))
            except StoreReadOnly:
                home.chmod(0o700)
            store.close()
            send(store.put(record("k")).version)

        assert as_nobody(work) == [1]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(StoreError, match="is not a folder"):
        open_store(tmp_path / "home")


def test_a_folder_removed_under_a_running_store(tmp_path):
    """What is written next is written to a folder that exists, and nothing seems to be there that is not."""
    import shutil

    store = open_store(tmp_path / "home")
    first = store.put(record("k"))
    id = store.id
    shutil.rmtree(tmp_path / "home")
    assert store.get(first.id) is None
    assert store.put(record("k")).version == 1
    assert open_store(tmp_path / "home").count(Query()) == 1
    assert store.id != id
    assert (tmp_path / "home" / "store-id").read_text() == store.id
    with pytest.raises(NotFound):
        store.delete(first.id)
    assert versions(store, "k") == [1]
