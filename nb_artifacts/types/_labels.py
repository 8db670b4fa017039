"""Names of columns and index levels as JSON: a text is itself, other labels carry what they are."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from typing import Any, TYPE_CHECKING

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._guess import class_name, loaded

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN = (str, bool, type(None))


def encode_label(label: Any) -> Any:
    """A label as a JSON value that `decode_label` turns back into an equal one.

    Raises `InvalidValue` naming a label of another class.
    """
    if isinstance(label, loaded("numpy", "generic")) and not isinstance(
        label, (*loaded("numpy", "datetime64", "timedelta64"), str)
    ):
        label = label.item()
    if isinstance(label, _PLAIN):
        return label
    kind = type(label)
    if kind is int:
        return {"int": str(label)}
    if kind is float:
        return {"float": repr(label)}
    if isinstance(label, tuple):
        return {"tuple": [encode_label(part) for part in label]}
    if isinstance(label, loaded("pandas", "Timestamp")) and label == label:  # noqa: PLR0124 (NaT differs from itself)
        return {"Timestamp": label.isoformat()}
    if kind in (datetime, date):
        return {kind.__name__: label.isoformat()}
    if kind is timedelta:
        return {"timedelta": [label.days, label.seconds, label.microseconds]}
    if kind is bytes:
        return {"bytes": label.hex()}
    raise InvalidValue(
        f"the column or index name {label!r:.80} is a {class_name(label)}: use a text, a number, a date or a tuple of them."
    )


def decode_label(found: Any) -> Any:
    """The label that `encode_label` wrote."""
    if not isinstance(found, dict):
        return found
    ((kind, value),) = found.items()
    if kind == "tuple":
        return tuple(decode_label(part) for part in value)
    if kind == "Timestamp":
        return sys.modules["pandas"].Timestamp(value)
    return _READERS[kind](value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "bytes": bytes.fromhex,
}


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
