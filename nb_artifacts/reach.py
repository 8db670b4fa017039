"""A remote as it is read: never for longer than a person waits, and not at all for a while after it gave no answer."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from nb_artifacts.errors import BlobMissing, Rejected, RemoteBusy, StoreError, Unreachable, Unsupported
from nb_artifacts.wire import Query

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.store.remote import Remote

T = TypeVar("T")

READ_SECONDS = 5.0
"""What one read may take in all, finding the name of the host included."""

PAUSE_SECONDS = 30.0
"""For so long after a failure nothing is asked."""

_ANSWERS = (Unsupported, BlobMissing, Rejected)
"""Errors with which a remote says no to one thing, and is there."""


class Reach:
    """One remote, opened when it is first asked.

    With `patient=False` a remote that failed is tried again in the background: no call waits for it until it answers.
    """

    def __init__(
        self, host: str, open: Callable[[], Remote], *, patient: bool = True, seconds: float = READ_SECONDS,
        pause: float = PAUSE_SECONDS,
    ) -> None:  # fmt: skip
        self.host = host
        self._open = open
        self._patient = patient
        self._seconds = seconds
        self._pause = pause
        self._remote: Remote | None = None
        self._lock = threading.Lock()
        self._again = 0.0
        self._probing = False
        self.trouble: StoreError | None = None
        """Why it gave no answer last time; None while it does."""

    def ask(self, question: Callable[[Remote], T], *, seconds: float | None = None) -> T:
        """What the remote answers. Raises what the question raises, and `StoreError` at once while it is left alone."""
        return self._noted(
            lambda: within(seconds or self._seconds, self.host, lambda: question(self.remote())), counts=seconds is None
        )

    def fetch(self, question: Callable[[Remote], T]) -> T:
        """As `ask`, for what may take as long as its bytes need."""
        return self._noted(lambda: question(self.remote()), counts=True)

    def _noted(self, call: Callable[[], T], *, counts: bool) -> T:
        """What a call gives; where it fails and that `counts`, the remote is left alone for a while."""
        self.check()
        try:
            found = call()
        except _ANSWERS:
            self.trouble = None
            raise
        except StoreError as error:
            if counts:
                self._failed(error)
            raise
        self.trouble = None
        return found

    def check(self) -> None:
        """Raises `StoreError` at once while the remote is left alone."""
        trouble = self.trouble
        if trouble is None:
            return
        if time.monotonic() >= self._again:
            if self._patient:
                return
            self._probe()
        # the same error each time, which would else hold on to every frame it ever went through
        raise trouble.with_traceback(None)

    @property
    def patient(self) -> bool:
        """Whether a call waits for a remote that failed before."""
        return self._patient

    def back(self) -> None:
        """Somebody else heard from the remote: it is there."""
        self.trouble = None

    def retry(self) -> None:
        """Ask again with the next question."""
        self._again = 0.0

    def remote(self) -> Remote:
        """The remote itself, opened: this may wait, and what is called on it too. Raises `StoreError`."""
        with self._lock:
            if self._remote is None:
                self._remote = self._open()
            return self._remote

    def close(self) -> None:
        """Let go of its connections."""
        if self._remote is not None:
            self._remote.close()

    def _failed(self, error: StoreError) -> None:
        asked = error.retry_after if isinstance(error, RemoteBusy) else None
        self.trouble, self._again = error, time.monotonic() + max(self._pause, asked or 0.0)

    def _probe(self) -> None:
        """Ask in the background whether it is there again."""
        if self._probing:
            return
        self._probing = True
        threading.Thread(target=self._look, name="nb-artifacts-probe", daemon=True).start()

    def _look(self) -> None:
        try:
            within(self._seconds, self.host, lambda: self.remote().find(Query(limit=1)))
            self.trouble = None
        except _ANSWERS:
            self.trouble = None
        except StoreError as error:
            self._failed(error)
        finally:
            self._probing = False


def within(seconds: float, host: str, work: Callable[[], T]) -> T:
    """What `work` gives, in a thread of its own, so that nothing it waits for (a name server too) holds up the caller.

    Raises `Unreachable` where it takes longer; what it gives then is dropped.
    """
    ready = threading.Event()
    given: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            given.append((work(), None))
        except BaseException as error:  # noqa: BLE001 (raised by the caller)
            given.append((None, error))
        ready.set()

    threading.Thread(target=run, name="nb-artifacts-read", daemon=True).start()
    if not ready.wait(seconds):
        raise Unreachable(f"{host} gave no answer within {seconds:g} s: see whether it runs and can be reached from here")
    found, error = given[0]
    if error is not None:
        raise error
    return found  # type: ignore[no-any-return]  # what `run` has put there
