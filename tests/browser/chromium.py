"""The Chromium that browser tests drive: the system's, else the one that playwright installed."""

from __future__ import annotations

import shutil
from pathlib import Path


def program() -> str:
    """Its path. Raises `FileNotFoundError` with the remedy."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        raise FileNotFoundError("Chromium is missing: `apt-get install chromium`, or put a chromium on PATH.")
    return path
