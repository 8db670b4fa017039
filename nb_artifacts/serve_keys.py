"""Keys of the stand-alone server: made, listed, revoked, and checked with every request.

A key is ``nba_`` and 32 random bytes. Only its SHA-256 is kept (in ``server/keys.json`` of the server's folder), which is
enough for a secret of that many random bits. A running server looks at the file twice a second, so that a revoked key
is refused within a second.
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
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from nb_artifacts.errors import InvalidValue, NotFound, StoreError
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


class Keyring:
    """The keys of one server's folder, and the one in the environment.

    Raises `StoreError` where the file of keys cannot be read or written.
    """

    def __init__(self, home: Path, environment: str | None = None) -> None:
        self.path = home / "server" / "keys.json"
        self._given = _from_environment(environment)
        self._lock = threading.Lock()
        self._looked = 0.0
        self._seen: tuple[tuple[int, int, int] | None, tuple[Key, ...]] = (None, ())
        """The file as it was, and the keys in it: one value, because several threads look."""
        self._look()

    def __bool__(self) -> bool:
        return bool(self.all())

    def all(self) -> tuple[Key, ...]:
        """Every key that opens something now."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            with contextlib.suppress(StoreError):
                self._look()
        return self._seen[1] + self._given

    def kept(self) -> tuple[Key, ...]:
        """The keys in the file."""
        self._look()
        return self._seen[1]

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
        secret = PREFIX + secrets.token_urlsafe(32)
        key = Key(id=secrets.token_hex(4), sha256=_hash(secret), created=now(), name=name, workspace=workspace)
        with self._changing():
            self._write((*self._seen[1], key))
        return secret, key

    def revoke(self, name: str) -> Key:
        """Take a key back, by its id or its name. Raises `NotFound`, and `InvalidValue` where several have the name."""
        with self._changing():
            found = [key for key in self._seen[1] if name in (key.id, key.name)]
            if not found:
                raise NotFound(f"there is no key {name!r}: `nb-artifacts server keys list` shows all.")
            if len(found) > 1:
                raise InvalidValue(f"{len(found)} keys are named {name!r}: give the id of one.")
            self._write(tuple(key for key in self._seen[1] if key is not found[0]))
        return found[0]

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
    def _changing(self) -> Iterator[None]:
        """One change at a time, of all processes: a file made exclusively beside the keys is the lock."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self.path.with_name("keys.lock")
            with self._lock:
                _acquire(lock)
                try:
                    self._look()
                    yield
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


def _from_environment(secret: str | None) -> tuple[Key, ...]:
    if not secret:
        return ()
    return (Key(id="environment", sha256=_hash(secret), created=now(), name=API_KEY),)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
