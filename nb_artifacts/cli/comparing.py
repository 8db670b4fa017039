"""``nb-artifacts diff``: what changed between two artifacts, in colour on a terminal, as JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nb_artifacts.cli.out import lines, styled, write_object
from nb_artifacts.columns import split_columns
from nb_artifacts.diff import show
from nb_artifacts.handle import existing

if TYPE_CHECKING:
    from nb_artifacts.diff import Diff

ROWS = 50
"""Rows and lines that are printed; ``--output json`` has more."""
_STYLES = {"+": {"fg": "green"}, "-": {"fg": "red"}, "\N{MINUS SIGN}": {"fg": "red"}, "~": {"fg": "yellow"}}


def write(before: str, after: str, key_columns: str | None, tolerance: float, *, as_json: bool) -> None:
    """Compare two artifacts by their names and print it. Errors as `Artifact.diff`."""
    columns = None if key_columns is None else split_columns(key_columns)
    found = existing(before).diff(existing(after), key_columns=columns, tolerance=tolerance)
    if as_json:
        write_object(found)
    else:
        _print(found)


def _print(found: Diff) -> None:
    head, *rest = lines(show.text(found, ROWS, room=200_000)).split("\n")
    click.echo(styled(head, bold=True))
    for line in rest:
        click.echo(styled(line, **_STYLES.get(line[:1], {})))
