"""``/rows``, ``/summary`` and ``/export``: what the routes answer; what a query gives is shown in tests/query."""

from __future__ import annotations

import io
import json
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from query.conftest import kept

from nb_artifacts import wire
from nb_artifacts.api import Request
from nb_artifacts.query import Left


@pytest.fixture
def record(store):
    frame = pd.DataFrame({"n": range(300), "text": [f"=w{n % 3}" for n in range(300)], "t": pd.date_range("2020", periods=300)})
    return kept(store, frame, "numbers")


@pytest.fixture(autouse=True)
def ended(api):
    yield
    if api._tables is not None:
        api._tables.close()


def test_a_page_as_arrow(ask, record):
    reply = ask("GET", f"/artifacts/{record.id}/rows?offset=290&limit=20&sort=-n&columns=n,text")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    assert (reply.headers["X-NB-Artifacts-Rows"], reply.headers["X-NB-Artifacts-Total"]) == ("300", "300")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    table = pa.ipc.open_stream(reply.body).read_all()
    assert table.column("n").to_pylist() == list(range(9, -1, -1))


def test_a_page_as_json(ask, record):
    query = "filter=" + "%5B%7B%22column%22:%22n%22,%22op%22:%22range%22,%22min%22:298%7D%5D"
    page = ask("GET", f"/artifacts/{record.id}/rows?format=json&{query}").json()
    assert (page["rows"], page["total"]) == (2, 300)
    assert page["data"] == [
        {"n": 298, "text": "=w1", "t": "2020-10-25T00:00:00"},
        {"n": 299, "text": "=w2", "t": "2020-10-26T00:00:00"},
    ]


def test_what_the_client_has_is_not_sent_again(ask, record, store):
    path = f"/artifacts/{record.id}/rows?sort=n"
    tag = ask("GET", path).headers["ETag"]
    again = ask("GET", path, if_none_match=tag)
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert ask("GET", path + "&limit=5", if_none_match=tag).status == 200
    assert ask("GET", path.replace("rows", "summary")).headers["ETag"] != tag
    other = kept(store, pd.DataFrame({"n": range(300)}))
    assert ask("GET", f"/artifacts/{other.id}/rows?sort=n", if_none_match=tag).status == 200


def test_summary(ask, record):
    found = ask("GET", f"/artifacts/{record.id}/summary?where=n%20%3E=%20100").json()
    assert (found["rows"], found["total"], [column["field"] for column in found["columns"]]) == (200, 300, ["n", "text", "t"])
    number, text, moment = found["columns"]
    assert (number["min"], number["max"], number["mean"], number["nulls"]) == (100, 299, 199.5, 0)
    assert sum(part["count"] for part in number["histogram"]) == 200
    assert len(number["histogram"]) == 16
    assert {part["value"]: part["count"] for part in text["top"]} == {"=w0": 66, "=w1": 67, "=w2": 67}
    assert (moment["min"], moment["max"]) == ("2020-04-10T00:00:00", "2020-10-26T00:00:00")
    assert ask("GET", f"/artifacts/{record.id}/summary?columns=n").json()["columns"] == [
        column for column in ask("GET", f"/artifacts/{record.id}/summary").json()["columns"] if column["field"] == "n"
    ]


@pytest.mark.parametrize(
    ("form", "media", "suffix"),
    [
        ("csv", "text/csv; charset=utf-8", "csv"),
        ("parquet", "application/vnd.apache.parquet", "parquet"),
        ("json", "application/json", "json"),
        ("markdown", "text/markdown; charset=utf-8", "md"),
    ],
)
def test_export(ask, record, form, media, suffix):
    reply = ask("GET", f"/artifacts/{record.id}/export?format={form}&sort=-n&where=n%3C3&columns=text,n&limit=1")
    assert (reply.status, reply.headers["Content-Type"]) == (200, media)
    assert reply.headers["Content-Disposition"] == f'attachment; filename="numbers.{suffix}"'
    assert reply.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    if form == "csv":
        assert reply.body.decode() == "text,n\n'=w2,2\n'=w1,1\n'=w0,0\n"
    elif form == "json":
        assert reply.json() == [{"text": "=w2", "n": 2}, {"text": "=w1", "n": 1}, {"text": "=w0", "n": 0}]
    elif form == "markdown":
        assert reply.body.decode() == "| text | n |\n| --- | ---: |\n| =w2 | 2 |\n| =w1 | 1 |\n| =w0 | 0 |\n"
    else:
        assert pq.read_table(io.BytesIO(reply.body)).to_pydict() == {"text": ["=w2", "=w1", "=w0"], "n": [2, 1, 0]}


def test_the_whole_table_as_parquet_is_the_stored_file(ask, record, store):
    with store.open_blob(record.blob) as file:
        assert ask("GET", f"/artifacts/{record.id}/export?format=parquet").body == file.read()


