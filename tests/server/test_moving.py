"""A laptop's artifacts to a shared server in one command, and from there to another machine."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from server.conftest import SPACE

import nb_artifacts as nba
from nb_artifacts import config, core
from nb_artifacts.store import open_store
from nb_artifacts.wire import Query


def command(home, key, *words, code=0):
    environment = {**os.environ, "NB_ARTIFACTS_HOME": str(home), "NB_ARTIFACTS_API_KEY": key}
    done = subprocess.run(
        [sys.executable, "-m", "nb_artifacts.cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert key not in done.stdout + done.stderr
    return done


@pytest.fixture
def laptop(tmp_path, monkeypatch):
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "laptop"))
    config.configure(home=tmp_path / "laptop", display=False)
    for n in range(3):
        nba.create(pd.DataFrame({"n": range(n + 1), "when": pd.Timestamp("2024-01-01", tz="UTC")}), key="numbers")
    nba.create("x" * 300_000, key="long", type="markdown")
    nba.create_link_artifact("https://example.org", key="link")
    with nba.run("nightly"):
        nba.create("in a run", key="run")
    yield tmp_path / "laptop"
    config.configure(home=None, display=None)


def content(store):
    return {found.id: (found.key, found.type, bytes(found.data), found.info, found.created, found.tags, found.blob, found.task_run_id)
            for found in store.find(Query(data=True))}  # fmt: skip


def test_laptop_to_server_to_another_machine(own, laptop, tmp_path):
    server = own()
    url = f"http://127.0.0.1:{server.port}/api{SPACE}"
    first = json.loads(command(laptop, server.token, "export", url, "-o", "json").stdout)
    assert (first["added"], first["runs"] > 0, first["damaged"]) == (6, True, [])
    again = json.loads(command(laptop, server.token, "export", url, "-o", "json").stdout)
    assert (again["added"], again["same"]) == (0, 6)
    other = tmp_path / "other"
    back = json.loads(command(other, server.token, "import", url, "-o", "json").stdout)
    assert back["added"] == 6
    assert content(open_store(other)) == content(core.current_store())
    store = open_store(other)
    assert {run.id for run in store.find_runs(nba.wire.RunQuery())} >= {found.flow_run_id for found in store.find(Query())}
    config.configure(home=other)
    pd.testing.assert_frame_equal(
        nba.Artifact.get("numbers", 2).value, pd.DataFrame({"n": range(2), "when": pd.Timestamp("2024-01-01", tz="UTC")})
    )


def test_what_a_server_says_is_said(own, laptop, tmp_path):
    server = own()
    url = f"http://127.0.0.1:{server.port}/api{SPACE}"
    assert "key" in command(laptop, "nba_wrong-key-that-is-long-enough", "export", url, code=1).stderr
    gone = f"http://127.0.0.1:{server.port}/api"
    server.process.kill()
    assert "127.0.0.1" in command(laptop, server.token, "export", gone, code=1).stderr
