"""Write labextension/src/wire.ts: the wire structs and the types' `info`, as TypeScript interfaces.

Run it after a change to nb_artifacts/wire.py or to an `Info` struct of nb_artifacts/types::

    python scripts/wire_ts.py

tests/unit/test_wire_ts.py fails while the committed file is not what this prints.
"""

from __future__ import annotations

import enum
import inspect
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Raw, Struct, UnsetType

from nb_artifacts import types, wire

TARGET = Path(__file__).parents[1] / "labextension" / "src" / "wire.ts"

ANSWERS: list[type[Any]] = [
    wire.BlobRef,
    wire.Record,
    wire.RunKind,
    wire.RunState,
    wire.Git,
    wire.PrefectRun,
    wire.Provenance,
    wire.Run,
    wire.Deleted,
    wire.Change,
    wire.Reference,
]
"""What the server sends: a member is optional only where it may be left out."""

REQUESTS: list[type[Any]] = [
    wire.IdFilter,
    wire.KeyFilter,
    wire.TypeFilter,
    wire.NameFilter,
    wire.Operator,
    wire.ArtifactFilter,
    wire.RunFilter,
    wire.Sort,
    wire.Query,
    wire.RunQuery,
    wire.Patch,
]
"""What the browser sends: a member with a default may be left out."""

_PLAIN = {str: "string", UUID: "string", datetime: "string", int: "number", float: "number", bool: "boolean"}
_NAMES = {wire.Record: "WireRecord"}


def name_of(cls: type[Any]) -> str:
    """The interface's name: the struct's own, save where TypeScript has taken it."""
    return _NAMES.get(cls, cls.__name__)


def typescript(hint: Any) -> str:
    """The TypeScript type of an annotation. Raises `TypeError` for one it does not know."""
    if hint in {Any, Raw}:
        return "unknown"
    if hint is type(None):
        return "null"
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, (Struct, enum.Enum)):
        return name_of(hint)
    return _generic(hint)


def _generic(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(f"'{value}'" for value in args)
    if origin is tuple:
        return f"[{', '.join(typescript(arg) for arg in args)}]"
    if origin is list:
        inner = typescript(args[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if origin is dict:
        return f"{{ [key: string]: {typescript(args[1])} }}"
    if origin is Union or isinstance(hint, type(int | str)):
        return " | ".join(typescript(arm) for arm in args if arm is not UnsetType)
    raise TypeError(f"no TypeScript for {hint!r}")


def comment(cls: type[Any]) -> str:
    """The first paragraph of the docstring, as a JSDoc line."""
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    text = " ".join(doc.split("\n\n")[0].split()).replace("*/", "* /")
    return f"/** {text} */\n" if text else ""


def interface(cls: type[Any], *, request: bool) -> str:
    """One struct or enumeration as an exported declaration."""
    if issubclass(cls, enum.Enum):
        arms = " | ".join(f"'{member.value}'" for member in cls)
        return f"{comment(cls)}export type {name_of(cls)} = {arms};\n"
    hints = get_type_hints(cls)
    omit = cls.__struct_config__.omit_defaults
    lines = []
    for field in msgspec.structs.fields(cls):
        defaulted = field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT
        optional = UnsetType in get_args(hints[field.name]) or (defaulted and (request or omit))
        mark = "?" if optional else ""
        lines.append(f"  {field.encode_name}{mark}: {typescript(hints[field.name])};\n")
    if not lines:
        return f"{comment(cls)}export type {name_of(cls)} = {{ [key: string]: never }};\n"
    return f"{comment(cls)}export interface {name_of(cls)} {{\n{''.join(lines)}}}\n"


def nested(cls: type[Any]) -> list[type[Any]]:
    """`cls` after the structs its members hold."""
    found: list[type[Any]] = []
    for hint in get_type_hints(cls).values():
        for part in (hint, *get_args(hint), *(inner for arm in get_args(hint) for inner in get_args(arm))):
            if isinstance(part, type) and issubclass(part, Struct) and part not in found:
                found += [one for one in nested(part) if one not in found]
    return [*found, cls]


def infos() -> str:
    """The `info` of every type, and the map from a type's name to it."""
    declared: list[type[Any]] = []
    rows = []
    for name in types.TYPES:
        info = types.payload_class(name).Info
        declared += [one for one in nested(info) if one not in declared]
        rows.append(f"  {name}: {name_of(info)};\n")
    names = ", ".join(f"'{name}'" for name in types.TYPES)
    return "\n".join(
        [
            *(interface(cls, request=False) for cls in declared),
            f"/** The types of artifacts that have a view of their own. */\nexport const TYPES = [{names}] as const;\n",
            "export type ArtifactType = (typeof TYPES)[number];\n",
            f"/** What `info` holds, by type. */\nexport interface Infos {{\n{''.join(rows)}}}\n",
        ]
    )


def render() -> str:
    """The whole file."""
    head = (
        "// Generated by scripts/wire_ts.py from nb_artifacts/wire.py and nb_artifacts/types: do not edit.\n\n"
        f"export const MIME = {json.dumps(wire.MIME)};\n\n"
        f"/** JSON of at most this many bytes travels with lists and events. */\n"
        f"export const SHORT_DATA = {wire.SHORT_DATA};\n"
    ).replace('"', "'")
    answers = [interface(cls, request=False) for cls in ANSWERS]
    requests = [interface(cls, request=True) for cls in REQUESTS]
    return "\n".join([head, *answers, *requests, infos()])


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"wrote {TARGET.name}")
