"""``nb-artifacts open``: an artifact in the browser, on the page of the folder's server, or as a file that needs none."""

from __future__ import annotations

import os
import tempfile
from html import escape
from typing import TYPE_CHECKING

import click

from nb_artifacts import config, core, display
from nb_artifacts.cli.out import plain, write_object
from nb_artifacts.cli.server import running_servers
from nb_artifacts.errors import InvalidValue
from nb_artifacts.listing import title

if TYPE_CHECKING:
    from nb_artifacts.wire import Record

ROOM = 8_000_000
"""Bytes of the file's content: a picture of usual size is shown as it is."""

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<style>
:root{{color-scheme:light dark}}
body{{max-width:72rem;margin:2rem auto;padding:0 1rem;font:15px/1.5 system-ui,sans-serif}}
</style>
<title>{title}</title>
{card}
"""


def show(record: Record, *, as_json: bool) -> None:
    """Open an artifact in the browser and print where it is; as JSON the address alone, and nothing is opened."""
    address = _on_server(record) or _as_file(record)
    if as_json:
        write_object({"url": address})
        return
    opened = click.launch(address) == 0
    click.echo(f"{'Opened' if opened else 'No browser was found here. Open'} {plain(address)}")


def _on_server(record: Record) -> str | None:
    """Its place on the page of a server that serves this folder, where one runs."""
    here = [one.url for one in running_servers(config.folder()) if not one.where.startswith("postgresql://")]
    return f"{here[0]}/#{record.id}" if here else None


def _as_file(record: Record) -> str:
    """A file with the artifact's static look, readable by its owner alone; it stays, for the browser reads it later."""
    card = display.html(record, core.read(record), ROOM)
    try:
        handle, path = tempfile.mkstemp(prefix="artifact-", suffix=".html")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_PAGE.format(title=escape(title(record)), card=card))
    except OSError as error:
        raise InvalidValue(
            f"the page of {title(record)} cannot be written to {tempfile.gettempdir()} ({error.strerror}): make room there."
        ) from None
    return f"file://{path}"
