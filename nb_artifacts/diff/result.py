"""What a comparison says: plain structs, the same in Python, on the command line and over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID  # noqa: TC003 (msgspec reads annotations)

from msgspec import Struct

if TYPE_CHECKING:
    from nb_artifacts.wire import BlobRef, Record

Line = tuple[Literal["=", "-", "+", "…"], str]
"""A line of both texts, of the first only, of the second only; or how many equal ones are left out here."""

_NAMES = {"before": "from", "after": "to"}


class Side(Struct, kw_only=True):
    """One of the two artifacts."""

    id: UUID
    key: str | None
    version: int | None
    type: str | None

    @classmethod
    def of(cls, record: Record) -> Side:
        """The side that a record is."""
        return cls(id=record.id, key=record.key, version=record.version, type=record.type)

    @property
    def name(self) -> str:
        """``K@V``, or the id of what has no key."""
        if self.key is None:
            return str(self.id)
        return self.key if self.version is None else f"{self.key}@{self.version}"


class SchemaChange(Struct, kw_only=True, rename=_NAMES):
    """A column that only one table has (``added``, ``removed``), of another dtype (``changed``), or elsewhere (``moved``)."""

    field: str
    change: Literal["added", "removed", "changed", "moved"]
    before: str | None = None
    """Its dtype, or where it moved its place from 1 on."""
    after: str | None = None


class ColumnChange(Struct, kw_only=True):
    """A column of both tables: in how many matched rows its cell changed, and its numbers over each whole table."""

    field: str
    changed: int
    nulls_from: int = 0
    nulls_to: int = 0
    mean_from: float | None = None
    mean_to: float | None = None
    min_from: float | None = None
    min_to: float | None = None
    max_from: float | None = None
    max_to: float | None = None


class RowChange(Struct, kw_only=True, rename=_NAMES):
    """A row that was added, removed or changed, found by its key columns (none of them: by its place)."""

    change: Literal["added", "removed", "changed"]
    key: dict[str, Any]
    cells: dict[str, tuple[Any, Any]]
    """Before and after by column; of a changed row only the cells that changed."""
    before: int | None = None
    """Its place in the first table, from 0 on."""
    after: int | None = None


class TableDiff(Struct, kw_only=True):
    """How two tables differ. `rows` is a page of examples; the numbers are of all rows."""

    schema: list[SchemaChange]
    keys: list[str]
    """The columns that rows were matched by; none: by their place."""
    keys_guessed: bool
    matched_by: Literal["given", "index", "guessed", "position"]
    keys_unique: bool
    """Whether no two rows of a table have one key; those that have were matched in their order."""
    rows_from: int
    rows_to: int
    added: int
    removed: int
    changed: int
    same: int
    columns: list[ColumnChange]
    rows: list[RowChange]


class TextDiff(Struct, kw_only=True):
    """How two texts differ, line by line."""

    lines: list[Line]
    added: int
    removed: int
    whole: bool = True
    """False where the texts are too long for all of their changed lines to be here, or to be matched line by line."""


class ImageDiff(Struct, kw_only=True):
    """How two images differ. Of images that differ in size no pixels are compared."""

    width: int | None
    height: int | None
    """Of the second one."""
    width_from: int | None
    height_from: int | None
    changed_pixels: int | None = None
    total_pixels: int | None = None
    difference: str | None = None
    """``data:`` address of a PNG: what changed, in red, the more the stronger."""


class Point(Struct, kw_only=True):
    """One version in the history of a number."""

    version: int | None
    value: float | None
    state: str | None = None
    seconds: float | None = None
    """How long it took, or has taken so far."""


class NumberDiff(Struct, kw_only=True, rename=_NAMES):
    """Two numbers, and those of every version of the second one's key, oldest first."""

    before: float | None
    after: float | None
    series: list[Point]


class Parts(Struct, kw_only=True, omit_defaults=True, rename=_NAMES):
    """What was found between two artifacts; which member is there depends on their type."""

    type: str | None
    """The type of both; None where they have different ones."""
    before: Side
    after: Side
    same: bool
    """Whether their content is equal."""
    note: str | None = None
    """What is to be known about the comparison itself: why there is none, or that it is not of everything."""
    table: TableDiff | None = None
    text: TextDiff | None = None
    image: ImageDiff | None = None
    number: NumberDiff | None = None


class TableAsk(Struct, kw_only=True):
    """How tables are to be compared."""

    keys: list[str] | None = None
    """Columns that name a row; None: the index, else columns that look like it."""
    tolerance: float = 0.0
    """Numbers that differ by no more are equal."""
    limit: int = 200
    offset: int = 0


class Described(Struct, kw_only=True):
    """A column as its artifact describes it."""

    field: str
    name: str
    dtype: str
    index: bool = False


def described(info: dict[str, Any]) -> list[Described]:
    """The columns that a record's `info` describes; none where another program left that out."""
    found = info.get("columns")
    if not isinstance(found, list):
        return []
    return [
        Described(field=one["field"], name=str(one.get("name", one["field"])), dtype=str(one.get("dtype", "")),
                  index=bool(one.get("index")))
        for one in found if isinstance(one, dict) and isinstance(one.get("field"), str)
    ]  # fmt: skip


def same_bytes(before: BlobRef | None, after: BlobRef | None) -> bool:
    """Whether both have bytes, and the same ones."""
    return before is not None and after is not None and before.sha256 == after.sha256
