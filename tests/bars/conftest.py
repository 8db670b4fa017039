"""A folder of its own for each test, and words for what bars leave there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nb_artifacts import config, core
from nb_artifacts.bars import keeper


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder; bars that a test leaves behind are settled in it."""
    monkeypatch.setenv(config.HOME, str(tmp_path / "home"))
    yield tmp_path / "home"
    keeper.settle_all()


@pytest.fixture
def infos(home):
    """What a key's versions say, oldest first."""

    def find(key):
        return [core.read(record).info for record in core.history(key)][::-1]

    return find


@pytest.fixture
def said(infos):
    """State and count of a key's versions, oldest first."""
    return lambda key: [(info.state, info.done) for info in infos(key)]


@pytest.fixture
def script(home, tmp_path):
    """Run a script in a process of its own; what it printed."""

    def run(code, *, check=True, **env):
        path = tmp_path / "script.py"
        path.write_text(code)
        done = subprocess.run(
            [sys.executable, path],
            capture_output=True,
            text=True,
            timeout=100,
            env={**os.environ, **env},
            cwd=Path(__file__).parents[2],
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run
