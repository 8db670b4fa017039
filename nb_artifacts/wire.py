"""What is stored, sent and listed: Record, Run, Patch, Query, Change, and their JSON.

This room does not know artifact types. ``data`` is JSON text that the type made once (`msgspec.Raw`); every room
after ``types`` hands it on as it stands. The ten members of a Prefect artifact keep their names (``metadata_`` with its
underscore included); the others are ours and travel only where the caller asks for whole records
(``Accept: application/vnd.nb-artifacts.v1+json``).

Times are aware datetimes in UTC, written as ``2026-11-23T12:43:13.451377Z``.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from uuid_utils.compat import uuid7

from nb_artifacts.errors import InvalidKey

MIME = "application/vnd.nb-artifacts.v1+json"
"""Media type of a whole record over HTTP, and of the small reference in a notebook's output."""

SHORT_DATA = 256
"""JSON of at most this many bytes travels with lists and events; longer `data` only where it is asked for."""

NULL = Raw(b"null")
_KEY = re.compile(r"[a-z0-9-]+\Z")


class BlobRef(Struct, kw_only=True, frozen=True):
    """Bytes too large for a row: where they are, how many, and what they are."""

    sha256: str
    size: int
    media: str


class Record(Struct, kw_only=True):
    """One version of an artifact.

    `version` and `seq` are given by the store that counts; a record not yet put has None and 0. `info` is a small JSON
    object by which lists and views describe the artifact without its payload (rows, pixels, a progress state);
    the type makes it and no store looks inside.
    """

    id: UUID
    created: datetime
    updated: datetime
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Raw | UnsetType = NULL
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    version: int | None = None
    seq: int = 0
    tags: list[str] = []
    info: dict[str, Any] = {}
    blob: BlobRef | None = None
    collection_id: UUID | UnsetType = UNSET
    """With `Query.latest`: the identity of the key's line of versions."""
    collection_created: datetime | UnsetType = UNSET


class RunKind(str, Enum):
    """Where artifacts come from, outermost first."""

    session = "session"
    cell = "cell"
    flow = "flow"
    task = "task"


class RunState(str, Enum):
    """How a run stands. `interrupted` also covers a writer that died."""

    running = "running"
    completed = "completed"
    failed = "failed"
    interrupted = "interrupted"


class Git(Struct, kw_only=True, frozen=True):
    """The commit a notebook's folder was at, and whether tracked files differed from it."""

    commit: str
    branch: str | None = None
    dirty: bool = False


class PrefectRun(Struct, kw_only=True, omit_defaults=True):
    """What Prefect's clients told of a run of theirs, and ask for again."""

    flow_id: UUID | None = None
    """The flow that it is a run of, where `Run.parent_id` is the task in which it was begun."""
    state_type: str | None = None
    state_name: str | None = None
    tags: list[str] = []
    run_count: int = 0
    retries: int = 0
    retry_delay: float = 0
    """Seconds."""
    scheduled: datetime | None = None
    """When it is to be tried again."""


class Provenance(Struct, kw_only=True, omit_defaults=True):
    """What made an artifact. A session holds what stays the same for its life, a cell the rest."""

    notebook: str | None = None
    cell_id: str | None = None
    execution_count: int | None = None
    source: str | None = None
    """Code of the cell, known secret patterns redacted."""
    source_sha256: str | None = None
    user: str | None = None
    host: str | None = None
    pid: int | None = None
    boot_id: str | None = None
    process_started: float | None = None
    kernel_id: str | None = None
    python: str | None = None
    packages: dict[str, str] = {}
    git: Git | None = None
    inputs: list[UUID] = []
    """Ids of the artifacts read while it ran."""
    prefect: PrefectRun | None = None


class Run(Struct, kw_only=True):
    """A session, a cell's execution, a flow or a task."""

    id: UUID
    kind: RunKind
    started: datetime
    name: str | None = None
    parent_id: UUID | None = None
    session_id: UUID | None = None
    state: RunState = RunState.running
    ended: datetime | None = None
    error: str | None = None
    provenance: Provenance = msgspec.field(default_factory=Provenance)
    seq: int = 0


class Patch(Struct, kw_only=True, forbid_unknown_fields=True):
    """A change to a record. A member left out stays as it is; None clears it.

    `data` without `info` or `blob` drops both, since they described the data that is gone. `updated` is for a change
    that was made elsewhere, and then: the record's own moves there, or by as little as it can where it is later.
    """

    data: Raw | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    metadata_: dict[str, str] | None | UnsetType = UNSET
    info: dict[str, Any] | UnsetType = UNSET
    blob: BlobRef | None | UnsetType = UNSET
    updated: datetime | UnsetType = UNSET


class IdFilter(Struct, forbid_unknown_fields=True):
    """Ids, any of which matches; an empty list matches nothing."""

    any_: list[UUID] | None = None


