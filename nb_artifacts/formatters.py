"""``%artifact on``: frames that a cell shows are shown by our view, and kept nowhere; ``off`` puts back what was there.

Libraries are named, never imported: IPython looks a class up by its module's name when one is shown.
"""

from __future__ import annotations

from collections import deque
from html import escape
from typing import Any

from nb_artifacts.errors import ArtifactError

CLASSES = (
    ("pandas", "DataFrame"), ("pandas.core.frame", "DataFrame"), ("polars.dataframe.frame", "DataFrame"),
    ("pyarrow.lib", "Table"), ("duckdb", "DuckDBPyRelation"), ("duckdb.duckdb", "DuckDBPyRelation"),
    ("duckdb._relation", "DuckDBPyRelation"), ("_duckdb", "DuckDBPyRelation"),
)  # fmt: skip
MOST_WIDGETS = 50
"""Grids that live at a time: each has its rows in a temporary file."""
_ROOMS = (20_000, 9_000, 2_500)
_LINE = "rgba(128,128,128,.4)"

_before: dict[tuple[str, str], Any] | None = None
"""What was registered for each class before; None while switched off."""
_with_widgets = False
_widgets: deque[Any] = deque()


def switch_on(shell: Any, *, widgets: bool = False) -> None:
    """Show frames by our view from now on, with `widgets` as live grids answered by the kernel."""
    global _before, _with_widgets  # noqa: PLW0603 (one shell a process: IPython's own rule)
    _with_widgets = widgets
    if _before is None:
        formatter = shell.display_formatter.mimebundle_formatter
        _before = {name: _replace(formatter, name, _shown) for name in CLASSES}


def switch_off(shell: Any) -> None:
    """Put back what was registered before; nothing changes where it is off already."""
    global _before  # noqa: PLW0603 (as in `switch_on`)
    if _before is None:
        return
    formatter = shell.display_formatter.mimebundle_formatter
    for name, before in _before.items():
        _replace(formatter, name, before)
    _before = None


def _replace(formatter: Any, name: tuple[str, str], new: Any) -> Any:
    """Register `new` for a class, by itself where it has been seen already, else by its name; None takes it off.

    Gives what was registered. IPython looks at classes before it looks at names.
    """
    seen = next((cls for cls in formatter.type_printers if (cls.__module__, cls.__name__) == name), None)
    before = formatter.deferred_printers.pop(name, None)
    if seen is not None:
        before = formatter.type_printers.pop(seen)
    if new is not None and seen is not None:
        formatter.for_type(seen, new)
    elif new is not None:
        formatter.for_type_by_name(*name, new)
    return before


def is_on() -> bool:
    """Whether frames are shown by our view."""
    return _before is not None


def _shown(frame: Any) -> dict[str, Any] | None:
    """The bundle of a frame; None, so that its own library shows it, where it cannot be shown by us."""
    from nb_artifacts.display import MAX_OUTPUT, size_in_file
    from nb_artifacts.types.preview import preview

    try:
        found = preview(frame)
    except ArtifactError:
        return None
    if found is None:
        return None
    kind = escape(f"{type(frame).__module__.partition('.')[0].lstrip('_')} {type(frame).__name__}")
    bundle: dict[str, Any] = _widget(frame) if _with_widgets else {}
    for room in _ROOMS:
        bundle["text/html"] = (
            f'<div style="border:1px solid {_LINE};border-radius:4px;margin:4px 0;padding:6px 10px;max-width:100%;'
            f'overflow-x:auto">{found.html(room)}<div style="font-size:85%;opacity:.75">{kind}</div></div>'
        )
        bundle["text/plain"] = found.text()
        if size_in_file(bundle) <= MAX_OUTPUT - 1024:
            break
    return bundle


def _widget(frame: Any) -> dict[str, Any]:
    """The live grid of a frame, where one can be made."""
    from nb_artifacts.widget_tables import TableWidget

    try:
        made = TableWidget(frame)
    except ArtifactError:
        return {}
    _widgets.append(made)
    while len(_widgets) > MOST_WIDGETS:
        _widgets.popleft().close()
    found = made._repr_mimebundle_()
    data = found[0] if isinstance(found, tuple) else found
    return {mime: part for mime, part in data.items() if mime.startswith("application/vnd.jupyter.widget")}
