"""The server walked by its own description: every route asks for a key, and no request makes it fail."""

import os
import subprocess
import sys

import pytest
from api.conftest import Remote, wait_until
from server.conftest import SPACE

from nb_artifacts.serve.keys import Keyring

SOAK = bool(os.environ.get("NB_ARTIFACTS_SOAK"))
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


CONFIGURATION = """
# What only the store or the table itself can tell is no matter of the description.
[[operations]]
include-operation-id = [
  "artifacts.put", "artifacts.create_batch", "uploads.write", "rows.rows", "rows.summary", "rows.export", "differences.diff"]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 409, 422]

[[operations]]
include-operation-id = ["uploads.read", "uploads.offset", "uploads.write"]
[operations.checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422]
"""
SHORT_STREAMS = """
from nb_artifacts.api import events
events.EventStream.ended = property(lambda stream: not stream._greeting)
"""


@pytest.mark.timeout(7200 if SOAK else 600)
def test_nothing_that_is_sent_makes_it_fail(own, tmp_path):
    """S-22: every check that there is, of every operation; event streams end after their greeting here."""
    server = own(before=SHORT_STREAMS)
    server.ask("POST", "/artifacts/", {"key": "ready", "data": "x"})
    base = f"http://127.0.0.1:{server.port}/api"
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    examples = "1000" if SOAK else "50"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", configuration, "run", f"{base}/openapi.json", "--url", base,
               "-H", f"Authorization: Bearer {server.token}", "-n", examples, "--checks", "all", "--phases", "coverage,fuzzing",
               "--generation-database", "none", "--request-timeout", "20", "--no-color", "--seed", "1"]  # fmt: skip
    seconds = 7000 if SOAK else 560
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-9000:] + done.stderr[-1000:]
    assert "failed" not in server.log.read_text()
