"""The websocket for events, from the side of the server: what it takes, from whom, and until when."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from nb_artifacts.api.flows import task_run_event
from nb_artifacts.api.told import Vouchers
from nb_artifacts.serve.events import take_events
from nb_artifacts.serve.keys import Key
from nb_artifacts.store import open_store
from nb_artifacts.wire import now

KEY = Key(id="1", sha256="0" * 64, created=now())
AUTH = '{"type":"auth","token":"nba_x"}'


class Socket:
    """A websocket of Starlette's as far as it is used, on which a client says `messages`, over and over the last one."""

    def __init__(self, *messages, workspace="", names=None):
        self.scope = {"nba.workspace": workspace, "nba.headers": {}}
        self.path_params = names or {}
        self.client = None
        self.messages = list(messages)
        self.said = []
        self.closed = None

    async def accept(self, _):
        self.said.append("accept")

    async def receive_text(self):
        await asyncio.sleep(0.001)
        message = self.messages.pop(0) if len(self.messages) > 1 else self.messages[0]
        return message["text"] if isinstance(message, dict) else message

    async def send_text(self, text):
        self.said.append(text)

    async def close(self, code, _=""):
        self.closed = code


def take(socket, keys=lambda: (KEY,)):
    """What a server whose keys are `keys()` keeps of what a client says."""
    kept = []

    async def run(_, __, message, ___):
        kept.append(message)

    ring = SimpleNamespace(all=keys)
    guard = SimpleNamespace(keys=ring, vouchers=Vouchers(), find=lambda offered: KEY if "nba_x" in offered else None)
    spaces = {"": SimpleNamespace(run=run, api=None), "acme/one": SimpleNamespace(run=run, api=None)}
    asyncio.run(asyncio.wait_for(take_events(socket, guard, spaces), 20))
    return kept


def test_a_revoked_key_is_heard_no_longer_however_much_its_client_says():
    left = [(KEY,)] * 3
    socket = Socket(AUTH, "{}")
    assert len(take(socket, lambda: left.pop() if left else ())) == 3
    assert socket.closed == 1008


@pytest.mark.parametrize("names", [{"account": "ACME", "workspace": "one"}, {"account": "acme", "workspace": "%6fne"}])
def test_what_is_no_name_of_a_workspace_does_not_mean_the_servers_own(names):
    socket = Socket(AUTH, "{}", names=names)
    assert take(socket) == [] and socket.said == [] and socket.closed == 1008


@pytest.mark.parametrize("first", ["[" * 100_000, '{"type":' * 100_000, {"bytes": b"x"}], ids=["list", "object", "bytes"])
def test_a_stranger_who_says_nonsense_is_refused(first):
    socket = Socket(first)
    assert take(socket) == [] and socket.closed == 1008


def test_bytes_end_a_connection():
    assert take(Socket(AUTH, "{}", {"bytes": b"x"})) == [b"{}"]


@pytest.mark.parametrize("payload", ["[" * 5000 + "]" * 5000, "[1]", '{"validated_state":[1]}', '{"validated_state":null}'])
def test_an_event_of_another_form_stops_nothing(tmp_path, payload):
    resource = json.dumps({"prefect.resource.id": "prefect.task-run.00000000-0000-4000-8000-000000000001"})
    event = f'{{"resource":{resource},"occurred":"2026-01-01T00:00:00Z","payload":{payload}}}'
    store = open_store(tmp_path, durable=False)
    task_run_event(store, event.encode())
    store.close()
