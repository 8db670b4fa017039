"""The thread that sends while a process lives, one of all that share the folder, and no cell's business.

It looks at the folder's newest `seq` a few times a second, which costs next to nothing and finds what other processes
write; what this process keeps wakes it. Only here are connections to a remote opened.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb_artifacts.errors import Denied, NotFound, RemoteBusy, StoreError, Unreachable
from nb_artifacts.process import this_process
from nb_artifacts.redact import redact
from nb_artifacts.sender.draining import Drained, drain
from nb_artifacts.sender.pace import LONGEST_RETRY_AFTER, Gate, backoff
from nb_artifacts.store import open_remote
from nb_artifacts.store.remotes import Remotes

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.addresses import RemoteSettings
    from nb_artifacts.process import Writer
    from nb_artifacts.store.remote import Remote
    from nb_artifacts.store.sqlite import SqliteStore

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
LEASE_SECONDS = 30.0
DENIED_SECONDS = 60.0
"""How often a key that was refused is tried again."""

AT_WORK_SECONDS = 1.0
"""A server that does not know our ids may be at work on a request that was cut off: so long it is not looked into."""

GATHER_SECONDS = 0.03
"""So long is waited after a row was kept, so that those that follow go in the same request."""

MOST_WAITING = 1_000_000
MOST_BYTES = 1_000_000_000
"""More artifacts or bytes than these waiting for a remote deserve a warning; none is ever dropped."""


SORT_OUT_AFTER = 3
"""A server that fails at a request (HTTP 500) may do so because of one row: looked into after so many, or when asked to try."""

_NOWHERE = (0, -1)


@dataclass
class Limits:
    """Times of a `Sender`, in seconds."""

    poll: float = POLL_SECONDS
    lease: float = LEASE_SECONDS
    denied: float = DENIED_SECONDS


class Sender:
    """Sends what a folder keeps to one remote while `run` runs, as long as no other process does."""

    def __init__(
        self,
        store: SqliteStore,
        settings: RemoteSettings,
        *,
        current: Callable[[], RemoteSettings | None] | None = None,
        connect: Callable[[RemoteSettings], Remote] | None = None,
        owner: Writer | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.remotes = Remotes(store)
        self.remotes.first_seen(settings.address)
        self.limits = limits or Limits()
        self.failures = 0
        self.done = Drained()
        """What all passes did, and what was in the way at the last."""
        self.passes = 0
        """How many passes were made, with or without success."""
        self.waiting = 0
        """How many artifacts waited when that was last looked at, which is when they cannot be sent."""
        self.waiting_bytes = 0
        """How many bytes they have, counted at the same time."""
        self._current = current or (lambda: self.settings)
        self._connect = connect or (lambda settings: open_remote(settings.address, key=settings.key))
        self._owner = owner
        self._remote: Remote | None = None
        self._used = settings
        self._gate = Gate()
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._deadline: float | None = None
        self._seen = _NOWHERE
        self._asked = False
        self._not_before = 0.0
        self._leased_until = 0.0
        self._count_at = 0.0
        self._thread: threading.Thread | None = None

    @property
    def error(self) -> StoreError | None:
        """What was in the way at the last try."""
        return self.done.error

    def start(self) -> None:
        """Begin, in a thread that never keeps the process from ending; where none can be had, the next call tries again."""
        if self.is_begun:
            return
        self._thread = threading.Thread(target=self.run, name="nb-artifacts-sender", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            log.warning("nothing is sent to %s at the moment: %s", self.settings.host, error)

    @property
    def is_begun(self) -> bool:
        """Whether there is a thread, or was one."""
        return self._thread is not None and self._thread.ident is not None

    @property
    def is_full(self) -> bool:
        """Whether more waits than anybody means to leave behind."""
        return self.waiting > MOST_WAITING or self.waiting_bytes > MOST_BYTES

    def wake(self) -> None:
        """Something was kept."""
        self._woken.set()

    def use(self, settings: RemoteSettings) -> None:
        """Go on with another key or level, and try at once."""
        if settings != self.settings:
            self.settings = settings
            self.retry()

    def retry(self) -> None:
        """Try now, whatever failed before, unless the remote asked to be left alone for a while."""
        self._not_before, self._seen, self._asked = 0.0, _NOWHERE, True
        self._woken.set()

    def close(self, seconds: float) -> None:
        """Send what still waits, for at most so long, and let another process go on; what is left is sent by that one."""
        self._deadline = time.monotonic() + seconds
        self._closing.set()
        self._woken.set()
        if self.is_begun and self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def run(self) -> None:
        """Pass after pass, until `close`."""
        threading.Thread(target=self._keep_lease, name="nb-artifacts-lease", daemon=True).start()
        try:
            while not self._closing.is_set():
                wait = self._try_turn()
                self._woken.wait(wait)
                if self._woken.is_set() and not self._closing.is_set():
                    self._closing.wait(GATHER_SECONDS)
                self._woken.clear()
            self._send_the_rest()
        finally:
            with contextlib.suppress(StoreError, NotFound):
                self.remotes.release(self.settings.address, self._me())
            self._disconnect()

    def _send_the_rest(self) -> None:
        """At the end, unless the last try failed."""
        try:
            if not self.failures and self._is_wanted() and self._holds():
                self._pass()
        except Exception as error:  # noqa: BLE001 -- whoever goes on will find it too
            log.debug("the rest could not be sent: %s", error)

    def _try_turn(self) -> float:
        try:
            return self._turn()
        except StoreError as error:  # of the folder; the cells say so too
            log.debug("nothing can be sent at the moment: %s", error)
            return 10 * self.limits.poll
        except NotFound:  # the folder was deleted and made anew
            self._leased_until, self._seen = 0.0, _NOWHERE
            with contextlib.suppress(StoreError):
                self.remotes.first_seen(self.settings.address)
            return self.limits.poll
        except Exception:
            log.exception("sending to %s failed in a way that nobody foresaw; it is tried again", self.settings.address)
            return 5.0

    def _turn(self) -> float:
        """Send if there is something to send and nothing in the way; seconds until it is worth looking again."""
        if not self._is_wanted():
            self._let_go()
            return 1.0
        wait = self._not_before - time.monotonic()
        if wait > 0 or not self._holds():
            self._look_at_the_queue()
            return min(1.0, wait if wait > 0 else self.limits.lease / 4)
        if time.monotonic() < self._not_before or not self._is_new():  # the first where the one before may be at work still
            return self.limits.poll
        asked = self.remotes.resume(self.settings.address) - time.time()
        if 0 < asked <= LONGEST_RETRY_AFTER:
            self._not_before = time.monotonic() + asked
            return min(asked, 1.0)
        self._pass()
        return self.limits.poll

    def _is_wanted(self) -> bool:
        """Whether the settings still name this remote; another key in them is used from now on."""
        settings = self._current()
        if settings is None or settings.address != self.settings.address:
            return False
        self.use(settings)
        return True

    def _is_new(self) -> bool:
        """Whether there may be something to send: a newer seq, or the past was asked for, be it while a pass was made."""
        newest, cursor = self._seen
        return cursor < newest or self.store.last_seq() != newest or self._cursor() < cursor

    def _cursor(self) -> int:
        known = self.remotes.find(self.settings.address)
        return -1 if known is None else known.cursor

    def _pass(self) -> None:
        newest = self.store.last_seq()
        drained = self._drain()
        done = self.done
        self.done = Drained(
            done.sent + drained.sent, done.deleted + drained.deleted, done.refused + drained.refused, drained.error
        )
        self.passes += 1
        if drained.error is None:
            self.failures, self._asked = 0, False
            self.remotes.in_order(self.settings.address)
            if drained.sent or drained.deleted:
                self.remotes.heard(self.settings.address, self._connected().newest)
            self._seen = (newest, self._cursor())
        else:
            self._failed(drained.error)

    def _drain(self) -> Drained:
        address = self.settings.address
        try:
            remote = self._connected()
            return drain(
                self.store, remote, self.remotes, address, provenance=self.settings.provenance,
                gate=self._gate, deadline=self._deadline, goes_on=self._goes_on,
                sort_out=self._sorts_out(),
            )  # fmt: skip
        except StoreError as error:
            return Drained(error=error)

    def _sorts_out(self) -> bool:
        error = self.done.error
        return self._asked or (self.failures >= SORT_OUT_AFTER and isinstance(error, RemoteBusy) and error.status == 500)

    def _connected(self) -> Remote:
        """The remote, asked what it is when it is first needed, after a failure, and when another key is to be used."""
        if self._remote is None or self._used is not self.settings:
            self._disconnect()
            self._used = self.settings
            self._remote = self._connect(self._used)
            self.remotes.first_seen(self._used.address, self._remote.kind)
            if self.remotes.met(self._used.address, self._remote.state, self._remote.newest):
                log.warning(
                    "another store answers at %s, or an earlier state of it: all that it had is sent again", self._used.address
                )
        return self._remote

    def _disconnect(self) -> None:
        if self._remote is not None:
            self._remote.close()
            self._remote = None

    def _failed(self, error: StoreError) -> None:
        self.failures += 1
        if not isinstance(error, RemoteBusy):  # perhaps another one answers next time
            self._disconnect()
        asked = error.retry_after if isinstance(error, RemoteBusy) else None
        wait = backoff(self.failures, asked)
        if isinstance(error, Unreachable) and error.ambiguous and self._knows_no_ids():
            wait = max(wait, AT_WORK_SECONDS)
        text, paused = self._in_words(error), None
        if isinstance(error, Denied):
            wait, paused = self.limits.denied, text
        self._not_before = time.monotonic() + wait
        resume = time.time() + min(asked, LONGEST_RETRY_AFTER) if asked else None
        with contextlib.suppress(StoreError):
            self.remotes.failed(self.settings.address, text, paused=paused, resume=resume)
            if paused:  # somebody else may have the right key
                self._let_go()

    def _in_words(self, error: StoreError) -> str:
        text = str(error)
        if self.settings.key:
            text = text.replace(str(self.settings.key), "[redacted]")
        return redact(text)[:1000]

    def _me(self) -> Writer:
        return self._owner or this_process()

    def _holds(self) -> bool:
        """Whether this is the one that sends; the lease is taken where it is free."""
        return time.monotonic() < self._leased_until or self._lease()

    def _lease(self) -> bool:
        begun, first = time.monotonic(), not self._leased_until
        left = first and self._knows_no_ids() and self.remotes.is_left(self.settings.address, self._me())
        held = self.remotes.lease(self.settings.address, self._me(), self.limits.lease)
        self._leased_until = begun + self.limits.lease if held else 0.0
        if held and left:
            self._not_before = max(self._not_before, begun + AT_WORK_SECONDS)
        return held

    def _knows_no_ids(self) -> bool:
        known = self.remotes.find(self.settings.address)
        return known is not None and known.kind == "prefect"

    def _let_go(self) -> None:
        if self._leased_until:
            self._leased_until = 0.0
            self.remotes.release(self.settings.address, self._me())

    def _keep_lease(self) -> None:
        """Beside the passes, which may take long: what is held is renewed in good time."""
        while not self._closing.wait(self.limits.lease / 3):
            if self._leased_until:
                with contextlib.suppress(StoreError, NotFound):
                    self._lease()

    def _goes_on(self) -> bool:
        """Asked by a pass before each batch."""
        if self._closing.is_set() and not (self._deadline and time.monotonic() < self._deadline):
            return False
        return self._is_wanted() and self._holds()

    def _look_at_the_queue(self) -> None:
        """Count what waits, now and then: too much is told in a cell."""
        begun = time.monotonic()
        if begun >= self._count_at:
            self.waiting_bytes = self.remotes.count_bytes(self.settings.address)
            self.waiting = self.remotes.count(self.settings.address)
            self._count_at = time.monotonic() + max(2.0, 300 * (time.monotonic() - begun))
