"""Putting together what the folder and its remote found: each artifact once, under the number that counts, in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from nb_artifacts.wire import Operator, Query, Record, Sort

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from nb_artifacts.store.numbers import Standing


class Found(NamedTuple):
    """A record with the number that counts, and what decides which of a key's versions is newer."""

    record: Record
    rank: tuple[Any, ...]
    line: Record | None = None
    """The record that the remote listed, whose `collection_id` is the key's identity."""


def of_the_folder(record: Record, standing: Standing) -> Found:
    """A record of the folder as it stands with the remote."""
    number = record.version or 0
    if standing.place == "pending":
        return Found(msgspec.structs.replace(record, version=None), (2, number, record.created))
    if standing.place == "kept":
        return Found(record, (0, number, record.created))
    return Found(msgspec.structs.replace(record, version=standing.version), (1, standing.version or 0, record.created))


def of_the_remote(record: Record) -> Found:
    """A record as the remote lists it."""
    return Found(record, (1, record.version or 0, record.created), record)


def page(found: Iterable[Found], query: Query) -> list[Record]:
    """The part of all that was found which the query means: in its order, between offset and limit."""
    every = list(found)
    if any(one.line is not None and one.line.key is not None and one.line.version is None for one in every):
        # a remote whose lists have no numbers (Prefect's): the time decides
        every = [one._replace(rank=(1, 0, one.record.created)) if one.rank[0] == 1 else one for one in every]
    kept = _one_a_key(every) if query.latest else every
    descending = query.sort is not Sort.KEY_ASC
    kept.sort(key=lambda one: _place(one, query), reverse=descending)
    end = None if query.limit is None else max(query.offset, 0) + max(query.limit, 0)
    return [one.record for one in kept[max(query.offset, 0) : end]]


def _one_a_key(found: Iterable[Found]) -> list[Found]:
    newest: dict[str | None, Found] = {}
    lines: dict[str | None, Record] = {}
    for one in found:
        key = one.record.key
        known = newest.get(key)
        if known is None or one.rank > known.rank:
            newest[key] = one
        if one.line is not None:
            lines[key] = one.line
    return [one._replace(record=_in_line(one.record, lines.get(key))) for key, one in newest.items()]


def _in_line(record: Record, line: Record | None) -> Record:
    """A key's newest version under the identity that the remote gave the key."""
    if line is None or line is record:
        return record
    names = {"collection_id": line.collection_id, "collection_created": line.collection_created}
    return msgspec.structs.replace(record, **names)


def _place(one: Found, query: Query) -> tuple[Any, ...]:
    record = one.record
    if query.sort is Sort.ID_DESC:
        return (_line(record, query).bytes,)
    if query.sort is Sort.UPDATED_DESC:
        return record.updated, record.id.bytes
    if query.sort is Sort.VERSION_DESC:
        return *one.rank, record.id.bytes
    if query.sort in {Sort.KEY_ASC, Sort.KEY_DESC}:
        return record.key is not None, record.key or "", one.rank
    if query.latest and query.sort is Sort.CREATED_DESC and isinstance(record.collection_created, type(record.created)):
        return record.collection_created, record.key or ""
    return record.created, record.id.bytes


def _line(record: Record, query: Query) -> UUID:
    """What a list in the order of ids goes by: with `latest` the key's identity."""
    if query.latest and isinstance(record.collection_id, type(record.id)):
        return record.collection_id
    return record.id


def ids_of(query: Query) -> list[UUID] | None:
    """The ids that a query is about; None where it is about others too."""
    only = query.artifacts
    return None if only is None or only.id is None or only.operator is Operator.or_ else only.id.any_


def end_of(query: Query) -> int | None:
    """Where the page ends in the list of each store; None where the two lists are in orders of their own."""
    if query.limit is None or (query.latest and query.sort in {Sort.CREATED_DESC, Sort.ID_DESC}):
        return None
    return max(query.offset, 0) + max(query.limit, 0)


def newer(own: Found, theirs: Record) -> Found:
    """The folder's record, unless somebody changed it at the remote since it arrived there.

    Whatever it lists it has counted. A remote without a feed (no `seq`) sets times of its own and keeps less than the
    folder, which leads then.
    """
    if own.rank[0] != 1 and theirs.seq and theirs.version is not None:
        record = msgspec.structs.replace(own.record, version=theirs.version)
        own = Found(record, (1, theirs.version, record.created))
    if own.rank[0] != 1 or theirs.seq == 0 or theirs.updated <= own.record.updated:
        return own._replace(line=theirs)
    return of_the_remote(msgspec.structs.replace(theirs, seq=own.record.seq))
