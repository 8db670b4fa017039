"""Telling our server what changed: up to a hundred records and runs in a request, each with an outcome of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from nb_artifacts.errors import RemoteBusy, Unreachable
from nb_artifacts.store.http_client import SEND_SECONDS, decoded
from nb_artifacts.store.http_wire import outgoing_body
from nb_artifacts.store.remote import Outcome
from nb_artifacts.wire import MIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb_artifacts.store.http_client import Answer, Connection
    from nb_artifacts.store.remote import Outgoing

MOST_BYTES = 1024 * 1024
"""A request has not more, unless one item alone does: proxies on the way often take no more."""

_REFUSED = frozenset({400, 409, 413, 415, 422})


class _Taken(Struct):
    """What the server says became of one item."""

    state: Literal["done", "rejected", "missing"]
    version: int | None = None
    error: str | None = None


_taken = msgspec.json.Decoder(list[_Taken])


def send(connection: Connection, items: Sequence[Outgoing], state: str, before: int = 0) -> tuple[list[Outcome], int]:
    """See `Remote.send`; besides, the newest `seq` that was told.

    Raises `Unreachable` too where by now the store in another `state` answers, or another one, or one that tells a lower
    `seq` than was told `before` this was sent.
    """
    outcomes, newest = list[Outcome](), 0
    for part in _parts([outgoing_body(item) for item in items]):
        for found, seq in _send(connection, part, state, before):
            outcomes += found
            newest = max(newest, seq)
    return outcomes, newest


def _parts(bodies: list[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for body in bodies:
        if part and size + len(body) > MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(body)
        size += len(body)
    if part:
        yield part


def _send(connection: Connection, bodies: list[bytes], state: str, before: int) -> Iterator[tuple[list[Outcome], int]]:
    """Outcomes of one request; where all of it is refused, of its halves, so that one item does not stop the others."""
    body = b'{"items":[' + b",".join(bodies) + b"]}"
    seconds = SEND_SECONDS + len(body) / 1_000_000
    answer = connection.ask("POST", "/changes/batch", body, accept=MIME, seconds=seconds)
    if answer.status in _REFUSED:
        if len(bodies) == 1:
            yield [Outcome("rejected", error=f"{answer.detail()} (HTTP {answer.status})")], 0
            return
        half = len(bodies) // 2
        yield from _send(connection, bodies[:half], state, before)
        yield from _send(connection, bodies[half:], state, before)
        return
    if answer.status != 200:
        raise connection.not_an_answer()
    if (answer.state or state) != state or 0 < answer.seq < before:
        raise Unreachable(
            f"another store answers at {connection.address} by now, or an earlier state of it: all is sent to it again"
        )
    yield _outcomes(connection, answer, len(bodies)), answer.seq


def _outcomes(connection: Connection, answer: Answer, count: int) -> list[Outcome]:
    found = decoded(connection, answer, _taken)
    if len(found) != count:
        raise connection.not_an_answer()
    for one in found:
        if one.state == "missing":  # they were there when it was asked; it will be asked again
            raise RemoteBusy(f"{connection.host} has no longer the bytes of an artifact: they are uploaded again")
    return [Outcome("rejected" if one.state == "rejected" else "done", one.version, error=one.error) for one in found]
