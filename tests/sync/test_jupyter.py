"""A Jupyter server with an API: it lists both, shows live what others publish, sends, and says how that stands."""

import json
import threading

import pytest
from api.conftest import stop_server, wait_until


@pytest.fixture
def lab(jupyter, server):
    return jupyter("lab", f"--NbArtifacts.api_url={server.url}", f"--NbArtifacts.api_key={server.token}")


@pytest.fixture
def events(lab):
    """What the server tells its viewers."""
    told, ready = [], threading.Event()

    def listen():
        with lab.ask.stream() as response:
            name = ""
            for raw in response:
                line = raw.decode().strip()
                if line.startswith("event:"):
                    name = line[7:]
                elif line.startswith("data:"):
                    told.append((name, json.loads(line[6:])))
                    ready.set()

    threading.Thread(target=listen, daemon=True).start()
    assert ready.wait(20)
    return told


def latest(lab):
    return {one["key"]: one["version"] for one in lab.ask("POST", "/artifacts/latest/filter", {}, whole=True).json()}


def sync_of(lab):
    return lab.ask("GET", "/status", whole=True).json()["sync"]


def elsewhere(events, key):
    return [change["record"] for name, change in list(events) if name == "elsewhere" and change["record"]["key"] == key]


def test_it_lists_what_both_have_and_sends_what_is_made_in_the_folder(lab, machine, server):
    machine("desk").python("nba.create('theirs', key='theirs'); nba.sync()")
    here = machine("lab", url="off", key=None)
    here.home = lab.home
    here.env["NB_ARTIFACTS_HOME"] = str(lab.home)
    here.python("nba.create('mine', key='mine')")
    wait_until(lambda: latest(lab) == {"mine": 1, "theirs": 1})
    wait_until(lambda: sync_of(lab)["pending"] == 0)
    state = sync_of(lab)
    assert (state["kind"], state["problem"], state["host"]) == ("nb-artifacts", None, f"127.0.0.1:{server.port}")
    assert f"process {lab.process.pid} " in state["sender"]
    theirs = lab.ask("GET", "/artifacts/theirs/latest", whole=True).json()
    assert theirs["data"] == "theirs"
    mine = lab.ask("GET", "/artifacts/mine/latest", whole=True).json()
    elsewhere = [lab.ask("GET", f"/artifacts/{one['id']}").headers.get("X-NB-Artifacts-Elsewhere") for one in (theirs, mine)]
    assert elsewhere == ["1", None]
    run = lab.ask("GET", f"/runs/{theirs['flow_run_id']}").json()
    assert run["kind"] == "session"
    assert server.token not in lab.log.read_text()


def test_what_another_machine_publishes_appears_live(lab, events, machine):
    desk = machine("desk")
    desk.python("nba.create('one', key='k'); nba.sync()")
    wait_until(lambda: elsewhere(events, "k"))
    assert [record["version"] for record in elsewhere(events, "k")] == [1]
    desk.python("nba.Artifact.get('k').delete(); nba.sync()")
    wait_until(lambda: any(change.get("deleted") for name, change in list(events) if name == "elsewhere"))


def test_the_number_of_ones_own_arrives_live(lab, events, machine):
    here = machine("kernel", url="off", key=None)
    here.env["NB_ARTIFACTS_HOME"] = str(lab.home)
    here.python("nba.create('mine', key='mine')")
    wait_until(lambda: [record for record in elsewhere(events, "mine") if record["version"] == 1])
    made = next(change["record"] for name, change in events if name == "change" and change.get("record"))
    assert made["key"] == "mine"
    assert made["version"] in {None, 1}  # it may have been sent before it was told
    assert elsewhere(events, "mine")[-1]["seq"] == made["seq"]


def test_what_is_elsewhere_is_not_taken_for_deleted_while_the_server_is_away(lab, machine, server):
    machine("desk").python("nba.create('theirs', key='theirs'); nba.sync()")
    id = lab.ask("GET", "/artifacts/theirs/latest", whole=True).json()["id"]
    stop_server(server)
    reply = lab.ask("GET", f"/artifacts/{id}", whole=True)
    assert reply.status == 502
    assert "see whether it runs" in reply.json()["detail"]
    assert lab.ask("POST", "/artifacts/filter", {"artifacts": {"id": {"any_": [id]}}}, whole=True).status == 502
    assert latest(lab) == {}


def test_away(lab, events, machine, server):
    here = machine("kernel", url="off", key=None)
    here.env["NB_ARTIFACTS_HOME"] = str(lab.home)
    stop_server(server)
    here.python("nba.create('mine', key='mine')")
    assert latest(lab) == {"mine": None}
    wait_until(lambda: sync_of(lab)["problem"] == "unreachable")
    state = lab.ask("POST", "/sync").json()
    assert (state["pending"], state["problem"]) == (1, "unreachable")
    assert "see whether it runs" in state["last_error"]


def test_a_denied_key_stops_sending_until_somebody_mends_it(jupyter, server, machine):
    lab = jupyter("lab", f"--NbArtifacts.api_url={server.url}", "--NbArtifacts.api_key=nba_of-nobody")
    here = machine("kernel", url="off", key=None)
    here.env["NB_ARTIFACTS_HOME"] = str(lab.home)
    here.python("nba.create('mine', key='mine')")
    wait_until(lambda: sync_of(lab)["problem"] == "denied")
    assert "NB_ARTIFACTS_API_KEY" in sync_of(lab)["last_error"]
    assert "nba_of-nobody" not in lab.log.read_text()
    assert latest(lab) == {"mine": None}
    machine("kernel", key=server.token).process("python", "-c", "pass")
    mended = machine("mended")
    mended.env["NB_ARTIFACTS_HOME"] = str(lab.home)
    mended.cli("sync")
    wait_until(lambda: (sync_of(lab)["problem"], sync_of(lab)["pending"]) == (None, 0))


def test_without_an_api_there_is_nothing_to_say(jupyter):
    lab = jupyter("lab")
    assert "sync" not in lab.ask("GET", "/status", whole=True).json()
    assert lab.ask("POST", "/sync").status == 404
