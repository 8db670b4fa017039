"""Front ends without our extension: widgets in a page that has only ipywidgets' manager, as in VS Code, and a real kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anywidget
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.lab import SHOTS
from browser.server import ROOT, JupyterServer

LABEXTENSION = ROOT / "labextension"
PAGE = """<!doctype html><html lang="en"><title>Elsewhere</title>
<style>body {{ font: 14px system-ui, sans-serif; color-scheme: light dark; {theme} }}</style>"""
DARK = "background: #1e1e1e; color: #ccc; --jp-content-font-color1: #ccc; --jp-content-font-color2: #aaa; --jp-border-color3: #444;"
"""As VS Code tells widgets of its theme."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The front end's script and styles, and anywidget's module as pip installed it."""
    place = tmp_path_factory.mktemp("frontend")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    node = shutil.which("node", path=path)
    assert node, "node is not on the path: run `make test`, which installs it"
    subprocess.run([node, "tests/frontend/build.mjs", place], cwd=LABEXTENSION, check=True)
    shutil.copy(Path(anywidget.__file__).parent / "nbextension" / "index.js", place / "anywidget.js")
    return place


class Elsewhere:
    """A page of the other front end, with a kernel of its own."""

    def __init__(self, page: Page, server: JupyterServer, built: Path, theme: str = "") -> None:
        self.page = page
        self.problems: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self._note(request.url, server.base))
        page.route(f"{server.base}elsewhere/anywidget.js", lambda route: route.fulfill(path=built / "anywidget.js"))
        page.goto(f"{server.base}login")  # any page of the server, for its origin
        page.set_content(PAGE.format(theme=theme))
        page.add_style_tag(path=built / "frontend.css")
        page.add_script_tag(path=built / "frontend.js")
        page.evaluate("async ([base, token]) => { window.run = await start(base, token); }", [server.base, server.token])
        self.run("import ipywidgets, time, nb_artifacts as nba\nfrom IPython.display import display")

    def _note(self, url: str, base: str) -> None:
        if not url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:")):
            self.foreign.append(url)

    def run(self, code: str) -> None:
        """Run a cell to its end."""
        assert self.page.evaluate("code => window.run(code)", code) == "ok", self.page.inner_text("body")

    def start(self, code: str) -> None:
        """Begin a cell."""
        self.page.evaluate("code => { void window.run(code); }", code)

    def bars(self) -> Locator:
        return self.page.get_by_role("progressbar")


@pytest.fixture
def elsewhere(chromium: Browser, server: JupyterServer, built: Path) -> Iterator[Elsewhere]:
    context = chromium.new_context(viewport={"width": 720, "height": 420}, reduced_motion="reduce")
    yield Elsewhere(context.new_page(), server, built)
    context.close()
    server.stop_kernels()


def test_a_progress_widget_lives(elsewhere: Elsewhere) -> None:
    elsewhere.run(
        "bar = nba.ProgressWidget(40, max=80, description='Load')\ndisplay(ipywidgets.HBox([bar, ipywidgets.Label('beside')]))"
    )
    shown = elsewhere.bars()
    expect(shown).to_have_attribute("aria-valuenow", "50")
    expect(shown).to_have_attribute("aria-label", "Load")
    expect(elsewhere.page.locator(".jp-nba-widget")).to_contain_text("Load")
    expect(elsewhere.page.locator(".jp-nba-widget")).to_contain_text("50 % · 40 of 80")
    elsewhere.run("bar.value = 60")
    expect(shown).to_have_attribute("aria-valuenow", "75")
    elsewhere.run("bar.max = None")
    expect(shown).not_to_have_attribute("aria-valuenow", "75")
    elsewhere.run(
        "bar.max, bar.value, bar.bar_style, bar.description = 100, 100, 'success', '<img src=x onerror=\"window.bad=1\">'"
    )
    expect(shown).to_have_attribute("aria-valuenow", "100")
    expect(elsewhere.page.locator(".jp-nba-widget")).to_have_attribute("data-style", "success")
    assert elsewhere.page.evaluate("window.bad") is None
    assert (elsewhere.problems, elsewhere.foreign) == ([], [])


FOLLOWS = """
with nba.progress(total=4, key="followed-elsewhere", unit="files", display=False) as whole:
    display(nba.ProgressWidget(bar=whole, description="Files"))
    with whole.step("read", total=10) as part:
        part.update(5)
        input_from_test()
        part.update(5)
    whole.update(1)
    whole.message("nearly there")
    input_from_test()
    whole.update(2)
"""


