"""The sidebar of a folder that is sent to an API: others' artifacts live, what is not sent, and a key that is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api.conftest import stop_server
from playwright.sync_api import Browser, expect
from server.conftest import start

from browser.conftest import _context
from browser.lab import Lab
from browser.server import JupyterServer

KEEP = "import nb_artifacts as nba\nnba.create({!r}, key={!r}, description={!r})"


class Sent(JupyterServer):
    """A Jupyter server that sends to an API; `address` and `key` are set before it starts."""

    address = key = ""

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"NB_ARTIFACTS_API_URL": self.address, "NB_ARTIFACTS_API_KEY": self.key}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[object]:
    (tmp_path / "api").mkdir()
    started = start(tmp_path / "api")
    yield started
    if started.process.poll() is None:
        stop_server(started)


@pytest.fixture
def sent_lab(tmp_path: Path, chromium: Browser, api: object, request: pytest.FixtureRequest) -> Iterator[Lab]:
    Sent.address = f"http://127.0.0.1:{api.port}/api"  # type: ignore[attr-defined]
    Sent.key = getattr(request, "param", api.token)  # type: ignore[attr-defined]
    server = Sent(tmp_path / "jupyter")
    opened = Lab(_context(chromium), server)
    yield opened
    opened.context.close()
    server.stop()


def elsewhere(lab: Lab, folder: Path, code: str) -> None:
    """Run code as another machine would: with a folder of its own."""
    here = lab.server.env["NB_ARTIFACTS_HOME"]
    lab.server.env["NB_ARTIFACTS_HOME"] = str(folder)
    lab.server.python(f"{code}\nnba.sync()")
    lab.server.env["NB_ARTIFACTS_HOME"] = here


def test_what_others_publish_appears_and_what_is_not_sent_is_said(sent_lab: Lab, api: object, tmp_path: Path) -> None:
    lab = sent_lab.open_lab()
    panel = lab.show_panel()
    mark = panel.locator(".jp-nba-sync")
    expect(mark).to_contain_text("Also at 127.0.0.1")
    elsewhere(lab, tmp_path / "desk", KEEP.format("# From afar", "theirs", "Made on another machine"))
    expect(lab.row("theirs")).to_contain_text("v1")
    lab.server.python(KEEP.format("# Mine", "mine", "Made here"))
    expect(lab.row("mine")).to_contain_text("v1")
    page = lab.open_artifact(key="theirs")
    expect(page).to_contain_text("From afar")

    stop_server(api)
    lab.server.python(KEEP.format("# Mine again", "mine", "While the server is away"))
    expect(lab.row("mine")).to_contain_text("pending")
    expect(mark).to_contain_text("1 not sent")
    expect(mark).to_contain_text("unreachable for")
    mark.get_by_role("button", name="Retry").click()
    expect(mark.get_by_role("button", name="Retry")).to_be_enabled()
    expect(page).to_contain_text("From afar")
    lab.both_themes("sync-away", lambda: expect(mark).to_be_visible())
    lab.page.set_viewport_size({"width": 360, "height": 740})
    lab.screenshot("sync-away-narrow")
    assert lab.foreign == []


@pytest.mark.parametrize("sent_lab", ["nba_a-key-of-nobody"], indirect=True)
def test_a_refused_key_is_a_banner(sent_lab: Lab) -> None:
    lab = sent_lab.open_lab()
    lab.server.python(KEEP.format("# Mine", "mine", ""))
    panel = lab.show_panel()
    banner = panel.get_by_role("alert")
    expect(banner).to_contain_text("does not take the key")
    expect(banner).to_contain_text("NB_ARTIFACTS_API_KEY")
    expect(lab.row("mine")).to_contain_text("pending")
    expect(panel).not_to_contain_text("nba_a-key-of-nobody")
    lab.both_themes("sync-denied", lambda: expect(banner).to_be_visible())
    lab.assert_quiet()
