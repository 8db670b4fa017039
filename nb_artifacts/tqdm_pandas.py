"""`progress_apply` and its like on pandas' objects, as tqdm puts them there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def install(bar_class: Callable[..., Any], options: dict[str, Any]) -> None:
    """Add the methods; a later call replaces them, with its own options for the bars."""
    import pandas as pd
    from pandas.api.typing import DataFrameGroupBy, Expanding, Rolling, SeriesGroupBy

    methods = {
        pd.Series: ("apply", "map"), pd.DataFrame: ("apply", "map"), DataFrameGroupBy: ("apply", "aggregate", "transform"),
        SeriesGroupBy: ("apply", "aggregate", "transform"), Rolling: ("apply",), Expanding: ("apply",),
    }  # fmt: skip
    for kind, names in methods.items():
        for name in names:
            setattr(kind, f"progress_{name}", _with_bar(name, bar_class, options))
    pd.DataFrame.progress_applymap = pd.DataFrame.progress_map  # type: ignore[attr-defined]  # an older pandas name


def _with_bar(name: str, bar_class: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    def method(self: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        total = kwargs.pop("total", None)
        with bar_class(**{"total": calls(self, name, kwargs) if total is None else total, **options}) as bar:

            def counted(*values: Any, **named: Any) -> Any:
                result = func(*values, **named)
                if bar.total is None or bar.n < bar.total:  # pandas tries some functions once more than there are groups
                    bar.update()
                return result

            if not callable(func):
                counted = func  # a name such as "sum" is pandas' own, and one step
            found = getattr(self, name)(counted, *args, **kwargs)
            bar.finish()
            return found

    method.__name__ = f"progress_{name}"
    method.__doc__ = f"`{name}`, with a bar that counts the calls of the function."
    return method


def calls(data: Any, name: str, options: dict[str, Any]) -> int | None:
    """How often pandas will call the function; None where that is not known."""
    groups = getattr(data, "ngroups", None)
    if groups is not None:
        shape: tuple[int, ...] = getattr(getattr(data, "_obj_with_exclusions", None), "shape", ())
        return int(groups) * (shape[1] if name == "aggregate" and len(shape) == 2 else 1)
    if getattr(data, "ndim", 0) == 1:
        return len(data)
    if not hasattr(data, "columns"):
        return None
    if name == "map":
        return int(data.size)
    return int(data.shape[0 if options.get("axis", 0) in (1, "columns") else 1])
