"""`watch`: bars and live tables of another process, in a pipe and on a terminal."""

import json
import os
import pty
import subprocess
import sys

import pytest
from rich.console import Console

import nb_artifacts as nba
from nb_artifacts.cli.watching import _drawn

WORK = """
import sys, nb_artifacts as nba
with nba.progress(4, "watched", "Four parts", unit="parts") as bar:
    for n in range(4):
        sys.stdin.readline()
        if n == 3 and sys.argv[1] == "fail":
            raise OSError("the disk")
        bar.update()
        print(n, flush=True)
"""


TRAINING = """
import sys, nb_artifacts as nba
with nba.live_table("training") as table:
    for n in range(1240):
        table.append(n=n)
    print("there", flush=True)
    sys.stdin.readline()
"""


def start(home, how, code=WORK):
    env = {**os.environ, "NB_ARTIFACTS_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-c", code, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=env,
    )


def watch(home, *arguments, stdout=subprocess.PIPE):
    env = {**os.environ, "NB_ARTIFACTS_HOME": str(home), "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-c", "from nb_artifacts.cli import main; main()", "watch", *arguments]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=stdout == subprocess.PIPE, env=env)


def until_kept(home, key):
    while not nba.Artifact.get(key):
        pass


def test_a_pipe_gets_a_line_a_change_until_the_end(home):
    worker = start(home, "finish")
    until_kept(home, "watched")
    watcher = watch(home, "watched")
    assert "watched · 0 %" in watcher.stdout.readline()
    for _ in range(4):
        worker.stdin.write("\n")
        worker.stdin.flush()
        worker.stdout.readline()
    said, _ = watcher.communicate(timeout=60)
    assert "watched · 100 % · finished" in said.splitlines()[-1]
    assert watcher.returncode == 0
    worker.wait()


def test_a_failed_bar_is_exit_code_1_and_json_has_whole_records(home):
    worker = start(home, "fail")
    until_kept(home, "watched")
    watcher = watch(home, "--output", "json")
    assert json.loads(watcher.stdout.readline())["state"] == "running"
    worker.communicate("\n\n\n\n", timeout=60)
    said, _ = watcher.communicate(timeout=60)
    last = json.loads(said.splitlines()[-1])
    assert (last["key"], last["state"], last["info"]["error"]) == ("watched", "failed", "OSError: the disk")
    assert watcher.returncode == 1


@pytest.mark.filterwarnings("ignore:'twice' is the key")
def test_bars_without_a_key_and_earlier_versions_are_watched_too(home):
    bars = [nba.progress(3, description="Load\n[red]days", display=False), nba.progress(3, "twice"), nba.progress(3, "twice")]
    watcher = watch(home)
    try:
        names = sorted(watcher.stdout.readline().split(" · ")[0] for _ in bars)
        assert names == ["Load [red]days", "twice", "twice"]
    finally:
        for bar in bars:
            bar.finish()
        watcher.communicate(timeout=60)
    assert watcher.returncode == 0


def test_a_full_bar_has_the_colour_of_how_it_ended(home):
    with pytest.raises(OSError, match="disk"), nba.progress(3, "full", display=False) as bar:
        bar.update(3)
        raise OSError("disk")
    console = Console(width=90, color_system="standard", force_terminal=True)
    with console.capture() as drawn:
        console.print(_drawn([nba.core.get("full")], console))
    assert "\x1b[31m━" in drawn.get()


def test_a_killed_writer_is_seen_without_any_server(home):
    worker = start(home, "finish")
    until_kept(home, "watched")
    watcher = watch(home, "watched")
    watcher.stdout.readline()
    worker.kill()
    worker.wait()
    said, _ = watcher.communicate(timeout=60)
    assert "interrupted at 0 % · process died" in said.splitlines()[-1]
    assert watcher.returncode == 1


def test_a_terminal_gets_bars(home):
    worker = start(home, "finish")
    until_kept(home, "watched")
    ours, theirs = pty.openpty()
    watcher = watch(home, stdout=theirs)
    os.close(theirs)
    seen = os.read(ours, 65536)
    while b"watched" not in seen:
        seen += os.read(ours, 65536)
    worker.communicate("\n\n\n\n", timeout=60)
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    watcher.wait(timeout=60)
    assert b"watched" in seen
    assert "finished" in seen.decode()
    assert "━".encode() in seen


def test_nothing_to_watch_and_what_is_no_bar_are_said(cli):
    nba.create("text", "words")
    nba.create([{"n": 1}], "rows")
    assert "is a markdown artifact: only a progress and a live table" in cli("watch", "words", code=1).stderr
    assert "is a table artifact" in cli("watch", "rows", code=1).stderr
    assert cli("watch").stderr == "Nothing is running.\n"
    assert "not found" in cli("watch", "missing", code=1).stderr


def test_a_live_table_is_followed_to_its_end(home):
    worker = start(home, "finish", TRAINING)
    worker.stdout.readline()
    watcher = watch(home, "--output", "json")
    first = json.loads(watcher.stdout.readline())
    assert (first["key"], first["state"]) == ("training", "running")
    worker.communicate("\n", timeout=60)
    said, _ = watcher.communicate(timeout=60)
    assert json.loads(said.splitlines()[-1])["state"] == "finished"
    assert watcher.returncode == 0


def test_a_live_table_of_a_killed_process_is_interrupted(home, cli):
    worker = start(home, "finish", TRAINING)
    worker.stdout.readline()
    while nba.core.get("training").info["rows"] < 1240:
        pass
    worker.kill()
    worker.communicate(timeout=60)
    said = cli("watch", "training", code=1).stdout
    assert said == "training · 1,240 rows · interrupted · process died\n"
    assert "interrupted · process died" in cli("ls").stdout


def test_a_terminal_has_a_bar_for_a_table_while_it_runs(home):
    table = nba.live_table("crawl", display=False)
    table.extend([{"n": 1}, {"n": 2}])
    console = Console(width=90, color_system=None)
    with console.capture() as running:
        console.print(_drawn([nba.core.get("crawl")], console))
    table.finish()
    with console.capture() as ended:
        console.print(_drawn([nba.core.get("crawl")], console))
    assert "━" in running.get()
    assert "rows · running" in running.get()
    assert ended.get().split() == ["crawl", "2", "rows", "·", "finished"]


def test_one_version_is_watched_by_its_name_or_id(cli):
    with nba.progress(2, "two-runs") as bar:
        bar.update(2)
    made = bar.artifact
    with nba.progress(key="two-runs"):
        pass
    for name in ("two-runs@1", str(made.id)):
        assert cli("watch", name).stdout == "two-runs · 100 % · " + made.payload.summary().partition(" · ")[2] + "\n"
    assert "has no version 7" in cli("watch", "two-runs@7", code=1).stderr
