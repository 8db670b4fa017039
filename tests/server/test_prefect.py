"""The real Prefect client and its command line against the stand-alone server, in an environment of their own."""

import json
import os
import re
import subprocess

import pytest
from api.conftest import wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

SPACE = "/accounts/acme/workspaces/prefect-command-line"
FLOW = """
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, create_table_artifact, update_progress_artifact

@task(tags=["nightly"])
def load():
    create_markdown_artifact("# in a task", key="in-task")
    return 1

tries = []

@flow(retries=1)
def nested():
    tries.append(1)
    if len(tries) < 2:
        raise ValueError("once")
    create_markdown_artifact("# in a flow of a flow", key="nested")

@flow
def etl():
    nested()
    create_table_artifact([{"a": 1}], key="in-flow")
    bar = create_progress_artifact(10, key="bar")
    update_progress_artifact(bar, 50)
    return load()

print("RESULT", etl())
"""
CALLS = """
import asyncio
from prefect.artifacts import (Artifact, create_image_artifact, create_link_artifact, create_markdown_artifact, create_progress_artifact,
    create_table_artifact, update_progress_artifact, acreate_markdown_artifact, aupdate_progress_artifact, acreate_progress_artifact)

create_link_artifact("https://example.com", key="link")
create_markdown_artifact("# hi", key="report")
create_table_artifact([{"a": 1, "b": None}], key="table")
create_image_artifact("https://example.com/a.png", key="image")
bar = create_progress_artifact(10, key="bar")
update_progress_artifact(bar, 60)
assert Artifact.get("bar").data == 60
assert Artifact.get("report").data == "# hi"
assert Artifact.get("nothing") is None
assert Artifact.get_or_create(key="report")[1] is False
assert Artifact.get_or_create(key="new", data="1")[1] is True

async def more():
    await acreate_markdown_artifact("async", key="report")
    bar = await acreate_progress_artifact(1, key="abar")
    await aupdate_progress_artifact(bar, 2)
    assert (await Artifact.aget("report")).data == "async"

asyncio.run(more())
print("DONE")
"""


