"""The sidebar and the pages of artifacts."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from browser.cells import EACH
from browser.lab import Lab
from browser.server import JupyterServer

FOLLOWED = """
import sys
import nb_artifacts as nba
first = nba.create_markdown_artifact("before", key="follow-earlier")
bar = nba.create_progress_artifact(10, key="follow-bar", description="Loading *everything*")
print("made", flush=True)
for line in sys.stdin:
    nba.update_progress_artifact(bar, float(line))
    print("moved", flush=True)
nba.create_markdown_artifact("after", key="follow-later")
"""


def test_the_sidebar_follows_another_process_in_place(lab: Lab, server: JupyterServer) -> None:
    lab.open_lab()
    lab.show_panel()
    assert server.call("api/kernels") == []

    writer = server.spawn(FOLLOWED)
    assert writer.stdin and writer.stdout
    writer.stdout.readline()
    lab.until(lambda: lab.rows()[:2] == ["follow-bar", "follow-earlier"])
    row = lab.row("follow-bar")
    row.evaluate("element => element.dataset.seen = 'yes'")
    bar = row.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "10")

    for percent in (35, 80):
        writer.stdin.write(f"{percent}\n")
        writer.stdin.flush()
        writer.stdout.readline()
        lab.until(lambda percent=percent: bar.get_attribute("aria-valuenow") == str(percent))
        assert lab.rows()[:2] == ["follow-bar", "follow-earlier"]
    assert row.get_attribute("data-seen") == "yes", "the row was moved, not made anew"
    expect(row).to_contain_text("80 %")

    writer.stdin.close()
    lab.until(lambda: lab.rows()[0] == "follow-later")
    writer.wait()
    lab.assert_quiet()


STILL = 'import nb_artifacts as nba\nfor i in range({}, {}):\n    nba.create_markdown_artifact("x", key=f"still-{{i}}")'


def test_nothing_moves_under_a_pointer_at_work(lab: Lab, server: JupyterServer) -> None:
    server.python(STILL.format(0, 3))
    lab.open_lab()
    lab.show_panel()
    lab.until(lambda: lab.rows()[:3] == ["still-2", "still-1", "still-0"])
    lab.row("still-1").hover()
    waiting = lab.page.locator(".jp-nba-new")
    server.python(STILL.format(3, 5) + '\nnba.create_markdown_artifact("y", key="still-0")')
    lab.page.mouse.move(120, 300)  # the process took longer than a pointer may rest
    lab.until(lambda: "still-4" in lab.rows() or waiting.is_visible())
    lab.row("still-1").hover()
    server.python(STILL.format(5, 6))
    lab.page.mouse.move(400, 400)
    lab.until(lambda: lab.rows()[:3] == ["still-5", "still-0", "still-4"])
    lab.assert_quiet()


VERSIONS = """
import nb_artifacts as nba
for number in range(1, 4):
    nba.create_markdown_artifact(f"# Report\\n\\nnumber {number}", key="paged-report", description=f"The *{number}.* one")
