"""Keys of the stand-alone server: made, listed, revoked, and checked with every request.

A key is ``nba_`` and 32 random bytes. Only its SHA-256 is kept, which is enough for a secret of that many random bits: in
``server/keys.json`` of the server's folder, or in the database that its replicas share. A running server looks at the file
twice a second, and is told by the database, so that a revoked key is refused within a second.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from datetime import datetime  # noqa: TC003 - msgspec reads annotations
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import Struct

from nb_artifacts.errors import InvalidValue, NotFound, StoreError
from nb_artifacts.store import open_store
from nb_artifacts.store.folder import prepare
from nb_artifacts.wire import now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

API_KEY = "NB_ARTIFACTS_API_KEY"
EVERYWHERE = "*"
"""What a key that opens every workspace is for."""

PREFIX = "nba_"
LOOK_SECONDS = 0.4
_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9-]{0,63}\Z")


class Key(Struct, kw_only=True, frozen=True):
    """What is kept of a key: never the key itself."""

    id: str
    sha256: str
    created: datetime
    name: str | None = None
    workspace: str = EVERYWHERE
    """``account/workspace``, or `EVERYWHERE`."""

    def opens(self, workspace: str) -> bool:
        """Whether it is for that workspace; the server's own one is called ""."""
        return self.workspace in (EVERYWHERE, workspace)


class Place(Protocol):
    """Where keys are kept. What reads or changes them raises `StoreError` where that cannot be done."""

    def read(self) -> tuple[Key, ...]:
        """The keys as they are now."""

    def seen(self) -> tuple[Key, ...]:
        """The keys as they were a moment ago, less than a second: asks no other machine, and raises nothing."""

    def add(self, key: Key, *, first: bool = False) -> bool:
        """Keep one more, with `first` only where there is none yet; whether it is kept."""

    def remove(self, id: str) -> bool:
        """Keep one no longer; whether it was there."""

    def close(self) -> None:
        """Let go of what is open."""


class Keyring:
    """The keys of one server, and the one in the environment.

    They lie in the folder `home`, or with `database_url` in that database. Raises `StoreError` where they cannot be read or
    written, and `InvalidValue` for an address of something else.
    """

    def __init__(self, home: Path, environment: str | None = None, *, database_url: str | None = None) -> None:
        self._place: Place = InFolder(home) if database_url is None else _in_database(database_url)
        self._given = _from_environment(environment)
        self._place.read()

    def __bool__(self) -> bool:
        return bool(self._given or self.kept())

    def all(self) -> tuple[Key, ...]:
        """Every key that opens something now."""
        return self._place.seen() + self._given

    def kept(self) -> tuple[Key, ...]:
        """The keys without that of the environment, as they are at this moment."""
        return self._place.read()

    def find(self, secret: str | None) -> Key | None:
        """The key that `secret` is, or None."""
        if not secret:
            return None
        hashed = _hash(secret).encode()
        found = None
        for key in self.all():  # all of them, whichever it is
            if hmac.compare_digest(hashed, key.sha256.encode()):
                found = key
        return found

    def create(self, name: str | None = None, workspace: str = EVERYWHERE) -> tuple[str, Key]:
        """A new key: the secret, which is nowhere kept, and what is. Raises `InvalidValue` for a bad workspace."""
        if workspace != EVERYWHERE and not _WORKSPACE.match(workspace):
            raise InvalidValue(
                f"{workspace!r} is not a workspace: write account/workspace in lowercase letters, digits and dashes."
            )
        secret, key = _make(name, workspace)
        self._place.add(key)
        return secret, key

    def first(self) -> str | None:
        """A new key's secret where there was no key at all, not even in another process that asks at the same time."""
        if self:
            return None
        secret, key = _make("first", EVERYWHERE)
        return secret if self._place.add(key, first=True) else None

    def revoke(self, name: str) -> Key:
        """Take a key back, by its id or its name. Raises `NotFound`, and `InvalidValue` where several have the name."""
        found = [key for key in self.kept() if name in (key.id, key.name)]
        if len(found) > 1:
            raise InvalidValue(f"{len(found)} keys are named {name!r}: give the id of one.")
        if not found or not self._place.remove(found[0].id):
            raise NotFound(f"there is no key {name!r}: `nb-artifacts server keys list` shows all.")
        return found[0]

    def close(self) -> None:
        """Let go of what is open."""
        self._place.close()


