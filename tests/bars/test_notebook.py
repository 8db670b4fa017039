"""The notebook about progress runs in a real kernel, and what it leaves is true."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import nb_artifacts as nba
from nb_artifacts.wire import MIME

STATES = {
    "worst-delay": "finished", "routes": "finished", "nightly-load": "finished", "punctual": "finished",
    "first-late-flight": "stopped", "names": "finished",
}  # fmt: skip


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    place = tmp_path_factory.mktemp("progress")
    notebook = nbformat.read(Path(__file__).parents[2] / "notebooks" / "progress.ipynb", as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NB_ARTIFACTS_HOME", str(place / "home"))
        patch.setenv("IPYTHONDIR", str(place / "ipython"))
        patch.delenv("NB_ARTIFACTS_FROM_SERVER", raising=False)
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
        yield notebook


def shown(notebook):
    return [
        output.data
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if MIME in output.get("data", {})
    ]


def test_every_bar_ended_as_the_story_says(notebook):
    infos = {key: nba.Artifact.get(key).payload.info for key in STATES}
    assert {key: info.state for key, info in infos.items()} == STATES
    assert [one.payload.info.done for one in nba.Artifact.history("worst-delay")] == [365, 365]
    assert (infos["routes"].done, [step.name for step in infos["routes"].steps]) == (12, ["month 10", "month 11", "month 12"])
    steps = infos["nightly-load"].steps
    assert [(step.name, step.done, step.state) for step in steps] == [
        ("read", 336_776, "finished"), ("check", 3, "finished"), ("report", 0, "finished"),
    ]  # fmt: skip
    assert infos["nightly-load"].message == "16 carriers"
    assert (infos["punctual"].done, infos["names"].done) == (12, 16)
    assert 0 < infos["first-late-flight"].done < infos["first-late-flight"].total


def test_the_saved_notebook_says_so_too(notebook):
    data = shown(notebook)
    assert [one[MIME]["key"] for one in data] == ["worst-delay", "worst-delay", *list(STATES)[1:]]
    for one in data:
        assert ("100 % · finished in" in one["text/plain"]) == (STATES[one[MIME]["key"]] == "finished")
        assert len(json.dumps(one)) < 8000
    page = HTMLExporter().from_notebook_node(notebook)[0]
    assert page.count('aria-valuenow="100"') >= 6 and "stopped at 0 %" in page
    assert "✓ read · 100 % · finished" in page


def test_nothing_went_wrong_on_the_way(notebook):
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
