"""What of an artifact is searched: key, type, description, tags, metadata and the beginning of the payload, as words."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from typing import TYPE_CHECKING

from msgspec import UNSET

from nb_artifacts.errors import BlobMissing

if TYPE_CHECKING:
    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record

PAYLOAD_BYTES = 64 * 1024
"""So much of a payload is searched."""

LONGEST = 100
"""So many characters of a word."""

_ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.", re.DOTALL)
_WORD = re.compile(r"[^\W_]+")


def text_of(record: Record, store: Store) -> str:
    """All that is searched, a part a line. A payload whose bytes are gone is left out. Raises `StoreError`."""
    data = record.data
    if data is UNSET:
        with contextlib.suppress(BlobMissing):
            whole = store.get(record.id)
            data = whole.data if whole is not None else UNSET
    payload = "" if data is UNSET else _spelled_out(bytes(data)[:PAYLOAD_BYTES].decode(errors="ignore"))
    labels = [f"{name} {value}" for name, value in (record.metadata_ or {}).items()]
    parts = [record.key, record.type, record.description, *record.tags, *labels, payload]
    return "\n".join(part.replace("\0", " ") for part in parts if part)


def _spelled_out(text: str) -> str:
    """A payload without JSON's escapes, and without those of a JSON text in it, as Prefect's tables are."""
    plain = _ESCAPED.sub(_character, text)
    return _ESCAPED.sub(_character, plain) if plain.startswith(('"[', '"{')) else plain


def _character(escaped: re.Match[str]) -> str:
    """What an escape stands for; what parts words stands for a space."""
    if escaped[0][1] != "u":
        return escaped[0][1] if escaped[0][1] in '"\\/' else " "
    units = bytes.fromhex("".join(escaped[0].split("\\u")[1:])) if len(escaped[0]) > 2 else b""
    return units.decode("utf-16-be", "replace")


def words_in(text: str) -> list[str]:
    """The words of a text, in order, as they are written."""
    return _WORD.findall(text)


def folded(text: str) -> list[str]:
    """The words of a text without case and accents, each once."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
    return list(dict.fromkeys(word[:LONGEST] for word in words_in(plain)))
