"""Lists, counts, whole records, runs and the store's status."""

from __future__ import annotations

import json
import sqlite3
import uuid

import pytest
from api.conftest import Direct

from nb_artifacts import wire
from nb_artifacts.api import Api, Request
from nb_artifacts.api.artifacts import LISTED_BYTES, PIECE_BYTES
from nb_artifacts.errors import BlobMissing, StoreBusy, StoreDamaged, StoreFull, StoreReadOnly
from nb_artifacts.wire import MIME, SHORT_DATA, Provenance, Record, Run, RunKind, RunState

ALL = ("/artifacts/filter", "/artifacts/latest/filter", "/artifacts/count", "/artifacts/latest/count")


def make(ask, key=None, **members):
    return ask("POST", "/artifacts/", {"key": key, **members}).json()


def keys(reply):
    assert reply.status == 200
    return sorted(one["key"] for one in reply.json())


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("a-b", ["a-b"]),
        ("a_b", ["a-b", "a0b"]),
        ("a%b", ["a-b", "a0b", "axxb"]),
        ("A-B", ["a-b"]),
        ("", ["a-b", "a0b", "axxb", "other"]),
        ("'", []),
        ('"; DROP TABLE artifact; --', []),
        ("\\", []),
        ("\\%", []),
        ("[a-z]", []),
        ("%" * 2000, ["a-b", "a0b", "axxb", "other"]),
        ("x" * 10_000, []),
    ],
)
def test_patterns(ask, part, found):
    for key in ("a-b", "a0b", "axxb", "other"):
        make(ask, key)
    body = {"artifacts": {"key": {"like_": part}}}
    assert keys(ask("POST", "/artifacts/filter", body)) == found
    assert keys(ask("POST", "/artifacts/latest/filter", body)) == found
    assert ask("POST", "/artifacts/count", body).json() == len(found)


@pytest.mark.parametrize("part", ["x" * 10_001, "\0", "a\0b"])
def test_what_is_no_pattern(ask, part):
    reply = ask("POST", "/artifacts/filter", {"artifacts": {"key": {"like_": part}}})
    assert reply.status == 422
    assert [problem["loc"] for problem in reply.json()["exception_detail"]] == [["body", "artifacts", "key", "like_"]]


@pytest.mark.parametrize("limit", [201, 10**9, 10**20, -1, -(10**20), "201"])
@pytest.mark.parametrize("path", ALL[:2])
def test_limits_beyond_the_page(ask, path, limit):
    reply = ask("POST", path, {"limit": limit, "sort": "nonsense"} if limit == 201 else {"limit": limit})
    assert reply.status == 422
    assert list(reply.json()) in (["detail"], ["exception_message", "exception_detail", "request_body"])


@pytest.mark.parametrize("offset", [-1, 2**63, 10**40, 1.5, "x", [], True])
def test_offsets_that_are_none(ask, offset):
    reply = ask("POST", "/artifacts/filter", {"offset": offset})
    assert reply.status == 422
    assert [problem["loc"] for problem in reply.json()["exception_detail"]] == [["body", "offset"]]


@pytest.mark.parametrize("body", [{"offset": 2**63 - 1}, {"limit": 1.0, "offset": "1"}])
def test_numbers_that_will_do(ask, body):
    make(ask, "a")
    assert ask("POST", "/artifacts/filter", body).json() == []


def test_long_lists_of_ids(ask):
    made = make(ask, "a")["id"]
    ids = [str(uuid.uuid4()) for _ in range(40_000)]
    found = ask("POST", "/artifacts/filter", {"artifacts": {"id": {"any_": [*ids, made]}}}).json()
    assert [one["id"] for one in found] == [made]


@pytest.mark.parametrize("member", ["flows", "deployments"])
def test_filters_on_what_this_store_has_not(ask, member):
    make(ask, "a")
    assert [ask("POST", path, {member: {}}).json() for path in ALL] == [[], [], 0, 0]
    assert ask("POST", ALL[0], {member: None}).json() != []


def test_filters_on_runs(ask, store):
    run = store.put_run(Run(id=wire.new_id(), kind=RunKind.flow, name="nightly", started=wire.now()))
    made = make(ask, "a", flow_run_id=str(run.id))
    make(ask, "b", flow_run_id=str(uuid.uuid4()))
    for filter in ({}, {"id": {"any_": [str(run.id)]}}, {"name": {"any_": ["nightly"]}}, {"name": {"like_": "night"}}):
        found = ask("POST", "/artifacts/filter", {"flow_runs": filter}).json()
        assert [one["id"] for one in found] == [made["id"]]
        assert ask("POST", "/artifacts/latest/count", {"flow_runs": filter}).json() == 1
    assert ask("POST", "/artifacts/count", {"task_runs": {}}).json() == 0


