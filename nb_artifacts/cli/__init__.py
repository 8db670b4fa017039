"""``nb-artifacts`` and, the same, ``jupyter artifact``: the folder's artifacts from a shell, with no server running.

Verbs, flags and exit codes are Prefect's where the verb is Prefect's: 0 done, 1 not found or refused, 2 typed wrongly.
Only click is imported before a verb runs, so that help and completion are quick.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nb_artifacts import config
from nb_artifacts.cli import move, sync
from nb_artifacts.cli.options import json_option
from nb_artifacts.errors import ArtifactError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID


class _Group(click.Group):
    """Tells errors of ours in a line on stderr, with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ArtifactError as error:
            from nb_artifacts.types.text import one_line

            kind = "not found: " if isinstance(error, NotFound) else ""
            raise click.ClickException(one_line(f"{kind}{error}")) from None
        except click.NoSuchOption as error:
            if error.option_name != "--home" or error.ctx is None:
                raise
            root, _, verb = error.ctx.command_path.partition(f"{ctx.command_path} ")
            raise click.UsageError(
                f"--home goes before the verb: {ctx.command_path} --home DIR {verb or root}", error.ctx
            ) from None
        except OSError as error:
            if error.filename is not None or error.errno not in {errno.ENOSPC, errno.EIO, errno.EFBIG}:
                raise
            with suppress(OSError, ValueError):  # what is still unwritten would be tried again at the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.ClickException(f"the output cannot be written: {error.strerror}.") from None


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Warnings as a line on stderr, without the place in some code that a person at a shell did not write."""
    import warnings

    def show(message: Warning | str, *_: object, **__: object) -> None:
        from nb_artifacts.types.text import one_line

        click.echo(f"Warning: {one_line(str(message))}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(exists=True, file_okay=False),
    help="The folder with the artifacts, instead of NB_ARTIFACTS_HOME or the user's data folder.",
)
@click.version_option(package_name="nb-artifacts")
@click.pass_context
def cli(ctx: click.Context, home: str | None) -> None:
    """What notebooks kept as artifacts: list it, look at it, take it out, delete it.

    KEY[@V] is a key, or one version of it, as in flights-by-carrier@3; an artifact's id does as well.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # standard streams are mostly TextIOWrapper; others are skipped
    ctx.with_resource(_plain_warnings())
    if home is not None:
        config.configure(home=home)
        ctx.call_on_close(lambda: config.configure(home=None))


class _Server(click.Group):
    """The server's verbs, whose module is loaded when one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._verbs().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._verbs().get_command(ctx, cmd_name)

    @staticmethod
    def _verbs() -> click.Group:
        from nb_artifacts.cli.server import server

        return server


for _verb in move.VERBS:
    cli.add_command(_verb)
cli.add_command(sync.sync)
cli.add_command(_Server("server", help="Serve artifacts to other machines, and manage the keys for that."))


def _complete(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Stored keys; after ``K@`` the versions of K."""
    from nb_artifacts import core

    key, at, _version = typed.partition("@")
    with suppress(ArtifactError):
        config.configure(home=ctx.find_root().params.get("home"))
        if not at:
            return core.find_keys(typed)
        return [
            name
            for record in core.history(key, limit=100, remote=False)
            if (name := f"{key}@{record.version}").startswith(typed) and record.version
        ]
    return []


