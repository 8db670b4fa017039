from __future__ import annotations

import pytest

from nb_artifacts import live


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder of artifacts of the test's own; tables that it leaves behind are ended in it."""
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    live._end_all()