class KeyFilter(Struct, forbid_unknown_fields=True):
    """Keys: any of some, containing a text (``%`` and ``_`` are wildcards, case is folded), or there at all."""

    any_: list[str] | None = None
    like_: str | None = None
    exists_: bool | None = None


class TypeFilter(Struct, forbid_unknown_fields=True):
    """Types: any of some, none of some (which never matches an artifact without a type)."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class NameFilter(Struct, forbid_unknown_fields=True):
    """Names of runs."""

    any_: list[str] | None = None
    like_: str | None = None


class Operator(str, Enum):
    """How the members of a filter are joined."""

    and_ = "and_"
    or_ = "or_"


class ArtifactFilter(Struct, forbid_unknown_fields=True):
    """Which artifacts; members are joined by `operator`, operators within one member by "and"."""

    operator: Operator | None = None
    id: IdFilter | None = None
    key: KeyFilter | None = None
    flow_run_id: IdFilter | None = None
    task_run_id: IdFilter | None = None
    type: TypeFilter | None = None


class RunFilter(Struct, forbid_unknown_fields=True):
    """Which runs an artifact must come from; an artifact whose run the store does not know never matches."""

    operator: Operator | None = None
    id: IdFilter | None = None
    name: NameFilter | None = None


class Sort(str, Enum):
    """Prefect's five orders, and two of ours: by version, and by when the listed version was made."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    ID_DESC = "ID_DESC"
    KEY_DESC = "KEY_DESC"
    KEY_ASC = "KEY_ASC"
    VERSION_DESC = "VERSION_DESC"
    NEWEST = "NEWEST"


class Query(Struct, kw_only=True):
    """Which records, in which order. `latest` lists one record a key, its highest version.

    `artifacts.id` means the artifact's id in both cases (the wire's ``latest_id``). `run` is ours: artifacts made by
    that run or by any run below it. `data` asks for the payloads longer than `SHORT_DATA` too.
    """

    artifacts: ArtifactFilter | None = None
    flow_runs: RunFilter | None = None
    task_runs: RunFilter | None = None
    version: int | None = None
    run: UUID | None = None
    after: UUID | None = None
    """In the order ID_DESC: only what comes after this id (with `latest`, this key's identity), however many were before."""
    latest: bool = False
    data: bool = False
    sort: Sort = Sort.ID_DESC
    limit: int | None = None
    offset: int = 0


class RunQuery(Struct, kw_only=True):
    """Which runs, newest first."""

    id: IdFilter | None = None
    parent_id: IdFilter | None = None
    session_id: IdFilter | None = None
    kind: list[RunKind] | None = None
    state: list[RunState] | None = None
    notebook: str | None = None
    cell_id: str | None = None
    kernel_id: str | None = None
    limit: int = 200
    offset: int = 0


class Deleted(Struct, kw_only=True):
    """What is left of a deleted artifact."""

    id: UUID
    key: str | None = None
    version: int | None = None
    deleted: datetime


class Change(Struct, kw_only=True, omit_defaults=True):
    """One row of the feed; exactly one of `record`, `run` and `deleted` is there."""

    seq: int
    kind: Literal["artifact", "run", "deleted"]
    record: Record | None = None
    run: Run | None = None
    deleted: Deleted | None = None


class Reference(Struct, kw_only=True, omit_defaults=True):
    """What a notebook's output holds under our MIME type: enough to find the artifact, and a little to show at once.

    A reference is hostile input to whoever reads it: no address is ever taken from it.
    """

    id: UUID
    store: str
    type: str | None
    key: str | None = None
    version: int | None = None
    title: str | None = None
    description: str | None = None
    preview: str | None = None
    """At most 2 kB of plain text."""


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562), increasing within a process."""
    return uuid7()


def now() -> datetime:
    """The time in UTC, to the microsecond."""
    return datetime.now(timezone.utc)


def is_key(text: str) -> bool:
    """Whether `text` is made of lowercase ASCII letters, digits and dashes, and not empty."""
    return _KEY.match(text) is not None


def check_key(key: object) -> str | None:
    """`key` itself, or None for None.

    Raises `InvalidKey`, naming the key and one that would do.
    """
    if key is None:
        return None
    if not isinstance(key, str) or not is_key(key):
        raise InvalidKey(key)
    return key


def parse_id(text: str) -> UUID | None:
    """The UUID that `text` spells with dashes, or None."""
    if len(text) != 36 or text[8] != "-":
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def encode(value: Any) -> bytes:
    """JSON of a wire struct; never NaN or Infinity (msgspec writes null)."""
    return msgspec.json.encode(value)


def decode_data(record: Record) -> Any:
    """The JSON value in `record.data`; None where it was not fetched."""
    return None if record.data is UNSET else msgspec.json.decode(record.data)
