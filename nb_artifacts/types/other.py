"""Artifacts of no type of ours: any JSON value, kept and given back as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._html import plain
from nb_artifacts.types.base import Blob, Content, Payload, no_suffix, raw, read_data
from nb_artifacts.types.text import MAX_TEXT, clip_text, one_line, plural, visible

if TYPE_CHECKING:
    from typing_extensions import Self

    from nb_artifacts.wire import Record


class OtherInfo(Struct):
    """Nothing is known beforehand of another tool's artifact."""


class Other(Payload):
    """Any JSON value.

    Raises `InvalidValue` for a value that JSON cannot hold.
    """

    Info = OtherInfo

    def __init__(self, data: Any = None, type: str | None = None) -> None:
        self._data = data
        self.type = type  # type: ignore[misc,assignment]

    def content(self) -> Content:
        """See `Payload`."""
        try:
            return Content(raw(self._data), {})
        except (TypeError, ValueError, OverflowError, RecursionError, UnicodeError) as error:
            raise InvalidValue(f"data={self._data!r:.80} is not a JSON value: {error}") from None

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:  # noqa: ARG003 (what another tool made has no bytes of ours)
        """See `Payload`."""
        return cls(read_data(record), record.type)

    @property
    def value(self) -> Any:
        """The JSON value."""
        return self._data

    def _source(self) -> str:
        if isinstance(self._data, str):
            return self._data
        return msgspec.json.format(msgspec.json.encode(self._data)).decode()

    def text(self) -> str:
        """The text, or indented JSON."""
        return clip_text(visible(clip_text(self._source(), MAX_TEXT)), MAX_TEXT)

    def html(self, room: int) -> str:
        """The text, or indented JSON, as it stands."""
        return plain(self._source(), room)

    def summary(self) -> str:
        """What kind of JSON value it is."""
        if isinstance(self._data, dict):
            return plural(len(self._data), "member")
        if isinstance(self._data, list):
            return plural(len(self._data), "item")
        return "empty" if self._data is None else clip_text(one_line(str(self._data)[:200]), 80)

    def file(self, suffix: str) -> bytes:
        """``.json``, or a text as ``.txt``."""
        if suffix in ("", ".json") and not (suffix == "" and isinstance(self._data, str)):
            return msgspec.json.format(msgspec.json.encode(self._data)) + b"\n"
        if suffix in ("", ".txt") and isinstance(self._data, str):
            return self._data.encode()
        raise no_suffix(suffix, "this artifact", (".json", ".txt") if isinstance(self._data, str) else (".json",))
