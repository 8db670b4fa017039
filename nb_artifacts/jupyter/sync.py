"""What the Jupyter Server extension does where an API is set: it sends, it reads both, and it tells what others publish."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from nb_artifacts import config, outbox, stores
from nb_artifacts.addresses import API_KEY, API_URL
from nb_artifacts.api.relay import Relay
from nb_artifacts.errors import InvalidValue, StoreError
from nb_artifacts.store import Store, open_store
from nb_artifacts.union import Union

if TYPE_CHECKING:
    import logging
    from pathlib import Path

    from nb_artifacts.addresses import RemoteSettings
    from nb_artifacts.api import Api
    from nb_artifacts.store.sqlite import SqliteStore


class Synced:
    """How it stands with the API, for the server's own `/status`."""

    def __init__(self, both: Union, settings: RemoteSettings) -> None:
        self._both = both
        self._settings = settings

    def state(self) -> outbox.Outbox:
        """See `nb_artifacts.api.about.Sync`."""
        return outbox.state_of(self._both, self._settings)

    def retry(self) -> None:
        """See `nb_artifacts.api.about.Sync`. What the API refused is tried again too."""
        outbox.retry(self._both, self._settings)


def settings(log: logging.Logger) -> RemoteSettings | None:
    """The API that is set. An address that cannot be one is told in the log, and is none."""
    try:
        return config.remote()
    except InvalidValue as error:
        log.error("nb_artifacts: %s Until then nothing is sent.", error)  # noqa: TRY400 - it says what to do
        return None


def open_both(folder: Path, remote: RemoteSettings | None, log: logging.Logger, *, durable: bool) -> Store:
    """The folder's store; with an API the two read as one. No request waits for an API that is away.

    Raises `StoreError` for the folder.
    """
    store = open_store(folder, durable=durable)
    if remote is None:
        return store

    def tell(error: StoreError) -> None:
        log.warning("nb_artifacts: %s. Until it answers, lists show what is in the folder.", str(error).rstrip("."))

    return stores.make_union(cast("SqliteStore", store), remote, patient=False, tell=tell)


def begin(api: Api, remote: RemoteSettings | None, log: logging.Logger) -> None:
    """Send what is made in the folder, and pass on what others publish. Raises `StoreError`."""
    both = api.store
    if remote is None or not isinstance(both, Union):
        return
    outbox.begin(both, remote)
    api.sync = Synced(both, remote)
    Relay(api.feed, lambda: both).start()
    log.info("nb_artifacts: what is made in it is also sent to %s", remote.host)


def hand_over(traits: Any) -> None:
    """Let the kernels that this server starts know what its configuration file says."""
    for name, value in ((API_URL, traits.api_url), (API_KEY, traits.api_key)):
        if value:
            os.environ[name] = str(value)
