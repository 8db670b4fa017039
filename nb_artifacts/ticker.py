"""One daemon thread for all bars of a process: ten times a second it looks at each, so that loops need not report.

It is started with the first member, ends when the last one has left, and does not cross a fork: a child's ticker begins
empty, and no fork happens while a member is being looked at.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from contextlib import suppress
from typing import Protocol

from nb_artifacts.notices import warn

EVERY = 0.1
"""Seconds between two looks."""

HURRY_EVERY, HURRY_FOR = 0.005, 0.3
"""Seconds between two looks while something has to be seen soon, and for how long that is."""

_FORK_WAIT = 2.0


class Member(Protocol):
    """What the ticker looks at."""

    def tick(self, moment: float) -> None:
        """Do what is due at `moment` (of `time.monotonic`). An exception is warned of and ends the membership."""


class Ticker:
    """The thread and its members. All methods may be called from any thread, and from a finalizer."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}
        self._guard = threading.RLock()
        self._looking = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._hurried = 0.0
        self._interrupt = False
        self._paused = False

    def add(self, member: Member) -> None:
        """Look at `member` from now on."""
        with self._guard:
            self._members[id(member)] = member
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nb_artifacts-ticker", daemon=True)
                self._thread.start()

    def remove(self, member: Member) -> None:
        """Look at it no more; without members the thread ends."""
        self._members.pop(id(member), None)

    def hurry(self) -> None:
        """Look at all members at once, and often for a moment."""
        self._hurried = time.monotonic() + HURRY_FOR
        self._wake.set()

    def interrupt_later(self) -> None:
        """Raise the KeyboardInterrupt again that came where Python would have swallowed it, in a finalizer."""
        self._interrupt = True
        self.add(_NOBODY)
        self.hurry()

    @property
    def running(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None

    def _run(self) -> None:
        while True:
            moment = time.monotonic()
            self._wake.wait(HURRY_EVERY if moment < self._hurried else EVERY)
            self._wake.clear()
            if self._interrupt:
                self._interrupt = False
                self._members.pop(id(_NOBODY), None)
                _interrupt()
            with self._looking:
                self._look(time.monotonic())
            with self._guard:
                if not self._members:
                    self._thread = None
                    return

    def _look(self, moment: float) -> None:
        for member in list(self._members.values()):
            try:
                member.tick(moment)
            except Exception as error:  # noqa: BLE001, PERF203 (one member's fault must not stop the others)
                self.remove(member)
                warn(f"a progress is not followed any more: {type(error).__name__}: {error}")

    def before_fork(self) -> None:
        """Wait for the look under way: a child must not inherit locks that its missing thread holds."""
        self._guard.acquire(timeout=_FORK_WAIT)
        self._paused = self._thread is not threading.current_thread() and self._looking.acquire(timeout=_FORK_WAIT)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._paused:
            self._looking.release()
        with suppress(RuntimeError):
            self._guard.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: the thread and its members are the parent's."""
        self.__init__()  # type: ignore[misc]  # everything anew


def _interrupt() -> None:
    """Interrupt the main thread, also where it waits in a call of the system."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


class _Nobody:
    def tick(self, moment: float) -> None:
        """Nothing to look at."""


_NOBODY = _Nobody()

ticker = Ticker()
"""The process's own."""


def wait_at_forks() -> None:
    """From now on a fork first waits for the look under way.

    Who closes at a fork what members use calls this after its own function is registered: the last one is called first,
    and in the other order each would wait for the other.
    """
    os.register_at_fork(before=ticker.before_fork, after_in_parent=ticker.after_fork_in_parent)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ticker.after_fork_in_child)
