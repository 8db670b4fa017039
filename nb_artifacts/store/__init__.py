"""The one seam: `Store`. Whatever keeps records passes the same contract suite (tests/contract/store_suite.py).

A store moves records and never asks what is in `data`. Every create, update and delete gives the row a new `seq`;
`changes` is what the live views, the sender and `watch` read.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from nb_artifacts.addresses import Secret
from nb_artifacts.errors import InvalidValue, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from nb_artifacts.store.remote import Remote
    from nb_artifacts.wire import BlobRef, Change, Patch, Query, Record, Run, RunQuery

__all__ = ["Store", "open_remote", "open_store"]


class Store(Protocol):
    """Where artifacts are kept. All methods may be called from any thread and after a fork."""

    @property
    def id(self) -> str:
        """A random id that belongs to the stored data, not to the place."""

    @property
    def where(self) -> str:
        """The place in words a person knows: a folder or an address without credentials."""

    @property
    def journal(self) -> str:
        """How it keeps writes whole, in a word: ``wal``, ``delete``, ``server``."""

    def put(self, record: Record) -> Record:
        """Keep a new record, durable on return; gives it `version` (where it has a key) and `seq`.

        The same id with the same content again is no change and returns what is there.
        Raises `Conflict` for the same id with other content or a deleted id, `InvalidKey`, and `StoreError`.
        """

    def patch(self, id: UUID, patch: Patch, *, if_seq: int | None = None, durable: bool = True) -> Record:
        """Change a record in place. An empty patch still moves `updated`.

        Raises `NotFound`, and `Conflict` where `if_seq` is given and the row has another one by now.
        `durable=False` survives the end of the process but not a power cut.
        """

    def get(self, id: UUID) -> Record | None:
        """The whole record, or None."""

    def find(self, query: Query) -> list[Record]:
        """Records that match; `data` longer than `SHORT_DATA` is left out unless asked for."""

    def count(self, query: Query) -> int:
        """How many match, whatever limit and offset say."""

    def delete(self, id: UUID) -> None:
        """Delete one version; its number never comes back. Raises `NotFound`."""

    def put_run(self, run: Run) -> Run:
        """Keep a run, or what is now true of it."""

    def get_run(self, id: UUID) -> Run | None:
        """The run, or None."""

    def find_runs(self, query: RunQuery) -> list[Run]:
        """Runs that match, newest first."""

    def changes(self, since: int = 0, limit: int = 1000) -> list[Change]:
        """What has a `seq` above `since`, in order of `seq`, at most `limit`."""

    def last_seq(self) -> int:
        """The newest `seq`."""

    def put_blob(self, content: bytes | Iterator[bytes], media: str) -> BlobRef:
        """Keep bytes under their SHA-256, on disk when it returns."""

    def open_blob(self, ref: BlobRef) -> IO[bytes]:
        """The bytes, as a readable file. Raises `BlobMissing`."""

    def blob_bytes(self) -> int:
        """Bytes of all blobs that records name, each counted once."""

    def close(self) -> None:
        """Let go of connections and files; the store can be used again."""


def open_store(where: str | Path, *, durable: bool = True, key: str | None = None) -> Store:
    """The store at a folder, made where it is missing, or at a ``postgresql://``, ``http://`` or ``https://`` address.

    With `durable=False` a returned call survives the end of the process but not a power cut. `key` is for a server,
    which is asked once what it is; what comes back is a `Remote` then. Raises `StoreError` naming the place and the
    remedy, for a folder within a second where it cannot be used, and `InvalidValue` for another kind of address.
    """
    if isinstance(where, str) and where.lower().startswith(("http://", "https://")):
        key = Secret(key) if key else None  # no traceback shows it from here on
        return open_remote(where, key=key)
    if isinstance(where, str) and where.startswith(("postgresql://", "postgres://")):
        return _open_postgres(where, durable=durable)
    if isinstance(where, str) and "://" in where:
        raise InvalidValue(
            f"{where.partition('://')[0]!r} is no kind of address that is known: write https://… or postgresql://…"
        )
    from nb_artifacts.store.sqlite import SqliteStore

    return SqliteStore(Path(where), durable=durable)


def open_remote(address: str, *, key: str | None = None) -> Remote:
    """The server at an address, our own or a Prefect server, which is asked once what it is.

    Raises `Unreachable`, `Denied`, `InvalidValue` for what is no address, and `StoreError` for another kind of server.
    """
    from nb_artifacts.store.http_open import connect

    key = Secret(key) if key else None
    return connect(address, key=key)


def _open_postgres(address: str, *, durable: bool) -> Store:
    try:
        from nb_artifacts.store.postgres import PostgresStore
    except ImportError as error:
        if (error.name or "psycopg").partition(".")[0] != "psycopg":
            raise
        raise StoreError(f"PostgreSQL needs psycopg 3 ({error}): pip install 'nb-artifacts[postgres]'") from None
    return PostgresStore(address, durable=durable)
