"""How far one piece of work is, in memory: a bar, or a row below one. What is kept of it, and how, is `keeper`'s."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol

from nb_artifacts.bars.counting import Counter
from nb_artifacts.redact import error_line
from nb_artifacts.types.progress import MAX_STEPS, State, Step, grown
from nb_artifacts.types.text import clip_text, one_line
from nb_artifacts.unwinding import Place, causes, leads_through, state_of
from nb_artifacts.wire import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from types import CodeType

_REMEMBERS = 5.0
"""Seconds over which a rate is a mean; slower work counts by its newest item."""

_MAX_NAME, _MAX_UNIT, MAX_MESSAGE = 80, 40, 500
"""Of texts: they are written, and sent to the front end, again and again."""


class Source(Protocol):
    """A loop that runs: it adds what it has done so far."""

    def done(self) -> float:
        """Items whose body has run."""

    def died_of(self, error: BaseException) -> bool:
        """Whether this exception has ended it, though something still holds its iterator."""


class Pace:
    """A rate from the changes of a count: a mean that forgets."""

    def __init__(self) -> None:
        self._at, self._had, self._step = time.monotonic(), 0.0, 0.0
        self._sum = self._weight = 0.0

    def begin(self, done: float) -> None:
        """What was there before does not count."""
        self._had = done

    def rate(self, done: float) -> float | None:
        """Units a second, now that `done` are done."""
        moment = time.monotonic()
        passed = moment - self._at
        if done != self._had and passed > 0:
            keeps = math.exp(-passed / _REMEMBERS)
            self._sum = keeps * self._sum + (1 - keeps) * (done - self._had) / passed
            self._weight = keeps * self._weight + (1 - keeps)
            self._at, self._had, self._step, passed = moment, done, abs(done - self._had), 0.0
        if not self._weight:
            return None
        mean = max(self._sum / self._weight, 0.0)
        return mean / self._slack(passed, self._step / mean) if mean else mean

    @staticmethod
    def _slack(passed: float, expected: float) -> int:
        """By what the mean is divided where nothing has come for long: 1, 2, 4 …, so that waiting costs few writes."""
        times = passed / max(_REMEMBERS, 2 * expected)
        return 1 << int(math.log2(times)) if times >= 1 else 1


class Meter:
    """One bar or row. Counting is safe from any thread; the rest is written by whoever runs the work."""

    def __init__(
        self,
        name: str = "",
        total: float | None = None,
        unit: str | None = None,
        *,
        initial: float = 0,
        parent: Meter | None = None,
        leave: bool = True,
        counter: Counter | None = None,
    ) -> None:
        self.name, self.total = name, total
        self.unit = None if unit is None else clip_text(unit, _MAX_UNIT)
        self.message: str | None = None
        self.state: State = "running"
        self.error: str | None = None
        self.started = now()
        self.ended: datetime | None = None
        self.counter = counter or Counter(initial)
        self.sources: list[Source] = []
        self.elsewhere: Callable[[], float] | None = None
        """What others have added to a bar."""
        self.parent, self.leave = parent, leave
        self.children: list[Meter] = []
        self.hidden = 0
        self.left: Place | None = None
        self.in_block = False
        """Whether a ``with`` block will say how it ended."""
        self._curve: list[tuple[float, float]] = []
        self._pace = Pace()
        self._pace.begin(initial)
        self._last = float(initial)
        if parent is not None:
            parent.children.append(self)

    @property
    def root(self) -> Meter:
        """The bar that it is, or is a row of."""
        return self if self.parent is None else self.parent.root

    @property
    def running(self) -> bool:
        """Whether neither it nor what it is part of has ended."""
        return self.state == "running" and (self.parent is None or self.parent.running)

    def done(self) -> float:
        """How much is done; the last sensible number where something senseless was added."""
        with self.counter.guard:
            found = self.counter.value() + sum([source.done() for source in self.sources])
        if self.elsewhere is not None:
            found += self.elsewhere()
        if math.isfinite(found):
            self._last = float(found)
        return self._last

    def take(self, source: Source, done: float) -> None:
        """A loop is over, with this many items done."""
        with self.counter.guard:
            if source in self.sources:
                self.sources.remove(source)
                self.counter.add(done)

    def ended_by_itself(self) -> State:
        """How a bar has ended that nobody closed: all of a known total was moved by hand, or it has stopped."""
        return "finished" if self.total and not self.sources and self.reached() else "stopped"

    def reached(self) -> bool:
        """Whether all is done, as far as is known."""
        return self.total is None or self.done() >= self.total * (1 - 1e-9)

    def rate(self, done: float) -> float | None:
        """Units a second: lately while it runs, over all once it has ended."""
        if self.ended is None:
            return self._pace.rate(done)
        passed = (self.ended - self.started).total_seconds()
        return done / passed if passed > 0 and done else None

    def curve(self, done: float) -> list[tuple[float, float]]:
        """How it went, now that `done` are done."""
        seconds = ((self.ended or now()) - self.started).total_seconds()
        self._curve = grown(self._curve, seconds, done, last=self.ended is not None)
        return self._curve

    def end(self, state: State, error: BaseException | None = None) -> None:
        """It has ended so, and with it every row below; a finished one may hold more or less than was expected."""
        for child in list(self.children):
            if child.state == "running":
                child.end(state if state != "finished" else "stopped")
        self.ended = self.ended or now()
        self.state = state
        self.error = error_line(error) if error is not None and state == "failed" else None
        if self.parent is not None:
            self.parent._child_ended(self)

    def _child_ended(self, child: Meter) -> None:
        with self.counter.guard:
            if not child.leave:
                if child in self.children:
                    self.children.remove(child)
                return
            ended = [one for one in self.children if one.state != "running"]
            for one in ended[: max(len(ended) - MAX_STEPS, 0)]:
                self.children.remove(one)
                self.hidden += 1 + one.hidden + len(list(one.below()))

    def below(self, level: int = 1) -> Iterator[tuple[Meter, int]]:
        """Every row below, in order, with its level."""
        for child in list(self.children):
            yield child, level
            yield from child.below(level + 1)

    def steps(self) -> tuple[list[Step], int]:
        """The rows that are kept, and how many are not."""
        rows = list(self.below())
        hidden = self.hidden + sum(meter.hidden for meter, _ in rows)
        for old in [row for row in rows if row[0].state != "running"][: max(len(rows) - MAX_STEPS, 0)]:
            rows.remove(old)
            hidden += 1
        return [meter.step(level) for meter, level in rows[:MAX_STEPS]], hidden

    def step(self, level: int) -> Step:
        """It as a row."""
        done = self.done()
        return Step(
            name=clip_text(one_line(self.name), _MAX_NAME), state=self.state, done=done, started=self.started, level=level,
            total=self.total, unit=self.unit, ended=self.ended, rate=self.rate(done), message=self.message,
        )  # fmt: skip

    def blame(self, error: BaseException, owner: CodeType | None = None) -> bool:
        """End what this exception has ended: loops let go of where it went through. Whether there was any.

        A function's loop that still looks as if it ran has died with the function, its `owner`.
        """
        hit = False
        for meter in [*(row for row, _ in self.below()), self]:
            left = meter.left
            dead = meter is self and meter.state == "running" and owner is not None and owner.co_name != "<module>"
            for cause in causes(error):
                through = left is not None and leads_through(cause, left.code, left.line)
                through = through or (meter.state == "running" and any(source.died_of(cause) for source in meter.sources))
                if through or (dead and owner is not None and leads_through(cause, owner)):
                    meter.left, hit = None, True
                    meter.end(state_of(cause), cause)
                    break
        return hit
