"""What a real Prefect client needs inside flows: flows, flow runs and task runs, kept as runs of their kinds.

A flow itself is a run too, the parent of its own runs; its id follows from its name. Of a state only its type is kept:
runs here tell where artifacts come from and are no orchestration. Logs are taken and not kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import msgspec

from nb_artifacts import wire
from nb_artifacts.api import body
from nb_artifacts.api.body import Problem
from nb_artifacts.api.filters import limit_of
from nb_artifacts.api.message import Refused, Request, Response, answer, refusal
from nb_artifacts.wire import IdFilter, NameFilter, Run, RunFilter, RunKind, RunQuery, RunState

if TYPE_CHECKING:
    from nb_artifacts.store import Store

MOST_RUNS = 100_000
"""So many runs are looked at where artifacts are asked for by their flows."""

_FLOWS = UUID("6f0c2a1e-6d2b-5f0e-9f4e-2f1b8c6e7a90")
_STATES = {
    "COMPLETED": RunState.completed,
    "FAILED": RunState.failed,
    "CRASHED": RunState.interrupted,
    "CANCELLED": RunState.interrupted,
}
_TYPES = {
    RunState.running: "RUNNING",
    RunState.completed: "COMPLETED",
    RunState.failed: "FAILED",
    RunState.interrupted: "CRASHED",
}


def create_flow(store: Store, request: Request) -> Response:
    """``POST /flows/``: 201 and the flow; 200 where one of that name is known."""
    name = _text(_members(request), "name")
    if name is None:
        raise body.invalid([Problem("missing", ("body", "name"), "Field required", None)], None)
    known = store.get_run(uuid5(_FLOWS, name))
    if known is not None:
        return answer(_flow(known))
    moment = wire.now()
    flow = Run(id=uuid5(_FLOWS, name), kind=RunKind.flow, started=moment, ended=moment, name=name, state=RunState.completed)
    return answer(_flow(store.put_run(flow)), 201)


def read_flow(store: Store, _: Request, id: UUID) -> Response:
    """``GET /flows/{id}``: 200 and the flow, or 404."""
    flow = store.get_run(id)
    if flow is None or not _is_flow(flow):
        raise refusal(404, "Flow not found")
    return answer(_flow(flow))


def create_flow_run(store: Store, request: Request) -> Response:
    """``POST /flow_runs/``: 201 and the flow run."""
    return _create(store, _members(request), RunKind.flow, "flow_id")


def create_task_run(store: Store, request: Request) -> Response:
    """``POST /task_runs/``: 201 and the task run."""
    return _create(store, _members(request), RunKind.task, "flow_run_id")


def read_flow_run(store: Store, _: Request, id: UUID) -> Response:
    """``GET /flow_runs/{id}``: 200 and the flow run, or 404."""
    return answer(_shown(_known(store, id, RunKind.flow)))


def read_task_run(store: Store, _: Request, id: UUID) -> Response:
    """``GET /task_runs/{id}``: 200 and the task run, or 404."""
    return answer(_shown(_known(store, id, RunKind.task)))


def patch_flow_run(store: Store, request: Request, id: UUID) -> Response:
    """``PATCH /flow_runs/{id}``: 204; of what a client may change only the name is kept."""
    run, name = _known(store, id, RunKind.flow), _text(_members(request), "name")
    if name is not None:
        run.name = name
        store.put_run(run)
    return Response(204)


def label_flow_run(store: Store, request: Request, id: UUID) -> Response:
    """``PATCH /flow_runs/{id}/labels``: 204; labels are not kept."""
    _members(request)
    _known(store, id, RunKind.flow)
    return Response(204)


def set_flow_run_state(store: Store, request: Request, id: UUID) -> Response:
    """``POST /flow_runs/{id}/set_state``: 201; every state is accepted."""
    return _set_state(store, request, _known(store, id, RunKind.flow))


def set_task_run_state(store: Store, request: Request, id: UUID) -> Response:
    """``POST /task_runs/{id}/set_state``: 201; every state is accepted."""
    return _set_state(store, request, _known(store, id, RunKind.task))


def filter_flow_runs(store: Store, request: Request) -> Response:
    """``POST /flow_runs/filter``: flow runs, newest first."""
    return answer(_find(store, request, RunKind.flow, "flow_runs"))


def filter_task_runs(store: Store, request: Request) -> Response:
    """``POST /task_runs/filter``: task runs, newest first."""
    return answer(_find(store, request, RunKind.task, "task_runs"))


def create_logs(_: Store, request: Request) -> Response:
    """``POST /logs/``: 201; logs are not kept."""
    body.read_json(request)
    return Response(201)


def storage(_: Store, __: Request) -> Response:
    """``GET /admin/storage``: no storage of results is set."""
    return answer({"default_result_storage_block_id": None})


class Event(msgspec.Struct):
    """What of a Prefect client's event is read."""

    resource: dict[str, str]
    payload: dict[str, Any] = {}
    related: list[dict[str, str]] = []
    occurred: str | None = None

    @property
    def flow_run(self) -> UUID | None:
        """The flow run that it is about."""
        found = (one for one in self.related if one.get("prefect.resource.role") == "flow-run")
        return _parse(next(found, {}).get("prefect.resource.id", "").removeprefix("prefect.flow-run."))


