"""The sdist and the wheel: what they hold, and that a plain install is all there is to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
STATIC = "share/jupyter/labextensions/nb-artifacts/static/"


def run(*command, **kwargs):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def without_node(folder):
    """An environment whose path has python, but neither node nor npm, and no git repository to ask."""
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    return {**os.environ, "PATH": str(folder)}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An sdist of the tree, and the wheel made from that sdist alone, without node."""
    place = tmp_path_factory.mktemp("dist")
    assert (ROOT / "nb_artifacts/labextension/static/style.js").exists(), "the labextension is not built: npm run build:prod"
    env = {**os.environ, "SKIP_JUPYTER_BUILDER": "1"}
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", place, ROOT, env=env)
    sdist = next(place.glob("*.tar.gz"))
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "unpacked", filter="data")
    tree = next((place / "unpacked").iterdir())
    bare = without_node(place / "bare")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, tree, env=bare)
    return sdist, next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """An environment with the wheel; dependencies are borrowed from this one."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", built[1])
    return place


def test_the_wheel_holds_every_asset_once(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = wheel.namelist()
    assets = [name for name in names if "labextensions/" in name and "/static/" in name]
    assert any(name.endswith(STATIC + "style.js") for name in assets)
    assert not [name for name in names if name.startswith("nb_artifacts/labextension/")]
    assert max(Counter(PurePosixPath(name).name for name in assets).values()) == 1
    assert not [name for name in names if "node_modules" in name or name.endswith((".ts", ".tsx", ".map"))]
    assert any(name.endswith("etc/jupyter/jupyter_server_config.d/nb_artifacts.json") for name in names)
    for name in (
        "nb_artifacts/py.typed",
        "nb_artifacts/page/page.js",
        "nb_artifacts/page/page.css",
        "nb_artifacts/static/widget.js",
    ):
        assert name in names


def test_one_version_for_both_halves(built):
    version = json.loads((ROOT / "labextension/package.json").read_text())["version"]
    assert [f"nb_artifacts-{version}" in path.name for path in built] == [True, True]


def test_the_sdist_needs_no_node_and_carries_no_tests(built):
    with tarfile.open(built[0]) as archive:
        names = archive.getnames()
    for made in ("labextension/static/style.js", "page/page.js", "static/widget.js"):
        assert any(name.endswith(f"/nb_artifacts/{made}") for name in names)
    assert not [name for name in names if "/node_modules/" in name or "/tests/" in name]


def test_a_plain_install_is_enabled_in_both_halves(installed):
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(installed / "none")}
    program = "import sys; from {} import main; sys.exit(main())"
    command = [installed / "bin" / "python", "-c"]
    lab = run(*command, program.format("jupyterlab.labextensions"), "list", env=env)
    line = next(line for line in lab.splitlines() if "nb-artifacts v" in line)
    assert "enabled" in line
    assert "OK" in line
    server = run(*command, program.format("jupyter_server.extension.serverextension"), "list", env=env)
    assert "nb_artifacts" in server
    assert "OK" in next(line for line in server.splitlines() if "nb_artifacts 0" in line)


def test_the_command_is_there_under_both_names(installed):
    env = {**os.environ, "NB_ARTIFACTS_HOME": str(installed / "home")}
    for command in ([installed / "bin" / "nb-artifacts"], [installed / "bin" / "jupyter-artifact"]):
        assert run(*command, "ls", "--output", "json", env=env).strip() == "[]"


def test_the_package_runs_from_the_wheel(installed):
    code = "import nb_artifacts as nba; print(nba.__file__); a = nba.create('hi', 'k'); print(a.version)"
    said = run(
        installed / "bin" / "python",
        "-c",
        code,
        env={**os.environ, "NB_ARTIFACTS_HOME": str(installed / "home")},
        cwd=installed,
    )
    assert str(installed) in said
    assert said.strip().endswith("1")
