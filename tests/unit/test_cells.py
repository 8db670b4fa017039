import sys

import pytest

from nb_artifacts import cells


@pytest.fixture(autouse=True)
def no_notebook(monkeypatch):
    for name in ("JPY_SESSION_NAME", "JPY_PARENT_PID", "NB_ARTIFACTS_SERVER_PID"):
        monkeypatch.delenv(name, raising=False)


def test_the_sessions_name_is_the_notebook(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/analysis.ipynb")
    assert cells.notebook_path() == "/home/me/analysis.ipynb"
    monkeypatch.setenv("JPY_PARENT_PID", "10")
    assert cells.notebook_path() == "/home/me/analysis.ipynb"
    monkeypatch.setenv("NB_ARTIFACTS_SERVER_PID", "10")
    assert cells.notebook_path() == "/home/me/analysis.ipynb"


def test_a_name_that_came_down_from_another_notebook_does_not_count(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/analysis.ipynb")
    monkeypatch.setenv("JPY_PARENT_PID", "11")
    monkeypatch.setenv("NB_ARTIFACTS_SERVER_PID", "10")
    assert cells.notebook_path() != "/home/me/analysis.ipynb"


def test_a_script_has_its_path_and_standard_input_none(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "job.py"), raising=False)
    assert cells.notebook_path() == str(tmp_path / "job.py")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "<stdin>")
    assert cells.notebook_path() is None


def test_outside_a_shell_no_cell_runs():
    assert cells.current() is None
    assert cells.kernel_id() is None
