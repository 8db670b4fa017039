"""Creations that wait for a thread, which takes all that are there at once.

Handing a request to a thread and its answer back costs more than answering a small one, so it is done for many together:
the fuller the server, the less each costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from typing import TYPE_CHECKING

from nb_artifacts.api.routes import may_write

if TYPE_CHECKING:
    from nb_artifacts.api import Api
    from nb_artifacts.api.message import Request, Response

SHORT_BODY = 64 * 1024
"""A request of at most this many bytes is quick enough to write together with others."""

MOST_TOGETHER = 64

_Job = tuple["Request", "asyncio.AbstractEventLoop", "asyncio.Future[Response]"]
_Settled = tuple["asyncio.Future[Response]", "Response"]


class Line:
    """The short creations of one API over a store in a folder.

    Those that arrive together are written together, in one transaction, by one thread, which begins with the first.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, request: Request, size: int) -> asyncio.Future[Response] | None:
        """The answer to a request whose body has `size` bytes, once it is there; None where it is not for the line."""
        alone = request.method not in ("POST", "PUT") or request.path.endswith("/batch") or size > SHORT_BODY
        if alone or not may_write(request):
            return None
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="nb-artifacts-group", daemon=True)
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
                while len(jobs) < MOST_TOGETHER and jobs[-1] is not None:
                    jobs.append(self._queue.get_nowait())
            found = [one for one in jobs if one is not None]
            responses = self._api.together([request for request, _, _ in found])
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
