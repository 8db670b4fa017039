"""A live table in a notebook: one output that follows and ends true; what a killed kernel leaves is said by whoever looks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from kernelkit import MIME, Kernel
from waiting import until

from nb_artifacts import settle
from nb_artifacts.store import open_store


@pytest.fixture
def kernel(tmp_path):
    kernel = Kernel(tmp_path / "kernel", tmp_path)
    kernel.run("%load_ext nb_artifacts\nimport nb_artifacts as nba, time")
    yield kernel
    kernel.close()


def test_it_is_shown_once_followed_and_ends_true(kernel):
    ran = kernel.run(
        "with nba.live_table('training') as table:\n"
        "    for n in range(26):\n        table.append(n=n, loss=1 / (n + 1))\n        time.sleep(0.1)\n"
        "table.artifact"
    )
    assert [output[MIME]["key"] for output in ran.outputs if MIME in output] == ["training"]
    assert 1 <= len(ran.updates) <= 4
    last = ran.updates[-1]
    assert "26 rows" in last["text/html"] and "running" not in last["text/html"] and ">25<" in last["text/html"]
    assert "running" in ran.updates[0]["text/html"] or len(ran.updates) == 1


def test_another_process_reads_it_while_it_runs(kernel):
    kernel.run("table = nba.live_table('open', display=False)\nfor n in range(3): table.append(n=n)")
    code = "import nb_artifacts as nba; f = nba.Artifact.get('open'); print(f.to_pandas()['n'].tolist(), f.payload.info.live.state)"
    environment = {**os.environ, "NB_ARTIFACTS_HOME": str(kernel.home)}

    def read():
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout

    assert until(lambda: read() == "[0, 1, 2] running\n")


def test_a_killed_kernel_leaves_it_interrupted_for_servers_too(kernel):
    kernel.run("table = nba.live_table('killed', display=False)\nfor n in range(3): table.append(n=n)\ntable._writer.write()")
    pid = int(kernel.run("import os; print(os.getpid())").stdout)
    sweep = settle.Sweep(open_store(kernel.home))
    assert sweep.settle() == 0
    os.kill(pid, signal.SIGKILL)
    assert until(sweep.settle) == 1
    record = open_store(kernel.home).find(settle.Query(latest=True))[0]
    assert (record.info["live"]["state"], record.info["live"]["error"], record.info["rows"]) == (
        "interrupted",
        "kernel died",
        3,
    )


def test_an_exception_in_a_cell_fails_it(kernel):
    kernel.run("with nba.live_table('broken', display=False) as table:\n    table.append(n=1)\n    1 / 0", check=False)
    assert (
        kernel.run("print(nba.Artifact.get('broken').payload.info.live.error)").stdout
        == "ZeroDivisionError: division by zero\n"
    )


def test_interrupting_the_kernel_interrupts_it(kernel):
    store = open_store(kernel.home)

    def interrupt():
        until(lambda: any(record.info["rows"] for record in store.find(settle.Query(latest=True))))
        kernel.manager.interrupt_kernel()

    threading.Thread(target=interrupt).start()
    ran = kernel.run(
        "with nba.live_table('stopped', display=False) as table:\n    table.append(n=1)\n    time.sleep(60)", check=False
    )
    assert ran.error.startswith("KeyboardInterrupt")
    assert kernel.run("print(nba.Artifact.get('stopped').payload.info.live.state)").stdout == "interrupted\n"
