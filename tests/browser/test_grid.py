"""The grid on a stand-alone server, with a table of a million rows: few rows in the page, every row within reach."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from server.conftest import start, stop_server

pytestmark = pytest.mark.browser

ROWS = 1_000_000
MAKE = f"""
import numpy as np, pandas as pd
import nb_artifacts as nba
n = {ROWS}
rows = np.arange(n)
frame = pd.DataFrame({{
    "carrier": pd.Categorical.from_codes(rows % 3, ["UA", "B6", "EV"]),
    "row": rows,
    "delay": np.where(rows % 10 == 0, np.nan, (rows % 1000) / 4),
    "big": 2**60 + rows,
    "at": pd.date_range("2013-01-01", periods=n, freq="s"),
    "note": np.where(rows == 7, "a long remark " * 20, "ok"),
}})
nba.create_table_artifact(frame, key="million")
wide = pd.DataFrame({{f"c{{n}}": range(30) for n in range(1000)}})
nba.create_table_artifact(wide, key="wide")
small = pd.DataFrame({{"carrier": ["EV", "OO", "XX"], "delay": [19.8, 12.5, 0.0]}})
nba.create_table_artifact(small, key="small")
small = pd.DataFrame({{"carrier": ["EV", "OO", "ZZ"], "delay": [19.9, 12.5, 3.0]}})
nba.create_table_artifact(small, key="small")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("grid"))
    subprocess.run([sys.executable, "-c", MAKE], env={**os.environ, "NB_ARTIFACTS_HOME": str(server.home)}, check=True)
    yield server
    stop_server(server)