def test_whole_records(ask):
    made = ask("POST", "/artifacts/", {"key": "k", "data": "x" * 1000}, whole=True)
    assert (made.status, made.headers["Content-Type"]) == (201, MIME)
    record = made.json()
    members = {name for name in Record.__struct_fields__ if not name.startswith("collection")}
    assert set(record) == members
    assert (record["version"], record["data"]) == (1, "x" * 1000)
    assert ask("GET", f"/artifacts/{record['id']}", whole=True).json() == record
    latest = ask("GET", "/artifacts/k/latest", whole=True).json()
    assert latest["id"] == record["id"]
    assert latest["data"] == "x" * 1000
    listed = ask("POST", "/artifacts/filter", {}, whole=True).json()
    assert [set(one) for one in listed] == [members - {"data"}]
    collections = ask("POST", "/artifacts/latest/filter", {}, whole=True).json()
    assert collections[0]["id"] == record["id"]
    assert collections[0]["collection_id"] != record["id"]


def test_whole_records_with_data_where_asked(ask):
    make(ask, "short", data="x")
    make(ask, "long", data="x" * 1000)
    listed = ask("POST", "/artifacts/filter", {"sort": "KEY_ASC"}, whole=True).json()
    assert [one.get("data") for one in listed] == [None, "x"]
    listed = ask("POST", "/artifacts/filter", {"sort": "KEY_ASC", "data": True}, whole=True).json()
    assert [len(one["data"]) for one in listed] == [1000, 1]


def test_our_members_of_a_filter(ask, store):
    session = store.put_run(Run(id=wire.new_id(), kind=RunKind.session, started=wire.now()))
    cell = store.put_run(Run(id=wire.new_id(), kind=RunKind.cell, started=wire.now(), parent_id=session.id))
    for number in range(3):
        make(ask, "k", data=number, task_run_id=str(cell.id))
    make(ask, "other")
    body = {"artifacts": {"key": {"any_": ["k"]}}, "version": 2}
    assert [one["data"] for one in ask("POST", "/artifacts/filter", body, whole=True).json()] == [1]
    below = ask("POST", "/artifacts/filter", {"run": str(session.id), "sort": "VERSION_DESC"}, whole=True).json()
    assert [one["data"] for one in below] == [2, 1, 0]
    newest = ask("POST", "/artifacts/latest/filter", {"sort": "NEWEST"}, whole=True).json()
    assert [one["key"] for one in newest] == ["other", "k"]
    ids = {"artifacts": {"id": {"any_": [newest[0]["id"]]}}}
    assert keys(ask("POST", "/artifacts/latest/filter", ids, whole=True)) == ["other"]


def test_our_members_are_not_prefects(ask):
    for number in range(2):
        make(ask, "k", data=number)
    assert len(ask("POST", "/artifacts/filter", {"version": 2}).json()) == 2
    assert ask("POST", "/artifacts/filter", {"sort": "NEWEST"}).status == 422


@pytest.mark.parametrize("accept", ["application/json", "*/*", MIME.upper(), f"text/html, {MIME};q=0.9"])
def test_who_gets_whole_records(ask, accept):
    reply = ask("POST", "/artifacts/", {}, accept=accept)
    assert ("version" in reply.json()) == (MIME in accept.lower())


def test_a_page_of_long_payloads_never_sits_in_memory_whole(ask, store, monkeypatch):
    for number in range(5):
        make(ask, data=str(number) * PIECE_BYTES)
    held = []
    monkeypatch.setattr(store, "get", lambda one, get=store.get: held.append(one) or get(one))
    response = ask.api(Request("POST", "/artifacts/filter"))
    first = next(response.body)
    assert first.startswith(b'[{"id":')
    assert len(held) == 1
    rest = list(response.body)
    assert len(rest) == 5 and json.loads(b"".join([first, *rest]))[0]["data"] == "4" * PIECE_BYTES
    assert len(held) == 5


def test_a_short_page_is_one_piece(ask):
    for number in range(3):
        make(ask, data=str(number) * (SHORT_DATA + 1))
    assert len(json.loads(ask.api(Request("POST", "/artifacts/filter")).body)) == 3


