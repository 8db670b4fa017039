"""What this API has beyond Prefect's: PUT, batches, search, paging by id, tags of answers, its own description."""

import sqlite3
from uuid import UUID, uuid4

import pytest
from contract.given import record

from nb_artifacts.api import ROUTES
from nb_artifacts.api.search import Index
from nb_artifacts.store import open_store
from nb_artifacts.store.writes import note_restored
from nb_artifacts.wire import new_id


def test_put_is_idempotent(ask):
    path = f"/artifacts/{new_id()}"
    content = {
        "key": "k",
        "type": "markdown",
        "data": "x" * 1000,
        "metadata_": {"a": "b" * 600},
        "tags": ["t"],
        "info": {"n": 1},
    }
    first, again = ask("PUT", path, content, whole=True), ask("PUT", path, content, whole=True)
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    found = first.json()
    assert (found["version"], found["tags"], found["info"], found["metadata_"]["a"]) == (1, ["t"], {"n": 1}, "b" * 600)
    assert ask("PUT", path, {**content, "data": "y"}).status == 409
    assert ask("PUT", path, {**content, "info": {"n": 2}}).status == 409
    assert ask("DELETE", path).status == 204
    assert ask("PUT", path, content).status == 409
    assert ask("POST", "/artifacts/count", {}).json() == 0


@pytest.mark.parametrize(
    "members",
    [
        {"colour": 1},
        {"info": 1},
        {"info": {"a": 1e400}},
        {"info": {"a": "x" * 1_100_000}},
        {"tags": "t"},
        {"tags": [1]},
        {"blob": {"sha256": "0" * 64}},
        {"id": str(uuid4())},
    ],
)
def test_put_takes_nothing_else(ask, members):
    assert ask("PUT", f"/artifacts/{uuid4()}", members).status == 422
    assert ask("PUT", "/artifacts/no-id", {}).status == 404


def test_a_batch_is_whole_or_not_there(ask):
    ids = [str(new_id()) for _ in range(3)]
    items = [{"id": id, "key": "k", "data": n} for n, id in enumerate(ids)]
    reply = ask("POST", "/artifacts/batch", {"artifacts": items}, whole=True)
    assert reply.status == 201
    assert [(one["id"], one["version"]) for one in reply.json()] == [(id, n + 1) for n, id in enumerate(ids)]
    assert [one["id"] for one in ask("POST", "/artifacts/batch", {"artifacts": items}).json()] == ids
    assert ask("POST", "/artifacts/batch", {"artifacts": [{"key": "new"}, {"id": ids[0], "data": "other"}]}).status == 409
    assert ask("GET", "/artifacts/new/latest").status == 404
    assert ask("POST", "/artifacts/batch", {"artifacts": [{}] * 201}).status == 422
    assert ask("POST", "/artifacts/batch", {"artifacts": [{}, {"key": "A"}]}).json()["exception_detail"][0]["loc"] == [
        "body",
        "artifacts",
        1,
        "key",
    ]
    assert ask("POST", "/artifacts/batch", {}).status == 422
    assert ask("POST", "/artifacts/batch", {"artifacts": []}).json() == []


def names(reply):
    assert reply.status == 200, reply.body
    return [one["key"] for one in reply.json()]


def find(ask, q, **more):
    return names(ask("POST", "/search", {"q": q, **more}))


def test_search_finds_words_wherever_they_are(ask, api):
    ask(
        "POST",
        "/artifacts/",
        {"key": "flights-by-carrier", "type": "table", "description": "Delays of **Zürich**", "data": '[{"carrier": "UA"}]'},
    )
    ask(
        "PUT",
        f"/artifacts/{new_id()}",
        {
            "key": "report",
            "type": "markdown",
            "data": "Long. " * 100 + "needle",
            "tags": ["weekly"],
            "metadata_": {"team": "ops"},
        },
    )
    for word in ("flights", "CARRIER", "zurich", "delays", "UA", "table", "flights-by"):
        assert find(ask, word) == ["flights-by-carrier"], word
    for word in ("needle", "weekly", "ops team", "markdown nee"):
        assert find(ask, word) == ["report"], word
    for word in ("", "nothing", "needle flights", '"', "*", "NEAR(", "a OR", "-", "'; DROP TABLE doc", "a\u19b0b"):
        assert find(ask, word) == [], word
    id = ask("GET", "/artifacts/report/latest", whole=True).json()["id"]
    ask("PATCH", f"/artifacts/{id}", {"data": "thread"})
    assert (find(ask, "thread"), find(ask, "needle")) == (["report"], [])
    ask("DELETE", f"/artifacts/{id}")
    assert find(ask, "thread") == []
    assert oct((api.store.folder / "search.db").stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("said", [True, False], ids=["restored", "copied"])
def test_a_store_put_back_to_an_earlier_state_is_searched_anew(tmp_path, said):
    """The numbers that its index knows are given to other artifacts then."""
    store = open_store(tmp_path / "home", durable=False)
    for n in range(9):
        store.put(record(f"before-{n}"))
    assert Index(store).find("before", 20, None)
    with sqlite3.connect(store.folder / "store.db") as connection:
        connection.execute("DELETE FROM artifact WHERE seq > 3")
        if said:
            note_restored(connection)
    connection.close()
    store.close()
    made = [store.put(record(f"after-{n}")).id for n in range(8 if said else 4)]
    assert set(Index(store).find("after", 20, None)) == set(made)
    assert len(Index(store).find("before", 20, None)) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (r'"Z\u00fcrich \ud83d\ude00\u00e9t\u00e9"', ("z\u00fcrich", "ete")),
        (r'"C:\\new\\table say \"hi\"\r\nthere\/then"', ("new", "table", "hi", "there", "then")),
        (r'"[{\"city\": \"Krak\\u00f3w\", \"note\": \"a\\nb\"}]"', ("city", "krakow", "note a", "b")),
        (r'{"city": "Krak\u00f3w", "n": 12}', ("city", "krakow", "12")),
    ],
)
def test_words_are_found_however_json_spells_them(ask, data, words):
    """Many clients spell letters beyond ASCII as figures, and Prefect's tables are JSON in JSON."""
    reply = ask.send("POST", "/artifacts/", {"Content-Type": "application/json"}, b'{"key": "k", "data": %s}' % data.encode())
    assert reply.status == 201
    assert {word: find(ask, word) for word in words} == {word: ["k"] for word in words}
    assert find(ask, "u00f3w") == find(ask, "ew") == []


