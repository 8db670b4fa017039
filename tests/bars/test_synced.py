"""Progress that goes to a real Prefect server: coalesced, and the last value always."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from contract.prefect_server import listed
from faults.proxy import Proxy

STORM = """
import time, nb_artifacts as nba
made = nba.create_progress_artifact(0, "by-id", "moved by hand")
begin = time.monotonic()
for n in nba.track(range(20_000), "loop"):
    nba.update_progress_artifact(made, 99 * n / 20_000)
    if n % 200 == 0:
        time.sleep(max(0.0, begin + 2 * n / 20_000 - time.monotonic()))
nba.update_progress_artifact(made, 100, "all there")
nba.sync()
"""


def test_a_prefect_server_hears_of_it_now_and_then_and_of_the_end(tmp_path, prefect):
    with Proxy(prefect.port) as proxy:
        proxy.delay = 0.2
        address = f"http://127.0.0.1:{proxy.port}/api"
        env = {**os.environ, "NB_ARTIFACTS_HOME": str(tmp_path), "NB_ARTIFACTS_API_URL": address}
        done = subprocess.run(
            [sys.executable, "-c", STORM], capture_output=True, text=True, cwd=Path(__file__).parents[2], env=env
        )
        assert done.returncode == 0, done.stderr
        asked = [(seen.method, seen.path) for seen in proxy.requests]
    there = {one["key"]: (one["type"], one["data"], one["description"]) for one in listed(prefect)}
    assert there == {"by-id": ("progress", 100.0, "all there"), "loop": ("progress", 100.0, None)}
    changes = [one for one in asked if one[0] == "PATCH"]
    assert len(listed(prefect)) == 2
    assert len(changes) <= 40, "20,000 updates of two bars"
