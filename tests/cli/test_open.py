"""`open`: an artifact in the browser, on the page of the folder's server or as a file of its own."""

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
import pandas as pd
import pytest

import nb_artifacts as nba

HOSTILE = "# Report\n\n<script>document.title = 'bad'</script><img src=x onerror=alert(1)>"


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """What the browser was asked to open."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    seen = []
    monkeypatch.setattr(click, "launch", lambda url: seen.append(url) or 0)
    return seen


def test_without_a_server_it_is_a_file_of_its_own(cli, opened):
    nba.create(pd.DataFrame({"carrier": ["UA", "B6"]}), key="delays", description="1 < 2", display=False)
    nba.create(pd.DataFrame({"carrier": ["EV"]}), key="delays", display=False)
    said = cli("open", "delays@1").stdout
    assert said == f"Opened {opened[0]}\n"
    path = Path(urlsplit(opened[0]).path)
    page = path.read_text(encoding="utf-8")
    assert "<title>delays@1</title>" in page
    assert "B6" in page
    assert "EV" not in page
    assert "1 &lt; 2" in page
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_runs_nothing(cli, opened):
    nba.create(HOSTILE, key="hostile", display=False)
    cli("open", "hostile")
    page = Path(urlsplit(opened[0]).path).read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<[^>]*\sonerror", page)


def test_without_a_browser_it_says_where_it_is(cli, opened, monkeypatch):
    nba.create("Hello", key="note", display=False)
    monkeypatch.setattr(click, "launch", lambda _: 1)
    assert cli("open", "note").stdout.startswith("No browser was found here. Open file://")


def test_on_the_page_of_the_folder_s_server_while_one_runs(cli, read, opened, home):
    made = nba.create("Hello", key="note", display=False)
    command = [sys.executable, "-m", "nb_artifacts.cli", "server", "start", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NB_ARTIFACTS_HOME": str(home)})
    try:
        said = iter(server.stdout.readline, "")
        [url] = re.findall(r"http://127\.0\.0\.1:\d+", next(line for line in said if "http://" in line))
        assert read("open", "note", "-o", "json") == {"url": f"{url}/#{made.id}"}
        assert opened == []
        cli("open", "note")
        assert opened == [f"{url}/#{made.id}"]
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert read("open", "note", "-o", "json")["url"].startswith("file://")


def test_what_is_not_there_or_cannot_be_written_is_said(cli, opened, monkeypatch, tmp_path):
    assert "no-such" in cli("open", "no-such", code=1).stderr
    nba.create("Hello", key="note", display=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    said = cli("open", "note", code=1).stderr
    assert "gone" in said
    assert "make room there" in said
    assert opened == []
