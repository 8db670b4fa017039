"""Notebooks told to newcomers, as a newcomer meets them: open, run, see, reload, see again, find in the sidebar."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from browser.cells import LOAD, TYPES
from browser.lab import Lab
from browser.server import ROOT, JupyterServer

MIME = "application/vnd.nb-artifacts.v1+json"
QUICKSTART = ROOT / "notebooks" / "quickstart.ipynb"
SEEN = ("link", "markdown", "progress", "image", "table")


@pytest.fixture(params=["short", *([QUICKSTART.stem] if QUICKSTART.exists() else [])])
def story(request: pytest.FixtureRequest, server: JupyterServer) -> str:
    if request.param == "short":
        return server.write_notebook("short.ipynb", [LOAD, *TYPES.values()])
    shutil.copy(QUICKSTART, server.work)
    return QUICKSTART.name


def _see(lab: Lab) -> None:
    for name in SEEN:
        card = lab.reveal(lab.cards(f'[data-nba-type="{name}"]').first)
        expect(card.locator(".jp-nba-body")).to_be_visible()
    lab.assert_live()


def test_a_story_is_run_seen_reloaded_and_followed(lab: Lab, server: JupyterServer, story: str) -> None:
    lab.open_lab()
    panel = lab.show_panel()
    lab.open_notebook(story)
    lab.run_all()
    assert lab.errors() == []
    _see(lab)
    lab.save()
    keys = {key for key in lab.cards().evaluate_all("cards => cards.map(card => card.dataset.nbaKey)") if key}
    lab.until(lambda: keys <= set(lab.rows()))
    _pictures(lab, Path(story).stem)

    lab.reload()
    _see(lab)

    other = server.write_notebook("other.ipynb", [LOAD, 'nba.create_markdown_artifact("from afar", key="from-afar")'])
    lab.show_panel()
    lab.open_notebook(other)
    lab.run_all()
    expect(lab.row("from-afar")).to_be_visible()
    expect(panel.get_by_role("option").first).to_have_attribute("data-nba-key", "from-afar")
    for made in nbformat.read(server.work / story, as_version=4).cells:
        ours = [output for output in made.get("outputs", []) if MIME in output.get("data", {})]
        assert all(len(json.dumps(output)) <= 32 * 1024 for output in ours)
    lab.assert_quiet()


def _pictures(lab: Lab, name: str) -> None:
    """The page's picture, for eyes and for the README."""
    lab.reveal(lab.cards('[data-nba-type="table"]').first)
    lab.both_themes(name)
