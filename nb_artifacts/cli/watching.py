"""``nb-artifacts watch``: bars and live tables of any process, on a terminal as bars, in a pipe as a line a change.

Looks at the store's newest `seq` a few times a second and reads again only when it moved; a writer that died makes no
change itself, so what runs is read every second all the same.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click
from msgspec import UNSET

from nb_artifacts import core
from nb_artifacts.cli.out import plain, state_of, write_line
from nb_artifacts.types._live import live_words
from nb_artifacts.types.base import read_info
from nb_artifacts.types.progress import Progress, said
from nb_artifacts.types.table import TableInfo
from nb_artifacts.types.text import clip_text, plural
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query, Sort, TypeFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from rich.console import Console, RenderableType

    from nb_artifacts.wire import Record

LOOK_EVERY = 0.2
AGAIN_AFTER = 1.0
MOST = 200
"""Bars, and tables, that are looked at: those that changed last."""
_COLOURS = {"running": "blue", "finished": "green", "failed": "red", "interrupted": "red", "stopped": "yellow"}


def watch(name: str | None, output: str | None) -> int:
    """Show bars and live tables until they have ended; the exit code is 1 where one failed or was interrupted.

    With a key its newest version is watched; without a name, all that run now or begin meanwhile.
    """
    if output == "json":
        return _lines(name, write_line)
    if sys.stdout.isatty():
        return _screen(name)
    return _lines(name, lambda record: click.echo(_line(record)))


def _line(record: Record) -> str:
    return f"{_name(record)} · {plain(_words(record))}"


def _name(record: Record) -> str:
    """Its key; else what it is said to be."""
    return record.key or clip_text(plain(record.description or record.id), 60)


def _words(record: Record) -> str:
    """How it stands: ``1,240 rows · running`` of a table."""
    if record.type != "table":
        return _bar(record).summary()
    info = read_info(record, TableInfo)
    if info is None or info.live is UNSET:
        return str(state_of(record))
    return f"{plural(info.rows, 'row')} · {live_words(info.live)}"


def _bar(record: Record) -> Progress:
    return Progress.read(record, lambda: b"")


def _frames(name: str | None) -> Iterator[list[Record]]:
    """What is watched, again and again, until all of it has ended; each frame has everything seen so far."""
    store = core.current_store()
    seen: dict[UUID, Record] = {}
    seq, read_at = -1, 0.0
    while True:
        newest = store.last_seq()
        if newest != seq or time.monotonic() - read_at >= AGAIN_AFTER:
            seq, read_at = newest, time.monotonic()
            for record in _found(name, seen):
                seen[record.id] = record
            yield list(seen.values())
            if all(state_of(record) != "running" for record in seen.values()):
                return
        time.sleep(LOOK_EVERY)


def _found(name: str | None, seen: dict[UUID, Record]) -> list[Record]:
    if name is not None:
        key, version, wanted = core.parse_name(name)
        found = core.get(key, version, id=wanted)
        return [found] if found is not None and state_of(found) is not None else []
    newest = {record.id: record for record in _newest()}
    return [record for record in newest.values() if record.id in seen or state_of(record) == "running"]


def _newest() -> Iterator[Record]:
    """Of the keys the bars and tables that changed last, and those begun last: what has no key, or is no newest version.

    Tables are asked for by themselves, they may be many.
    """
    for type in ("progress", "table"):
        only = TypeFilter(any_=[type])
        keyed = ArtifactFilter(key=KeyFilter(exists_=True), type=only)
        yield from core.search(Query(artifacts=keyed, latest=True, sort=Sort.UPDATED_DESC, limit=MOST))
        yield from core.search(Query(artifacts=ArtifactFilter(type=only), sort=Sort.NEWEST, limit=MOST))


def _outcome(records: list[Record]) -> int:
    return 1 if any(state_of(record) in {"failed", "interrupted"} for record in records) else 0


def _lines(name: str | None, tell: Callable[[Record], object]) -> int:
    told: dict[UUID, int] = {}
    records: list[Record] = []
    for records in _frames(name):
        for record in records:
            if told.get(record.id) != record.seq:
                told[record.id] = record.seq
                tell(record)
    if not records:
        click.echo("Nothing is running.", err=True)
    return _outcome(records)


def _screen(name: str | None) -> int:
    from rich.console import Console
    from rich.live import Live

    console, records = Console(highlight=False, markup=False), []
    with Live(console=console, auto_refresh=False) as live:
        for records in _frames(name):
            live.update(_drawn(records, console), refresh=True)
    if not records:
        click.echo("Nothing is running.", err=True)
    return _outcome(records)


def _drawn(records: list[Record], console: Console) -> RenderableType:
    """A line for each, and one for each step of a bar."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    width = max(10, min(40, console.width // 4))
    for record in records:
        table.add_row(Text(_name(record), style="bold"), _track(record, width), Text(plain(_words(record))))
        for step in _bar(record).info.steps if record.type == "progress" else ():
            name = Text("  " * step.level + plain(step.name))
            table.add_row(name, Text(""), Text(plain(said(step, told=record.updated)), style=_COLOURS[step.state]))
    return table


def _track(record: Record, width: int) -> RenderableType:
    """A bar; what nobody knows the end of pulses while it runs, and a table has none after that."""
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    if record.type == "table":
        return ProgressBar(None, width=width, pulse=True) if state_of(record) == "running" else Text("")
    bar = _bar(record)
    open_end = bar.info.total is None and bar.info.state == "running"
    style = _COLOURS[bar.info.state]
    return ProgressBar(
        None if open_end else 100, bar.percent, width, pulse=open_end, complete_style=style, finished_style=style
    )  # fmt: skip
