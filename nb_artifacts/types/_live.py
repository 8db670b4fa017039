"""What is known of a table that grows while something runs."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 (msgspec reads annotations)

from msgspec import Struct

from nb_artifacts.types.progress import State  # noqa: TC001 (msgspec reads annotations)
from nb_artifacts.types.text import clip_text, one_line


class LiveTable(Struct, kw_only=True, omit_defaults=True):
    """How a live table stands. `host` and what follows say which process writes it."""

    state: State
    rows: int
    started: datetime
    ended: datetime | None = None
    error: str | None = None
    host: str | None = None
    boot_id: str | None = None
    pid: int | None = None
    process_started: float | None = None


def live_words(live: LiveTable) -> str:
    """``running``, or how it ended and why: ``interrupted · kernel died``, as a bar says it."""
    return " · ".join([live.state, *([clip_text(one_line(live.error), 120)] if live.error else [])])
