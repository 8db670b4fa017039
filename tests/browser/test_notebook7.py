"""The same wheel in Notebook 7: outputs, sidebar and pages in its side areas."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.cells import EACH, TYPES
from browser.lab import Lab
from browser.server import JupyterServer
from browser.test_progress import Loop, bar, plain, restored


def test_notebook7_shows_outputs_sidebar_and_page(lab: Lab, server: JupyterServer) -> None:
    path = server.write_notebook("seven.ipynb", EACH)
    lab.open_notebook7(path)
    lab.run_all()
    for name in TYPES:
        expect(lab.cards(f'[data-nba-type="{name}"]').first).to_be_attached()

    _show_artifacts(lab)
    expect(lab.row("each-table")).to_be_visible()
    lab.row("each-table").click()
    page = lab.page.locator(".jp-nba-page:visible")
    expect(page.get_by_role("grid")).to_contain_text("54,173")
    lab.screenshot("notebook7")
    lab.row("each-markdown").click()
    expect(lab.page.locator(".jp-nba-page:visible .jp-nba-body")).to_contain_text("Delays fell by")
    lab.assert_quiet()


def test_notebook7_brings_back_what_a_reload_lost(lab: Lab, server: JupyterServer) -> None:
    loop = Loop(server, "seven-load")
    lab.open_notebook7(loop.path)
    lab.start_all()
    loop.to(30)
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "30")
    lab.open_notebook7(loop.path)
    assert lab.outputs() == []
    loop.to(60)
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "60")
    expect(lab.page.locator(".jp-nba-lost")).to_have_count(1)
    lab.screenshot("notebook7-reload")
    loop.to(100)
    lab.until(lambda: restored(lab))
    expect(lab.page.locator(".jp-nba-lost")).to_have_count(0)
    [output] = lab.outputs()
    assert "100 % · finished in" in plain(output)
    lab.save()
    lab.open_notebook7(loop.path)
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "100")
    assert lab.outputs() == [output]
    lab.assert_quiet()


def _show_artifacts(lab: Lab) -> None:
    """As a person does it: View, Left Sidebar, Show Artifacts."""
    items = lab.page.locator(".lm-Menu-item:visible")
    lab.page.get_by_role("menubar").get_by_text("View", exact=True).click()
    items.filter(has_text="Left Sidebar").hover()
    items.filter(has_text="Show Artifacts").click()
