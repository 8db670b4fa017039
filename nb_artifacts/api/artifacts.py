"""The artifact routes: Prefect's ten members by default, whole records for those who ask for them."""

from __future__ import annotations

import contextlib
import logging
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID  # noqa: TC003 (msgspec reads annotations)

import msgspec
from msgspec import UNSET, Raw, Struct

from nb_artifacts import wire
from nb_artifacts.api import body
from nb_artifacts.api.body import Field, Problem, optional
from nb_artifacts.api.filters import MOST, read_query
from nb_artifacts.api.message import JSON, Refused, Request, Response, answer, refusal
from nb_artifacts.errors import BlobMissing, NotFound
from nb_artifacts.wire import ArtifactFilter, BlobRef, KeyFilter, Patch, Query, Record

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from nb_artifacts.store import Store

log = logging.getLogger(__name__)

PIECE_BYTES = 256 * 1024
"""A list of fewer bytes is answered whole, a longer one in pieces of at least so many."""

LISTED_BYTES = 16 * 1024
"""A list reads payloads of at most so many bytes together with its rows."""

ELSEWHERE_HEADER = "X-NB-Artifacts-Elsewhere"
"""Said of what is not of the folder that is served, but of the server which that folder is sent to."""

INFO_BYTES = 1024 * 1024
"""`info` is small: it travels with every list."""


def _info(raw: Raw, place: body.Place, problems: body.Problems) -> dict[str, Any]:
    body.anything(raw, place, problems)
    members = body.members(raw, place, problems)
    if len(bytes(raw)) > INFO_BYTES:
        problems.append(Problem("too_long", place, f"This may have at most {INFO_BYTES} bytes", None))
    return {} if problems else {name: msgspec.json.decode(value) for name, value in members.items()}


_aware = msgspec.json.Decoder(Annotated[datetime, msgspec.Meta(tz=True)])


def _moment(raw: Raw, place: body.Place, problems: body.Problems) -> datetime:
    try:
        found: datetime = _aware.decode(raw)
    except msgspec.DecodeError:
        problems.append(Problem("datetime_parsing", place, "Input should be a valid datetime with a zone", None))
        return wire.now()
    return found


def _blob(raw: Raw, place: body.Place, problems: body.Problems) -> BlobRef | None:
    found = body.record({"sha256": body.text, "size": body.natural, "media": body.text})(raw, place, problems)
    if not problems and len(found) != 3:
        problems.append(Problem("missing", place, "A blob has sha256, size and media", None))
    return None if problems else BlobRef(**found)


_CREATE: dict[str, Field] = {
    "key": optional(body.key),
    "type": optional(body.text),
    "description": optional(body.text),
    "data": body.anything,
    "metadata_": optional(body.metadata),
    "flow_run_id": optional(body.uuid),
    "task_run_id": optional(body.uuid),
}
PUT_FIELDS: dict[str, Field] = {
    **_CREATE,
    "metadata_": optional(body.strings),
    "tags": optional(body.array(body.text)),
    "info": optional(_info),
    "blob": optional(_blob),
    "created": _moment,
    "updated": _moment,
}
"""Members of an artifact under an id of the client's."""

_PATCH = {name: _CREATE[name] for name in ("data", "description", "metadata_")}
_PATCH_WHOLE: dict[str, Field] = {
    **_PATCH,
    "metadata_": optional(body.strings),
    "info": _info,
    "blob": optional(_blob),
    "updated": _moment,
    "if_seq": body.natural,
}


class Artifact(Struct):
    """What Prefect's clients know of an artifact."""

    id: UUID
    created: datetime
    updated: datetime
    key: str | None
    type: str | None
    description: str | None
    data: Raw
    metadata_: dict[str, str] | None
    flow_run_id: UUID | None
    task_run_id: UUID | None


class Collection(Artifact):
    """What Prefect's clients know of a key: its newest version under an id of the key's own."""

    latest_id: UUID


def create(store: Store, request: Request) -> Response:
    """``POST /artifacts/``: 201 and the artifact."""
    found = body.read_object(request, _CREATE)
    now = wire.now()
    record = store.put(Record(id=wire.new_id(), created=now, updated=now, **found))
    return _one(request, record, 201)


