from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from api.replay import Reply

from nb_artifacts.api import Api, Request
from nb_artifacts.store import open_store
from nb_artifacts.wire import MIME

ROOT = Path(__file__).parents[2]
BASE = "http://test/nb-artifacts/api"
SECONDS = 60
"""No test waits longer for one thing."""


class Direct:
    """Asks an `Api` in this process."""

    base = BASE

    def __init__(self, api):
        self.api = api

    def send(self, method, path, headers=None, body=None, **options):
        path, _, query = path.partition("?")
        names = {name.lower(): value for name, value in (headers or {}).items()}
        chunks = [] if body is None else [body] if isinstance(body, bytes) else body
        response = self.api(Request(method, path, query=query, headers=names, chunks=chunks, base=self.base))
        content = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        return Reply(response.status, content, response.headers)

    def __call__(self, method, path, value=None, *, whole=False, **headers):
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        if whole:
            names["accept"] = MIME
        return self.send(method, path, names, None if value is None else json.dumps(value).encode())


class Remote(Direct):
    """Asks a server over HTTP, on one connection."""

    def __init__(self, port, token, prefix="/nb-artifacts/api"):
        self.port, self.token, self.prefix = port, token, prefix
        self.base = f"http://127.0.0.1:{port}{prefix}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)

    def send(self, method, path, headers=None, body=None, **options):
        names = dict(headers or {})
        if self.token and not any(name.lower() == "authorization" for name in names):
            names["Authorization"] = f"token {self.token}"
        response = self._ask(method, self.prefix + path, names, body)
        return Reply(response.status, response.read(), response.headers)

    def _ask(self, method, path, headers, body):
        for last in (False, True):
            try:
                self.connection.request(method, path, body, headers)
                return self.connection.getresponse()
            except (ConnectionError, http.client.HTTPException):
                self.connection.close()
                if last:
                    raise
        raise AssertionError

    @contextlib.contextmanager
    def stream(self, path="/events", **headers):
        """The lines of an event stream as they come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        names = {"Authorization": f"token {self.token}", **{n.replace("_", "-"): v for n, v in headers.items()}}
        connection.request("GET", self.prefix + path, headers=names)
        response = connection.getresponse()
        try:
            yield response
        finally:
            response.close()
            connection.close()


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "home", durable=False)
    yield store
    store.close()


@pytest.fixture
def api(store):
    api = Api(lambda: store, poll=0.01)
    yield api
    api.feed.close()


@pytest.fixture
def ask(api):
    return Direct(api)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(folder, *arguments, prefix="", before=""):
    """A Jupyter server with the extension, in a process and folders of its own."""
    port, token = free_port(), secrets.token_hex(16)
    home = folder / "home"
    names = ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "NB_ARTIFACTS"))}
    env |= {name: str(folder / name.lower()) for name in names}
    env |= {"NB_ARTIFACTS_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        f"--ServerApp.root_dir={folder}",
        f"--IdentityProvider.token={token}",
        "--ServerApp.jpserver_extensions={'nb_artifacts': True}",
        *arguments,
    ]
    log = folder / "server.log"
    with log.open("wb") as output:
        command = [sys.executable, "-c", f"{before}\nfrom jupyter_server.serverapp import main\nmain()", *options]
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=output)
    server = SimpleNamespace(process=process, port=port, token=token, home=home, log=log, folder=folder, prefix=prefix)
    server.ask = Remote(port, token, f"{prefix}/nb-artifacts/api")
    await_up(server)
    return server


def await_up(server):
    """Wait until it answers. A server that never does is killed, and its log told."""
    try:
        wait_until(lambda: is_up(server))
    except BaseException:
        server.process.kill()
        server.process.wait(SECONDS)
        print(server.log.read_text()[-5000:])
        raise


def is_up(server):
    assert server.process.poll() is None, server.log.read_text()
    try:
        return server.ask("GET", "/health").status == 200
    except OSError:
        return False


def wait_until(check, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def stop_server(server):
    """End it as a signal does. One that does not end says in its log where it was."""
    server.process.terminate()
    try:
        server.process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.send_signal(signal.SIGABRT)
            server.process.wait(5)
        server.process.kill()
        pytest.fail(f"the server does not end:\n{server.log.read_text()[-8000:]}")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = start_server(tmp_path_factory.mktemp("jupyter"), "--NbArtifacts.heartbeat=0.2")
    yield server
    stop_server(server)
