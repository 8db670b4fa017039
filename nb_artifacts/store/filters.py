"""Queries as SQL. Values are always parameters; lists travel as one JSON parameter, however long they are."""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from nb_artifacts.errors import InvalidValue
from nb_artifacts.store.terms import Terms, joined_by
from nb_artifacts.wire import (
    ArtifactFilter,
    IdFilter,
    KeyFilter,
    NameFilter,
    Operator,
    Query,
    RunFilter,
    RunQuery,
    Sort,
    TypeFilter,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

AS_ID = "as_id"
"""Our SQL function from an id's text to how it is stored."""

_MOST = 2**63 - 1

_ORDERS = {
    Sort.ID_DESC: "a.id DESC",
    Sort.CREATED_DESC: "a.created DESC, a.id DESC",
    Sort.NEWEST: "a.created DESC, a.id DESC",
    Sort.UPDATED_DESC: "a.seq DESC",
    Sort.KEY_DESC: "a.key DESC, a.version DESC",
    Sort.KEY_ASC: "a.key ASC, a.version ASC",
    Sort.VERSION_DESC: "a.version DESC, a.id DESC",
}
_LATEST_ORDERS = {
    Sort.ID_DESC: "k.id DESC",
    Sort.CREATED_DESC: "k.created DESC, k.key DESC",
    Sort.NEWEST: "k.listed DESC, k.newest DESC",
    Sort.UPDATED_DESC: "+a.seq DESC",  # rather sort the keys than walk over all versions
    Sort.KEY_DESC: "k.key DESC",
    Sort.KEY_ASC: "k.key ASC",
    Sort.VERSION_DESC: "+a.version DESC, a.id DESC",
}
_BELOW = (
    "(WITH RECURSIVE below (id) AS (SELECT ? UNION SELECT r.id FROM run r JOIN below b ON r.parent_id = b.id) "
    "SELECT id FROM below)"
)


class Where(Terms):
    """Conditions on columns."""

    def any_of(self, column: str, options: Iterable[Any] | None) -> None:
        """The column is one of `options`; none at all matches nothing."""
        if options is None:
            return
        listed = list(options)
        if len(listed) == 1:
            self.add(f"{column} = ?", _value(listed[0]))
        elif listed and isinstance(listed[0], UUID):
            self.add(f"{column} IN (SELECT {AS_ID}(value) FROM json_each(?))", _json([str(id) for id in listed]))
        else:
            self.add(f"{column} IN (SELECT value FROM json_each(?))", _json(listed))

    def like(self, column: str, part: str | None) -> None:
        """The column contains `part`, case folded, ``%`` and ``_`` being wildcards; an empty one is ignored."""
        if not part:
            return
        if len(part) > 10_000:
            raise InvalidValue(f"like_ takes at most 10,000 characters, not {len(part):,}")
        if "\0" in part:
            raise InvalidValue(f"like_ cannot contain the character NUL: {part!r:.80}")
        self.add(f"{column} LIKE '%' || ? || '%'", _unicode(part))


def records_sql(query: Query, columns: str, joins: str = "") -> tuple[str, list[Any]]:
    """SELECT of the records a query means, in its order."""
    key = _key_alone(query)
    if key is not None:
        return f"SELECT {columns} FROM {_source(query)}{joins} WHERE k.key = ?", [_unicode(key)]
    where = _records_where(query)
    order = (_LATEST_ORDERS if query.latest else _ORDERS)[query.sort]
    sql = f"SELECT {columns} FROM {_source(query)}{joins}{where.sql()} ORDER BY {order} LIMIT ? OFFSET ?"
    return sql, [*where.values, *_page(query.limit, query.offset)]


def _key_alone(query: Query) -> str | None:
    """The key where its newest version is all that is asked for, which is asked most of all."""
    filter = query.artifacts
    if not query.latest or filter is None or filter.key is None or not filter.key.any_:
        return None
    key = filter.key.any_[0]
    alone = ArtifactFilter(key=KeyFilter(any_=[key]))
    return key if query == Query(artifacts=alone, latest=True, data=query.data, limit=1) else None


def count_sql(query: Query) -> tuple[str, list[Any]]:
    """SELECT of how many records a query means."""
    where = _records_where(query)
    if query.latest and not where.terms:
        return "SELECT count(*) FROM key WHERE newest IS NOT NULL", []
    return f"SELECT count(*) FROM {_source(query)}{where.sql()}", where.values


def runs_sql(query: RunQuery) -> tuple[str, list[Any]]:
    """SELECT of the runs a query means, newest first."""
    where = Where()
    for column, ids in (("id", query.id), ("parent_id", query.parent_id), ("session_id", query.session_id)):
        if ids is not None:
            where.any_of(f"r.{column}", ids.any_)
    where.any_of("r.kind", None if query.kind is None else [kind.value for kind in query.kind])
    where.any_of("r.state", None if query.state is None else [state.value for state in query.state])
    for column in ("notebook", "cell_id", "kernel_id"):
        value = getattr(query, column)
        if value is not None:
            where.add(f"r.{column} = ?", _unicode(value))
    sql = f"SELECT r.body, r.seq FROM run r{where.sql()} ORDER BY r.started DESC, r.n DESC LIMIT ? OFFSET ?"
    return sql, [*where.values, *_page(query.limit, query.offset)]


def _source(query: Query) -> str:
    """Artifacts, or the keys in order, each with its newest; or the other way round where few artifacts can match."""
    if not query.latest:
        return "artifact a"
    order = "artifact a CROSS JOIN key k" if _is_narrow(query) else "key k CROSS JOIN artifact a"
    return f"{order} ON a.id = k.newest AND a.key = k.key"


def _is_narrow(query: Query) -> bool:
    if query.run is not None:
        return True
    filter = query.artifacts
    if filter is None or filter.operator is Operator.or_:
        return False
    return any(member and member.any_ is not None for member in (filter.id, filter.flow_run_id, filter.task_run_id))


def _records_where(query: Query) -> Where:
    where = Where()
    if query.after is not None:
        where.add("k.id < ?" if query.latest else "a.id < ?", query.after.bytes)
    if query.version is not None:
        where.add("a.version = ?", min(max(query.version, -_MOST), _MOST))
    if query.artifacts is not None:
        _artifacts(where, query.artifacts, query)
    for column, runs in (("a.flow_run_id", query.flow_runs), ("a.task_run_id", query.task_runs)):
        if runs is not None:
            known = _runs(runs)
            where.add(f"{column} IN (SELECT r.id FROM run r{known.sql()})", *known.values)
    if query.run is not None:
        _below(where, query.run)
    return where


def _below(where: Where, run: UUID) -> None:
    where.add(
        f"a.id IN (SELECT id FROM artifact WHERE task_run_id IN {_BELOW} "
        f"UNION SELECT id FROM artifact WHERE flow_run_id IN {_BELOW})",
        run.bytes,
        run.bytes,
    )


def _artifacts(where: Where, filter: ArtifactFilter, query: Query) -> None:
    """The filter on artifacts.

    SQLite takes any equality for selective, but half of all artifacts may be tables: unless the index on types also
    gives the order, a ``+`` keeps SQLite to walking in order and looking at each.
    """
    members = Where()
    _member(members, filter.id, "a.id")
    _member(members, filter.key, "k.key" if query.latest else "a.key")
    _member(members, filter.flow_run_id, "a.flow_run_id")
    _member(members, filter.task_run_id, "a.task_run_id")
    in_order = not query.latest and query.sort in (Sort.CREATED_DESC, Sort.NEWEST)
    _member(members, filter.type, "a.type" if in_order and _is_one(filter.type) else "+a.type")
    where.nest(members, joined_by(filter.operator))


def _is_one(filter: TypeFilter | None) -> bool:
    return filter is not None and filter.any_ is not None and len(filter.any_) == 1


def _runs(filter: RunFilter) -> Where:
    members, where = Where(), Where()
    _member(members, filter.id, "r.id")
    _member(members, filter.name, "r.name")
    where.nest(members, joined_by(filter.operator))
    return where


def _member(members: Where, filter: IdFilter | KeyFilter | TypeFilter | NameFilter | None, column: str) -> None:
    """One member's operators, joined by "and"; with none in it the member is true, also under "or"."""
    if filter is None:
        return
    inner = Where()
    inner.any_of(column, filter.any_)
    if isinstance(filter, (KeyFilter, NameFilter)):
        inner.like(column, filter.like_)
    if isinstance(filter, KeyFilter) and filter.exists_ is not None:
        inner.add(f"{column} IS {'NOT ' if filter.exists_ else ''}NULL")
    if isinstance(filter, TypeFilter) and filter.not_any_:
        inner.add(f"{column} NOT IN (SELECT value FROM json_each(?))", _json(filter.not_any_))
    if not inner.terms:
        inner.add("1")
    members.nest(inner, " AND ")


def _page(limit: int | None, offset: int) -> tuple[int, int]:
    """SQLite takes a negative limit for none, so ours never is by accident."""
    return -1 if limit is None else min(max(limit, 0), _MOST), min(max(offset, 0), _MOST)


def _value(option: str | UUID) -> str | bytes:
    return option.bytes if isinstance(option, UUID) else _unicode(option)


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(f"{text!r} is not valid Unicode text") from error
    return text


def _json(texts: list[str]) -> str:
    return msgspec.json.encode([_unicode(text) for text in texts]).decode()