nba.create_link_artifact("https://example.org", "elsewhere", key="paged-link", description="a needle in the hay")
"""


def test_text_and_type_filter_the_list(lab: Lab, server: JupyterServer) -> None:
    server.python(VERSIONS)
    lab.open_lab()
    panel = lab.show_panel()
    expect(lab.row("paged-link")).to_be_visible()
    box = panel.get_by_role("searchbox")
    panel.get_by_role("listbox").press("/")
    expect(box).to_be_focused()
    box.fill("NEEDLE")
    lab.until(lambda: lab.rows() == ["paged-link"])
    box.fill("paged-")
    lab.until(lambda: sorted(lab.rows()) == ["paged-link", "paged-report"])
    panel.get_by_role("button", name="Links").click()
    lab.until(lambda: lab.rows() == ["paged-link"])
    box.fill("no such thing")
    expect(panel).to_contain_text("No artifact matches")
    lab.screenshot("panel-no-match")
    panel.get_by_role("button", name="Show all").click()
    expect(lab.row("paged-report")).to_be_visible()
    lab.assert_quiet()


def test_keyboard_alone_opens_an_artifact(lab: Lab, server: JupyterServer) -> None:
    server.python(VERSIONS)
    lab.open_lab()
    panel = lab.show_panel()
    panel.get_by_role("searchbox").fill("paged")
    expect(lab.row("paged-report")).to_be_visible()
    panel.get_by_role("searchbox").press("ArrowDown")
    lab.page.keyboard.press("End")
    expect(lab.row("paged-report")).to_have_attribute("aria-selected", "true")
    lab.page.keyboard.press("Enter")
    expect(lab.page.locator('.jp-nba-page:visible [data-nba-key="paged-report"]').first).to_be_visible()


def test_a_page_shows_the_versions_and_follows_the_newest(lab: Lab, server: JupyterServer) -> None:
    server.python(VERSIONS)
    lab.open_lab()
    lab.show_panel()
    lab.row("paged-report").click()
    page = lab.page.locator(".jp-nba-page:visible")
    expect(page.locator(".jp-nba-body")).to_contain_text("number 3")
    expect(page).to_contain_text("follows live")
    expect(page.locator(".jp-nba-page-description em")).to_have_text("3.")

    versions = page.get_by_role("navigation", name="Versions")
    first = versions.get_by_role("button").first
    first.click()
    expect(page.locator(".jp-nba-body")).to_contain_text("number 1")
    expect(first).to_have_attribute("aria-current", "true")
    first.press("ArrowRight")
    expect(page.locator(".jp-nba-body")).to_contain_text("number 2")

    shown = page.locator(".jp-nba-version").inner_text()
    server.python('import nb_artifacts as nba\nnba.create_markdown_artifact("number 99", key="paged-report")')
    expect(page.get_by_role("button", name="Go to latest")).to_be_visible()
    assert page.locator(".jp-nba-version").inner_text() == shown, "a chosen version stays"
    page.get_by_role("button", name="Go to latest").click()
    expect(page.locator(".jp-nba-body")).to_contain_text("number 99")
    server.python('import nb_artifacts as nba\nnba.create_markdown_artifact("number 100", key="paged-report")')
    expect(page.locator(".jp-nba-body")).to_contain_text("number 100")

    page.get_by_role("tab", name="Raw").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("number 100")
    lab.assert_quiet()


def test_the_run_lists_all_that_it_made(lab: Lab, server: JupyterServer) -> None:
    path = server.write_notebook("run.ipynb", EACH)
    lab.open_lab()
    lab.open_notebook(path)
    lab.run_all()
    page = lab.open_artifact(key="each-table")
    page.get_by_role("tab", name="Source").click()
    expect(page.get_by_role("tabpanel")).to_contain_text('pd.DataFrame({"carrier"')
    page.get_by_role("tab", name="Run").click()
    made = page.get_by_role("region", name="Everything this run made")
    expect(made.locator("[data-nba-id]")).to_have_count(7)
    expect(page.get_by_role("tabpanel")).to_contain_text("run.ipynb")
    lab.screenshot("page-run-light")
    made.get_by_text("Markdown without a key").click()
    keyless = lab.page.locator('.jp-nba-page:visible article[data-nba-key=""]')
    expect(keyless.locator(".jp-nba-body")).to_contain_text("A note without a key")
    lab.assert_quiet()


def test_deleting_asks_first_and_shows_what_is_left(lab: Lab, server: JupyterServer) -> None:
    server.python(
        "import nb_artifacts as nba\nfor n in (1, 2):\n    nba.create_markdown_artifact(f'version {n}', key='doomed')"
    )
    lab.open_lab()
    lab.show_panel()
    page = lab.open_artifact(key="doomed")
    expect(page.locator(".jp-nba-body")).to_contain_text("version 2")
    page.get_by_role("button", name="Delete").click()
    dialog = lab.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Delete version 2 of doomed?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator(".jp-nba-body")).to_contain_text("version 2")

    for left in ("version 1", None):
        page.get_by_role("button", name="Delete").click()
        dialog.get_by_role("button", name="Delete").click()
        if left:
            expect(page.locator(".jp-nba-body")).to_contain_text(left)
    expect(page).to_contain_text("no longer here")
    expect(lab.row("doomed")).to_have_count(0)
    lab.assert_quiet()


def test_an_empty_folder_says_how_to_begin_and_ten_thousand_keys_stay_light(empty_lab: Lab) -> None:
    empty_lab.open_lab()
    panel = empty_lab.show_panel()
    expect(panel).to_contain_text("Nothing kept yet")
    expect(panel).to_contain_text("%%artifact")
    empty_lab.both_themes("panel-empty")

    empty_lab.server.python(MANY)
    empty_lab.page.reload()
    expect(panel.get_by_role("button", name="All 10,000")).to_be_visible()
    assert len(empty_lab.rows()) < 100
    empty_lab.page.locator(".jp-nba-list").evaluate("list => { list.scrollTop = list.scrollHeight; }")
    expect(empty_lab.row("many-00000")).to_be_visible()
    assert len(empty_lab.rows()) < 100
    panel.get_by_role("searchbox").fill("many-0777")
    empty_lab.until(lambda: len(empty_lab.rows()) == 10)
    empty_lab.assert_quiet()


MANY = """
from nb_artifacts.config import folder
from nb_artifacts.store.sqlite import SqliteStore
from nb_artifacts.wire import Record, new_id, now
store = SqliteStore(folder(), durable=False)
for number in range(10_000):
    moment = now()
    store.put(Record(id=new_id(), created=moment, updated=moment, key=f"many-{number:05d}", type="markdown"))
"""


def test_trouble_is_said_and_goes_away(lab: Lab, server: JupyterServer) -> None:
    server.python('import nb_artifacts as nba\nnba.create_markdown_artifact("here", key="through-trouble")')
    lab.open_lab()
    _refuse(lab.page)
    lab.page.reload()
    panel = lab.show_panel()
    expect(panel).to_contain_text("cannot be read")
    expect(panel).to_contain_text("the disk is gone")
    lab.both_themes("panel-error")
    lab.page.unroute_all()
    panel.get_by_role("button", name="Retry").click()
    expect(lab.row("through-trouble")).to_be_visible()

    server.suspend()
    expect(panel).to_contain_text("does not answer")
    expect(lab.row("through-trouble")).to_be_visible()
    server.resume()
    # JupyterLab's own dialog may lie over the button, or the panel may have found its way back already
    panel.get_by_role("button", name="Retry").evaluate_all("buttons => buttons.forEach(button => button.click())")
    expect(panel).to_contain_text("Stored in your folder")


def _refuse(page: Page) -> None:
    body = json.dumps({"detail": "the disk is gone"})
    page.route(
        "**/nb-artifacts/api/artifacts/latest/filter*",
        lambda route: route.fulfill(
            status=500, body=body, headers={"X-NB-Artifacts-Store": "x", "Content-Type": "application/json"}
        ),
    )
