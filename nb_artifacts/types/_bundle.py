"""The MIME bundle of an object: asked of IPython's formatters where a shell runs, else of the object's own methods."""

from __future__ import annotations

import json
from typing import Any

from nb_artifacts.types._guess import running_shell

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
Found = tuple[dict[str, Any], dict[str, Any]]


def bundle_of(value: Any) -> Found:
    """Data and metadata by MIME type; at least ``text/plain``.

    The object is never displayed on the way, as IPython's own `DisplayFormatter.format` would do for some.
    """
    shell = running_shell()
    data, metadata = _by_formatters(shell, value) if shell is not None else _by_methods(value)
    spec = _plotly(value)
    if spec is not None:
        data.setdefault("application/vnd.plotly.v1+json", spec)
    if not isinstance(data.get("text/plain"), str):
        data["text/plain"] = repr(value)
    return data, metadata


def _by_formatters(shell: Any, value: Any) -> Found:
    formatter = shell.display_formatter
    data, metadata = _pair(formatter.mimebundle_formatter(value))
    for mime, each in formatter.formatters.items():
        part = each(value) if mime not in data else None
        if part is not None:
            data[mime], more = part if isinstance(part, tuple) and len(part) == 2 else (part, None)
            if more:
                metadata[mime] = more
    return data, metadata


def _by_methods(value: Any) -> Found:
    kind = type(value)
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    if callable(getattr(kind, "_repr_mimebundle_", None)):
        data, metadata = _pair(value._repr_mimebundle_())  # noqa: SLF001 (IPython's protocol)
    for method, mime in _METHODS.items():
        if mime in data or not callable(getattr(kind, method, None)):
            continue
        part = getattr(value, method)()
        if part is not None:
            data[mime], more = part if isinstance(part, tuple) and len(part) == 2 else (part, None)
            if more:
                metadata[mime] = more
    return data, metadata


def _pair(found: Any) -> Found:
    if isinstance(found, tuple) and len(found) == 2:
        return dict(found[0] or {}), dict(found[1] or {})
    return (dict(found), {}) if isinstance(found, dict) else ({}, {})


def _plotly(value: Any) -> Any:
    """A plotly figure's own specification, which it leaves out where no renderer is set."""
    kind = type(value)
    if not kind.__module__.startswith("plotly.") or not callable(getattr(kind, "to_json", None)):
        return None
    return json.loads(value.to_json())
