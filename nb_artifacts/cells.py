"""Which cell is running in this kernel.

Kept apart from `runs` so that ``%load_ext`` can watch cells without loading the wire or the store: a cell is written
down as a run only once it makes an artifact.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb_artifacts.config import SERVER_PID

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(eq=False)
class Cell:
    """One execution of one cell; also what is remembered for its length."""

    number: int | None
    """Execution count."""
    cell_id: str | None
    """The notebook's id of the cell; headless runners send none."""
    source: str
    started: datetime
    at_end: list[Callable[[BaseException | None], None]] = field(default_factory=list)
    """Called once when the cell is over, with the exception that ended it or None."""
    shown: dict[str, Any] = field(default_factory=dict)
    """Artifacts that have an output in this cell (see `display.Outputs`)."""


class _Watch:
    """The current cell of one shell, from IPython's events."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.cell: Cell | None = None
        self.is_new = True
        """Whether no cell has begun or ended since: one may have been running already."""
        shell.events.register("pre_run_cell", self.start)
        shell.events.register("post_run_cell", self.end)

    def start(self, info: Any) -> None:
        self.is_new = False
        self.cell = Cell(
            number=_number(self.shell) if info.store_history else None,
            cell_id=getattr(info, "cell_id", None),
            source=info.raw_cell or "",
            started=datetime.now(timezone.utc),
        )

    def end(self, result: Any) -> None:
        cell, self.cell, self.is_new = self.cell, None, False
        for callback in cell.at_end if cell else ():
            callback(result.error_before_exec or result.error_in_exec)

    def close(self) -> None:
        for event, callback in (("pre_run_cell", self.start), ("post_run_cell", self.end)):
            if callback in self.shell.events.callbacks[event]:
                self.shell.events.unregister(event, callback)


_watch: _Watch | None = None


def shell() -> Any | None:
    """The running IPython shell, or None; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    get = getattr(ipython, "get_ipython", None)
    return get() if get else None


def kernel_shell() -> Any | None:
    """The shell of a Jupyter kernel, or None in a terminal or a script."""
    ours = shell()
    return ours if ours is not None and getattr(ours, "kernel", None) is not None else None


def watch(ours: Any) -> None:
    """Follow the cells of a shell from now on."""
    global _watch  # noqa: PLW0603 (one shell a process: IPython's own rule)
    if _watch is None or _watch.shell is not ours:
        unwatch()
        _watch = _Watch(ours)


def unwatch() -> None:
    """Take our callbacks off the shell again."""
    global _watch  # noqa: PLW0603 (as in `watch`)
    if _watch is not None:
        _watch.close()
        _watch = None


def current() -> Cell | None:
    """The cell that is running, or None outside a shell and between cells."""
    ours = shell()
    if ours is None:
        return None
    watch(ours)
    assert _watch is not None
    if _watch.is_new:
        _watch.is_new = False
        _watch.cell = _running(ours)
    return _watch.cell


def _number(ours: Any) -> int:
    """The running cell's number: what ``Out[…]`` will say. IPython counts up before the cell or after it, by version."""
    return int(ours.displayhook.prompt_count)


def _running(ours: Any) -> Cell | None:
    """The cell that was already running when we began to watch, from what the shell and the kernel's message say."""
    history = ours.history_manager.input_hist_raw
    message = _message(ours)
    started = message.get("header", {}).get("date")
    return Cell(
        number=_number(ours),
        cell_id=message.get("metadata", {}).get("cellId"),
        source=history[-1] if len(history) > 1 else "",
        started=started if isinstance(started, datetime) else datetime.now(timezone.utc),
    )


def _message(ours: Any) -> dict[str, Any]:
    get_parent = getattr(ours, "get_parent", None)
    try:
        return dict(get_parent()) if get_parent else {}
    except LookupError:
        return {}


def notebook_path() -> str | None:
    """The notebook or script this process runs: the Jupyter session's name, VS Code's variable, or the script's path."""
    session = os.environ.get("JPY_SESSION_NAME")
    if session and not _is_inherited():
        return session
    ours = shell()
    if ours is not None:
        named = ours.user_ns.get("__vsc_ipynb_file__") or ours.user_ns.get("__session__")
        return str(named) if named else None
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return str(Path(script).absolute()) if script and not script.startswith("<") else None


def _is_inherited() -> bool:
    """Whether the session's name came down from a notebook that started this kernel (nbclient in a cell, say)."""
    server, parent = os.environ.get(SERVER_PID), os.environ.get("JPY_PARENT_PID")
    return server is not None and parent is not None and server != parent


def kernel_id() -> str | None:
    """The id in the name of this kernel's connection file (``kernel-<id>.json``), or None."""
    ours = kernel_shell()
    file = getattr(getattr(ours, "kernel", None), "config", {}).get("IPKernelApp", {}).get("connection_file")
    if not file:
        parent = getattr(getattr(ours, "kernel", None), "parent", None)
        file = getattr(parent, "connection_file", None)
    name = Path(str(file)).stem if file else ""
    return name.removeprefix("kernel-") or None
