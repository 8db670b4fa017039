"""`track` and `progress`: work whose progress is an artifact; and the bar of a ``%%artifact progress`` cell.

A bar writes at most ten times a second, and what began or ended it before the call returns. One that is begun without a
key inside a running one is a row of that one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

from nb_artifacts import cells
from nb_artifacts.bars.bar import Bar, begin, check_count
from nb_artifacts.bars.counting import length
from nb_artifacts.bars.loops import Iteration, Loop, is_plain
from nb_artifacts.unwinding import state_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

T = TypeVar("T")

_RICHS_LOOKS = frozenset({
    "auto_refresh", "console", "get_time", "refresh_per_second", "style", "complete_style", "finished_style", "pulse_style",
    "update_period", "show_speed",
})  # fmt: skip

__all__ = ["Bar", "cell_bar", "progress", "track"]


def track(
    iterable: Iterable[T] | AsyncIterable[T],
    key: str | None = None,
    total: float | None = None,
    description: str | None = None,
    *,
    unit: str | None = None,
    tags: Iterable[str] | None = None,
    leave: bool = True,
    transient: bool = False,
    completed: float = 0,
    disable: bool = False,
    display: bool | None = None,
    **looks: Any,
) -> Loop[T]:
    """Iterate over `iterable`, with ``for`` or ``async for``, with its progress kept under `key` and shown where it is called.

    A `break` leaves "stopped", an error in the loop "failed", `KeyboardInterrupt` "interrupted"; they pass through.
    Without a key inside a running bar it is a row of that bar. A store that cannot be written is warned of; the loop
    goes on.

    Args:
        iterable: What to iterate over.
        key: Name of its line of versions; a key in use by a running bar gets a new version, and a warning.
        total: Number of items; without it ``len(iterable)`` where there is one, else the end is open.
        description: Markdown; the name of a row.
        unit: What an item is: ``days``.
        tags: Tags of the artifact.
        leave: Whether a row stays when it has ended; an artifact always does.
        transient: The opposite of `leave`, as rich calls it.
        completed: What was done before.
        disable: Keep and show nothing.
        display: Whether it is shown where it is called; None is what is configured.
        looks: What rich's `track` takes for a terminal (`console`, `refresh_per_second`, `style` …): without effect.

    Raises `InvalidKey`, `InvalidValue`, and `UnsupportedType` for what cannot be iterated, before the first item.
    """
    for name in looks.keys() - _RICHS_LOOKS:
        raise TypeError(f"track() got an unexpected keyword argument {name!r}")
    is_plain(iterable)
    check_count("completed", completed)
    owner = sys._getframe(1).f_code
    if total is None and (size := length(iterable)) is not None:
        total = size + completed

    def begun() -> Iteration:
        meter, home = begin(
            key, total, description, unit, tags, leave=leave and not transient, initial=completed, owner=owner, show=display,
            disable=disable,
        )  # fmt: skip
        return Iteration(meter, home, ends=True)

    return Loop(iterable, begun)


def progress(
    total: float | None = None,
    key: str | None = None,
    description: str | None = None,
    unit: str | None = None,
    *,
    tags: Iterable[str] | None = None,
    leave: bool = True,
    initial: float = 0,
    disable: bool = False,
    display: bool | None = None,
) -> Bar:
    """A bar to move by hand: ``with nba.progress(total=100, key="load") as bar: bar.update(5)``.

    Without a total the end is open; ``bar.total = …`` sets it later. Keywords and errors as `track`.
    """
    owner = sys._getframe(1).f_code
    return Bar(
        *begin(key, total, description, unit, tags, leave=leave, initial=initial, owner=owner, show=display, disable=disable)
    )


def cell_bar(key: str | None, description: str | None, tags: Iterable[str] | None) -> Bar:
    """The bar of a cell: runs for as long as the cell does, and fails with it."""
    bar = Bar(*begin(key, None, description, None, tags, owner=sys._getframe().f_code))
    cell = cells.current()

    def ended(error: BaseException | None) -> None:
        bar._end("finished" if error is None else state_of(error), error)

    if cell is not None:
        cell.at_end.append(ended)
    return bar.__enter__()
