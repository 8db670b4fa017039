"""Names of columns and index levels as JSON: a text is itself, other labels carry what they are."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._guess import class_name, loaded

if TYPE_CHECKING:
    from collections.abc import Callable


def encode_label(label: Any) -> Any:
    """A label as a JSON value that `decode_label` turns back into an equal one.

    Raises `InvalidValue` naming a label of another class.
    """
    dated = loaded("numpy", "datetime64", "timedelta64")
    if isinstance(label, loaded("numpy", "generic")) and not isinstance(label, (*dated, str)):
        label = label.item()
    if isinstance(label, (str, bool, type(None))):
        return label
    if isinstance(label, tuple):
        return {"tuple": [encode_label(part) for part in label]}
    stamp = isinstance(label, loaded("pandas", "Timestamp")) and label == label  # noqa: PLR0124 (NaT differs from itself)
    name = "Timestamp" if stamp else type(label).__name__ if type(label) in _CLASSES else None
    if name is None:
        raise InvalidValue(
            f"the column or index name {label!r:.80} is a {class_name(label)}: use a text, a number, a date or a tuple of them."
        )
    return {name: _WRITERS[name](label)}


def decode_label(found: Any) -> Any:
    """The label that `encode_label` wrote."""
    if not isinstance(found, dict):
        return found
    ((name, value),) = found.items()
    if name == "tuple":
        return tuple(decode_label(part) for part in value)
    if name == "Timestamp":
        import pandas as pd

        return pd.Timestamp(value)
    return _READERS[name](value)


_CLASSES = (int, float, datetime, date, timedelta, bytes)
_WRITERS: dict[str, Callable[[Any], Any]] = {
    "int": str, "float": repr, "datetime": datetime.isoformat, "date": date.isoformat, "bytes": bytes.hex,
    "timedelta": lambda span: [span.days, span.seconds, span.microseconds], "Timestamp": lambda stamp: stamp.isoformat(),
}  # fmt: skip
_READERS: dict[str, Callable[[Any], Any]] = {
    "int": int, "float": float, "datetime": datetime.fromisoformat, "date": date.fromisoformat, "bytes": bytes.fromhex,
    "timedelta": lambda parts: timedelta(*parts),
}  # fmt: skip


def shown_label(label: Any) -> str:
    """A label as people read it: the levels of a tuple apart by slashes."""
    if isinstance(label, tuple):
        return " / ".join(shown_label(part) for part in label if part != "")
    return str(label)


def unique_names(names: list[str], taken: set[str] | None = None) -> list[str]:
    """The names, with " (2)", " (3)" … after those that were there before."""
    seen = set(taken or ())
    found = []
    for name in names:
        number, unique = 1, name
        while unique in seen:
            number += 1
            unique = f"{name} ({number})"
        seen.add(unique)
        found.append(unique)
    return found
