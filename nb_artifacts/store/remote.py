"""A store behind HTTP as the sender sees it: what it is given, and what became of each thing.

Whatever implements `Remote` may be sent the same thing again: our own server knows ids, a Prefect server is looked
into first where an earlier attempt may have arrived (`Outgoing.again`).
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Literal, NamedTuple, Protocol

from nb_artifacts.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from nb_artifacts.wire import BlobRef, Record, Run


class Outgoing(NamedTuple):
    """Something to tell a remote: the present state of a record or a run, or that a record was deleted."""

    op: Literal["put", "patch", "delete", "run"]
    id: UUID
    record: Record | None = None
    """Whole, with its `data`."""
    run: Run | None = None
    again: bool = False
    """An earlier attempt may have arrived."""
    remote_id: UUID | None = None
    """The remote's own id for the artifact, where it is known to give one."""


class Outcome(NamedTuple):
    """What became of one `Outgoing`. A rejected one would be rejected again; `error` says why."""

    state: Literal["done", "rejected"]
    version: int | None = None
    """The number that the remote gave it, where it counts."""
    remote_id: UUID | None = None
    error: str | None = None


class Remote(Store, Protocol):
    """A `Store` at an address. Its methods may also raise `Unreachable`, `RemoteBusy`, `Denied` and `Unsupported`."""

    @property
    def batch(self) -> int:
        """So many things it takes in one `send`."""

    @property
    def kind(self) -> Literal["nb-artifacts", "prefect"]:
        """What kind of server it is."""

    @property
    def state(self) -> str:
        """Which store answers, and which restore of it, if it tells: where that changes, what had arrived may be lost."""

    @property
    def newest(self) -> int:
        """The highest `seq` of it that was told; 0 where it has none."""

    def search(self, text: str, limit: int, after: UUID | None) -> list[Record]:
        """Records that hold all words of a text, those made or changed last first, after that id. Raises `Unsupported`."""

    def send(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Tell the remote of `items`, in their order; one outcome each.

        An id that the remote has in another state takes the newer one; an id that was deleted there stays deleted, which
        is done. Raises `Unreachable`, `RemoteBusy` or `Denied` for all of them: send them again then.
        """

    def missing_blobs(self, refs: Sequence[BlobRef]) -> list[BlobRef]:
        """Those that have to be uploaded before a record may name them."""

    def send_blob(self, ref: BlobRef, open: Callable[[], IO[bytes]]) -> None:
        """Upload bytes, going on where an earlier attempt ended; the remote verifies their hash.

        Raises `Rejected` where it refuses them, and what `send` raises.
        """
