"""Widgets (anywidget on ipywidgets) for layouts, and for front ends without our extension. Never the record of anything."""

from __future__ import annotations

import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
from traitlets import CaselessStrEnum, CFloat, Dict, TraitError, Unicode, validate

from nb_artifacts.errors import UnsupportedType
from nb_artifacts.ticker import EVERY, ticker

if TYPE_CHECKING:
    from nb_artifacts.bars.bar import Bar

_STYLES = {"finished": "success", "failed": "danger", "interrupted": "danger", "stopped": "warning"}


def script() -> str:
    """The module that draws every widget of ours: a model's `_view` names the view. It loads nothing.

    Raises `ImportError` in a tree where it is not built.
    """
    path = Path(__file__).with_name("static") / "widget.js"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ImportError("nb_artifacts/static/widget.js is not built: `npm run build:widget` in labextension/.") from None


class ProgressWidget(anywidget.AnyWidget):
    """A bar with the traits of ipywidgets' `IntProgress`, to be put into any layout of widgets.

    `value` is held between `min` and `max`; a `max` of None has an open end. Set `value` as often as you like: ten times
    a second goes to the front end. With `bar`, what `nb_artifacts.progress` gave, it follows that one::

        with nba.progress(total=100, key="load") as bar:
            display(ipywidgets.HBox([nba.ProgressWidget(bar=bar), cancel]))
    """

    _esm = script()
    _view = Unicode("progress").tag(sync=True)
    _progress: Any = Dict(None, allow_none=True).tag(sync=True)  # the bar that it follows, as last written

    value = CFloat(0.0, help="How far it is.").tag(sync=True)
    min = CFloat(0.0, help="Where it begins.").tag(sync=True)
    max = CFloat(100.0, allow_none=True, help="Where it ends; None is not known.").tag(sync=True)
    description = Unicode("", help="What it is, as plain text.").tag(sync=True)
    bar_style = CaselessStrEnum(["success", "info", "warning", "danger", ""], "", help="Its colour.").tag(sync=True)
    text = Unicode("", help="What is said beside the percentage.").tag(sync=True)

    def __init__(
        self,
        value: float | None = None,
        min: float | None = None,
        max: float | None = None,
        *,
        bar: Bar | None = None,
        **kwargs: Any,
    ) -> None:
        """Raises `TraitError` for a `min` above the `max` and what is no number; `UnsupportedType` for a `bar` of others."""
        if bar is not None and not all(hasattr(bar, name) for name in ("n", "total", "state", "artifact")):
            raise UnsupportedType(f"bar= takes what nb_artifacts.progress or its tqdm gave, not {type(bar).__name__}.")
        self._waiting: set[str] = set()
        self._guard = threading.RLock()  # of what waits: the ticker sends too
        self._due = 0.0
        self._bar, self._pulse = bar, _Pulse(self)
        bounds = {name: bound for name, bound in (("value", value), ("min", min), ("max", max)) if bound is not None}
        super().__init__(**bounds, **kwargs)
        if bar is not None:
            self._follow(bar)
            ticker.add(self._pulse)

    @validate("value")
    def _within(self, proposal: Any) -> float:
        value: float = proposal["value"]
        if self.max is not None and value > self.max:
            return float(self.max)
        return float(self.min) if value < self.min else value

    @validate("min")
    def _from(self, proposal: Any) -> float:
        low: float = proposal["value"]
        if self.max is not None and low > self.max:
            raise TraitError(f"min={low:g} is above max={self.max:g}.")
        self.value = max(low, self.value)
        return low

    @validate("max")
    def _to(self, proposal: Any) -> float | None:
        high: float | None = proposal["value"]
        if high is not None and high < self.min:
            raise TraitError(f"max={high:g} is below min={self.min:g}.")
        if high is not None and high < self.value:
            self.value = high
        return high

    def send_state(self, key: Any = None) -> None:
        """Send what has changed to the front end, at most ten times a second; the rest follows."""
        with self._guard:
            self._waiting.update(self.keys if key is None else [key] if isinstance(key, str) else key)
        if key is None or time.monotonic() >= self._due:
            self._send_waiting()
        else:
            ticker.add(self._pulse)

    def _send_waiting(self) -> None:
        with self._guard:
            waiting, self._waiting = self._waiting, set()
        if waiting:
            self._due = time.monotonic() + EVERY
            super().send_state(waiting)

    def _follow(self, bar: Bar) -> bool:
        """Show what a bar says; whether it still runs."""
        total, done, running = bar.total, bar.n, bar.state == "running"
        with self.hold_sync():
            self.max = None if total is None and running else total or done
            self.value = self.max if bar.state == "finished" and self.max is not None else done
            self.text, self.bar_style = str(bar), _STYLES.get(bar.state, "")
            self._progress = _told(bar)
        return running


def _told(bar: Bar) -> dict[str, Any] | None:
    """What the views of the bar's artifact draw; None where it is not kept, or not yet told of the bar's end."""
    artifact = bar.artifact
    if artifact is None or (record := artifact._record).info["state"] != bar.state:
        return None
    return {"info": record.info, "data": artifact.value, "updated": record.updated.isoformat()}


class _Pulse:
    """What the ticker knows of a widget, for as long as there is something to send, or a bar to follow."""

    def __init__(self, widget: ProgressWidget) -> None:
        self._widget = weakref.ref(widget)

    def tick(self, moment: float) -> None:
        """See `ticker.Member`."""
        widget = self._widget()
        if widget is None:
            ticker.remove(self)
            return
        follows = widget._bar is not None and widget._follow(widget._bar)
        if moment >= widget._due:
            widget._send_waiting()
            if not follows:
                ticker.remove(self)
                if widget._waiting:
                    ticker.add(self)
