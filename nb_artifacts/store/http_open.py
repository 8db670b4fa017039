"""Finding out what kind of server is at an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb_artifacts.store.http import HttpStore
from nb_artifacts.store.http_client import Connection, unknown_server
from nb_artifacts.wire import MIME

if TYPE_CHECKING:
    from nb_artifacts.store.remote import Remote


def connect(address: str, *, key: str | None = None) -> Remote:
    """See `nb_artifacts.store.open_remote`."""
    connection = Connection(address, key=key)
    answer = connection.ask("GET", "/status", accept=MIME)
    if answer.status == 200 and (id := answer.headers.get("x-nb-artifacts-store")):
        return HttpStore(connection, id)
    raise unknown_server(connection)
