"""The notebooks run in a real kernel, keep what they say, and stay small and true when saved."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import nb_artifacts as nba
from nb_artifacts.wire import MIME

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
KEPT = {
    "flights-report": "markdown", "flights-by-carrier": "table", "delay-by-hour": "image", "flights-source": "link",
    "flights-months": "progress", "punctual-by-month": "table", "delay-model": "display", "flights-by-carrier-copy": "table",
}  # fmt: skip


def executed(name, place):
    """A notebook after it ran in an empty folder of artifacts, elsewhere than it lies; its artifacts can be read meanwhile."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NB_ARTIFACTS_HOME", str(place / "home"))
        patch.setenv("IPYTHONDIR", str(place / "ipython"))
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.delenv("NB_ARTIFACTS_FROM_SERVER", raising=False)
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
        nbformat.write(notebook, place / f"{name}.ipynb")
        yield notebook
        assert sorted(path.name for path in place.iterdir()) == ["home", "ipython", f"{name}.ipynb"]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    yield from executed("quickstart", tmp_path_factory.mktemp("quickstart"))


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    yield from executed("tables", tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    yield from executed("training", tmp_path_factory.mktemp("training"))


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def html(notebook):
    return HTMLExporter().from_notebook_node(notebook)[0]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_committed_notebook_is_clean(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.outputs, cell.execution_count) == ([], None)
        assert not cell.metadata


def test_the_quickstart_keeps_each_type_once_more_for_the_table(quickstart):
    assert {one.key: one.type for one in map(nba.Artifact.get, KEPT)} == KEPT
    assert set(KEPT.values()) == {"markdown", "table", "image", "link", "progress", "display"}
    assert nba.status().keys == len(KEPT)
    assert [one.version for one in nba.Artifact.history("flights-by-carrier")] == [2, 1]
    assert "groupby" in nba.Artifact.get("flights-by-carrier", version=1).source


def test_dtypes_that_json_would_lose_come_back(quickstart):
    frame = nba.Artifact.get("flights-by-carrier").to_pandas()
    kinds = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert (kinds["carrier"], kinds["worst_arrival"]) == ("category", "Int16")
    assert kinds["first_departure"].endswith(", UTC]")
    assert frame["flights"].sum() == 336_776
    assert nba.Artifact.get("flights-by-carrier-copy").to_pandas().equals(nba.Artifact.get("flights-by-carrier", 1).to_pandas())


def test_another_process_read_them_all(quickstart):
    said = "".join(output.text for output in outputs(quickstart) if output.output_type == "stream")
    copied, equal = re.search(r"copied by process (\d+)", said), re.search(r"equal, says process (\d+)", said)
    assert copied and equal and copied[1] != equal[1]
    for key in list(KEPT)[:5]:
        assert re.search(rf"^{key} +{KEPT[key]} ", said, re.MULTILINE)


def test_no_output_is_an_error_or_a_warning(quickstart):
    assert [output for output in outputs(quickstart) if output.output_type == "error" or output.get("name") == "stderr"] == []


def test_every_artifact_is_shown_once_and_small(quickstart):
    shown = [output for output in outputs(quickstart) if MIME in output.get("data", {})]
    assert [output.data[MIME]["key"] for output in shown] == [*list(KEPT)[:7], "flights-by-carrier"]
    for output in shown:
        assert len(json.dumps(output, indent=1)) <= 32 * 1024
        assert {"text/html", "text/plain"} <= set(output.data)


def test_html_without_a_kernel_tells_the_truth(quickstart):
    page = html(quickstart)
    for words in (
        "336,776 flights", "Hawaiian Airlines Inc.", 'href="https://www.transtats.bts.gov/"', 'aria-valuenow="100"',
        'data-nba-key="delay-by-hour"', "datetime64", "flights-by-carrier v2",
    ):  # fmt: skip
        assert words in page, words
    cards = re.findall(r'data-nba-type="image".*?</div>\s*</div>', page, re.DOTALL)
    assert len(cards) == 1 and re.search(r'<img [^>]*src="data:image/', cards[0])
    assert "<script" not in "".join(output.data.get("text/html", "") for output in outputs(quickstart) if "data" in output)


def in_words(notebook, cell):
    """What a cell printed, and the plain text of what it showed."""
    found = next(one for one in notebook.cells if one.id == cell)
    return "\n".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in found.outputs)


