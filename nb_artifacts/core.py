"""Keep, find, read, change and delete: the operations on Records that every surface uses.

A call that keeps something returns once it is on disk, and never waits for a network. No function here shows anything
or knows `Artifact`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from nb_artifacts import config, outbox, runs, settle
from nb_artifacts.checks import check_metadata, check_tags, check_text
from nb_artifacts.errors import InvalidValue, NotFound
from nb_artifacts.stores import current_store, mistake, reading_store, union
from nb_artifacts.types import Content, Payload, payload_class
from nb_artifacts.wire import (
    ArtifactFilter,
    BlobRef,
    IdFilter,
    KeyFilter,
    Patch,
    Query,
    Record,
    Run,
    RunQuery,
    Sort,
    check_key,
    is_key,
    new_id,
    now,
    parse_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nb_artifacts.store import Store

__all__ = ["check_text", "current_store", "reading_store"]
"""What surfaces use of the modules below, beside all that is defined here."""


class Named(NamedTuple):
    """``K`` or ``K@V`` or an id, as typed by a person."""

    key: str | None
    version: int | None = None
    id: UUID | None = None


def parse_name(text: str) -> Named:
    """What ``K``, ``K@V`` or an id means. Raises `InvalidKey`, and `InvalidValue` for a version that is no number."""
    found = parse_id(text)
    if found is not None:
        return Named(None, None, found)
    key, at, version = text.partition("@")
    if at and parse_id(key) is not None:
        raise InvalidValue(f"{key} is one version: leave out @{version}.")
    check_key(key)
    if at and not (version.isascii() and version.isdigit() and int(version) > 0):
        raise InvalidValue(f"{version!r} is not a version of {key!r}: versions are 1, 2, 3 …, as in {key}@2.")
    return Named(key, int(version) if at else None)


HIDDEN = {"nb_artifacts.display": "off"}
"""Metadata of what its cell was told not to show: what a page lost of that cell is put back without it."""


def keep(
    payload: Payload,
    key: str | None = None,
    description: str | None = None,
    *,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    hidden: bool = False,
) -> Record:
    """Keep a new artifact and return its record, on disk; with `hidden` it says that its cell does not show it.

    Raises `InvalidKey` and `InvalidValue` before anything is stored, and `StoreError`. A `KeyboardInterrupt` that
    comes after it was stored carries the id as `artifact_id`.
    """
    check_key(key)
    checked_tags, checked_metadata = check_tags(tags), check_metadata(metadata)
    check_text("description", description)
    content, marks = payload.content(), HIDDEN if hidden else {}
    store = union() or current_store()
    made_by = runs.place(current_store())
    moment, record_id = now(), new_id()
    record = Record(
        id=record_id, created=moment, updated=moment, key=key, type=payload.type, description=description,
        data=payload.data_for(content, record_id), metadata_={**content.metadata, **marks, **checked_metadata} or None,
        flow_run_id=made_by.flow_run_id, task_run_id=made_by.task_run_id, tags=checked_tags, info=content.info,
        blob=_put_blob(store, content),
    )  # fmt: skip
    kept = store.put(record)
    outbox.wake()
    return kept


def _put_blob(store: Store, content: Content) -> BlobRef | None:
    return store.put_blob(*content.blob) if content.blob is not None else None


def change(
    artifact_id: UUID,
    payload: Payload | None = None,
    description: str | None | UnsetType = UNSET,
    *,
    if_seq: int | None = None,
    durable: bool = True,
    store: Store | None = None,
) -> Record:
    """Change an artifact in place: its content, its description, or both; in the store it came from, where that is given.

    Raises `NotFound`, `Conflict` where `if_seq` is not the record's any more, and `StoreError`.
    """
    if description is not UNSET:
        check_text("description", description)
    store, patch = store or reading_store(), Patch(description=description)
    if payload is not None:
        content = payload.content()
        patch.data, patch.info, patch.blob = content.data, content.info, _put_blob(store, content)
    changed = store.patch(artifact_id, patch, if_seq=if_seq, durable=durable)
    outbox.wake()
    return changed


def get(
    key: str | None = None, version: int | None = None, *, id: UUID | str | None = None, remote: bool = True
) -> Record | None:
    """The whole record of an id, or of a key's version (its highest where none is given), or None.

    Without `remote` an API that is set is not asked. Raises `InvalidKey`, `InvalidValue` for a version or id that cannot
    be, and `StoreError`.
    """
    if (key is None) == (id is None):
        raise InvalidValue("give a key or id=, and not both.")
    store = _readable(remote=remote)
    if id is not None:
        if version is not None:
            raise InvalidValue(f"version={version!r} goes with a key, not with id=.")
        record = store.get(to_id(id))
        return None if record is None else settle.settled(record, store)
    check_key(key)
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 1):
        raise InvalidValue(f"version={version!r} is not a version: versions are 1, 2, 3 …")
    assert key is not None
    only = ArtifactFilter(key=KeyFilter(any_=[key]))
    found = _find(Query(artifacts=only, version=version, data=True, sort=Sort.VERSION_DESC, limit=1), store)
    return whole(found[0], store) if found else None


before_read: list[Callable[[], None]] = []
"""Called before artifacts are read: what this process still holds back is written first."""


def _readable(*, remote: bool = True) -> Store:
    """The store, with everything written that this process has to write."""
    for write in before_read:
        write()
    both = union()
    return current_store() if both is None else both if remote else both.alone()


def _find(query: Query, store: Store | None = None) -> list[Record]:
    """Records that match, bars of dead writers settled."""
    source = store or _readable()
    return [settle.settled(record, source) for record in source.find(query)]


def whole(record: Record, store: Store) -> Record:
    """`record` with its `data`, also where a list left that out."""
    if record.data is not UNSET:
        return record
    again = store.get(record.id)
    if again is None:
        raise NotFound(f"{record.key or record.id} has been deleted.")
    return again


def to_id(value: object) -> UUID:
    """The UUID that `value` is or spells. Raises `InvalidValue`."""
    found = value if isinstance(value, UUID) else parse_id(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise InvalidValue(f"{value!r:.80} is not the id of an artifact: give the UUID that create_* returned.")
    return found


def history(key: str, limit: int | None = None, *, remote: bool = True) -> list[Record]:
    """Every version of a key, newest first; long payloads are left out. Without `remote` an API that is set is not asked."""
    check_key(key)
    only = ArtifactFilter(key=KeyFilter(any_=[key]))
    return _find(Query(artifacts=only, sort=Sort.VERSION_DESC, limit=limit), _readable(remote=remote))


def latest(limit: int | None = None, sort: Sort = Sort.NEWEST) -> list[Record]:
    """The newest version of every key, newest first."""
    return _find(Query(latest=True, sort=sort, limit=limit))


def everything(limit: int | None = None, sort: Sort = Sort.NEWEST) -> list[Record]:
    """Every version of every key, and what has none, newest first."""
    return _find(Query(sort=sort, limit=limit))


def search(query: Query) -> list[Record]:
    """Records that match, long payloads left out."""
    return _find(query)


def find_keys(beginning: str, limit: int = 200) -> list[str]:
    """Stored keys that begin so, in order of the alphabet."""
    if beginning and not is_key(beginning):
        return []
    both = union()
    if both is not None:
        return both.keys(beginning)[:limit]
    only = ArtifactFilter(key=KeyFilter(like_=beginning))
    found = current_store().find(Query(artifacts=only, latest=True, sort=Sort.KEY_ASC))
    return [record.key for record in found if record.key and record.key.startswith(beginning)][:limit]


def read(record: Record, store: Store | None = None) -> Payload:
    """The typed value of a record. Raises `BlobMissing`, and `InvalidValue` where the content is not what it says."""
    source = store or reading_store()

    def blob() -> bytes:
        assert record.blob is not None
        with source.open_blob(record.blob) as file:
            return file.read()

    return payload_class(record.type).read(whole(record, source), blob)


def in_run(run_id: UUID) -> list[Record]:
    """What a run and all runs below it made, newest first."""
    return _find(Query(run=run_id, sort=Sort.NEWEST))


def run_of(record: Record) -> Run | None:
    """The innermost run that made an artifact, as far as this store knows it."""
    run_id = record.task_run_id or record.flow_run_id
    return reading_store().get_run(run_id) if run_id else None


def cell_of(record: Record) -> Run | None:
    """The cell that made an artifact, looked for upwards from its run."""
    run, store = run_of(record), reading_store()
    while run is not None and run.kind != "cell":
        run = store.get_run(run.parent_id) if run.parent_id else None
    return run


def find_runs(run_ids: Iterable[UUID]) -> dict[UUID, Run]:
    """The runs that this store knows, by id."""
    wanted = sorted(set(run_ids))
    found = reading_store().find_runs(RunQuery(id=IdFilter(any_=wanted), limit=len(wanted))) if wanted else []
    return {run.id: run for run in found}


def kept_here(records: Iterable[Record]) -> set[UUID]:
    """Which of these stay in the folder, so that their numbers are its own and not those of the API that is set."""
    both = union()
    return set() if both is None else both.numbers.kept([record.id for record in records])


def numbered(record: Record) -> Record:
    """A record of this folder under the number that the API gave it by now, where an API is set that counts."""
    both = union()
    return record if both is None or record.key is None else both.numbered(record)


def name_of(record: Record) -> str:
    """``K@V``; ``K@pending`` while the API that counts has given no number."""
    return f"{record.key}@{numbered(record).version or 'pending'}"


def is_synced(record: Record) -> bool:
    """Whether it has arrived at the API that is set, as it is now."""
    both = union()
    return both is not None and both.is_settled(record.id)


def remove(artifact_id: UUID, store: Store | None = None) -> None:
    """Delete one artifact; its version number never comes back. Raises `NotFound`."""
    (store or reading_store()).delete(artifact_id)
    outbox.wake()


class Status(msgspec.Struct, frozen=True):
    """What the folder holds and how it is kept."""

    where: str
    store: str
    artifacts: int
    keys: int
    blob_bytes: int
    journal: str
    handed: bool
    """Whether a Jupyter server named this folder."""
    note: str | None = None
    """Something to know: a server's folder that could not be read here."""
    sync: outbox.Outbox | None = None
    """How it stands with the API; None where none is set."""


def status() -> Status:
    """Where artifacts are kept, and how many. Raises `StoreError`."""
    store = current_store()
    return Status(
        where=store.where,
        store=store.id,
        artifacts=store.count(Query()),
        keys=store.count(Query(latest=True)),
        blob_bytes=store.blob_bytes(),
        journal=store.journal,
        handed=config.handed_folder() == config.folder(),
        note=mistake() or config.handed_problem(),
        sync=outbox.state(),
    )
