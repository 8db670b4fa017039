"""What the command line prints: aligned columns and facts for people, JSON for programs.

Whatever a key, a type or a description holds, no control character of it reaches a terminal. Columns are set here and
not by rich, whose import takes longer than a whole listing.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import UNSET

from nb_artifacts import core, wire
from nb_artifacts.errors import BlobMissing, NotFound
from nb_artifacts.listing import ago, summary, users_metadata
from nb_artifacts.types.text import count, one_line, size, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from nb_artifacts.wire import Record, Run

_GAP = "  "
_LEAST_CONTENT = 12
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What JSON may hold as it stands and a terminal obeys; the characters below a space are escaped in any JSON."""


def plain(text: object) -> str:
    """A text on one line that no terminal obeys."""
    return _UNSEEN.sub(_spelled, one_line(str(text)))


def lines(text: str) -> str:
    """A text of several lines that no terminal obeys."""
    return _UNSEEN.sub(_spelled, visible(text))


def _spelled(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


# JSON


def complete(record: Record) -> Record | None:
    """A record with its payload; None where it was deleted meanwhile. A payload that is gone is null, and said so."""
    record.collection_id = record.collection_created = UNSET
    try:
        return core.whole(record, core.reading_store())
    except NotFound:
        return None
    except BlobMissing as error:
        click.echo(f"data of {plain(record.key or record.id)} is null here: {plain(error)}", err=True)
        record.data = wire.NULL
        return record


def _members(record: Record) -> bytes:
    """All members of a record, and the `state` of what moves."""
    encoded, state = wire.encode(record), state_of(record)
    return encoded if state is None else wire.encode({**msgspec.json.decode(encoded), "state": state})


def state_of(record: Record) -> str | None:
    """How a progress or a live table stands; None for what never moves."""
    if record.type == "table":
        live = record.info.get("live")
        return str(live.get("state")) if isinstance(live, dict) else None
    if record.type != "progress":
        return None
    from nb_artifacts.types import Progress

    return Progress.read(record, lambda: b"").info.state


def _write_json(encoded: bytes, before: str = "", after: str = "\n") -> None:
    text = msgspec.json.format(encoded, indent=2).decode()
    if before:
        text = text.replace("\n", "\n  ")
    click.echo((before + _UNSEEN.sub(_spelled, text) + after).encode(), nl=False)


def write_records(records: Iterable[Record]) -> None:
    """A JSON list of whole records, one after the other, so that no page of payloads is held at once."""
    before = "[\n  "
    for record in records:
        found = complete(record)
        if found is not None:
            _write_json(_members(found), before, "")
            before = ",\n  "
    click.echo("[]" if before.startswith("[") else "\n]")


def write_record(record: Record) -> None:
    """A JSON object: one whole record."""
    found = complete(record)
    if found is None:
        raise NotFound(f"{record.key or record.id} has been deleted.")
    _write_json(_members(found))


def write_line(record: Record) -> None:
    """A JSON object on a line of its own, for whoever reads a stream; nothing for a record that was deleted meanwhile."""
    found = complete(record)
    if found is not None:
        click.echo(_UNSEEN.sub(_spelled, _members(found).decode()).encode())


def write_object(found: msgspec.Struct | Mapping[str, Any] | Sequence[msgspec.Struct | Mapping[str, Any]]) -> None:
    """JSON of a struct, of a dict, or of a list of them."""
    _write_json(msgspec.json.encode(found))


# Columns


def styled(text: str, **style: Any) -> str:
    """`text` in colour on a terminal that has not asked for none."""
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return click.style(text, **style) if style and text and wanted else text


def _width(text: str) -> int:
    """Columns that a terminal needs for a text."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _clipped(text: str, room: int) -> str:
    if _width(text) <= room:
        return text
    while text and _width(text) > room - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def write_columns(
    head: Sequence[str], rows: list[list[str]], styles: Sequence[dict[str, Any]], *, fixed: int, spare: int | None = None
) -> None:
    """Aligned columns. On a terminal too narrow the column `spare` is left out.

    Then those after the first `fixed` give way: the last is cut, then left out, and so on.
    """
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns
        if spare is not None and _needed(head, rows, fixed) > room:
            head, styles, *rows = ([*line[:spare], *line[spare + 1 :]] for line in (head, styles, *rows))  # type: ignore[assignment]  # each keeps its kind
            fixed -= 1
        head, rows = _fitted(head, rows, fixed, room)
    widths = [max(map(_width, column)) for column in zip(head, *rows, strict=True)]
    for place, row in enumerate([list(head), *rows]):
        padded = [text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True)]
        padded[-1] = padded[-1].rstrip()
        cells = [styled(text, **(style if place else {"bold": True})) for text, style in zip(padded, styles, strict=False)]
        click.echo(_GAP.join(cells).rstrip())


def _needed(head: Sequence[str], rows: list[list[str]], fixed: int) -> int:
    """The room in which no column would have to be left out."""
    widths = [max(map(_width, column)) for column in zip(head, *rows, strict=True)]
    return sum(widths[:fixed]) + sum(min(width, _LEAST_CONTENT) for width in widths[fixed:]) + len(_GAP) * (len(head) - 1)


def _fitted(head: Sequence[str], rows: list[list[str]], fixed: int, room: int) -> tuple[list[str], list[list[str]]]:
    kept, used = list(head[:fixed]), -len(_GAP)
    cut = [row[:fixed] for row in rows]
    for place, name in enumerate(head):
        column = [name, *(row[place] for row in rows)]
        widest = max(map(_width, column))
        left = room - used - len(_GAP)
        if place >= fixed:
            if left < min(widest, _LEAST_CONTENT):
                break
            widest = min(widest, left)
            kept.append(name)
            cut = [[*row, _clipped(text, widest)] for row, text in zip(cut, column[1:], strict=True)]
        used += widest + len(_GAP)
    return kept, cut


_ID, KEY = {"dim": True}, {"bold": True, "fg": "cyan"}


def _version(record: Record, kept: set[UUID]) -> str:
    if record.version is None:
        return "pending" if record.key and record.seq else "—"  # no `seq`: of a remote that numbers nothing in lists
    return f"{record.version} here" if record.id in kept else str(record.version)


def write_list(records: list[Record]) -> None:
    """One line an artifact, Prefect's four columns first."""
    kept = core.kept_here(records)
    rows = [
        [
            str(record.id), plain(record.key or "—"), plain(record.type or "—"), ago(record.updated), _version(record, kept),
            plain(summary(record)),
        ]
        for record in records
    ]  # fmt: skip
    head, named = ("ID", "Key", "Type", "Updated", "Version", "Content"), all(record.key for record in records)
    write_columns(head, rows, (_ID, KEY, {}, {}, {}, {}), fixed=4, spare=0 if named else None)


def write_history(records: list[Record]) -> None:
    """One line a version."""
    kept = core.kept_here(records)
    rows = [
        [
            _version(record, kept), str(record.id), plain(record.type or "—"), ago(record.updated), plain(summary(record)),
            plain(record.description or ""),
        ]
        for record in records
    ]  # fmt: skip
    head = ("Version", "ID", "Type", "Updated", "Content", "Description")
    write_columns(head, rows, (KEY, _ID, {}, {}, {}, {}), fixed=4, spare=1 if all(record.key for record in records) else None)


# Facts


def write_details(records: list[Record]) -> None:
    """Each record with a fact a line, its description, and the code that made it unless the record above shows it."""
    before = None
    for place, record in enumerate(records):
        if place:
            click.echo()
        runs = _runs(record)
        cell = next((run for run in runs if run.kind == "cell"), None)
        source = cell.provenance.source if cell else None
        _write_facts(record, runs)
        if source and source != before:
            click.echo(styled("  Source", dim=True) + "\n" + _indented(source))
        elif source:
            click.echo(_label("Source") + "the same as above")
        before = source


def _write_facts(record: Record, runs: list[Run]) -> None:
    version = _version(record, core.kept_here([record]))
    name = f"{plain(record.key)}@{version}" if record.key else "without a key"
    click.echo(
        styled(name, **KEY) + "".join(f" · {part}" for part in (plain(record.type or ""), plain(summary(record))) if part)
    )
    blob, place = record.blob, next((run.provenance.notebook for run in runs if run.provenance.notebook), None)
    facts = {
        "ID": record.id,
        "Made": _moment(record.created),
        "Updated": _moment(record.updated) if record.updated != record.created else None,
        "Tags": ", ".join(record.tags),
        "Kept as": f"{blob.media}, {size(blob.size)}, sha256 {blob.sha256}" if blob else None,
        "Made by": _made_by(runs),
        "Notebook" if place is None or place.endswith(".ipynb") else "Script": place,
        **{f"metadata_.{name}": text for name, text in users_metadata(record).items()},
    }
    for label, fact in facts.items():
        if fact:
            click.echo(_label(plain(label)) + plain(fact))
    if record.description:
        text = record.description.strip()
        whole = styled("  Description", dim=True) + "\n" + _indented(text)
        click.echo(whole if "\n" in text else _label("Description") + plain(text))


def _label(name: str) -> str:
    return styled(f"  {name:<12}", dim=True)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in lines(text).strip("\n").split("\n"))