def task_run_event(store: Store, message: bytes, *, known_only: bool = False) -> None:
    """Keep what a Prefect client's event says of a task run; with `known_only` only of one in a flow run that is known."""
    try:
        event = msgspec.json.decode(message, type=Event)
    except (msgspec.MsgspecError, RecursionError):
        return
    kind, _, name = event.resource.get("prefect.resource.id", "").rpartition(".")
    id, flow_run = _parse(name), event.flow_run
    if id is None or kind != "prefect.task-run":
        return
    if known_only and (flow_run is None or store.get_run(flow_run) is None):
        return
    run = store.get_run(id) or Run(id=id, kind=RunKind.task, started=_moment(event.occurred))
    if run.kind is not RunKind.task:
        return
    run.name = _text(event.resource, "prefect.resource.name") or run.name
    run.parent_id = flow_run or run.parent_id
    state = event.payload.get("validated_state")
    _apply(run, {**(state if isinstance(state, dict) else {}), "timestamp": event.occurred})
    store.put_run(run)


def runs_of_flows(store: Store, flows: dict[str, Any], runs: RunFilter | None) -> RunFilter:
    """The runs of some flows, of those that `runs` means: a flow is known by its runs' parent."""
    query = RunQuery(kind=[RunKind.flow], limit=MOST_RUNS)
    ids = (flows.get("id") or {}).get("any_")
    names = (flows.get("name") or {}).get("any_")
    part = (flows.get("name") or {}).get("like_")
    known = [run.id for run in store.find_runs(query) if _is_flow(run) and _like(run, ids, names, part)]
    query.parent_id = IdFilter(any_=known)
    found = store.find_runs(query)
    if runs is not None:
        name = runs.name or NameFilter()
        found = [run for run in found if _like(run, runs.id.any_ if runs.id else None, name.any_, name.like_)]
    return RunFilter(id=IdFilter(any_=[run.id for run in found]))


def _like(run: Run, ids: list[UUID] | None, names: list[str] | None, part: str | None) -> bool:
    if ids is not None and run.id not in ids:
        return False
    return (names is None or run.name in names) and (not part or part.lower() in (run.name or "").lower())


def _create(store: Store, members: dict[str, Any], kind: RunKind, parent: str) -> Response:
    id = _id(members, "id") or wire.new_id()
    known = store.get_run(id)
    if known is not None:
        return answer(_shown(known))
    run = Run(id=id, kind=kind, started=wire.now(), name=_text(members, "name") or f"run-{id.hex[-8:]}")
    run.parent_id = _id(members, parent)
    _apply(run, members.get("state"))
    return answer(_shown(store.put_run(run), members), 201)


def _set_state(store: Store, request: Request, run: Run) -> Response:
    state = _members(request).get("state")
    if not isinstance(state, dict) or not isinstance(state.get("type"), str):
        raise body.invalid([Problem("missing", ("body", "state"), "Field required", None)], None)
    _apply(run, state)
    store.put_run(run)
    accepted = {**_state(run), "type": state["type"], "name": state.get("name") or state["type"].capitalize()}
    found = {"state": accepted, "status": "ACCEPT", "details": {"type": "accept_details"}}
    return answer(found, 201)


