"""Reading a request's body: within its limits of size and time, or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from nb_artifacts.api import BODY_LIMIT, Refused, too_large
from nb_artifacts.api.message import refusal

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

BODY_SECONDS = 30.0
"""A request's body has to arrive within this time, and one second more for each megabyte announced."""


WHOLE = "nba.whole"
"""Set in a scope as soon as all of the request has come."""


class Gone(Exception):
    """The client left in the middle of its request."""


async def read_body(scope: Scope, receive: Receive, most: int = BODY_LIMIT) -> list[bytes]:
    """The pieces of the body. Raises `Gone`, and `Refused` for one of over `most` bytes (413) or too slow (408)."""
    headers = scope["nba.headers"]
    announced = headers.get("content-length", "")[:18]
    length = int(announced) if announced.isdigit() else 0
    if length > most:
        raise Refused(too_large())
    if not length and "transfer-encoding" not in headers:
        return []
    if WHOLE in scope:
        return await _read(receive, most)
    late = _Late(BODY_SECONDS + length / 1_000_000)
    try:
        return await _read(receive, most)
    except asyncio.CancelledError:
        if not late.came:
            raise
        raise refusal(408, "The body did not arrive in time.") from None
    finally:
        late.end()


class _Late:
    """Cancels the task that made it after some time, without a task for each request as `asyncio.wait_for` has."""

    def __init__(self, seconds: float) -> None:
        self.came = False
        self._task: Any = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._come)

    def _come(self) -> None:
        self.came = True
        self._task.cancel()

    def end(self) -> None:
        """The time no longer matters; what was cancelled by it goes on."""
        self._timer.cancel()
        if self.came and hasattr(self._task, "uncancel"):
            self._task.uncancel()


async def _read(receive: Receive, most: int) -> list[bytes]:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise Refused(too_large())
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks
