"""Stand-alone servers in processes of their own."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from api.conftest import ROOT, SECONDS, Remote, await_up, free_port, stop_server

from nb_artifacts.serve.keys import Keyring

SPACE = "/accounts/acme/workspaces/one"
OTHER = "/accounts/acme/workspaces/two"


def start(folder, *arguments, prefix="", key=None, before="", **env):
    """A server; `ask` has a key that opens everything."""
    port, home = free_port(), folder / "home"
    secret = key or Keyring(home).create("tests")[0]
    names = {name: value for name, value in os.environ.items() if not name.startswith("NB_ARTIFACTS")}
    names |= {"NB_ARTIFACTS_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1", **env}
    log = folder / "server.log"
    code = f"{before}\nfrom nb_artifacts.cli import main\nmain()"
    with log.open("ab") as output:
        command = [sys.executable, "-c", code, "server", "start", "--port", str(port), *arguments]
        process = subprocess.Popen(command, env=names, cwd=folder, stdout=output, stderr=output)
    server = SimpleNamespace(process=process, port=port, token=secret, home=home, log=log, folder=folder, env=names)
    server.at = lambda prefix, secret=secret: Remote(port, secret, f"/api{prefix}")
    server.ask = server.at(prefix)
    server.root = Remote(port, "", "")
    await_up(server)
    return server


def run(server, *arguments):
    """A command of the command line in the server's folder."""
    command = [sys.executable, "-m", "nb_artifacts.cli", "server", *arguments]
    return subprocess.run(
        command, env=server.env, cwd=server.folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def log_in(server, key, **headers):
    body = f"key={key}".encode()
    return server.root.send("POST", "/login", {"Content-Type": "application/x-www-form-urlencoded", **headers}, body)


def printed_key(text):
    return re.search(r"nba_[\w-]{43}", text)[0]


@contextlib.contextmanager
def ending(process):
    """A process that is gone when the test is, however that ends. (Popen's own exit waits for ever.)"""
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


@pytest.fixture(scope="session")
def standalone(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("standalone"))
    yield server
    stop_server(server)


@pytest.fixture
def own(tmp_path):
    """Starts servers of the test's own."""
    started = []

    def begin(*arguments, **options):
        started.append(start(tmp_path, *arguments, **options))
        return started[-1]

    yield begin
    for server in started:
        if server.process.poll() is None:
            stop_server(server)