def _apply(run: Run, state: Any) -> None:
    if not isinstance(state, dict):
        return
    run.state = _STATES.get(str(state.get("type")), RunState.running)
    run.ended = None if run.state is RunState.running else _moment(state.get("timestamp"))
    run.error = _text(state, "message") if run.state in (RunState.failed, RunState.interrupted) else None


def _find(store: Store, request: Request, kind: RunKind, name: str) -> list[dict[str, Any]]:
    """Runs whose id is one of those asked for, or all of the kind."""
    members = _members(request)
    numbers = {key: members[key] for key in ("limit", "offset") if type(members.get(key)) is int}  # true is an int as well
    limit = limit_of(numbers)
    asked = members.get(name)
    given = asked.get("id") if isinstance(asked, dict) else None
    wanted = given.get("any_") if isinstance(given, dict) else None
    query = RunQuery(kind=[kind], limit=limit)
    if isinstance(wanted, list):
        query.id = IdFilter(any_=[found for one in wanted if (found := _parse(one)) is not None])
    query.offset = min(max(numbers.get("offset", 0), 0), 2**53)
    return [_shown(run) for run in store.find_runs(query) if not _is_flow(run)]


def _known(store: Store, id: UUID, kind: RunKind) -> Run:
    run = store.get_run(id)
    if run is None or run.kind is not kind or _is_flow(run):
        raise refusal(404, f"{kind.value.capitalize()} run not found")
    return run


def _is_flow(run: Run) -> bool:
    return run.kind is RunKind.flow and run.name is not None and run.id == uuid5(_FLOWS, run.name)


def _flow(run: Run) -> dict[str, Any]:
    return {"id": run.id, "created": run.started, "updated": run.started, "name": run.name, "tags": [], "labels": {}}


def _state(run: Run) -> dict[str, Any]:
    kind = _TYPES[run.state]
    details = {f"{run.kind.value}_run_id": run.id}
    id, moment = uuid5(run.id, kind), run.ended or run.started
    return {
        "id": id, "type": kind, "name": kind.capitalize(), "timestamp": moment, "message": run.error, "data": None,
        "state_details": details,
    }  # fmt: skip


def _shown(run: Run, members: dict[str, Any] | None = None) -> dict[str, Any]:
    """A run as Prefect's clients read it."""
    given, state = members or {}, _state(run)
    if isinstance(given.get("state"), dict) and isinstance(given["state"].get("type"), str):
        state = {
            **state,
            "type": given["state"]["type"],
            "name": given["state"].get("name") or given["state"]["type"].capitalize(),
        }
    common = {
        "id": run.id, "created": run.started, "updated": run.ended or run.started, "name": run.name, "state": state,
        "state_id": state["id"], "state_type": state["type"], "state_name": state["name"], "start_time": run.started,
        "end_time": run.ended, "tags": given.get("tags") or [], "run_count": 1,
    }  # fmt: skip
    if run.kind is RunKind.flow:
        parameters, parent = given.get("parameters") or {}, given.get("parent_task_run_id")
        return {**common, "flow_id": run.parent_id or run.id, "parameters": parameters, "parent_task_run_id": parent}
    keys = {name: str(given.get(name) or run.name) for name in ("task_key", "dynamic_key")}
    return {**common, "flow_run_id": run.parent_id, **keys}


def _members(request: Request) -> dict[str, Any]:
    raw = body.read_json(request)
    if raw is None:
        return {}
    if isinstance(raw, body.Text) or body.kind(raw) != "object":
        raise _not_an_object()
    members: list[Problem] = []
    body.anything(raw, ("body",), members)
    if members:
        raise body.invalid(members, None)
    return msgspec.json.decode(raw, type=dict[str, Any])


def _not_an_object() -> Refused:
    return body.invalid([Problem("model_attributes_type", ("body",), "Input should be an object", None)], None)


def _text(members: Any, name: str) -> str | None:
    value = members.get(name)
    return value[:10_000].replace("\0", "") if isinstance(value, str) and value else None


def _id(members: Any, name: str) -> UUID | None:
    return _parse(members.get(name))


def _parse(value: object) -> UUID | None:
    return wire.parse_id(value) if isinstance(value, str) else None


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return wire.now()
    return moment if moment.tzinfo else wire.now()
