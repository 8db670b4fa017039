"""Many writers at once: numbers without gap, nothing lost, nothing revived."""

import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import psycopg
import pytest
from msgspec import Raw
from postgres.cluster import wait_until

from nb_artifacts.errors import Conflict, NotFound, StoreBusy
from nb_artifacts.store import open_store
from nb_artifacts.store.postgres import PUT
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Patch, Query, Record, Sort, new_id, now

PROCESSES = Path(__file__).with_name("processes.py")


def record(key=None, data=b"1", id=None, **members):
    moment = now()
    return Record(id=id or new_id(), created=moment, updated=moment, key=key, data=Raw(data), **members)


def run(role, *arguments):
    return subprocess.Popen([sys.executable, PROCESSES, role, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def lines(process):
    text = process.communicate(timeout=60)[0]
    return [line.split() for line in text.splitlines() if line.count(" ") == 3 or line.count(" ") == 1]


def versions(store, key):
    found = store.find(Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[key])), sort=Sort.KEY_ASC, data=True))
    return {item.version: item for item in found}


def test_six_processes_of_three_threads_number_one_key_without_gap(store, address):
    workers = [run("write", address, name, 3, 20) for name in range(6)]
    told = [line for worker in workers for line in lines(worker)]
    assert [worker.returncode for worker in workers] == [0] * 6
    assert sorted(int(version) for _, version, _, _ in told) == list(range(1, 361))
    orders = defaultdict(list)
    for version, item in sorted(versions(store, "shared").items()):
        name, _, n = bytes(item.data).decode().strip('"').rpartition(".")
        orders[name].append(int(n))
        assert str(item.id) == next(line[0] for line in told if int(line[1]) == version)
    assert len(orders) == 18
    assert all(order == list(range(20)) for order in orders.values())
    by_version = [item.seq for _, item in sorted(versions(store, "shared").items())]
    assert by_version == sorted(by_version)


def test_killed_writers_lose_nothing_acknowledged_and_leave_nothing_half(store, address, cluster):
    chance = random.Random(4)
    told = []
    for name in range(6):
        worker = run("write", address, name, 3, 100_000)
        said = [worker.stdout.readline() for _ in range(chance.randrange(5, 120))]
        worker.kill()
        rest = worker.communicate()[0].splitlines()
        told += [line.split() for line in said + rest if line.count(" ") == 3]
    # What was sent before the end is still done after it.
    others = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{store._database.where.partition('?')[0].rpartition('/')[2]}' AND state = 'active'"
    wait_until(lambda: not cluster.sql(others))
    kept = versions(store, "shared")
    assert sorted(kept) == list(range(1, len(kept) + 1))
    ids = {str(item.id) for item in kept.values()}
    lost = [line for line in told if line[0] not in ids]
    assert lost == []
    assert len(ids) - len(told) <= 6 * 3
    assert [change.seq for change in store.changes(0, 10_000)] == sorted(item.seq for item in kept.values())


def test_the_same_records_from_several_processes_are_kept_once(store, address):
    ids = [new_id() for _ in range(60)]
    workers = [run("same", address, *ids) for _ in range(4)]
    answers = [lines(worker) for worker in workers]
    assert all(len(answer) == 60 for answer in answers)
    assert answers[1:] == answers[:-1]
    assert sorted(versions(store, "same")) == list(range(1, 61))
    assert store.put(record("same", b"1", ids[0])).version is not None
    with pytest.raises(Conflict):
        store.put(record("same", b"2", ids[0]))


def test_deleted_is_never_revived_by_a_put_at_the_same_time(store):
    """Whether put or delete comes first, and under whichever key the put tries."""
    for n in range(60):
        made = store.put(record("a"))
        again = record(("a", "b", None)[n % 3], bytes(made.data), made.id)
        errors = []

        def put(again=again, errors=errors):
            try:
                store.put(again)
            except Conflict as error:
                errors.append(error)

        threads = [threading.Thread(target=put), threading.Thread(target=store.delete, args=(made.id,))]
        chance = random.Random(n)
        chance.shuffle(threads)
        for thread in threads:
            thread.start()
            time.sleep(chance.random() / 1000)
        for thread in threads:
            thread.join()
        assert store.get(made.id) is None
        with pytest.raises(Conflict):
            store.put(again)
    assert versions(store, "a") == versions(store, "b") == {}


