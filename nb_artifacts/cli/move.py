"""The verbs that move whole stores and care for a folder: export, import, backup, restore, doctor, gc."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nb_artifacts import config
from nb_artifacts.cli.options import json_option
from nb_artifacts.errors import InvalidValue, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nb_artifacts.archive import ArchiveSource
    from nb_artifacts.backup import Backup
    from nb_artifacts.copying import Copied, Source, StoreSource
    from nb_artifacts.store import Store

_PLACE = "A file, a folder with artifacts, or the address of a server (its key: NB_ARTIFACTS_API_KEY)."


def _keys_option(function: Callable[..., Any]) -> Callable[..., Any]:
    words = "Only this key; may be given several times."
    return click.option("--key", "keys", multiple=True, metavar="KEY", help=words)(function)


@click.command()
@click.argument("target", metavar="FILE|DIR|URL")
@_keys_option
@json_option()
def export(target: str, keys: tuple[str, ...], output: str | None) -> None:
    """Take artifacts to a file, a folder or a server.

    Their history and their origin go with them. A file is a zip of JSON lines and bytes that `import` reads. What is
    there already is not made twice, so an export that was interrupted is simply made again. The store that takes them
    numbers the versions, in their order.
    """
    from nb_artifacts import archive, copying, core

    source = copying.StoreSource(core.current_store(), keys)
    store = _store(target)
    with _counter(source, f"to {target}") as each:
        if store is None:
            copied = archive.export(source, Path(target).expanduser(), each)
        else:
            copied = copying.copy(source, copying.StoreTarget(_other(store)), each)
    _tell(copied, f"to {store.where if store else target}", output)


@click.command("import")
@click.argument("source", metavar="FILE|DIR|URL")
@_keys_option
@json_option()
def import_(source: str, keys: tuple[str, ...], output: str | None) -> None:
    """Bring artifacts here from a file, a folder or a server.

    The file is one that `export` wrote. May be made again: what is here already stays one, and what was deleted here
    stays deleted.
    """
    from nb_artifacts import copying, core

    here = core.current_store()
    with ExitStack() as stack:
        told = stack.enter_context(_source(source, keys))
        each = stack.enter_context(_counter(told, f"from {source}"))
        copied = copying.copy(told, copying.StoreTarget(here), each)
    _tell(copied, f"from {source} to {here.where}", output)


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False))
@json_option()
def backup(file: str, output: str | None) -> None:
    """Copy the whole folder into a file, while it is in use.

    `restore` makes a folder of it again.
    """
    from nb_artifacts import backup as backups
    from nb_artifacts import core

    _tell_whole(backups.backup(core.current_store(), Path(file).expanduser()), file, output)


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False))
@click.option("--into", metavar="DIR", help="The folder to make; as a rule the one in use, which must be empty or not there.")
@json_option()
def restore(file: str, into: str | None, output: str | None) -> None:
    """Make a folder from a backup: as it was, version numbers included."""
    from nb_artifacts import backup as backups

    folder = Path(into).expanduser().absolute() if into else config.folder()
    _tell_whole(backups.restore(Path(file).expanduser(), folder), str(folder), output)


@click.command()
@click.option("--salvage", is_flag=True, help="Make a new database of what can be read; end kernels and servers before.")
@json_option()
def doctor(salvage: bool, output: str | None) -> None:
    """Look whether everything in the folder is sound.

    The bytes of every blob are read. The exit code is 1 where something is not; each line says what to do.
    """
    from nb_artifacts.cli import out
    from nb_artifacts.store import health
    from nb_artifacts.store import salvage as salvaging
    from nb_artifacts.types.text import plural

    folder = config.folder()
    if salvage:
        saved = salvaging.salvage(folder)
        if output == "json":
            out.write_object(saved)
            return
        lost = f", {saved.lost} could not be read" if saved.lost else ""
        what = f"{plural(saved.artifacts, 'artifact')} and {plural(saved.runs, 'run')}"
        click.echo(f"{what} saved{lost}. The damaged files are in {saved.kept}.")
        return
    findings = []
    for finding in health.examine(folder):
        findings.append(finding)
        if output is None:
            mark = "ok  " if finding.remedy is None else "BAD "
            click.echo(mark + out.plain(finding.what))
            if finding.remedy is not None:
                click.echo(f"    → {out.plain(finding.remedy)}")
    if output == "json":
        out.write_object(findings)
    if any(finding.remedy is not None for finding in findings):
        sys.exit(1)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option()
def gc(dry_run: bool, output: str | None) -> None:
    """Delete files that no artifact needs.

    And give the room of deleted rows back to the disk. Such files are left by processes killed at the wrong moment;
    younger than a day they stay. No artifact is deleted.
    """
    from nb_artifacts import core
    from nb_artifacts.cli import out
    from nb_artifacts.store.sqlite import SqliteStore
    from nb_artifacts.types.text import plural, size

    store = core.current_store()
    if not isinstance(store, SqliteStore):
        raise UsageError(f"{store.where} is no folder: a server cares for its own files.")
    if dry_run:
        unneeded = [length for _, length in store.upkeep.unneeded()]
        files, freed = len(unneeded), sum(unneeded)
    else:
        files, freed = store.upkeep.sweep()
        store.upkeep.shrink()
    if output == "json":
        out.write_object({"files": files, "bytes": freed, "dry_run": dry_run})
    else:
        what = f"{plural(files, 'file')} of {size(freed)}" if files else "nothing"
        click.echo(out.plain(f"{what} {'would be deleted' if dry_run else 'deleted'} in {store.where}."))


VERBS = (export, import_, backup, restore, doctor, gc)


def _store(place: str) -> Store | None:
    """The store at a place, or None where that is a file. Raises `StoreError`."""
    from nb_artifacts.store import open_store

    if "://" in place:
        return open_store(place, key=config.key())
    folder = Path(place).expanduser()
    return open_store(folder.absolute()) if folder.is_dir() or place.endswith(("/", os.sep)) else None


def _other(store: Store) -> Store:
    """`store`, unless it is the one in use. Raises `InvalidValue`."""
    from nb_artifacts import core

    if store.id == core.current_store().id:
        raise InvalidValue(f"{store.where} is the store in use: name another place.")
    return store


@contextmanager
def _source(place: str, keys: tuple[str, ...]) -> Iterator[ArchiveSource | StoreSource]:
    from nb_artifacts import archive, copying

    folder = Path(place).expanduser()
    if "://" not in place and place.endswith(("/", os.sep)) and not folder.is_dir():
        raise InvalidValue(f"there is no folder {place}.")
    if folder.is_dir() and not (folder / "store.db").exists():  # opening it would make a store there
        raise InvalidValue(f"{folder} holds no artifacts: name another folder, or a file that `export` wrote.")
    store = _store(place)
    if store is not None:
        yield copying.StoreSource(_other(store), keys)
        return
    with archive.opened(folder, "export") as file:
        yield archive.ArchiveSource(file, folder, keys)


@contextmanager
def _counter(source: Source, label: str) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; nothing into a pipe."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=source.count(), label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _tell(copied: Copied, where: str, output: str | None) -> None:
    from nb_artifacts.cli import out
    from nb_artifacts.types.text import plural

    if output == "json":
        out.write_object(copied)
    else:
        words = {"added": "new", "updated": "changed", "same": "known already", "deleted": "deleted there"}
        facts = [(getattr(copied, name), word) for name, word in words.items()]
        said = ", ".join(f"{number} {word}" for number, word in facts if number)
        click.echo(out.plain(f"{plural(copied.told, 'artifact')} {where}" + (f": {said}." if said else ".")))
    if copied.damaged:
        for line in copied.damaged[:20]:
            click.echo(out.plain(f"left out: {line}"), err=True)
        sys.exit(1)


def _tell_whole(found: Backup, place: str, output: str | None) -> None:
    """What of a whole folder is at `place` now. The exit code is 1 where bytes were missing."""
    from nb_artifacts.cli import out
    from nb_artifacts.types.text import plural

    if output == "json":
        out.write_object(found)
    else:
        are = f"{plural(found.artifacts, 'artifact')} and {plural(found.blobs, 'file')} of bytes are"
        click.echo(out.plain(f"{are} in {place}."))
    if found.missing:
        shown, were = ", ".join(found.missing[:5]), plural(len(found.missing), "file")
        click.echo(f"{were} of bytes missing: {shown}. `nb-artifacts doctor` says whose they are.", err=True)
        sys.exit(1)
