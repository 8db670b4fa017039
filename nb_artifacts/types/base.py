"""What every artifact type offers: `Payload`, and `Content`, what it makes of a value for the store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct

from nb_artifacts.errors import InvalidValue

if TYPE_CHECKING:
    from uuid import UUID

    from typing_extensions import Self

    from nb_artifacts.wire import Record

Blob = Callable[[], bytes]
"""Fetches a record's bytes; called only where they are needed."""

S = TypeVar("S", bound=Struct)
InfoClass = type[Struct]


class Content(NamedTuple):
    """What is kept of a value: made once, when the artifact is created."""

    data: Raw
    """JSON for `Record.data`."""
    info: dict[str, Any]
    """What lists and views show without the payload: the type's `Info` struct as plain JSON values."""
    blob: tuple[bytes, str] | None = None
    """Bytes too large for a row, and their media type."""
    metadata: dict[str, str] = {}  # noqa: RUF012 (a default of a tuple, never changed)
    """Members for `Record.metadata_`."""


class Payload(ABC):
    """The typed value of an artifact.

    A constructor checks what the user gave and raises `InvalidValue` or `UnsupportedType`; `read` takes what a store
    holds, whoever wrote it, and shows it harmlessly.
    """

    type: ClassVar[str]
    """Its name in `Record.type`."""
    Info: ClassVar[InfoClass]
    """The struct of `Record.info`."""
    tells_itself: ClassVar[bool] = False
    """Whether `text` and `html` say the `summary` themselves, so that nobody need say it beside them."""

    @abstractmethod
    def content(self) -> Content:
        """What a store keeps. Raises `InvalidValue` for a value that would not come back equal."""

    def data_for(self, content: Content, id: UUID) -> Raw:  # noqa: ARG002 (for types whose data names the artifact)
        """`Record.data` of the artifact that has that id."""
        return content.data

    @classmethod
    @abstractmethod
    def read(cls, record: Record, blob: Blob) -> Self:
        """The payload of a stored record, whoever made it. `blob` fetches its bytes where there are any.

        Raises `InvalidValue` where the content is not what the record says.
        """

    @property
    @abstractmethod
    def value(self) -> Any:
        """What the user gave, the same object; after `read` one equal to it."""

    @abstractmethod
    def text(self) -> str:
        """The content for a terminal, at most 4 kB, true as far as it goes."""

    @abstractmethod
    def html(self, room: int) -> str:
        """The content as static HTML of at most `room` bytes: no script, no request, light and dark."""

    @abstractmethod
    def summary(self) -> str:
        """One short line for lists."""

    @abstractmethod
    def file(self, suffix: str) -> bytes:
        """The content as a file of that suffix (``.csv``); "" is the natural form.

        Raises `InvalidValue` naming the suffixes there are.
        """


def no_suffix(suffix: str, payload: str, known: tuple[str, ...]) -> InvalidValue:
    """The error for a file that a type cannot be written as."""
    return InvalidValue(f"{payload} cannot be written as {suffix!r}: choose {', '.join(known)}.")


def read_info(record: Record, kind: type[S]) -> S | None:
    """`record.info` as its struct, or None where it is another program's or an older release's."""
    try:
        return msgspec.convert(record.info, kind) if record.info else None
    except msgspec.ValidationError:
        return None


def read_data(record: Record) -> Any:
    """The JSON value in `record.data`.

    Raises `InvalidValue` where it is not JSON.
    """
    if record.data is UNSET:
        return None
    try:
        return msgspec.json.decode(record.data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidValue(f"the data of artifact {record.id} is not JSON: {error}") from None


def read_text(record: Record) -> str:
    """`record.data` as text; another JSON value as its JSON."""
    found = read_data(record)
    if found is None:
        return ""
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()


def raw(value: Any) -> Raw:
    """JSON of a value."""
    return Raw(msgspec.json.encode(value))


def builtins(info: Struct) -> dict[str, Any]:
    """An `Info` struct as plain JSON values."""
    found: dict[str, Any] = msgspec.to_builtins(info)
    return found