def put(store: Store, request: Request, id: UUID) -> Response:
    """``PUT /artifacts/{id}``: 201 and the artifact; with the same content again 200, with other content 409."""
    found = body.read_object(request, PUT_FIELDS)
    if not found and not request.whole:
        raise refusal(405, "Method Not Allowed", Allow="GET")  # Prefect's server has no PUT, and this says nothing
    there = store.get(id) is not None
    try:
        return _one(request, store.put(new_record(id, found)), 200 if there else 201)
    except BlobMissing as error:
        raise _without_bytes(error) from None


def create_batch(store: Store, request: Request) -> Response:
    """``POST /artifacts/batch``: 201 and the artifacts, all of them or an error; with ids it may be sent again."""
    found = body.read_object(request, {"artifacts": body.array(body.record({**PUT_FIELDS, "id": body.uuid}), most=MOST)})
    if "artifacts" not in found:
        raise body.invalid([Problem("missing", ("body", "artifacts"), "Field required", None)], None)
    new = [new_record(members.pop("id", None) or wire.new_id(), members) for members in found["artifacts"]]
    together = getattr(store, "together", None)
    calls = [partial(store.put, record) for record in new]
    try:
        records = [call() for call in calls] if together is None else together(calls)
    except BlobMissing as error:
        raise _without_bytes(error) from None
    response = list_answer(store, request, records, wants_data=True)
    response.status = 201
    return response


def new_record(id: UUID, found: dict[str, Any]) -> Record:
    """The artifact that a client has given an id; `found` are the members of `PUT_FIELDS` that it gave."""
    now = wire.now()
    members = {**found, "tags": found.get("tags") or [], "info": found.get("info") or {}}
    return Record(**{"id": id, "created": now, "updated": now, **members})


def read(store: Store, request: Request, id: UUID) -> Response:
    """``GET /artifacts/{id}``; 304 where the client has it as it is."""
    record = store.get(id)
    if record is None:
        raise _unknown()
    return _tagged(store, request, record, _one(request, record))


def latest(store: Store, request: Request, key: str) -> Response:
    """``GET /artifacts/{key}/latest``: for Prefect's clients `id` and `created` are the key's own."""
    if not wire.is_key(key):
        raise _unknown()
    query = Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[key])), latest=True, data=True, limit=1)
    found = store.find(query)
    if not found:
        raise _unknown()
    if request.whole:
        return _tagged(store, request, found[0], _one(request, found[0]))
    return _tagged(store, request, found[0], answer(_named_by_key(_artifact(found[0]), found[0])))


def patch(store: Store, request: Request, id: UUID) -> Response:
    """``PATCH /artifacts/{id}``: 204; a member left out stays, null clears it.

    For whole records 200 and the artifact, ``info`` and ``blob`` too; 409 where ``if_seq`` is not its present one.
    """
    found = body.read_object(request, _PATCH_WHOLE if request.whole else _PATCH)
    if_seq = found.pop("if_seq", None)
    try:
        record = store.patch(id, Patch(**found), if_seq=if_seq)
    except NotFound:
        raise _unknown() from None
    except BlobMissing as error:
        raise _without_bytes(error) from None
    return _one(request, record) if request.whole else Response(204)


def delete(store: Store, _: Request, id: UUID) -> Response:
    """``DELETE /artifacts/{id}``: 204, and 404 when done again."""
    try:
        store.delete(id)
    except NotFound:
        raise _unknown() from None
    return Response(204)


def filter_all(store: Store, request: Request) -> Response:
    """``POST /artifacts/filter``."""
    return _list(store, request, read_query(store, request, latest=False))


def filter_latest(store: Store, request: Request) -> Response:
    """``POST /artifacts/latest/filter``: one entry a key."""
    return _list(store, request, read_query(store, request, latest=True))


def count_all(store: Store, request: Request) -> Response:
    """``POST /artifacts/count``: a bare number."""
    return _count(store, read_query(store, request, latest=False, paged=False))


def count_latest(store: Store, request: Request) -> Response:
    """``POST /artifacts/latest/count``: a bare number."""
    return _count(store, read_query(store, request, latest=True, paged=False))


