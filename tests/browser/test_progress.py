"""Progress outlives the page: reload without saving, a second browser, closing and opening, a dead kernel."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from browser.cells import LOAD
from browser.film import Film
from browser.lab import Lab
from browser.server import JupyterServer

GATED = """
import pathlib, time
def days():
    gate = pathlib.Path("{name}-gate")
    for day in range(100):
        while int(gate.read_text()) < day:
            time.sleep(0.02)
        yield day
"""

LOOP = """
for day in nba.track(days(), key="{name}", total=100):
    pass
"""


@pytest.fixture
def other_lab(chromium: Browser, server: JupyterServer) -> Iterator[Lab]:
    """A second browser: it shares nothing with the first but the server."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    yield Lab(context, server)
    context.close()


class Loop:
    """A cell whose loop goes on as far as the test lets it."""

    def __init__(self, server: JupyterServer, name: str, code: str = LOOP) -> None:
        self.server, self.name = server, name
        self.to(0)
        self.path = server.write_notebook(f"{name}.ipynb", [LOAD + GATED.format(name=name), code.strip().format(name=name)])

    def to(self, step: int) -> None:
        """Let it do so many of 100 steps."""
        new = self.server.work / f"{self.name}-gate.new"
        new.write_text(str(step))
        new.replace(self.server.work / f"{self.name}-gate")


def bar(lab: Lab, loop: Loop) -> Locator:
    return lab.cards(f'[data-nba-key="{loop.name}"]').locator('[role="progressbar"]').first


def restored(lab: Lab) -> list[dict[str, Any]]:
    return [output for output in lab.outputs() if output.get("metadata", {}).get("nb_artifacts", {}).get("restored")]


def plain(output: dict[str, Any]) -> str:
    text = output["data"]["text/plain"]
    return text if isinstance(text, str) else "".join(text)


def test_a_reload_without_saving_loses_nothing(lab: Lab, server: JupyterServer) -> None:
    film = Film(lab)
    loop = Loop(server, "nightly-load")
    lab.open_lab()
    lab.command("application:toggle-left-area")
    lab.open_notebook(loop.path)
    lab.start_all()
    for step in (0, 8, 15, 22, 30):
        loop.to(step)
        expect(bar(lab, loop)).to_have_attribute("aria-valuenow", str(step))
        film.take()

    film.take(words="reload", pause=900)  # before it: a page that is being replaced cannot always be pictured
    lab.reload()
    assert lab.outputs() == []
    expect(lab.page.locator(".jp-nba-lost")).to_have_count(1)
    for step in (38, 47, 55, 64, 73, 82, 91):
        loop.to(step)
        expect(bar(lab, loop)).to_have_attribute("aria-valuenow", str(step))
        film.take()
    loop.to(100)
    lab.until(lambda: restored(lab))
    _finished_once(lab, loop)
    film.take(pause=2500)
    film.save("reload")

    lab.save()
    lab.reload()
    _finished_once(lab, loop)
    lab.assert_quiet()


def _finished_once(lab: Lab, loop: Loop) -> None:
    """The bar is in the document once, put back with its end, and nothing else shows it."""
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "100")
    expect(lab.page.locator(".jp-nba-lost")).to_have_count(0)
    [output] = lab.outputs()
    assert restored(lab) == [output]
    assert "100 % · finished in" in plain(output)
    expect(lab.cards()).to_have_count(1)


def test_a_second_browser_and_a_reopened_notebook_see_the_same(lab: Lab, other_lab: Lab, server: JupyterServer) -> None:
    loop = Loop(server, "seen-twice")
    lab.open_lab()
    lab.open_notebook(loop.path)
    lab.start_all()
    loop.to(20)
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "20")

    other_lab.open_lab()
    other_lab.open_notebook(loop.path)
    expect(bar(other_lab, loop)).to_have_attribute("aria-valuenow", "20")
    loop.to(40)
    expect(bar(other_lab, loop)).to_have_attribute("aria-valuenow", "40")
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "40")

    lab.page.goto("about:blank")
    lab.open_lab()
    lab.open_notebook(loop.path)
    loop.to(60)
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "60")
    assert lab.outputs() == other_lab.outputs() == []

    loop.to(100)
    for each in (lab, other_lab):
        each.until(lambda each=each: restored(each))
        _finished_once(each, loop)
    lab.save()
    other_lab.page.goto("about:blank")
    other_lab.open_lab()
    other_lab.open_notebook(loop.path)
    _finished_once(other_lab, loop)
    lab.assert_quiet()
    other_lab.assert_quiet()