def test_search_goes_page_by_page(ask):
    for n in range(7):
        ask("POST", "/artifacts/", {"key": f"k{n}", "data": "word"})
    seen, after = [], None
    while page := ask("POST", "/search", {"q": "wor", "limit": 3, "after": after}).json():
        seen += [one["key"] for one in page]
        after = page[-1]["id"]
        ask("DELETE", f"/artifacts/{after}")
    assert seen == [f"k{n}" for n in reversed(range(7))]
    assert ask("POST", "/search", {"q": "word", "limit": 201}).status == 422
    assert ask("POST", "/search", {}).status == 422
    assert find(ask, "word", after=str(uuid4())) == []


def test_a_damaged_index_is_made_anew(ask, api):
    ask("POST", "/artifacts/", {"key": "k", "data": "word"})
    place = api.store.folder / "search.db"
    place.write_bytes(b"x" * 5000)
    assert ask("POST", "/search", {"q": "word"}).status == 500
    assert find(ask, "word") == ["k"]
    connection = sqlite3.connect(place)
    connection.execute("UPDATE state SET store = 'another'")
    connection.commit()
    connection.close()
    assert find(ask, "word") == ["k"]


@pytest.mark.parametrize("whole", [True, False])
def test_paging_by_id_misses_and_repeats_nothing(ask, whole):
    made = [ask("POST", "/artifacts/", {"key": f"k{n % 4}"}).json()["id"] for n in range(11)]
    seen, after = [], None
    while page := ask("POST", "/artifacts/filter", {"limit": 3, "after": after}, whole=whole).json():
        seen += [one["id"] for one in page]
        after = page[-1]["id"]
        made.append(ask("POST", "/artifacts/", {"key": "meanwhile"}).json()["id"])
        ask("DELETE", f"/artifacts/{after}")
    assert seen == made[10::-1]
    line = "collection_id" if whole else "id"
    lines = [UUID(one[line]) for one in ask("POST", "/artifacts/latest/filter", {}, whole=whole).json()]
    below = ask("POST", "/artifacts/latest/filter", {"after": str(lines[0])}, whole=whole).json()
    assert [UUID(one[line]) for one in below] == lines[1:]
    assert ask("POST", "/artifacts/filter", {"after": after, "sort": "KEY_ASC"}, whole=whole).status == 422


def test_what_a_client_has_is_not_sent_again(ask):
    id = ask("POST", "/artifacts/", {"key": "k", "data": 1}).json()["id"]
    for path in (f"/artifacts/{id}", "/artifacts/k/latest"):
        for whole in (False, True):
            tag = ask("GET", path, whole=whole).headers["ETag"]
            again = ask("GET", path, whole=whole, if_none_match=f'"x", W/{tag}')
            assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
            assert ask("GET", path, whole=not whole, if_none_match=tag).status == 200
            ask("PATCH", f"/artifacts/{id}", {})
            assert ask("GET", path, whole=whole, if_none_match=tag).status == 200


def test_it_describes_itself(ask):
    found = ask("GET", "/openapi.json").json()
    assert found["openapi"] == "3.1.0"
    operations = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert operations == {(route.method, route.path) for route in ROUTES} - {("GET", "/csrf-token")}
    assert found["paths"]["/health"]["get"]["security"] == []
    refs = str(found).count("#/components/schemas/")
    assert refs > 10