@pytest.fixture
def session(address, schema):
    """A connection outside of the store, which can hold a transaction open."""
    with psycopg.connect(address.partition("?")[0], application_name="report-tool") as connection:
        connection.execute(f"SET search_path = {schema}")
        connection.commit()
        yield connection


def put_waits(store, given, cluster, already=0):
    """Put in a thread, until that waits for a lock; the thread, and where its result or error will be."""
    results = []

    def put():
        try:
            results.append(store.put(given))
        except Conflict as error:
            results.append(error)

    thread = threading.Thread(target=put)
    thread.start()
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%put(%'"
    wait_until(lambda: len(cluster.sql(waiting)) > already)
    return thread, results


def test_a_put_that_waited_for_the_same_put_finds_it_done(store, session, cluster):
    given = record(None)
    session.execute(PUT, store.put_values(given))
    thread, results = put_waits(store, given, cluster)
    session.commit()
    thread.join()
    assert results == [store.get(given.id)]


def test_a_put_that_waited_for_its_id_to_be_deleted_is_refused(store, session, cluster):
    given = record("b")
    session.execute(PUT, store.put_values(msgspec.structs.replace(given, key="a")))
    thread, results = put_waits(store, given, cluster)
    session.execute("SELECT remove(%s, now())", (given.id,))
    session.commit()
    thread.join()
    assert isinstance(results[0], Conflict)
    assert store.count(Query()) == 0
    assert store.put(record("b")).version == 1


def test_concurrent_patches_with_the_same_seq_let_one_through(store):
    made = store.put(record("a"))
    done, refused = [], []

    def patch(n):
        try:
            done.append(store.patch(made.id, Patch(description=str(n)), if_seq=made.seq))
        except Conflict:
            refused.append(n)

    threads = [threading.Thread(target=patch, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    assert len(refused) == 11
    assert store.get(made.id) == done[0]


def test_concurrent_deletions_let_one_through(store):
    made = store.put(record("a"))
    missed = []

    def delete():
        try:
            store.delete(made.id)
        except NotFound as error:
            missed.append(error)

    threads = [threading.Thread(target=delete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(missed) == 7
    assert [change.kind for change in store.changes()] == ["deleted"]


def test_whoever_holds_a_key_too_long_is_named(address, session, monkeypatch):
    monkeypatch.setattr("nb_artifacts.store.postgres_pool.BUSY_SECONDS", 0.4)
    store = open_store(address)
    store.put(record("held"))
    session.execute("SELECT FROM key WHERE key = 'held' FOR UPDATE")
    session.execute("SELECT pg_current_xact_id()")
    with pytest.raises(StoreBusy, match=rf"session {session.info.backend_pid} \(report-tool\)"):
        store.put(record("held"))
    assert store.put(record("free")).version == 1
    session.rollback()
    assert store.put(record("held")).version == 2
    store.close()


def test_writers_wait_for_who_holds_a_key_for_a_while(store, session, cluster):
    store.put(record("held"))
    session.execute("SELECT FROM key WHERE key = 'held' FOR UPDATE")
    waiting = [put_waits(store, record("held"), cluster, n) for n in range(5)]
    session.rollback()
    for thread, _ in waiting:
        thread.join()
    assert sorted(results[0].version for _, results in waiting) == list(range(2, 7))


def test_reads_through_any_store_are_never_older_than_what_was_acknowledged(address):
    """Each read begins after some puts were acknowledged: it shows none below them, nor below an earlier read."""
    stores = [open_store(address) for _ in range(3)]
    acknowledged, ended, faults, reads = {"a": 0, "b": 0}, threading.Event(), [], []

    def write(number):
        for n in range(60):
            key = "ab"[(n + number) % 2]
            version = stores[number % 3].put(record(key)).version
            acknowledged[key] = max(acknowledged[key], version)

    def read(number):
        seen = {"a": 0, "b": 0}
        while not ended.is_set():
            for key in ("a", "b"):
                least = max(seen[key], acknowledged[key])
                query = Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[key])), latest=True)
                found = stores[number % 3].find(query)
                seen[key] = found[0].version if found else 0
                reads.append(key)
                if seen[key] < least:
                    faults.append((key, seen[key], least))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    readers = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    for thread in readers:
        thread.join()
    assert faults == []
    assert len(reads) > 20
    assert acknowledged == {"a": 120, "b": 120}
    for store in stores:
        store.close()
