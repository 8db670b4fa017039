"""Full-text search in the database: what it finds, that replicas share it, and that it stays quick."""

import threading

import psycopg
import pytest
from api.conftest import Direct
from api.test_ours import find
from contract.given import record
from msgspec import structs

from nb_artifacts.api import Api
from nb_artifacts.store import open_store, postgres_search
from nb_artifacts.wire import new_id


@pytest.fixture
def ask(store):
    return Direct(Api(lambda: store))


def test_words_are_found_wherever_they_are(ask):
    flights = {
        "key": "flights-by-carrier",
        "type": "table",
        "description": "Delays of **Zürich**",
        "data": '[{"carrier": "UA"}]',
    }
    report = {
        "key": "report",
        "type": "markdown",
        "data": "Long. " * 100 + "needle",
        "tags": ["weekly"],
        "metadata_": {"team": "ops"},
    }
    ask("POST", "/artifacts/", flights)
    id = str(new_id())
    ask("PUT", f"/artifacts/{id}", report)
    for word in ("flights", "CARRIER", "zurich", "ZÜRICH", "delays", "UA", "table", "flights-by"):
        assert find(ask, word) == ["flights-by-carrier"], word
    for word in ("needle", "weekly", "ops team", "markdown nee", "op"):
        assert find(ask, word) == ["report"], word
    for word in (
        "",
        "nothing",
        "needle flights",
        '"',
        "*",
        "NEAR(",
        "a OR",
        "-",
        "'; DROP TABLE search_1",
        "':* | 'a",
        "\\",
        "ß" * 200,
    ):
        assert find(ask, word) == [], word
    ask("PATCH", f"/artifacts/{id}", {"data": "thread"})
    assert (find(ask, "thread"), find(ask, "needle")) == (["report"], [])
    ask("DELETE", f"/artifacts/{id}")
    assert find(ask, "thread") == []


def test_it_goes_page_by_page(ask):
    for n in range(7):
        ask("POST", "/artifacts/", {"key": f"k{n}", "data": "word"})
    seen, after = [], None
    while page := ask("POST", "/search", {"q": "wor", "limit": 3, "after": after}).json():
        seen += [one["key"] for one in page]
        after = page[-1]["id"]
    assert seen == [f"k{n}" for n in reversed(range(7))]
    assert find(ask, "word", after=str(new_id())) == []


def test_replicas_bring_one_index_up_to_date(address, monkeypatch):
    monkeypatch.setattr(postgres_search, "PAGE", 7)
    stores, found, barrier = [open_store(address) for _ in range(4)], [], threading.Barrier(4)
    ids = [stores[0].put(structs.replace(record("k"), description=f"word {n}")).id for n in range(50)]

    def search(store):
        barrier.wait(20)
        found.append(store.find_words(["word"], 100))

    threads = [threading.Thread(target=search, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [ids[::-1]] * 4
    for store in stores:
        store.close()


def test_rare_and_common_words_are_found_by_an_index(store, database, schema):
    store.find_words(["any"], 1)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"SET search_path = {schema}")
        connection.execute(
            "INSERT INTO search_1 SELECT gen_random_uuid(), n, array_to_tsvector(ARRAY['report', 'w' || n]) FROM generate_series(1, 20000) n"
        )
        connection.execute("ANALYZE search_1")
        for query in ("'report':*", "'w777':*", "'report':* & 'w1999':*", "'nothing':*"):
            find = postgres_search._FIND.replace("%s::tsquery", f"$q${query}$q$::tsquery") % (2**62, 20)
            plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {find}"))
            assert "Seq Scan" not in plan, plan
