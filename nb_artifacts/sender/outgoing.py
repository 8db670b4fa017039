"""What leaves the machine: the present state of a row, with no more of its origin than the remote may have.

`full` is all of it, `names` leaves out source, user, host, versions and git, `off` says nothing of where it comes from.
A Prefect server gets names at most.
"""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from nb_artifacts.store.remote import Outgoing
from nb_artifacts.wire import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb_artifacts.store import Store
    from nb_artifacts.store.remotes import Remotes
    from nb_artifacts.store.remotes_rows import Waiting
    from nb_artifacts.wire import Record, Run

LEVELS = ("off", "names", "full")
_WRITER = ("host", "boot_id", "pid", "process_started")
_NAMES = ("cell_id", "execution_count", "source_sha256", "kernel_id", "inputs")


def level_for(kind: str | None, chosen: str | None) -> str:
    """The level for a kind of remote: what was chosen, but no more than `names` for Prefect."""
    most = "names" if kind == "prefect" else "full"
    return min(chosen or most, most, key=LEVELS.index)


def cut_run(run: Run, level: str) -> Run:
    """A run with what the level allows; of an error its kind only, since its text may quote anything."""
    if level == "full":
        return run
    told = Provenance(**{name: getattr(run.provenance, name) for name in _NAMES}) if level == "names" else Provenance()
    if level == "names" and run.provenance.notebook:
        told.notebook = _last_part(run.provenance.notebook)
    error = run.error and run.error.partition(":")[0]
    return msgspec.structs.replace(run, provenance=told, error=error, name=run.name if level == "names" else None)


def cut_record(record: Record, level: str) -> Record:
    """A record with what the level allows: at `off` no runs, and only at `full` the process that writes it."""
    if level == "full":
        return record
    info: dict[str, Any] = {name: value for name, value in record.info.items() if name not in _WRITER}
    if level == "names":
        return msgspec.structs.replace(record, info=info)
    return msgspec.structs.replace(record, info=info, flow_run_id=None, task_run_id=None)


def _last_part(path: str) -> str:
    return (PureWindowsPath(path) if "\\" in path else PurePosixPath(path)).name


class Packer:
    """Makes what is sent of what waits."""

    def __init__(self, store: Store, kind: str | None, level: str) -> None:
        self._store = store
        self._prefect = kind == "prefect"
        self._level = level
        self.sends_runs = level != "off" and not self._prefect
        """Whether runs are sent on their own; to Prefect they travel in the metadata of their artifacts."""

    def pack(self, row: Waiting) -> Outgoing | None:
        """The present state of a row, or None where there is nothing to tell. Raises `StoreError`."""
        if row.kind == "deleted":
            return Outgoing("delete", row.id, again=row.attempted > 0, remote_id=row.remote_id)
        if row.kind == "run":
            run = self._store.get_run(row.id)
            return None if run is None else self.pack_run(run, again=row.attempted > row.settled)
        record = self._store.get(row.id)
        if record is None:
            return None
        again = row.attempted > row.settled
        sent, run = cut_record(record, self._level), self._run_of(record)
        return Outgoing("patch" if row.settled else "put", row.id, sent, run, again, row.remote_id)

    def pack_run(self, run: Run, *, again: bool) -> Outgoing:
        """A run on its own."""
        return Outgoing("run", run.id, run=cut_run(run, self._level), again=again)

    def _run_of(self, record: Record) -> Run | None:
        """The innermost run, for a remote that is told of it with the artifact."""
        id = record.task_run_id or record.flow_run_id
        if not self._prefect or self._level == "off" or id is None:
            return None
        run = self._store.get_run(id)
        return None if run is None else cut_run(run, self._level)


def seq_of(item: Outgoing, row_seq: int) -> int:
    """The seq of the state that an item tells of."""
    if item.record is not None:
        return item.record.seq
    return item.run.seq if item.op == "run" and item.run is not None else row_seq


def size_of(item: Outgoing) -> int:
    """About how many bytes an item takes on the wire."""
    if item.record is None:
        return 1000
    data = item.record.data
    return 1000 + (0 if data is UNSET else len(bytes(data)))


def preview(
    store: Store, remotes: Remotes, address: str, *, kind: str | None = None, provenance: str | None = None, limit: int = 1000
) -> Iterator[Outgoing]:
    """What would be sent next, in order, runs before the artifacts that need them; nothing is sent or noted."""
    packer, told = Packer(store, kind, level_for(kind, provenance)), set()
    for row in remotes.pending(address, limit):
        if packer.sends_runs:
            for run, again in remotes.needed_runs(address, row.runs):
                if run.id not in told:
                    told.add(run.id)
                    yield packer.pack_run(run, again=again)
        elif row.kind == "run":
            continue
        item = packer.pack(row)
        if item is not None:
            yield item