@pytest.mark.parametrize(
    ("query", "position", "column"),
    [
        ("where=n%20%3E%20%3E%201", 4, None),
        ("where=n%20%3D%201%20AND%20nope%20%3D%202", 10, "nope"),
        ("where=n%20IN%20(SELECT%201)", 5, None),
        ("sort=nope", None, "nope"),
        ("columns=nope", None, "nope"),
        ("filter=%5B%7B%22column%22:%22n%22,%22op%22:%22equals%22,%22value%22:%22x%22%7D%5D", None, "n"),
        ("filter=x", None, None),
        ("limit=10001", None, None),
        ("limit=-1", None, None),
        ("offset=x", None, None),
        ("format=xlsx", None, None),
    ],
)
@pytest.mark.parametrize("part", ["rows", "summary", "export"])
def test_what_is_wrong_is_said_with_its_place(ask, record, part, query, position, column):
    if part != "rows" and query.startswith("format") and part == "summary":
        assert ask("GET", f"/artifacts/{record.id}/summary?{query}").status == 200
        return
    if part == "summary" and query.startswith("sort"):
        assert ask("GET", f"/artifacts/{record.id}/summary?{query}").status == 200
        return
    reply = ask("GET", f"/artifacts/{record.id}/{part}?{query}")
    assert reply.status == 422
    found = reply.json()
    assert (found["position"], found["column"]) == (position, column)
    assert found["detail"]


def test_what_is_not_there(ask, store, record):
    assert ask("GET", f"/artifacts/{uuid.uuid4()}/rows").status == 404
    assert ask("POST", f"/artifacts/{record.id}/rows").status == 405
    link = store.put(wire.Record(id=wire.new_id(), created=wire.now(), updated=wire.now(), type="link"))
    reply = ask("GET", f"/artifacts/{link.id}/rows")
    assert (reply.status, "is not a table" in reply.json()["detail"]) == (422, True)
    (store.folder / "blobs" / record.blob.sha256[:2] / record.blob.sha256).unlink()
    for part in ("rows", "summary", "export?format=parquet", "export?format=csv"):
        reply = ask("GET", f"/artifacts/{record.id}/{part}")
        assert (reply.status, record.blob.sha256 in reply.json()["detail"]) == (404, True)


def test_a_damaged_table_is_named_and_others_keep_working(ask, store, record):
    other = kept(store, pd.DataFrame({"x": np.random.default_rng(1).normal(size=50_000)}))
    path = store.folder / "blobs" / other.blob.sha256[:2] / other.blob.sha256
    content = path.read_bytes()
    path.write_bytes(content[:1000] + bytes(200_000) + content[201_000:])
    for part in ("rows", "rows?sort=x", "summary", "export?format=csv"):
        reply = ask("GET", f"/artifacts/{other.id}/{part}")
        assert (reply.status, other.blob.sha256 in reply.json()["detail"], str(store.folder) in reply.json()["detail"]) == (
            422,
            True,
            False,
        )
    assert ask("GET", f"/artifacts/{record.id}/rows").status == 200


def test_a_query_that_nobody_waits_for(api, record):
    left = Left()
    left.leave()
    response = api(Request("GET", f"/artifacts/{record.id}/rows", left=left))
    assert response.status == 503
    assert response.headers["Retry-After"] == "1"


def test_the_document_describes_them(ask):
    paths = ask("GET", "/openapi.json").json()["paths"]
    for part in ("rows", "summary", "export"):
        operation = paths[f"/artifacts/{{id}}/{part}"]["get"]
        names = [parameter["name"] for parameter in operation["parameters"]]
        assert names[0] == "id"
        assert {"columns", "q", "where", "filter"} < set(names)
        assert ("limit" in names) == (part == "rows")
        assert {"404", "422", "503", "504"} < set(operation["responses"])


def test_a_slow_query_leaves_the_server_free(server):
    """In a real server: other requests are answered, and the query ends with its client."""
    import http.client

    from nb_artifacts.store import open_store

    store = open_store(server.home, durable=False)
    numbers = np.arange(1_000_000)
    slow = kept(store, pd.DataFrame({"n": numbers, "text": [f"{n}-{n}-{n}" for n in numbers.tolist()]}))
    store.close()
    where = "%20AND%20".join(f"levenshtein(text,reverse(text))%3E%3D{n}" for n in range(40))
    hanging = []
    for _ in range(6):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        path = f"/nb-artifacts/api/artifacts/{slow.id}/rows?where={where}&q={len(hanging)}"
        connection.request("GET", path, headers={"Authorization": f"token {server.token}"})
        hanging.append(connection)
    assert server.ask("GET", f"/artifacts/{slow.id}").status == 200
    assert server.ask("POST", "/artifacts/count", {}).status == 200
    for connection in hanging:
        connection.close()
    reply = server.ask("GET", f"/artifacts/{slow.id}/rows?limit=3&offset=999997&format=json")
    assert [row["n"] for row in json.loads(reply.body)["data"]] == [999_997, 999_998, 999_999]
    body = server.ask("GET", f"/artifacts/{slow.id}/export?format=csv&where=n%3C100000").body
    assert body.count(b"\n") == 100_001