@pytest.fixture
def prefect(prefect_python, standalone, tmp_path):
    """Runs Python code, or the command line, as a user of Prefect."""
    names = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "NB_ARTIFACTS"))}

    def call(*arguments, api=f"/api{SPACE}", **env):
        credentials = env or {"PREFECT_API_KEY": standalone.token}
        settings = {
            "COLUMNS": "200",
            "PREFECT_HOME": str(tmp_path),
            "PREFECT_API_URL": f"http://127.0.0.1:{standalone.port}{api}",
            "DO_NOT_TRACK": "1",
        }
        done = subprocess.run(
            [prefect_python, *arguments],
            env={**names, **settings, **credentials},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        said = re.sub(
            r".*FutureWarning: Artifact creation outside of a flow.*\n +warnings\.warn\(\n", "", done.stdout + done.stderr
        )
        said = re.sub(r".*EventsWorker - Still processing items.*\n", "", said)  # how slow the client's own machine is
        assert done.returncode == 0, said
        assert "warn" not in said.lower() and "unable" not in said.lower(), said
        return said

    return call


def test_functions_outside_flows_and_the_command_line(prefect, standalone):
    said = prefect("-c", CALLS)
    assert said.strip() == "DONE"
    listed = prefect("-m", "prefect", "artifact", "ls")
    assert "report" in listed and "abar" in listed, listed
    assert "async" in prefect("-m", "prefect", "artifact", "inspect", "report")
    prefect("-m", "prefect", "artifact", "delete", "report")
    assert standalone.at(SPACE)("GET", "/artifacts/report/latest").status == 404


@pytest.mark.parametrize("credential", ["PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"])
def test_a_flow_completes_and_its_runs_are_known(prefect, standalone, credential):
    said = prefect("-c", FLOW, api="/api", **{credential: standalone.token})
    assert "RESULT 1" in said and "Completed()" in said
    found = standalone.ask("GET", "/artifacts/in-task/latest", whole=True).json()
    flow_run, task_run = found["flow_run_id"], found["task_run_id"]
    assert standalone.ask("GET", "/artifacts/bar/latest").json()["data"] == 50

    def known(kind, id):
        return standalone.ask("POST", f"/{kind}_runs/filter", {f"{kind}_runs": {"id": {"any_": [id]}}}).json()

    assert [one["state_type"] for one in known("flow", flow_run)] == ["COMPLETED"]
    wait_until(lambda: [one["state_type"] for one in known("task", task_run)] == ["COMPLETED"])
    assert known("task", task_run)[0]["flow_run_id"] == flow_run
    assert re.match("load-", known("task", task_run)[0]["name"])
    by_flow = {"flows": {"name": {"any_": ["etl"]}}, "flow_runs": {"id": {"any_": [flow_run]}}}
    assert standalone.ask("POST", "/artifacts/count", by_flow).json() == 3
    inner = standalone.ask("GET", "/artifacts/nested/latest").json()["flow_run_id"]
    below = {"flow_runs": {"parent_flow_run_id": {"any_": [flow_run]}}}
    assert [one["id"] for one in standalone.ask("POST", "/flow_runs/filter", below).json()] == [inner] != [flow_run]
    assert (
        standalone.ask("POST", "/artifacts/filter", {"task_runs": {"id": {"any_": [task_run]}}}).json()[0]["key"] == "in-task"
    )


def socket(server, path="/api/events/in", **options):
    return connect(f"ws://127.0.0.1:{server.port}{path}", subprotocols=["prefect"], proxy=None, **options)


def hello(token):
    return json.dumps({"type": "auth", "token": token})


@pytest.mark.parametrize(
    "first",
    [
        '{"type":"auth","token":null}',
        hello("wrong"),
        '{"type":"auth"}',
        '{"token":1}',
        "[]",
        "no json",
        '{"type":"event"}',
        '{"type":"auth","token":[1]}',
    ],
)
def test_the_websocket_refuses_strangers(own, first):
    server = own()
    assert server.ask("POST", "/artifacts/filter", {}, **{"X-PREFECT-API-VERSION": "0.8.4"}).status == 200
    with socket(server) as connection:
        connection.send(first)
        with pytest.raises(ConnectionClosed):
            connection.recv(10)
        assert connection.close_code == 1008


def test_the_websocket_waits_five_seconds_at_most(own):
    server = own(
        before="from nb_artifacts.serve import events as serve_events\nassert serve_events.AUTH_SECONDS == 5\nserve_events.AUTH_SECONDS = 0.2"
    )
    with socket(server) as connection, pytest.raises(ConnectionClosed):
        connection.recv(10)


def test_the_websocket_of_another_site_or_path_is_refused(standalone):
    for options in ({"origin": "http://evil.example"}, {"path": "/api/events/out"}, {"path": "/x"}):
        with pytest.raises(InvalidStatus):
            socket(standalone, **options)


def test_a_revoked_key_closes_its_websocket(own):
    from nb_artifacts.serve.keys import Keyring

    server = own()
    secret, key = Keyring(server.home).create()
    wait_until(lambda: server.at("", secret)("GET", "/ready").status == 200)
    with socket(server) as connection:
        connection.send(hello(secret))
        assert json.loads(connection.recv(10)) == {"type": "auth_success"}
        for event in ("{}", '{"resource":{}}', '{"resource":{"prefect.resource.id":"prefect.task-run.x"}}', "[" * 1000):
            connection.send(event)
        Keyring(server.home).revoke(key.id)
        with pytest.raises(ConnectionClosed):
            connection.recv(3)


def test_a_vouched_client_tells_only_of_known_flow_runs(own):
    server = own()
    server.ask("POST", "/artifacts/filter", {}, **{"User-Agent": "prefect/3.8.8 (API 0.8.4)"})
    flow = server.ask("POST", "/flows/", {"name": "f"}).json()["id"]
    run = server.ask("POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}}).json()["id"]
    with socket(server) as connection:
        connection.send(hello(None))
        assert "auth_success" in connection.recv(10)
        for number, parent in enumerate(("00000000-0000-4000-8000-000000000000", run)):
            related = [{"prefect.resource.role": "flow-run", "prefect.resource.id": f"prefect.flow-run.{parent}"}]
            resource = {"prefect.resource.id": f"prefect.task-run.00000000-0000-4000-8000-00000000000{number + 1}"}
            connection.send(
                json.dumps(
                    {
                        "resource": resource,
                        "related": related,
                        "payload": {"validated_state": {"type": "FAILED", "message": "no"}},
                    }
                )
            )
        wait_until(lambda: server.ask("POST", "/task_runs/filter", {}).json())
    assert [one["flow_run_id"] for one in server.ask("POST", "/task_runs/filter", {}).json()] == [run]
