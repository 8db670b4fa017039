"""One Jupyter server and one Chromium for all browser tests; a fresh tab for each.

Nothing here skips: without Chromium or the built labextension the tests fail and say what to do. The fixtures live as
long as this package, so that playwright's event loop is gone before other tests start their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from browser.chromium import program
from browser.lab import Lab
from browser.server import BUILT, JupyterServer

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
"""The last one keeps a request that should not happen on this machine; it is still counted."""


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    if not (BUILT / "package.json").exists():
        pytest.fail(f"{BUILT} is not built: run `npm install` and `npm run build` in labextension/.")
    started = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    yield started
    started.stop()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        expect.set_options(timeout=15_000)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A second server, whose folder no other test fills."""
    started = JupyterServer(tmp_path_factory.mktemp("empty"))
    yield started
    started.stop()


@pytest.fixture
def lab(chromium: Browser, server: JupyterServer) -> Iterator[Lab]:
    opened = Lab(_context(chromium), server)
    yield opened
    opened.context.close()
    server.stop_kernels()


@pytest.fixture
def empty_lab(chromium: Browser, empty_server: JupyterServer) -> Iterator[Lab]:
    opened = Lab(_context(chromium), empty_server)
    yield opened
    opened.context.close()


def _context(chromium: Browser) -> BrowserContext:
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    return context


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
