"""The senders of this process: one for each folder and address, started when the first artifact is about to be kept.

They end with the process, which waits for what they have to send for `EXIT_SECONDS` at most (see `outbox`), and are not
there in a forked child, which starts its own.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from nb_artifacts import config
from nb_artifacts.errors import InvalidValue
from nb_artifacts.notices import warn
from nb_artifacts.sender.thread import Sender

if TYPE_CHECKING:
    from nb_artifacts.addresses import RemoteSettings
    from nb_artifacts.store.sqlite import SqliteStore

EXIT_SECONDS = 2.0


class _Key(NamedTuple):
    folder: str
    address: str


def queue_words(sender: Sender) -> str:
    """What is said, once in a process, where too much waits."""
    return (
        f"{sender.waiting:,} artifacts ({sender.waiting_bytes / 1e9:,.1f} GB) wait to be sent to {sender.settings.host}; "
        f"all are kept in {sender.store.where}, and `jupyter artifact status` says why they wait"
    )


class _Registry:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.senders: dict[_Key, Sender] = {}
        self.warned = False


_all = _Registry()


def ensure(store: SqliteStore, settings: RemoteSettings) -> Sender:
    """The sender of this process for a remote, started if there is none yet. What is made before is older than it.

    Raises `StoreError`.
    """
    key = _Key(store.where, settings.address)
    sender = _all.senders.get(key)
    if sender is None or not sender.is_begun:
        with _all.lock:
            sender = _all.senders.get(key)
            if sender is None:
                sender = _all.senders[key] = Sender(store, settings, current=_current)
            sender.start()
    if sender.settings is not settings:
        sender.use(settings)
    return sender


def _current() -> RemoteSettings | None:
    """What is set by now: a sender stops when it is not its address any more."""
    try:
        return config.remote()
    except InvalidValue:
        return None


def wake(store: SqliteStore, settings: RemoteSettings) -> None:
    """Something was kept: let it be sent, and warn once where too much waits already. Raises `StoreError`."""
    sender = ensure(store, settings)
    sender.wake()
    if sender.is_full and not _all.warned:
        _all.warned = True
        warn(queue_words(sender))


def running(store: SqliteStore, address: str) -> Sender | None:
    """The sender of this process for an address, if it has one."""
    return _all.senders.get(_Key(store.where, address))


def close_all(seconds: float = EXIT_SECONDS) -> None:
    """End all senders of this process, in so much time all together."""
    deadline = time.monotonic() + seconds
    with _all.lock:
        senders = [*_all.senders.values()]
        _all.senders.clear()
    for sender in senders:
        sender.close(max(0.0, deadline - time.monotonic()))


def _after_fork() -> None:
    global _all  # noqa: PLW0603 -- the parent's threads and locks are not here
    _all = _Registry()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
