"""Whether whoever asked still waits for the answer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Left:
    """Told once by a host when its client has gone; whoever works for the client listens."""

    def __init__(self) -> None:
        self.gone = False
        self._calls: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def leave(self) -> None:
        """The client has gone."""
        with self._lock:
            self.gone = True
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    def listen(self, call: Callable[[], object]) -> Callable[[], None]:
        """Call `call` when the client goes, at once where it has gone; gives what ends the listening."""
        with self._lock:
            if not self.gone:
                self._calls.append(call)
                return lambda: self._forget(call)
        call()
        return lambda: None

    def _forget(self, call: Callable[[], object]) -> None:
        with self._lock:
            if call in self._calls:
                self._calls.remove(call)