def _moment(moment: Any) -> str:
    return f"{ago(moment)} ({moment:%Y-%m-%d %H:%M:%S} UTC)"


def _runs(record: Record) -> list[Run]:
    """The runs that a record comes from, as far as this folder knows them, innermost first."""
    found: list[Run] = []
    run = core.run_of(record)
    while run is not None and len(found) < 50:
        found.append(run)
        run = core.reading_store().get_run(run.parent_id) if run.parent_id else None
    return found


def _made_by(runs: list[Run]) -> str:
    """``task load, in flow etl, in cell [3], in session report.ipynb``, and how it went where not well."""
    words = ", in ".join(f"{run.kind.value} {run.name}" if run.name else f"a {run.kind.value}" for run in runs)
    if not runs or runs[0].state in {"completed", "running"}:
        return words
    return f"{words}; {runs[0].state.value}" + (f": {runs[0].error}" if runs[0].error else "")


def write_status(found: core.Status) -> None:
    """Where the folder is, and what it holds."""
    keys = "1 key" if found.keys == 1 else f"{count(found.keys)} keys"
    facts = {
        "Folder": found.where + (", the Jupyter server's" if found.handed else ""),
        "Artifacts": f"{count(found.artifacts)} in {keys}" if found.artifacts else "none yet",
        "Blobs": size(found.blob_bytes),
        "Store id": found.store,
        "Journal": found.journal,
        "Note": found.note,
        **({"API" if name == "api" else name.title(): fact for name, fact in found.sync.facts().items()} if found.sync else {}),
    }
    for label, fact in facts.items():
        if fact:
            click.echo(styled(f"{label:<11}", dim=True) + plain(fact))
