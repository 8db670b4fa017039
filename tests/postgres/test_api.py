"""The API over a PostgreSQL store: every recorded scenario, and live events between two replicas."""

import json

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
