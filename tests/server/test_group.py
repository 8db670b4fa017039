"""Creations that arrive together are written together."""

import asyncio
import json

from nb_artifacts.api import Request
from nb_artifacts.serve.spaces import Space
from nb_artifacts.store import open_store, transactions


def test_many_creations_take_few_transactions(tmp_path, monkeypatch):
    store = open_store(tmp_path / "home")
    begun = []
    real = transactions.transaction

    def counted(connection, begin, work):
        begun.append(begin)
        return real(connection, begin, work)

    monkeypatch.setattr("nb_artifacts.store.connection.transaction", counted)
    space = Space("", lambda: store, heartbeat=15, grouped=True)

    async def ask(n):
        body = json.dumps({"key": "k" if n % 10 else "NOT A KEY", "data": n}).encode()
        return await space.answer(Request("POST", "/artifacts/", headers={}, chunks=[body]), len(body))

    async def all_of_them():
        return await asyncio.gather(*(ask(n) for n in range(200)))

    statuses = [response.status for response in asyncio.run(all_of_them())]
    space.close()
    assert statuses == [422 if n % 10 == 0 else 201 for n in range(200)]
    assert 0 < begun.count("BEGIN IMMEDIATE") <= 20
    found = open_store(tmp_path / "home")
    assert len({change.record.version for change in found.changes()}) == 180
