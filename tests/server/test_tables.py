"""Queries of tables in the stand-alone server: workspaces apart, work that ends with its client."""

from __future__ import annotations

import http.client
import json

import pandas as pd
from query.conftest import kept
from server.conftest import OTHER, SPACE

from nb_artifacts.store import open_store

SLOW = "%20AND%20".join(f"levenshtein(text,reverse(text))%3E%3D{n}" for n in range(40))


def make(server, prefix, frame):
    store = open_store(server.home / "workspaces" / prefix.split("/")[2] / prefix.split("/")[4], durable=False)
    record = kept(store, frame)
    store.close()
    return record


def test_rows_of_a_workspace(standalone):
    standalone.at(SPACE)("GET", "/status")
    record = make(standalone, SPACE, pd.DataFrame({"n": range(1000)}))
    for part in ("rows?format=json&sort=-n&limit=2", "summary", "export?format=csv"):
        assert standalone.at(SPACE)("GET", f"/artifacts/{record.id}/{part}").status == 200
        assert standalone.at(OTHER)("GET", f"/artifacts/{record.id}/{part}").status == 404
        reply = standalone.root("GET", f"/api{SPACE}/artifacts/{record.id}/{part}")
        assert reply.status == 401
    page = standalone.at(SPACE)("GET", f"/artifacts/{record.id}/rows?format=json&sort=-n&limit=2").json()
    assert [row["n"] for row in page["data"]] == [999, 998]


def test_a_slow_query_leaves_the_server_free(own):
    server = own()
    store = open_store(server.home, durable=False)
    record = kept(store, pd.DataFrame({"n": range(300_000), "text": [f"{n}-{n}-{n}" for n in range(300_000)]}))
    store.close()
    hanging = [http.client.HTTPConnection("127.0.0.1", server.port) for _ in range(6)]
    for place, connection in enumerate(hanging):
        path = f"/api/artifacts/{record.id}/rows?where={SLOW}&q={place}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
    assert server.ask("GET", f"/artifacts/{record.id}").status == 200
    assert server.ask("POST", "/artifacts/count", {}).status == 200
    for connection in hanging:
        connection.close()
    reply = server.ask("GET", f"/artifacts/{record.id}/rows?limit=3&offset=299997&format=json")
    assert [row["n"] for row in json.loads(reply.body)["data"]] == [299_997, 299_998, 299_999]
    body = server.ask("GET", f"/artifacts/{record.id}/export?format=csv&where=n%3C100000").body
    assert body.count(b"\n") == 100_001
