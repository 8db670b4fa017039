"""What may be typed after ``%artifact`` and ``%%artifact``, and how it is read."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from nb_artifacts.errors import InvalidKey, UsageError

TYPES = ("table", "markdown", "image", "link", "progress", "display")

FLAGS = ("--key", "--description", "--tag", "--raw")

VERBS = {
    "ls": "newest version of every key; --all for every version, --limit N",
    "get": "get K[@V]: the artifact, as the cell's result",
    "inspect": "inspect K[@V]: what is known of it",
    "history": "history K: every version of a key",
    "diff": "diff K@A K@B: what changed; --key-columns a,b and --tolerance X for tables",
    "delete": "delete K[@V] --yes: delete a version, or all of a key",
    "open": "open K[@V]: show it here",
    "on": "show every DataFrame of a cell by our view, keeping nothing; --widgets for live grids",
    "off": "show DataFrames as before",
    "status": "where artifacts are kept, how many, and what has not been sent",
    "sync": "send what waits for the shared server; --dry-run shows what would leave, --all and --key K take older ones too",
    "help": "this text",
}

HELP = """\
Keep what a cell makes as an artifact, and find it again.

Over a cell:
  %%artifact [TYPE] [--key K] [--description D] [--tag T …]
      table, image, display, or no type at all: keeps the value of the cell's last expression.
      markdown: the cell is text; {expression} is filled in as in an f-string, {{ is a brace;
                --raw fills nothing in.
      link:     the first line is the URL, the rest its text.
      progress: a bar for as long as the cell runs.
      The cell's result is the artifact; its .value is what the cell gave. A trailing ; keeps it quiet.

In a line:
  %artifact TYPE EXPRESSION [--key K] [--description D] [--tag T …]
""" + "".join(f"  %artifact {verb:<9}{words}\n" for verb, words in VERBS.items())


@dataclass
class Options:
    """What was typed over a cell."""

    type: str | None = None
    key: str | None = None
    description: str | None = None
    tags: list[str] = field(default_factory=list)
    raw: bool = False
    rest: list[str] = field(default_factory=list)
    """Words that are neither the type nor a flag."""

    def check(self) -> None:
        """Raise what a create would raise for these options, before the cell runs."""
        if self.key is not None and not re.fullmatch("[a-z0-9-]+", self.key):
            raise InvalidKey(self.key)
        if self.rest:
            raise UsageError(
                f"{' '.join(self.rest)!r} is not a type: choose from {', '.join(TYPES)}, or leave it out;"
                " a text with spaces goes in quotes."
            )
        if self.raw and self.type != "markdown":
            raise UsageError("--raw goes with markdown: %%artifact markdown --raw.")


def split_line(line: str) -> list[str]:
    """The words of a line, quotes taken off. Raises `UsageError` for a quote that does not end."""
    try:
        return shlex.split(line)
    except ValueError:
        raise UsageError(f"a quote is not closed in: {line.strip()}") from None


def parse_cell_line(line: str) -> Options:
    """The options over a cell. Raises `UsageError` naming the word that is wrong and what is allowed."""
    return parse_words(split_line(line))


def parse_words(words: list[str]) -> Options:
    """The options among words already split."""
    found, rest = Options(), list(words)
    if rest and rest[0] in TYPES:
        found.type = rest.pop(0)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            found.rest.append(word)
            continue
        name, equals, value = word.partition("=")
        if name == "--raw" and not equals:
            found.raw = True
            continue
        if name not in FLAGS or name == "--raw":
            raise UsageError(f"{word!r} is not an option: choose from {', '.join(FLAGS)}.")
        if not equals:
            if not rest:
                raise UsageError(f"{name} needs a value: {name} …")
            value = rest.pop(0)
        if name == "--tag":
            found.tags.append(value)
        elif name == "--key":
            found.key = value
        else:
            found.description = value
    return found
