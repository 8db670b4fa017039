"""The websocket of Prefect's clients in the Jupyter server."""

import json
from uuid import uuid4

import pytest
from api.conftest import Remote, start_server, stop_server, wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

HELLO = json.dumps({"type": "auth", "token": None})
PREFECT = {"User-Agent": "prefect/3.8.8 (API 0.8.4)"}


def socket(server, **options):
    address = f"ws://127.0.0.1:{server.port}/nb-artifacts/api/events/in"
    return connect(address, subprotocols=["prefect"], proxy=None, **options)


def event(task, flow_run):
    related = [{"prefect.resource.role": "flow-run", "prefect.resource.id": f"prefect.flow-run.{flow_run}"}]
    resource = {"prefect.resource.id": f"prefect.task-run.{task}"}
    return json.dumps({"resource": resource, "related": related, "payload": {"validated_state": {"type": "RUNNING"}}})


def known(server, *tasks):
    found = server.ask("POST", "/task_runs/filter", {"task_runs": {"id": {"any_": list(tasks)}}}).json()
    return [one["id"] for one in found]


@pytest.fixture
def own(tmp_path):
    server = start_server(tmp_path)
    yield server
    stop_server(server)


def test_who_is_let_in(own):
    """Nobody without a credential, until Prefect's client has come with one."""
    server = own
    stranger = Remote(server.port, "wrong", "/nb-artifacts/api")
    assert stranger("GET", "/ready", **PREFECT).status == 403
    assert server.ask("GET", "/ready").status == 200
    with pytest.raises(InvalidStatus):
        socket(server)
    with pytest.raises(InvalidStatus):
        socket(server, additional_headers={"Authorization": "token wrong"})
    with socket(server, additional_headers={"Authorization": f"token {server.token}"}) as connection:
        connection.send(HELLO)
        assert json.loads(connection.recv(10)) == {"type": "auth_success"}
        task = str(uuid4())
        connection.send(event(task, uuid4()))
        wait_until(lambda: known(server, task) == [task])
    assert server.ask("GET", "/ready", **PREFECT).status == 200
    with pytest.raises(InvalidStatus):
        socket(server, origin="http://evil.example")
    with socket(server) as connection:
        assert connection.subprotocol == "prefect"
        connection.send(HELLO)
        assert json.loads(connection.recv(10)) == {"type": "auth_success"}


def test_a_vouched_client_tells_only_of_known_flow_runs(server):
    server.ask("GET", "/ready", **PREFECT)
    new = {"flow_id": str(uuid4()), "state": {"type": "RUNNING"}}
    run, tasks = server.ask("POST", "/flow_runs/", new).json()["id"], [str(uuid4()), str(uuid4())]
    with socket(server) as connection:
        connection.send(HELLO)
        connection.recv(10)
        connection.send(event(tasks[0], uuid4()))
        connection.send("no json")
        connection.send(event(tasks[1], run))
        wait_until(lambda: known(server, *tasks))
    assert known(server, *tasks) == tasks[1:]


@pytest.mark.parametrize("first", ['{"type":"auth","token":"wrong"}', '{"type":"event"}', "[]", "no json", b"bytes"])
def test_another_first_message_ends_it(server, first):
    server.ask("GET", "/ready", **PREFECT)
    with socket(server) as connection:
        connection.send(first)
        with pytest.raises(ConnectionClosed):
            connection.recv(10)
        assert connection.close_code == 1008
