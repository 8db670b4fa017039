"""What is kept of a remote, as it is read: its place in the feed, what waits for it, how it stands."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- msgspec reads annotations
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from nb_artifacts.process import Writer  # noqa: TC001 (msgspec reads annotations)
from nb_artifacts.store.rows import from_us
from nb_artifacts.wire import BlobRef


class Known(NamedTuple):
    """A remote and its place in the feed."""

    n: int
    address: str
    kind: str | None
    start: int
    """What was made up to this seq stays here."""
    cursor: int
    """All up to this seq is settled."""


class Waiting(NamedTuple):
    """One row that is to be sent; its content is read when it goes."""

    kind: Literal["artifact", "deleted", "run"]
    id: UUID
    seq: int
    key: str | None
    version: int | None
    attempted: int
    """The seq of the last attempt, which may have arrived; 0 for none."""
    settled: int
    """The seq that has arrived; 0 where it is not there yet."""
    tries: int
    remote_id: UUID | None
    blob: BlobRef | None
    runs: tuple[UUID, ...]


class Arrived(NamedTuple):
    """What the remote has taken: this `seq` of a row, its number and id there."""

    id: UUID
    seq: int
    version: int | None = None
    remote_id: UUID | None = None


class There(NamedTuple):
    """What an artifact is known by at a remote."""

    remote_id: UUID | None
    version: int | None


class Parked(msgspec.Struct, frozen=True):
    """A row that the remote refuses."""

    id: UUID
    key: str | None
    version: int | None
    error: str
    tries: int


class State(msgspec.Struct, frozen=True):
    """How it stands with a remote."""

    address: str
    kind: str | None
    first_seen: datetime | None
    pending: int
    """Artifacts and deletions that are still to be sent."""
    oldest: datetime | None
    """Since when the oldest of them waits."""
    kept_here: int
    """How many artifacts were made before the remote was first seen, and stay here."""
    parked: list[Parked]
    last_ok: datetime | None
    last_error: str | None
    failed: datetime | None
    """When the last error was; None after it went well again."""
    paused: str | None
    """Why nothing is sent until somebody does something."""
    resume: datetime | None
    """Nothing is sent before."""
    sender: Writer | None
    """The process that sends, where there is one."""
    lease_until: datetime | None


def never_seen(address: str, artifacts: int) -> State:
    """How it stands with a remote to which nothing was ever to be sent."""
    return State(
        address=address, kind=None, first_seen=None, pending=0, oldest=None, kept_here=artifacts, parked=[], last_ok=None,
        last_error=None, failed=None, paused=None, resume=None, sender=None, lease_until=None,
    )  # fmt: skip


def in_order(rows: list[Waiting]) -> list[Waiting]:
    """By seq; but what was never sent of a key goes by version, in the places that those have."""
    rows.sort(key=lambda row: row.seq)
    places: dict[str, list[int]] = {}
    for n, row in enumerate(rows):
        if row.kind == "artifact" and row.settled == 0 and row.key is not None:
            places.setdefault(row.key, []).append(n)
    for ns in places.values():
        for n, row in zip(ns, sorted((rows[n] for n in ns), key=lambda row: row.version or 0), strict=True):
            rows[n] = row
    return rows


def to_waiting(row: tuple[Any, ...]) -> Waiting:
    """What waits, of a row of the statements."""
    kind, id, seq, key, version, attempted, settled, tries, remote_id, sha256, size, media, flow, task = row
    blob = None if sha256 is None else BlobRef(sha256=sha256, size=size, media=media)
    runs = tuple(UUID(bytes=run) for run in (flow, task) if run is not None)
    return Waiting(kind, UUID(bytes=id), seq, key, version, attempted, settled, tries, to_id(remote_id), blob, runs)


def to_state(
    known: Known,
    parked: list[tuple[Any, ...]],
    waits: tuple[int, int | None],
    kept: int,
    how: tuple[Any, ...],
    sends: tuple[Writer | None, datetime | None],
) -> State:
    """How it stands, of rows of the statements and of who `sends`, until when."""
    first_seen, last_ok, error, failed, paused, resume = how
    return State(
        address=known.address, kind=known.kind, first_seen=to_time(first_seen), pending=waits[0], oldest=to_time(waits[1]),
        kept_here=kept,
        parked=[Parked(UUID(bytes=id), key, version, why or "", tries) for id, key, version, why, tries, _ in parked],
        last_ok=to_time(last_ok), last_error=error, failed=to_time(failed), paused=paused, resume=to_time(resume),
        sender=sends[0], lease_until=sends[1],
    )  # fmt: skip


def to_id(value: bytes | None) -> UUID | None:
    """A UUID as it is stored."""
    return None if value is None else UUID(bytes=value)


def to_time(value: int | None) -> datetime | None:
    """A time as it is stored."""
    return None if value is None else from_us(value)
