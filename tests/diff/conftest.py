from __future__ import annotations

import pytest

import nb_artifacts as nba


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder of artifacts of the test's own."""
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def diff():
    """What changed between two values kept as artifacts."""

    def compare(before, after, type=None, **options):
        first, second = (nba.create(value, "compared", type=type) for value in (before, after))
        return first.diff(second, **options)

    return compare
