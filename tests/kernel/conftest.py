"""Kernels for the tests of this folder."""

from __future__ import annotations

import pytest
from kernelkit import Kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A kernel with the extension loaded, shared by the tests of a module; its folder is its own."""
    place = tmp_path_factory.mktemp("kernel")
    kernel = Kernel(place / "home", place)
    kernel.run("%load_ext nb_artifacts\nimport nb_artifacts as nba")
    yield kernel
    kernel.close()


@pytest.fixture
def fresh(tmp_path):
    """A kernel of one test's own, nothing loaded."""
    kernel = Kernel(tmp_path / "home", tmp_path)
    yield kernel
    kernel.close()
