"""Queries as PostgreSQL's SQL. Values are always parameters; limits are numbers in the text, because the plan hangs on them."""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nb_artifacts.errors import InvalidValue
from nb_artifacts.store.postgres_rows import BEGINNING, short_key, stored
from nb_artifacts.store.terms import Terms, joined_by
from nb_artifacts.wire import (
    ArtifactFilter,
    IdFilter,
    KeyFilter,
    NameFilter,
    Query,
    RunFilter,
    RunQuery,
    Sort,
    TypeFilter,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 2**63 - 1

_ORDERS = {
    Sort.ID_DESC: "a.id DESC",
    Sort.CREATED_DESC: "a.created DESC, a.id DESC",
    Sort.NEWEST: "a.created DESC, a.id DESC",
    Sort.UPDATED_DESC: "a.seq DESC",
    Sort.KEY_DESC: "a.key DESC NULLS LAST, a.version DESC NULLS LAST, a.id DESC",
    Sort.KEY_ASC: "a.key ASC NULLS FIRST, a.version ASC NULLS FIRST, a.id ASC",
    Sort.VERSION_DESC: "a.version DESC NULLS LAST, a.id DESC",
}
_LATEST_ORDERS = {
    Sort.ID_DESC: "k.id DESC",
    Sort.CREATED_DESC: "k.created DESC, k.key DESC",
    Sort.NEWEST: "n.created DESC, n.id DESC",
    Sort.UPDATED_DESC: "a.seq DESC",
    Sort.KEY_DESC: "k.key DESC",
    Sort.KEY_ASC: "k.key ASC",
    Sort.VERSION_DESC: "a.version DESC, a.id DESC",
}
_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Where(Terms):
    """Conditions on columns."""

    def any_of(self, column: str, options: Sequence[str] | Sequence[UUID] | None) -> None:
        """The column is one of `options`; none at all matches nothing."""
        if options is None:
            return
        if len(options) == 1:
            self.add(f"{column} = %s", options[0])
        elif options:
            kind = "uuid" if isinstance(options[0], UUID) else "text"
            self.add(f"{column} = ANY(%s::{kind}[])", list(options))
        else:
            self.add("false")

    def text(self, column: str, options: Sequence[str] | None) -> None:
        """The same for a column of texts, whose index knows how they begin."""
        if options is None:
            return
        whole = [stored(option) or "" for option in options]
        beginnings = list({option[:BEGINNING] for option in whole})
        self.any_of(f"left({column}, {BEGINNING})", beginnings)
        if any(len(option) >= BEGINNING for option in whole):
            self.any_of(column, whole)

    def like(self, column: str, part: str | None, *, folded: bool) -> None:
        """The column contains `part`, ASCII case folded, ``%`` and ``_`` being wildcards; an empty one is ignored.

        Where it has no capitals itself, comparing as it is lets an index of trigrams be used.
        """
        if not part:
            return
        if len(part) > 10_000:
            raise InvalidValue(f"like_ takes at most 10,000 characters, not {len(part):,}")
        escaped = (stored(part) or "").replace("\\", "\\\\")
        self.add(f"{column} {'LIKE' if folded else 'ILIKE'} %s", f"%{escaped.translate(_FOLD)}%")


def records_sql(query: Query, columns: str, joins: str = "") -> tuple[str, list[Any]]:
    """SELECT of the records a query means, in its order."""
    where = _records_where(query)
    order = (_LATEST_ORDERS if query.latest else _ORDERS)[query.sort]
    page = _page(query.limit, query.offset)
    return f"SELECT {columns} FROM {_source(query)}{joins}{where.sql()} ORDER BY {order}{page}", where.values


def count_sql(query: Query) -> tuple[str, list[Any]]:
    """SELECT of how many records a query means."""
    where = _records_where(query)
    source = "newest" if query.latest and not where.terms else _source(query)
    return f"SELECT count(*) FROM {source}{where.sql()}", where.values


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
        where.text(f"r.{column}", None if value is None else [value])
    page = _page(query.limit, query.offset)
    return f"SELECT r.body, r.seq FROM run r{where.sql()} ORDER BY r.started DESC, r.n DESC{page}", where.values


def _source(query: Query) -> str:
    return "newest n JOIN key k ON k.key = n.key JOIN artifact a ON a.id = n.id" if query.latest else "artifact a"


def _records_where(query: Query) -> Where:
    where = Where()
    if query.after is not None:
        where.add("k.id < %s" if query.latest else "a.id < %s", query.after)
    if query.version is not None:
        where.add("a.version = %s", min(max(query.version, -_MOST), _MOST))
    if query.artifacts is not None:
        _artifacts(where, query.artifacts, "k.key" if query.latest else "a.key")
    for column, runs in (("a.flow_run_id", query.flow_runs), ("a.task_run_id", query.task_runs)):
        if runs is not None:
            known = _runs(runs)
            where.add(f"{column} IN (SELECT r.id FROM run r{known.sql()})", *known.values)
    if query.run is not None:
        where.add(_MADE_BELOW, query.run)
    return where


_MADE_BELOW = (
    "a.id = ANY (ARRAY(WITH RECURSIVE below (id) AS (SELECT %s::uuid UNION "
    "SELECT r.id FROM below b CROSS JOIN LATERAL (SELECT id FROM run WHERE parent_id = b.id OFFSET 0) r) "
    "SELECT id FROM artifact WHERE task_run_id = ANY (ARRAY(SELECT id FROM below)) "
    "UNION SELECT id FROM artifact WHERE flow_run_id = ANY (ARRAY(SELECT id FROM below))))"
)
"""Made by a run or any below it. As arrays, and step by step, because nobody can guess beforehand how many there are."""


def _artifacts(where: Where, filter: ArtifactFilter, key: str) -> None:
    members = Where()
    _member(members, filter.id, "a.id")
    _member(members, filter.key, key)
    _member(members, filter.flow_run_id, "a.flow_run_id")
    _member(members, filter.task_run_id, "a.task_run_id")
    _member(members, filter.type, "a.type")
    where.nest(members, joined_by(filter.operator))


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
    if isinstance(filter, IdFilter):
        inner.any_of(column, filter.any_)
    elif isinstance(filter, KeyFilter):
        _key(inner, filter, column)
    else:
        inner.text(column, filter.any_)
        if isinstance(filter, NameFilter):
            inner.like(column, filter.like_, folded=False)
        elif filter.not_any_:
            inner.add(f"{column} <> ALL(%s::text[])", [stored(type) for type in filter.not_any_])
    if not inner.terms:
        inner.add("true")
    members.nest(inner, " AND ")


def _key(inner: Where, filter: KeyFilter, column: str) -> None:
    """Parts are looked for in the few keys, not in the many versions."""
    inner.any_of(column, None if filter.any_ is None else [short_key(stored(key) or "") for key in filter.any_])
    if filter.like_:
        keys = Where()
        keys.like("coalesce(long_key, key)", filter.like_, folded=True)
        inner.add(f"{column} IN (SELECT key FROM key{keys.sql()})", *keys.values)
    if filter.exists_ is not None:
        inner.add(f"{column} IS {'NOT ' if filter.exists_ else ''}NULL")


def _page(limit: int | None, offset: int) -> str:
    most = "" if limit is None else f" LIMIT {min(max(limit, 0), _MOST)}"
    return most if offset <= 0 else f"{most} OFFSET {min(offset, _MOST)}"
