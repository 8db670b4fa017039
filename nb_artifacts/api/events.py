"""The change feed as server-sent events.

While anybody listens, one thread waits for news: a store with `changed` is woken by its database; in a folder the newest
`seq` is looked at every few hundredths of a second, so that writes of other processes (kernels) are found without any
message from them. What is new is encoded once and kept in a short memory that all listeners share; a listener is only a
position in the feed. One too slow for the shared memory reads what it missed from the store, where a record updated a
thousand times is one row, so nothing grows with slow listeners.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from nb_artifacts import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nb_artifacts.store import Store
    from nb_artifacts.wire import Change

log = logging.getLogger(__name__)

HEARTBEAT = b": still here\n\n"
MOST_EVENTS = 1000
MOST_BYTES = 4 * 1024 * 1024
PAGE = 200
LISTEN_SECONDS = 1.0
"""How long the watcher is told nothing before it asks whether anybody still listens."""
RETRY_SECONDS = 1.0
"""How long the watcher leaves a store alone that gave an error."""


class Feed:
    """The watcher of one store and what it saw last."""

    def __init__(self, store: Callable[[], Store], *, poll: float = 0.05, heartbeat: float = 15.0) -> None:
        self.store = store
        self.poll = poll
        self.heartbeat = heartbeat
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._listeners: set[EventStream] = set()
        self._watcher: threading.Thread | None = None
        self._recent: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._head = 0
        self.floor = 0
        """Whatever came after this `seq` can be had without asking the store."""

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def add(self, stream: EventStream) -> None:
        """Begin to wake a stream when there is something for it."""
        newest = self.store().last_seq()
        with self._lock:
            self._listeners.add(stream)
            if self._watcher is None and not self.closed.is_set():
                self._recent.clear()
                self._bytes, self._head, self.floor = 0, newest, newest
                self._watcher = threading.Thread(target=self._watch, name="nb-artifacts-feed", daemon=True)
                self._watcher.start()

    def remove(self, stream: EventStream) -> None:
        """Forget a stream; the watcher ends with the last one."""
        with self._lock:
            self._listeners.discard(stream)

    def tell(self, name: str, data: bytes) -> None:
        """Tell every stream something that has no place in this feed."""
        event = _event(None, name, data)
        with self._lock:
            streams = list(self._listeners)
        for stream in streams:
            stream.aside(event)
        self._wake()

    def close(self) -> None:
        """End every stream."""
        self.closed.set()
        self._wake()

    def after(self, seq: int) -> list[tuple[int, bytes]] | None:
        """What came after `seq`, without touching the store; None where that is no longer remembered."""
        if seq >= self._head:
            return []
        with self._lock:
            if seq < self.floor:
                return None
            found = []
            for event in reversed(self._recent):
                if event[0] <= seq:
                    break
                found.append(event)
        return found[::-1]

    def _watch(self) -> None:
        failing = False
        while not self.closed.wait(RETRY_SECONDS if failing else 0):
            with self._lock:
                if not self._listeners:
                    self._watcher = None
                    return
            try:
                self._await_news()
                self._look()
                failing = False
            except Exception:
                if not failing:
                    log.exception("the change feed cannot be read; trying again every %s s", RETRY_SECONDS)
                failing = True

    def _await_news(self) -> None:
        changed = getattr(self.store(), "changed", None)
        if changed is None:
            self.closed.wait(self.poll)
        else:
            changed(self._head, LISTEN_SECONDS)

    def _look(self) -> None:
        store = self.store()
        while self._head < store.last_seq():
            news = [(change.seq, as_event(change)) for change in store.changes(self._head, PAGE)]
            if not news:
                self.closed.wait(self.poll)
                return
            with self._lock:
                self._remember(news)
            self._wake()

    def _remember(self, news: list[tuple[int, bytes]]) -> None:
        self._recent.extend(news)
        self._bytes += sum(len(event) for _, event in news)
        while len(self._recent) > MOST_EVENTS or self._bytes > MOST_BYTES:
            self.floor, gone = self._recent.popleft()
            self._bytes -= len(gone)
        self._head = news[-1][0]

    def _wake(self) -> None:
        with self._lock:
            streams = list(self._listeners)
        for stream in streams:
            if not stream.alert():
                self.remove(stream)


class EventStream:
    """One listener's place in the feed, from when it is made until `close`.

    A host says with `listen` what to call when there is news. Whenever that was called it asks `ready` (which never
    blocks) and, where that gives None, `read` (which asks the store); with nothing for `heartbeat` seconds it sends
    `HEARTBEAT`; at the end it calls `close`. Iterating does all of that in a thread that may wait.

    Raises `StoreError` where the store cannot be read.
    """

    def __init__(self, feed: Feed, since: int | None) -> None:
        self._feed = feed
        self._awake = threading.Event()
        self._wake: Callable[[], object] = self._awake.set
        store = feed.store()
        newest = store.last_seq()
        self._seq = newest if since is None else min(since, newest)
        self._greeting = _event(self._seq, "hello", wire.encode({"store": store.id, "seq": newest}))
        self._aside: deque[bytes] = deque(maxlen=MOST_EVENTS)
        feed.add(self)

    def aside(self, event: bytes) -> None:
        """One more event that has no place in the feed."""
        self._aside.append(event)

    @property
    def heartbeat(self) -> float:
        """Seconds of silence after which a sign of life is due."""
        return self._feed.heartbeat

    @property
    def ended(self) -> bool:
        """Whether the server is stopping."""
        return self._feed.closed.is_set()

    def listen(self, wake: Callable[[], object]) -> None:
        """Call `wake`, from any thread, when there is news."""
        self._wake = wake

    def alert(self) -> bool:
        """Say that there is news; False where nobody is there any more."""
        try:
            self._wake()
        except RuntimeError:  # the event loop that it belongs to is gone
            return False
        return True

    def close(self) -> None:
        """Leave."""
        self._feed.remove(self)

    def ready(self) -> bytes | None:
        """What can be sent now (maybe nothing); None where `read` has to look into the store."""
        if self._greeting:
            greeting, self._greeting = self._greeting, b""
            return greeting
        found = self._feed.after(self._seq)
        return None if found is None else self._send(found[:PAGE]) + self._told_aside()

    def _told_aside(self) -> bytes:
        told = b""
        while self._aside:
            told += self._aside.popleft()
        return told

    def read(self) -> bytes:
        """The next events from the store."""
        remembered = self._feed.floor
        changes = self._feed.store().changes(self._seq, PAGE)
        if not changes:
            self._seq = max(self._seq, remembered)
        return self._send([(change.seq, as_event(change)) for change in changes])

    def _send(self, events: list[tuple[int, bytes]]) -> bytes:
        if events:
            self._seq = events[-1][0]
        return b"".join(event for _, event in events)

    def __iter__(self) -> Iterator[bytes]:
        try:
            while not self.ended:
                self._awake.clear()
                found = self.ready()
                if found is None:
                    found = self.read()
                if found:
                    yield found
                elif not self._awake.wait(self.heartbeat):
                    yield HEARTBEAT
        finally:
            self.close()


def as_event(change: Change) -> bytes:
    """A change as it travels. Payload text keeps its own spaces, and a line break there would end the event early."""
    return _event(change.seq, "change", wire.encode(change))


def _event(seq: int | None, name: str, data: bytes) -> bytes:
    line = data.replace(b"\r", b" ").replace(b"\n", b" ")
    place = b"" if seq is None else b"id: %d\n" % seq
    return b"%sevent: %s\ndata: %s\n\n" % (place, name.encode(), line)


def parse_seq(text: str | None) -> int | None:
    """The `seq` that a client gives as ``since`` or Last-Event-ID. Raises ValueError for what is no natural number."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return 2**63 - 1 if len(text) > 18 else int(text)
