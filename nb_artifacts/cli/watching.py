"""``nb-artifacts watch``: bars of any process as they move, on a terminal as bars, in a pipe as a line a change.

Looks at the store's newest `seq` a few times a second and reads again only when it moved; a writer that died makes no
change itself, so the bars that run are read every second all the same.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from nb_artifacts import core
from nb_artifacts.cli.out import plain, write_line
from nb_artifacts.types.progress import Progress, said
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query, Sort, TypeFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from rich.console import Console, RenderableType

    from nb_artifacts.wire import Record

LOOK_EVERY = 0.2
AGAIN_AFTER = 1.0
MAX_BARS = 200
_COLOURS = {"running": "blue", "finished": "green", "failed": "red", "interrupted": "red", "stopped": "yellow"}


def watch(key: str | None, output: str | None) -> int:
    """Show bars until they have ended; the exit code is 1 where one failed or was interrupted.

    With a key its newest version is watched; without one, all that run now or begin meanwhile.
    """
    if output == "json":
        return _lines(key, write_line)
    if sys.stdout.isatty():
        return _bars(key)
    return _lines(key, lambda record: click.echo(_line(record)))


def _line(record: Record) -> str:
    return f"{plain(record.key or record.id)} · {plain(_read(record).summary())}"


def _read(record: Record) -> Progress:
    return Progress.read(record, lambda: b"")


def _state(record: Record) -> str:
    return _read(record).info.state


def _frames(key: str | None) -> Iterator[list[Record]]:
    """The bars that are watched, again and again, until all have ended; each frame has every bar seen so far."""
    store = core.current_store()
    seen: dict[UUID, Record] = {}
    seq, read_at = -1, 0.0
    while True:
        newest = store.last_seq()
        if newest != seq or time.monotonic() - read_at >= AGAIN_AFTER:
            seq, read_at = newest, time.monotonic()
            for record in _found(key, seen):
                seen[record.id] = record
            yield list(seen.values())
            if all(_state(record) != "running" for record in seen.values()):
                return
        time.sleep(LOOK_EVERY)


def _found(key: str | None, seen: dict[UUID, Record]) -> list[Record]:
    if key is not None:
        found = core.get(key)
        return [found] if found is not None and found.type == "progress" else []
    only = ArtifactFilter(key=KeyFilter(exists_=True), type=TypeFilter(any_=["progress"]))
    records = core.search(Query(artifacts=only, latest=True, sort=Sort.NEWEST, limit=MAX_BARS))
    return [record for record in records if record.id in seen or _state(record) == "running"]


def _outcome(records: list[Record]) -> int:
    return 1 if any(_state(record) in {"failed", "interrupted"} for record in records) else 0


def _lines(key: str | None, tell: Callable[[Record], object]) -> int:
    told: dict[UUID, int] = {}
    records: list[Record] = []
    for records in _frames(key):
        for record in records:
            if told.get(record.id) != record.seq:
                told[record.id] = record.seq
                tell(record)
    if not records:
        click.echo("Nothing is running.", err=True)
    return _outcome(records)


def _bars(key: str | None) -> int:
    from rich.console import Console
    from rich.live import Live

    console, records = Console(highlight=False, markup=False), []
    with Live(console=console, auto_refresh=False) as live:
        for records in _frames(key):
            live.update(_drawn(records, console), refresh=True)
    if not records:
        click.echo("Nothing is running.", err=True)
    return _outcome(records)


def _drawn(records: list[Record], console: Console) -> RenderableType:
    """A line a bar, and one for each of its steps."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    width = max(10, min(40, console.width // 4))
    table = Table.grid(padding=(0, 2))
    for record in records:
        payload = _read(record)
        info = payload.info
        open_end = info.total is None and info.state == "running"
        bar = ProgressBar(
            None if open_end else 100, payload.percent, width, pulse=open_end, complete_style=_COLOURS[info.state]
        )
        table.add_row(Text(plain(record.key or record.id), style="bold"), bar, Text(plain(payload.summary())))
        for step in info.steps:
            name = Text("  " * step.level + plain(step.name))
            table.add_row(name, Text(""), Text(plain(said(step, told=record.updated)), style=_COLOURS[step.state]))
    return table
