"""How far a loop is, without the loop telling: iterators in C whose position another thread can read.

Over a list, range and their like the native iterator knows its own position. Any other iterable is paired with
`itertools.repeat`, which counts down one turn an item, and unless it is a set, dict or deque guarded by a generator that
sees it fail. All are chained to an `Ender`, which learns that the iteration is over, or that nobody holds the iterator any
more.
"""

from __future__ import annotations

import math
import sys
import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, repeat
from operator import length_hint
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")

Position = Callable[[], int]
"""How many items have been handed out."""

_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_FIXED: tuple[type, ...] = (tuple, range, str, bytes, frozenset)
_WATCHED: tuple[type, ...] = (set, dict, *_VIEWS, deque)
"""Changed while they are iterated these fail, and their iterators say no more where they were."""
_GROWING = (list, bytearray)
_TURNS = sys.maxsize
_MANY_THREADS = 64


class Run(Protocol):
    """One iteration, which is told of its end."""

    def exhausted(self) -> None:
        """Every item has been handed out and asked for the next."""

    def let_go(self) -> None:
        """The iterator is gone; perhaps it was exhausted before."""

    def failed(self, error: BaseException) -> None:
        """The iterable raised instead of giving an item."""


class Ender:
    """Stands behind the items: iterating over it means that they are finished, its end that the iterator is."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def __iter__(self) -> Iterator[Any]:
        self._run.exhausted()
        return iter(())

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not is_finalizing():  # then `settle_all` has said all there is to say
            self._run.let_go()


def counted(iterable: Iterable[T], run: Run) -> tuple[Iterator[T], Position]:
    """An iterator over `iterable`, and its position. Between two items no clock, lock or store is touched."""
    kind, items, ender = type(iterable), cast("Any", iterable), Ender(run)
    if kind in _FIXED and (size := length(items)) is not None:
        native, fixed = iter(iterable), size
        return chain(native, ender), lambda: fixed - length_hint(native)
    if kind in _GROWING or (kind.__name__ == "ndarray" and kind.__module__ == "numpy" and items.ndim):
        native = iter(iterable)
        return chain(native, ender), lambda: max(len(items) - length_hint(native), 0)
    if kind is array:
        native = iter(iterable)
        return chain(native, ender), lambda: _index(native, len(items))
    turns = repeat(True, _TURNS)
    source = iter(iterable) if kind in _WATCHED else _guarded(iterable, run)
    return compress(chain(source, ender), turns), lambda: _TURNS - length_hint(turns)


def _guarded(iterable: Iterable[T], run: Run) -> Iterator[T]:
    """The same items. No ``yield from``: that would close what the user may still want to read on."""
    __tracebackhide__ = True
    try:
        for item in iterable:  # noqa: UP028 (see the docstring)
            yield item
    except GeneratorExit:
        raise
    except BaseException as error:
        run.failed(error)
        raise


def _index(native: Iterator[Any], size: int) -> int:
    """The position of an array's iterator, which has no length hint but says where to go on when copied."""
    found = native.__reduce__()
    return int(found[2]) if len(found) > 2 else size


def length(iterable: Any) -> int | None:
    """How many items there will be, where that is known without iterating."""
    try:
        return len(iterable)
    except (TypeError, NotImplementedError):
        return length_hint(iterable, 0) or None
    except OverflowError:
        return None  # a range longer than a machine can count


class Counter:
    """A number that any thread adds to without a lock: each has a cell of its own, and who reads adds them up."""

    def __init__(self, initial: float = 0, cell: Callable[[], Any] | None = None) -> None:
        self.mine = threading.local()
        """`mine.cell[0]` is what the current thread has added, once it has added anything."""
        self._base = initial
        self._cells: list[tuple[Any, threading.Thread]] = []
        self._new_cell = cell
        self.guard = threading.RLock()
        """Held while the sum is read; adding needs no lock."""

    def begin(self, n: float) -> None:
        """The first addition of a thread."""
        with self.guard:
            if self._new_cell is None and len(self._cells) >= _MANY_THREADS:
                self._fold()
            cell = [0] if self._new_cell is None else self._new_cell()
            self._cells.append((cell, threading.current_thread()))
            self.mine.cell = cell
        cell[0] += n

    def _fold(self) -> None:
        """Take over what ended threads have added."""
        alive = [(cell, thread) for cell, thread in self._cells if thread.is_alive()]
        self._base += sum(_added(cell) for cell, thread in self._cells if not thread.is_alive())
        self._cells = alive

    def value(self) -> float:
        """The sum."""
        with self.guard:
            return self._base + self.in_cells()

    def in_cells(self) -> float:
        """The part of the sum that lies in cells of threads."""
        return sum([_added(cell) for cell, _ in self._cells])

    def add(self, n: float) -> None:
        """Add from whatever thread, once in a while."""
        with self.guard:
            self._base += n


def _added(cell: Any) -> float:
    """What a cell holds; NaN for what is no number, such as an array that somebody has added."""
    try:
        return float(cell[0])
    except (TypeError, ValueError, OverflowError):
        return math.nan