@pytest.mark.parametrize("path", ["/artifacts/filter", "/artifacts/latest/filter"])
def test_payloads_that_are_not_long_are_read_with_their_rows(ask, store, monkeypatch, path):
    sizes = {"none": 0, "short": SHORT_DATA, "apart": SHORT_DATA + 1, "most": LISTED_BYTES - 2, "long": LISTED_BYTES - 1}
    for key, size in sizes.items():
        make(ask, key, data="x" * size)
    alone = []
    monkeypatch.setattr(store, "get", lambda one, get=store.get: alone.append(one) or get(one))
    assert {one["key"]: len(one["data"]) for one in ask("POST", path).json()} == sizes
    assert len(alone) == 1
    assert all("data" not in one or len(one["data"]) < SHORT_DATA for one in ask("POST", path, {}, whole=True).json())


def test_a_lost_payload_does_not_take_the_list_with_it(ask, store, monkeypatch, caplog):
    lost = make(ask, "lost", data="x" * LISTED_BYTES)["id"]
    make(ask, "kept", data="y" * LISTED_BYTES)

    def get(id, whole=store.get):
        if str(id) == lost:
            raise BlobMissing("0" * 64)
        return whole(id)

    monkeypatch.setattr(store, "get", get)
    found = {one["key"]: one["data"] for one in ask("POST", "/artifacts/filter").json()}
    assert found == {"lost": None, "kept": "y" * LISTED_BYTES}
    assert lost in caplog.text


def test_runs(ask, store):
    session = Run(id=wire.new_id(), kind=RunKind.session, started=wire.now(), provenance=Provenance(notebook="a.ipynb"))
    cell = Run(
        id=wire.new_id(),
        kind=RunKind.cell,
        started=wire.now(),
        session_id=session.id,
        parent_id=session.id,
        state=RunState.completed,
        provenance=Provenance(cell_id="c1", source="1 + 1"),
    )
    for run in (session, cell):
        store.put_run(run)
    found = ask("GET", f"/runs/{cell.id}").json()
    assert found["provenance"]["source"] == "1 + 1"
    assert ask("GET", f"/runs/{uuid.uuid4()}").json() == {"detail": "Run not found."}

    def ids(**body):
        return [one["id"] for one in ask("POST", "/runs/filter", body).json()]

    assert ids() == [str(cell.id), str(session.id)]
    assert ids(kind=["cell"]) == ids(state=["completed"]) == ids(cell_id="c1") == [str(cell.id)]
    assert ids(parent_id={"any_": [str(session.id)]}) == ids(session_id={"any_": [str(session.id)]}) == [str(cell.id)]
    assert ids(id={"any_": []}) == ids(kernel_id="x") == ids(limit=0) == ids(offset=2) == []
    reply = ask("POST", "/runs/filter", {"kind": ["x"], "id": {"none": 1}, "offset": -1})
    places = [problem["loc"] for problem in reply.json()["exception_detail"]]
    assert places == [["body", "kind", 0], ["body", "id", "none"], ["body", "offset"]]


def test_status(ask, store):
    make(ask, "a")
    make(ask, "a")
    make(ask)
    found = ask("GET", "/status").json()
    assert set(found) == {"store", "where", "artifacts", "keys", "blob_bytes", "seq", "version"}
    assert (found["store"], found["where"], found["artifacts"], found["keys"]) == (store.id, store.where, 3, 1)
    assert found["seq"] == store.last_seq()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/health"), ("GET", "/nowhere"), ("PUT", "/health"), ("POST", "/artifacts"), ("GET", "/artifacts/x/latest")],
)
def test_every_answer_names_the_store(ask, store, method, path):
    ask("GET", "/status")
    headers = ask(method, path).headers
    assert headers["X-NB-Artifacts-Store"] == store.id
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/artifacts", "/health/", "/artifacts/filter/?a=b", "/artifacts/a/latest/"])
def test_one_slash_too_many_or_few(ask, path):
    reply = ask("GET", path)
    plain, _, query = path.partition("?")
    other = plain[:-1] if plain.endswith("/") else plain + "/"
    assert reply.status == 307
    assert reply.headers["Location"] == ask.base + other + (f"?{query}" if query else "")


@pytest.mark.parametrize(
    "path",
    [
        "/artifacts/../../etc/passwd",
        "/artifacts/%2e%2e%2f%2e%2e%2fetc%2fpasswd/blob",
        "/artifacts/..%5c..%5cstore.db/blob",
        "/artifacts/%00/latest",
        "/artifacts/..%2fx/latest",
        "/artifacts/%252e%252e%252f/latest",
        "/artifacts/%ff/latest",
        "/artifacts//latest",
        "//artifacts/",
        "/runs/..",
        "/artifacts/" + "0" * 64 + "/blob",
        "/",
    ],
)
def test_paths_lead_nowhere_else(ask, path):
    assert ask("GET", path).status == 404


