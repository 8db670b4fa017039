"""Requests that wait for a thread, which takes all that are there at once.

Handing a request to a thread and its answer back costs more than answering a small one, so it is done for many together:
the fuller the server, the less each costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb_artifacts.api import Request, Response

_Job = tuple["Request", "asyncio.AbstractEventLoop", "asyncio.Future[Response]"]
_Settled = tuple["asyncio.Future[Response]", "Response"]


class Line:
    """One thread, begun with the first request, that calls `answer` with at most `most` requests at a time."""

    def __init__(self, name: str, answer: Callable[[Sequence[Request]], Sequence[Response]], most: int) -> None:
        self._name = name
        self._answer = answer
        self._most = most
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, request: Request) -> asyncio.Future[Response]:
        """The answer, once it is there."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Response] = loop.create_future()
        self._queue.put((request, loop, future))
        return future

    def close(self) -> None:
        """Answer what waits, and end."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(30)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            jobs: list[_Job | None] = [job]
            with contextlib.suppress(queue.Empty):
                while len(jobs) < self._most and jobs[-1] is not None:
                    jobs.append(self._queue.get_nowait())
            found = [one for one in jobs if one is not None]
            responses = self._answer([request for request, _, _ in found])
            _tell(found[0][1], [(future, response) for (_, _, future), response in zip(found, responses, strict=True)])
            if jobs[-1] is None:
                return


def _tell(loop: asyncio.AbstractEventLoop, settled: list[_Settled]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever waited
        loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: list[_Settled]) -> None:
    for future, response in settled:
        if not future.done():  # its client may have left
            future.set_result(response)
