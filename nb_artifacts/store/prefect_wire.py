"""Records as artifacts of a Prefect server, and back.

What Prefect has no place for travels in `metadata_` under names that begin with ``nb_artifacts_``; whoever reads the
artifact back gets it without them. A Prefect server keeps no bytes: a small image becomes a ``data:`` address, the rows
of a short table are its JSON text, and of anything larger there is what fits and a note of what it is cut from.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID  # noqa: TC003 - msgspec reads annotations

import msgspec
from msgspec import Raw, Struct

from nb_artifacts.store.rows import utc
from nb_artifacts.wire import NULL, BlobRef, Record, encode, is_key, parse_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.wire import Run

MOST_VALUE = 500
"""Characters of a value in `metadata_`; Prefect cuts longer ones."""

MOST_DATA = 4_500_000
"""Prefect's Cloud refuses requests over 5 MiB."""

PREVIEW = 256_000
SMALL_IMAGE = 190_000
"""Bytes of an image that, as a ``data:`` address, has at most 256 kB."""

_MOST_PARTS = 12
_OURS = "nb_artifacts_"
ID = _OURS + "id"
_TYPE, _CREATED, UPDATED, _HASH = _OURS + "type", _OURS + "created", _OURS + "updated", _OURS + "hash"
_TAGS, _INFO, _BLOB, _FULL = _OURS + "tags", _OURS + "info", _OURS + "blob", _OURS + "full"
_FLOW, _TASK = _OURS + "flow_run_id", _OURS + "task_run_id"
_ROWS = "nb_artifacts.rows"
_CUT = "nb_artifacts.data"
_SHA256, _SIZE = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9]{1,18}")
_FENCE = ("```text\n", "\n```")
_SHOWN_AS = {"link": "markdown", "display": "markdown"}


class Artifact(Struct):
    """An artifact as Prefect tells of it; a key's newest one has `latest_id`, and then `id` is the key's own."""

    id: UUID
    created: datetime
    updated: datetime
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Raw = NULL
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    latest_id: UUID | None = None


def lenient(body: bytes) -> bytes:
    """JSON of which Prefect wrote ``Infinity`` or ``NaN``, with null in their place. Raises `ValueError` for no JSON."""
    return encode(json.loads(body))


def our_id(found: Artifact) -> UUID:
    """The id under which an artifact is known here: ours where we made it."""
    return parse_id((found.metadata_ or {}).get(ID, "")) or found.latest_id or found.id


def to_prefect(
    record: Record, run: Run | None, content: Callable[[BlobRef], bytes | None], public: str | None
) -> dict[str, Any]:
    """The body that creates an artifact; `content` has the bytes of small images, `public` is where the others are."""
    type, data, kept, notes = _shown(record, content, public)
    metadata = {name: _short(value) for name, value in (record.metadata_ or {}).items()}
    metadata |= notes
    metadata[ID] = str(record.id)
    if type != record.type:
        metadata[_TYPE] = record.type or ""
    metadata[_CREATED], metadata[UPDATED] = (_moment(moment) for moment in (record.created, record.updated))
    for name, value in ((_FLOW, record.flow_run_id), (_TASK, record.task_run_id)):
        if value is not None:
            metadata[name] = str(value)
    if kept:
        if record.blob is not None:
            metadata[_BLOB] = f"{record.blob.sha256} {record.blob.size} {record.blob.media}"[:MOST_VALUE]
        metadata |= _parts(_INFO, record.info)
    metadata |= _parts(_TAGS, record.tags) | _names(run)
    description = record.description
    if record.blob is not None and kept and public is not None:
        metadata[_FULL] = _short(_address(record.id, public))
        description = f"{description or ''}{_link(metadata[_FULL])}"
    metadata[_HASH] = _hash(data, description)
    return {"key": record.key, "type": type, "description": description, "data": data, "metadata_": metadata}


def from_prefect(found: Artifact, line: Artifact | None = None) -> Record:
    """The record of an artifact, whoever made it; `line` is its key where it is listed as that key's newest."""
    metadata = dict(found.metadata_ or {})
    ours = {name: metadata.pop(name) for name in list(metadata) if name.startswith(_OURS)}
    type, data, description = found.type, found.data, found.description
    if _FULL in ours and description is not None:
        description = description.removesuffix(_link(ours[_FULL])) or None
    if _TYPE in ours:
        type = ours[_TYPE] or None
        data = _unfenced(data) if type == "display" else data
    unchanged = ours.get(_HASH) == _hash(found.data, found.description)
    moved = _parsed(ours.get(UPDATED)) if unchanged else None
    record = Record(
        id=our_id(found),
        created=_parsed(ours.get(_CREATED)) or found.created,
        updated=moved or found.updated,
        key=found.key if found.key is None or is_key(found.key) else None,
        type=type,
        description=description,
        data=Raw(bytes(data)),
        metadata_=metadata or None,
        flow_run_id=found.flow_run_id or parse_id(ours.get(_FLOW, "")),
        task_run_id=found.task_run_id or parse_id(ours.get(_TASK, "")),
        tags=_joined(ours, _TAGS, list[str]) or [],
        info=(_joined(ours, _INFO, dict[str, Any]) or {}) if unchanged else {},
        blob=_blob(ours.get(_BLOB)) if unchanged else None,
    )
    if line is not None:
        record.collection_id, record.collection_created = line.id, line.created
    return record


