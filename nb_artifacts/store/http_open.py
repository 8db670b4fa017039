"""Finding out what kind of server is at an address."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from nb_artifacts.addresses import check_address
from nb_artifacts.store.http import HttpStore
from nb_artifacts.store.http_client import Connection, unknown_server
from nb_artifacts.store.prefect import PrefectStore
from nb_artifacts.wire import MIME

if TYPE_CHECKING:
    from nb_artifacts.store.remote import Remote


PUBLIC_URL = "NB_ARTIFACTS_PUBLIC_URL"
"""The address at which other people reach a server of ours with this folder, for links to what Prefect does not keep."""


def connect(address: str, *, key: str | None = None) -> Remote:
    """See `nb_artifacts.store.open_remote`."""
    connection = Connection(address, key=key)
    try:
        found = _ask(connection)
    except BaseException:
        connection.close()
        raise
    if found is None:
        connection.close()
        raise unknown_server(connection)
    return found


def _ask(connection: Connection) -> Remote | None:
    answer = connection.ask("GET", "/status", accept=MIME)
    if answer.status == 200 and answer.state:
        return HttpStore(connection, answer.state, answer.seq)
    if is_prefect(connection):
        public = os.environ.get(PUBLIC_URL)
        return PrefectStore(connection, public=check_address(public) if public else None)
    return None


def is_prefect(connection: Connection) -> bool:
    """Whether a Prefect server answers; its Cloud has no version, but counts artifacts."""
    version = connection.ask("GET", "/admin/version")
    if version.status == 200 and _is(version.body, str):
        return True
    count = connection.ask("POST", "/artifacts/count", b"{}")
    return count.status == 200 and _is(count.body, int)


def _is(body: bytes, kind: type) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), kind)
    except (msgspec.DecodeError, RecursionError):
        return False
