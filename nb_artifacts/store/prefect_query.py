"""Queries in Prefect's words. What Prefect has no word for raises `Unsupported`: a list that leaves a condition out lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts.errors import InvalidValue, Unsupported
from nb_artifacts.wire import Sort

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from nb_artifacts.wire import ArtifactFilter, Query

MOST_VALUES = 5000
"""So many ids or keys may be asked for at once; Prefect's own database has a limit somewhat above."""

_ORDERS = {Sort.ID_DESC: "CREATED_DESC", Sort.NEWEST: "CREATED_DESC", Sort.VERSION_DESC: "CREATED_DESC"}
_ORDERS_OF_LATEST = {Sort.NEWEST: "UPDATED_DESC", Sort.VERSION_DESC: "CREATED_DESC"}


def filter_body(query: Query, ids: Callable[[list[UUID]], list[UUID]]) -> dict[str, Any]:
    """The filters of a query; `ids` turns ids of ours into Prefect's. Raises `Unsupported` and `InvalidValue`."""
    for name, what in (("run", "what was made by a run of ours"), ("after", "what comes after an artifact")):
        if getattr(query, name) is not None:
            raise Unsupported(f"a Prefect server cannot list {what}: filter by key or type")
    found: dict[str, Any] = {}
    if query.artifacts is not None:
        found["artifacts"] = _artifacts(query.artifacts, ids, latest=query.latest)
    for name in ("flow_runs", "task_runs"):
        if getattr(query, name) is not None:
            found[name] = _without_none(getattr(query, name))
    return found


def order(query: Query) -> str:
    """Prefect's order; ids of ours are in the order of their making, which for Prefect is that of arrival.

    Raises `Unsupported` for versions of several keys.
    """
    if query.sort is Sort.VERSION_DESC and one_key(query) is None:
        raise Unsupported("a Prefect server has no version numbers to sort by: ask for one key, or sort by time")
    known = _ORDERS_OF_LATEST if query.latest else _ORDERS
    return known.get(query.sort, query.sort.value)


def one_key(query: Query) -> str | None:
    """The key where a query asks for all versions of just one, which alone can be numbered."""
    given = query.artifacts
    if given is None or query.flow_runs is not None or query.task_runs is not None:
        return None
    if any(part is not None for part in (given.id, given.type, given.flow_run_id, given.task_run_id)):
        return None
    key = given.key
    if key is None or key.any_ is None or len(key.any_) != 1 or key.like_ is not None or key.exists_ is not None:
        return None
    return key.any_[0]


def _artifacts(given: ArtifactFilter, ids: Callable[[list[UUID]], list[UUID]], *, latest: bool) -> dict[str, Any]:
    found = _without_none(given)
    for part in found.values():
        if isinstance(part, dict) and any(len(value) > MOST_VALUES for value in part.values() if isinstance(value, list)):
            raise Unsupported(f"a Prefect server takes at most {MOST_VALUES:,} values at once: ask in several queries")
    if given.key is not None and given.key.like_ is not None and len(given.key.like_) > 10_000:
        raise InvalidValue("a part of a key of more than 10,000 characters is looked for in vain: give a shorter one")
    if given.id is not None:
        del found["id"]
        found["latest_id" if latest else "id"] = (
            {"any_": [str(id) for id in ids(given.id.any_)]} if given.id.any_ is not None else {}
        )
    return found


def _without_none(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(value)
    parts = {name: part for name, part in found.items() if part is not None}
    return {
        name: {inner: one for inner, one in part.items() if one is not None} if isinstance(part, dict) else part
        for name, part in parts.items()
    }
