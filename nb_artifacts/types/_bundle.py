"""The MIME bundle of an object: asked of IPython's formatters where a shell runs, else of the object's own methods.

The object is never displayed on the way, as `DisplayFormatter.format` of IPython would do for some.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Any

import msgspec

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._guess import running_shell

Found = tuple[dict[str, Any], dict[str, Any]]
"""Data and metadata by MIME type."""

_METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
}
_VEGA = re.compile(r"https://vega\.github\.io/schema/(vega|vega-lite)/v(\d{1,3})(?:[.\d]*)\.json\Z")


def bundle_of(value: Any) -> Found:
    """What an object shows, as JSON values; at least ``text/plain``.

    Raises `InvalidValue` naming a part that JSON cannot hold.
    """
    shell = running_shell()
    data, metadata = _by_formatters(shell, value) if shell is not None else _by_methods(value)
    for mime, spec in (_plotly(value), _vega(value)):
        if spec is not None:
            data.setdefault(mime, spec)
    if not isinstance(data.get("text/plain"), str):
        data["text/plain"] = repr(value)
    return checked(data, metadata)


def _by_formatters(shell: Any, value: Any) -> Found:
    formatter = shell.display_formatter
    data, metadata = _pair(formatter.mimebundle_formatter(value))
    for mime, each in formatter.formatters.items():
        if mime not in data:
            _add(data, metadata, mime, each(value))
    return data, metadata


def _by_methods(value: Any) -> Found:
    kind = type(value)
    found = value._repr_mimebundle_() if callable(getattr(kind, "_repr_mimebundle_", None)) else None
    data, metadata = _pair(found)
    for method, mime in _METHODS.items():
        if mime not in data and callable(getattr(kind, method, None)):
            _add(data, metadata, mime, getattr(value, method)())
    return data, metadata


def _pair(found: Any) -> Found:
    if isinstance(found, tuple) and len(found) == 2:
        return dict(found[0] or {}), dict(found[1] or {})
    return (dict(found), {}) if isinstance(found, dict) else ({}, {})


def _add(data: dict[str, Any], metadata: dict[str, Any], mime: str, part: Any) -> None:
    """One part, which may bring its metadata along."""
    more = None
    if isinstance(part, tuple) and len(part) == 2:
        part, more = part
    if part is not None:
        data[mime] = part
        if more:
            metadata[mime] = more


def _plotly(value: Any) -> tuple[str, Any]:
    """A plotly figure's specification, which it leaves out where no renderer is set."""
    kind, spec = type(value), None
    if kind.__module__.startswith("plotly.") and callable(getattr(kind, "to_json", None)):
        spec = json.loads(value.to_json())
    return "application/vnd.plotly.v1+json", spec


def _vega(value: Any) -> tuple[str, Any]:
    """An Altair chart's specification, which its default renderer hides in a script."""
    kind = type(value)
    if not kind.__module__.startswith("altair.") or not callable(getattr(kind, "to_dict", None)):
        return "", None
    spec = json.loads(value.to_json()) if callable(getattr(kind, "to_json", None)) else value.to_dict()
    match = _VEGA.match(str(spec.get("$schema", ""))) if isinstance(spec, dict) else None
    if match is None:
        return "", None
    return f"application/vnd.{match.group(1).replace('-', '')}.v{match.group(2)}+json", spec


def checked(data: dict[str, Any], metadata: dict[str, Any]) -> Found:
    """A bundle as JSON values, bytes in base64.

    Raises `InvalidValue` naming a part that JSON cannot hold.
    """
    kept = {}
    for mime, part in data.items():
        if isinstance(part, (bytes, bytearray)):
            kept[mime] = b64encode(part).decode()
        elif part is not None:
            kept[mime] = _as_json(mime, part)
    return kept, _as_json("metadata", metadata)


def _as_json(name: str, part: Any) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(part))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidValue(f"the {name} of this object is not JSON: {error}") from None
