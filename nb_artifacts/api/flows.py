"""What a real Prefect client needs inside flows: flows, flow runs and task runs, kept as runs of their kinds.

A flow itself is a run too, the parent of its own runs; its id follows from its name. Of a state only its type is kept:
runs here tell where artifacts come from and are no orchestration. Logs are taken and not kept.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import msgspec
from msgspec import structs

from nb_artifacts import wire
from nb_artifacts.api import body
from nb_artifacts.api.body import Field, Problem
from nb_artifacts.api.filters import limit_of
from nb_artifacts.api.message import Refused, Request, Response, answer, refusal
from nb_artifacts.api.retries import decide, set_policy
from nb_artifacts.api.run_filters import (
    ENDED,
    MOST_RUNS,
    RELATED,
    TYPES,
    find,
    flow_id,
    flow_of,
    is_flow,
    known,
    state_of,
    task_above,
)
from nb_artifacts.wire import PrefectRun, Run, RunKind, RunState

if TYPE_CHECKING:
    from nb_artifacts.store import Store

_BODY: dict[str, Field] = {**RELATED, "limit": body.integer, "offset": body.natural}
_SORTS = {
    "ID_DESC": None,
    "START_TIME_ASC": (lambda run: run.started, False),
    "START_TIME_DESC": None,
    "EXPECTED_START_TIME_ASC": (lambda run: run.started, False),
    "EXPECTED_START_TIME_DESC": None,
    "NAME_ASC": (lambda run: run.name or "", False),
    "NAME_DESC": (lambda run: run.name or "", True),
    "NEXT_SCHEDULED_START_TIME_ASC": None,
    "END_TIME_DESC": (lambda run: run.ended or run.started, True),
}
"""By what runs are sorted, and whether from the end; None is newest first, as they are found."""

_TASK_SORTS = tuple(name for name in _SORTS if not name.startswith("START"))
MOST_TAGS = 200


def create_flow(store: Store, request: Request) -> Response:
    """``POST /flows/``: 201 and the flow; 200 where one of that name is known."""
    name = _text(_members(request), "name")
    if name is None:
        raise body.invalid([Problem("missing", ("body", "name"), "Field required", None)], None)
    known = store.get_run(flow_id(name))
    if known is not None:
        return answer(_flow(known))
    moment = wire.now()
    flow = Run(id=flow_id(name), kind=RunKind.flow, started=moment, ended=moment, name=name, state=RunState.completed)
    return answer(_flow(store.put_run(flow)), 201)


def read_flow(store: Store, _: Request, id: UUID) -> Response:
    """``GET /flows/{id}``: 200 and the flow, or 404."""
    flow = store.get_run(id)
    if flow is None or not is_flow(flow):
        raise refusal(404, "Flow not found")
    return answer(_flow(flow))


def create_flow_run(store: Store, request: Request) -> Response:
    """``POST /flow_runs/``: 201 and the flow run."""
    read_needed(request, {"flow_id": body.uuid}, {"state": _state_type})
    return _create(store, _members(request), RunKind.flow)


def create_task_run(store: Store, request: Request) -> Response:
    """``POST /task_runs/``: 201 and the task run."""
    read_needed(request, {"task_key": body.text, "dynamic_key": body.text}, {"state": _state_type})
    return _create(store, _members(request), RunKind.task)


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
    return _find(store, request, RunKind.flow, tuple(_SORTS))


def filter_task_runs(store: Store, request: Request) -> Response:
    """``POST /task_runs/filter``: task runs, newest first."""
    return _find(store, request, RunKind.task, _TASK_SORTS)


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
    told, state = event.payload.get("task_run"), event.payload.get("validated_state")
    if isinstance(told, dict) and "tags" in told:
        run.provenance.prefect = structs.replace(known(run), tags=_tags(told))
    _apply(run, {**(state if isinstance(state, dict) else {}), "timestamp": event.occurred})
    store.put_run(run)


def _create(store: Store, members: dict[str, Any], kind: RunKind) -> Response:
    id = _id(members, "id") or wire.new_id()
    known = store.get_run(id)
    if known is not None:
        return answer(_shown(known))
    run = Run(id=id, kind=kind, started=wire.now(), name=_text(members, "name") or f"run-{id.hex[-8:]}")
    task, flow = _id(members, "parent_task_run_id"), _id(members, "flow_id")
    if kind is RunKind.task:
        run.parent_id = _id(members, "flow_run_id")
    else:
        run.parent_id = task or flow
    run.provenance.prefect = PrefectRun(flow_id=flow if task else None, tags=_tags(members))
    set_policy(run, members)
    _apply(run, members.get("state"))
    return answer(_shown(store.put_run(run), members), 201)


def read_needed(request: Request, needed: dict[str, Field], others: dict[str, Field] | None = None) -> dict[str, Any]:
    """The members of a body that may have others too. Raises `Refused` (422) where one that is `needed` is left out."""
    found = body.read_members(request, {**needed, **(others or {})})
    missing = [Problem("missing", ("body", name), "Field required", None) for name in needed if name not in found]
    if missing:
        raise body.invalid(missing, None)
    return found


def _state_type(raw: msgspec.Raw, place: body.Place, problems: body.Problems) -> None:
    members = body.members(raw, place, problems)
    if "type" in members:
        body.choice(str, TYPES)(members["type"], (*place, "type"), problems)
    elif body.kind(raw) == "object":
        problems.append(Problem("missing", (*place, "type"), "Field required", None))


def _set_state(store: Store, request: Request, run: Run) -> Response:
    read_needed(request, {"state": _state_type})
    members = _members(request)
    state, status, details = decide(run, members["state"], force=members.get("force") is True)
    if state is None:
        return answer({"state": None, "status": status, "details": details})
    _apply(run, state)
    store.put_run(run)
    _carry_up(store, run, state)
    return answer({"state": _state(run), "status": status, "details": details}, 201)


def _carry_up(store: Store, run: Run, state: dict[str, Any]) -> None:
    """The task run that stands for a flow run in another one goes with it."""
    above = task_above(run)
    task = None if above is None else store.get_run(above)
    if task is not None and task.kind is RunKind.task:
        _apply(task, state)
        store.put_run(task)


def _apply(run: Run, state: Any) -> None:
    if not isinstance(state, dict):
        return
    kind, kept = str(state.get("type"))[:100], known(run)
    run.state = ENDED.get(kind, RunState.running)
    kept.run_count += kind == "RUNNING"
    kept.state_type, kept.state_name = kind, _text(state, "name") or kind.capitalize()
    run.provenance.prefect = kept
    run.ended = None if run.state is RunState.running else _moment(state.get("timestamp"))
    run.error = _text(state, "message") if run.state in (RunState.failed, RunState.interrupted) else None


def _find(store: Store, request: Request, kind: RunKind, sorts: tuple[str, ...]) -> Response:
    asked = body.read_members(request, {**_BODY, "sort": body.choice(str, sorts)})
    limit, offset, order = limit_of(asked), asked.get("offset", 0), _SORTS[asked.get("sort", "ID_DESC")]
    runs = find(store, (kind,), asked)
    if order is not None:
        by, backwards = order
        runs = iter(sorted(runs, key=by, reverse=backwards))
    return answer([_shown(run) for run in islice(runs, min(offset, MOST_RUNS), min(offset, MOST_RUNS) + limit)])


def _known(store: Store, id: UUID, kind: RunKind) -> Run:
    run = store.get_run(id)
    if run is None or run.kind is not kind or is_flow(run):
        raise refusal(404, f"{kind.value.capitalize()} run not found")
    return run


def _flow(run: Run) -> dict[str, Any]:
    return {"id": run.id, "created": run.started, "updated": run.started, "name": run.name, "tags": [], "labels": {}}


def _state(run: Run) -> dict[str, Any]:
    kind, name = state_of(run)
    details = {f"{run.kind.value}_run_id": run.id, "scheduled_time": known(run).scheduled}
    id, moment = uuid5(run.id, f"{kind} {name}"), run.ended or run.started
    return {
        "id": id, "type": kind, "name": name, "timestamp": moment, "message": run.error, "data": None,
        "state_details": details,
    }  # fmt: skip


def _shown(run: Run, members: dict[str, Any] | None = None) -> dict[str, Any]:
    """A run as Prefect's clients read it."""
    count = 1 if run.provenance.prefect is None else known(run).run_count
    given, state, took = members or {}, _state(run), 0.0 if run.ended is None else (run.ended - run.started).total_seconds()
    common = {
        "id": run.id, "created": run.started, "updated": run.ended or run.started, "name": run.name, "state": state,
        "state_id": state["id"], "state_type": state["type"], "state_name": state["name"], "start_time": run.started,
        "expected_start_time": run.started, "end_time": run.ended, "total_run_time": max(took, 0.0), "run_count": count,
        "tags": known(run).tags, "labels": {},
    }  # fmt: skip
    if run.kind is RunKind.flow:
        parameters, parent = given.get("parameters") or {}, task_above(run)
        return {**common, "flow_id": flow_of(run) or run.id, "parameters": parameters, "parent_task_run_id": parent}
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


def _tags(members: Any) -> list[str]:
    given = members.get("tags")
    return [tag[:500].replace("\0", "") for tag in given[:MOST_TAGS] if isinstance(tag, str)] if isinstance(given, list) else []


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