def small_and_quiet(notebook):
    for output in outputs(notebook):
        assert output.output_type != "error" and output.get("name") != "stderr", output
        assert len(json.dumps(output, indent=1)) <= 32 * 1024
        assert "<script" not in output.get("data", {}).get("text/html", "")


def test_tables_have_versions_that_say_what_changed(tables):
    small_and_quiet(tables)
    assert "1 row added · 15 rows changed" in in_words(tables, "show-diff")
    assert "Rows are matched by carrier (guessed)." in in_words(tables, "show-diff")
    assert "new: OO" in in_words(tables, "use-diff") and "HA: 11.8 → 4.9 minutes" in in_words(tables, "use-diff")
    assert re.search(r"^flights +15 ", in_words(tables, "cli"), re.MULTILINE) and "9E,18460" in in_words(tables, "cli")
    assert [one.version for one in nba.Artifact.history("carrier-delays")] == [2, 1]


def test_parts_of_a_large_table_are_read_with_their_dtypes(tables):
    said = in_words(tables, "read-part")
    assert re.search(r"carrier +category", said) and re.search(r"time_hour +datetime64", said)
    assert "1301" in said
    assert in_words(tables, "round-trip") == "336776"


def test_frames_are_shown_and_not_kept(tables):
    assert "12 rows" in in_words(tables, "show-frames")
    assert nba.status().artifacts == 3


def test_a_live_table_is_a_version_a_run(training):
    small_and_quiet(training)
    first, second = (nba.Artifact.get("digits-training", version) for version in (1, 2))
    assert (first.description, second.description) == ("Learning rate 0.01", "Learning rate 0.1")
    for run in (first, second):
        frame = run.to_pandas()
        assert frame["epoch"].tolist() == list(range(40)) and frame["test_accuracy"].iloc[-1] > 0.9
        assert run.payload.info.live.state == "finished"
    shown = [output for output in outputs(training) if MIME in output.get("data", {})]
    assert [output.data[MIME]["key"] for output in shown].count("digits-training") == 2
    assert "the last 10 shown" in next(o for o in shown if o.data[MIME]["key"] == "digits-training").data["text/html"]


def test_versions_of_the_quality_show_what_was_repaired(training):
    said = in_words(training, "quality-diff")
    assert "4 rows changed · 4 rows the same" in said and "Rows are matched by line (the index)." in said
    assert "144 → 0" in said


def test_what_failed_is_kept_with_all_its_rows(training):
    assert in_words(training, "failed").startswith("failed · FloatingPointError: the weight is inf after 6 steps · 6 rows")


def run_notebook(name, place, patch):
    """A notebook after it ran in an empty folder of artifacts, and all that it printed."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    for variable in ("NB_ARTIFACTS_FROM_SERVER", "NB_ARTIFACTS_API_URL", "NB_ARTIFACTS_API_KEY", "PREFECT_API_URL"):
        patch.delenv(variable, raising=False)
    patch.setenv("NB_ARTIFACTS_HOME", str(place / "home"))
    patch.setenv("IPYTHONDIR", str(place / "ipython"))
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
    assert [output for output in outputs(notebook) if output.output_type == "error" or output.get("name") == "stderr"] == []
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs(notebook))


def test_two_machines_share_keys_through_a_server_that_goes_and_comes(tmp_path, monkeypatch):
    said = run_notebook("sync", tmp_path, monkeypatch)
    for words in (
        "<TableArtifact flights-by-carrier@1> True", "Nothing was sent.", "'carrier': 'category'",
        "kept  <TableArtifact flights-by-carrier@2>", "<TableArtifact flights-by-carrier@pending>", "1 not sent",
        "1 warning: ", "<TableArtifact flights-by-carrier@3> True", "(3, 3) The three largest", "1 older one kept here",
    ):  # fmt: skip
        assert words in said, words
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "ipython"]


def test_a_prefect_server_shows_what_is_kept_and_is_read(tmp_path, monkeypatch, prefect_python):
    monkeypatch.setenv("PATH", os.pathsep.join([str(prefect_python.parent), os.environ["PATH"]]))
    said = run_notebook("prefect", tmp_path, monkeypatch)
    for words in (
        "set: None", "all sent", "carriers        table", "flights-source  markdown  [The source]", "0.443", "All went well",
        "late-by-carrier",
    ):  # fmt: skip
        assert words in said, words