def test_it_shows_what_the_cards_show_of_a_bar(elsewhere: Elsewhere, server: JupyterServer) -> None:
    gate = server.work / "gate"
    elsewhere.run(
        "import pathlib\ndef input_from_test():\n    gate = pathlib.Path('gate')\n"
        "    while not gate.exists(): time.sleep(0.02)\n    gate.unlink()"
    )
    elsewhere.start(FOLLOWS)
    widget = elsewhere.page.locator(".jp-nba-widget")
    expect(widget).to_contain_text("0 % · 0 of 4 files")
    expect(widget.locator(".jp-nba-step")).to_contain_text("read · 50 % · 5 of 10")
    gate.touch()
    expect(widget).to_contain_text("50 % · 2 of 4 files · nearly there")
    expect(widget.locator(".jp-nba-step")).to_contain_text("finished")
    SHOTS.mkdir(exist_ok=True)
    elsewhere.page.screenshot(path=SHOTS / "widget-elsewhere.png")
    gate.touch()
    expect(widget).to_contain_text("finished in")
    assert (elsewhere.problems, elsewhere.foreign) == ([], [])


def test_it_is_readable_on_a_dark_page(chromium: Browser, server: JupyterServer, built: Path) -> None:
    context = chromium.new_context(viewport={"width": 720, "height": 200}, color_scheme="dark")
    dark = Elsewhere(context.new_page(), server, built, DARK)
    dark.run("display(nba.ProgressWidget(30, description='Load'), nba.ProgressWidget(80, bar_style='warning', text='slow'))")
    words = dark.page.locator(".jp-nba-progress-state").last
    expect(words).to_have_text("80 % · 80 of 100 · slow")
    assert words.evaluate("node => getComputedStyle(node).color") == "rgb(204, 204, 204)"
    dark.page.screenshot(path=SHOTS / "widget-elsewhere-dark.png")
    context.close()
    server.stop_kernels()


def test_outputs_without_the_extension_tell_how_it_ended(elsewhere: Elsewhere) -> None:
    elsewhere.run("for day in nba.track(range(7), 'static-elsewhere'): pass")
    expect(elsewhere.bars()).to_have_attribute("aria-valuenow", "100")
    expect(elsewhere.page.locator(".output")).to_contain_text("100 % · finished in")
    assert (elsewhere.problems, elsewhere.foreign) == ([], [])


def test_a_table_widget_is_the_grid_and_its_rows_come_from_the_kernel(elsewhere: Elsewhere) -> None:
    elsewhere.run(
        "import numpy as np, pandas as pd\n"
        "frame = pd.DataFrame({'n': range(200_000), 'name': [f'row {n % 7}' for n in range(200_000)], 'x': np.arange(200_000) / 2})\n"
        "kept = nba.create(frame, 'grid-elsewhere', display=False)\ndisplay(nba.widget(kept))"
    )
    grid = elsewhere.page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", "200001")
    first = grid.get_by_role("gridcell").first
    expect(first).to_have_text("0")
    for _ in range(2):
        grid.get_by_role("columnheader", name="n", exact=False).first.get_by_text("n", exact=True).click()
    expect(first).to_contain_text("199")
    SHOTS.mkdir(exist_ok=True)
    elsewhere.page.screenshot(path=SHOTS / "table-widget-elsewhere.png")
    assert (elsewhere.problems, elsewhere.foreign) == ([], [])


def test_a_table_widget_follows_a_live_table(elsewhere: Elsewhere) -> None:
    elsewhere.run(
        "table = nba.live_table('live-elsewhere', display=False)\ntable.append(step=0, loss=1.0)\ndisplay(nba.widget('live-elsewhere'))"
    )
    grid = elsewhere.page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", "2")
    elsewhere.run("for step in range(1, 30): table.append(step=step, loss=1 / (step + 1))\ntable.finish()")
    expect(grid).to_have_attribute("aria-rowcount", "31", timeout=15_000)
    assert (elsewhere.problems, elsewhere.foreign) == ([], [])


def test_frames_without_the_extension_are_grids_or_static_html(elsewhere: Elsewhere) -> None:
    elsewhere.run(
        "import pandas as pd\nfrom IPython import get_ipython\nget_ipython().run_line_magic('load_ext', 'nb_artifacts')"
    )
    elsewhere.run("get_ipython().run_line_magic('artifact', 'on')\ndisplay(pd.DataFrame({'n': range(5000)}))")
    expect(elsewhere.page.locator(".output").last).to_contain_text("5,000 rows × 1 column")
    elsewhere.run("get_ipython().run_line_magic('artifact', 'on --widgets')\ndisplay(pd.DataFrame({'n': range(4000)}))")
    expect(elsewhere.page.get_by_role("grid")).to_have_attribute("aria-rowcount", "4001")
    assert (elsewhere.problems, elsewhere.foreign) == ([], [])
