"""Records and runs to put into stores."""

import json
from uuid import UUID

from msgspec import Raw

from nb_artifacts.wire import IdFilter, KeyFilter, Query, Record, Run, RunKind, Sort, TypeFilter, new_id, now


def record(key=None, data=1, **members) -> Record:
    moment = now()
    members = {"id": new_id(), "created": moment, "updated": moment, **members}
    return Record(key=key, data=Raw(json.dumps(data, ensure_ascii=False).encode()), **members)


def run(kind=RunKind.cell, **members) -> Run:
    return Run(**{"id": new_id(), "kind": kind, "started": now(), **members})


def of(**members) -> Query:
    """A query by the plain values of filters: `of(key="a", type="table", latest=True)`."""
    filters = {}
    for name, kind in (
        ("id", IdFilter),
        ("key", KeyFilter),
        ("type", TypeFilter),
        ("flow_run_id", IdFilter),
        ("task_run_id", IdFilter),
    ):
        if name in members:
            value = members.pop(name)
            filters[name] = kind(any_=[value]) if isinstance(value, (str, UUID)) else kind(any_=list(value))
    if filters:
        from nb_artifacts.wire import ArtifactFilter

        members["artifacts"] = ArtifactFilter(**filters)
    return Query(**members)


def versions(store, key) -> list:
    """A key's version numbers, newest first."""
    return [found.version for found in store.find(of(key=key, sort=Sort.VERSION_DESC))]
