"""Flows and their runs, as Prefect's clients make them and ask for them."""

import uuid
from datetime import timedelta

import pytest

from nb_artifacts import wire
from nb_artifacts.api import flows

NOBODY = str(uuid.UUID(int=7))


def made(ask, path, **body):
    return ask("POST", path, body).json()["id"]


@pytest.fixture
def tree(ask):
    """A flow that calls a task and another flow, which fails; and a run of the first that is pending."""
    outer, inner = made(ask, "/flows/", name="outer"), made(ask, "/flows/", name="inner")
    run = made(ask, "/flow_runs/", flow_id=outer, name="first", state={"type": "RUNNING"}, tags=["nightly", "a"])
    task = made(ask, "/task_runs/", flow_run_id=run, task_key="load", dynamic_key="0", name="load-0", tags=["a"])
    stub = made(ask, "/task_runs/", flow_run_id=run, task_key="inner", dynamic_key="0", name="inner-0")
    nested = made(ask, "/flow_runs/", flow_id=inner, name="nested", parent_task_run_id=stub, state={"type": "PENDING"})
    failed = {"type": "FAILED", "name": "TimedOut", "message": "late"}
    assert ask("POST", f"/flow_runs/{nested}/set_state", {"state": failed}).status == 201
    late = made(ask, "/flow_runs/", flow_id=outer, name="later", state={"type": "SCHEDULED", "name": "Late"})
    return {"first": run, "load-0": task, "inner-0": stub, "nested": nested, "later": late, "outer": outer, "inner": inner}


def named(ask, path, **body):
    reply = ask("POST", f"/{path}/filter", body)
    assert reply.status == 200, reply.json()
    return [one["name"] for one in reply.json()]


def test_a_run_in_a_task_is_told_apart(ask, tree):
    """Prefect's client asks for it before it makes one; taking any other would be that run's end."""
    asked = {"flow_runs": {"parent_task_run_id": {"any_": [NOBODY]}}, "sort": "EXPECTED_START_TIME_DESC", "limit": 1}
    assert named(ask, "flow_runs", **asked) == []
    asked["flow_runs"] = {"parent_task_run_id": {"any_": [tree["inner-0"]]}}
    assert named(ask, "flow_runs", **asked) == ["nested"]
    nested = ask("GET", f"/flow_runs/{tree['nested']}").json()
    assert (nested["parent_task_run_id"], nested["flow_id"]) == (tree["inner-0"], tree["inner"])
    assert ask("GET", f"/flow_runs/{tree['first']}").json()["parent_task_run_id"] is None


def test_the_task_that_stands_for_a_flow_goes_with_it(ask, tree):
    stub = ask("GET", f"/task_runs/{tree['inner-0']}").json()
    assert (stub["state_type"], stub["state_name"], stub["flow_run_id"]) == ("FAILED", "TimedOut", tree["first"])
    assert ask("GET", f"/task_runs/{tree['load-0']}").json()["state_type"] == "RUNNING"


def test_tags_and_states_come_back(ask, tree):
    first, late = (ask("GET", f"/flow_runs/{tree[name]}").json() for name in ("first", "later"))
    assert (first["tags"], first["state_type"]) == (["nightly", "a"], "RUNNING")
    assert (late["state_type"], late["state_name"], late["state"]["name"]) == ("SCHEDULED", "Late", "Late")


