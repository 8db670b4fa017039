"""Filters on flows and their runs, as Prefect's clients send them: the members that there are, and which runs they mean.

What runs here do not have (deployments, work queues, schedules) is null in all of them. Whatever an index can tell is asked
of the store, the rest is looked at run by run.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import msgspec

from nb_artifacts import wire
from nb_artifacts.api import body
from nb_artifacts.api.body import Field, Problem, array, choice, optional, pattern, record
from nb_artifacts.wire import IdFilter, NameFilter, PrefectRun, Run, RunFilter, RunKind, RunQuery, RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nb_artifacts.store import Store

MOST_RUNS = 100_000
"""So many runs are looked at."""

PAGE = 1000
FLOW_RUNS, TASK_RUNS = (RunKind.session, RunKind.flow), (RunKind.cell, RunKind.task)
"""What an artifact's `flow_run_id` and `task_run_id` may name."""

TYPES = ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "CANCELLING")
ENDED = {
    "COMPLETED": RunState.completed,
    "FAILED": RunState.failed,
    "CRASHED": RunState.interrupted,
    "CANCELLED": RunState.interrupted,
}
_OWN_TYPES = {
    RunState.running: "RUNNING",
    RunState.completed: "COMPLETED",
    RunState.failed: "FAILED",
    RunState.interrupted: "CRASHED",
}
_FLOWS = UUID("6f0c2a1e-6d2b-5f0e-9f4e-2f1b8c6e7a90")


def _moment(raw: msgspec.Raw, place: body.Place, problems: body.Problems) -> datetime | None:
    try:
        found: datetime = msgspec.json.decode(raw, type=datetime)
    except msgspec.DecodeError:
        problems.append(Problem("datetime_parsing", place, "Input should be a valid datetime", None))
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def operators(**fields: Field) -> Field:
    """A field that takes an object of these, each of which, like itself, may be null."""
    return optional(record({name: optional(field) for name, field in fields.items()}))


OPERATOR = optional(choice(wire.Operator))
_IDS, _TEXTS = array(body.uuid), array(body.text)
_NAMES = operators(any_=_TEXTS, like_=pattern)
_TAGS = operators(operator=OPERATOR, all_=_TEXTS, any_=_TEXTS, is_null_=body.boolean)
_WHEN = operators(before_=_moment, after_=_moment, is_null_=body.boolean)
_SOME = operators(operator=OPERATOR, any_=_IDS, is_null_=body.boolean)
_SHARED: dict[str, Field] = {
    "operator": OPERATOR,
    "name": _NAMES,
    "tags": _TAGS,
    "state": operators(
        operator=OPERATOR,
        type=operators(any_=array(choice(str, TYPES)), not_any_=array(choice(str, TYPES))),
        name=operators(any_=_TEXTS, not_any_=_TEXTS),
    ),
    "start_time": _WHEN,
    "end_time": _WHEN,
    "expected_start_time": _WHEN,
}
_FLOW_RUNS: dict[str, Field] = {
    **_SHARED,
    "id": operators(any_=_IDS, not_any_=_IDS),
    "deployment_id": _SOME,
    "work_queue_name": operators(operator=OPERATOR, any_=_TEXTS, is_null_=body.boolean),
    "flow_version": operators(any_=_TEXTS),
    "next_scheduled_start_time": _WHEN,
    "parent_flow_run_id": _SOME,
    "parent_task_run_id": _SOME,
    "idempotency_key": operators(any_=_TEXTS, not_any_=_TEXTS),
    "created_by": operators(operator=OPERATOR, id_=_IDS, type_=_TEXTS, is_null_=body.boolean),
}
_TASK_RUNS: dict[str, Field] = {
    **_SHARED,
    "id": operators(any_=_IDS),
    "subflow_runs": operators(exists_=body.boolean),
    "flow_run_id": _SOME,
}
RELATED: dict[str, Field] = {
    "flow_runs": record(_FLOW_RUNS),
    "task_runs": record(_TASK_RUNS),
    "flows": record(
        {
            "operator": OPERATOR,
            "id": operators(any_=_IDS, not_any_=_IDS),
            "deployment": operators(operator=OPERATOR, is_null_=body.boolean),
            "name": _NAMES,
            "tags": _TAGS,
        }
    ),
    "deployments": record(
        {
            "operator": OPERATOR,
            "id": operators(any_=_IDS, not_any_=_IDS),
            "name": _NAMES,
            "flow_or_deployment_name": operators(like_=pattern),
            "paused": operators(eq_=body.boolean),
            "tags": _TAGS,
            "work_queue_name": operators(any_=_TEXTS),
            "concurrency_limit": operators(ge_=body.integer, le_=body.integer, is_null_=body.boolean),
        }
    ),
}
"""What a body may say of runs."""


