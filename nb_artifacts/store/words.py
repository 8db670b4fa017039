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

_WORD = re.compile(r"[^\W_]+")


def text_of(record: Record, store: Store) -> str:
    """All that is searched, a part a line. A payload whose bytes are gone is left out. Raises `StoreError`."""
    data = record.data
    if data is UNSET:
        with contextlib.suppress(BlobMissing):
            whole = store.get(record.id)
            data = whole.data if whole is not None else UNSET
    payload = (
        "" if data is UNSET else bytes(data)[:PAYLOAD_BYTES].decode(errors="ignore").replace("\\n", " ").replace("\\t", " ")
    )
    labels = [f"{name} {value}" for name, value in (record.metadata_ or {}).items()]
    parts = [record.key, record.type, record.description, *record.tags, *labels, payload]
    return "\n".join(part.replace("\0", " ") for part in parts if part)


def words_in(text: str) -> list[str]:
    """The words of a text, in order, as they are written."""
    return _WORD.findall(text)


def folded(text: str) -> list[str]:
    """The words of a text without case and accents, each once."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
    return list(dict.fromkeys(word[:LONGEST] for word in words_in(plain)))
