"""What a store says of bars whose process died, failed, was interrupted or just ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest
from waiting import until

import nb_artifacts as nba
from nb_artifacts import core, settle
from nb_artifacts.ledger import Ledger
from nb_artifacts.process import this_process
from nb_artifacts.types.progress import Progress, ProgressInfo, Step
from nb_artifacts.wire import now

ROOT = Path(__file__).parents[2]


@pytest.fixture
def killed(home, tmp_path):
    """A script that is killed in the middle of its loop; its key is ``killed``, at 43 of 100."""
    code = (
        "import time, nb_artifacts as nba\n"
        "for n in nba.track(range(100), 'killed'):\n"
        "    for _ in nba.track(range(10), description='inner'):\n        pass\n"
        "    inner = iter(nba.track(range(10), description='cut'))\n    next(inner)\n"
        "    if n == 43:\n        time.sleep(0.5)\n        print('here', flush=True)\n        time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ})
    assert process.stdout.readline() == "here\n"
    record = core.current_store().find(core.Query())[0]
    assert (record.key, record.info["state"], record.info["done"]) == ("killed", "running", 43)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_writer_leaves_interrupted(killed):
    artifact = nba.Artifact.get("killed")
    assert artifact.payload.summary() == "interrupted at 43 % · process died"
    assert (artifact.payload.info.state, artifact.value) == ("interrupted", 43)
    assert {step.state for step in artifact.payload.info.steps} <= {"finished", "stopped", "interrupted"}
    stored = core.current_store().get(artifact.id)
    assert stored.info["state"] == "interrupted", "it is written, not only shown"
    seq = stored.seq
    for records in (core.history("killed"), core.latest(), core.everything(), core.in_run(stored.flow_run_id)):
        assert [record.info["state"] for record in records] == ["interrupted"]
    assert core.current_store().get(artifact.id).seq == seq, "once"


def test_the_command_line_says_so_with_no_server_running(killed, home):
    done = subprocess.run(
        [sys.executable, "-m", "nb_artifacts.cli", "ls", "--output", "json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ},
    )
    assert [(one["key"], one["state"]) for one in json.loads(done.stdout)] == [("killed", "interrupted")], done.stderr


def test_a_sweep_finds_it_without_being_asked_for_it(killed):
    store = core.current_store()
    sweep = settle.Sweep(store)
    assert sweep.settle() == 1
    assert store.find(core.Query())[0].info["state"] == "interrupted"
    assert sweep.settle() == 0
    assert settle.settle_dead(store) == 0


def keep(**changes):
    writer = this_process()
    info = ProgressInfo(
        state="running", done=43, total=100, started=now(), host=writer.host, boot_id=writer.boot_id, pid=writer.pid,
        process_started=writer.started, steps=[Step(name="s", state="running", done=1, started=now())],
    )  # fmt: skip
    return core.keep(Progress(msgspec.structs.replace(info, **changes)), "bar")


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({}, "running", None),
        ({"process_started": 5.0}, "interrupted", "process died"),
        ({"boot_id": "another"}, "interrupted", "the machine restarted"),
        ({"pid": 2**31 - 1}, "interrupted", "process died"),
        ({"host": "elsewhere", "pid": 2**31 - 1}, "running", None),
        ({"host": None}, "running", None),
        ({"pid": -5}, "running", None),
        ({"pid": 2**70}, "running", None),
        ({"state": "stopped", "process_started": 5.0}, "stopped", None),
    ],
)
def test_who_counts_as_dead(home, changes, state, why):
    keep(**changes)
    assert (core.get("bar").info["state"], core.get("bar").info.get("error")) == (state, why)
    assert core.get("bar").info["steps"][0]["state"] == ("interrupted" if state == "interrupted" else "running")


def test_a_sweep_follows_the_feed(home):
    store = core.current_store()
    sweep = settle.Sweep(store)
    assert sweep.settle() == 0
    alive, dead = keep(), keep(process_started=5.0)
    assert sweep.settle() == 1
    assert [store.get(one.id).info["state"] for one in (alive, dead)] == ["running", "interrupted"]
    core.remove(alive.id)
    core.keep(Progress(50), "no-writer")
    assert sweep.settle() == 0
    assert sweep._running == {}


def test_what_another_has_written_leads(home):
    record = keep(process_started=5.0)
    core.change(record.id, Progress(100))
    assert settle.settled(record, core.current_store()).info["state"] == "finished"


def test_members_of_a_newer_release_stay(home):
    record = keep(process_started=5.0)
    store = core.current_store()
    store.patch(record.id, core.Patch(info={**record.info, "of_tomorrow": [1]}))
    assert core.get("bar").info["of_tomorrow"] == [1]


def test_a_store_that_cannot_be_written_still_tells_the_truth(home, monkeypatch):
    keep(process_started=5.0)
    from nb_artifacts.errors import StoreReadOnly

    def refuse(*_, **__):
        raise StoreReadOnly("read only")

    monkeypatch.setattr(core.current_store(), "patch", refuse)
    assert core.get("bar").info["state"] == "interrupted"


def test_an_exception_nobody_catches_ends_a_script_and_fails_its_loop(script, infos):
    done = script("import nb_artifacts as nba\nfor n in nba.track(range(10), 'script'):\n    if n == 4: 1 / 0\n", check=False)
    assert "ZeroDivisionError" in done.stderr
    info = infos("script")[0]
    assert (info.state, info.error, info.done) == ("failed", "ZeroDivisionError: division by zero", 4)


def test_a_loop_in_a_function_that_failed(script, infos):
    script(
        "import nb_artifacts as nba\ndef work():\n    bar = nba.progress(10, 'function')\n    bar.update(3)\n    raise OSError('no')\nwork()\n",
        check=False,
    )
    assert (infos("function")[0].state, infos("function")[0].error) == ("failed", "OSError: no")


def test_sys_exit_and_the_end_of_the_script_stop_a_bar(script, said):
    script("import nb_artifacts as nba, sys\nfor n in nba.track(range(10), 'exit'):\n    if n == 4: sys.exit()\n")
    script(
        "import nb_artifacts as nba\nbar = nba.progress(10, 'exit')\nbar.update(3)\nit = iter(nba.track(range(5), 'it')); next(it)\n"
    )
    assert said("exit") == [("stopped", 4), ("stopped", 3)]
    assert said("it") == [("stopped", 0)]
    script("import nb_artifacts as nba\nbar = nba.progress(10, 'full')\nbar.update(10)\n")
    assert said("full") == [("finished", 10)]


def test_control_c_ends_a_script_with_interrupted(home, infos):
    code = "import time, nb_artifacts as nba\nfor n in nba.track(range(10), 'ctrl-c'):\n    if n == 4:\n        print(flush=True)\n        time.sleep(60)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, env={**os.environ}
    )
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait() == -signal.SIGINT
    assert (infos("ctrl-c")[0].state, infos("ctrl-c")[0].done, infos("ctrl-c")[0].error) == ("interrupted", 4, None)


def test_interrupts_at_any_moment_leave_whole_bars(script, infos):
    """R-07 for loops: a hundred interrupts, wherever they come; afterwards every bar has ended and the store works."""
    script(
        "import nb_artifacts as nba, signal, os, threading, time, random\n"
        "nba.create('x', 'before')\n"
        "main, caught, over = threading.main_thread().ident, 0, False\n"
        "def fire():\n"
        "    while not over:\n        time.sleep(random.uniform(0.001, 0.02))\n        if not over: signal.pthread_kill(main, signal.SIGINT)\n"
        "thread = threading.Thread(target=fire)\n"
        "started = False\n"
        "while caught < 100:\n"
        "    try:\n"
        "        if not started:\n            started = True\n            thread.start()\n"
        "        for n in nba.track(range(3), 'storm'): pass\n"
        "        with nba.progress(3, 'storm') as bar: bar.update(3)\n"
        "    except KeyboardInterrupt:\n        caught += 1\n"
        "while True:\n"
        "    try:\n        over = True; thread.join(); break\n    except KeyboardInterrupt: pass\n"
        "nba.create('x', 'after')\n"
    )
    states = {info.state for info in infos("storm")}
    assert states <= {"finished", "interrupted", "stopped", "failed"}
    assert "running" not in states
    assert core.get("after") is not None


def test_the_process_that_wrote_is_named(home):
    with nba.progress(1, "who"):
        info = core.read(core.get("who")).info
    assert (info.host, info.pid) == (socket.gethostname(), os.getpid())


def test_a_heartbeat_shows_that_a_quiet_bar_lives(home, monkeypatch):
    from nb_artifacts.bars import keeper

    monkeypatch.setattr(keeper, "HEARTBEAT", 0.2)
    with nba.progress(1, "quiet"):
        seq = core.get("quiet").seq
        until(lambda: core.get("quiet").seq > seq + 1)


def test_what_a_dead_owner_left_in_the_temporary_folder_goes(home, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    record = keep(process_started=5.0)
    left = Ledger(str(record.id))
    other = Ledger("another")
    assert core.get("bar").info["state"] == "interrupted"
    assert not left.folder.exists()
    assert other.folder.exists()
