"""Every error this package raises on purpose.

::

    ArtifactError
    ├── InvalidValue (ValueError)     a value, key or option that cannot be kept; says what is allowed
    │   ├── InvalidKey                a key that is not lowercase letters, digits and dashes
    │   └── BadQuery                  a column, sort or filter of a table query that is wrong; says where
    ├── UnsupportedType (TypeError)   a Python object no artifact type takes; names ``type=``
    ├── UsageError                    a magic or a command was typed wrongly; says how to type it
    ├── NotFound (LookupError)        no artifact or run with that id, or key and version
    ├── Conflict                      the same id was already used for something else, or a row moved on
    └── StoreError (OSError)          the store could not do it; names the folder and the remedy
        ├── StoreBusy                 another process held the store for too long; names it where known
        ├── StoreFull                 no space is left
        ├── StoreReadOnly             the folder or its database cannot be written
        ├── StoreTooNew               the database was written by a newer release
        ├── StoreDamaged              the database is not readable as one
        ├── QueryFailed               a table query took too long, or its process ended; `late` tells which
        ├── BlobMissing               a row names bytes that are not in ``blobs/``
        ├── Unreachable               a server did not answer, or its answer was lost; `ambiguous`: it may have acted
        │   └── RemoteBusy            it answered "not now"; `retry_after` in seconds where it said so
        ├── Denied                    a server wants a key, or another one
        ├── Rejected                  a server refuses this one row for good; `status` is HTTP's
        └── Unsupported               this kind of store cannot do that at all
"""

from __future__ import annotations


class ArtifactError(Exception):
    """Root of the tree: ``except ArtifactError`` catches whatever this package raises on purpose."""


class InvalidValue(ArtifactError, ValueError):
    """A value, key or option cannot be kept. The message names it and says what is allowed."""


class InvalidKey(InvalidValue):
    """A key is not made of lowercase letters, digits and dashes."""

    def __init__(self, key: object) -> None:
        shown = repr(key) if len(repr(key)) <= 80 else repr(key)[:77] + "..."
        hint = ""
        if isinstance(key, str):
            bare, at, version = key.partition("@")
            name = bare if at and version.isdigit() else key  # a version is no part of a key
            better = "-".join(part for part in "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split())
            hint = f" Try {better!r}." if better and better != key and len(better) <= 80 else ""
        super().__init__(f"{shown} is not a key: use lowercase letters, digits and dashes.{hint}")


class BadQuery(InvalidValue):
    """A column, sort or filter of a table query is wrong: `position` counts characters of `where`, `column` names one."""

    def __init__(self, message: str, *, position: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.position = position
        self.column = column


class UnsupportedType(ArtifactError, TypeError):
    """No artifact type takes a Python object as it is."""


class UsageError(ArtifactError):
    """A magic or a command was typed wrongly."""


class NotFound(ArtifactError, LookupError):
    """There is no artifact or run of that name."""


class Conflict(ArtifactError):
    """An id was already used with other content, or a row changed since it was read."""


class StoreError(ArtifactError, OSError):
    """The store could not do what was asked; nothing was half stored."""


class StoreBusy(StoreError):
    """Another process held the store's lock for too long."""


class StoreFull(StoreError):
    """No space is left where the store lies."""


class StoreReadOnly(StoreError):
    """The store's folder or database cannot be written."""


class StoreTooNew(StoreReadOnly):
    """A newer release wrote the database; this one only reads it."""


class StoreDamaged(StoreError):
    """The database file cannot be read as one."""


class QueryFailed(StoreError):
    """A query of a table took too long (`late`), or the process that ran it ended; asking again may help."""

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


class BlobMissing(StoreError):
    """A record names bytes that are not in the blobs folder."""

    def __init__(
        self,
        sha256: str,
        where: object = "this store",
        remedy: str = "restore them from a backup, or make the artifact again",
    ) -> None:
        super().__init__(f"the bytes {sha256} are not in {where}: {remedy}")
        self.sha256 = sha256


class Unreachable(StoreError):
    """A server did not answer, or its answer was lost.

    `ambiguous` says whether the request may have arrived all the same, so that a server without idempotency has to be
    asked before it is sent again.
    """

    def __init__(self, message: str, *, ambiguous: bool = True) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous


class RemoteBusy(Unreachable):
    """A server answered that it cannot now, with that HTTP `status`; it may have asked for `retry_after` seconds."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, ambiguous: bool = True, status: int | None = None
    ) -> None:
        super().__init__(message, ambiguous=ambiguous)
        self.retry_after = retry_after
        self.status = status


class Denied(StoreError):
    """A server wants a key, or this key does not open what was asked for."""


class Rejected(StoreError):
    """A server refuses this one row, and would again; `status` is the HTTP status it gave."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Unsupported(StoreError):
    """This kind of store cannot do what was asked, however often."""
