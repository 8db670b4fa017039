"""A request and a response as any web framework could give and take them, and the refusals that end a request early.

A host builds a `Request`, calls the `Api` in a thread that may block, and moves the bytes of the `Response`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from nb_artifacts import wire
from nb_artifacts.api.events import EventStream
from nb_artifacts.query.left import Left

BODY_LIMIT = 64 * 1024 * 1024
"""A request's body may have this many bytes; of a longer one no more is read."""

JSON = "application/json"

Body = bytes | Generator[bytes, None, None] | EventStream


@dataclass
class Request:
    """What a client asked. `path` is as it came (percent-encoded), below the API's base, and starts with a slash."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    chunks: Iterable[bytes] = ()
    base: str = ""
    """The API's base as the client sees it, for redirects: ``https://host/nb-artifacts/api``."""
    left: Left = field(default_factory=Left)
    """Told by the host when the client has gone."""
    route: Any = field(default=None, repr=False)
    """What `find_route` found, which hosts ask before the API does."""

    @property
    def whole(self) -> bool:
        """Whether the client asks for whole records instead of Prefect's ten members."""
        return _asks_for_whole(self.headers.get("accept", ""))

    @property
    def from_browser(self) -> bool:
        """Whether a browser asks, for somebody who looks."""
        return "mozilla" in self.headers.get("user-agent", "").lower()

    @property
    def params(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def read(self) -> bytes:
        """The body. Raises `Refused` for one that is compressed (415) or over `BODY_LIMIT` (413)."""
        coding = self.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):
            raise refusal(415, f"Content-Encoding {coding!r} is not accepted: send the body as it is.")
        parts, size = [], 0
        for chunk in self.chunks:
            size += len(chunk)
            if size > BODY_LIMIT:
                raise Refused(too_large())
            parts.append(chunk)
        return b"".join(parts)


@lru_cache(64)
def _asks_for_whole(accept: str) -> bool:
    return any(part.partition(";")[0].strip().lower() == wire.MIME for part in accept.split(","))


@dataclass
class Response:
    """What to answer: `body` is bytes, a generator of bytes (close it when the client leaves), or an event stream."""

    status: int
    body: Body = b""
    headers: dict[str, str] = field(default_factory=dict)
    shows: wire.Record | None = None
    """The one record that a browser asked for, to show it."""


class Refused(Exception):
    """Ends a request with a response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def refusal(status: int, detail: str, **headers: str) -> Refused:
    """A `Refused` with the body ``{"detail": …}``; underscores in the names of `headers` stand for dashes."""
    response = answer({"detail": detail}, status)
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return Refused(response)


def answer(value: Any, status: int = 200, *, media: str = JSON) -> Response:
    """A response whose body is `value` as JSON."""
    return Response(status, wire.encode(value), {"Content-Type": media})


def too_large() -> Response:
    """The answer to a body over `BODY_LIMIT`, whose rest is not read."""
    return answer({"detail": f"The body is larger than {BODY_LIMIT:,} bytes."}, 413)
