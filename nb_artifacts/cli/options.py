"""Options that several verbs share. Only click is imported, so that help and completion are quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def json_option(words: str = "As a JSON object.") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--output json``."""
    return click.option("--output", "-o", type=click.Choice(["json"]), metavar="json", help=words)