def flow_id(name: str) -> UUID:
    """The id of the flow of that name."""
    return uuid5(_FLOWS, name)


def is_flow(run: Run) -> bool:
    """Whether it is a flow itself, the parent of its runs."""
    return run.kind is RunKind.flow and run.name is not None and run.id == flow_id(run.name)


def known(run: Run) -> PrefectRun:
    """What only Prefect's clients ask of it."""
    return run.provenance.prefect or PrefectRun()


def flow_of(run: Run) -> UUID | None:
    """The flow that a flow run is of."""
    return known(run).flow_id or run.parent_id


def task_above(run: Run) -> UUID | None:
    """The task run in which a flow run was begun."""
    return run.parent_id if known(run).flow_id is not None else None


def state_of(run: Run) -> tuple[str, str]:
    """The type and the name of its state."""
    kept = known(run)
    if kept.state_type is not None and ENDED.get(kept.state_type, RunState.running) is run.state:
        return kept.state_type, kept.state_name or kept.state_type.capitalize()
    return _OWN_TYPES[run.state], _OWN_TYPES[run.state].capitalize()  # something else has changed it since


def related_ids(store: Store, found: dict[str, Any]) -> tuple[RunFilter | None, RunFilter | None]:
    """The flow runs and the task runs that artifacts have to be of, as a store can ask for them."""
    flows, tasks = _part(found, "flow_runs", "flows"), _part(found, "task_runs")
    return _as_filter(store, FLOW_RUNS, "flow_runs", flows), _as_filter(store, TASK_RUNS, "task_runs", tasks)


def _part(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}


def _as_filter(store: Store, kinds: tuple[RunKind, ...], name: str, asked: dict[str, Any]) -> RunFilter | None:
    if not asked:
        return None
    own = {member: value for member, value in asked.get(name, {}).items() if value is not None}
    if list(asked) == [name] and own.keys() <= {"operator", "id", "name"} and not (own.get("id") or {}).get("not_any_"):
        ids, names = own.get("id"), own.get("name")
        return RunFilter(
            operator=own.get("operator"),
            id=None if ids is None else IdFilter(ids.get("any_")),
            name=None if names is None else NameFilter(**names),
        )
    return RunFilter(id=IdFilter([run.id for run in find(store, kinds, asked)]))


def find(store: Store, kinds: tuple[RunKind, ...], asked: dict[str, Any]) -> Iterator[Run]:
    """The runs of some kinds that the members of `RELATED` in a body mean, newest first."""
    if "deployments" in asked:
        return
    of_flows = RunKind.flow in kinds
    own = asked.get("flow_runs" if of_flows else "task_runs", {})
    query = RunQuery(kind=list(kinds))
    for column, ids in _indexed(own).items():
        setattr(query, column, ids)
    checks = _checks(store, asked, of_flows=of_flows)
    for run in _newest(store, query):
        if not is_flow(run) and _holds(_Values(store, run), own) and all(check(run) for check in checks):
            yield run


def _indexed(own: dict[str, Any]) -> dict[str, IdFilter]:
    """What of a filter the store can tell by its indexes."""
    if own.get("operator") is wire.Operator.or_:
        return {}
    columns = {"id": "id", "flow_run_id": "parent_id", "parent_task_run_id": "parent_id"}
    asked = {columns[name]: value for name, value in own.items() if name in columns and value}
    all_of = {name: value for name, value in asked.items() if value.get("operator") is not wire.Operator.or_}
    return {name: IdFilter(value["any_"]) for name, value in all_of.items() if value.get("any_") is not None}


def _checks(store: Store, asked: dict[str, Any], *, of_flows: bool) -> list[Callable[[Run], bool]]:
    """What has to hold of a run's flow, and of the runs above or below it."""
    checks: list[Callable[[Run], bool]] = []
    if of_flows and "flows" in asked:
        flows = {run.id for run in _flows(store, asked["flows"]) if _holds(_Values(store, run), asked["flows"])}
        checks.append(lambda run: flow_of(run) in flows)
    if of_flows and "task_runs" in asked:
        above = {run.parent_id for run in find(store, TASK_RUNS, {"task_runs": asked["task_runs"]})}
        checks.append(lambda run: run.id in above)
    if not of_flows and asked.keys() & {"flows", "flow_runs"}:
        ids = {run.id for run in find(store, FLOW_RUNS, _part(asked, "flow_runs", "flows"))}
        checks.append(lambda run: run.parent_id in ids)
    return checks


