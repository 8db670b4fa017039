"""The stores of this process: the folder's, and where an API is set the two read as one.

Nothing is asked of the API here, and a wrong address keeps nobody from working in the folder: it is told once.
"""

from __future__ import annotations

import contextlib
import os
import threading
from functools import partial
from typing import TYPE_CHECKING

from nb_artifacts import config, notices
from nb_artifacts.errors import Denied, InvalidValue, StoreError, StoreReadOnly
from nb_artifacts.store import Store, open_remote, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nb_artifacts.addresses import RemoteSettings
    from nb_artifacts.store.sqlite import SqliteStore
    from nb_artifacts.union import Union

_open: dict[tuple[Path, bool], Store] = {}
_known: dict[object, Store] = {}
"""Stores by what was said of the folder: finding out what that means costs as much as a write."""
_unions: dict[tuple[int, RemoteSettings, int], Union] = {}
_opening = threading.Lock()
_told: set[str] = set()


def current_store() -> Store:
    """The store of this process's folder, opened at first use.

    Raises `StoreError` naming the folder and the remedy.
    """
    said = config.where()
    store = _known.get(said)
    if store is None:
        place = config.folder(), config.durable()
        with _opening:
            store = _open.get(place) or open_store(place[0], durable=place[1])
            _open[place] = _known[said] = store
    return store


def reading_store() -> Store:
    """What is read: the folder, and the API too where one is set. Raises `StoreError`."""
    return union() or current_store()


def union() -> Union | None:
    """The folder and the API that is set, read as one; None where none is set. Raises `StoreError`."""
    settings = remote()
    return None if settings is None else _union(settings)


def remote() -> RemoteSettings | None:
    """The API that is set. An address that cannot be one is told once, and is none."""
    try:
        return config.remote()
    except InvalidValue as error:
        if str(error) not in _told:
            _told.add(str(error))
            notices.warn(f"{error} Until then nothing is sent, and reading finds what is in the folder.")
        return None


def mistake() -> str | None:
    """What is wrong with the address or key that is set; None where nothing is."""
    try:
        config.remote()
    except InvalidValue as error:
        return str(error)
    return None


def _union(settings: RemoteSettings) -> Union:
    store: SqliteStore = current_store()  # type: ignore[assignment]  # the folder's store is SQLite
    name = id(store), settings, os.getpid()
    found = _unions.get(name)
    if found is None:
        with _opening:
            found = _unions[name] = _unions.get(name) or make_union(store, settings)
    return found


def make_union(
    store: SqliteStore, settings: RemoteSettings, *, patient: bool = True, tell: Callable[[StoreError], None] | None = None
) -> Union:
    """A folder and an API read as one. From now on what is made in the folder is to be sent there.

    See `Reach` for `patient`; `tell` hears when an outage begins. Raises `StoreError`.
    """
    from nb_artifacts.reach import Reach
    from nb_artifacts.store.cache import BlobCache
    from nb_artifacts.store.numbers import Numbers
    from nb_artifacts.store.remotes import Remotes
    from nb_artifacts.union import Union

    with contextlib.suppress(StoreReadOnly):
        Remotes(store).first_seen(settings.address)
    reach = Reach(settings.host, partial(open_remote, settings.address, key=settings.key), patient=patient)
    cache = BlobCache(store.folder, config.cache_bytes())
    return Union(store, reach, Numbers(store, settings.address), cache, tell or partial(_tell, settings.host))


def _tell(host: str, error: StoreError) -> None:
    """Say once that an answer is the folder's alone."""
    again = "the key is right" if isinstance(error, Denied) else f"{host} answers"
    notices.warn(f"{str(error).rstrip('.')}. Until {again}, what is found is what this folder has.")


def _after_fork() -> None:
    """The child has none of the parent's threads; a lock that one of them held would stay shut."""
    global _opening  # noqa: PLW0603 (one a process)
    _opening = threading.Lock()
    _unions.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
