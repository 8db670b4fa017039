"""Answers that are given again while nothing in the store has changed: a page or a script that asks and asks.

What an answer hangs on besides the store is its request's path and a few headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.api.message import Request, Response

HEADERS = ("accept", "if-none-match", "user-agent", "x-prefect-api-version")
MOST = 256
"""So many answers are kept."""

BYTES = 16 * 1024
"""An answer that is longer, together with its question, is not kept."""


class Repeats:
    """The answers to requests that only read, each with the state of the store that it was read from."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str | None, ...], tuple[Any, Response]] = {}

    def answer(self, make: Callable[[Request], Response], request: Request, state: Any) -> Response:
        """What `make` says to the request, or has said since the store is in this state."""
        asked = (request.path, *(request.headers.get(name) for name in HEADERS))
        known = self._kept.get(asked)
        if known is not None and known[0] == state:
            return known[1]
        response = make(request)
        if response.status < 500 and response.shows is None and isinstance(response.body, bytes):
            self._keep(asked, state, response, len(response.body))
        return response

    def _keep(self, asked: tuple[str | None, ...], state: Any, response: Response, size: int) -> None:
        if size + sum(len(part or "") for part in asked) > BYTES:
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[asked] = (state, response)
