"""Creations that arrive together are written together."""

import asyncio
import json

from nb_artifacts.api import Request
from nb_artifacts.serve.http import Gathering
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


class Pipe:
    """A transport that notes what it is told."""

    def __init__(self):
        self.told, self.closing = [], False

    def writelines(self, parts):
        self.told.append(b"".join(parts))

    def is_closing(self):
        return self.closing

    def close(self):
        self.told.append("closed")
        self.closing = True


def test_head_and_body_leave_together():
    pipe = Pipe()

    async def answers():
        gathering = Gathering(pipe, asyncio.get_running_loop())
        gathering.write(b"head ")
        gathering.write(b"body")
        assert pipe.told == []
        await asyncio.sleep(0)
        gathering.write(b"last")
        gathering.close()
        gathering.write(b"too late")
        await asyncio.sleep(0)

    asyncio.run(answers())
    assert pipe.told == [b"head body", b"last", "closed"]
