"""`compare`: two records to what changed between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET

from nb_artifacts.diff import show
from nb_artifacts.diff.image import image_diff
from nb_artifacts.diff.number import number, number_diff
from nb_artifacts.diff.result import Parts, Side, TableAsk, TableDiff, described, same_bytes
from nb_artifacts.diff.table import check_ask
from nb_artifacts.diff.text import text_diff
from nb_artifacts.errors import InvalidValue
from nb_artifacts.types.text import size
from nb_artifacts.wire import NULL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record

    Tables = Callable[["Placed", "Placed", TableAsk], TableDiff]

_MOST_BYTES = 100_000_000
"""Bytes of an image that is compared."""


class Placed(NamedTuple):
    """A whole record, and the store that has its bytes."""

    record: Record
    store: Store


class Diff(Parts, kw_only=True, omit_defaults=True, rename={"before": "from", "after": "to"}):
    """What changed between two artifacts. Shows itself in a notebook and a terminal.

    `same` says whether their content is equal; `table`, `text`, `image` and `number` hold the difference of their type and
    are None for the others; `note` says why there is none, or that it is not of everything.
    """

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as the REST API gives them."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found

    def __repr__(self) -> str:
        return show.text(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 (IPython's signature)
        return {"text/html": show.html(self), "text/plain": show.text(self)}


def compare(before: Placed, after: Placed, ask: TableAsk | None = None, *, tables: Tables | None = None) -> Diff:
    """What changed from one artifact to the other.

    `tables` compares two tables somewhere else; without it they are read in this process. Raises `InvalidValue` for a key
    column that is not there, for content that is not what its record says, and `BlobMissing`.
    """
    ask = ask or TableAsk()
    check_ask(ask)
    old, new = before.record, after.record
    first, second = Side.of(old), Side.of(new)
    if old.type != new.type:
        return Diff(
            type=None, before=first, after=second, same=False, note=f"types differ: {_word(old)} before, {_word(new)} after."
        )
    found = Diff(type=new.type, before=first, after=second, same=True)
    if old.type == "table":
        _compare_tables(found, before, after, ask, tables)
    elif old.type == "image":
        _compare_images(found, before, after)
    elif new.type == "progress" or (number(old) is not None and number(new) is not None):
        found.number = number_diff(old, new, after.store)
        found.same = found.number.before == found.number.after and old.info.get("state") == new.info.get("state")
    else:
        _compare_texts(found, _text(old), _text(new))
    if old.type == "display" and not _same_content(old, new):
        found.same = False
        found.note = "only their texts are compared: what is drawn differs."
    return found


def _word(record: Record) -> str:
    return "none" if record.type is None else f"{record.type[:80]!r}"


def _same_content(old: Record, new: Record) -> bool:
    return (old.blob is None and new.blob is None) or same_bytes(old.blob, new.blob)


def _compare_tables(found: Diff, before: Placed, after: Placed, ask: TableAsk, tables: Tables | None) -> None:
    if same_bytes(before.record.blob, after.record.blob):
        _check_keys(after.record, ask.keys)
        rows = after.record.info.get("rows")
        known = rows if isinstance(rows, int) else 0
        found.table = TableDiff(
            schema=[], keys=[], keys_guessed=False, matched_by="position", keys_unique=True, rows_from=known, rows_to=known,
            added=0, removed=0, changed=0, same=known, columns=[], rows=[],
        )  # fmt: skip
        return
    if tables is None:
        from nb_artifacts.diff.local import tables_here

        tables = tables_here
    table = found.table = tables(before, after, ask)
    found.same = not (table.schema or table.added or table.removed or table.changed)
    if table.schema and not table.columns:
        found.note = "the tables have no column in common: their rows cannot be matched."


def _check_keys(record: Record, keys: Sequence[str] | None) -> None:
    """Raise `InvalidValue` for a key column that a table does not have, also where nothing is to be compared."""
    columns = described(record.info)
    known = {name for column in columns for name in (column.field, column.name)}
    count = record.info.get("column_count")
    odd = next((name for name in keys or () if name not in known), None)
    if odd is not None and columns and isinstance(count, int) and count <= len(columns):
        there = ", ".join(repr(column.field) for column in columns[:20])
        raise InvalidValue(f"{odd!r:.80} is not a column of the tables: their columns are {there}.")


def _compare_images(found: Diff, before: Placed, after: Placed) -> None:
    old, new = before.record, after.record
    if same_bytes(old.blob, new.blob):
        return
    if old.blob is None or new.blob is None:
        _compare_texts(found, _address(old), _address(new))
        return
    for record in (old, new):
        if record.blob is not None and record.blob.size > _MOST_BYTES:
            found.same, found.note = False, f"pixels are not compared: a file of {size(record.blob.size)} is not opened."
            return
    found.image, found.note = image_diff(_bytes(before), _bytes(after))
    found.same = found.image.changed_pixels == 0


def _bytes(placed: Placed) -> bytes:
    assert placed.record.blob is not None
    with placed.store.open_blob(placed.record.blob) as file:
        return file.read()


def _address(record: Record) -> str:
    return "bytes of its own" if record.blob is not None else _text(record)


def _compare_texts(found: Diff, old: str, new: str) -> None:
    found.text = text_diff(old, new)
    found.same = old == new
    if not found.text.whole:
        found.note = "the texts are long: not every line is matched or shown."


def _text(record: Record) -> str:
    """What a record holds, as lines: a link's address and text, another JSON value with a member a line."""
    if record.type == "link" and isinstance(record.info.get("url"), str):
        return f"{record.info['url']}\n{record.info.get('text') or ''}".rstrip()
    data = NULL if record.data is UNSET else record.data
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidValue(f"the data of artifact {record.id} is not JSON: {error}") from None
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.format(bytes(data), indent=2).decode()
