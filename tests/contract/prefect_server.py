"""A real Prefect server in a process of its own, and how to empty it: fixtures of all tests (a plugin of `tests/conftest.py`)."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
from api.conftest import ROOT, free_port, wait_until

VENV = ROOT / ".cache" / "prefect-venv"
PINNED = ["prefect==3.8.8", "fastapi>=0.139,<0.151"]


def start(interpreter, folder):
    """Started and ready."""
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    env |= {"PREFECT_HOME": str(folder), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    env |= {"PREFECT_SERVER_UI_ENABLED": "false", "PREFECT_LOGGING_SERVER_LEVEL": "ERROR"}
    log = folder / "prefect.log"
    with log.open("wb") as output:
        command = [interpreter, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=output)
    server = SimpleNamespace(process=process, port=port, log=log, address=f"http://127.0.0.1:{port}/api")
    wait_until(lambda: _is_up(server), 120)
    return server


def _is_up(server):
    assert server.process.poll() is None, server.log.read_text()
    try:
        return ask(server, "GET", "/health") is True
    except OSError:
        return False


def ask(server, method, path, value=None):
    """What the server answers, as Prefect's own clients see it."""
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(server.address + path, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return ask(server, method, path, value)  # its database was busy
    return json.loads(content) if content else None


def listed(server, **body):
    return ask(server, "POST", "/artifacts/filter", {"sort": "CREATED_DESC", **body})


def empty(server):
    """Delete what is there."""
    while found := listed(server):
        for one in found:
            ask(server, "DELETE", f"/artifacts/{one['id']}")


@pytest.fixture(scope="session")
def prefect_python():
    """The interpreter of an environment with Prefect, made once and kept."""
    python = VENV / "bin" / "python"
    ready = VENV / ".ready"
    VENV.parent.mkdir(exist_ok=True)
    with (VENV.parent / "prefect-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of several test processes makes it
        if not ready.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True, timeout=60)
            install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PINNED]
            subprocess.run(install, check=True, timeout=220)
            ready.touch()
    return python


@pytest.fixture(scope="session")
def prefect_server(prefect_python, tmp_path_factory):
    server = start(prefect_python, tmp_path_factory.mktemp("prefect"))
    yield server
    server.process.terminate()
    server.process.wait(30)


@pytest.fixture
def prefect(prefect_server):
    """The server, with nothing kept there."""
    empty(prefect_server)
    return prefect_server
