"""``%%artifact markdown`` and ``%%artifact link``: cells whose body is text."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from nb_artifacts.errors import ArtifactError, InvalidValue, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nb_artifacts.artifacts import Artifact
    from nb_artifacts.magics.parse import Options

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_CONVERSIONS: dict[str, Callable[[Any], str]] = {"r": repr, "s": str, "a": ascii}


def keep(options: Options, body: str, names: dict[str, Any]) -> Artifact:
    """Keep the text of a cell, expressions filled in from `names`."""
    options.check()
    from nb_artifacts.artifacts import create_result

    if options.type == "link":
        value: Any = _link(body)
    else:
        value = body if options.raw else fill(body, names)
    return create_result(value, options.key, options.description, type=options.type, tags=options.tags)


def _link(body: str) -> Any:
    from nb_artifacts.types.link import Link

    url, _, text = body.strip().partition("\n")
    if not url:
        raise UsageError("the cell is empty: write the URL on its first line, the text of the link below.")
    return Link(url.strip(), " ".join(text.split()) or None)


class _Field(NamedTuple):
    """One ``{…}``, taken apart."""

    expression: str
    shown: str
    """``name=`` for ``{name=}``, else nothing."""
    conversion: str | None
    spec: str


def fill(text: str, names: dict[str, Any]) -> str:
    """`text` with every ``{expression}`` replaced as an f-string would: ``{x:,}``, ``{x!r}``, ``{x=}``; ``{{`` is a brace.

    Raises `UsageError` naming the expression that fails or the line on which a brace is not closed.
    """
    return "".join(part if isinstance(part, str) else _value(part, names) for part in _parts(text))


def _parts(text: str) -> Iterator[str | _Field]:
    start = 0
    while start < len(text):
        brace = min((at for at in (text.find("{", start), text.find("}", start)) if at >= 0), default=-1)
        if brace < 0:
            break
        yield text[start:brace]
        if text[brace : brace + 2] in {"{{", "}}"}:
            yield text[brace]
            start = brace + 2
        elif text[brace] == "}":
            raise UsageError(f"line {_line(text, brace)}: a }} stands alone: write }}}} for a brace, or use --raw.")
        else:
            end = _end(text, brace + 1)
            yield _field(text[brace + 1 : end])
            start = end + 1
    yield text[start:]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _end(text: str, start: int) -> int:
    """Where the ``}`` that closes the field lies: brackets nest, strings are skipped."""
    for at, character in _outside_strings(text, start):
        if character == "}":
            return at
    raise UsageError(f"line {_line(text, start)}: a {{ is not closed; write {{{{ for a brace, or --raw to fill nothing in.")


def _outside_strings(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Positions and characters that lie outside strings and nested brackets, from `start` on."""
    closing: list[str] = []
    at = start
    while at < len(text):
        character = text[at]
        if character in "'\"":
            at = _string_end(text, at)
            continue
        if closing and character == closing[-1]:
            closing.pop()
        elif character in _CLOSING:
            closing.append(_CLOSING[character])
        elif not closing:
            yield at, character
        at += 1


def _string_end(text: str, start: int) -> int:
    quote = text[start] * 3 if text.startswith(text[start] * 3, start) else text[start]
    at = start + len(quote)
    while at < len(text) and not text.startswith(quote, at):
        at += 2 if text[at] == "\\" else 1
    return at + len(quote)


def _field(inner: str) -> _Field:
    """An expression, its conversion and its format; ``!=``, ``==`` and lambdas in brackets are part of the expression."""
    conversion, spec, end = None, "", len(inner)
    for at, character in _outside_strings(inner, 0):
        if character == ":":
            end, spec = at, inner[at + 1 :]
            break
        if character == "!" and inner[at + 1 : at + 2] != "=":
            conversion, _, spec = inner[at + 1 :].partition(":")
            end = at
            break
    expression = inner[:end]
    bare = expression.rstrip()
    shown = ""
    if bare.endswith("=") and bare[-2:-1] not in {"=", "!", "<", ">"}:
        shown, expression = expression, bare[:-1]
        conversion = conversion or (None if spec else "r")
    return _Field(expression.strip(), shown, conversion.strip() if conversion else None, spec)


def _value(field: _Field, names: dict[str, Any]) -> str:
    shown = f"{{{field.expression}}}"
    if not field.expression:
        raise UsageError("{} is empty: write an expression, {{}} for braces, or --raw to fill nothing in.")
    if field.conversion is not None and field.conversion not in _CONVERSIONS:
        raise UsageError(f"{shown}: !{field.conversion} is not a conversion: use !r, !s or !a.")
    try:
        tree = ast.parse(f"({field.expression})", mode="eval")
        value = eval(compile(tree, "<%%artifact markdown>", "eval"), names)  # noqa: S307 (the user's own cell)
        if field.conversion:
            value = _CONVERSIONS[field.conversion](value)
        return field.shown + format(value, fill(field.spec, names) if field.spec else "")
    except ArtifactError:
        raise
    except Exception as error:
        raise InvalidValue(f"{shown} in the Markdown failed: {type(error).__name__}: {error}. Nothing was kept.") from error