WHICH = [
    ({}, ["later", "nested", "first"]),
    ({"flow_runs": None, "flows": None, "sort": None, "limit": None}, ["later", "nested", "first"]),
    ({"flow_runs": {}}, ["later", "nested", "first"]),
    ({"limit": 1}, ["later"]),
    ({"limit": 1, "offset": 1}, ["nested"]),
    ({"offset": 5}, []),
    ({"limit": 0}, []),
    ({"sort": "NAME_ASC"}, ["first", "later", "nested"]),
    ({"sort": "START_TIME_ASC", "limit": 2}, ["first", "nested"]),
    ({"flow_runs": {"name": {"any_": ["first", "x"]}}}, ["first"]),
    ({"flow_runs": {"name": {"like_": "EST"}}}, ["nested"]),
    ({"flow_runs": {"name": {"like_": "f_r%t"}}}, ["first"]),
    ({"flow_runs": {"id": {"any_": []}}}, []),
    ({"flow_runs": {"id": {"not_any_": ["{first}"]}}}, ["later", "nested"]),
    ({"flow_runs": {"tags": {"all_": ["a", "nightly"]}}}, ["first"]),
    ({"flow_runs": {"tags": {"all_": ["a", "b"]}}}, []),
    ({"flow_runs": {"tags": {"any_": ["a", "b"]}}}, ["first"]),
    ({"flow_runs": {"tags": {"is_null_": True}}}, ["later", "nested"]),
    ({"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}}, ["nested"]),
    ({"flow_runs": {"state": {"type": {"not_any_": ["FAILED"]}}}}, ["later", "first"]),
    ({"flow_runs": {"state": {"name": {"any_": ["Late", "TimedOut"]}}}}, ["later", "nested"]),
    ({"flow_runs": {"state": {"operator": "or_", "type": {"any_": ["RUNNING"]}, "name": {"any_": ["Late"]}}}}, ["later", "first"]),
    ({"flow_runs": {"operator": "or_", "name": {"any_": ["first"]}, "tags": {"is_null_": True}}}, ["later", "nested", "first"]),
    ({"flow_runs": {"operator": "or_", "id": {"any_": ["{first}"]}, "name": {"any_": ["later"]}}}, ["later", "first"]),
    ({"flow_runs": {"start_time": {"after_": "2020-01-01T00:00:00Z"}}}, ["later", "nested", "first"]),
    ({"flow_runs": {"start_time": {"before_": "2020-01-01T00:00:00"}}}, []),
    ({"flow_runs": {"end_time": {"is_null_": False}}}, ["nested"]),
    ({"flow_runs": {"parent_flow_run_id": {"any_": ["{first}"]}}}, ["nested"]),
    ({"flow_runs": {"parent_task_run_id": {"is_null_": True}}}, ["later", "first"]),
    ({"flow_runs": {"deployment_id": {"is_null_": True}}}, ["later", "nested", "first"]),
    ({"flow_runs": {"deployment_id": {"any_": [NOBODY]}}}, []),
    ({"flow_runs": {"work_queue_name": {"any_": ["x"]}}}, []),
    ({"flow_runs": {"next_scheduled_start_time": {"before_": "2099-01-01T00:00:00Z"}}}, []),
    ({"flow_runs": {"idempotency_key": {"any_": ["x"]}}}, []),
    ({"flow_runs": {"flow_version": {"any_": ["1"]}}}, []),
    ({"flow_runs": {"created_by": {"type_": ["x"]}}}, []),
    ({"flows": {"name": {"any_": ["outer"]}}}, ["later", "first"]),
    ({"flows": {"id": {"any_": ["{inner}"]}}}, ["nested"]),
    ({"flows": {"name": {"like_": "NN"}, "deployment": {"is_null_": True}}}, ["nested"]),
    ({"task_runs": {"name": {"any_": ["load-0"]}}}, ["first"]),
    ({"deployments": {}}, []),
    ({"unknown": 1}, ["later", "nested", "first"]),
]  # fmt: skip


def filled(value, tree):
    if isinstance(value, dict):
        return {name: filled(one, tree) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, tree) for one in value]
    return tree[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value


@pytest.mark.parametrize(("body", "expected"), WHICH, ids=[str(body) for body, _ in WHICH])
def test_which_flow_runs(ask, tree, body, expected):
    assert named(ask, "flow_runs", **filled(body, tree)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["inner-0", "load-0"]),
        ({"task_runs": {"name": {"like_": "load"}}}, ["load-0"]),
        ({"task_runs": {"flow_run_id": {"any_": ["{first}"]}}}, ["inner-0", "load-0"]),
        ({"task_runs": {"flow_run_id": {"is_null_": True}}}, []),
        ({"task_runs": {"subflow_runs": {"exists_": True}}}, ["inner-0"]),
        ({"task_runs": {"subflow_runs": {"exists_": False}}}, ["load-0"]),
        ({"task_runs": {"tags": {"all_": ["a"]}}}, ["load-0"]),
        ({"task_runs": {"state": {"type": {"any_": ["FAILED"]}}}}, ["inner-0"]),
        ({"flow_runs": {"id": {"any_": ["{first}"]}}}, ["inner-0", "load-0"]),
        ({"flow_runs": {"id": {"any_": ["{later}"]}}}, []),
        ({"flow_runs": {"name": {"any_": ["nested"]}}}, []),
        ({"flows": {"name": {"any_": ["outer"]}}}, ["inner-0", "load-0"]),
        ({"flows": {"name": {"any_": ["inner"]}}}, []),
        ({"sort": "NAME_DESC"}, ["load-0", "inner-0"]),
        ({"deployments": {}}, []),
    ],
    ids=str,
)
def test_which_task_runs(ask, tree, body, expected):
    assert named(ask, "task_runs", **filled(body, tree)) == expected


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"flow_runs": {"x": 1}}, ["flow_runs", "x"]),
        ({"flow_runs": {"state": {"type": {"any_": ["SLEEPING"]}}}}, ["flow_runs", "state", "type", "any_", 0]),
        ({"flow_runs": {"start_time": {"after_": "noon"}}}, ["flow_runs", "start_time", "after_"]),
        ({"flow_runs": []}, ["flow_runs"]),
        ({"task_runs": {"deployment_id": {}}}, ["task_runs", "deployment_id"]),
        ({"flows": {"deployment": {"x": 1}}}, ["flows", "deployment", "x"]),
        ({"deployments": {"x": 1}}, ["deployments", "x"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/flow_runs/filter", "/task_runs/filter", "/artifacts/filter", "/artifacts/latest/count"])
def test_what_is_no_filter(ask, path, body, place):
    reply = ask("POST", path, body)
    assert reply.status == 422
    assert [problem["loc"] for problem in reply.json()["exception_detail"]] == [["body", *place]]


def test_sorts_that_are_none(ask):
    for path, sort in (("/flow_runs/filter", "UP"), ("/task_runs/filter", "START_TIME_ASC")):
        reply = ask("POST", path, {"sort": sort})
        assert [problem["loc"] for problem in reply.json()["exception_detail"]] == [["body", "sort"]]


def test_artifacts_by_what_is_known_of_their_runs(ask, tree):
    for key, run, task in (("a", "first", "load-0"), ("b", "nested", None), ("c", "later", None)):
        ask("POST", "/artifacts/", {"key": key, "flow_run_id": tree[run], "task_run_id": task and tree[task]})

    def keys(**body):
        found = [one["key"] for one in ask("POST", "/artifacts/filter", {"sort": "KEY_ASC", **body}).json()]
        assert ask("POST", "/artifacts/latest/count", body).json() == len(found)
        return found

    assert keys(flow_runs={"state": {"type": {"any_": ["FAILED", "SCHEDULED"]}}}) == ["b", "c"]
    assert keys(flow_runs={"tags": {"all_": ["nightly"]}}) == ["a"]
    assert keys(flow_runs={"id": {"not_any_": [tree["first"]]}}) == ["b", "c"]
    assert keys(flow_runs={"parent_flow_run_id": {"any_": [tree["first"]]}}) == ["b"]
    assert keys(flows={"name": {"any_": ["outer"]}}) == ["a", "c"]
    assert keys(flows={"name": {"any_": ["outer"]}}, flow_runs={"name": {"any_": ["later", "nested"]}}) == ["c"]
    assert keys(task_runs={"flow_run_id": {"any_": [tree["first"]]}}) == ["a"]
    assert keys(task_runs={"tags": {"all_": ["b"]}}) == []
    assert keys(deployments={"name": {"any_": ["x"]}}) == []


def test_what_a_message_tells_of_a_task(ask, store, tree):
    def tell(state, **more):
        resource = {"prefect.resource.id": f"prefect.task-run.{NOBODY}", "prefect.resource.name": "told-0"}
        related = [{"prefect.resource.role": "flow-run", "prefect.resource.id": f"prefect.flow-run.{tree['first']}"}]
        payload = {"validated_state": state, "task_run": {"tags": ["x"]}}
        flows.task_run_event(store, wire.encode({"resource": resource, "related": related, "payload": payload, **more}))

    tell({"type": "RUNNING", "name": "Retrying"})
    told = ask("GET", f"/task_runs/{NOBODY}").json()
    assert (told["state_name"], told["tags"], told["end_time"]) == ("Retrying", ["x"], None)
    tell({"type": "COMPLETED", "name": "Cached"})
    told = ask("GET", f"/task_runs/{NOBODY}").json()
    assert (told["state_type"], told["state_name"]) == ("COMPLETED", "Cached")


@pytest.mark.parametrize("path", ["/flows/", "/flow_runs/filter", "/task_runs/filter", "/logs/"])
@pytest.mark.parametrize("version", ["0.7.9", "0.8", "x"])
def test_clients_too_old_are_told(ask, path, version):
    assert ask("POST", path, {"name": "f"}, **{"X-PREFECT-API-VERSION": version}).status == 400
    assert ask("GET", "/version", **{"X-PREFECT-API-VERSION": version}).status == 200


@pytest.mark.parametrize(
    ("path", "body", "places"),
    [
        ("/flow_runs/", {}, [["flow_id"]]),
        ("/flow_runs/", {"flow_id": None, "name": "x"}, [["flow_id"]]),
        ("/flow_runs/", {"flow_id": "x"}, [["flow_id"]]),
        ("/flow_runs/", {"flow_id": NOBODY, "state": {"type": "SLEEPING"}}, [["state", "type"]]),
        ("/flow_runs/", {"flow_id": NOBODY, "state": {}}, [["state", "type"]]),
        ("/task_runs/", {}, [["task_key"], ["dynamic_key"]]),
        ("/task_runs/", {"task_key": "t", "dynamic_key": 1}, [["dynamic_key"]]),
        ("/flow_runs/{first}/set_state", {}, [["state"]]),
        ("/flow_runs/{first}/set_state", {"state": None}, [["state"]]),
        ("/flow_runs/{first}/set_state", {"state": "RUNNING"}, [["state"]]),
        ("/task_runs/{load-0}/set_state", {"state": {"type": "X"}}, [["state", "type"]]),
    ],
)
def test_what_is_no_run(ask, tree, path, body, places):
    for name, id in tree.items():
        path = path.replace(f"{{{name}}}", id)
    reply = ask("POST", path, body)
    assert reply.status == 422
    assert [problem["loc"] for problem in reply.json()["exception_detail"]] == [["body", *place] for place in places]


def test_a_task_with_tags_has_room(ask):
    """Prefect's client asks before each, and a task whose question fails does too."""
    asked = {"names": ["tag:x"], "slots": 1, "mode": "concurrency", "lease_duration": 300}
    lease = ask("POST", "/v2/concurrency_limits/increment-with-lease", asked).json()
    assert (list(lease), lease["limits"]) == (["lease_id", "limits"], [])
    assert ask("POST", f"/v2/concurrency_limits/leases/{lease['lease_id']}/renew", {"lease_duration": 300}).status == 204
    assert ask("POST", "/v2/concurrency_limits/decrement-with-lease", {"lease_id": lease["lease_id"]}).status == 204
    for path in ("increment-with-lease", "decrement-with-lease"):
        assert ask("POST", f"/v2/concurrency_limits/{path}", {}).status == 422


def test_a_flow_is_tried_again(ask, monkeypatch):
    """The client leaves that to the server: it proposes that the run failed, and is told to go on."""
    flow = made(ask, "/flows/", name="again")
    new = {"flow_id": flow, "state": {"type": "PENDING"}, "empirical_policy": {"retries": 1, "retry_delay": 30}}
    run = made(ask, "/flow_runs/", **new)

    def propose(state, **more):
        reply = ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": state, "message": "boom"}, **more}).json()
        return reply["status"], reply["state"] and reply["state"]["type"], reply["details"]

    def shown():
        found = ask("GET", f"/flow_runs/{run}").json()
        return found["state_type"], found["state_name"], found["run_count"], found["end_time"]

    assert shown() == ("PENDING", "Pending", 0, None)
    assert propose("RUNNING") == ("ACCEPT", "RUNNING", {"type": "accept_details"})
    assert propose("FAILED") == ("REJECT", "SCHEDULED", {"type": "reject_details", "reason": "Retrying"})
    assert shown() == ("SCHEDULED", "AwaitingRetry", 1, None)
    assert ask("GET", f"/flow_runs/{run}").json()["state"]["state_details"]["scheduled_time"]
    status, state, details = propose("RUNNING")
    assert (status, state, details["type"], 28 < details["delay_seconds"] <= 30) == ("WAIT", None, "wait_details", True)
    later = wire.now() + timedelta(seconds=31)
    monkeypatch.setattr(wire, "now", lambda: later)
    assert propose("RUNNING")[:2] == ("ACCEPT", "RUNNING")
    assert propose("FAILED") == ("ACCEPT", "FAILED", {"type": "accept_details"})
    assert shown()[:3] == ("FAILED", "Failed", 2)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"empirical_policy": None},
        {"empirical_policy": {"retries": "x", "retry_delay": []}},
        {"empirical_policy": {"retries": 0}},
    ],
)
def test_a_flow_without_another_try_has_failed(ask, body):
    run = made(ask, "/flow_runs/", flow_id=made(ask, "/flows/", name="once"), **body)
    for state in ("RUNNING", "FAILED"):
        assert ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": state}}).json()["status"] == "ACCEPT"
    assert ask("GET", f"/flow_runs/{run}").json()["state_type"] == "FAILED"


def test_a_forced_state_is_taken(ask):
    run = made(
        ask, "/flow_runs/", flow_id=made(ask, "/flows/", name="forced"), empirical_policy={"retries": 5, "retry_delay": 10}
    )
    assert ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}}).status == 201
    forced = ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "FAILED"}, "force": True}).json()
    assert (forced["status"], forced["state"]["type"]) == ("ACCEPT", "FAILED")
