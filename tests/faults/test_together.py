"""Many processes and threads on one folder, and what forks."""

import gc
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from contract.given import of, record, versions
from faults.processes import Child, run_all
from msgspec import Raw

from nb_artifacts.store import open_store
from nb_artifacts.wire import Patch, Query, Sort, new_id, now


def in_threads(send, n, home, threads, creates):
    store = open_store(home)

    def create(thread):
        numbers = []
        for _ in range(creates):
            numbers.append(store.put(record("k", f"{n}.{thread}")).version)
            latest = store.find(of(key="k", latest=True))[0].version
            assert latest >= numbers[-1]
        return numbers

    with ThreadPoolExecutor(threads) as pool:
        for numbers in pool.map(create, range(threads)):
            send(numbers)


def test_one_key(tmp_path):
    """R-20: versions 1..n without gap or repeat, in order for each thread."""
    told = run_all(6, in_threads, tmp_path / "home", 3, 20)
    assert all(numbers == sorted(numbers) for numbers in told)
    assert sorted(number for numbers in told for number in numbers) == list(range(1, 361))
    store = open_store(tmp_path / "home")
    assert versions(store, "k") == list(range(360, 0, -1))
    assert store.last_seq() == 360


def open_at_once(send, n, homes, barrier):
    for round, home in enumerate(homes):
        barrier.wait()
        store = open_store(home)
        send((round, store.id, store.put(record("k")).version))
        store.close()


def test_first_start(tmp_path):
    """R-22: twelve processes open an empty home at the same moment, twenty times."""
    barrier = multiprocessing.get_context("fork").Barrier(12)
    homes = [tmp_path / f"home-{n}" for n in range(20)]
    told = run_all(12, open_at_once, homes, barrier)
    assert len(told) == 240
    for round, home in enumerate(homes):
        mine = [(id, version) for at, id, version in told if at == round]
        assert {id for id, _ in mine} == {open_store(home).id} == {(home / "store-id").read_text()}
        assert sorted(version for _, version in mine) == list(range(1, 13))


def test_readers_see_each_change_once(tmp_path):
    """A reader of the feed beside three writers misses nothing and sees no seq twice."""

    def write(send, n):
        store = open_store(tmp_path / "home", durable=False)
        for each in range(60):
            put = store.put(record(f"k{n}", each))
            send(put.id)
            if each % 3 == 0:
                store.patch(put.id, Patch(data=Raw(b"1")), durable=False)
            if each % 7 == 0:
                store.delete(put.id)

    store = open_store(tmp_path / "home")
    writers = [Child(write, n) for n in range(3)]
    seen, since, done = {}, 0, False
    threads = [threading.Thread(target=lambda child=child: child.told.extend(child.wait())) for child in writers]
    for child, thread in zip(writers, threads, strict=True):
        child.told = []
        thread.start()
    while not done or since < store.last_seq():
        done = not any(thread.is_alive() for thread in threads)
        for change in store.changes(since, limit=7):
            assert change.seq > since
            since = change.seq
            seen[(change.record or change.deleted).id] = change.kind
    assert [child.code for child in writers] == [0, 0, 0]
    told = [id for child in writers for id in child.told]
    assert set(seen) == set(told)
    gone = {id for id, kind in seen.items() if kind == "deleted"}
    assert set(told) - gone == {found.id for found in store.find(Query())}


def test_a_patch_of_what_another_deletes(tmp_path):
    """Either the patch came first or the row is gone; never does it come back."""
    home = tmp_path / "home"
    store = open_store(home, durable=False)
    made = [store.put(record("k", "x" * 500)).id for _ in range(100)]

    def patch(send, n):
        mine = open_store(home, durable=False)
        for id in made:
            try:
                mine.patch(id, Patch(data=Raw(b'"%s"' % (b"y" * 500))), durable=False)
            except LookupError:
                send(id)

    def delete(send, n):
        mine = open_store(home, durable=False)
        for id in made:
            mine.delete(id)

    children = [Child(patch, 0), Child(delete, 0)]
    for child in children:
        child.wait()
        assert child.code == 0
    assert store.count(Query()) == 0
    assert [change.kind for change in store.changes()] == ["deleted"] * 100


