"""Every example in README and docs does what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from api.conftest import start_server, stop_server
from docs.pages import ROOT, blocks, pattern
from kernel.conftest import Kernel

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
RUN = [page for page in PAGES if any(block.language == "python" or block.commands for block in blocks(page))]

LINK = re.compile(r"!?\[[^\]]*\]\((?!https?://)([^)#\s]+)(#[^)\s]+)?\)")


@pytest.fixture
def server(request, tmp_path_factory):
    """A Jupyter server, for the page about it."""
    started = start_server(tmp_path_factory.mktemp("server"))
    yield started
    stop_server(started)


@pytest.fixture
def surroundings(request, tmp_path, page):
    """The folder of a page's artifacts and its environment."""
    environment = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
    if page == "docs/rest.md":
        server = request.getfixturevalue("server")
        environment |= {"JUPYTER_URL": f"http://127.0.0.1:{server.port}/", "JUPYTER_TOKEN": server.token}
        return server.home, environment
    return tmp_path / "home", environment


@pytest.mark.parametrize("page", RUN)
def test_examples_of_a_page_run(page, surroundings, tmp_path):
    home, environment = surroundings
    kernel = Kernel(home, tmp_path, **environment)
    try:
        for block in blocks(page):
            if block.language == "python":
                ran = kernel.run(block.body, check=False)
                assert ran.error is None, f"{page}:{block.line}\n{block.body}\n{ran.traceback}"
            for command, output in block.commands:
                _check(f"{page}:{block.line}", command, output, {**environment, "NB_ARTIFACTS_HOME": str(home)}, tmp_path)
    finally:
        kernel.close()


def _check(where, command, output, environment, folder):
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{where}: {command}\n{done.stderr}"
    if output.strip():
        assert pattern(output).fullmatch(done.stdout.strip()), f"{where}: {command}\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for path, anchor in LINK.findall(text):
        target = (ROOT / page).parent / path
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor[1:] in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_promises_are_those_of_the_readme_and_name_tests_that_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Promises")[2].partition("\n## ")[0]
    page = (ROOT / "docs/promises.md").read_text(encoding="utf-8")
    promised = [
        " ".join(text.split()) for text in re.findall(r"^\d+\. (.*?)(?=^\d+\. |\n\n)", readme, re.MULTILINE | re.DOTALL)
    ]
    repeated = [" ".join(text.split()) for text in re.findall(r"^## \d+\. (.*?)\n\n", page, re.MULTILINE | re.DOTALL)]
    assert len(promised) == 9
    assert [text for text in promised if text not in repeated] == []
    named = re.findall(r"`(tests/[\w/]+\.(?:py|ts|tsx))(?:::(\w+))?`", page)
    assert len(named) > 10
    for path, name in named:
        assert name in (ROOT / path).read_text(encoding="utf-8"), (path, name)


def test_index_names_every_page_once():
    linked = re.findall(r"^\| \[[^\]]*\]\(([\w-]+\.md)\)", (ROOT / "docs/index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(linked) == sorted(path.name for path in (ROOT / "docs").glob("*.md") if path.name != "index.md")


@pytest.mark.parametrize(("folder", "heading"), [("nb_artifacts", "### Python"), ("labextension/src", "### TypeScript")])
def test_every_module_has_a_room_on_the_map(folder, heading):
    part = (ROOT / "docs/how-it-works.md").read_text(encoding="utf-8").partition(heading)[2].partition("\n### ")[0]
    rooms = [
        name for line in part.splitlines() if line.startswith("| `") for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    ]
    built = {"labextension", "page", "static", "__pycache__"} if folder == "nb_artifacts" else set()
    there = [path.name + "/" * path.is_dir() for path in (ROOT / folder).iterdir() if path.name not in built]
    modules = [name for name in there if name.endswith((".py", ".ts", "/"))]
    assert [name for name in modules if sum(fnmatch(name, room) for room in rooms) != 1] == []
    assert [room for room in rooms if not any(fnmatch(name, room) for name in modules)] == []


def test_an_output_matches_loosely_where_it_varies():
    assert pattern("a  … now  3.5 kB\nb").fullmatch("a 12 … 3 min ago  4 kB \n b")
    assert not pattern("a  now").fullmatch("a later")
    assert not pattern("Key  Type").fullmatch("Key  Typed")
