"""What changed elsewhere, told in any order and any number of times."""

import hashlib
import json
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from api.conftest import Direct
from contract.given import record, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nb_artifacts.api import Api, uploads
from nb_artifacts.store import open_store
from nb_artifacts.wire import Query, RunState, now

BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def put(id, state, key="k"):
    moment = (BEGIN + timedelta(seconds=state)).isoformat()
    return {"op": "put", "id": str(id), "record": {"key": key, "type": "progress", "data": state, "updated": moment}}


def told(ask, *items):
    reply = ask("POST", "/changes/batch", {"items": list(items)})
    assert reply.status == 200, reply.body
    return reply.json()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    store = open_store(tmp_path_factory.mktemp("home"), durable=False)
    yield store, Direct(Api(lambda: store))
    store.close()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(st.lists(st.integers(-1, 4), min_size=1, max_size=4), min_size=1, max_size=6))
def test_no_order_of_messages_revives_or_goes_back(shared, messages):
    """R-18: -1 is the deletion; a message is a batch, and each may come late and again."""
    store, ask = shared
    id, seen = uuid4(), []
    for message in messages:
        items = [{"op": "delete", "id": str(id)} if state < 0 else put(id, state) for state in message]
        assert {one["state"] for one in told(ask, *items)} == {"done"}
        seen += message
        found = store.get(id)
        if -1 in seen:
            assert found is None
        else:
            assert json.loads(bytes(found.data)) == max(seen)
            assert found.updated == BEGIN + timedelta(seconds=max(seen))


def test_told_again_nothing_moves(store, ask):
    items = [put(uuid4(), n, f"k{n}") for n in range(5)] + [{"op": "delete", "id": str(uuid4())}]
    first = told(ask, *items)
    seq = store.last_seq()
    assert told(ask, *items) == first
    assert store.last_seq() == seq


def test_versions_are_given_in_order_and_kept(ask):
    items = [put(uuid4(), n) for n in range(5)]
    assert [one["version"] for one in told(ask, *items)] == [1, 2, 3, 4, 5]
    assert [one["version"] for one in told(ask, *reversed(items))] == [5, 4, 3, 2, 1]


def test_each_bad_item_is_told_by_itself(store, ask):
    id = str(uuid4())
    bad = [
        {"op": "put", "id": "no", "record": {"data": 1}},
        {"op": "put", "id": id},
        {"op": "put", "record": {"data": 1}},
        {"op": "grow", "id": id},
        {"op": "run", "id": id, "run": {"kind": "cell"}},
        {"op": "put", "id": id, "record": {"colour": 1}},
        {"op": "put", "id": id, "record": {"key": "A"}},
        {"op": "put", "id": id, "record": {"updated": "2026-01-01T00:00:00"}},
        {"op": "put", "id": id, "record": {"blob": {"sha256": "0" * 64}}},
        {"op": 1, "id": id},
        [],
    ]
    outcomes = told(ask, *bad, put(id, 1))
    assert [one["state"] for one in outcomes] == ["rejected"] * len(bad) + ["done"]
    assert all(one["error"] for one in outcomes[:-1])
    assert store.count(Query()) == 1
    for body in ({}, {"items": 1}, {"items": [], "more": 1}, {"items": [put(id, 1)] * 1001}):
        assert ask("POST", "/changes/batch", body).status == 422, list(body)


def test_bytes_come_first(store, ask):
    blob = {"sha256": "0" * 64, "size": 3, "media": "image/png"}
    item = {"op": "put", "id": str(uuid4()), "record": {"key": "k", "blob": blob}}
    assert told(ask, item) == [{"state": "missing"}]
    assert store.count(Query()) == 0
    reply = ask("PUT", f"/artifacts/{uuid4()}", {"blob": blob})
    assert (reply.status, reply.headers["X-NB-Artifacts-Missing-Blob"]) == (422, "0" * 64)