def _tagged(store: Store, request: Request, record: Record, response: Response) -> Response:
    """The answer under the tag of the record's state, or 304."""
    number = "" if record.key is None or record.version is not None else "-pending"  # a number comes without a new seq
    tag = f'"{store.id[:12]}-{record.seq}{number}{"-whole" if request.whole else ""}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if getattr(store, "is_elsewhere", lambda _: False)(record.id):
        headers[ELSEWHERE_HEADER] = "1"
    given = request.headers.get("if-none-match")
    wanted = {one.strip().removeprefix("W/") for one in given.split(",")} if given else ()
    if tag in wanted or "*" in wanted:
        response = Response(304)
    response.headers.update(headers)
    response.shows = record if request.from_browser else None
    return response


def _unknown() -> Refused:
    return refusal(404, "Artifact not found.")


def _without_bytes(error: BlobMissing) -> Refused:
    """A record may not name bytes that were not uploaded."""
    return refusal(422, str(error), X_NB_Artifacts_Missing_Blob=error.sha256[:64].encode("ascii", "replace").decode())


def _one(request: Request, record: Record, status: int = 200) -> Response:
    if request.whole:
        return answer(record, status, media=wire.MIME)
    return answer(_artifact(record), status)


def _count(store: Store, query: Query | None) -> Response:
    return answer(0 if query is None else store.count(query))


def _list(store: Store, request: Request, query: Query | None) -> Response:
    """The records that a query means; long payloads come one by one, so that a page never sits in memory whole."""
    if query is None:
        return list_answer(store, request, [], wants_data=False)
    wants_data = query.data or not request.whole
    query.data = False
    filled = getattr(store, "find_filled", None) if wants_data else None
    records = store.find(query) if filled is None else filled(query, LISTED_BYTES)
    return list_answer(store, request, records, wants_data=wants_data)


def list_answer(store: Store, request: Request, records: list[Record], *, wants_data: bool) -> Response:
    """A list of records, as whole as the client asked for."""
    parts = _parts(store, request, records, fetch=wants_data)
    headers = {"Content-Type": wire.MIME if request.whole else JSON}
    first = _up_to(PIECE_BYTES, parts)
    if len(first) < PIECE_BYTES:
        return Response(200, first, headers)
    return Response(200, _pieces(first, parts), headers)


def _up_to(size: int, parts: Iterator[bytes]) -> bytes:
    """What comes next, at least so many bytes unless that is all."""
    found, length = [], 0
    for part in parts:
        found.append(part)
        length += len(part)
        if length >= size:
            break
    return b"".join(found)


def _pieces(first: bytes, parts: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    with contextlib.closing(parts):
        yield first
        while piece := _up_to(PIECE_BYTES, parts):
            yield piece


def _parts(store: Store, request: Request, records: list[Record], *, fetch: bool) -> Generator[bytes, None, None]:
    before = b"["
    for record in records:
        if fetch and record.data is UNSET:
            record.data = _payload(store, record)
        yield before + wire.encode(record if request.whole else _listed(record))
        before = b","
    yield b"]" if records else b"[]"


def _payload(store: Store, record: Record) -> Raw:
    """One record whose bytes are gone must not take the whole list with it."""
    try:
        whole = store.get(record.id)
    except BlobMissing:
        log.exception("the payload of artifact %s is missing", record.id)
        whole = None
    return wire.NULL if whole is None or whole.data is UNSET else whole.data


def _artifact(record: Record) -> Artifact:
    return Artifact(**_members(record))


def _listed(record: Record) -> Artifact:
    if record.collection_id is UNSET:
        return _artifact(record)
    return _named_by_key(Collection(**_members(record), latest_id=record.id), record)


def _members(record: Record) -> dict[str, Any]:
    members = {name: getattr(record, name) for name in Artifact.__struct_fields__}
    if record.data is UNSET:
        members["data"] = wire.NULL
    return members


def _named_by_key(artifact: Artifact, record: Record) -> Artifact:
    assert record.collection_id is not UNSET
    assert record.collection_created is not UNSET
    return msgspec.structs.replace(artifact, id=record.collection_id, created=record.collection_created)
