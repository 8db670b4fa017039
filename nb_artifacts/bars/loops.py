"""A loop over an iterable, plain or async, that moves a meter.

Nothing runs between two items. The end is told by `counting.Ender`: every item handed out, or the iterator let go of,
by `break`, by an exception in the loop's body, or because nobody ever finished it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nb_artifacts.bars.counting import Ender, Position, counted, length
from nb_artifacts.bars.homes import enter
from nb_artifacts.errors import UnsupportedType
from nb_artifacts.ticker import ticker
from nb_artifacts.unwinding import ended_expression_over, let_go_at, state_of

if TYPE_CHECKING:
    from types import FrameType

    from nb_artifacts.bars.homes import Home
    from nb_artifacts.bars.meter import Meter
    from nb_artifacts.types.progress import State

T = TypeVar("T")

_WITHIN = frozenset(
    f"nb_artifacts.{name}"
    for name in ("bars.keeper", "bars.outpost", "core", "display", "live", "outbox", "stores", "ticker", "union", "updates")
)
_STORES = "nb_artifacts.store."
"""These and the modules below `_STORES` hold locks while they work; in none of them does a user's loop run."""


class Iteration:
    """One run through an iterable. Let go of by its iterator, never the other way round."""

    def __init__(self, meter: Meter, home: Home, *, ends: bool) -> None:
        self._meter, self._home, self._ends = meter, home, ends
        self._position: Position | None = None
        self._iterator: int | None = None
        """Its `id`."""
        self._over = False
        self.holds: object = None
        """What must not be collected while it runs."""

    def begin(self, position: Position, iterator: object) -> None:
        """The items come from here."""
        self._position, self._iterator = position, id(iterator)
        self._meter.sources.append(self)
        self._home.moved(self._meter)
        enter(self._meter, self._home)

    def done(self) -> int:
        """Items whose body has run: the newest one's is still running."""
        return max(self._position() - 1, 0) if self._position is not None else 0

    def died_of(self, error: BaseException) -> bool:
        """See `meter.Source`."""
        return self._ends and self._iterator is not None and ended_expression_over(error, self._iterator)

    def exhausted(self) -> None:
        """See `counting.Run`."""
        if not self._over and self._position is not None and self._home.mine:
            self._close(self._position())
            if self._ends:
                self._home.end(self._meter, "finished")
            self.holds = None

    def let_go(self) -> None:
        """See `counting.Run`. Runs in a finalizer, so no exception may leave it."""
        if not self._home.mine or (self._over and not (self._ends and self._home.waits(self._meter))):
            return
        try:
            self._let_go(sys._getframe(1))
        except KeyboardInterrupt:
            ticker.interrupt_later()

    def _let_go(self, frame: FrameType) -> None:
        state: State = "stopped"
        error = None
        if not self._over:
            if self._meter.state == "running":
                self._meter.left, state, error = let_go_at(frame)
            self._close(self.done())
        if self._ends:
            self._home.end(self._meter, state, error, soon=within_ours(frame))
        self.holds = None

    def failed(self, error: BaseException) -> None:
        """The iterable itself raised, perhaps before the first item."""
        if not self._over and self._home.mine:
            self._close(self._position() if self._position is not None else 0)
            if self._ends:
                self._home.end(self._meter, state_of(error), error)
            self.holds = None

    def _close(self, done: int) -> None:
        self._over = True
        self._meter.take(self, done)
        self._home.moved(self._meter)


def within_ours(frame: FrameType | None) -> bool:
    """Whether the finalizer came while this thread is at work for us: then it must not wait for our locks."""
    if frame is not None:
        frame = frame.f_back
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name in _WITHIN or name.startswith(_STORES):
            return True
        frame = frame.f_back
    return False


class Loop(Generic[T]):
    """What `track` gives: an iterable of the same items.

    Iterated again it begins again, under the same key as a new version.
    """

    def __init__(self, iterable: Iterable[T] | AsyncIterable[T], begin: Callable[[], Iteration]) -> None:
        self._iterable, self._begin = iterable, begin
        self._next: Iteration | None = begin()

    def _iteration(self) -> Iteration:
        iteration, self._next = self._next, None
        return iteration or self._begin()

    def _refused(self, words: str) -> UnsupportedType:
        """What to raise; the bar that was begun has failed, rather than running on for as long as a traceback holds it."""
        error, iteration, self._next = UnsupportedType(words), self._next, None
        if iteration is not None:
            iteration.failed(error)
        return error

    def __len__(self) -> int:
        return len(self._iterable)  # type: ignore[arg-type]  # raises TypeError as `len` does

    def __length_hint__(self) -> int:
        return length(self._iterable) or 0

    def __iter__(self) -> Iterator[T]:
        if not is_plain(self._iterable):
            raise self._refused(f"{type(self._iterable).__name__} is iterated with `async for`.")
        iteration = self._iteration()
        iterator, position = counted(self._iterable, iteration)  # type: ignore[arg-type]  # `is_plain` has looked
        iteration.begin(position, iterator)
        return iterator

    def __aiter__(self) -> AsyncIterator[T]:
        if not hasattr(type(self._iterable), "__aiter__"):
            raise self._refused(f"{type(self._iterable).__name__} is iterated with `for`, not `async for`.")
        return _Async(self._iterable, self._iteration())  # type: ignore[arg-type]  # the line above has looked

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        iteration = self.__dict__.get("_next")
        if iteration is not None and not is_finalizing():
            with suppress(Exception):
                iteration.let_go()


class _Async(AsyncIterator[T]):
    """The same for ``async for``."""

    def __init__(self, iterable: AsyncIterable[T], iteration: Iteration) -> None:
        self._items, self._iteration = aiter(iterable), iteration
        self._count = count = [0]
        self._ender = Ender(iteration)
        iteration.begin(lambda: count[0], self)

    async def __anext__(self) -> T:
        try:
            item = await anext(self._items)
        except StopAsyncIteration:
            self._iteration.exhausted()
            raise
        except BaseException as error:
            self._iteration.failed(error)
            raise
        self._count[0] += 1
        return item


def is_plain(iterable: Any) -> bool:
    """Whether `for` can iterate over it. Raises `UnsupportedType` where nothing can."""
    kind = type(iterable)
    if hasattr(kind, "__iter__") or hasattr(kind, "__getitem__"):
        return True
    if hasattr(kind, "__aiter__"):
        return False
    raise UnsupportedType(f"track takes an iterable, not {kind.__name__}.")
