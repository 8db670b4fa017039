"""The console scripts as processes: start, pipes, completion, errors of the folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nb_artifacts as nba

HEAVY = ("pandas", "pyarrow", "numpy", "rich", "sqlite3", "msgspec", "IPython", "PIL", "narwhals", "ipywidgets", "asyncio")


def modules(home, *words):
    code = (
        "import sys, json\nfrom nb_artifacts.cli import cli\n"
        f"try: cli({list(words)!r}, prog_name='nb-artifacts')\nexcept SystemExit: pass\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    env = {**os.environ, "NB_ARTIFACTS_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [("--help",), ("ls", "--help"), ("get", "--help"), ("--version",), ("nonsense",)])
def test_help_loads_nothing_heavy(tmp_path, words):
    home = tmp_path / "untouched"
    assert not set(HEAVY) & modules(home, *words)
    assert not home.exists()


def test_a_listing_loads_no_frames(home):
    nba.create([{"a": 1}], "table")
    nba.create("x", "text")
    assert not {"pandas", "pyarrow", "numpy", "rich", "IPython", "PIL", "narwhals"} & modules(home, "ls")


def test_both_scripts_are_the_same(shell, home):
    nba.create("x", "words")
    assert shell("ls", "-o", "json").stdout == shell("ls", "-o", "json", script="jupyter-artifact").stdout
    assert b"Usage: jupyter artifact [OPTIONS]" in shell("--help", script="jupyter-artifact").stdout
    done = shell("artifact", "history", "words", script="jupyter")
    assert done.stdout.startswith(b"Version  ID")
    assert b"Usage: nb-artifacts [OPTIONS]" in shell("--help").stdout
    assert nba.__version__.encode() in shell("--version").stdout


def test_help_names_todays_verbs_only(shell):
    listed = shell("--help").stdout.decode().partition("Commands:")[2].split("\n")
    names = "backup delete diff doctor export gc get history import inspect ls open restore server status sync watch"
    assert [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "] == names.split()


def test_a_reader_that_leaves_is_no_error(home):
    nba.create("x" * 200_000 + "\n" + "y\n" * 200_000, "long")
    script = Path(sys.executable).with_name("nb-artifacts")
    for words in ("get long", "get long -o json"):
        done = subprocess.run(["bash", "-c", f'"{script}" {words} | head -c 10'], capture_output=True, timeout=60, check=False)
        assert len(done.stdout) == 10
        assert done.stderr == b""


def test_output_that_cannot_spell_a_character_escapes_it(shell):
    nba.create("# naïve 表", "words")
    plain = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    assert b"na\xefve \\u8868" in shell("ls", env=plain).stdout
    assert "naïve 表".encode() in shell("get", "words", env=plain).stdout


def test_a_folder_that_cannot_be_used_is_named(shell, home):
    home.write_text("a file")
    done = shell("ls", code=1)
    assert done.stderr.startswith(b"Error: ") and str(home).encode() in done.stderr and done.stderr.count(b"\n") == 1


def test_a_damaged_database_is_named(shell, home):
    nba.create("x", "words")
    nba.configure(home=None)
    for path in home.glob("store.db-*"):
        path.unlink()
    (home / "store.db").write_bytes(b"this is not a database" * 1000)
    done = shell("ls", code=1)
    assert b"store.db" in done.stderr and b"Traceback" not in done.stderr


def test_a_shell_completes_keys_and_versions(shell, home):
    nba.create("x", "flights-a")
    nba.create("y", "flights-a")
    nba.create("z", "flights-b")

    def complete(words, place):
        environment = {**os.environ, "_NB_ARTIFACTS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
        return shell(env=environment).stdout.decode().split()

    assert complete("nb-artifacts get fli", 2) == ["plain,flights-a", "plain,flights-b"]
    assert complete("nb-artifacts inspect flights-a@", 2) == ["plain,flights-a@2", "plain,flights-a@1"]
    assert complete(f"nb-artifacts --home {home} delete flights-b", 4) == ["plain,flights-b"]
    assert complete("nb-artifacts hist", 1) == ["plain,history"]
    assert complete("nb-artifacts get Not@@", 2) == []


def test_an_output_that_cannot_be_written_is_one_line(home):
    nba.create("x", "words")
    with open("/dev/full", "wb") as full:
        script = Path(sys.executable).with_name("nb-artifacts")
        done = subprocess.run([script, "ls"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"Error: the output cannot be written: No space left on device.\n")


def test_home_behind_the_verb_is_told_where_it_goes(shell):
    assert b"--home goes before the verb: nb-artifacts --home DIR ls" in shell("ls", "--home", ".", code=2).stderr


def test_no_verb_is_cut_off_in_the_help(shell):
    for words in ((), ("server",), ("server", "keys")):
        listed = shell(*words, "--help", env={**os.environ, "COLUMNS": "80"}).stdout.partition(b"Commands:")[2]
        assert listed and b"..." not in listed
