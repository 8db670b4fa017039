"""What other machines publish, told to whoever listens here: the remote's feed passed on while there is a viewer.

Events passed on have no place in the folder's own feed, hence no id: a client that was away looks at the lists again.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol

from nb_artifacts import wire
from nb_artifacts.errors import StoreError
from nb_artifacts.wire import Change, Query, Sort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from uuid import UUID

    from nb_artifacts.api.events import Feed

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
"""So often it is looked whether there is a viewer."""

RETRY_SECONDS = 5.0
POLL_SECONDS = 3.0
"""How often a remote without a feed (Prefect) is asked what is new."""

BACK = 100
"""So many changes before now are told again at first: a list may have been made just before."""


class Source(Protocol):
    """Where the changes of others come from; see `nb_artifacts.union.Union`."""

    def remote(self) -> Any:
        """The remote, opened. Raises `StoreError`."""

    def back(self) -> None:
        """The remote was heard of again after an outage."""

    def told(self, change: Change) -> Change | None:
        """A change at the remote as it is to be told here; None where it is none here."""


class Relay:
    """Passes on what changes at a remote, in a thread, until the feed is closed."""

    def __init__(self, feed: Feed, source: Callable[[], Source | None]) -> None:
        self._feed = feed
        self._source = source
        self._seq: int | None = None
        self._seen: dict[UUID, datetime] = {}
        self._failed = False

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self.run, name="nb-artifacts-relay", daemon=True).start()

    def run(self) -> None:
        """Until the feed is closed."""
        while not self._feed.closed.wait(RETRY_SECONDS if self._failed else IDLE_SECONDS):
            source = self._source() if self._feed.listeners else None
            if source is None:
                continue
            try:
                self._follow(source)
            except StoreError as error:
                if not self._failed:
                    log.info("what others publish is not shown live for now: %s", error)
                self._failed = True
            except Exception:
                log.exception("passing on what others publish failed; it is tried again")
                self._failed = True

    def _follow(self, source: Source) -> None:
        remote = source.remote()
        changes = self._live(remote) if hasattr(remote, "follow") else self._asked(remote)
        for change in changes:
            if self._failed:
                self._failed = False
                source.back()
                self._feed.tell("again", b"{}")
            told = source.told(change) if change is not None else None
            if told is not None:
                self._feed.tell("elsewhere", wire.encode(told))
            if not self._feed.listeners or self._feed.closed.is_set():
                return

    def _live(self, remote: Any) -> Iterator[Change | None]:
        last = remote.last_seq()
        if self._seq is None or self._seq > last:  # a server made anew counts from the beginning
            self._seq = max(0, last - BACK)
        yield None
        for change in remote.follow(self._seq):
            if change is not None:
                self._seq = change.seq
            yield change

    def _asked(self, remote: Any) -> Iterator[Change | None]:
        """Changes found by asking again and again for what was updated last."""
        first = not self._seen
        while True:
            found = remote.find(Query(sort=Sort.UPDATED_DESC, limit=BACK))
            for record in reversed(found):
                if self._seen.get(record.id) != record.updated and not first:
                    yield Change(seq=0, kind="artifact", record=record)
            first = False
            self._seen = {record.id: record.updated for record in found}
            yield None
            self._feed.closed.wait(POLL_SECONDS)
