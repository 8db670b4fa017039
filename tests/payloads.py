"""Helpers for tests of artifact types: a payload through a record and back, and what harmless HTML is."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import msgspec

from nb_artifacts.types import Payload, payload_class
from nb_artifacts.wire import BlobRef, Record, new_id, now

FORBIDDEN = {
    "script",
    "iframe",
    "object",
    "embed",
    "base",
    "meta",
    "link",
    "form",
    "style",
    "svg",
    "math",
    "input",
    "button",
    "audio",
    "video",
}


def kept(payload: Payload) -> Record:
    """The record of a payload, as a store would give it back."""
    content = payload.content()
    blob = BlobRef(sha256="0" * 64, size=len(content.blob[0]), media=content.blob[1]) if content.blob else None
    record = Record(
        id=new_id(), created=now(), updated=now(), type=payload.type, data=content.data, info=content.info,
        metadata_=content.metadata or None, blob=blob,
    )  # fmt: skip
    again = msgspec.json.decode(msgspec.json.encode(record), type=Record)
    strict(again.data)
    strict(msgspec.json.encode(again.info))
    return again


def back(payload: Payload) -> Payload:
    """The payload that a store gives back."""
    content = payload.content()

    def blob() -> bytes:
        assert content.blob is not None
        return content.blob[0]

    return payload_class(payload.type).read(kept(payload), blob)


def stored(type: str | None, data: Any, info: dict[str, Any] | None = None) -> Payload:
    """The payload of a record that another program wrote."""
    record = Record(
        id=new_id(), created=now(), updated=now(), type=type, data=msgspec.Raw(msgspec.json.encode(data)), info=info or {}
    )
    return payload_class(type).read(record, lambda: b"")


def strict(text: bytes | msgspec.Raw) -> Any:
    """A JSON value; NaN and Infinity are no JSON."""
    import json

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in JSON")

    return json.loads(bytes(text), parse_constant=refuse)


class _Watch(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN:
            self.problems.append(f"<{tag}>")
        for name, given in attrs:
            value = given or ""
            if name.startswith("on") or name in (
                "id",
                "name",
                "class",
                "srcdoc",
                "formaction",
                "srcset",
                "data",
                "background",
                "ping",
            ):
                self.problems.append(f"{tag} {name}={value}")
            if name.startswith("data-"):
                self.problems.append(f"{tag} {name}={value}")
            if name == "href" and not re.match(r"(https?://|mailto:)[!-~\u00a1-\U0010ffff]+\Z", value, re.IGNORECASE):
                self.problems.append(f"href {value!r}")
            if name == "src" and not value.startswith("data:image/"):
                self.problems.append(f"src {value!r}")
            if name == "style" and re.search(r"position|url|expression|behavior|@|\\|image", value, re.IGNORECASE):
                self.problems.append(f"style {value!r}")
        if tag == "a":
            found = dict(attrs)
            if "href" in found and (found.get("rel") != "noopener noreferrer" or found.get("target") != "_blank"):
                self.problems.append(f"link without noopener: {found}")


def html_problems(text: str) -> list[str]:
    """What of a piece of HTML could run, load, submit, float above the page or take a name."""
    watch = _Watch()
    watch.feed(text)
    watch.close()
    return watch.problems


CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def check_shown(payload: Payload, rooms: tuple[int, ...] = (40, 300, 1000, 8000, 30000)) -> None:
    """Everything that a payload shows is harmless, in its room, and the same after another pass of the sanitiser."""
    from nb_artifacts.types._html import sanitize

    for room in rooms:
        html = payload.html(room)
        assert len(html.encode()) <= room, (room, len(html.encode()))
        assert html_problems(html) == []
        assert sanitize(html) == html
        assert not CONTROL.search(html), repr(CONTROL.search(html))
    text, summary = payload.text(), payload.summary()
    assert len(text.encode()) <= 4096
    assert not CONTROL.search(text), repr(text)
    assert not CONTROL.search(summary)
    assert "\n" not in summary
    assert len(summary) < 600
