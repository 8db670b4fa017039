"""``nb-artifacts sync``: send what waits, and say whether all has arrived."""

from __future__ import annotations

import sys

import click

from nb_artifacts.cli.options import json_option


@click.command()
@click.option("--all", "-a", "every", is_flag=True, help="Also what was made before a shared server was set.")
@click.option("--key", metavar="K", help="Also what was made before under this key.")
@click.option("--dry-run", is_flag=True, help="Send nothing; show what would leave the machine, its origin included.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Give up after so long.")
@json_option()
def sync(every: bool, key: str | None, dry_run: bool, timeout: float | None, output: str | None) -> None:
    """Send what waits for the shared server.

    The exit code is 0 only when nothing waits any more. What it refused before is tried again. Notebooks send by
    themselves: this is for scripts and for certainty.
    """
    from nb_artifacts import outbox
    from nb_artifacts.cli import out
    from nb_artifacts.errors import StoreError
    from nb_artifacts.leaving import Leaving

    trouble: StoreError | None = None
    try:
        found = outbox.sync(timeout, all=every, key=key, dry_run=dry_run)
    except StoreError as error:
        trouble, now = error, outbox.state()
        if now is None:
            raise
        found = now
    if isinstance(found, Leaving):
        if output == "json":
            out.write_object(found.report())
        else:
            click.echo(out.lines(repr(found)))
        return
    if output == "json":
        out.write_object(found)
    else:
        for line in [found.words(), *found.refusals()]:
            click.echo(out.plain(line))
    if trouble is not None:
        raise click.ClickException(out.plain(trouble))
    sys.exit(0 if found.is_clear else 1)
