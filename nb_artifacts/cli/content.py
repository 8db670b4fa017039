"""``get``: what an artifact holds, as text for a terminal, as it is for a pipe, in the form its suffix says for a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from nb_artifacts import core
from nb_artifacts.cli.out import lines, plain
from nb_artifacts.errors import InvalidValue
from nb_artifacts.listing import title
from nb_artifacts.types import Image, Link, Markdown, Table
from nb_artifacts.types.text import size

if TYPE_CHECKING:
    from pathlib import Path

    from nb_artifacts.types import Payload
    from nb_artifacts.wire import Record


def write_content(record: Record) -> None:
    """Print an artifact. Raises `InvalidValue` for the bytes of an image on a terminal."""
    payload = core.read(record)
    if not sys.stdout.isatty():
        click.echo(_natural(payload), nl=False)
        return
    if isinstance(payload, Image) and payload.info.url is None:
        raise InvalidValue(
            f"{title(record)} is an image ({payload.summary()}): write it to a file with -o FILE, or into a pipe."
        )
    text = payload.value if isinstance(payload, Markdown) else payload.text()
    click.echo(lines(text))


def _natural(payload: Payload) -> bytes:
    """What a pipe gets."""
    if isinstance(payload, Image) and payload.info.url is not None:
        return f"{payload.info.url}\n".encode()
    if isinstance(payload, Table):
        return payload.file(".csv")
    return payload.file(".txt" if isinstance(payload, Link) else "")


def write_file(record: Record, target: Path) -> None:
    """Write an artifact to a file, and say so.

    Raises `InvalidValue` for a suffix that its type cannot be written as, naming those that can, and for a place that
    cannot be written.
    """
    payload, suffix = core.read(record), target.suffix.lower()
    content = payload.file(suffix)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise InvalidValue(f"{target} cannot be written: {error.strerror}. Choose another place.") from None
    click.echo(f"Wrote {plain(target)} ({size(len(content))}).")
