"""What requests bring and answers hold, for the description of the API: the checks of `body` as types."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads annotations
from typing import Annotated, Any, Literal
from uuid import UUID  # noqa: TC003 - msgspec reads annotations

from msgspec import UNSET, Meta, Struct, UnsetType

from nb_artifacts import wire  # noqa: TC001 - msgspec reads annotations
from nb_artifacts.api.openapi_filters import Aware, Ids, Limit, Names, Offset, Part, Related, StateType, Types

KeyText = Annotated[str, Meta(pattern=r"^[a-z0-9-]+$", min_length=1)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Order = Literal["CREATED_DESC", "UPDATED_DESC", "ID_DESC", "KEY_DESC", "KEY_ASC"]


class BlobRef(Struct, forbid_unknown_fields=True):
    """Bytes that were uploaded."""

    sha256: Sha256
    size: Offset
    media: str


class ArtifactCreate(Struct, forbid_unknown_fields=True):
    """A new artifact; every member may be left out."""

    key: KeyText | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactPut(ArtifactCreate, forbid_unknown_fields=True):
    """A new artifact under an id of the client's, with what only whole records have."""

    tags: list[str] | None = None
    info: dict[str, Any] | None = None
    blob: BlobRef | None = None
    created: Aware | UnsetType = UNSET
    updated: Aware | UnsetType = UNSET


class BatchItem(ArtifactPut, forbid_unknown_fields=True):
    """One of several new artifacts."""

    id: UUID | UnsetType = UNSET


class Batch(Struct, forbid_unknown_fields=True):
    """Several new artifacts."""

    artifacts: Annotated[list[BatchItem], Meta(max_length=200)]


class ArtifactUpdate(Struct, forbid_unknown_fields=True):
    """A change; what is left out stays, null clears."""

    data: Any = None
    description: str | None = None
    metadata_: dict[str, str] | None = None


class Keys(Names, forbid_unknown_fields=True):
    """As names, and whether there is a key at all."""

    exists_: bool | None = None


class _Artifacts(Struct, forbid_unknown_fields=True):
    """Which artifacts; what is null is not asked."""

    operator: wire.Operator | None = None
    key: Keys | None = None
    flow_run_id: Ids | None = None
    task_run_id: Ids | None = None
    type: Types | None = None


class Artifacts(_Artifacts, forbid_unknown_fields=True):
    """Which artifacts; what is null is not asked."""

    id: Ids | None = None


class LatestArtifacts(_Artifacts, forbid_unknown_fields=True):
    """Which artifacts among the newest of their keys."""

    latest_id: Ids | None = None


class Count(Related):
    """Which artifacts."""

    artifacts: Artifacts | None = None


class CountLatest(Related):
    """Which artifacts among the newest of their keys."""

    artifacts: LatestArtifacts | None = None


class Filter(Count):
    """Which artifacts, in which order; in the order ID_DESC also `after`, the id of the last one of the page before."""

    sort: Order | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class FilterLatest(CountLatest):
    """Which artifacts among the newest of their keys, in which order; `after` as for all of them."""

    sort: Order | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class RunQuery(Struct):
    """Which runs, newest first."""

    id: Ids | None = None
    parent_id: Ids | None = None
    session_id: Ids | None = None
    kind: list[wire.RunKind] | None = None
    state: list[wire.RunState] | None = None
    notebook: str | None = None
    cell_id: str | None = None
    kernel_id: str | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class NewFlow(Struct):
    """A flow, known by its name."""

    name: Annotated[str, Meta(min_length=1)]


class State(Struct):
    """What has become of a run."""

    type: StateType


class NewFlowRun(Struct):
    """A run of a flow."""

    flow_id: UUID
    state: State | None = None


class NewTaskRun(Struct):
    """A run of a task."""

    task_key: str
    dynamic_key: str
    state: State | None = None


class NewState(Struct):
    """A run's new state."""

    state: State


class Slots(Struct):
    """Room under limits of concurrency."""

    names: list[str]
    slots: int


class Lease(Struct):
    """Room that was taken."""

    lease_id: UUID


class Items(Struct, forbid_unknown_fields=True):
    """What changed elsewhere, in order: each with ``op``, ``id``, and the ``record`` or the ``run`` that it tells of."""

    items: Annotated[list[Any], Meta(max_length=1000)]


class Search(Struct):
    """Words to look for; `after` is the id of the last one of the page before."""

    q: Part
    limit: Limit | None = None
    after: UUID | None = None


class Blob(Struct, forbid_unknown_fields=True):
    """Bytes by their hash."""

    sha256: str = ""
    size: Offset = 0


class Blobs(Struct, forbid_unknown_fields=True):
    """Bytes that somebody is about to name."""

    blobs: Annotated[list[Blob], Meta(max_length=1000)] = []


class ArtifactAnswer(Struct):
    """An artifact; with ``Accept: application/vnd.nb-artifacts.v1+json`` it has more members."""

    id: UUID
    created: datetime
    updated: datetime
    key: str | None
    type: str | None
    description: str | None
    data: Any
    metadata_: dict[str, str] | None
    flow_run_id: UUID | None
    task_run_id: UUID | None


class ChangeAnswer(Struct):
    """One of `record`, `run` and `deleted`; a record is whole but for long data."""

    seq: int
    kind: Literal["artifact", "run", "deleted"]
    record: dict[str, Any] | None = None
    run: wire.Run | None = None
    deleted: wire.Deleted | None = None


class Status(Struct):
    """The store, and how much it holds."""

    store: str
    where: str
    artifacts: int
    keys: int
    blob_bytes: int
    seq: int
    version: str
    sync: dict[str, Any] | None = None
    """How it stands with the API that it sends to; left out on a server that sends nothing."""
