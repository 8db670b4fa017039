"""Keeps what a notebook's cell makes as artifacts: typed, versioned, shown live, found again by key.

``import nb_artifacts as nba`` or ``%load_ext nb_artifacts``. Names are loaded on first use, so the import costs
next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nb_artifacts.aio import (
        acreate,
        acreate_image_artifact,
        acreate_link_artifact,
        acreate_markdown_artifact,
        acreate_progress_artifact,
        acreate_table_artifact,
        aupdate_progress_artifact,
    )
    from nb_artifacts.artifacts import (
        Artifact,
        DisplayArtifact,
        ImageArtifact,
        LinkArtifact,
        MarkdownArtifact,
        ProgressArtifact,
        TableArtifact,
        create,
        create_image_artifact,
        create_link_artifact,
        create_markdown_artifact,
        create_progress_artifact,
        create_table_artifact,
        update_progress_artifact,
    )
    from nb_artifacts.bars import progress, track
    from nb_artifacts.config import configure
    from nb_artifacts.core import status
    from nb_artifacts.live import live_table
    from nb_artifacts.outbox import sync
    from nb_artifacts.runs import flow, run, task
    from nb_artifacts.widget_tables import TableWidget, widget
    from nb_artifacts.widgets import ProgressWidget

__version__: str

__all__ = [
    "Artifact",
    "DisplayArtifact",
    "ImageArtifact",
    "LinkArtifact",
    "MarkdownArtifact",
    "ProgressArtifact",
    "ProgressWidget",
    "TableArtifact",
    "TableWidget",
    "acreate",
    "acreate_image_artifact",
    "acreate_link_artifact",
    "acreate_markdown_artifact",
    "acreate_progress_artifact",
    "acreate_table_artifact",
    "aupdate_progress_artifact",
    "configure",
    "create",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "flow",
    "live_table",
    "progress",
    "run",
    "status",
    "sync",
    "task",
    "track",
    "update_progress_artifact",
    "widget",
]

_HOMES = {
    "ProgressWidget": "widgets",
    "TableWidget": "widget_tables",
    "widget": "widget_tables",
    "configure": "config",
    "flow": "runs",
    "run": "runs",
    "task": "runs",
    "status": "core",
    "sync": "outbox",
    "live_table": "live",
    "progress": "bars",
    "track": "bars",
}
"""Module of each public name that lies in none of the two usual ones."""


def __getattr__(name: str) -> Any:
    """Load a public name from its module, once."""
    from importlib import import_module, metadata

    if name == "__version__":
        found: Any = metadata.version("nb-artifacts")
    elif name in __all__:
        usual = "aio" if name.startswith(("acreate", "aupdate")) else "artifacts"
        found = getattr(import_module(f"{__name__}.{_HOMES.get(name, usual)}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return [*__all__, "__version__", "errors"]


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext nb_artifacts``: the magics, and the cells as they run."""
    from nb_artifacts.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext nb_artifacts``: the shell as it was."""
    from nb_artifacts.magics import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "nb-artifacts"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "nb_artifacts.jupyter"}]
