"""A live table in JupyterLab: it follows with its chart, outlives a reload, and the saved notebook has its end."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from browser.lab import Lab
from browser.server import JupyterServer
from browser.test_progress import Loop, plain, restored

RUN = """
with nba.live_table("{name}", description="Learning rate 0.1") as table:
    for epoch in days():
        table.append(epoch=epoch, loss=2.7 ** (-epoch / 20), accuracy=1 - 2 ** (-epoch / 9))
"""


def grid(lab: Lab, loop: Loop) -> Locator:
    return lab.cards(f'[data-nba-key="{loop.name}"]').get_by_role("grid").first


def rows(lab: Lab, loop: Loop, least: int) -> None:
    """Wait until so many rows, and the head, are there."""
    expect(grid(lab, loop)).to_be_visible()
    lab.until(lambda: int(grid(lab, loop).get_attribute("aria-rowcount") or 0) > least, polls=400)


def test_a_live_table_follows_outlives_a_reload_and_ends_true(lab: Lab, server: JupyterServer) -> None:
    loop = Loop(server, "training", RUN)
    lab.open_lab()
    lab.command("application:toggle-left-area")
    lab.open_notebook(loop.path)
    lab.start_all()
    loop.to(10)
    rows(lab, loop, 10)
    card = lab.cards(f'[data-nba-key="{loop.name}"]').first
    card.get_by_role("button", name="Chart").click()
    chart = card.get_by_role("region", name="Chart")
    drawn = chart.locator("canvas")
    expect(drawn).to_have_attribute("aria-label", re.compile("loss, accuracy|loss and accuracy"))
    before = drawn.screenshot()
    loop.to(60)
    rows(lab, loop, 60)
    lab.until(lambda: drawn.screenshot() != before)
    lab.both_themes("live-table")
    lab.theme("JupyterLab Light")
    lab.screenshot("live-table-cell", of=lab.page.locator(".jp-Notebook .jp-Cell").last)

    lab.reload()
    assert lab.outputs() == []
    rows(lab, loop, 60)
    loop.to(80)
    rows(lab, loop, 80)
    loop.to(100)
    lab.until(lambda: restored(lab), polls=400)
    [output] = lab.outputs()
    assert "100 rows" in plain(output) and "running" not in plain(output)
    lab.assert_quiet()
