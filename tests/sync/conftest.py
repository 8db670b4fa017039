"""Machines (folders and processes of their own) and a server between them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from api.conftest import ROOT, start_server, stop_server
from server.conftest import start

from nb_artifacts.serve.keys import Keyring


class Machine:
    """A folder of its own, and Python run in processes with it."""

    def __init__(self, path, url=None, key=None, **env):
        self.path, self.home = path, path / "home"
        path.mkdir(exist_ok=True)
        names = {name: value for name, value in os.environ.items() if not name.startswith(("NB_ARTIFACTS", "PREFECT"))}
        self.env = {
            **names,
            "NB_ARTIFACTS_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PREFECT_HOME": str(path / "prefect"),
        }
        self.env |= {"IPYTHONDIR": str(path / "ipython")}
        self.env |= {"NB_ARTIFACTS_API_URL": url} if url else {}
        self.env |= {"NB_ARTIFACTS_API_KEY": key} if key else {}
        self.env |= env

    def process(self, *command, **env):
        return subprocess.run(
            command, env={**self.env, **env}, cwd=self.path, capture_output=True, text=True, timeout=120, check=False
        )

    def python(self, code, **env):
        """What the code prints."""
        done = self.process(sys.executable, "-c", f"import nb_artifacts as nba\n{code}", **env)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def cli(self, *words, code=0, **env):
        done = self.process(sys.executable, "-m", "nb_artifacts.cli", *words, **env)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done


@pytest.fixture
def server(tmp_path):
    """A stand-alone server of the test's own, with an address and a key."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = start(folder, key=Keyring(folder / "home").create("machines")[0])
    server.url = f"http://127.0.0.1:{server.port}/api"
    yield server
    if server.process.poll() is None:
        stop_server(server)


@pytest.fixture
def machine(tmp_path, server):
    """Makes machines that know the server."""

    def make(name, url=None, key=None, **env):
        return Machine(tmp_path / name, url or server.url, key or server.token, **env)

    return make


@pytest.fixture
def jupyter(tmp_path):
    """Starts Jupyter servers."""
    started = []

    def begin(name, *arguments):
        folder = tmp_path / name
        folder.mkdir()
        started.append(start_server(folder, *arguments))
        return started[-1]

    yield begin
    for one in started:
        stop_server(one)
