"""The server walked by its own description: every route asks for a key, and no request makes it fail."""

import subprocess
import sys

import pytest
from api.conftest import Remote, wait_until
from server.conftest import SPACE

from nb_artifacts.serve_keys import Keyring

ID = "00000000-0000-4000-8000-000000000000"


def operations(server):
    for path, methods in server.ask("GET", "/openapi.json").json()["paths"].items():
        for method in methods:
            yield method.upper(), path.replace("{id}", ID).replace("{key}", "ready").replace("{sha256}", "0" * 64)


@pytest.mark.parametrize("prefix", ["", SPACE])
def test_every_route_asks_for_a_key(standalone, prefix):
    """S-11: without, with a wrong one, with that of another workspace."""
    elsewhere = Keyring(standalone.home).create(workspace="somebody/else")[0]
    wait_until(lambda: standalone.at("/accounts/somebody/workspaces/else", elsewhere)("GET", "/ready").status == 200)
    walked = 0
    for method, path in operations(standalone):
        for secret, status in (("", 401), ("wrong", 401), (elsewhere, 403)):
            reply = Remote(standalone.port, secret, f"/api{prefix}")(method, path)
            open_to_all = (method, path, prefix) == ("GET", "/health", "")
            assert reply.status == (200 if open_to_all else status), (method, path, secret)
            walked += 1
    assert walked > 100


def test_nothing_that_is_sent_makes_it_fail(standalone):
    """S-22."""
    base = f"http://127.0.0.1:{standalone.port}/api"
    checks = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{base}/openapi.json", "--url", base, "-H", f"Authorization: Bearer {standalone.token}",
               "-n", "10", "--checks", checks, "--phases", "coverage,fuzzing", "--exclude-path", "/events", "--seed", "1"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=140, check=False, cwd=standalone.folder)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
