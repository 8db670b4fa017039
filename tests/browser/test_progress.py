"""Progress outlives the page: reload without saving, a second browser, closing and opening, a dead kernel."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.cells import LOAD
from browser.lab import Lab
from browser.server import JupyterServer

GATED = """
import pathlib, time
def steps():
    for step in range(100):
        while not pathlib.Path("{name}-gate").exists() or int(pathlib.Path("{name}-gate").read_text() or 0) < step:
            time.sleep(0.02)
        yield step
for step in nba.track(steps(), key="{name}", total=100):
    pass
"""


class Loop:
    """A cell whose loop goes on as far as the test lets it."""

    def __init__(self, server: JupyterServer, name: str) -> None:
        self.server, self.name = server, name
        self.to(0)
        self.path = server.write_notebook(f"{name}.ipynb", [LOAD, GATED.format(name=name)])

    def to(self, step: int) -> None:
        """Let it do so many of 100 steps."""
        new = self.server.work / f"{self.name}-gate.new"
        new.write_text(str(step))
        new.replace(self.server.work / f"{self.name}-gate")


def bar(lab: Lab, name: str):
    return lab.cards(f'[data-nba-key="{name}"]').locator('[role="progressbar"]').first


def restored(lab: Lab) -> list[dict]:
    return [output for output in lab.outputs() if output.get("metadata", {}).get("nb_artifacts", {}).get("restored")]


def plain(output: dict) -> str:
    text = output["data"]["text/plain"]
    return text if isinstance(text, str) else "".join(text)


def test_a_reload_without_saving_loses_nothing(lab: Lab, server: JupyterServer) -> None:
    loop = Loop(server, "reloaded")
    lab.open_lab()
    lab.open_notebook(loop.path)
    lab.start_all()
    expect(bar(lab, loop.name)).to_have_attribute("aria-valuenow", "0")
    loop.to(20)
    expect(bar(lab, loop.name)).to_have_attribute("aria-valuenow", "20")

    lab.reload()
    assert lab.outputs() == []
    expect(lab.page.locator(".jp-nba-lost")).to_have_count(1)
    expect(bar(lab, loop.name)).to_have_attribute("aria-valuenow", "20")
    loop.to(60)
    expect(bar(lab, loop.name)).to_have_attribute("aria-valuenow", "60")
    loop.to(100)
    lab.until(lambda: len(restored(lab)) == 1)
    [output] = lab.outputs()
    assert "100 % · finished in" in plain(output)
    expect(lab.page.locator(".jp-nba-lost")).to_have_count(0)
    expect(bar(lab, loop.name)).to_have_attribute("aria-valuenow", "100")
    assert lab.cards().count() == 1

    lab.save()
    lab.reload()
    expect(bar(lab, loop.name)).to_have_attribute("aria-valuenow", "100")
    assert lab.cards().count() == 1
    assert len(lab.outputs()) == 1
    lab.assert_quiet()
