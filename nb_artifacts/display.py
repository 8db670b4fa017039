"""payload + Record → the outputs of a notebook: bundles within a size, shown once a cell, updated in place.

A bundle holds our small reference (what the live view starts from), static HTML and plain text. It is measured as it
will lie in the notebook file, so that a saved notebook stays small whatever the artifact's size.
"""

from __future__ import annotations

import json
import threading
import time
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts import cells
from nb_artifacts.types.text import clip_text, one_line
from nb_artifacts.wire import MIME, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.types import Payload
    from nb_artifacts.wire import Record

MAX_OUTPUT = 32 * 1024
"""Bytes that one artifact's output may take in a notebook file."""

MAX_SHOWN = 20
"""Artifacts shown by one cell; a line says how many more there are."""

SAVED_EVERY = 1.0
"""Seconds between two updates of an output: each goes into the document that will be saved."""

SAVED_BYTES = 1300
"""Bytes a second that updates of one output may send."""

_MAX_TITLE, _MAX_DESCRIPTION, _MAX_PREVIEW = 200, 500, 1500
_ENVELOPE = 600
"""Bytes of a message beside its bundle."""

_ROOMS = (20_000, 14_000, 9_000, 5_000, 2_500, 1_200, 0)
_LINE = "rgba(128,128,128,.4)"


def bundle(record: Record, payload: Payload, store_id: str) -> dict[str, Any]:
    """MIME type → content: the reference, `text/html` and `text/plain`; at most `MAX_OUTPUT` bytes in the file."""
    reference = Reference(
        id=record.id, store=store_id, type=record.type, key=record.key, version=record.version,
        title=clip_text(payload.summary(), _MAX_TITLE), description=_description(record),
        preview=None if payload.tells_itself else clip_text(payload.text(), _MAX_PREVIEW),
    )  # fmt: skip
    found: dict[str, Any] = {MIME: msgspec.to_builtins(reference), "text/plain": plain(record, payload)}
    for room in _ROOMS:
        found["text/html"] = html(record, payload, room)
        if size_in_file(found) <= MAX_OUTPUT - 1024:
            break
    return found


def size_in_file(found: dict[str, Any]) -> int:
    """Bytes of an output in a notebook: texts lie there as lists of lines, indented, non-ASCII perhaps escaped."""
    lines = {mime: part.splitlines(keepends=True) if isinstance(part, str) else part for mime, part in found.items()}
    indent = 12 * sum(len(part) for part in lines.values() if isinstance(part, list))
    return len(json.dumps(lines)) + indent


def _description(record: Record) -> str | None:
    return clip_text(one_line(record.description), _MAX_DESCRIPTION) if record.description else None


def _type(record: Record) -> str:
    """The type's word; another program may have stored anything as one."""
    return clip_text(one_line(record.type or ""), 80)


def _name(record: Record) -> str:
    """The artifact's name in words: key and version, or that it has no key."""
    if record.key is None:
        return f"{_type(record) or 'artifact'} without a key"
    shown = clip_text(one_line(record.key), 120)
    return f"{shown} v{record.version}" if record.version is not None else f"{shown} (version pending)"


def plain(record: Record, payload: Payload) -> str:
    """What a terminal shows: one line with name, type and size, the description, the content."""
    head = f"{_name(record)} · {_type(record) or 'data'}" + ("" if payload.tells_itself else f" · {payload.summary()}")
    parts = [head, _description(record), payload.text()]
    return "\n".join(part for part in parts if part)


def html(record: Record, payload: Payload, room: int) -> str:
    """A static card of inline styles only, so that every viewer keeps it: light or dark, trusted or not."""
    head = f"<strong>{escape(_name(record))}</strong>"
    if record.description:
        head += f' <span style="opacity:.75">{escape(_description(record) or "")}</span>'
    body = payload.html(room) if room else f"<pre>{escape(clip_text(payload.text(), 300))}</pre>"
    names = (
        f'<div data-nba-id="{record.id}" data-nba-key="{escape(one_line(record.key or "")[:200])}"'
        f' data-nba-type="{escape(_type(record))}" style="border:1px solid {_LINE};border-radius:4px;margin:4px 0;'
    )
    if payload.tells_itself:
        return f'{names}padding:6px 10px">{head}{body}</div>'
    foot = escape(clip_text(payload.summary(), 200))
    return (
        f'{names}max-width:100%;overflow-x:auto"><div style="padding:4px 10px;border-bottom:1px solid {_LINE}">{head}</div>'
        f'<div style="padding:6px 10px">{body}</div>'
        f'<div style="padding:2px 10px 4px;font-size:85%;opacity:.75">{foot}</div></div>'
    )


def publish(found: dict[str, Any], display_id: str, *, update: bool = False) -> None:
    """Send a bundle to the front end of the running shell, if there is one."""
    ours = cells.shell()
    if ours is not None:
        ours.display_pub.publish(data=found, metadata={}, transient={"display_id": display_id}, update=update)


def show_once(artifact_id: str, make: Callable[[], dict[str, Any]]) -> bool:
    """Show an artifact in the running cell unless it has an output there already; False where it now has none.

    From the 21st on a single line counts the rest.
    """
    cell = cells.current()
    if cell is None:
        return False
    if artifact_id in cell.shown:
        return True
    shown = sum(1 for there in cell.shown.values() if there)
    cell.shown[artifact_id] = shown < MAX_SHOWN
    if shown < MAX_SHOWN:
        publish(make(), artifact_id)
        return True
    more = len(cell.shown) - shown
    text = f"… and {more} more {'artifact' if more == 1 else 'artifacts'} of this cell: see %artifact ls."
    publish({"text/plain": text, "text/html": f"<em>{escape(text)}</em>"}, f"more-{id(cell)}", update=more > 1)
    return False


class Live:
    """The outputs of one artifact that changes in place; safe to use from several threads."""

    def __init__(self, artifact_id: str) -> None:
        self.artifact_id = artifact_id
        self._due = time.monotonic() + SAVED_EVERY
        self._lock = threading.RLock()

    def update(self, make: Callable[[], dict[str, Any]], *, final: bool = False) -> bool:
        """Replace the outputs, unless it is not the last time and the one before was just now. Whether they were.

        There is a second between two times, and more where the outputs are larger than `SAVED_BYTES`.
        """
        with self._lock:
            moment = time.monotonic()
            if not final and moment < self._due:
                return False
            self._due = moment + SAVED_EVERY
        if cells.kernel_shell() is not None:
            found = make()
            publish(found, self.artifact_id, update=True)
            self._due = moment + max(SAVED_EVERY, (len(json.dumps(found)) + _ENVELOPE) / SAVED_BYTES)
        return True
