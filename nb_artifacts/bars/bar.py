"""`Bar`: what a person moves by hand, in whatever thread or process; and how bars begin.

In a forked or spawned worker a bar is an `Outpost`: what is added there counts where the bar is owned.
"""

from __future__ import annotations

import atexit
import math
import os
import sys
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from nb_artifacts import core
from nb_artifacts.bars import homes
from nb_artifacts.bars.homes import Home, Nowhere
from nb_artifacts.bars.keeper import Keeper, keepers, settle_all
from nb_artifacts.bars.loops import Iteration, Loop, is_plain, within_ours
from nb_artifacts.bars.meter import MAX_MESSAGE, Meter
from nb_artifacts.bars.outpost import Outpost, Ticket
from nb_artifacts.errors import InvalidValue, StoreError, UnsupportedType
from nb_artifacts.notices import warn
from nb_artifacts.types.progress import said
from nb_artifacts.types.text import clip_text
from nb_artifacts.unwinding import state_of
from nb_artifacts.wire import check_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable
    from types import CodeType, TracebackType

    from typing_extensions import Self

    from nb_artifacts.handle import Artifact
    from nb_artifacts.types.progress import State

T = TypeVar("T")

_MOST_OUTPOSTS = 64


class Bar:
    """A bar that is moved by hand, or one of its named steps: what `progress` gives.

    Safe to use from any thread, in a forked process and, pickled, in any other: what is added there counts here.
    A ``with`` block ends it: "finished", "failed" or "interrupted" by an exception, "stopped" where the total was not
    reached. A bar that nobody closed ends when nobody holds it any more, or, with its total reached, with the cell that
    made it. In another process neither `step` nor a loop in it has a row.
    """

    _advance = 0.0
    _end_state: State | None = None

    def __init__(self, meter: Meter, home: Home) -> None:
        self._meter, self._home = meter, home
        self._mine = meter.counter.mine
        key = id(self)
        _bars[key] = weakref.ref(self, lambda _: _bars.pop(key, None))

    def update(self, n: float = 1) -> None:
        """`n` more are done; less than 0 takes back. Costs next to nothing: the store is written by the ticker."""
        try:
            self._mine.cell[0] += n
        except AttributeError:
            self._meter.counter.begin(n)

    def track(self, iterable: Iterable[T] | AsyncIterable[T]) -> Loop[T]:
        """Iterate over a part of the work: each item is one more done. Raises `UnsupportedType`."""
        is_plain(iterable)

        def begin() -> Iteration:
            iteration = Iteration(self._meter, self._home, ends=False)
            iteration.holds = self
            return iteration

        return Loop(iterable, begin)

    def step(
        self, name: str, total: float | None = None, *, unit: str | None = None, leave: bool = True, advance: float = 1
    ) -> Bar:
        """A named part of the work, a row of its own below this one: ``with bar.step("load") as step``.

        Finished, it moves this bar on by `advance`; with ``leave=False`` its row goes. Raises `InvalidValue`.
        """
        core.check_text("name", name)
        core.check_text("unit", unit)
        check_count("advance", advance)
        meter = Meter(name, _check_total(total), unit, parent=self._meter, leave=leave)
        made = Bar(meter, self._home)
        made._advance = advance
        return made

    def message(self, text: str | None) -> None:
        """Say something beside the bar, in a line of 500 bytes at most; None takes it away. Raises `InvalidValue`."""
        core.check_text("message", text)
        self._meter.message = None if text is None else clip_text(text, MAX_MESSAGE)
        self._home.tell(self._meter)

    @property
    def n(self) -> float:
        """How much is done; in a worker, how much it has added itself."""
        return _plain(self._meter.done())

    @property
    def total(self) -> float | None:
        """How much there is to do; None is not known. It may change while the bar runs."""
        total = self._meter.total
        return None if total is None else _plain(total)

    @total.setter
    def total(self, total: float | None) -> None:
        self._meter.total = _check_total(total)
        self._home.tell(self._meter)

    @property
    def state(self) -> State:
        """``running``, ``finished``, ``failed``, ``interrupted`` or ``stopped``."""
        return self._meter.state

    @property
    def artifact(self) -> Artifact | None:
        """The artifact that the bar is, as last written; None where it is switched off or could not be kept."""
        return self._home.artifact

    def finish(self) -> None:
        """It is finished, whatever the count says."""
        self._end("finished")

    def close(self) -> None:
        """End it: finished where all is done or the total is not known, stopped elsewhere."""
        self._end("finished" if self._meter.reached() else "stopped")

    def _end(self, state: State, error: BaseException | None = None) -> None:
        if self._meter.state == "running":
            if self._advance and state == "finished" and self._meter.parent is not None:
                self._meter.parent.counter.add(self._advance)
            self._home.end(self._meter, state, error)

    def __enter__(self) -> Self:
        self._meter.in_block = True
        homes.enter(self._meter, self._home)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if error is None:
            self.close()
            return
        for row, _ in list(self._meter.below()):
            row.blame(error)
        self._end(state_of(error), error)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._meter.parent is not None:
            raise UnsupportedType("a step stays in its process: give the bar itself to the worker.")
        return _attach, (_ticket(self._meter, self._home),)

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        meter = self.__dict__.get("_meter")
        if meter is not None and meter.state == "running" and not is_finalizing():
            self._home.end(meter, meter.ended_by_itself(), soon=within_ours(sys._getframe(0)))

    def __str__(self) -> str:
        return said(self._meter.step(1))

    def __repr__(self) -> str:
        done, total = self.n, self._meter.total
        return f"<Bar {self.state}, {done:g}{'' if total is None else f' of {total:g}'}>"


