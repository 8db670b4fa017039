"""``nb-artifacts server``: start, look at and stop the stand-alone server; make and revoke its keys."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from nb_artifacts import config
from nb_artifacts.cli.options import json_option
from nb_artifacts.errors import InvalidValue
from nb_artifacts.process import is_dead, this_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.serve.keys import Key, Keyring

PORT = 4242
STRONG = 16
"""A key in the environment has to have so many characters before a server is opened to other machines."""


class Running(msgspec.Struct):
    """What a started server leaves in its folder."""

    pid: int
    started: float
    url: str
    where: str


def _home_option(function: Callable[..., Any]) -> Callable[..., Any]:
    words = "The server's folder: its artifacts and its keys, unless they are in a database."
    return click.option("--home", type=click.Path(file_okay=False), metavar="DIR", help=words)(function)


def _database_option(function: Callable[..., Any]) -> Callable[..., Any]:
    words = "A postgresql:// address instead of the folder."
    return click.option("--database-url", metavar="URL", help=words)(function)


def _folder(home: str | None) -> Path:
    return Path(home).expanduser().absolute() if home else config.folder()


@click.group()
def server() -> None:
    """Serve artifacts to other machines, and manage the keys for that."""


@server.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="HOST", help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, metavar="N", help="0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Processes.")
@_home_option
@_database_option
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="A name by which the server may be asked.")
def start(host: str, port: int, workers: int, home: str | None, database_url: str | None, hosts: tuple[str, ...]) -> None:
    """Serve the artifacts in the foreground, until Ctrl-C.

    Whoever has a key may read and write. The first start makes one and prints it; NB_ARTIFACTS_API_KEY in the environment
    is taken as one more.
    """
    from nb_artifacts.serve import app as serve
    from nb_artifacts.serve import http
    from nb_artifacts.serve.keys import API_KEY, Keyring
    from nb_artifacts.store import open_store

    folder = _folder(home)
    database_url = database_url or None
    given = os.environ.get(API_KEY)
    keys = Keyring(folder, given, database_url=database_url)
    _check_host(host, keys, given, _making(home, database_url))
    where = open_store(database_url or folder, durable=config.durable()).where
    settings = serve.Settings(
        home=str(folder), database_url=database_url, durable=config.durable(), hosts=(*hosts, *_own_name(host))
    )
    os.environ[serve.SETTINGS] = msgspec.json.encode(settings).decode()

    def ready(bound: int) -> None:
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 (compared, not bound)
        url = f"http://{shown}:{bound}"
        _write_note(folder, Running(pid=os.getpid(), started=this_process().started, url=url, where=where))
        _greet(url, where, keys.first())
        keys.close()

    try:
        http.serve("nb_artifacts.serve.app:app", host, port, workers, ready)
    except OSError as error:
        raise click.ClickException(f"cannot listen at {host} port {port}: {error.strerror or error}") from None
    finally:
        note = _note(folder, os.getpid())
        note.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another server of the folder runs
            note.parent.rmdir()


def _check_host(host: str, keys: Keyring, given: str | None, making: str) -> None:
    """Raises `InvalidValue` where other machines could reach a server without a good key."""
    from nb_artifacts.serve.auth import is_loopback

    if is_loopback(host):
        return
    if not keys:
        raise InvalidValue(f"{host} can be reached by other machines and there is no key yet: {making} makes one.")
    if given is not None and len(given) < STRONG:
        raise InvalidValue(f"NB_ARTIFACTS_API_KEY has less than {STRONG} characters, too few to let other machines in.")


def _making(home: str | None, database_url: str | None) -> str:
    """The command that makes a key for the same place; a database's address is not repeated, it may hold a password."""
    place = " --database-url …" if database_url else f" --home {shlex.quote(home)}" if home else ""
    return f"`nb-artifacts server keys create{place}`"


def _own_name(host: str) -> tuple[str, ...]:
    return (host,) if host not in ("0.0.0.0", "::") else ()  # noqa: S104 (compared, not bound)


def _greet(url: str, where: str, secret: str | None) -> None:
    click.echo(f"nb-artifacts serves {where} at {url}")
    if secret is not None:
        click.echo("\nIts first key, shown only now. In a notebook, before artifacts are made:\n")
        click.echo(f"    %env NB_ARTIFACTS_API_URL={url}/api")
        click.echo(f"    %env NB_ARTIFACTS_API_KEY={secret}\n")
    click.echo("Ctrl-C stops it.", err=True)
    sys.stdout.flush()


