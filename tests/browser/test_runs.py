"""The page of a progress: what earlier runs of its key took, and how they went, in JupyterLab and stand-alone."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from server.conftest import start, stop_server

from browser.lab import SHOTS, Lab
from browser.server import JupyterServer

PAST = """
import datetime, math
from nb_artifacts import core
from nb_artifacts.types.progress import Progress, ProgressInfo

def went(minutes, sag, part=1.0):
    points = [(60 * minutes * part * n / 40, n / 40) for n in range(41)]
    return [(at, 365 * part * (x - sag * math.sin(math.pi * x) / 4)) for at, x in points]

now = datetime.datetime.now(datetime.timezone.utc)
for minutes, sag, state, part in [(14, .9, "finished", 1), (13.5, .2, "finished", 1), (20, 1.6, "failed", .43), (14.2, .5, "finished", 1)]:
    curve = went(minutes, sag, part)
    began = now - datetime.timedelta(minutes=30)
    core.keep(Progress(ProgressInfo(
        state=state, done=round(curve[-1][1]), total=365, unit="days", started=began,
        ended=began + datetime.timedelta(seconds=curve[-1][0]), curve=curve, error="ValueError: no day" if state == "failed" else None,
    )), "{key}")
curve = went(13, .4, .6)
began = now - datetime.timedelta(seconds=curve[-1][0])
core.keep(Progress(ProgressInfo(
    state="running", done=round(curve[-1][1]), total=365, unit="days", started=began, rate=0.47, usual=840, curve=curve,
)), "{key}")
"""


def _says_it_all(runs: Locator) -> None:
    expect(runs.locator("h3")).to_have_text("This run and earlier ones")
    done, speed = runs.get_by_role("img").all()
    expect(done).to_have_attribute("aria-label", "Done over time. this run: 60 % after 8 min; v4: 100 % after 14 min; "
        "v3: 43 % after 9 min; v2: 100 % after 14 min; v1: 100 % after 14 min")  # fmt: skip
    expect(speed).to_have_attribute(
        "aria-label", re.compile(r"^Speed over time. this run: 0.468 days/s on average after 8 min; v4: ")
    )
    rows = runs.get_by_role("table", name="What each run took").get_by_role("row")
    expect(rows).to_have_count(5)
    expect(rows.nth(1)).to_contain_text("14:12finished")
    expect(rows.nth(2)).to_contain_text("8:36failed at 43 %")


def test_the_page_in_jupyterlab_shows_earlier_runs(lab: Lab, server: JupyterServer) -> None:
    server.python(PAST.replace("{key}", "past-runs"))
    lab.open_lab()
    runs = lab.open_artifact(key="past-runs").get_by_role("region", name="Runs")
    _says_it_all(runs)
    lab.both_themes("progress-runs")
    lab.assert_quiet()


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[SimpleNamespace]:
    started = start(tmp_path)
    yield started
    stop_server(started)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_stand_alone_page_shows_them_too(chromium: Browser, standalone: SimpleNamespace, scheme: str) -> None:
    subprocess.run([sys.executable, "-c", PAST.replace("{key}", "past-runs")], env=standalone.env, check=True)
    context = chromium.new_context(viewport={"width": 420, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page: Page = context.new_page()
    page.goto(f"http://127.0.0.1:{standalone.port}/")
    page.fill("#key", standalone.token)
    page.click("button[type=submit]")
    page.click(".nba-entry:has-text('past-runs')")
    _says_it_all(page.get_by_role("region", name="Runs"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    page.screenshot(path=SHOTS / f"progress-runs-standalone-{scheme}.png", full_page=True)
    context.close()
