"""Outputs of cells: seen when made, after a reload, without a kernel, while a cell still runs, and as plain HTML."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.cells import EACH, LOAD, TRUTHS, TYPES
from browser.lab import Lab
from browser.server import JupyterServer


def _see_each(lab: Lab) -> None:
    for name in TYPES:
        card = lab.cards(f'[data-nba-key="each-{name}"]')
        expect(card).to_have_count(1)
        lab.reveal(card)
        expect(card).to_have_attribute("data-nba-type", name)
        expect(card.locator(".jp-nba-body")).to_contain_text(_live_truth(name))
    lab.assert_live()
    picture = lab.cards('[data-nba-key="each-image"]').locator("img")
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 100


def _live_truth(name: str) -> str:
    return {"table": "54,173", "image": "", "progress": "3 done"}.get(name, TRUTHS[name])


def test_each_type_is_seen_when_run_after_a_reload_and_without_a_kernel(lab: Lab, server: JupyterServer) -> None:
    path = server.write_notebook("each.ipynb", EACH)
    lab.open_lab()
    lab.open_notebook(path)
    lab.run_all()
    assert lab.errors() == []
    _see_each(lab)
    expect(lab.cards('[data-nba-key=""]')).to_have_count(1)
    lab.save()
    lab.screenshot("outputs-light")

    lab.reload()
    _see_each(lab)

    server.stop_kernels()
    lab.open_lab()
    lab.open_notebook(path)
    _see_each(lab)
    lab.assert_quiet()


def test_a_saved_notebook_as_html_shows_what_was_true(lab: Lab, server: JupyterServer) -> None:
    path = server.write_notebook("static.ipynb", EACH)
    lab.open_lab()
    lab.open_notebook(path)
    lab.run_all()
    lab.save()
    lab.page.goto(server.export(path).as_uri())
    for name, truth in TRUTHS.items():
        output = lab.page.locator(".jp-OutputArea-output", has_text=f"each-{name}").first
        expect(output).to_contain_text(truth)
    assert lab.page.locator(".jp-OutputArea-output img[src^='data:image/']").count() == 1
    lab.screenshot("static-html")
    lab.assert_quiet()


RUNNING = """
import pathlib, time
def steps():
    for step in range(4):
        while not pathlib.Path(f"step-{step}").exists():
            time.sleep(0.02)
        yield step
for step in nba.track(steps(), key="survivor", total=4):
    time.sleep(0.11)
"""


def test_a_bar_follows_its_loop_through_a_reload(lab: Lab, server: JupyterServer) -> None:
    path = server.write_notebook("running.ipynb", [LOAD, RUNNING])
    lab.open_lab()
    lab.open_notebook(path)
    lab.start_all()
    bar = lab.cards('[data-nba-key="survivor"]').locator('[role="progressbar"]')
    expect(bar).to_have_attribute("aria-valuenow", "0")
    (server.work / "step-0").touch()
    (server.work / "step-1").touch()
    expect(bar).not_to_have_attribute("aria-valuenow", "0")
    lab.save()

    lab.reload()
    expect(bar).not_to_have_attribute("aria-valuenow", "100")
    (server.work / "step-2").touch()
    (server.work / "step-3").touch()
    expect(bar).to_have_attribute("aria-valuenow", "100")
    lab.assert_quiet()