def _shown(
    record: Record, content: Callable[[BlobRef], bytes | None], public: str | None
) -> tuple[str | None, Raw, bool, dict[str, str]]:
    """Type and data for Prefect, whether there is more than that, and notes for its `metadata_`."""
    data = NULL if not isinstance(record.data, Raw) else record.data
    if record.type == "image" and record.blob is not None:
        bytes_ = content(record.blob)
        if bytes_ is not None:
            return "image", Raw(encode(f"data:{record.blob.media};base64,{b64encode(bytes_).decode()}")), False, {}
        return "markdown", Raw(encode(_image(record.blob, record.id, public))), True, {}
    if record.type == "display":
        data = Raw(encode(f"{_FENCE[0]}{_text(data)}{_FENCE[1]}"))
    if len(bytes(data)) > MOST_DATA:
        data, note = _cut(data)
        return _SHOWN_AS.get(record.type or "", record.type), data, True, {_CUT: note}
    whole_table = record.type == "table" and _ROWS not in (record.metadata_ or {})
    return _SHOWN_AS.get(record.type or "", record.type), data, not whole_table, {}


def _image(ref: BlobRef, id: UUID, public: str | None) -> str:
    words = f"Image ({ref.media}, {ref.size:,} bytes)"
    return f"{words}: too large to be kept here" if public is None else f"[{words}]({_address(id, public)})"


def _address(id: UUID, public: str) -> str:
    return f"{public}/artifacts/{id}/blob"


def _link(address: str) -> str:
    return f"\n\n[All of it]({address})"


def _cut(data: Raw) -> tuple[Raw, str]:
    """The beginning of what is too long to be sent, which says so itself."""
    text = _text(data)
    kept = text.encode()[:PREVIEW].decode(errors="ignore")
    note = f"{len(kept.encode())} of {len(text.encode())} bytes"
    return Raw(encode(f"{kept}\n\n… {note}")), note


def _text(data: Raw) -> str:
    found = msgspec.json.decode(data)
    return found if isinstance(found, str) else bytes(data).decode()


def _unfenced(data: Raw) -> Raw:
    text = _text(data)
    if text.startswith(_FENCE[0]) and text.endswith(_FENCE[1]):
        return Raw(encode(text[len(_FENCE[0]) : -len(_FENCE[1])]))
    return data


def _short(value: str) -> str:
    return value if len(value) <= MOST_VALUE else value[: MOST_VALUE - 1] + "…"


def _moment(moment: datetime) -> str:
    return encode(moment).decode().strip('"')


def _parsed(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    return utc(found) if found.tzinfo is not None else None


def _hash(data: Raw, description: str | None) -> str:
    """Tells whether anybody changed it since; over values, since Prefect writes JSON its own way."""
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return ""
    return hashlib.sha256(encode([value, description])).hexdigest()[:32]


def _parts(name: str, value: Any) -> dict[str, str]:
    """JSON in values short enough, ``name`` and ``name_2`` on; nothing where it is empty or needs too many."""
    if not value:
        return {}
    text = encode(value).decode()
    parts = [text[start : start + MOST_VALUE] for start in range(0, len(text), MOST_VALUE)]
    if len(parts) > _MOST_PARTS:
        return {}
    return {name if n == 0 else f"{name}_{n + 1}": part for n, part in enumerate(parts)}


def _joined(ours: dict[str, str], name: str, kind: Any) -> Any:
    text = ours.get(name, "")
    for n in range(2, _MOST_PARTS + 1):
        text += ours.get(f"{name}_{n}", "")
    try:
        return msgspec.json.decode(text, type=kind) if text else None
    except msgspec.DecodeError:
        return None


def _blob(text: str | None) -> BlobRef | None:
    parts = (text or "").split(" ", 2)
    if len(parts) != 3 or not _SHA256.fullmatch(parts[0]) or not _SIZE.fullmatch(parts[1]):
        return None
    return BlobRef(sha256=parts[0], size=int(parts[1]), media=parts[2])


def _names(run: Run | None) -> dict[str, str]:
    """Where it comes from, in names: never source, user or host."""
    if run is None:
        return {}
    about = run.provenance
    found = {
        "run": run.name,
        "notebook": about.notebook,
        "cell_id": about.cell_id,
        "execution_count": None if about.execution_count is None else str(about.execution_count),
    }
    return {_OURS + name: _short(value) for name, value in found.items() if value}
