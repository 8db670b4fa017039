"""Records and runs as PostgreSQL's types, and back.

PostgreSQL's text has no NUL character. Where one is in a text (JSON escapes it by itself) it is kept as a pair of
private characters, and a text that has the first of that pair already keeps it doubled.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw

from nb_artifacts.errors import BlobMissing, InvalidValue
from nb_artifacts.store.rows import COLUMNS, in_utc, patch_columns, run_columns, utc
from nb_artifacts.wire import BlobRef, Change, Deleted, Patch, Record, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.store.rows import Row


def columns_of(row: str) -> str:
    """The columns of a record, in the order of `COLUMNS`, of a row by that name."""
    names = COLUMNS.split(", ")
    return ", ".join(f"coalesce({row}.long_key, {row}.key)" if name == "key" else f"{row}.{name}" for name in names)


LISTED = columns_of("a")
PAYLOAD = ", p.data, p.sha256, p.size"
WITH_PAYLOAD = " LEFT JOIN payload p ON p.id = a.id AND a.data IS NULL"

BEGINNING = 200
"""How much of a text an index knows."""

_LONGEST_KEY = 1000
_MARK = "\ue000"
_NUL, _MARKED = _MARK + "0", _MARK + "1"
_metadata: Callable[[bytes], dict[str, str]] = msgspec.json.Decoder(dict[str, str]).decode
_tags: Callable[[bytes], list[str]] = msgspec.json.Decoder(list[str]).decode
_info: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode
_run: Callable[[bytes], Run] = msgspec.json.Decoder(Run).decode


def stored(text: str | None) -> str | None:
    """`text` as PostgreSQL can keep it. Raises `InvalidValue` for what is not Unicode."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(f"{text[:80]!r} is not valid Unicode text") from error
    if _MARK in text or "\0" in text:
        return text.replace(_MARK, _MARKED).replace("\0", _NUL)
    return text


def shown(text: str | None) -> str | None:
    """The text that was `stored`."""
    if text is None or _MARK not in text:
        return text
    return text.replace(_NUL, "\0").replace(_MARKED, _MARK)


def short_key(key: str) -> str:
    """A key as indexes know it: a long one is cut, and its hash put after a character that no key has."""
    return key if len(key) <= _LONGEST_KEY else f"{key[:900]}~{hashlib.sha256(key.encode()).hexdigest()}"


def key_columns(key: str | None) -> tuple[str | None, str | None]:
    """A key as indexes know it, and where that is not all of it the whole."""
    return (key, None) if key is None or len(key) <= _LONGEST_KEY else (short_key(key), key)


def hash_bytes(sha256: str) -> bytes:
    """A blob's name as it is stored. Raises `BlobMissing` for what is not a hash."""
    try:
        raw = bytes.fromhex(sha256)
    except ValueError:
        raw = b""
    if len(raw) != 32 or sha256 != raw.hex():
        raise BlobMissing(sha256[:80])
    return raw


def blob_columns(ref: BlobRef | None) -> tuple[bytes | None, int | None, str | None]:
    """A blob's name, size and media type."""
    return (None, None, None) if ref is None else (hash_bytes(ref.sha256), ref.size, stored(ref.media))


def row_columns(row: Row, ref: BlobRef | None) -> tuple[Any, ...]:
    """The content of a record in the order of the function ``put``, from the type on to the blob."""
    return (
        stored(row.type), stored(row.description), _id(row.flow_run_id), _id(row.task_run_id), row.short,
        row.metadata, row.tags, row.info, *blob_columns(ref),
    )  # fmt: skip


def patch_values(patch: Patch) -> tuple[tuple[bool, bytes | None], tuple[Any, ...]]:
    """What a patch does to `data`, and to the other members, as the function ``patch`` takes it."""
    columns = patch_columns(patch)
    ref = patch.blob if isinstance(patch.blob, BlobRef) else None
    others = (
        "description" in columns, stored(columns.get("description")), "metadata" in columns, columns.get("metadata"),
        "info" in columns, columns.get("info"), "blob_sha256" in columns, *blob_columns(ref),
    )  # fmt: skip
    return ("data" in columns, columns.get("data")), others


def run_values(run: Run) -> tuple[Any, ...]:
    """A run in the order of the function ``put_run``."""
    columns = run_columns(run)
    return (
        run.id, columns["kind"], columns["state"], stored(run.name), run.parent_id, run.session_id, utc(run.started),
        stored(columns["notebook"]), stored(columns["cell_id"]), stored(columns["kernel_id"]), columns["body"],
    )  # fmt: skip


def to_record(row: tuple[Any, ...]) -> Record:
    """The record of a row selected as `LISTED`; `data` is UNSET where it lies elsewhere."""
    (id, seq, key, version, created, updated, type, description, flow, task, data, metadata, tags, info,
     sha256, size, media) = row  # fmt: skip
    return Record(
        id=id,
        created=created,
        updated=updated,
        key=key,
        type=shown(type),
        description=shown(description),
        data=UNSET if data is None else Raw(data),
        metadata_=None if metadata is None else _metadata(metadata),
        flow_run_id=flow,
        task_run_id=task,
        version=version,
        seq=seq,
        tags=[] if tags is None else _tags(tags),
        info={} if info is None else _info(info),
        blob=None if sha256 is None else BlobRef(sha256=sha256.hex(), size=size, media=shown(media) or ""),
    )


def to_run(body: bytes, seq: int) -> Run:
    """The run of a row."""
    return in_utc(_run(body), seq)


def to_deletion(row: tuple[Any, ...]) -> Change:
    """The change that a tombstone stands for."""
    seq, id, key, version, deleted = row
    return Change(seq=seq, kind="deleted", deleted=Deleted(id=id, key=key, version=version, deleted=deleted))


def _id(value: bytes | None) -> UUID | None:
    return None if value is None else UUID(bytes=value)
