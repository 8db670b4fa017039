"""The stand-alone server while others hold its store, its disk is full, or it is killed; and the history that clients saw."""

import os
import random
import signal
import sqlite3
import threading
import time
import uuid
from http.client import HTTPException
from pathlib import Path

import pytest
from api.conftest import wait_until

from nb_artifacts.store import open_store
from nb_artifacts.wire import Query

TESTS = str(Path(__file__).parents[1])
SOAK = bool(os.environ.get("NB_ARTIFACTS_SOAK"))


class Hold:
    """The write lock of a server's store, held by this process."""

    def __init__(self, server):
        self.connection = sqlite3.connect(server.home / "store.db", isolation_level=None, timeout=20)

    def __enter__(self):
        self.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        self.connection.execute("ROLLBACK")
        self.connection.close()


def test_reads_go_on_and_writes_wait_while_another_process_writes(own):
    """R-23."""
    server = own()
    server.ask("POST", "/artifacts/", {"key": "k", "data": 1})
    found = []
    with Hold(server):
        writers = [
            threading.Thread(target=lambda: found.append(server.at("")("POST", "/artifacts/", {"key": "k"}).status))
            for _ in range(5)
        ]
        for writer in writers:
            writer.start()
        for path in ("/artifacts/k/latest", "/status", "/openapi.json"):
            assert server.ask("GET", path).status == 200
        assert server.ask("POST", "/artifacts/filter", {}).json()[0]["data"] == 1
        assert found == []
    for writer in writers:
        writer.join(20)
    assert found == [201] * 5


def test_who_waits_too_long_is_told_to_come_again_and_who_holds_it(own):
    """R-23."""
    server = own(before="from nb_artifacts.store import waiting\nwaiting.BUSY_SECONDS = 0.3")
    server.ask("POST", "/artifacts/", {"key": "k"})
    with Hold(server):
        reply = server.ask("POST", "/artifacts/", {"key": "k"}, whole=True)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
        assert f"process {os.getpid()}" in reply.json()["detail"]
        assert server.ask("POST", "/artifacts/", {"key": "k"}).json() == {"exception_message": "Service Unavailable"}
    assert server.ask("POST", "/artifacts/", {"key": "k"}, whole=True).json()["version"] == 2


def small_disk(home, size):
    """In the server's process: SQLite's writes and files of blobs beyond `size` bytes fail as on a full disk."""
    return f"""
import errno, os, sys
sys.path.insert(0, {TESTS!r})
from faults import syscalls
from nb_artifacts.store import blobs
syscalls.small_disk({str(home)!r}, {size})
write = blobs.Blobs._write

def full(self, parts, media, **options):
    parts = list(parts)
    if syscalls.used({str(home)!r}) + sum(map(len, parts)) > {size}:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return write(self, iter(parts), media, **options)

blobs.Blobs._write = full
"""


def test_a_full_disk_is_said_reads_and_deletes_go_on(own, tmp_path):
    """R-38."""
    server = own(before=small_disk(tmp_path / "home", 6_000_000))
    kept = []
    while (reply := server.ask("POST", "/artifacts/", {"key": f"k{len(kept)}", "data": "x" * 50_000})).status == 201:
        kept.append(reply.json()["id"])
    assert reply.status == 507 and str(server.home) in reply.json()["detail"] and len(kept) > 10
    assert server.ask("POST", "/artifacts/", {"key": "large", "data": "x" * 5_000_000}).status == 507
    assert server.ask("GET", "/artifacts/large/latest").status == 404
    assert {one["id"] for one in server.ask("POST", "/artifacts/filter", {}).json()} == set(kept)
    for _ in range(10):
        assert server.ask("DELETE", f"/artifacts/{kept.pop()}").status == 204
    kept.append(server.ask("POST", "/artifacts/", {"key": "again", "data": "x" * 50_000}).json()["id"])
    server.process.kill()
    server.process.wait(10)
    again = own()
    assert {one["id"] for one in again.ask("POST", "/artifacts/filter", {}).json()} == set(kept)
    assert again.ask("POST", "/artifacts/", {"key": "large", "data": "x" * 500_000}).status == 201


def test_killed_between_the_bytes_and_the_row_nothing_is_half_there(own, tmp_path):
    """R-38."""
    die = tmp_path / "die"
    server = own(
        before=f"""
import os
from nb_artifacts.store import writes
insert = writes.insert

def dying(*arguments):
    if os.path.exists({str(die)!r}):
        os.kill(os.getpid(), 9)
    return insert(*arguments)

writes.insert = dying
"""
    )
    die.touch()
    id, body = uuid.uuid4(), {"key": "k", "data": "x" * 500_000}
    with pytest.raises(OSError):
        server.ask("PUT", f"/artifacts/{id}", body)
    assert server.process.wait(10) == -signal.SIGKILL
    die.unlink()
    assert len(list((server.home / "blobs").glob("*/*"))) == 1, "the bytes were there"
    again = own()
    assert again.ask("POST", "/artifacts/count", {}).json() == 0
    assert [again.ask("PUT", f"/artifacts/{id}", body).status for _ in range(2)] == [201, 200]
    assert again.ask("GET", "/artifacts/k/latest").json()["data"] == "x" * 500_000


