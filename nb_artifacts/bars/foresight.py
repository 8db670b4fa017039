"""What the earlier versions of a key tell a new bar: how long it usually takes, and whether one of them still runs."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from nb_artifacts import core
from nb_artifacts.notices import warn
from nb_artifacts.process import is_dead, this_process
from nb_artifacts.settle import writer_of
from nb_artifacts.types.base import read_info
from nb_artifacts.types.progress import ProgressInfo
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query, Record, Sort, now

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from nb_artifacts.store import Store

_RECENT = 10
"""Earlier runs that are looked at, at most."""

_SILENT = 30.0
"""Seconds without news after which nobody can tell whether a bar of another host still runs."""


def earlier(store: Store, key: str) -> list[Record]:
    """The newest versions of a key, newest first. Raises `StoreError`."""
    query = Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[key])), sort=Sort.VERSION_DESC, limit=2 * _RECENT)
    return [record for record in store.find(query) if record.type == "progress"]


def usual(versions: list[Record], total: float | None) -> float | None:
    """The median of what the newest finished runs took, of those of the same size if there are any."""
    infos = [read_info(record, ProgressInfo) for record in versions]
    finished = [info for info in infos if info is not None and info.state == "finished" and info.ended is not None]
    alike = [info for info in finished if info.total == total] or finished
    took = [(info.ended - info.started).total_seconds() for info in alike[:_RECENT] if info.ended]
    return round(statistics.median(took), 3) if took else None


def say_where_used(versions: list[Record], ours: Collection[UUID]) -> None:
    """Warn where a version still runs: of this process one of `ours`, of another one whose writer lives."""
    me = this_process()
    for record in versions:
        writer = writer_of(record)
        if writer is None or is_dead(writer) or (writer == me and record.id not in ours):
            continue
        if writer.host != me.host and (now() - record.updated).total_seconds() > _SILENT:
            continue
        where = "" if writer == me else f", on {writer.host}" if writer.host != me.host else ", in another process"
        running = f"{core.name_of(record)}{where}"
        warn(f"{record.key!r} is the key of a bar that still runs ({running}): this one is a new version.")
        return
