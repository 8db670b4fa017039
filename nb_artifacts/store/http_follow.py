"""The live feed of our server, change by change, over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from nb_artifacts.store.http_wire import as_change, change_decoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb_artifacts.store.http_client import Connection
    from nb_artifacts.wire import Change

SILENCE_SECONDS = 40.0
"""A server shows more often than this that it lives."""


def follow(connection: Connection, since: int) -> Iterator[Change | None]:
    """What changes after `since`, as it changes; None for each sign of life between.

    Raises `Unreachable` once nothing comes any more.
    """
    with connection.open(
        "GET", f"/events?since={max(since, 0)}", accept="text/event-stream", seconds=SILENCE_SECONDS
    ) as response:
        if response.status_code != 200:
            raise connection.not_an_answer()
        yield from _changes(connection, response.iter_lines())
    raise connection.unreachable("its feed ended")


def _changes(connection: Connection, lines: Iterable[str]) -> Iterator[Change | None]:
    event = ""
    for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            event = value.strip()
        elif name == "data" and event == "change":
            try:
                yield as_change(change_decoder.decode(value))
            except msgspec.DecodeError:
                raise connection.not_an_answer() from None
        elif not line:
            event = ""
        elif not name:
            yield None