def _limit_option(default: int | None, words: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    shown = default is not None
    return click.option("--limit", type=click.IntRange(min=0), default=default, show_default=shown, metavar="N", help=words)


@cli.command("ls")
@_limit_option(100, "List at most so many.")
@click.option("--all", "-a", "every", is_flag=True, help="Every version, and what has no key, one line each.")
@json_option("Whole records, as JSON.")
def ls(limit: int, every: bool, output: str | None) -> None:
    """List the newest version of each key, newest first."""
    from nb_artifacts import core, listing
    from nb_artifacts.cli import out
    from nb_artifacts.wire import Query

    records = core.everything(limit) if every else core.latest(limit)
    if output == "json":
        out.write_records(records)
    elif records:
        out.write_list(records)
    note = listing.left_out(len(records), limit, Query(latest=not every))
    if note:
        click.echo(note, err=True)
    elif not records and output is None:
        where = out.plain(core.current_store().where)
        click.echo(f"Nothing kept yet in {where}. In a notebook: %%artifact --key my-first-artifact", err=True)


@cli.command()
@click.argument("name", metavar="KEY[@V]", shell_complete=_complete)
@_limit_option(10, "Show at most so many versions.")
@json_option("Whole records, as JSON.")
def inspect(name: str, limit: int, output: str | None) -> None:
    """Show what is known of an artifact.

    Of a key every version is shown, newest first: its facts, description, and the code that made it.
    """
    from nb_artifacts import listing
    from nb_artifacts.cli import out

    records = listing.records_of(name, limit)
    if output == "json":
        out.write_records(records)
    else:
        out.write_details(records)
    if note := listing.left_out(len(records), limit, listing.all_of(name)):
        click.echo(note, err=True)


@cli.command()
@click.argument("name", metavar="[KEY[@V]]", required=False, shell_complete=_complete)
@click.option("--id", "artifact_id", metavar="UUID", help="The id of one artifact, instead of a key.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option("Whole records, as JSON.")
def delete(name: str | None, artifact_id: str | None, yes: bool, output: str | None) -> None:
    """Delete every version of a key, or one.

    Asks first where there is a terminal to ask on. A deleted version's number is never used again.
    """
    from nb_artifacts import core, listing
    from nb_artifacts.cli import out

    if (name is None) == (artifact_id is None):
        both = "not both" if name is not None else "as in: delete my-key, delete my-key@2, delete --id UUID"
        raise click.ClickException(f"give a key or --id, {both}.")
    if artifact_id is not None:
        name = str(core.to_id(artifact_id))
    assert name is not None
    records = listing.records_of(name)
    what = f"{len(records)} versions of {name}" if len(records) > 1 else listing.title(records[0])
    if not yes and sys.stdin.isatty() and not click.confirm(f"Delete {what}?", default=False, err=True):
        raise click.ClickException("nothing was deleted.")
    whole = [out.complete(record) for record in records] if output == "json" else []
    gone = [record.id for record in records if _deleted(record.id)]
    if not gone:
        raise NotFound(f"{what}: somebody else deleted it meanwhile.")
    if output == "json":
        out.write_records([record for record in whole if record is not None and record.id in gone])
    else:
        click.echo(f"Deleted {f'{len(gone)} versions of {name}' if len(gone) > 1 else what}.")


@cli.command()
@click.argument("name", metavar="KEY[@V]", shell_complete=_complete)
@click.option(
    "--output", "-o", type=click.Path(), metavar="FILE|json",
    help="Write to FILE; its suffix chooses the form (a table: .parquet, .csv, .json). The word json prints the whole record.",
)  # fmt: skip
def get(name: str, output: str | None) -> None:
    """Print what an artifact holds, or write it to a file.

    On a terminal it is shown as text; into a pipe go a table as CSV, an image as its bytes, Markdown as it was written,
    a link's address.
    """
    from nb_artifacts import listing
    from nb_artifacts.cli import content, out

    record = listing.records_of(name, 1)[0]
    if output == "json":
        out.write_record(record)
    elif output is not None:
        content.write_file(record, Path(output).expanduser())
    else:
        content.write_content(record)


@cli.command("open")
@click.argument("name", metavar="KEY[@V]", shell_complete=_complete)
@json_option("Its address as JSON; nothing is opened.")
def open_artifact(name: str, output: str | None) -> None:
    """Show an artifact in the browser.

    On the page of the folder's server where one runs, else as a file of its own.
    """
    from nb_artifacts import listing
    from nb_artifacts.cli import opening

    opening.show(listing.records_of(name, 1)[0], as_json=output == "json")


@cli.command()
@click.argument("key", metavar="KEY", shell_complete=_complete)
@_limit_option(None, "List at most so many.")
@json_option("Whole records, as JSON.")
def history(key: str, limit: int | None, output: str | None) -> None:
    """List every version of a key, newest first."""
    from nb_artifacts import listing
    from nb_artifacts.cli import out

    if "@" in key:
        raise click.UsageError(f"history lists every version: leave out @{key.partition('@')[2]}.")
    records = listing.records_of(key, limit)
    if output == "json":
        out.write_records(records)
    else:
        out.write_history(records)
    if note := listing.left_out(len(records), limit, listing.all_of(key)):
        click.echo(note, err=True)


@cli.command()
@click.argument("before", metavar="KEY[@V]", shell_complete=_complete)
@click.argument("after", metavar="KEY[@V]", shell_complete=_complete)
@click.option("--key-columns", metavar="A,B", help="Columns that name a row of a table; without it they are guessed.")
@click.option(
    "--tolerance", type=click.FloatRange(min=0), default=0.0, metavar="X", help="Numbers that differ by no more are equal."
)
@json_option()
def diff(before: str, after: str, key_columns: str | None, tolerance: float, output: str | None) -> None:
    """Show what changed from one artifact to another.

    Most often these are two versions of a key, as in: diff my-key@1 my-key@2
    """
    from nb_artifacts.cli import comparing

    comparing.write(before, after, key_columns, tolerance, as_json=output == "json")


@cli.command()
@json_option()
def status(output: str | None) -> None:
    """Say where artifacts are kept, how many, and what is unsent."""
    from nb_artifacts import core
    from nb_artifacts.cli import out

    found = core.status()
    if output == "json":
        out.write_object(found)
    else:
        out.write_status(found)


@cli.command()
@click.argument("name", metavar="[KEY[@V]]", required=False, shell_complete=_complete)
@json_option("A whole record a line, with each change.")
def watch(name: str | None, output: str | None) -> None:
    """Follow bars and live tables as they move, until they end.

    Those of any process: with KEY its newest version, else all that run. The exit code is 1 where one failed or was
    interrupted.
    """
    from nb_artifacts import listing
    from nb_artifacts.cli import out, watching
    from nb_artifacts.errors import InvalidValue

    if name is not None and out.state_of(record := listing.records_of(name, 1)[0]) is None:
        raise InvalidValue(f"{name} is a {record.type} artifact: only a progress and a live table are watched.")
    with suppress(KeyboardInterrupt):
        sys.exit(watching.watch(name, output))
    sys.exit(130)


def _deleted(artifact_id: UUID) -> bool:
    """Delete an artifact; False where another process was quicker."""
    from nb_artifacts import core

    try:
        core.remove(artifact_id)
    except NotFound:
        return False
    return True


def main() -> None:
    """Run the command line."""
    ours = Path(sys.argv[0]).stem
    cli(prog_name="jupyter artifact" if ours == "jupyter-artifact" else "nb-artifacts")
