"""The API over a PostgreSQL store: every recorded scenario, and live events between two replicas."""

import json
from uuid import uuid4

import pytest
from api.conftest import Direct
from api.replay import Replayer
from api.test_contract import SCENARIOS, SERVED
from contract.given import record
from postgres.cluster import wait_until

from nb_artifacts.api import Api
from nb_artifacts.api.events import EventStream
from nb_artifacts.store import open_store


@pytest.fixture(scope="module")
def direct(database):
    store = open_store(f"{database}?schema=api")
    yield Direct(Api(lambda: store))
    store.close()


@pytest.mark.parametrize("name", SERVED)
def test_recorded_scenario(direct, name):
    Replayer(direct.send, direct.base).run(SCENARIOS[name])


def test_a_change_through_one_replica_is_seen_by_viewers_of_another(address):
    stores = [open_store(address) for _ in range(2)]
    apis = [Api(lambda store=store: store) for store in stores]
    stream = EventStream(apis[1].feed, None)
    woken = []
    stream.listen(lambda: woken.append(True))
    assert b"event: hello" in stream.ready()
    reply = Direct(apis[0])("POST", "/artifacts/", {"key": "k", "data": "x"})
    wait_until(lambda: woken)
    event = stream.ready()
    assert json.loads(event.split(b"data: ")[1])["record"]["id"] == json.loads(reply.body)["id"]
    for api in apis:
        api.close()


def test_a_store_without_room_for_more_calls_says_so_to_clients(address, monkeypatch):
    store = open_store(address)
    ask = Direct(Api(lambda: store))
    monkeypatch.setattr("nb_artifacts.store.postgres_pool.BUSY_SECONDS", 0.05)
    held = [store._database.pool.connection() for _ in range(10)]
    for each in held:
        each.__enter__()
    reply = ask("POST", "/artifacts/", {"key": "k"})
    assert reply.status == 503
    for each in held:
        each.__exit__(None, None, None)
    assert store.put(record("k")).version == 1
    store.close()


def test_what_changed_elsewhere_is_taken_once(direct):
    """As on SQLite: the newer state wins, a late one changes nothing, what was deleted stays so."""
    first = {"id": str(uuid4()), "op": "put", "record": {"key": "elsewhere", "data": 1, "updated": "2026-01-01T00:00:00Z"}}
    newer = {**first, "record": {**first["record"], "data": 2, "updated": "2026-01-02T00:00:00Z"}}
    other = {**first, "record": {"key": "other", "data": 3, "updated": "2026-01-03T00:00:00Z"}}
    gone = {"op": "delete", "id": str(uuid4())}
    late = {**first, "id": gone["id"]}
    reply = direct("POST", "/changes/batch", {"items": [first, newer, first, newer, other, gone, late, gone, {"op": "put"}]})
    assert [(one["state"], one.get("version")) for one in reply.json()] == [
        ("done", 1), ("done", 1), ("done", 1), ("done", 1), ("rejected", None), ("done", None), ("done", None), ("done", None), ("rejected", None),
    ]  # fmt: skip
    (found,) = direct("POST", "/artifacts/filter", {"artifacts": {"key": {"any_": ["elsewhere"]}}}).json()
    assert (found["data"], found["updated"]) == (2, "2026-01-02T00:00:00Z")
    for one in (gone, first):
        assert direct("POST", "/changes/batch", {"items": [{"op": "delete", "id": one["id"]}]}).status == 200
        assert direct("GET", f"/artifacts/{one['id']}").status == 404
