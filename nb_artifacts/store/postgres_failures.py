"""PostgreSQL's errors told as ours: which database, what happened, and what to do. Nobody's name or password is in them."""

from __future__ import annotations

import psycopg

from nb_artifacts.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly

_GONE = ("08", "57P")
_UNDONE = ("40001", "40P01", "23505")
_FULL = ("53100", "53200")
_READ_ONLY = ("25006", "42501", "3F000", "0A000")
_BUSY = ("55P03", "53300", "25P03")
_DAMAGED = ("XX001", "XX002")


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, so that nobody knows if the statement was done, or none could be made."""
    state = error.sqlstate
    if state is not None:
        return state.startswith(_GONE)
    return isinstance(error, psycopg.OperationalError)


def is_refused(error: psycopg.Error) -> bool:
    """Whether waiting will not help: the log-in is wrong, or there is no such database."""
    text = str(error)
    return "password" in text or "authentication" in text or "does not exist" in text or "no pg_hba.conf" in text


def is_undone(error: psycopg.Error) -> bool:
    """Whether it was undone because of another at the same time (a deadlock, an id that came up meanwhile)."""
    return error.sqlstate in _UNDONE


def is_busy(error: psycopg.Error) -> bool:
    """Whether a lock was not given in time."""
    return error.sqlstate == "55P03"


def unreachable(error: psycopg.Error, where: str) -> StoreError:
    """The error to raise where no connection can be had."""
    text = str(error)
    if is_refused(error):
        reason = "does not know the database" if "database" in text and "exist" in text else "refuses the log-in"
        return StoreError(f"PostgreSQL at {where} {reason}: check the address, the user and the password")
    if "too many" in text or "remaining connection slots" in text:
        return StoreBusy(
            f"PostgreSQL at {where} has no connection to spare: raise max_connections there, or start fewer replicas"
        )
    reason = "timed out" if "timeout" in text else "not reached"
    return StoreBusy(
        f"PostgreSQL at {where} cannot be used now ({reason}): check that it runs there and lets this user in, then try again"
    )


def translate(error: psycopg.Error, where: str, holder: str = "another session") -> StoreError:
    """The error to raise for `error`, which came from a statement."""
    state = error.sqlstate or ""
    if state in _BUSY or state in _UNDONE:
        return StoreBusy(f"{where} is held by {holder} since more than 10 seconds: end that session, or try again")
    if state == "57014":
        return StoreBusy(f"{where} did not finish a statement within a minute: it is overloaded; try again")
    if state in _FULL:
        return StoreFull(f"no space is left for {where}: delete artifacts or free space on the database's disk")
    if state in _READ_ONLY:
        return StoreReadOnly(
            f"{where} cannot be written: use the primary server and a user who may create and change its tables"
        )
    if state in _DAMAGED:
        return StoreDamaged(f"{where} is damaged ({_first_line(error)}): restore a backup")
    return StoreError(f"{where} cannot be used ({state} {_first_line(error)})")


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).partition("\n")[0][:200]
