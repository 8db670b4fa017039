"""Records and runs as rows, and back."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw

from nb_artifacts.errors import InvalidValue
from nb_artifacts.store.failures import Unreadable
from nb_artifacts.wire import NULL, SHORT_DATA, BlobRef, Patch, Record, Run

COLUMNS = (
    "id, seq, key, version, created, updated, type, description, flow_run_id, task_run_id, data, metadata, tags, info, "
    "blob_sha256, blob_size, blob_media"
)
LISTED = ", ".join(f"a.{name}" for name in COLUMNS.split(", "))

PAYLOAD = ", p.data, p.sha256, p.size"
WITH_PAYLOAD = " LEFT JOIN payload p ON p.n = a.payload"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = datetime(1, 1, 1, tzinfo=timezone.utc), datetime(9999, 1, 1, tzinfo=timezone.utc)
"""Times are kept within these, or a row could not be read again; the last leaves room for `updated` to move forward."""

_encode = msgspec.json.Encoder().encode
_metadata = msgspec.json.Decoder(dict[str, str]).decode
_tags = msgspec.json.Decoder(list[str]).decode
_info = msgspec.json.Decoder(dict[str, Any]).decode
_run = msgspec.json.Decoder(Run).decode


class Row(NamedTuple):
    """A record's content, ready for SQL: made before the transaction begins."""

    type: str | None
    description: str | None
    flow_run_id: bytes | None
    task_run_id: bytes | None
    data: bytes
    metadata: str | None
    tags: str | None
    info: str | None
    blob: tuple[str | None, int | None, str | None]

    @property
    def short(self) -> bytes | None:
        """What of `data` stays in the listed row."""
        return self.data if len(self.data) <= SHORT_DATA else None


def utc(moment: datetime) -> datetime:
    """The time in UTC, as one that can be kept; one without a zone is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return min(max(moment, _FIRST), _LAST).astimezone(timezone.utc)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of `utc`."""
    return (utc(moment) - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The time in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def json_or_none(value: Any) -> str | None:
    """JSON text, or None for what is empty. Raises `InvalidValue` for what JSON cannot say."""
    if not value:
        return None
    try:
        return _encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidValue(f"this cannot be kept as JSON: {error}") from error


def to_row(record: Record) -> Row:
    """The content of a record. Raises `InvalidValue` where it holds text that is not Unicode, or no JSON."""
    data = NULL if record.data is UNSET else record.data
    return Row(
        _text(record.type),
        _text(record.description),
        _id(record.flow_run_id),
        _id(record.task_run_id),
        bytes(data),
        _object(record.metadata_),
        json_or_none(record.tags),
        json_or_none(record.info),
        _blob(record.blob),
    )


def digest(key: str | None, row: Row) -> bytes:
    """Tells contents apart; times, version and seq are no part of it."""
    return hashlib.sha256(_encode((key, row))).digest()


def _id(value: UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _object(value: dict[str, str] | None) -> str | None:
    return None if value is None else json_or_none(value) or "{}"


def _blob(ref: BlobRef | None) -> tuple[str | None, int | None, str | None]:
    return (None, None, None) if ref is None else (ref.sha256, ref.size, ref.media)


def _text(value: str | None) -> str | None:
    try:
        if value is not None:
            value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(f"this is not valid Unicode text: {error}") from error
    return value


def to_record(row: tuple[Any, ...]) -> Record:
    """The record of a row selected as `COLUMNS`; `data` is UNSET where it lies elsewhere. Raises `Unreadable`."""
    (id, seq, key, version, created, updated, type, description, flow, task, data, metadata, tags, info,
     sha256, size, media) = row  # fmt: skip
    try:
        return Record(
            id=UUID(bytes=id),
            created=from_us(created),
            updated=from_us(updated),
            key=key,
            type=type,
            description=description,
            data=UNSET if data is None else Raw(data),
            metadata_=None if metadata is None else _metadata(metadata),
            flow_run_id=None if flow is None else UUID(bytes=flow),
            task_run_id=None if task is None else UUID(bytes=task),
            version=version,
            seq=seq,
            tags=[] if tags is None else _tags(tags),
            info={} if info is None else _info(info),
            blob=None if sha256 is None else BlobRef(sha256=sha256, size=size, media=media),
        )
    except _WRONG as error:
        raise Unreadable(f"the row of {id!r}: {error}") from error


def to_run(body: str, seq: int) -> Run:
    """The run of a row. Raises `Unreadable`."""
    try:
        run = _run(body)
    except _WRONG as error:
        raise Unreadable(f"the run with seq {seq}: {error}") from error
    return in_utc(run, seq)


def in_utc(run: Run, seq: int) -> Run:
    """A run as it was kept: the times that another program gave may be without a zone."""
    run.seq, run.started = seq, utc(run.started)
    run.ended = None if run.ended is None else utc(run.ended)
    return run


_WRONG = (ValueError, TypeError, OverflowError)


def run_columns(run: Run) -> dict[str, Any]:
    """A run's row. Raises `InvalidValue` where it holds text that is not Unicode."""
    about = run.provenance
    return {
        "id": run.id.bytes,
        "kind": run.kind.value,
        "state": run.state.value,
        "name": run.name,
        "parent_id": _id(run.parent_id),
        "session_id": _id(run.session_id),
        "started": to_us(run.started),
        "notebook": about.notebook,
        "cell_id": about.cell_id,
        "kernel_id": about.kernel_id,
        "body": json_or_none(run),
    }


def patch_columns(patch: Patch) -> dict[str, Any]:
    """The columns that a patch sets. `data` alone clears `info` and the blob, which described the data before."""
    columns: dict[str, Any] = {}
    if patch.data is not UNSET:
        data = bytes(patch.data)
        columns["data"] = data if len(data) <= SHORT_DATA else None
        columns.update(info=None, blob_sha256=None, blob_size=None, blob_media=None)
    if patch.description is not UNSET:
        columns["description"] = _text(patch.description)
    if patch.metadata_ is not UNSET:
        columns["metadata"] = _object(patch.metadata_)
    if patch.info is not UNSET:
        columns["info"] = json_or_none(patch.info)
    if patch.blob is not UNSET:
        sha256, size, media = _blob(patch.blob)
        columns.update(blob_sha256=sha256, blob_size=size, blob_media=media)
    return columns
