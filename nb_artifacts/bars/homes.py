"""Where the truth about a bar goes: to its artifact (`keeper`), to the process that owns it (`outpost`), or nowhere.

Also which bar is running around the current call: a bar without a key begun inside it is a row of it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple, Protocol

from nb_artifacts import cells

if TYPE_CHECKING:
    from nb_artifacts.bars.meter import Meter
    from nb_artifacts.cells import Cell
    from nb_artifacts.handle import Artifact
    from nb_artifacts.ledger import Ledger
    from nb_artifacts.types.progress import State


class Home(Protocol):
    """What a bar and its loops tell."""

    @property
    def mine(self) -> bool:
        """Whether this process made it; what a fork inherited is left alone."""

    def end(self, meter: Meter, state: State, error: BaseException | None = None, *, soon: bool = False) -> None:
        """A bar or row is over; a bar is written so when this returns, or in a moment with `soon`."""

    def waits(self, meter: Meter) -> bool:
        """Whether what is true of a bar has not been written yet."""

    def moved(self, meter: Meter) -> None:
        """A loop over a part of a bar's work has begun or ended."""

    def share(self) -> Ledger | None:
        """Where workers on this host count, if they can."""

    def tell(self, meter: Meter) -> None:
        """The words or the total of a bar or row were changed."""

    def describe(self, text: str | None) -> None:
        """The artifact's description is another one."""

    @property
    def artifact(self) -> Artifact | None:
        """The bar's artifact, as last written; None where none is kept."""


class Nowhere:
    """For a bar that is switched off, or whose artifact could not be kept."""

    artifact = None
    mine = True

    def end(self, meter: Meter, state: State, error: BaseException | None = None, *, soon: bool = False) -> None:  # noqa: ARG002 (the signature of every home)
        """See `Home`."""
        if meter.state == "running":
            meter.end(state, error)

    def waits(self, meter: Meter) -> bool:  # noqa: ARG002 (the signature of every home)
        """See `Home`."""
        return False

    def moved(self, meter: Meter) -> None:
        """See `Home`."""

    def share(self) -> None:
        """See `Home`."""

    def tell(self, meter: Meter) -> None:
        """See `Home`."""

    def describe(self, text: str | None) -> None:
        """See `Home`."""


class Spot(NamedTuple):
    """A bar or row that runs, and what runs around it."""

    meter: Meter
    home: Home
    cell: Cell | None
    outer: Spot | None


_spot: ContextVar[Spot | None] = ContextVar("nb_artifacts_bar", default=None)


def around() -> Spot | None:
    """The innermost bar or row that runs around the current call, in the same cell."""
    spot = _spot.get()
    while spot is not None and not spot.meter.running:
        spot = spot.outer
    return spot if spot is not None and spot.cell is cells.current() else None


def enter(meter: Meter, home: Home) -> None:
    """From here on what begins without a key is a row below `meter`, until that has ended."""
    _spot.set(Spot(meter, home, cells.current(), around()))


def leave() -> None:
    """In a forked child nothing runs around the call: the bars are the parent's."""
    _spot.set(None)
