"""What made an artifact: notebook, cell, source, versions, git; as much of it as the level allows.

`full` keeps it all, `names` keeps relative names, ids and hashes but no source, user, host or versions, `off` nothing.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nb_artifacts import cells, config
from nb_artifacts.process import this_process
from nb_artifacts.redact import redact
from nb_artifacts.wire import Git, Provenance

if TYPE_CHECKING:
    from nb_artifacts.cells import Cell

MAX_SOURCE = 100_000
"""Characters of a cell's source that are kept."""


def of_session() -> Provenance:
    """What stays the same for the life of this process. The writer's identity is there at every level."""
    level, writer = config.provenance_level(), this_process()
    found = Provenance(
        host=writer.host, pid=writer.pid, boot_id=writer.boot_id, process_started=writer.started, kernel_id=cells.kernel_id()
    )
    if level != "off":
        found.notebook = _shown_path(level)
    if level == "full":
        found.user = _user()
        found.python = platform.python_version()
        found.packages = loaded_packages()
    return found


def of_cell(cell: Cell) -> Provenance:
    """What belongs to one execution of a cell."""
    level = config.provenance_level()
    found = Provenance(execution_count=cell.number, kernel_id=cells.kernel_id())
    if level != "off":
        found.notebook = _shown_path(level)
        found.cell_id = cell.cell_id
        found.source_sha256 = hashlib.sha256(cell.source.encode("utf-8", "replace")).hexdigest()
    if level == "full":
        clean = cell.source.encode("utf-8", "replace").decode("utf-8")
        found.source = redact(clean)[:MAX_SOURCE]
    return found


def _shown_path(level: str) -> str | None:
    path = cells.notebook_path()
    return Path(path).name if path and level == "names" else path


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None


def loaded_packages() -> dict[str, str]:
    """Versions of the packages loaded by now, by module name; nothing is imported to find out."""
    found = {}
    for name, module in sorted(sys.modules.copy().items()):  # other threads import meanwhile
        if "." in name or name.startswith("_") or name in sys.stdlib_module_names:
            continue
        version = getattr(module, "__dict__", {}).get("__version__")
        if isinstance(version, str) and len(version) <= 64:
            found[name] = version
    return found


def git() -> Git | None:
    """The commit of the folder this process works in, or None outside a repository and where git is missing or slow."""
    try:
        head = _git("rev-parse", "HEAD", "--abbrev-ref", "HEAD").split()
        dirty = bool(_git("status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.SubprocessError):
        return None
    if len(head) != 2:
        return None
    return Git(commit=head[0], branch=head[1] if head[1] != "HEAD" else None, dirty=dirty)


def _git(*arguments: str) -> str:
    notebook = cells.notebook_path()
    folder = Path(notebook).parent if notebook else Path.cwd()
    done = subprocess.run(
        ["git", "-C", str(folder if folder.is_dir() else Path.cwd()), *arguments],
        capture_output=True, text=True, timeout=10, check=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )  # fmt: skip
    return done.stdout