class InFolder:
    """Keys in a file that only its owner may read."""

    def __init__(self, home: Path) -> None:
        self.path = home / "server" / "keys.json"
        self._lock = threading.Lock()
        self._looked = 0.0
        self._seen: tuple[tuple[int, int, int] | None, tuple[Key, ...]] = (None, ())
        """The file as it was, and the keys in it: one value, because several threads look."""

    def read(self) -> tuple[Key, ...]:
        """See `Place.read`."""
        self._look()
        return self._seen[1]

    def seen(self) -> tuple[Key, ...]:
        """See `Place.seen`."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            with contextlib.suppress(StoreError):
                self._look()
        return self._seen[1]

    def add(self, key: Key, *, first: bool = False) -> bool:
        """See `Place.add`."""
        with self._changing() as keys:
            if first and keys:
                return False
            self._write((*keys, key))
        return True

    def remove(self, id: str) -> bool:
        """See `Place.remove`."""
        with self._changing() as keys:
            left = tuple(key for key in keys if key.id != id)
            if len(left) < len(keys):
                self._write(left)
        return len(left) < len(keys)

    def close(self) -> None:
        """See `Place.close`: nothing is open."""

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            info = self.path.stat()
            stamp = (info.st_ino, info.st_mtime_ns, info.st_size)
            if stamp != self._seen[0]:
                self._seen = (stamp, msgspec.json.decode(self.path.read_bytes(), type=tuple[Key, ...]))
        except FileNotFoundError:
            self._seen = (None, ())
        except (OSError, msgspec.MsgspecError) as error:
            self._seen = (None, ())  # what cannot be read opens nothing
            raise StoreError(f"the keys in {self.path} cannot be read ({error}): repair or delete the file") from error

    @contextlib.contextmanager
    def _changing(self) -> Iterator[tuple[Key, ...]]:
        """One change of the keys at a time, of all processes: a file made exclusively beside them is the lock."""
        try:
            prepare(self.path.parent.parent)
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            lock = self.path.with_name("keys.lock")
            with self._lock:
                _acquire(lock)
                try:
                    yield self.read()
                finally:
                    lock.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"the keys in {self.path} cannot be written ({error})") from error

    def _write(self, keys: tuple[Key, ...]) -> None:
        beside = self.path.with_name(f".keys.{secrets.token_hex(8)}")
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(keys)))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._look()


def _acquire(lock: Path) -> None:
    for _ in range(500):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            return
        with contextlib.suppress(FileNotFoundError):
            if time.time() - lock.stat().st_mtime > 10:  # its holder was killed
                lock.unlink()
        time.sleep(0.01)
    raise StoreError(f"another process is changing the keys: if none is, delete {lock}")


def _in_database(address: str) -> Place:
    if not address.startswith(("postgresql://", "postgres://")):
        raise InvalidValue("this is not an address of PostgreSQL: write postgresql://user:password@host:port/database")
    store = open_store(address)  # says what to install where that is missing
    from nb_artifacts.serve.keys_database import InDatabase

    return InDatabase(store)


def _make(name: str | None, workspace: str) -> tuple[str, Key]:
    secret = PREFIX + secrets.token_urlsafe(32)
    return secret, Key(id=secrets.token_hex(4), sha256=_hash(secret), created=now(), name=name, workspace=workspace)


def _from_environment(secret: str | None) -> tuple[Key, ...]:
    if not secret:
        return ()
    return (Key(id="environment", sha256=_hash(secret), created=now(), name=API_KEY),)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
