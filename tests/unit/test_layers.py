"""Imports go one way; the contracts are in pyproject.toml."""

import subprocess
import sys
from pathlib import Path


def test_imports_go_one_way():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stdout