@server.command()
@_home_option
@json_option()
def status(home: str | None, output: str | None) -> None:
    """Say whether the folder's server runs.

    The exit code is 1 where it does not.
    """
    from nb_artifacts.cli import out

    running = running_servers(_folder(home))
    if output == "json":
        newest = running[0] if running else None
        out.write_object({"running": bool(running), "server": newest, "servers": running})
    for one in running if output is None else ():
        click.echo(f"Running at {one.url} (process {one.pid}), serving {one.where}")
    if not running:
        if output is None:
            click.echo(f"No server runs for {_folder(home)}.")
        raise SystemExit(1)


@server.command()
@_home_option
def stop(home: str | None) -> None:
    """Ask the folder's servers to end, and wait until they have."""
    running = running_servers(_folder(home))
    if not running:
        raise click.ClickException(f"no server runs for {_folder(home)}.")
    asked = {one.pid for one in running}
    for pid in asked:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while left := [one.pid for one in running_servers(_folder(home)) if one.pid in asked]:
        if time.monotonic() > deadline:
            raise click.ClickException(f"process {left[0]} has not ended in 20 seconds.")
        time.sleep(0.05)
    click.echo("Stopped.")


@server.group()
def keys() -> None:
    """Make, list and revoke keys."""


@keys.command()
@_home_option
@_database_option
@click.option("--name", metavar="TEXT", help="What the key is for.")
@click.option("--workspace", metavar="ACCOUNT/WORKSPACE", help="Open only this workspace, not all.")
def create(home: str | None, database_url: str | None, name: str | None, workspace: str | None) -> None:
    """Make a key and print it, once: it is nowhere kept."""
    from nb_artifacts.serve.keys import EVERYWHERE

    secret, key = _keyring(home, database_url).create(name, workspace or EVERYWHERE)
    click.echo(secret)
    click.echo(f"Key {key.id} for {_place(key)}. It is shown only now.", err=True)


@keys.command("list")
@_home_option
@_database_option
@json_option("As a JSON list.")
def list_(home: str | None, database_url: str | None, output: str | None) -> None:
    """List the keys that open something, never what they are."""
    from nb_artifacts.cli import out

    found = _keyring(home, database_url).kept()
    if output == "json":
        out.write_object([{name: getattr(key, name) for name in ("id", "name", "workspace", "created")} for key in found])
    elif found:
        rows = [[key.id, f"{key.created:%Y-%m-%d %H:%M}", _place(key), out.plain(key.name or "")] for key in found]
        out.write_columns(("ID", "Made", "Opens", "Name"), rows, (out.KEY, {}, {}, {}), fixed=3)
    else:
        click.echo(f"No key yet: {_making(home, database_url)} makes one.", err=True)


@keys.command()
@_home_option
@_database_option
@click.argument("name", metavar="ID|NAME")
def revoke(home: str | None, database_url: str | None, name: str) -> None:
    """Take a key back: within a second nobody gets in with it."""
    key = _keyring(home, database_url).revoke(name)
    click.echo(f"Revoked key {key.id}.")


def _keyring(home: str | None, database_url: str | None) -> Keyring:
    """The keys of the folder or of the database. Raises `InvalidValue` where the folder's server has its keys elsewhere."""
    from nb_artifacts.serve.keys import Keyring

    folder = _folder(home)
    running = [] if database_url else running_servers(folder)
    if running and all(one.where.startswith("postgresql://") for one in running):
        raise InvalidValue(f"the keys of this folder's server are in {running[0].where}: give its address with --database-url.")
    return Keyring(folder, database_url=database_url or None)


def _place(key: Key) -> str:
    return "all workspaces" if key.opens("") else key.workspace


def _note(folder: Path, pid: int) -> Path:
    return folder / "server" / "running" / f"{pid}.json"


def _write_note(folder: Path, running: Running) -> Path:
    from nb_artifacts.store.folder import prepare, write_private

    prepare(folder)
    path = _note(folder, running.pid)
    for above in (path.parent.parent, path.parent):
        above.mkdir(mode=0o700, exist_ok=True)
    write_private(path, msgspec.json.encode(running))
    return path


def running_servers(folder: Path) -> list[Running]:
    """The folder's servers that still run, the newest first: the process of a number has to have begun when its server did."""
    found = []
    for note in (folder / "server" / "running").glob("*.json"):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            running = msgspec.json.decode(note.read_bytes(), type=Running)
            if not is_dead(replace(this_process(), pid=running.pid, started=running.started)):
                found.append(running)
            else:
                note.unlink()  # killed, it could not
    return sorted(found, key=lambda one: one.started, reverse=True)
