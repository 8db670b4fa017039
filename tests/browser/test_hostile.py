"""Hostile content wherever it is shown: nothing runs, nothing is asked of another host, nothing forbidden is in the page."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import nbformat
import pytest
from corpus import MARKUP
from playwright.sync_api import expect

from browser.lab import Lab
from browser.server import ROOT, JupyterServer

MIME = "application/vnd.nb-artifacts.v1+json"

AUDIT = """roots => {
  const bad = [];
  const forbidden = 'script, iframe, frame, object, embed, applet, base, meta, link, form, style, template, portal, dialog, ' +
    'textarea, select, video, audio, marquee, math, [srcset], [background], [ping], [formaction], [contenteditable], ' +
    '[popover], [data-commandlinker-command], [autofocus]';
  for (const root of roots) {
    for (const node of root.querySelectorAll(forbidden))
      if (!node.closest('mjx-container')) bad.push('node ' + node.outerHTML.slice(0, 120)); // MathJax draws formulas so
    for (const node of root.querySelectorAll('*')) {
      for (const {name, value} of node.attributes) {
        if (name.startsWith('on')) bad.push('handler ' + node.outerHTML.slice(0, 120));
        if ((name === 'id' || name === 'name') && !/^(jp-nba-|nba-)/.test(value)) bad.push(`${name}=${value}`);
      }
      if (/^(fixed|sticky)$/.test(node.style?.position) ) bad.push('position ' + node.outerHTML.slice(0, 120));
      if (/url\\(/.test(node.getAttribute('style') ?? '')) bad.push('style ' + node.outerHTML.slice(0, 120));
      if (node.localName === 'a' && node.hasAttribute('href')) {
        if (!['http:', 'https:', 'mailto:'].includes(node.protocol)) bad.push('link ' + node.outerHTML.slice(0, 120));
        if (!/noopener/.test(node.rel) || node.target !== '_blank') bad.push('opener ' + node.outerHTML.slice(0, 120));
      }
      if (node.localName === 'img' && !/^(data:image\\/(png|jpeg|gif|webp|svg\\+xml)|blob:|$)/.test(node.getAttribute('src') ?? ''))
        bad.push('image ' + node.outerHTML.slice(0, 120));
    }
  }
  return bad;
}"""

REVIVE = """html => {
  const place = document.createElement('div');
  document.body.append(place);
  place.innerHTML = html;
  for (const old of place.querySelectorAll('script')) {
    const script = document.createElement('script');
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
  return place;
}"""


@pytest.fixture(scope="package")
def hostile(server: JupyterServer) -> list[dict[str, Any]]:
    """Name, id and output of each hostile artifact that was kept."""
    target = server.folder / "hostile.json"
    env = server.env | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    script = str(ROOT / "tests" / "browser" / "hostile.py")
    subprocess.run([sys.executable, script, str(target)], env=env, check=True)
    found: list[dict[str, Any]] = json.loads(target.read_text())
    assert len(found) > 400
    return found


def assert_harmless(lab: Lab, selector: str) -> None:
    """Nothing ran, nothing was asked of another host, nothing forbidden is below `selector`."""
    assert [frame.evaluate("window.__canary") for frame in lab.page.frames] == [None]
    assert lab.page.locator(selector).evaluate_all(AUDIT) == []
    assert lab.page.evaluate("Object.getOwnPropertyNames(Object.prototype).length") == 12
    assert (lab.foreign, lab.dialogs) == ([], [])


def test_the_audit_finds_what_is_forbidden(lab: Lab) -> None:
    lab.page.goto(lab.server.base + "api")
    script = f"""markups => {{
      const place = document.implementation.createHTMLDocument().body;
      return markups.filter(markup => {{ place.innerHTML = `<div>${{markup}}</div>`; return ({AUDIT})([place]).length; }}).length;
    }}"""
    assert lab.page.evaluate(script, list(MARKUP.values())) > 0.75 * len(MARKUP)


def test_static_html_is_harmless_where_it_is_trusted(lab: Lab, hostile: list[dict[str, Any]]) -> None:
    lab.page.goto(lab.server.base + "api")
    lab.page.evaluate("() => document.body.replaceChildren()")
    for case in hostile:
        lab.page.evaluate(f"html => {{ ({REVIVE})(html).className = 'static'; }}", case["bundle"]["text/html"])
    assert lab.page.locator("body > .static").count() == len(hostile)
    assert_harmless(lab, ".static")


def _notebook(cases: list[dict[str, Any]]) -> nbformat.NotebookNode:
    """Outputs as saved: half with their live view, half as from another store."""
    cells = []
    for start in range(0, len(cases), 40):
        outputs = [nbformat.v4.new_output("display_data", case["bundle"]) for case in cases[start : start + 40]]
        cells.append(nbformat.v4.new_code_cell("...", outputs=outputs, execution_count=1))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _from_another_store(case: dict[str, Any]) -> dict[str, Any]:
    bundle = json.loads(json.dumps(case["bundle"]))
    bundle[MIME]["store"] = "another"
    return case | {"bundle": bundle}


SETTLED = """() => {
  const pending = document.querySelectorAll('.jp-nba-output .jp-mod-loading, .jp-nba-output [aria-busy=true]').length;
  return pending === 0 && document.querySelectorAll('.jp-nba-output').length;
}"""

SHAPE = """outputs => outputs.map(output => output.innerHTML.replace(/<time.*?<\\/time>/g, '').replace(/blob:[^"]*/g, 'blob:')
  .replace(/ data-icon-id="[^"]*"/g, '').replace(/( · |, )?(\\d+:\\d\\d gone|no news for)[^<"]*/g, ''))"""
"""The DOM of each output but for what differs from page to page: object URLs, the ids of icons, what time it is."""


def _opened(lab: Lab, name: str, cases: list[dict[str, Any]], *, trusted: bool) -> list[str]:
    path = lab.server.save_notebook(name, _notebook(cases), trusted=trusted)
    lab.page.set_viewport_size({"width": 1280, "height": 4000})
    lab.open_lab()
    lab.open_notebook(path)
    lab.page.wait_for_function(f"count => ({SETTLED})() === count", arg=len(cases))
    _scroll_through(lab)
    assert_harmless(lab, ".jp-nba-output")
    return _settled(lab)


def _scroll_through(lab: Lab) -> None:
    """Have everything come into sight once: charts, pictures and formulas are drawn only then."""
    notebook = lab.page.locator(".jp-Notebook:visible")
    step = "box => { const top = box.scrollTop; box.scrollTop += box.clientHeight; return box.scrollTop > top; }"
    while notebook.evaluate(f"async box => {{ await new Promise(requestAnimationFrame); return ({step})(box); }}"):
        pass


def _settled(lab: Lab) -> list[str]:
    """The outputs' DOM, once it no longer changes."""
    outputs = lab.page.locator(".jp-nba-output")
    shapes: list[list[str]] = [[]]

    def still() -> bool:
        shapes.append(outputs.evaluate_all(SHAPE))
        return shapes[-1] == shapes[-2]

    lab.until(still)
    return shapes[-1]


@pytest.mark.parametrize("store", ["here", "elsewhere"])
def test_outputs_are_harmless_and_the_same_trusted_or_not(lab: Lab, hostile: list[dict[str, Any]], store: str) -> None:
    cases = hostile if store == "here" else [_from_another_store(case) for case in hostile]
    untrusted = _opened(lab, f"hostile-{store}.ipynb", cases, trusted=False)
    trusted = _opened(lab, f"hostile-{store}-trusted.ipynb", cases, trusted=True)
    names = [case["name"] for case in cases]
    for name, before, after in zip(names, untrusted, trusted, strict=True):
        at = next((i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
        assert before == after, (name, before[at - 80 : at + 80], after[at - 80 : at + 80])


def test_sidebar_and_pages_are_harmless(lab: Lab, hostile: list[dict[str, Any]]) -> None:
    lab.open_lab()
    panel = lab.show_panel()
    panel.get_by_role("searchbox").fill("hostile")
    lab.until(lambda: len(lab.rows()) > 5)
    scrolled = "list => { list.scrollTop += list.clientHeight; return list.scrollTop; }"
    top = -1
    while (now := panel.get_by_role("listbox").evaluate(scrolled)) != top:
        top = now
        assert_harmless(lab, ".jp-nba-list")

    page = lab.open_artifact(key="hostile-versions")
    versions = page.get_by_role("navigation", name="Versions").locator("li button")
    expect(versions.first).to_be_visible()
    for version in versions.all():
        version.click()
        expect(version).to_have_attribute("aria-current", "true")
        expect(page.locator(".jp-nba-body")).to_have_count(1)
        assert_harmless(lab, ".jp-nba-page:visible")
    names = ("raw-", "table-proto", "display-bundle", "image-svg", "table-column")
    for case in [case for case in hostile if case["name"].startswith(names) and "-title-" not in case["name"]][::12]:
        shown = lab.open_artifact(id=case["id"])
        expect(shown.locator(f'[data-nba-id="{case["id"]}"] .jp-nba-body')).to_have_count(1)
        assert_harmless(lab, ".jp-nba-page:visible")
        lab.command("application:close")
    assert_harmless(lab, "#main .jp-nba-page")


def test_exported_html_is_harmless(lab: Lab, server: JupyterServer, hostile: list[dict[str, Any]]) -> None:
    path = server.save_notebook("hostile-export.ipynb", _notebook(hostile), trusted=True)
    html = server.export(path)
    lab.page.goto(html.as_uri())
    assert_harmless(lab, ".jp-OutputArea-output")


def test_a_picture_opened_in_a_tab_runs_nothing(lab: Lab, server: JupyterServer, hostile: list[dict[str, Any]]) -> None:
    lab.open_lab()
    for case in hostile:
        if case["name"].startswith("image-svg-"):
            with lab.page.expect_download() as saved:
                script = "url => { open(url, '_blank'); }"
                lab.page.evaluate(script, f"{server.base}nb-artifacts/api/artifacts/{case['id']}/blob")
            assert saved.value.failure() is None
    assert (lab.foreign, lab.dialogs) == ([], [])
