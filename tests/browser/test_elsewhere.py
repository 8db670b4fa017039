"""A notebook that came from somewhere else: its references name another store, or artifacts that nobody knows."""

from __future__ import annotations

import uuid

import nbformat
import pytest
from playwright.sync_api import expect

from browser.lab import Lab
from browser.server import JupyterServer

MIME = "application/vnd.nb-artifacts.v1+json"
SAID = "<table><thead><tr><th>carrier</th></tr></thead><tbody><tr><td>as it was saved</td></tr></tbody></table>"


def _notebook(*references: object) -> nbformat.NotebookNode:
    outputs = [
        nbformat.v4.new_output("display_data", {MIME: reference, "text/html": SAID, "text/plain": "as it was"})
        for reference in references
    ]
    cell = nbformat.v4.new_code_cell("made_elsewhere()", outputs=outputs, execution_count=1)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})


@pytest.mark.parametrize("trusted", [False, True])
def test_what_is_not_in_this_store_shows_its_saved_copy(lab: Lab, server: JupyterServer, trusted: bool) -> None:
    here = server.python('import nb_artifacts as nba\nprint(nba.create_markdown_artifact("only here", key="not-theirs"))')
    notebook = _notebook(
        {"id": str(uuid.uuid4()), "store": "another", "type": "table", "key": "gone", "title": "1 row × 1 column"},
        {"id": here, "store": "another", "type": "table", "key": "theirs"},
        {"id": "../../../../lab", "store": "x", "type": "table", "key": "no-id"},
        {"id": here, "store": f"//{here}", "type": {"a": 1}, "key": ["x"], "url": "https://elsewhere.invalid/a"},
        "no reference at all",
    )
    path = server.save_notebook(f"elsewhere-{trusted}.ipynb", notebook, trusted=trusted)
    lab.open_lab()
    lab.open_notebook(path)
    saved = lab.page.locator(".jp-OutputArea-output .jp-nba-saved")
    expect(saved).to_have_count(5)
    for copy in saved.all():
        expect(copy).to_contain_text("as it was saved")
        expect(copy).to_contain_text("not in this store")
    expect(lab.page.locator(".jp-Notebook")).not_to_contain_text("only here")
    assert not [asked for asked in lab.requests if "elsewhere.invalid" in asked or asked.endswith("/lab/blob")]
    lab.screenshot(f"elsewhere-{'trusted' if trusted else 'untrusted'}")
    lab.assert_quiet()


def test_an_unknown_id_opens_a_page_that_says_so(lab: Lab) -> None:
    lab.open_lab()
    page = lab.open_artifact(id=str(uuid.uuid4()))
    expect(page).to_contain_text("no longer here")
    lab.assert_quiet()
