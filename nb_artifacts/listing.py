"""Tables of artifacts for people, in a notebook or a terminal: every cell is text, whatever it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from nb_artifacts import core
from nb_artifacts.errors import ArtifactError
from nb_artifacts.tabular import Listing
from nb_artifacts.types.text import clip_text, count, duration, one_line, size
from nb_artifacts.wire import NULL, ArtifactFilter, KeyFilter, Query, now

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from nb_artifacts.handle import Artifact
    from nb_artifacts.wire import Record


def ago(moment: datetime) -> str:
    """How long ago, in words."""
    passed = (now() - moment).total_seconds()
    return "now" if passed < 1 else f"{duration(passed)} ago"


def records_of(name: str, limit: int | None = None) -> list[Record]:
    """The records that ``K``, ``K@V`` or an id means, newest first. Raises `NotFound`, saying what there is instead."""
    key, version, wanted = core.parse_name(name)
    if version is None and key is not None:
        records = core.history(key, limit)
    else:
        record = core.get(key, version, id=wanted)
        records = [record] if record is not None else []
    if not records:
        from nb_artifacts.handle import existing

        existing(name)
    return records


def all_of(name: str) -> Query | None:
    """What finds all versions of a key; None for a name that means one of them."""
    key, version, _ = core.parse_name(name)
    return Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[key]))) if key is not None and version is None else None


def title(record: Record) -> str:
    """What an artifact is called: ``key@2``, or its id where it has no key."""
    return f"{record.key}@{record.version or 'pending'}" if record.key else f"artifact {record.id}"


def left_out(shown: int, limit: int | None, query: Query | None) -> str:
    """What is said below a list of at most `limit` that ends before all that `query` finds; nothing where it has all."""
    there = shown if limit is None or query is None or shown < limit else core.reading_store().count(query)
    return f"{count(shown)} of {count(there)} listed: --limit {there} lists all." if there > shown else ""


def versions(records: list[Record], note: str = "") -> Listing:
    """One line a record: key, version (of those that stay here: the folder's), type, what it is, when, description."""
    kept = core.kept_here(records)
    rows = [
        [
            clip_text(one_line(record.key or "—"), 60), _version(record, kept),
            one_line(record.type or "data"), summary(record), ago(record.created),
            clip_text(one_line(record.description or ""), 80),
        ]
        for record in records
    ]  # fmt: skip
    return Listing(
        ("Key", "Version", "Type", "Content", "Made", "Description"), rows,
        note or "Nothing kept yet. Try %%artifact --key my-first-artifact over a cell.", note,
    )  # fmt: skip


def _version(record: Record, kept: set[UUID]) -> str:
    """Nothing without a key, nor in lists of a remote that numbers nothing (`seq` 0); what is `kept` is `here` only."""
    if record.version is None:
        return "pending" if record.key and record.seq else ""
    return f"v{record.version} here" if record.id in kept else f"v{record.version}"


def summary(record: Record) -> str:
    """One line that says what a record holds. Payloads are not read for lists: where `data` was left out, `info` tells."""
    from nb_artifacts.types import payload_class

    if record.data is UNSET:
        if record.type == "markdown":
            title, length = record.info.get("title"), record.info.get("size")
            return one_line(" · ".join([*([title] if title else []), *([size(length)] if isinstance(length, int) else [])]))
        record = msgspec.structs.replace(record, data=NULL)
    try:
        return clip_text(payload_class(record.type).read(record, lambda: b"").summary(), 80)
    except ArtifactError:
        return ""


def details(artifact: Artifact) -> Listing:
    """What is known of one artifact, a line a fact."""
    record = core.get(id=artifact.id)
    assert record is not None
    cell = core.cell_of(record)
    made = cell.provenance if cell else None
    facts = [
        ("key", record.key), ("version", record.version), ("type", record.type), ("id", record.id),
        ("content", artifact.payload.summary()), ("description", record.description), ("tags", ", ".join(record.tags)),
        ("made", f"{ago(record.created)} ({record.created:%Y-%m-%d %H:%M:%S} UTC)"),
        ("updated", f"{ago(record.updated)}" if record.updated != record.created else None),
        ("bytes", size(record.blob.size) if record.blob else None), ("notebook", made and made.notebook),
        ("cell", made and made.execution_count and f"[{made.execution_count}]"), ("source", made and made.source),
        *users_metadata(record).items(),
    ]  # fmt: skip
    rows = [[name, clip_text(one_line(str(fact)), 400)] for name, fact in facts if fact not in (None, "")]
    return Listing(("Fact", "Value"), rows, "")


def users_metadata(record: Record) -> dict[str, str]:
    """Metadata that the user gave; members of ours are shown in words elsewhere."""
    return {name: text for name, text in (record.metadata_ or {}).items() if not name.startswith("nb_artifacts.")}


def folder_status(found: core.Status) -> Listing:
    """Where artifacts are kept, and how many."""
    rows = [
        ["folder", one_line(found.where)], ["keys", count(found.keys)], ["artifacts", count(found.artifacts)],
        ["blobs", size(found.blob_bytes)], ["store id", found.store], ["journal", found.journal],
        *([["note", found.note]] if found.note else []),
        *([name, one_line(fact)] for name, fact in (found.sync.facts().items() if found.sync else ())),
    ]  # fmt: skip
    return Listing(("", ""), rows, "")
