"""One record that lies at hand is answered without a thread: never an old state of it, and never by waiting."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import threading

import pytest

from nb_artifacts.api import Api, Request, repeats
from nb_artifacts.serve.spaces import Space
from nb_artifacts.store import connection, open_store
from nb_artifacts.wire import MIME


@pytest.fixture
def api(tmp_path):
    api = Api(lambda: open_store(tmp_path / "home", durable=False))
    yield api
    api.close()


def ask(api, method, path, body=None, **headers):
    chunks = [] if body is None else [json.dumps(body).encode()]
    return api(Request(method, path, headers=headers, chunks=chunks))


def elsewhere(call, *arguments, **options):
    """What a call returns in another thread, as writes come to a server."""
    found = []
    thread = threading.Thread(target=lambda: found.append(call(*arguments, **options)))
    thread.start()
    thread.join()
    return found[0]


def made(api, **members):
    return json.loads(elsewhere(ask, api, "POST", "/artifacts/", {"key": "k", **members}, accept=MIME).body)


def at_once(api, path, **headers):
    return api.at_once(Request("GET", path, headers=headers))


def test_the_answer_is_that_of_a_thread(api):
    id = made(api, data="x" * 5000)["id"]
    for path in ("/artifacts/k/latest", f"/artifacts/{id}", "/artifacts/none/latest"):
        for headers in ({}, {"accept": MIME}, {"if-none-match": "*"}, {"x-prefect-api-version": "0.1.0"}):
            expected = ask(api, "GET", path, **headers)
            for _ in range(2):
                found = at_once(api, path, **headers)
                assert (found.status, found.body, found.headers) == (expected.status, expected.body, expected.headers)


@pytest.mark.parametrize("there", [elsewhere, lambda call, *arguments, **options: call(*arguments, **options)])
def test_every_change_is_seen(api, there):
    """A change made by another connection, and one made by this thread's own."""
    made(api, data=1)
    assert at_once(api, "/artifacts/nothing/latest").status == 404
    for n in range(5):
        id = json.loads(there(ask, api, "POST", "/artifacts/", {"key": "k", "data": n}).body)["id"]
        assert json.loads(at_once(api, "/artifacts/k/latest").body)["data"] == n
        tag = at_once(api, f"/artifacts/{id}").headers["ETag"]
        assert at_once(api, f"/artifacts/{id}", **{"if-none-match": tag}).status == 304
        there(ask, api, "PATCH", f"/artifacts/{id}", {"data": "new"})
        assert json.loads(at_once(api, f"/artifacts/{id}", **{"if-none-match": tag}).body)["data"] == "new"
        there(ask, api, "DELETE", f"/artifacts/{id}")
        assert at_once(api, f"/artifacts/{id}").status == 404
    assert json.loads(at_once(api, "/artifacts/k/latest").body)["data"] == 1


def test_a_folder_put_in_place_of_another_is_seen(api, tmp_path):
    made(api, data="before")
    assert b"before" in at_once(api, "/artifacts/k/latest").body
    other = Api(lambda: open_store(tmp_path / "other", durable=False))
    made(other, data="after")
    other.close()
    shutil.rmtree(tmp_path / "home")
    (tmp_path / "other").rename(tmp_path / "home")
    assert at_once(api, "/artifacts/k/latest") is None  # it is opened where that may take its time
    assert b"after" in elsewhere(ask, api, "GET", "/artifacts/k/latest").body
    assert b"after" in at_once(api, "/artifacts/k/latest").body


def test_what_may_take_longer_is_for_a_thread(api):
    assert at_once(api, "/artifacts/k/latest") is None  # not opened yet
    id = made(api, data="x" * 300_000)["id"]
    assert at_once(api, "/artifacts/k/latest") is None  # a file
    assert at_once(api, f"/artifacts/{id}") is None
    for method, path in (("GET", f"/artifacts/{id}/blob"), ("GET", "/status"), ("GET", "/none"), ("POST", "/artifacts/filter")):
        assert api.at_once(Request(method, path)) is None
    assert len(json.loads(ask(api, "GET", "/artifacts/k/latest").body)["data"]) == 300_000


def test_memory_has_an_end(api):
    """However many ask for however much: so many answers are kept, and none that is long with its question."""
    kept = api._repeats._kept
    for n in range(repeats.MOST + 10):
        made(api, key=f"k{n}")
        for size in (1, repeats.BYTES):
            at_once(api, f"/artifacts/k{n}/latest", **{"if-none-match": "x" * size})
    assert 0 < len(kept) <= repeats.MOST
    made(api, data="x" * repeats.BYTES)
    kept.clear()
    assert at_once(api, "/artifacts/k/latest").status == 200
    assert not kept


def test_a_lock_is_not_waited_for(api, monkeypatch):
    made(api, data=1)
    assert at_once(api, "/artifacts/k/latest").status == 200

    def locked(*_):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(connection, "_state", locked)
    assert at_once(api, "/artifacts/k/latest") is None
    monkeypatch.undo()
    monkeypatch.setattr(api.store._database, "journal", "delete")
    assert at_once(api, "/artifacts/k/latest") is None


def test_a_server_takes_no_thread_for_it(tmp_path, monkeypatch):
    store = open_store(tmp_path / "home", durable=False)
    space = Space("", lambda: store, heartbeat=15, grouped=True)

    async def both():
        body = json.dumps({"key": "k", "data": 1}).encode()
        await space.answer(Request("POST", "/artifacts/", chunks=[body]), len(body))
        monkeypatch.setattr(space, "run", None)
        return await space.answer(Request("GET", "/artifacts/k/latest"), 0)

    assert asyncio.run(both()).status == 200
    space.close()