_bars: dict[int, weakref.ref[Bar]] = {}
"""Those of this process."""
_outposts: dict[str, Bar] = {}
"""Bars of other processes that this one adds to, by the artifact's id."""


def begin(
    key: str | None,
    total: float | None,
    description: str | None,
    unit: str | None = None,
    tags: Iterable[str] | None = None,
    *,
    owner: CodeType,
    leave: bool = True,
    initial: float = 0,
    show: bool | None = None,
    disable: bool = False,
) -> tuple[Meter, Home]:
    """A new bar, or a row of the one that runs around the call. `owner` is the code that begins it.

    Raises `InvalidKey` and `InvalidValue`; a store that cannot be written is warned of.
    """
    core.check_text("unit", unit)
    core.check_text("description", description)
    check_key(key)
    check_count("initial", initial)
    total = _check_total(total)
    outer = homes.around() if key is None and not disable else None
    if outer is not None:
        return Meter(description or "", total, unit, initial=initial, parent=outer.meter, leave=leave), outer.home
    meter = Meter(description or "", total, unit, initial=initial)
    if disable:
        return meter, Nowhere()
    try:
        return meter, Keeper(meter, key, description, tags=tags, owner=owner, show=show)
    except StoreError as error:
        warn(f"this progress is not kept, the work goes on: {error}")
        return meter, Nowhere()


def check_count(name: str, count: Any, leave: str = "") -> float:
    """A number of items. Raises `InvalidValue`."""
    number = math.nan
    if not isinstance(count, (bool, str, bytes)) and hasattr(type(count), "__float__"):
        with suppress(TypeError, ValueError, OverflowError):
            number = float(count)
    if not 0 <= number < math.inf:
        raise InvalidValue(f"{name}={count!r:.80} is not a number of items: give 0 or more{leave}.")
    return number


def _plain(count: float) -> float:
    """Items as people count them: 3, not 3.0."""
    return int(count) if count.is_integer() else count


def _check_total(total: Any) -> float | None:
    if total is None or (isinstance(total, float) and total == math.inf):
        return None
    return check_count("total", total, ", or leave it out")


def _ticket(meter: Meter, home: Home) -> Ticket | None:
    """What a worker needs to add to this bar; None where nothing is kept."""
    if isinstance(home, Outpost):
        return home.ticket
    if not isinstance(home, Keeper):
        return None
    ledger = home.share() if home.mine else home.ledger  # the lock may be held by a thread that no child has
    folder = None if ledger is None else str(ledger.folder)
    return Ticket(str(home.id), home.store.where, home.store.id, folder, meter.total, meter.unit)


def _attach(ticket: Ticket | None) -> Bar:
    """The bar of a ticket in this process: the bar itself where it is owned, else one that adds to it."""
    if ticket is None:
        return Bar(Meter(), Nowhere())
    for bar in _living():
        if isinstance(bar._home, Keeper) and bar._home.mine and str(bar._home.id) == ticket.id and bar._meter.parent is None:
            return bar
    found = _outposts.get(ticket.id)
    if found is None:
        while len(_outposts) >= _MOST_OUTPOSTS:
            _outposts.pop(next(iter(_outposts)))
        outpost = Outpost(ticket)
        found = _outposts[ticket.id] = Bar(outpost.meter, outpost)
    return found


def _living() -> list[Bar]:
    return [bar for found in list(_bars.values()) if (bar := found()) is not None]


def _before_fork() -> None:
    for bar in _living():
        if bar._meter.parent is None and bar._meter.state == "running":
            bar._home.share()


def _after_fork() -> None:
    """In a child bars add to the parent's, and their rows and loops are nobody's."""
    keepers.clear()
    homes.leave()
    _outposts.clear()
    for bar in _living():
        meter, home = bar._meter, bar._home
        ticket = _ticket(meter, home) if meter.parent is None and meter.state == "running" else None
        if ticket is not None:
            outpost = Outpost(ticket)
            bar._meter, bar._home, bar._mine = outpost.meter, outpost, outpost.meter.counter.mine
            _outposts[ticket.id] = bar
        elif meter.state == "running":
            bar._meter, bar._home = Meter(), Nowhere()
            bar._mine = bar._meter.counter.mine


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
atexit.register(settle_all)