def _flows(store: Store, asked: dict[str, Any]) -> Iterator[Run]:
    """Those that a filter may mean: the ones that it names, or all."""
    names = None if asked.get("operator") is wire.Operator.or_ else (asked.get("name") or {}).get("any_")
    query = RunQuery(kind=[RunKind.flow], id=None if names is None else IdFilter([flow_id(name) for name in names]))
    return filter(is_flow, _newest(store, query))


def _newest(store: Store, query: RunQuery) -> Iterator[Run]:
    """Page by page, so that whoever wants few of them reads few."""
    seen: set[UUID] = set()
    for offset in range(0, MOST_RUNS, PAGE):
        runs = store.find_runs(msgspec.structs.replace(query, limit=PAGE, offset=offset))
        for run in runs:
            if run.id not in seen:  # those made in the meantime move the others on
                seen.add(run.id)
                yield run
        if len(runs) < PAGE:
            return


class _Values:
    """A run's value for each member of a filter."""

    def __init__(self, store: Store, run: Run) -> None:
        self._store = store
        self._run = run

    def __getitem__(self, name: str) -> Any:
        found = _MEMBERS.get(name)
        return None if found is None else found(self._store, self._run)


def _flow_run_above(store: Store, run: Run) -> UUID | None:
    task = task_above(run)
    above = None if task is None else store.get_run(task)
    return None if above is None else above.parent_id


_MEMBERS: Mapping[str, Callable[[Store, Run], Any]] = {
    "id": lambda _, run: run.id,
    "name": lambda _, run: run.name,
    "tags": lambda _, run: known(run).tags,
    "state": lambda _, run: dict(zip(("type", "name"), state_of(run), strict=True)),
    "start_time": lambda _, run: run.started,
    "expected_start_time": lambda _, run: run.started,
    "end_time": lambda _, run: run.ended,
    "flow_run_id": lambda _, run: run.parent_id,
    "parent_task_run_id": lambda _, run: task_above(run),
    "parent_flow_run_id": _flow_run_above,
    "subflow_runs": lambda store, run: store.find_runs(RunQuery(kind=[RunKind.flow], parent_id=IdFilter([run.id]), limit=1)),
}
"""What is not among these is null."""

_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "any_": lambda value, given: any(one in given for one in value) if isinstance(value, list) else value in given,
    "all_": lambda value, given: set(given) <= set(value or ()),
    "not_any_": lambda value, given: not given or (value is not None and value not in given),
    "like_": lambda value, given: not given or (value is not None and _is_like(value, given)),
    "is_null_": lambda value, given: (not value) is given,
    "exists_": lambda value, given: bool(value) is given,
    "before_": lambda value, given: value is not None and value <= given,
    "after_": lambda value, given: value is not None and value >= given,
}


def _holds(values: Any, asked: dict[str, Any]) -> bool:
    """Whether what is asked holds of the values, all of it or, with that operator, any."""
    held = []
    for name, given in asked.items():
        if name != "operator" and given is not None:
            value = values[name]
            held.append(_holds(value, given) if isinstance(value, dict) else _passes(value, given))
    return _together(held, asked)


def _passes(value: Any, asked: dict[str, Any]) -> bool:
    given = {name: one for name, one in asked.items() if name != "operator" and one is not None}
    return _together([name in _TESTS and _TESTS[name](value, one) for name, one in given.items()], asked)


def _together(held: list[bool], asked: dict[str, Any]) -> bool:
    return not held or (any(held) if asked.get("operator") is wire.Operator.or_ else all(held))


def _is_like(value: str, part: str) -> bool:
    """Whether a part of `value` is like that, as SQL has it: ``%`` stands for any text, ``_`` for one character."""
    place = 0
    for piece in part.split("%"):  # each where it comes first: one expression for all of it could take for ever
        spelled = "".join("." if one == "_" else re.escape(one) for one in piece)
        found = re.compile(spelled, re.IGNORECASE | re.DOTALL).search(value, place)
        if found is None:
            return False
        place = found.end()
    return True