def test_a_store_of_a_newer_release_is_only_read(own, tmp_path):
    """R-30, through the server."""
    store = open_store(tmp_path / "home")
    store.close()
    own_made = sqlite3.connect(tmp_path / "home" / "store.db")
    own_made.execute("PRAGMA user_version = 999")
    own_made.close()
    server = own()
    assert server.ask("GET", "/status").status == 200
    reply = server.ask("POST", "/artifacts/", {"key": "k"}, whole=True)
    assert reply.status == 500 and "pip install --upgrade" in reply.json()["detail"]


class History:
    """What clients did and saw, with the moments before and after."""

    def __init__(self):
        self.lock = threading.Lock()
        self.puts, self.gets, self.unknown = [], [], set()

    def check(self, stored):
        """Each acknowledged one once, none that nobody sent; no read older than what was acknowledged or read before it."""
        ids = [id for _, id, _ in stored]
        assert len(ids) == len(set(ids))
        acknowledged = {id: (key, version) for key, id, version, _, _ in self.puts}
        there = {id: (key, version) for key, id, version in stored}
        assert acknowledged.items() <= there.items()
        assert there.keys() <= acknowledged.keys() | self.unknown
        known = [(key, version, end) for key, _, version, _, end in self.puts]
        known += [(key, version, end) for key, version, _, end in self.gets]
        for key in {key for key, _, _ in known}:
            mine = sorted((end, version) for one, version, end in known if one == key)
            reads = sorted((begin, version) for one, version, begin, _ in self.gets if one == key)
            newest, place = 0, 0
            for begin, version in reads:
                while place < len(mine) and mine[place][0] < begin:
                    newest = max(newest, mine[place][1])
                    place += 1
                assert version >= newest, f"{key}: version {version} was read after {newest}"


class Client:
    """Asks whichever server runs now, once: an answer that does not come is None."""

    def __init__(self, servers):
        self.servers, self.server, self.ask = servers, None, None

    def __call__(self, *arguments, **options):
        if self.server is not self.servers[-1]:
            self.server = self.servers[-1]
            self.ask = self.server.at("")
        try:
            return self.ask(*arguments, **options)
        except (OSError, HTTPException):
            time.sleep(0.02)
            return None


def write(servers, history, key, count):
    ask = Client(servers)
    for n in range(count):
        id, reply = str(uuid.uuid4()), None
        while reply is None:
            begin = time.monotonic()
            reply = ask("PUT", f"/artifacts/{id}", {"key": key, "data": n}, whole=True)
            if reply is None:
                with history.lock:
                    history.unknown.add(id)
        assert reply.status in (200, 201), reply.body
        with history.lock:
            history.puts.append((key, id, reply.json()["version"], begin, time.monotonic()))


def read(servers, history, keys, ended):
    chance, ask = random.Random(1), Client(servers)
    while not ended.is_set():
        key, begin = chance.choice(keys), time.monotonic()
        reply = ask("GET", f"/artifacts/{key}/latest", whole=True)
        if reply is not None and reply.status == 200:
            with history.lock:
                history.gets.append((key, reply.json()["version"], begin, time.monotonic()))


def test_the_history_that_clients_see_is_one_of_a_single_store(own):
    """R-27: six writers on two keys, two readers, the server killed and begun again in between."""
    each, kills = (1500, 20) if SOAK else (40, 2)
    servers, history, ended = [own()], History(), threading.Event()
    keys = ("one", "two")
    writers = [threading.Thread(target=write, args=(servers, history, keys[n % 2], each)) for n in range(6)]
    readers = [threading.Thread(target=read, args=(servers, history, keys, ended)) for _ in range(2)]
    for thread in (*writers, *readers):
        thread.start()
    for kill in range(kills):
        goal = (kill + 1) * 6 * each // (kills + 1)
        wait_until(lambda goal=goal: len(history.puts) >= goal, 300 if SOAK else 25)
        servers[-1].process.kill()
        servers[-1].process.wait(10)
        servers.append(own())
    for writer in writers:
        writer.join(600 if SOAK else 25)
    ended.set()
    for reader in readers:
        reader.join(25)
    store = open_store(servers[-1].home)
    stored = [(found.key, str(found.id), found.version) for found in store.find(Query(limit=10**6))]
    store.close()
    assert len(history.puts) == 6 * each and len(history.gets) > 20
    history.check(stored)
    for key in keys:
        assert sorted(version for one, _, version in stored if one == key) == list(range(1, 3 * each + 1))


def test_deletes_at_the_same_time_never_fail(own):
    server = own()
    ids = [server.ask("POST", "/artifacts/", {"key": f"k{n % 3}"}).json()["id"] for n in range(30)]
    told = {id: [] for id in ids}

    def delete(chance):
        ask = server.at("")
        for id in chance.sample(ids, len(ids)):
            told[id].append(ask("DELETE", f"/artifacts/{id}").status)

    threads = [threading.Thread(target=delete, args=(random.Random(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(25)
    assert all(sorted(found) == [204] + [404] * 5 for found in told.values())
    assert server.ask("POST", "/artifacts/latest/count", {}).json() == 0
