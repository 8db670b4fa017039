"""`watch`: bars of another process, in a pipe and on a terminal."""

import json
import os
import pty
import subprocess
import sys

import nb_artifacts as nba

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


def start(home, how):
    env = {**os.environ, "NB_ARTIFACTS_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-c", WORK, how],
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
    assert "is a markdown artifact: only a progress is watched" in cli("watch", "words", code=1).stderr
    assert cli("watch").stderr == "Nothing is running.\n"
    assert "not found" in cli("watch", "missing", code=1).stderr