class TestFork:
    """R-21 for the store."""

    def test_parent_and_child_go_on(self, tmp_path):
        store = open_store(tmp_path / "home")
        store.put(record("k", "before"))

        def go_on(send):
            for _ in range(20):
                send(store.put(record("k", os.getpid())).version)

        children = [Child(go_on) for _ in range(3)]
        mine = [store.put(record("k", os.getpid())).version for _ in range(20)]
        told = [version for child in children for version in child.wait()]
        assert [child.code for child in children] == [0, 0, 0]
        assert sorted(mine + told) == list(range(2, 82))
        assert versions(store, "k") == list(range(81, 0, -1))

    def test_while_threads_write(self, tmp_path):
        """A fork in the middle of other threads' transactions leaves both sides whole."""
        store = open_store(tmp_path / "home")
        stop = threading.Event()
        made = []

        def write():
            while not stop.is_set():
                made.append(store.put(record("k", "thread")).id)

        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()

        def once(send):
            send(store.put(record("k", "child")).id)
            send(store.get(made[0]).id)

        told = []
        for _ in range(15):
            child = Child(once)
            values = child.wait()
            assert (child.code, values[1]) == (0, made[0])
            told.append(values[0])
        stop.set()
        for thread in threads:
            thread.join()
        assert {found.id for found in store.find(Query())} == {*made, *told}

    def test_a_child_never_closes_the_parents_connection(self, tmp_path):
        """The last of a process's connections to close takes the log with it: a child must not."""
        store = open_store(tmp_path / "home")
        store.put(record("k"))

        def leave(send):
            store.close()
            gc.collect()

        for _ in range(3):
            child = Child(leave)
            child.wait()
            assert child.code == 0
        assert store.put(record("k")).version == 2
        assert open_store(tmp_path / "home").count(Query()) == 2

    def test_no_connection_is_carried_over(self, tmp_path):
        store = open_store(tmp_path / "home")
        store.put(record("k"))
        link = store._database._links.mine()
        assert link.connection is not None

        def look(send):
            send((link.connection is None, len(store._database._links.all())))

        child = Child(look)
        assert child.wait() == [(True, 0)]


def test_further_connections_keep_the_locks(tmp_path):
    """Where POSIX locks rule, a file must not be opened beside SQLite: another process would take the log away."""
    home = tmp_path / "home"
    go = multiprocessing.get_context("fork").Semaphore(0)

    def come_and_go(send):
        while True:
            go.acquire()
            other = open_store(home)
            other.put(record("k"))
            other.close()
            send("gone")

    child = Child(come_and_go)
    store = open_store(home)
    for n in range(5):
        assert store.put(record("k")).version == 3 * n + 1
        log = (home / "store.db-wal").stat().st_ino
        thread = threading.Thread(target=store.put, args=(record("k"),))
        thread.start()
        thread.join()
        assert open_store(home).count(Query()) == 3 * n + 2
        go.release()
        assert child.receive() == "gone"
        assert (home / "store.db-wal").stat().st_ino == log
    child.kill()
    child.wait()
    assert versions(store, "k") == list(range(15, 0, -1))


def spawned(home, key, queue):
    queue.put(open_store(home).put(record(key)).version)


def test_spawn(tmp_path):
    """R-21: multiprocessing's other start method."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=spawned, args=(tmp_path / "home", "k", queue))
    process.start()
    assert queue.get(timeout=60) == 1
    process.join()
    assert open_store(tmp_path / "home").put(record("k")).version == 2


def test_inside_a_running_loop(tmp_path):
    """R-21: the store knows nothing of event loops."""
    import asyncio

    store = open_store(tmp_path / "home")

    async def create():
        store.put(record("k"))
        await asyncio.gather(*(asyncio.to_thread(store.put, record("k")) for _ in range(10)))

    asyncio.run(create())
    assert versions(store, "k") == list(range(11, 0, -1))


def test_threads_that_end_leave_no_connection(tmp_path):
    store = open_store(tmp_path / "home")
    for _ in range(20):
        thread = threading.Thread(target=store.put, args=(record("k"),))
        thread.start()
        thread.join()
    gc.collect()
    assert len(store._database._links.all()) == 1


def test_order_holds_when_the_clock_steps(tmp_path):
    """R-24: order is by version and seq, never by the clock."""
    from datetime import timedelta

    store = open_store(tmp_path / "home")
    steps = [0, -3600, 86_400, 0, 0, -3600, 1]
    made = []
    for seconds in steps:
        moment = now() + timedelta(seconds=seconds)
        made.append(store.put(record("k", created=moment, updated=moment)))
        store.patch(made[0].id, Patch())
    assert versions(store, "k") == list(range(len(steps), 0, -1))
    assert store.find(of(key="k", latest=True))[0].id == made[-1].id
    assert [change.seq for change in store.changes()] == sorted(change.seq for change in store.changes())
    assert store.find(Query(sort=Sort.UPDATED_DESC))[0].id == made[0].id
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))