def test_a_store_that_cannot_be_opened_is_tried_again(store):
    opened = iter([StoreReadOnly("set NB_ARTIFACTS_HOME to a folder of your own"), None])

    def open_store():
        if error := next(opened):
            raise error
        return store

    ask = Direct(Api(open_store))
    refused = ask("GET", "/status", whole=True)
    assert refused.status == 500
    assert "NB_ARTIFACTS_HOME" in refused.json()["detail"]
    assert ask("GET", "/status").json()["store"] == store.id


@pytest.mark.timeout(60)
def test_readers_do_not_wait_for_a_stuck_writer(ask, store, monkeypatch):
    made = make(ask, "k", data=1)
    monkeypatch.setattr("nb_artifacts.store.waiting.BUSY_SECONDS", 0.2)
    store.close()
    holder = sqlite3.connect(store.folder / "store.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    refused = ask("POST", "/artifacts/", {}, whole=True)
    assert refused.status == 503
    assert refused.headers["Retry-After"] == "1"
    assert ask("GET", f"/artifacts/{made['id']}").json() == made
    assert ask("POST", "/artifacts/latest/count").json() == 1
    holder.execute("ROLLBACK")
    holder.close()
    assert ask("POST", "/artifacts/", {}).status == 201


def test_what_a_store_cannot_do_is_said(ask, store, monkeypatch):
    def fail(error):
        def put(record):
            raise error

        monkeypatch.setattr(store, "put", put)
        return ask("POST", "/artifacts/", {}), ask("POST", "/artifacts/", {}, whole=True)

    plain, whole = fail(StoreBusy("held by process 7"))
    assert (plain.status, plain.headers["Retry-After"]) == (503, "1")
    assert plain.json() == {"exception_message": "Service Unavailable"}
    assert whole.json()["detail"] == "held by process 7"
    plain, _ = fail(StoreFull("no space"))
    assert (plain.status, plain.json()) == (507, {"detail": "no space"})
    plain, _ = fail(StoreDamaged("bad"))
    assert (plain.status, plain.json()) == (500, {"exception_message": "Internal Server Error"})
    plain, _ = fail(RuntimeError("a bug"))
    assert (plain.status, plain.json()) == (500, {"exception_message": "Internal Server Error"})


@pytest.mark.parametrize("kind", ["flow", "task"])
def test_true_is_no_number(ask, kind):
    """PostgreSQL takes none for a limit."""
    reply = ask("POST", f"/{kind}_runs/filter", {"limit": True, "offset": True})
    assert [problem["loc"] for problem in reply.json()["exception_detail"]] == [["body", "limit"], ["body", "offset"]]
    assert ask("POST", f"/{kind}_runs/filter", {"limit": 7, "offset": 2}).json() == []


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("POST", "/artifacts/%66ilter", 200, None),
        ("POST", "/%61rtifacts/latest%2Fcount", 200, None),
        ("GET", "/artifacts/%6b/latest", 200, None),
        ("GET", "/artifacts/%256b/latest", 404, "Artifact not found."),
        ("GET", "/artifacts/a%2Fb/latest", 404, "Not Found"),
        ("GET", "/artifacts/%2e%2e%2flatest", 404, "Artifact not found."),
        ("GET", "/artifacts/%00/latest", 404, "Artifact not found."),
        ("GET", "/artifacts/%ff/latest", 404, "Artifact not found."),
        ("POST", "/artifacts/a%2Fb/latest", 404, "Not Found"),
        ("POST", "/artifacts/a%20b%0a/latest", 405, "Method Not Allowed"),
    ],
)
def test_a_path_is_the_same_however_its_letters_are_written(ask, method, path, status, detail):
    make(ask, "k")
    reply = ask(method, path, {} if method == "POST" else None)
    assert (reply.status, None if status == 200 else reply.json()["detail"]) == (status, detail)


def test_redirects_lead_to_another_path(ask):
    for path, place in (
        ("/artifacts/filter%2F", "/artifacts/filter"),
        ("/artifacts/a%0d%0ab/latest/", "/artifacts/a%0D%0Ab/latest"),
    ):
        reply = ask("GET" if "latest" in path else "POST", path)
        assert (reply.status, reply.headers["Location"].endswith(place)) == (307, True), reply.headers