def test_what_was_cleared_by_hand_stays_away(lab: Lab, server: JupyterServer) -> None:
    loop = Loop(server, "cleared")
    loop.to(100)
    lab.open_lab()
    lab.open_notebook(loop.path)
    lab.run_all()
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "100")
    lab.command("notebook:clear-all-cell-outputs")
    assert lab.outputs() == []
    lab.save()
    with lab.page.expect_response(lambda response: "/runs/filter" in response.url):
        lab.reload()
    lab.page.evaluate("() => new Promise(resolve => requestIdleCallback(() => resolve(true)))")
    assert lab.outputs() == []
    assert lab.cards().count() == 0


def test_a_document_that_changed_on_disk_is_not_written(lab: Lab, server: JupyterServer) -> None:
    loop = Loop(server, "changed-on-disk")
    lab.open_lab()
    lab.open_notebook(loop.path)
    lab.start_all()
    loop.to(30)
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "30")
    lab.reload()
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "30")
    later = time.time() + 60
    os.utime(server.work / loop.path, (later, later))
    loop.to(100)
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "100")
    expect(lab.page.locator(".jp-nba-lost-words")).to_contain_text("Not in this notebook yet")
    assert lab.outputs() == []


STEPS = """
with nba.progress(total=3, key="pipeline", unit="parts") as whole:
    with whole.step("read") as part:
        part.update(1)
    for day in nba.track(days(), total=100, description="fit"):
        pass
"""


def test_what_runs_is_told_in_the_status_bar_the_sessions_and_the_title(empty_lab: Lab, empty_server: JupyterServer) -> None:
    lab, server = empty_lab, empty_server  # where nothing else runs
    loop = Loop(server, "told", STEPS)
    lab.open_lab()
    lab.open_notebook(loop.path)
    lab.start_all()
    loop.to(30)
    item = lab.page.get_by_role("button", name=re.compile(r"bars? running")).first
    expect(item).to_be_visible()
    lab.until(lambda: lab.page.title().startswith("▶ 33 % "))
    expect(lab.cards('[data-nba-key="pipeline"]').locator(".jp-nba-step")).to_have_count(2)
    item.click()
    expect(lab.page.locator(".jp-nba-running li")).to_contain_text("pipeline")
    lab.both_themes("progress-running")
    lab.page.keyboard.press("Escape")
    lab.page.get_by_role("tab", name="Running Terminals and Kernels").click()
    expect(lab.page.locator("#jp-running-sessions")).to_contain_text("pipeline")
    loop.to(100)
    lab.until(lambda: "▶" not in lab.page.title())
    expect(item).to_be_hidden()
    lab.assert_quiet()


def test_a_killed_kernel_leaves_interrupted_everywhere(lab: Lab, server: JupyterServer) -> None:
    loop = Loop(server, "killed")
    lab.open_lab()
    lab.show_panel()
    lab.open_notebook(loop.path)
    lab.start_all()
    loop.to(43)
    expect(bar(lab, loop)).to_have_attribute("aria-valuenow", "43")
    os.kill(_writer(server, "killed"), signal.SIGKILL)
    words = "interrupted at 43 % · kernel died"
    expect(lab.cards('[data-nba-key="killed"]')).to_contain_text(words, timeout=5_000)
    expect(lab.row("killed")).to_contain_text(words)
    listed = server.python("import sys; sys.argv[1:] = ['ls']; from nb_artifacts.cli import main; main()")
    assert words in listed
    lab.until(lambda: words in "".join(plain(output) for output in lab.outputs()))
    lab.page.get_by_role("button", name="Ok", exact=True).click()
    lab.both_themes("progress-killed")
    lab.assert_quiet()


def _writer(server: JupyterServer, key: str) -> int:
    """The process that writes a bar."""
    return int(server.python(f"import nb_artifacts as nba; print(nba.Artifact.get('{key}')._record.info['pid'])"))


THIRTY = """
for number in range(30):
    nba.create_progress_artifact(50, key=f"many-{number}")
"""


def test_thirty_outputs_in_two_tabs_open_one_stream(lab: Lab, server: JupyterServer) -> None:
    cells = [LOAD, *(THIRTY.replace("range(30)", f"range({start}, {start + 10})") for start in (0, 10, 20))]
    path = server.write_notebook("thirty.ipynb", cells)
    lab.open_lab()
    lab.open_notebook(path)
    lab.run_all()
    lab.save()
    expect(lab.cards()).to_have_count(30)
    second = Lab(lab.context, server)
    second.page.goto(server.url("lab/workspaces/second"))
    second.reload()
    second.open_notebook(path)
    expect(second.cards()).to_have_count(30)
    streams = [each for each in lab.requests if each.endswith("nb-artifacts/api/events")]
    assert len(streams) == 1
    server.python("import nb_artifacts as nba; nba.update_progress_artifact(nba.Artifact.get('many-7').id, 75)")
    for each in (lab, second):
        expect(each.cards('[data-nba-key="many-7"]').locator('[role="progressbar"]')).to_have_attribute("aria-valuenow", "75")
    assert len([each for each in lab.requests if each.endswith("nb-artifacts/api/events")]) == 1
