"""The grid in a browser at one and ten million rows: time to the first rows, frames a second while scrolling.

Run: ``python tests/benchmarks/grid.py [rows …]``. A stand-alone server, Chromium without a GPU, a table of six columns. "First
rows" counts from the moment the page is told to show the artifact. Scrolling by 40 px a frame is the wheel, 150 jumps of the
scroll bar are a person who looks for something; the floor is the same wheel over a plain, finished HTML table of 10,000 rows in
the same browser.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parents[1]
sys.path[:1] = [str(HERE), str(HERE.parent)]

from browser.chromium import program  # noqa: E402 (the folder of the tests is not installed)
from browser.conftest import ARGUMENTS  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402
from server.conftest import start, stop_server  # noqa: E402

MAKE = """
import sys
import numpy as np, pandas as pd
import nb_artifacts as nba
for n in map(int, sys.argv[1:]):
    rows = np.arange(n)
    nba.create_table_artifact(pd.DataFrame({
        "carrier": pd.Categorical.from_codes(rows % 3, ["UA", "B6", "EV"]), "row": rows, "delay": (rows % 1000) / 4,
        "distance": rows % 2500, "at": pd.date_range("2013-01-01", periods=n, freq="s"), "cancelled": rows % 31 == 0,
    }), key=f"rows-{n}")
"""

OPEN = """async id => {
  document.querySelector('.nba-detail').replaceChildren();
  const start = performance.now();
  location.hash = id;
  const filled = () => [...document.querySelectorAll('.jp-nba-cell')].some(cell => cell.textContent !== '');
  while (!filled()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""

WHEEL = """async selector => {
  const box = document.querySelector(selector);
  box.scrollTop = 0;
  const start = performance.now();
  let frames = 0, empty = 0, most = 0;
  while (performance.now() - start < 4000) {
    box.scrollTop += 40;
    await new Promise(requestAnimationFrame);
    frames += 1;
    empty += document.querySelector('.jp-mod-pending') ? 1 : 0;
    most = Math.max(most, document.querySelectorAll('[role=grid] [role=row]').length);
  }
  return [frames / ((performance.now() - start) / 1000), empty / frames, most];
}"""

JUMPS = """async () => {
  const box = document.querySelector('.jp-nba-grid-box');
  const start = performance.now();
  for (let jump = 0; jump < 150; jump += 1) {
    box.scrollTop = (jump * 7919) % 1000 / 1000 * box.scrollHeight;
    await new Promise(requestAnimationFrame);
  }
  const frames = 150 / ((performance.now() - start) / 1000);
  const stopped = performance.now();
  while (document.querySelector('.jp-mod-pending')) await new Promise(requestAnimationFrame);
  return [frames, performance.now() - stopped];
}"""

PLAIN = """() => {
  const rows = Array.from({length: 1000}, (_, n) =>
    `<tr>${Array.from({length: 6}, (_, at) => `<td>${n * at}</td>`).join('')}</tr>`).join('');
  document.body.innerHTML = `<div id=plain style="height:456px;overflow:auto"><table>${rows.repeat(10)}</table></div>`;
}"""


def visit(page: Page, rows: int, ids: dict[str, str]) -> None:
    opened = page.evaluate(OPEN, ids[f"rows-{rows}"])
    frames, empty, most = page.evaluate(WHEEL, ".jp-nba-grid-box")
    jumping, settled = page.evaluate(JUMPS)
    print(
        f"{rows:>12,} {opened:>10.0f} ms {frames:>10.0f} {empty:>11.0%} {most:>8} {jumping:>12.0f} {settled:>13.0f} ms",
        flush=True,
    )


def main() -> None:
    counts = [int(text) for text in sys.argv[1:]] or [1_000_000, 10_000_000]
    with tempfile.TemporaryDirectory(prefix="nba-grid-") as folder, sync_playwright() as playwright:
        server = start(Path(folder))
        try:
            env = {**os.environ, "NB_ARTIFACTS_HOME": str(server.home)}
            subprocess.run([sys.executable, "-c", MAKE, *map(str, counts)], env=env, check=True)
            ids = {one["key"]: one["id"] for one in server.ask("POST", "/artifacts/filter", {}).json()}
            browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1200, "height": 800})
            page.goto(f"http://127.0.0.1:{server.port}/")
            page.fill("#key", server.token)
            page.click("button[type=submit]")
            page.wait_for_selector(".nba-entry")
            print("        rows  first rows   frames/s  rows missing  in DOM  jumps frames/s  then settled")
            for rows in counts:
                visit(page, rows, ids)
            page.evaluate(PLAIN)
            frames, _, _ = page.evaluate(WHEEL, "#plain")
            print(f"floor: {frames:.0f} frames/s over a finished HTML table of 10,000 rows")
            browser.close()
        finally:
            stop_server(server)


if __name__ == "__main__":
    main()
