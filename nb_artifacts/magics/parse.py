"""What may be typed after ``%artifact`` and ``%%artifact``, and how it is read."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import NamedTuple

from nb_artifacts.errors import InvalidKey, UsageError

TYPES = ("table", "markdown", "image", "link", "progress", "display")

FLAGS = ("--key", "--description", "--tag", "--raw")

_SHORT = {"-a": "--all", "-y": "--yes"}


class Verb(NamedTuple):
    """How a verb of ``%artifact`` is written, and what it does."""

    usage: str
    words: str

    @property
    def names(self) -> int:
        """How many names of artifacts it takes."""
        return len(re.findall(r" K\S*", self.usage.partition(" [-")[0]))

    @property
    def options(self) -> dict[str, bool]:
        """Its options, and whether each takes a value."""
        return {name: bool(value) for name, value in re.findall(r"\[(--[a-z-]+)( \S+)?\]", self.usage)}


VERBS = {
    verb.usage.split()[0]: verb
    for verb in (
        Verb("ls [--all] [--limit N]", "newest version of every key; with --all every version"),
        Verb("get K[@V]", "the artifact, as the cell's result"),
        Verb("open K[@V]", "shows it here"),
        Verb("inspect K[@V]", "what is known of it"),
        Verb("history K [--limit N]", "every version of a key"),
        Verb("diff K@A K@B [--key-columns A,B] [--tolerance X]", "what changed from one to the other"),
        Verb("delete K[@V] [--yes]", "deletes one version; with --yes also a key that has several"),
        Verb("on [--widgets]", "shows every DataFrame of a cell by our view, keeping nothing; --widgets for live grids"),
        Verb("off", "shows DataFrames as before"),
        Verb("status", "where artifacts are kept, how many, and what has not been sent"),
        Verb(
            "sync [--all] [--key K] [--dry-run]",
            "sends what waits for the shared server; --dry-run shows what would leave, --all and --key take older ones too",
        ),
        Verb("help", "this text"),
    )
}

HELP = """\
Keep what a cell makes as an artifact, and find it again.

Over a cell:
  %%artifact [TYPE] [--key K] [--description D] [--tag T …] [--raw]
      table, image, display, or no type at all: keeps the value of the cell's last expression.
      markdown: the cell is text; {expression} is filled in as in an f-string, {{ is a brace;
                --raw fills nothing in.
      link:     the first line is the URL, the rest its text.
      progress: a bar for as long as the cell runs.
      The cell's result is the artifact; its .value is what the cell gave. A trailing ; keeps it quiet.

In a line:
  %artifact TYPE EXPRESSION [--key K] [--description D] [--tag T …]
      keeps the value of an expression.
""" + "".join(f"  %artifact {verb.usage}\n      {verb.words}.\n" for verb in VERBS.values())


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
            what = f"is not a type: choose from {', '.join(TYPES)}, or leave it out"
            if self.type is not None:
                what = f"is too much: behind {self.type} stand options only"
            raise UsageError(f"{' '.join(self.rest)!r} {what}; a text with spaces goes in quotes.")
        if self.raw and self.type != "markdown":
            raise UsageError("--raw goes with markdown: %%artifact markdown --raw.")


def split_line(line: str) -> list[str]:
    """The words of a line, quotes taken off. Raises `UsageError` for a quote that does not end."""
    try:
        return shlex.split(line)
    except ValueError:
        raise UsageError(f"a quote is not closed in: {line.strip()}") from None


@dataclass
class Asked:
    """What was typed behind a verb."""

    names: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)


def parse_verb(verb: str, words: list[str]) -> Asked:
    """The names and options behind a verb. Raises `UsageError` naming the word that is wrong and how the verb is written."""
    found, rest, (usage, _) = Asked(), list(words), VERBS[verb]
    options, wanted, write = VERBS[verb].options, VERBS[verb].names, f"write %artifact {usage}."
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        name = _SHORT.get(name, name)
        if not name.startswith("-"):
            found.names.append(word)
        elif name not in options or (equals and not options[name]):
            raise UsageError(f"{word!r}: {write}")
        elif not options[name]:
            found.flags.add(name)
        elif equals or rest:
            found.values[name] = value if equals else rest.pop(0)
        else:
            raise UsageError(f"{name} needs a value: {write}")
    if len(found.names) > wanted:
        raise UsageError(f"{found.names[wanted]!r}: {write}")
    if len(found.names) < wanted:
        raise UsageError(f"{verb} needs {'a name' if wanted == 1 else 'two names'}: {write}")
    return found


def type_of(words: list[str]) -> str | None:
    """The type among words over a cell: the first that is neither an option nor its value."""
    rest = iter(words)
    for word in rest:
        if word in FLAGS and word != "--raw":
            next(rest, None)
        elif not word.startswith("--"):
            return word if word in TYPES else None
    return None


def parse_cell_line(line: str) -> Options:
    """The options over a cell. Raises `UsageError` naming the word that is wrong and what is allowed."""
    return parse_words(split_line(line))


def parse_words(words: list[str]) -> Options:
    """The options among words already split."""
    found, rest = Options(), list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            if word in TYPES and found.type is None and not found.rest:
                found.type = word
            else:
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
