"""Tables of artifacts for people, in a notebook or a terminal: every cell is text, whatever it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from nb_artifacts import core
from nb_artifacts.errors import ArtifactError
from nb_artifacts.tabular import Listing
from nb_artifacts.types.text import clip_text, count, duration, one_line, size
from nb_artifacts.wire import NULL, now

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from nb_artifacts.handle import Artifact
    from nb_artifacts.wire import Record


def ago(moment: datetime) -> str:
    """How long ago, in words."""
    passed = (now() - moment).total_seconds()
    return "now" if passed < 1 else f"{duration(passed)} ago"


def versions(records: list[Record]) -> Listing:
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
        "Nothing kept yet. Try %%artifact --key my-first-artifact over a cell.",
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
