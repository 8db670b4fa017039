"""Tables in JupyterLab: the grid in a cell's output, the chart of a table that grows, and what changed between versions."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from browser.cells import LOAD
from browser.lab import Lab
from browser.server import JupyterServer

FLIGHTS = """import numpy as np
n = 50_000
rng = np.random.default_rng(1)
flights = pd.DataFrame({
    "carrier": pd.Categorical(rng.choice(["UA", "B6", "EV", "DL", "AA"], n, p=[0.3, 0.25, 0.2, 0.15, 0.1])),
    "flight": rng.integers(1, 9000, n), "departed": pd.date_range("2013-01-01 05:15", periods=n, freq="10min"),
    "delay": np.where(rng.random(n) < 0.06, np.nan, np.round(rng.gamma(1.2, 22, n) - 14, 1)),
    "dest": rng.choice(["LAX", "ATL", "ORD", "MCO"], n), "cancelled": rng.random(n) < 0.02,
})
nba.create_table_artifact(flights, key="grid-flights", description="Departures of 2013")"""

TRAINING = """import math, time
with nba.live_table("grid-training", every=0.1) as table:
    for epoch in range(1, 61):
        table.append(epoch=epoch, loss=math.exp(-epoch / 15), accuracy=1 - math.exp(-epoch / 9))
        time.sleep(0.02)"""

VERSIONS = """for late in (19.838, 19.955):
    rows = [{"carrier": "EV", "delay": late}, {"carrier": "UA", "delay": 12.1}]
    nba.create_table_artifact(rows, key="grid-versions", display=False)"""


def _card(lab: Lab, key: str) -> Locator:
    return lab.reveal(lab.cards(f'[data-nba-key="{key}"]'))


def test_a_table_in_a_cell_is_a_grid_that_keeps_its_keys_to_itself(lab: Lab, server: JupyterServer) -> None:
    lab.open_lab()
    lab.open_notebook(server.write_notebook("grid.ipynb", [LOAD, FLIGHTS]))
    lab.run_all()
    assert lab.errors() == []
    card = _card(lab, "grid-flights")
    expect(card.locator(".jp-nba-bars").first).to_be_visible()
    cell = card.locator("[role=gridcell]").first
    cell.click()
    for key in ("a", "d", "d", "x", "Control+End"):
        lab.page.keyboard.press(key)
    expect(card.locator("[role=row][aria-rowindex='50001'] > [role=gridcell]").last).to_be_focused()
    assert lab.page.locator(".jp-Notebook:visible .jp-CodeCell").count() == 2
    card.get_by_role("button", name="delay").first.click()
    expect(card.locator("[data-field=delay]")).to_have_attribute("aria-sort", "ascending")
    lab.page.keyboard.press("Control+Home")
    lab.both_themes("grid", lambda: lab.reveal(card))
    lab.assert_quiet()


def test_a_live_table_is_followed_by_its_chart(lab: Lab, server: JupyterServer) -> None:
    lab.open_lab()
    lab.open_notebook(server.write_notebook("training.ipynb", [LOAD, TRAINING]))
    lab.start_all()
    card = _card(lab, "grid-training")
    card.get_by_role("button", name="Chart").click()
    expect(card.locator(".jp-nba-chart canvas")).to_have_attribute("aria-label", "Lines of loss, accuracy across epoch")
    expect(card.locator(".jp-nba-size")).to_have_text("60 rows × 3 columns")
    expect(card.locator(".jp-nba-chart .u-legend")).to_contain_text("accuracy")
    assert lab.errors() == []
    lab.both_themes("grid-live", lambda: lab.reveal(card))
    lab.assert_quiet()


def test_versions_are_compared_on_the_page_of_a_key(lab: Lab, server: JupyterServer) -> None:
    lab.open_lab()
    lab.open_notebook(server.write_notebook("versions.ipynb", [LOAD, VERSIONS]))
    lab.run_all()
    assert lab.errors() == []
    page = lab.open_artifact(key="grid-versions")
    page.get_by_role("button", name="Compare with …").click()
    expect(page.get_by_role("tab", name="Changes")).to_have_attribute("aria-selected", "true")
    row = page.locator(".jp-nba-diff tr[data-change=changed]")
    expect(row).to_have_text(re.compile("~EV.*19.838 19.955"))
    lab.both_themes("changes")
    lab.assert_quiet()
