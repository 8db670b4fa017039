"""What a person does in JupyterLab, as methods; and what must never happen there, as lists that stay empty."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Error, Locator, Page, Request, expect

from browser.server import JupyterServer

SHOTS = Path(__file__).parent / "shots"

_NOISE = re.compile(
    r"Failed to load resource|Comm not found|favicon|preloaded using link preload|ResizeObserver loop|reading 'schema'"
)
"""Console errors of JupyterLab, Notebook 7 and Chromium themselves, seen without our extension too."""

_OPEN = """async path => {
  const widget = await jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'});
  await widget.context.ready;
  await widget.revealed;
  return widget.context.model.cells.length;
}"""

_RUN_ALL = """async () => {
  const widget = jupyterapp.shell.currentWidget;
  await widget.sessionContext.ready;
  await jupyterapp.commands.execute('notebook:run-all-cells');
}"""

_OUTPUTS = """() => jupyterapp.shell.currentWidget.context.model.toJSON().cells
  .flatMap(cell => cell.outputs ?? [])"""


class Lab:
    """One browser tab with JupyterLab (or, by `open_notebook7`, Notebook 7) of a server."""

    def __init__(self, context: BrowserContext, server: JupyterServer) -> None:
        self.server = server
        self.context = context
        self.page: Page = context.new_page()
        self.foreign: list[str] = []
        self.problems: list[str] = []
        self.dialogs: list[str] = []
        self.requests: list[str] = []
        context.on("request", self._on_request)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._note(str(error.error)))
        self.page.on("dialog", self._on_dialog)

    # What must not happen

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"data", "blob", "about", "file"}:
            return
        self.requests.append(f"{request.method} {address.path}")
        if address.netloc != urlsplit(self.server.base).netloc:
            self.foreign.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(message.text)

    def _note(self, problem: str) -> None:
        if not _NOISE.search(problem):
            self.problems.append(problem)

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # "leave without saving?"
            dialog.accept()
            return
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def assert_quiet(self) -> None:
        """Nothing was asked of another host, no script error, no dialog of the browser."""
        assert (self.foreign, self.problems, self.dialogs) == ([], [], []), (self.foreign, self.problems, self.dialogs)

    # Pages

    def open_lab(self, query: str = "reset") -> Lab:
        """JupyterLab, with the workspace forgotten."""
        self.page.goto(self.server.url("lab", query))
        self.page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget !== undefined")
        self.page.evaluate("() => jupyterapp.restored.then(() => true)")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        return self

    def reload(self) -> None:
        """The same page again, with the workspace restored."""
        self.page.reload()
        self.page.wait_for_function("() => window.jupyterapp !== undefined")
        self.page.evaluate("() => jupyterapp.restored.then(() => true)")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def open_notebook7(self, path: str) -> Lab:
        """A notebook in Notebook 7."""
        self.page.goto(self.server.url(f"notebooks/{path}"))
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        return self

    # Notebooks

    def open_notebook(self, path: str) -> None:
        """Open a notebook in the main area, ready to run."""
        assert self.page.evaluate(_OPEN, path) > 0

    def run_all(self) -> None:
        """Run every cell and wait for the last one."""
        self.page.evaluate(_RUN_ALL)

    def start_all(self) -> None:
        """Run every cell without waiting."""
        self.page.evaluate(f"() => {{ void ({_RUN_ALL})(); }}")

    def errors(self) -> list[str]:
        """What cells raised."""
        return [f"{o['ename']}: {o['evalue']}" for o in self.outputs() if o["output_type"] == "error"]

    def save(self) -> None:
        """Save the notebook in front."""
        self.page.evaluate("() => jupyterapp.commands.execute('docmanager:save').then(() => true)")

    def close_all(self) -> None:
        """Close everything in the main area."""
        self.page.evaluate("() => jupyterapp.commands.execute('application:close-all').then(() => true)")

    def outputs(self) -> list[dict[str, Any]]:
        """Outputs of all cells, as they would be saved."""
        found: list[dict[str, Any]] = self.page.evaluate(_OUTPUTS)
        return found

    def cards(self, selector: str = "") -> Locator:
        """Our cards in the cell outputs of the notebook in front."""
        return self.page.locator(f".jp-Notebook:visible .jp-OutputArea-output [data-nba-type]{selector}")

    def reveal(self, shown: Locator) -> Locator:
        """Scroll to it; again where it is drawn anew meanwhile, as a saved copy that gives way to the live view."""
        self.until(lambda: self._scrolled_to(shown))
        return shown

    @staticmethod
    def _scrolled_to(shown: Locator) -> bool:
        try:
            shown.scroll_into_view_if_needed()
        except Error as error:
            if "not attached" not in error.message:
                raise
            return False
        return True

    def assert_live(self) -> None:
        """No output in sight shows its saved copy, for the store answers."""
        expect(self.cards(".jp-nba-saved")).to_have_count(0)

    # Artifacts

    def command(self, name: str, args: dict[str, Any] | None = None) -> None:
        """Run a command of JupyterLab and wait for it."""
        script = "([name, args]) => jupyterapp.commands.execute(name, args).then(() => true)"
        self.page.evaluate(script, [name, args or {}])

    def show_panel(self) -> Locator:
        """The sidebar, opened by its tab as a person would."""
        panel = self.page.locator(".jp-nba-panel")
        if not panel.is_visible():
            self.page.get_by_role("tab", name="Artifacts", exact=True).click()
        panel.wait_for()
        return panel

    def row(self, key: str) -> Locator:
        """The sidebar's row of a key."""
        return self.page.locator(f'.jp-nba-panel [role="option"][data-nba-key="{key}"]')

    def rows(self) -> list[str]:
        """Keys in the sidebar, as shown from top to bottom."""
        script = "rows => rows.map(row => row.dataset.nbaKey)"
        keys: list[str] = self.page.locator('.jp-nba-panel [role="option"]').evaluate_all(script)
        return keys

    def open_artifact(self, **args: str) -> Locator:
        """The artifact's page in the main area."""
        self.command("nb-artifacts:open", args)
        page = self.page.locator(".jp-nba-page:visible")
        page.wait_for()
        return page

    def until(self, holds: Callable[[], object], polls: int = 300) -> None:
        """Look up to `polls` times, 50 ms apart, until `holds` says something true."""
        for _ in range(polls):
            if holds():
                return
            self.page.wait_for_timeout(50)
        assert holds()

    # Looks

    def theme(self, name: str) -> None:
        """`JupyterLab Light`, `JupyterLab Dark` or another theme by name."""
        self.command("apputils:change-theme", {"theme": name})
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def screenshot(self, name: str, of: Locator | None = None) -> None:
        """A picture in tests/browser/shots, for eyes and for the README."""
        SHOTS.mkdir(exist_ok=True)
        (of or self.page).screenshot(path=SHOTS / f"{name}.png", animations="disabled")

    def both_themes(self, name: str, before: Callable[[], object] = lambda: None) -> None:
        """The same picture in light and in dark."""
        for theme in ("Light", "Dark"):
            self.theme(f"JupyterLab {theme}")
            before()
            self.screenshot(f"{name}-{theme.lower()}")
        self.theme("JupyterLab Light")
