"""How long work usually takes: what the earlier runs of its key say."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from nb_artifacts.types.base import read_info
from nb_artifacts.types.progress import ProgressInfo
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query, Sort

if TYPE_CHECKING:
    from nb_artifacts.store import Store

_RECENT = 10
"""Earlier runs that are looked at, at most."""


def usual(store: Store, key: str, total: float | None) -> float | None:
    """The median of what the newest finished runs of a key took, of those of the same size if there are any."""
    query = Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[key])), sort=Sort.VERSION_DESC, limit=2 * _RECENT)
    infos = [read_info(record, ProgressInfo) for record in store.find(query) if record.type == "progress"]
    finished = [info for info in infos if info is not None and info.state == "finished" and info.ended is not None]
    alike = [info for info in finished if info.total == total] or finished
    took = [(info.ended - info.started).total_seconds() for info in alike[:_RECENT] if info.ended]
    return round(statistics.median(took), 3) if took else None
