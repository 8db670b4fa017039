"""The feed page by page, and its other direction: what changed in another store, told again until it is settled.

An item is taken by its id. What is here already in a newer state stays, what was deleted here stays deleted, and a
deletion is remembered even of what never arrived: it may still be on its way.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct

from nb_artifacts import wire
from nb_artifacts.api import body
from nb_artifacts.api.artifacts import PUT_FIELDS, new_record
from nb_artifacts.api.body import Problem
from nb_artifacts.api.message import Request, Response, answer
from nb_artifacts.errors import BlobMissing, Conflict, InvalidValue, NotFound
from nb_artifacts.wire import Patch, Record, Run

if TYPE_CHECKING:
    from nb_artifacts.store import Store

MOST = 1000
SEQ_HEADER = "X-NB-Artifacts-Seq"


class Item(Struct):
    """A record's or a run's present state, or that a record was deleted."""

    op: Literal["put", "patch", "delete", "run"]
    id: UUID
    record: dict[str, Any] | None = None
    run: Run | None = None


class Items(Struct):
    """What changed elsewhere, in order."""

    items: list[Item]


class Taken(Struct, omit_defaults=True):
    """What became of an item: `missing` where its bytes have to be uploaded first."""

    state: Literal["done", "rejected", "missing"]
    version: int | None = None
    error: str | None = None


class _Checked(NamedTuple):
    op: str
    id: UUID
    record: Record | None
    run: Run | None


def read_changes(store: Store, request: Request) -> Response:
    """``GET /changes``: what changed after ``since``, at most ``limit``; a header tells the newest number."""
    since, limit = _number(request, "since", 0), _number(request, "limit", MOST)
    seq = store.last_seq()
    found = store.changes(since, min(limit, MOST)) if limit else []
    response = answer(found)
    response.headers[SEQ_HEADER] = str(max([seq, *(change.seq for change in found[-1:])]))
    return response


def put_run(store: Store, request: Request, id: UUID) -> Response:
    """``PUT /runs/{id}``: 200 and the run as it is now known."""
    raw, problems = body.read_json(request), list[Problem]()
    if not isinstance(raw, Raw):
        raise body.invalid([Problem("missing", ("body",), "Field required", None)], raw)
    run = _run(raw, ("body",), problems)
    if problems:
        raise body.invalid(problems, raw)
    return answer(store.put_run(msgspec.structs.replace(run, id=id)))


def take(store: Store, request: Request) -> Response:
    """``POST /changes/batch``: 200 and what became of each item, in one transaction where the store can."""
    found = body.read_object(request, {"items": body.array(body.anything, most=MOST)})
    if "items" not in found:
        raise body.invalid([Problem("missing", ("body", "items"), "Field required", None)], None)
    calls = [partial(_take, store, raw, number) for number, raw in enumerate(found["items"])]
    together = getattr(store, "together", None)
    response = answer([call() for call in calls] if together is None else together(calls))
    response.headers[SEQ_HEADER] = str(store.last_seq())
    return response


def _number(request: Request, name: str, default: int) -> int:
    given = request.params.get(name, str(default))
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        problem = Problem("int_parsing", ("query", name), "Input should be a valid integer", given[:80])
        raise body.invalid([problem], None)
    return int(given)


def _run(raw: Raw, place: body.Place, problems: body.Problems) -> Run:
    try:
        return msgspec.json.decode(raw, type=Run)
    except (msgspec.DecodeError, RecursionError) as error:
        problems.append(Problem("value_error", place, f"Value error, {error}", None))
        return Run(id=UUID(int=0), kind=wire.RunKind.cell, started=wire.now())


_OPS = ("put", "patch", "delete", "run")
_FIELDS: dict[str, body.Field] = {
    "op": body.text,
    "id": body.uuid,
    "record": body.optional(body.record(PUT_FIELDS)),
    "run": body.optional(_run),
}


def _take(store: Store, raw: Raw, number: int) -> Taken:
    problems: body.Problems = []
    item = _check(raw, ("body", "items", number), problems)
    if problems or item is None:
        first = problems[0]
        return Taken("rejected", error=f"{'.'.join(map(str, first.loc[3:]))}: {first.msg}")
    try:
        if item.op == "delete":
            return _bury(store, item.id)
        if item.run is not None:
            return _take_run(store, item.run)
        assert item.record is not None
        return _take_record(store, item.record)
    except BlobMissing:
        return Taken("missing")
    except (InvalidValue, Conflict) as error:
        return Taken("rejected", error=str(error))


def _check(raw: Raw, place: body.Place, problems: body.Problems) -> _Checked | None:
    members = body.record(_FIELDS)(raw, place, problems)
    op, id, record, run = (members.get(name) for name in ("op", "id", "record", "run"))
    if problems:
        return None
    needed = {"put": record, "patch": record, "delete": True, "run": run}
    if id is None or not needed.get(op):
        problems.append(Problem("value_error", place, "an item has op, id, and the record or the run that op tells of", None))
        return None
    return _Checked(op, id, new_record(id, record) if record else None, msgspec.structs.replace(run, id=id) if run else None)


def _bury(store: Store, id: UUID) -> Taken:
    """Delete a record; where it is not here, so that it cannot come any more."""
    with contextlib.suppress(NotFound):
        store.delete(id)
        return Taken("done")
    with contextlib.suppress(Conflict, NotFound):  # it was deleted before, or is just being
        moment = wire.now()
        store.put(Record(id=id, created=moment, updated=moment))
        store.delete(id)
    return Taken("done")


def _take_run(store: Store, run: Run) -> Taken:
    there = store.get_run(run.id)
    if there is None or run.ended is not None or there.ended is None:  # a late message does not reopen a run
        store.put_run(run)
    return Taken("done")


def _take_record(store: Store, record: Record) -> Taken:
    try:
        return Taken("done", store.put(record).version)
    except Conflict:
        there = store.get(record.id)
    while there is not None:
        if any(getattr(there, name) != getattr(record, name) for name in ("key", "type")):
            return Taken("rejected", error=f"the id {record.id} is taken by an artifact of another key or type")
        if there.updated >= record.updated:
            return Taken("done", there.version)
        try:
            return Taken("done", store.patch(record.id, _as_patch(record), if_seq=there.seq).version)
        except (Conflict, NotFound):
            there = store.get(record.id)
    return Taken("done")  # it was deleted here


def _as_patch(record: Record) -> Patch:
    assert record.data is not UNSET
    return Patch(
        data=record.data,
        description=record.description,
        metadata_=record.metadata_,
        info=record.info,
        blob=record.blob,
        updated=record.updated,
    )
