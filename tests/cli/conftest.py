"""A folder of a test's own, the command line in this process, as a process, and on a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

SCRIPTS = Path(sys.executable).parent


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder that this process and the processes it starts keep artifacts in."""
    folder = tmp_path / "home"
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(folder))
    monkeypatch.delenv("NB_ARTIFACTS_FROM_SERVER", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return folder


@pytest.fixture
def cli(home):
    """Run a command in this process, without a terminal: ``cli("ls", "--all")``."""
    from nb_artifacts.cli import cli as command

    def run(*words, code=0, stdin=None):
        done = CliRunner().invoke(command, words, prog_name="nb-artifacts", input=stdin)
        assert done.exit_code == code, (done.output, done.exception)
        return done

    return run


@pytest.fixture
def read(cli):
    """The JSON that a command prints, which must be strict."""

    def run(*words):
        return json.loads(cli(*words).stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    return run


@pytest.fixture
def shell(home):
    """Run the installed console script as a process."""

    def run(*words, script="nb-artifacts", code=0, **options):
        done = subprocess.run([SCRIPTS / script, *words], capture_output=True, timeout=60, check=False, **options)
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture
def terminal(home):
    """Run the console script on a terminal of some columns, typing `keys`; its screen as text, and its exit code."""
    import pty

    def run(*words, keys="", columns=200):
        import fcntl
        import struct
        import termios

        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        environment = {name: text for name, text in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        process = subprocess.Popen(
            [SCRIPTS / "nb-artifacts", *words], stdin=its, stdout=its, stderr=its, env={**environment, "TERM": "xterm"},
            start_new_session=True,
        )  # fmt: skip
        os.close(its)
        os.write(ours, keys.encode())
        screen = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # what Linux says when the other side is closed
                break
            if not part:
                break
            screen += part
        os.close(ours)
        return screen.decode().replace("\r\n", "\n"), process.wait(timeout=60)

    return run
