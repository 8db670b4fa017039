"""What would leave the machine, thing by thing, with all that is told of where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID  # noqa: TC003 (msgspec reads annotations)

import msgspec
from msgspec import UNSET

from nb_artifacts.sender.outgoing import Packer, cut_record, level_for, preview
from nb_artifacts.store.remote import Outgoing
from nb_artifacts.tabular import Listing
from nb_artifacts.types.text import clip_text, count, one_line, plural, size

if TYPE_CHECKING:
    from nb_artifacts.addresses import RemoteSettings
    from nb_artifacts.store.remotes import Remotes
    from nb_artifacts.union import Union
    from nb_artifacts.wire import Record, Run

MOST = 1000
"""So many things are looked at."""

_DONE = {"put": "new", "patch": "update", "delete": "delete", "run": "origin"}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would be sent."""

    what: str
    """`new`, `update` or `delete` for an artifact; `origin` for the session, cell, flow or task that made some."""
    id: UUID
    key: str | None = None
    type: str | None = None
    bytes: int = 0
    description: str | None = None
    tags: list[str] = []
    metadata_: dict[str, str] | None = None
    origin: dict[str, Any] = {}
    """What is told of where it comes from: of an `origin` all of it, else what goes with the artifact itself."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, for programs."""

    host: str
    provenance: str
    items: list[Item]
    more: bool = False
    """Whether there is more than was looked at."""


@dataclass
class Leaving(Listing):
    """What would be sent to a host. `items` has all of it; shown is a line a thing."""

    host: str = ""
    provenance: str = ""
    items: list[Item] = field(default_factory=list)
    more: bool = False
    """Whether there is more than was looked at."""

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n{self.told()}"

    def _repr_html_(self) -> str:
        return f"{super()._repr_html_()}<p>{self.told()}</p>"

    def report(self) -> Report:
        """As one struct."""
        return Report(host=self.host, provenance=self.provenance, items=self.items, more=self.more)

    def told(self) -> str:
        """To whom, and with how much of its origin."""
        more = f" There is more: these are the first {count(MOST)}." if self.more else ""
        return f"To {self.host}, provenance: {self.provenance}. Nothing was sent.{more}"


def leaving(both: Union, remotes: Remotes, settings: RemoteSettings, *, all: bool = False, key: str | None = None) -> Leaving:
    """What would be sent to the API now; with `all` or a key what was made before it was set, too. Asks nobody."""
    known = remotes.find(settings.address)
    kind = settings.kind_hint or (known.kind if known else None)
    level = level_for(kind, settings.provenance)
    found = preview(both.local, remotes, settings.address, kind=kind, provenance=settings.provenance, limit=MOST)
    items = [_item(one) for one in found] if known else []
    more = known is not None and remotes.count(settings.address) > sum(item.what != "origin" for item in items)
    if known and (all or key is not None):
        pack, kept = Packer(both.local, kind, level), remotes.kept(settings.address, None if all else key, MOST + 1)
        more = more or len(kept) > MOST
        items += [_item(_whole(record, both, pack, level)) for id in kept[:MOST] if (record := both.local.get(id))]
    rows = [[one.what, one.key or "—", one.type or "—", size(one.bytes) if one.bytes else "", _origin(one)] for one in items]
    return Leaving(
        ("What", "Key", "Type", "Size", "Told of it"), rows, "Nothing waits to be sent.",
        host=settings.host, provenance=level, items=items, more=more,
    )  # fmt: skip


def _whole(record: Record, both: Union, pack: Packer, level: str) -> Outgoing:
    run_id = record.task_run_id or record.flow_run_id
    run = both.local.get_run(run_id) if run_id and pack.sends_runs else None
    return Outgoing(
        "put", record.id, record=cut_record(record, level), run=pack.pack_run(run, again=False).run if run else None
    )


def _item(out: Outgoing) -> Item:
    record, origin = out.record, _told(out.run) if out.run is not None else {}
    if record is None:
        return Item(what=_DONE[out.op], id=out.id, type=out.run.kind.value if out.run else None, origin=origin)
    data = 0 if record.data is UNSET else len(bytes(record.data))
    return Item(
        what=_DONE[out.op], id=out.id, key=record.key, type=record.type, bytes=record.blob.size if record.blob else data,
        description=record.description, tags=record.tags, metadata_=record.metadata_, origin=origin,
    )  # fmt: skip


def _told(run: Run) -> dict[str, Any]:
    """All that a run says, empty things left out."""
    about = {name: value for name, value in msgspec.to_builtins(run.provenance).items() if value not in (None, {}, [])}
    return {**({"name": run.name} if run.name else {}), **({"error": run.error} if run.error else {}), **about}


def _origin(item: Item) -> str:
    """``source (12 lines), notebook report.ipynb, user ada, packages (31)``."""
    parts = []
    for name, value in item.origin.items():
        if name == "source":
            parts.append(f"source ({plural(str(value).count(chr(10)) + 1, 'line')})")
        elif isinstance(value, (dict, list)):
            parts.append(f"{name} ({count(len(value))})" if name != "git" else "git commit")
        else:
            parts.append(f"{name} {clip_text(one_line(str(value)), 40)}")
    return ", ".join(parts)