def test_runs_are_put_by_their_id(store, ask):
    begun = run(name="cell")
    body = {"id": str(uuid4()), "kind": "cell", "started": now().isoformat(), "name": "cell"}
    assert ask("PUT", f"/runs/{begun.id}", body).json()["id"] == str(begun.id)
    assert store.get_run(begun.id).state is RunState.running
    for wrong in ({"kind": "dance"}, {}, [], None):
        assert ask("PUT", f"/runs/{begun.id}", wrong).status == 422


def test_the_feed_in_pages(store, ask):
    made = [store.put(record("k", n)) for n in range(5)]
    store.delete(made[0].id)
    reply = ask("GET", "/changes?limit=3")
    assert [one["record"]["id"] for one in reply.json()] == [str(one.id) for one in made[1:4]]
    assert reply.headers["X-NB-Artifacts-Seq"] == str(store.last_seq())
    rest = ask("GET", f"/changes?since={made[3].seq}").json()
    assert [one["kind"] for one in rest] == ["artifact", "deleted"]
    assert ask("GET", "/changes?limit=0").json() == []
    for query in ("since=-1", "since=x", "limit=1e3", "since=9999999999999999999", "since=%D9%A3"):
        assert ask("GET", f"/changes?{query}").status == 422


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"Upload-Offset": "0"}, 422),
        ("?size=-1", {"Upload-Offset": "0"}, 422),
        ("?size=x", {"Upload-Offset": "0"}, 422),
        ("?size=10", {}, 400),
        ("?size=10", {"Upload-Offset": "-1"}, 400),
        ("?size=10", {"Upload-Offset": "8"}, 422),
        ("?size=100", {"Upload-Offset": "5"}, 409),
        ("?size=99999999999999", {"Upload-Offset": "0"}, 413),
    ],
)
def test_uploads_that_make_no_sense_are_refused(ask, query, headers, status):
    reply = ask.send("PATCH", f"/blobs/{'a' * 64}{query}", headers, b"four")
    assert reply.status == status, reply.body
    assert reply.json()["detail"]
    for path in ("../x", "A" * 64, "a" * 63, "%2e%2e"):
        assert ask.send("PATCH", f"/blobs/{path}?size=4", {"Upload-Offset": "0"}, b"four").status in (404, 405)


@pytest.mark.parametrize("there", [True, False])
def test_an_upload_that_another_one_ends_meanwhile(store, ask, monkeypatch, there):
    """Its bytes are not written into a new file with a hole, which would be refused for good."""
    content, size = b"some bytes", uploads._size
    path = f"/blobs/{hashlib.sha256(content).hexdigest()}?size={len(content)}"
    assert ask.send("PATCH", path, {"Upload-Offset": "0"}, content[:4]).status == 204

    def ended(file):
        here = size(file)
        file.unlink(missing_ok=True)
        if there:
            store.put_blob(content, "text/plain")
        return here

    monkeypatch.setattr(uploads, "_size", ended)
    answer = ask.send("PATCH", path, {"Upload-Offset": "4"}, content[4:])
    assert (answer.status, answer.headers["Upload-Offset"]) == (409, str(len(content) if there else 0))


def test_uploads_begun_with_a_byte_each_do_not_outgrow_the_limit(ask, monkeypatch):
    monkeypatch.setattr("nb_artifacts.api.uploads.MOST_UNFINISHED", 1000)
    begun = [ask.send("PATCH", f"/blobs/{n * 64}?size=400", {"Upload-Offset": "0"}, b"x").status for n in "abc"]
    assert begun == [204, 204, 429]


def test_unfinished_uploads_have_a_limit(ask, monkeypatch):
    monkeypatch.setattr("nb_artifacts.api.uploads.MOST_UNFINISHED", 1000)
    assert ask.send("PATCH", f"/blobs/{'a' * 64}?size=900", {"Upload-Offset": "0"}, b"x" * 600).status == 204
    assert ask.send("PATCH", f"/blobs/{'b' * 64}?size=900", {"Upload-Offset": "0"}, b"x").status == 429
    assert (
        ask.send("PATCH", f"/blobs/{'a' * 64}?size=900", {"Upload-Offset": "600"}, b"x" * 100).headers["Upload-Offset"] == "700"
    )
