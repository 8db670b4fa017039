"""Artifact types: one module a type. Only this room, the views and reading back know what an artifact holds.

`coerce` finds the type of a value; `payload_class` the class for a stored type. The modules load on first use, and a
library (pandas, Pillow, …) only where a value of it is there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types.base import Content, Payload

if TYPE_CHECKING:
    from nb_artifacts.types.display import Display
    from nb_artifacts.types.image import Image
    from nb_artifacts.types.link import Link
    from nb_artifacts.types.markdown import Markdown
    from nb_artifacts.types.other import Other
    from nb_artifacts.types.progress import Progress
    from nb_artifacts.types.table import Table

__all__ = [
    "TYPES", "Content", "Display", "Image", "Link", "Markdown", "Other", "Payload", "Progress", "Table", "coerce",
    "payload_class",
]  # fmt: skip

TYPES = ("link", "markdown", "progress", "image", "table", "display")
_CLASSES = {name.capitalize(): name for name in (*TYPES, "other")}


def __getattr__(name: str) -> Any:
    if name not in _CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_CLASSES[name]}"), name)


def figure_of(value: Any) -> Any:
    """The matplotlib figure that `value` is, or is drawn on, or None."""
    from nb_artifacts.types import _guess

    return _guess.figure_of(value)


def payload_class(type: str | None) -> type[Payload]:
    """The class that reads artifacts of a stored type; `Other` for a type that is not ours, and for none."""
    name = type if type in TYPES else "other"
    return getattr(import_module(f"{__name__}.{name}"), name.capitalize())  # type: ignore[no-any-return]  # a module's class by its name


def coerce(value: Any, type: str | None = None) -> Payload:
    """The payload of a value, its type guessed from its class unless `type` names one.

    Raises `UnsupportedType` for a value that no type, or not the named one, takes, and `InvalidValue` for one that cannot
    be kept or an unknown `type`.
    """
    from nb_artifacts.types import _guess

    if type is not None and type not in TYPES:
        raise InvalidValue(f"type={type!r:.80} is not an artifact type: choose from {', '.join(TYPES)}.")
    if isinstance(value, Payload):
        if type is not None and value.type != type:
            raise UnsupportedType(f"a {value.type} is not a {type}: leave out type={type!r}.")
        return value
    found = type or _guess.type_of(value)
    return payload_class(found)(value)  # type: ignore[call-arg]  # each type takes its value
