"""Run as a script: keep the hostile corpus as another machine would have sent it, and write down what outputs hold.

No record names a run, so none counts as made here. The corpus goes through the types where they take it; what other
programs could have written goes straight into the store. Prints nothing; writes ``[{"name", "id", "bundle"}]`` to the
file named by the argument.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from corpus import CORPUS, LINKS, MARKUP, REMOTE

from nb_artifacts import display
from nb_artifacts.config import folder
from nb_artifacts.store.sqlite import SqliteStore
from nb_artifacts.types import Payload, coerce, payload_class
from nb_artifacts.wire import Record, new_id, now


def through_types() -> Iterator[tuple[str, Payload]]:
    """What our own calls would keep."""
    for case in CORPUS:
        try:
            payload = coerce(case.value, type=case.type)
            payload.content()
        except (ValueError, TypeError):
            continue
        yield case.name, payload


def from_elsewhere() -> Iterator[tuple[str, str | None, Any, dict[str, Any]]]:
    """What no type of ours would make: name, type, data, info."""
    for number, link in enumerate(LINKS):
        yield f"raw-link-{number}", "link", f"[x]({link})", {"url": link, "text": link}
        yield f"raw-link-bare-{number}", "link", link, {}
        yield f"raw-image-{number}", "image", link, {"url": link}
    for name, markup in MARKUP.items():
        yield f"raw-title-{name}", "markdown", "x", {"title": markup, "size": markup}
    nasty = MARKUP["img-onerror"]
    column = {"name": nasty, "field": "__proto__", "dtype": nasty, "kind": nasty, "index": nasty, "nulls": nasty}
    yield "raw-table-no-info", "table", json.dumps([{nasty: nasty, "__proto__": {"x": 1}}]), {}
    yield "raw-table-info", "table", json.dumps([{"__proto__": 1}]), {"rows": nasty, "columns": [column], "library": nasty}
    yield "raw-table-text", "table", nasty, {"rows": 1, "columns": "x"}
    yield "raw-progress", "progress", nasty, {"state": nasty, "unit": nasty, "error": nasty, "started": nasty, "total": nasty}
    yield "raw-progress-huge", "progress", 1e308, {"state": "running", "done": -1e308, "total": 0, "rate": 1e-300}
    yield "raw-display", "display", nasty, {"media": [nasty], "title": nasty}
    yield "raw-image-remote", "image", f"{REMOTE}.png", {"url": f"{REMOTE}.png", "media": nasty, "width": nasty}
    yield "raw-type", "<img src=x onerror=1>", {"a": nasty}, {}
    yield "raw-type-proto", "__proto__", [nasty], {}
    yield "raw-type-none", None, nasty, {}


def keep(store: SqliteStore, name: str, markup: str, **members: Any) -> Record:
    """A new record without a run, its description hostile too."""
    moment = now()
    key = f"hostile-{name}".replace("_", "-")
    return store.put(Record(id=new_id(), created=moment, updated=moment, key=key, description=markup, tags=[markup], **members))


def main(target: str) -> None:
    """Keep everything and write the outputs down."""
    store = SqliteStore(folder(), durable=False)
    descriptions = [*MARKUP.values()]
    found = []
    for number, (name, payload) in enumerate(through_types()):
        content = payload.content()
        blob = content.blob and store.put_blob(*content.blob)
        markup = descriptions[number % len(descriptions)]
        record = keep(
            store, name, markup, type=payload.type, data=content.data, info=content.info, blob=blob,
            metadata_=content.metadata or None,
        )  # fmt: skip
        found.append({"name": name, "id": str(record.id), "bundle": display.bundle(record, payload, store.id)})
    for number, (name, type, data, info) in enumerate(from_elsewhere()):
        try:
            raw = msgspec.Raw(msgspec.json.encode(data))
            record = keep(store, name, descriptions[number % len(descriptions)], type=type, data=raw, info=info)
        except ValueError:
            continue
        payload = payload_class(type).read(record, lambda: b"")
        found.append({"name": name, "id": str(record.id), "bundle": display.bundle(record, payload, store.id)})
    for markup in MARKUP.values():
        keep(store, "versions", markup, type="markdown", data=msgspec.Raw(msgspec.json.encode(markup)))
    Path(target).write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
