"""A server's views learn of a dead writer though nobody asks a kernel or the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from api.conftest import start_server, stop_server
from server.conftest import start
from waiting import until


@pytest.mark.parametrize("begin", [start_server, start], ids=["jupyter", "stand-alone"])
def test_the_server_settles_what_a_dead_process_left(tmp_path, begin):
    server = begin(tmp_path)
    try:
        code = "import time, nb_artifacts as nba\nfor n in nba.track(range(100), 'left'):\n    if n == 43: time.sleep(60)\n"
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "NB_ARTIFACTS_HOME": str(server.home)},
        )

        def said():
            answer = server.ask("GET", "/artifacts/left/latest", whole=True)
            info = json.loads(answer.body)["info"] if answer.status == 200 else {}
            return info.get("state"), info.get("done"), info.get("error")

        until(lambda: said() == ("running", 43, None))
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: said() == ("interrupted", 43, "process died"), seconds=5)
    finally:
        stop_server(server)