@pytest.fixture
def page(chromium: Browser, server: Any):
    context = chromium.new_context(
        viewport={"width": 1200, "height": 800}, permissions=["clipboard-read", "clipboard-write"], reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.fill("#key", server.token)
    page.click("button[type=submit]")
    page.wait_for_selector(".nba-entry")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def opened(page: Page, key: str) -> None:
    page.click(f".nba-entry:has(.nba-key:text-is('{key}'))")
    expect(page.locator(f"[data-nba-key={key}] [role=grid]")).to_be_visible()


def cell(page: Page, row: int, column: int) -> Any:
    """A cell by its place in the table, from 1 on."""
    return page.locator(f"[role=row][aria-rowindex='{row + 1}'] > [role=gridcell][aria-colindex='{column}']")


def drawn(page: Page) -> int:
    return page.locator("[role=grid] [role=row]").count()


def menu(page: Page, name: str) -> None:
    page.hover(f"[role=columnheader][data-field={name}]")
    page.click(f"[role=columnheader][data-field={name}] .jp-nba-more")


def test_the_last_row_of_a_million_is_within_reach(page):
    opened(page, "million")
    grid = page.locator("[role=grid]")
    assert (grid.get_attribute("aria-rowcount"), grid.get_attribute("aria-colcount")) == (str(ROWS + 1), "6")
    cell(page, 1, 2).click()
    page.keyboard.press("Control+End")
    expect(cell(page, ROWS, 6)).to_be_focused()
    expect(cell(page, ROWS, 2)).to_have_text("999,999")
    expect(cell(page, ROWS, 4)).to_have_text(str(2**60 + ROWS - 1))
    assert drawn(page) < 200
    # the scroll bar goes in proportion, the wheel row by row
    page.locator(".jp-nba-grid-box").evaluate("box => { box.scrollTop = box.scrollHeight / 2 }")
    middle = page.locator("[role=gridcell][aria-colindex='2']").nth(20)
    expect(middle).to_have_text(re.compile(r"^[45]\d\d,\d{3}$"))
    before = int(middle.inner_text().replace(",", ""))
    page.mouse.move(600, 400)
    page.mouse.wheel(0, 240)
    page.wait_for_timeout(400)
    expect(cell(page, before + 1, 2)).to_have_count(1)
    assert drawn(page) < 200


def test_rows_are_sorted_filtered_and_found_by_the_server(page):
    opened(page, "million")
    size = page.locator(".jp-nba-size")
    expect(size).to_have_text("1,000,000 rows × 6 columns")
    page.click("[role=columnheader][data-field=row] .jp-nba-column")
    page.click("[role=columnheader][data-field=row] .jp-nba-column")
    expect(cell(page, 1, 2)).to_have_text("999,999")
    expect(page.locator("[role=columnheader][data-field=row]")).to_have_attribute("aria-sort", "descending")
    menu(page, "delay")
    expect(page.locator(".jp-nba-popover")).to_contain_text("100,000 null (10 %)")
    page.get_by_label("from").fill("249")
    expect(size).to_have_text("4,000 of 1,000,000 rows × 6 columns")
    page.keyboard.press("Escape")
    menu(page, "carrier")
    page.locator(".jp-nba-popover label", has_text="B6").click()
    expect(size).to_have_text("1,333 of 1,000,000 rows × 6 columns")
    page.keyboard.press("Escape")
    expect(page.locator(".jp-nba-chip")).to_have_text(["delay ≥ 249.00 ×", "carrier is B6 ×"])
    page.locator(".jp-nba-search-line").get_by_text("Clear").click()
    page.get_by_role("button", name="Search", exact=True).click()
    page.keyboard.type("long remark")
    expect(size).to_have_text("1 of 1,000,000 rows × 6 columns")
    expect(cell(page, 1, 2)).to_have_text("7")


def test_without_a_mouse(page):
    opened(page, "million")
    page.locator("[role=gridcell][tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "PageDown", "PageUp"):
        page.keyboard.press(key)
    expect(cell(page, 3, 2)).to_be_focused()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Control+c")
    expect(page.locator(".jp-nba-size")).to_have_text("Copied 2 × 2 cells")
    assert page.evaluate("navigator.clipboard.readText()") == "2\t0.5\n3\t0.75"
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowUp")
    expect(page.locator("[role=columnheader][data-field=carrier] .jp-nba-column")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_role("dialog", name="Column carrier")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[role=columnheader][data-field=carrier] .jp-nba-column")).to_be_focused()
    page.keyboard.press("ArrowDown")
    for _ in range(7):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-nba-detail pre")).to_have_text("a long remark " * 20)


def test_cells_marked_as_text_are_copied_with_tabs(page):
    opened(page, "small")
    first, last = cell(page, 1, 1).bounding_box(), cell(page, 2, 2).bounding_box()
    page.mouse.move(first["x"] + 4, first["y"] + 12)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] - 2, last["y"] + 12, steps=8)
    page.mouse.up()
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()") == "EV\t19.9\nOO\t12.5"


def test_a_view_is_saved_as_it_is_seen(page):
    opened(page, "million")
    menu(page, "row")
    page.get_by_label("to", exact=True).fill("2")
    expect(page.locator(".jp-nba-size")).to_have_text("3 of 1,000,000 rows × 6 columns")
    page.keyboard.press("Escape")
    for name in ("big", "at", "note", "carrier"):
        menu(page, name)
        page.get_by_role("button", name="Hide", exact=True).click()
    page.get_by_role("button", name="Save as").click()
    with page.expect_download() as saving:
        page.get_by_role("button", name="CSV").click()
    assert saving.value.suggested_filename == "million.csv"
    assert saving.value.path().read_text() == "row,delay\n0,\n1,0.25\n2,0.5\n"


def test_columns_out_of_sight_are_not_in_the_page(page):
    opened(page, "wide")
    expect(page.locator(".jp-nba-size")).to_have_text("30 rows × first 200 of 1,000 columns")
    assert page.locator("[role=row] > [role=gridcell]").count() < 2000
    page.get_by_role("button", name="Columns", exact=True).click()
    page.get_by_role("button", name="Fetch 800 more columns").click()
    expect(page.locator(".jp-nba-size")).to_have_text("30 rows × 1,000 columns")
    cell(page, 1, 1).click()
    page.keyboard.press("End")
    expect(page.locator("[role=columnheader][data-field=c999]")).to_be_visible()
    expect(cell(page, 1, 1000)).to_have_text("0")


def test_lines_of_every_so_many_rows(page):
    opened(page, "million")
    page.get_by_role("button", name="Chart").click()
    expect(page.locator(".jp-nba-chart canvas")).to_be_visible()
    expect(page.locator(".jp-nba-chart-line")).to_contain_text("every 500th of 1,000,000 rows")


def test_versions_are_compared(page):
    opened(page, "small")
    page.get_by_label("Compare with").select_option(index=1)
    signs = page.locator(".jp-nba-diff tbody .jp-nba-sign")
    expect(signs).to_have_text(["~", "−", "+"])
    expect(page.locator(".jp-nba-diff-head")).to_have_text("v1 → v2")
    page.get_by_role("button", name="carrier (guessed)").click()
    page.get_by_role("checkbox", name="delay").check()
    page.get_by_label("Numbers may differ by").fill("0.5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="carrier, delay")).to_be_focused()
    expect(signs).to_have_text(["−", "+", "−", "+"])


@pytest.mark.parametrize("width", [240, 360])
def test_a_narrow_page_does_not_scroll_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    opened(page, "million")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    menu(page, "carrier")
    box = page.locator(".jp-nba-popover").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
