"""Killed at any moment: what was acknowledged is there, once, and nothing is half there."""

import os
import random
import signal
import sqlite3

import pytest
from contract.given import of, record
from faults import syscalls
from faults.processes import Child
from msgspec import Raw

from nb_artifacts.store import open_store
from nb_artifacts.wire import Patch, Query, Sort

KILLS = 60
ACKNOWLEDGED = 3_000


def write_for_ever(send, home, name, durable):
    store = open_store(home, durable=durable)
    n = 0
    while True:
        put = store.put(record("shared" if n % 3 else name, f"{name} {n}"))
        send(put.id)
        n += 1


def check(home):
    """It opens; SQLite finds the file sound, rows and payloads belong together, and no row lacks its blob."""
    store = open_store(home, durable=False)
    connection = sqlite3.connect(home / "store.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute(
        "SELECT count(*) FROM artifact WHERE data IS NULL AND payload NOT IN (SELECT n FROM payload)"
    ).fetchone() == (0,)
    assert connection.execute(
        "SELECT count(*) FROM payload WHERE n NOT IN (SELECT payload FROM artifact WHERE payload IS NOT NULL)"
    ).fetchone() == (0,)
    connection.close()
    records = store.find(Query(data=True))
    for each in records:
        if each.blob:
            store.open_blob(each.blob).close()
    return store, records


def test_writers(tmp_path):
    """R-01: three writers, killed again and again. One of them waits for the disk, which a kill does not ask for."""
    home, acknowledged, kills = tmp_path / "home", [], 0
    chance = random.Random(1)
    while kills < KILLS or len(acknowledged) < ACKNOWLEDGED:
        writers = [Child(write_for_ever, home, f"writer-{kills + n}", n == 0) for n in range(3)]
        for writer in writers:
            acknowledged += [writer.receive() for _ in range(chance.randrange(100))]
            writer.kill()
            kills += 1
        for writer in writers:
            acknowledged += writer.wait()
            assert writer.code == -signal.SIGKILL
    store, records = check(home)
    stored = [each.id for each in records]
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    assert len(set(stored) - set(acknowledged)) <= kills
    assert len({bytes(each.data) for each in records}) == len(stored)
    numbers = [each.version for each in store.find(of(key="shared", sort=Sort.VERSION_DESC))]
    assert numbers == list(range(len(numbers), 0, -1))
    assert store.last_seq() == len(stored)


def steps(send, home, at):
    """All kinds of writes, dying before the `at`-th write, flush or rename."""
    count = [0]

    def step():
        count[0] += 1
        if count[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def stepping(call):
        def stepped(*arguments, **keywords):
            step()
            return call(*arguments, **keywords)

        return stepped

    syscalls.before_each_write(step)
    for name in ("fsync", "rename", "replace", "open"):
        setattr(os, name, stepping(getattr(os, name)))
    store = open_store(home)
    blob = store.put_blob(b"bytes" * 1000, "image/png")
    first = store.put(record("k", "x" * 300_000, blob=blob))
    send((first.id, "put"))
    second = store.put(record("k", "y" * 1000))
    send((second.id, "put"))
    store.patch(first.id, Patch(data=Raw(b'"%s"' % (b"z" * 1000))))
    send((first.id, "patch"))
    store.patch(second.id, Patch(description="d"), durable=False)
    send((second.id, "describe"))
    store.delete(second.id)
    send((second.id, "delete"))
    store.close()
    send((None, "end"))


def test_every_step(tmp_path):
    """R-03: death before the first, second, third … step of a session that writes in every way."""
    at, ended = 0, False
    while not ended:
        at += 1
        home = tmp_path / str(at)
        child = Child(steps, home, at)
        told = child.wait()
        ended = (None, "end") in told
        assert child.code == (0 if ended else -signal.SIGKILL)
        if not (home / "store.db").exists():
            continue
        store, records = check(home)
        there = {each.id: each for each in records}
        state = {id: what for id, what in told if id}
        for id, what in state.items():
            if what == "delete":
                assert id not in there
            elif what == "patch":
                assert len(there[id].data) == 1002
            elif id not in there:
                assert what == "describe", "the next step was the delete"
        assert len(there) <= len(state) + 1
        assert store.put(record("k")).version > max((each.version for each in records), default=0)
        store.close()
    assert at > 40


@pytest.mark.parametrize("durable", [True, False], ids=["power", "process"])
def test_a_kill_does_not_hold_others_up(tmp_path, durable):
    """The lock of a dead process is gone with it."""

    def hold(send):
        store = open_store(tmp_path / "home", durable=durable)
        store.put(record("k"))
        store._database._links.mine().connection.execute("BEGIN IMMEDIATE")
        send("held")
        signal.pause()

    child = Child(hold)
    assert child.receive() == "held"
    store = open_store(tmp_path / "home")
    child.kill()
    child.wait()
    assert store.put(record("k")).version == 2
