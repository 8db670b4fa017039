"""Reading a request's body: within its limits of size and time, or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nb_artifacts.api import BODY_LIMIT, Refused, too_large
from nb_artifacts.api.message import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive

BODY_SECONDS = 30.0
"""A request's body has to arrive within this time, and one second more for each megabyte announced."""


class Gone(Exception):
    """The client left in the middle of its request."""


async def read_body(headers: Mapping[str, str], receive: Receive) -> list[bytes]:
    """The pieces of the body. Raises `Gone`, and `Refused` for one that is too long (413) or too slow (408)."""
    announced = headers.get("content-length", "")[:18]
    length = int(announced) if announced.isdigit() else 0
    if length > BODY_LIMIT:
        raise Refused(too_large())
    if not length and "transfer-encoding" not in headers:
        return []
    chunks: list[bytes] = []
    try:
        await asyncio.wait_for(_read(receive, chunks), BODY_SECONDS + length / 1_000_000)
    except asyncio.TimeoutError:
        raise refusal(408, "The body did not arrive in time.") from None
    return chunks


async def _read(receive: Receive, chunks: list[bytes]) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_LIMIT:
            raise Refused(too_large())
        chunks.append(chunk)
        more = message.get("more_body", False)
