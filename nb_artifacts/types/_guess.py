"""Which type a value is, found without importing anything: a library that is not loaded has no values here."""

from __future__ import annotations

import sys
from typing import Any

from nb_artifacts.errors import UnsupportedType

RICH = (
    "_repr_mimebundle_", "_repr_html_", "_repr_markdown_", "_repr_svg_", "_repr_png_", "_repr_jpeg_", "_repr_latex_",
    "_repr_json_", "_repr_javascript_", "_repr_pdf_",
)  # fmt: skip


def loaded(module: str, *names: str) -> tuple[Any, ...]:
    """Classes of a module for `isinstance`, if it has been imported by somebody; else none."""
    found = sys.modules.get(module)
    return tuple(kind for name in names if isinstance(kind := getattr(found, name, None), type))


def is_figure(value: Any) -> bool:
    """Whether `value` is a matplotlib figure, or something drawn on one: axes, lines, bars, a grid of axes."""
    return figure_of(value) is not None


def figure_of(value: Any, depth: int = 2) -> Any:
    """The matplotlib figure that `value` is, or is drawn on, or None."""
    figures = loaded("matplotlib.figure", "FigureBase")
    if not figures:
        return None
    if isinstance(value, figures):
        found: Any = value
        while not isinstance(found, loaded("matplotlib.figure", "Figure")):
            found = found.figure
        return found
    drawn: tuple[Any, ...] = (*loaded("matplotlib.artist", "Artist"), *loaded("seaborn.axisgrid", "_BaseGrid"))
    if isinstance(value, drawn):
        figure: Any = value.figure
        return figure_of(figure, 0) if figure is not None else None
    if isinstance(value, loaded("numpy", "ndarray")):
        value = list(value.flat)[:64] if value.dtype == object else ()
    if depth and isinstance(value, (list, tuple)):
        found = (figure_of(part, depth - 1) for part in value[:64])
        return next((figure for figure in found if figure is not None), None)
    return None


def is_picture(value: Any) -> bool:
    """Whether `value` is a Pillow image, a matplotlib figure, or a uint8 array in the shape of an image."""
    if isinstance(value, loaded("PIL.Image", "Image")) or is_figure(value):
        return True
    if not isinstance(value, loaded("numpy", "ndarray")) or value.dtype != "uint8":
        return False
    return value.ndim == 2 or (value.ndim == 3 and value.shape[2] in (3, 4))


def is_frame(value: Any) -> bool:
    """Whether `value` is a table by its class: a frame or series, or anything that offers itself as an Arrow stream."""
    known = (*loaded("pandas", "DataFrame", "Series"), *loaded("polars", "DataFrame", "Series"))
    return isinstance(value, known) or any(
        hasattr(type(value), name) for name in ("__arrow_c_stream__", "__narwhals_dataframe__", "__dataframe__")
    )


def is_rows(value: Any) -> bool:
    """Whether `value` is a list of dicts, a list of lists, or a dict of lists."""
    if isinstance(value, dict):
        return bool(value) and all(type(part) is list for part in value.values())
    if not isinstance(value, list):
        return False
    return any(all(isinstance(row, kind) for row in value) for kind in (dict, list, tuple))


def is_rich(value: Any) -> bool:
    """Whether the class of `value` says how to show it, or IPython was told how."""
    kind = type(value)
    if kind.__module__ == "builtins" or isinstance(value, type):
        return False
    if any(callable(getattr(kind, name, None)) for name in RICH):
        return True
    shell = running_shell()
    if shell is None:
        return False
    formatters = shell.display_formatter.formatters
    return any(_registered(formatters[mime], value) for mime in formatters if mime != "text/plain")


def _registered(formatter: Any, value: Any) -> bool:
    try:
        formatter.lookup(value)
    except KeyError:
        return False
    return True


def running_shell() -> Any:
    """The IPython shell of this process, or None."""
    shells = loaded("IPython.core.interactiveshell", "InteractiveShell")
    return shells[0].instance() if shells and shells[0].initialized() else None


def class_name(value: Any) -> str:
    """The class of `value` as people write it: ``pandas.Index``."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def type_of(value: Any) -> str:
    """The artifact type of `value`.

    Raises `UnsupportedType` naming ``type=`` and what the class could be turned into.
    """
    if isinstance(value, str):
        return "markdown"
    if is_picture(value):
        return "image"
    if isinstance(value, loaded("polars", "LazyFrame")):
        raise UnsupportedType("a polars.LazyFrame has no rows yet: keep its .collect().")
    if is_frame(value) or is_rows(value):
        return "table"
    if is_rich(value):
        return "display"
    raise UnsupportedType(f"no artifact type takes {class_name(value)} as it is: {_hint(value)}")


def _hint(value: Any) -> str:
    if isinstance(value, loaded("numpy", "ndarray")):
        return (
            f"give type='image' for a picture (here {value.dtype} of shape {value.shape}; floats from 0 to 1 are taken), "
            "or keep pandas.DataFrame(…) for a table."
        )
    if isinstance(value, (bytes, bytearray)):
        return "give type='image' for the bytes of a picture, or keep their text."
    if isinstance(value, (int, float)):
        return "give type='progress' for a percentage, or keep a text such as str(…)."
    return "give type='display' to keep how it shows itself, or keep a text, a table or an image made of it."
