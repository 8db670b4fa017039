"""Every recorded scenario, against the API itself and through a real Jupyter server."""

from __future__ import annotations

import json

import pytest
from api.replay import CONTRACT, Replayer, scenarios

from nb_artifacts.api import Api
from nb_artifacts.store import open_store

SCENARIOS = {scenario["name"]: scenario for scenario in scenarios()}

WITH_RUNS = ["related.flow_run_task_run_flow_match"]
"""Makes flow runs through Prefect's own paths for them."""

NEEDS_OPEN = ["header.bearer_token_is_ignored_by_open_server"]
"""A Jupyter server always asks for its token."""

SERVED = list(SCENARIOS)


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    from api.conftest import Direct

    store = open_store(tmp_path_factory.mktemp("contract"), durable=False)
    yield Direct(Api(lambda: store))
    store.close()


def test_all_scenarios_are_here():
    assert len(SCENARIOS) == 161
    assert [name for name, one in SCENARIOS.items() if one.get("needs") == "runs"] == WITH_RUNS
    assert [name for name, one in SCENARIOS.items() if one.get("needs") == "open"] == NEEDS_OPEN


@pytest.mark.parametrize("name", SERVED)
def test_api(direct, name):
    Replayer(direct.send, direct.base).run(SCENARIOS[name])


@pytest.mark.parametrize("name", [name for name in SERVED if name not in NEEDS_OPEN])
def test_through_jupyter(server, name):
    Replayer(server.ask.send, server.ask.base).run(SCENARIOS[name])


def test_through_jupyter_below_the_address_of_a_hub(tmp_path):
    from api.conftest import start_server, stop_server

    hub = start_server(tmp_path, "--ServerApp.base_url=/user/x@y/", prefix="/user/x@y")
    try:
        for name in SERVED:
            if name not in NEEDS_OPEN:
                Replayer(hub.ask.send, hub.ask.base).run(SCENARIOS[name])
        moved = hub.ask.send("POST", "/artifacts", {"X-Forwarded-Proto": "https"}, b"{}").headers["Location"]
        assert moved == f"https://127.0.0.1:{hub.port}/user/x@y/nb-artifacts/api/artifacts/"
    finally:
        stop_server(hub)


def test_what_prefects_client_and_command_line_send(direct):
    recorded = json.loads((CONTRACT / "prefect_client_calls.json").read_text())
    version = {"X-PREFECT-API-VERSION": "0.8.4", "content-type": "application/json"}
    checked = 0
    for call in recorded["outside_a_flow"] + recorded["cli"]:
        method, path = call["request"].split()[:2]
        if "<uuid>" in path or "body" not in call:
            continue
        reply = direct.send(method, path.rstrip(","), version, json.dumps(call["body"]).encode())
        assert reply.status == (201 if path == "/artifacts/" else 200), call
        checked += 1
    assert checked == 11
