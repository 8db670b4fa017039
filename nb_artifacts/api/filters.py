"""Filter bodies as `wire.Query` and `wire.RunQuery`: Prefect's members, and ours where whole records are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts import wire
from nb_artifacts.api import body
from nb_artifacts.api.body import Field, array, choice, natural, pattern, record
from nb_artifacts.api.message import Request, refusal
from nb_artifacts.api.run_filters import OPERATOR, RELATED, operators, related_ids
from nb_artifacts.wire import Query, RunKind, RunQuery, RunState, Sort

if TYPE_CHECKING:
    from nb_artifacts.store import Store

MOST = 200
"""A page has at most this many records, and as many where the client does not say."""

_PREFECT_SORTS = ("CREATED_DESC", "UPDATED_DESC", "ID_DESC", "KEY_DESC", "KEY_ASC")


_IDS = operators(any_=array(body.uuid))
_SHARED: dict[str, Field] = {
    "operator": OPERATOR,
    "key": operators(any_=array(body.text), like_=pattern, exists_=body.boolean),
    "flow_run_id": _IDS,
    "task_run_id": _IDS,
    "type": operators(any_=array(body.text), not_any_=array(body.text)),
}
_PAGE: dict[str, Field] = {
    "sort": choice(Sort, _PREFECT_SORTS),
    "limit": body.integer,
    "offset": natural,
    "after": body.uuid,
}
_OURS: dict[str, Field] = {
    "sort": choice(Sort),
    "after": body.uuid,
    "version": natural,
    "run": body.uuid,
    "data": body.boolean,
}
_RUN_QUERY: dict[str, Field] = {
    "id": _IDS,
    "parent_id": _IDS,
    "session_id": _IDS,
    "kind": array(choice(RunKind)),
    "state": array(choice(RunState)),
    "notebook": body.text,
    "cell_id": body.text,
    "kernel_id": body.text,
    "limit": body.integer,
    "offset": natural,
}


def read_query(store: Store, request: Request, *, latest: bool, paged: bool = True) -> Query | None:
    """What the body of a list or (not `paged`) a count asks for; None where it can match nothing.

    There are no deployments here, so a filter on those matches nothing.
    Raises `Refused` as `read_members` does, and for a limit beyond `MOST`.
    """
    ids = ("latest_id", "id") if latest and request.whole else ("latest_id",) if latest else ("id",)
    fields: dict[str, Field] = {"artifacts": record({**dict.fromkeys(ids, _IDS), **_SHARED}), **RELATED}
    if paged:
        fields |= _PAGE
    if request.whole:
        fields |= _OURS
    found = body.read_members(request, fields)
    if "deployments" in found:
        return None
    artifacts = found.get("artifacts")
    if "after" in found and found.get("sort", Sort.ID_DESC) is not Sort.ID_DESC:
        raise refusal(422, "after goes with the order ID_DESC only.")
    flow_runs, task_runs = related_ids(store, found)
    return Query(
        artifacts=None if artifacts is None else _artifacts(artifacts),
        flow_runs=flow_runs,
        task_runs=task_runs,
        after=found.get("after"),
        version=found.get("version"),
        run=found.get("run"),
        latest=latest,
        data=found.get("data", False),
        sort=found.get("sort", Sort.ID_DESC),
        limit=limit_of(found),
        offset=found.get("offset", 0),
    )


def read_run_query(request: Request) -> RunQuery:
    """Which runs the body asks for. Raises `Refused` as `read_query` does."""
    found = body.read_members(request, _RUN_QUERY)
    for name in ("id", "parent_id", "session_id"):
        if name in found:
            found[name] = _filter(wire.IdFilter, found[name])
    return RunQuery(**{**found, "limit": limit_of(found)})


def limit_of(found: dict[str, Any]) -> int:
    """How many a page may have. Raises `Refused` outside of 0 to `MOST`."""
    limit: int = found.get("limit", MOST)
    if limit < 0:
        raise refusal(422, "Invalid limit: must be greater than or equal to 0.")
    if limit > MOST:
        raise refusal(422, f"Invalid limit: must be less than or equal to {MOST}.")
    return limit


def _artifacts(found: dict[str, Any]) -> wire.ArtifactFilter:
    id = found.get("latest_id") or found.get("id")
    return wire.ArtifactFilter(
        operator=found.get("operator"),
        id=_filter(wire.IdFilter, id),
        key=_filter(wire.KeyFilter, found.get("key")),
        flow_run_id=_filter(wire.IdFilter, found.get("flow_run_id")),
        task_run_id=_filter(wire.IdFilter, found.get("task_run_id")),
        type=_filter(wire.TypeFilter, found.get("type")),
    )


def _filter(struct: Any, found: dict[str, Any] | None) -> Any:
    return None if found is None else struct(**found)
