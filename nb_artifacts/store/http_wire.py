"""Records, changes and queries as they travel between `HttpStore` and our server, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from nb_artifacts.wire import Change, Query, Record, Run, RunQuery, encode

if TYPE_CHECKING:
    from nb_artifacts.store.remote import Outgoing
    from nb_artifacts.wire import Patch

PAGE = 200
"""So many records come in one answer."""

MOST = 2**62
"""No list is as long, and no number in a query larger."""

_CONTENT = (
    "key", "type", "description", "data", "metadata_", "flow_run_id", "task_run_id", "tags", "info", "blob",
    "created", "updated",
)  # fmt: skip


class _Whole(Record):
    """A record whose `data` was left out has none, rather than null."""

    data: Raw | UnsetType = UNSET


class _Told(Change):
    record: _Whole | None = None


record_decoder = msgspec.json.Decoder(_Whole)
records_decoder = msgspec.json.Decoder(list[_Whole])
changes_decoder = msgspec.json.Decoder(list[_Told])
change_decoder = msgspec.json.Decoder(_Told)
run_decoder = msgspec.json.Decoder(Run)
runs_decoder = msgspec.json.Decoder(list[Run])
number_decoder = msgspec.json.Decoder(int)


def as_record(found: Record) -> Record:
    """A plain record, which holds on to no more of the answer than its own `data`."""
    members = {name: getattr(found, name) for name in Record.__struct_fields__}
    if found.data is not UNSET:
        members["data"] = Raw(bytes(found.data))
    return Record(**members)


def as_change(found: Change) -> Change:
    """A plain change."""
    record = None if found.record is None else as_record(found.record)
    return Change(seq=found.seq, kind=found.kind, record=record, run=found.run, deleted=found.deleted)


def content(record: Record) -> dict[str, Any]:
    """What is sent of a record: all but its id and what the store that counts gives."""
    return {name: value for name in _CONTENT if (value := getattr(record, name)) is not UNSET}


def patch_body(patch: Patch, if_seq: int | None) -> bytes:
    """The members that a patch sets."""
    members = {name: value for name in patch.__struct_fields__ if (value := getattr(patch, name)) is not UNSET}
    return encode(members if if_seq is None else {**members, "if_seq": if_seq})


def outgoing_body(item: Outgoing) -> bytes:
    """One thing to tell the server."""
    found: dict[str, Any] = {"op": item.op, "id": item.id}
    if item.record is not None:
        if item.record.data is UNSET:
            raise ValueError(f"artifact {item.id} is to be sent without its data")
        found["record"] = content(item.record)
    if item.run is not None:
        found["run"] = item.run
    return encode(found)


def query_body(query: Query, **page: Any) -> bytes:
    """A query as the body of a list or a count."""
    members = {name: getattr(query, name) for name in ("artifacts", "flow_runs", "task_runs", "version", "run", "data", "sort")}
    return encode({**members, **page})


def run_query_body(query: RunQuery, **page: Any) -> bytes:
    """A query for runs as the body of a list."""
    members = {name: getattr(query, name) for name in RunQuery.__struct_fields__}
    return encode({**members, **page})
