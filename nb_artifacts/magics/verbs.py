"""The verbs of ``%artifact``, and ``%artifact TYPE EXPRESSION``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts import config, core, outbox
from nb_artifacts.artifacts import Artifact, create_result
from nb_artifacts.columns import split_columns, to_tolerance
from nb_artifacts.errors import UsageError
from nb_artifacts.handle import existing
from nb_artifacts.listing import details, folder_status, versions
from nb_artifacts.magics.parse import FLAGS, TYPES, VERBS, parse_words, split_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.diff import Diff
    from nb_artifacts.leaving import Leaving
    from nb_artifacts.tabular import Listing


def run(shell: Any, verb: str, line: str, fill: Callable[[str], str]) -> Any:
    """Do what ``%artifact`` was asked; the result is the cell's. `line` is what stands behind the verb.

    Raises `UsageError` for a word that is no verb and no type, and what the operation raises.
    """
    if verb in TYPES:
        return _keep_expression(shell, verb, line, fill)
    rest = split_line(fill(line))
    if verb in {"on", "off"}:
        return _switch(shell, verb, rest)
    act = _ACTS.get(verb)
    if act is None:
        raise UsageError(f"{verb!r} is not a verb: choose from {', '.join(VERBS)}, or a type: {', '.join(TYPES)}.")
    return act(rest)


def _switch(shell: Any, verb: str, rest: list[str]) -> None:
    """``%artifact on`` and ``off``."""
    from nb_artifacts import formatters

    if rest and (verb, rest) != ("on", ["--widgets"]):
        raise UsageError(f"{' '.join(rest)!r}: write %artifact on [--widgets], or %artifact off.")
    if verb == "off":
        formatters.switch_off(shell)
    else:
        formatters.switch_on(shell, widgets=bool(rest) or config.widgets_enabled())


def _keep_expression(shell: Any, type: str, line: str, fill: Callable[[str], str]) -> Artifact:
    """``%artifact table df.head() --key K``: the expression is all that stands before the first flag."""
    expression, flags = _split_flags(line)
    options = parse_words(split_line(fill(flags)))
    options.type = type
    options.check()
    if not expression:
        raise UsageError(f"%artifact {type} needs an expression: %artifact {type} NAME --key K.")
    value = shell.ev(expression) if type not in {"markdown", "link"} else _text(shell, fill(expression))
    return create_result(value, options.key, options.description, type=type, tags=options.tags)


def _text(shell: Any, expression: str) -> Any:
    """An expression where it is one, else the words as they stand (a bare URL is no Python)."""
    try:
        compile(expression, "<%artifact>", "eval")
    except SyntaxError:
        return expression
    return shell.ev(expression)


def _split_flags(line: str) -> tuple[str, str]:
    starts = [at for flag in FLAGS if (at := f" {line} ".replace("=", " ").find(f" {flag} ")) >= 0]
    cut = min(starts, default=len(line))
    return line[:cut].strip(), line[cut:]


def _one(verb: str, rest: list[str]) -> str:
    if len(rest) != 1 or rest[0].startswith("--"):
        raise UsageError(f"%artifact {VERBS[verb]}" if verb != "history" else "%artifact history K")
    return rest[0]


def _ls(rest: list[str]) -> Listing:
    every, limit, words = False, 100, list(rest)
    while words:
        word = words.pop(0)
        if word in {"--all", "-a"}:
            every = True
        elif word == "--limit" and words and words[0].isdigit():
            limit = int(words.pop(0))
        else:
            raise UsageError(f"{word!r}: write %artifact ls [--all] [--limit N].")
    return versions(core.everything(limit) if every else core.latest(limit))


def _delete(rest: list[str]) -> str:
    sure = [word for word in rest if word in {"--yes", "-y"}]
    name = _one("delete", [word for word in rest if word not in sure])
    key, version, found_id = core.parse_name(name)
    doomed = [existing(name).id] if version or found_id else [record.id for record in core.history(key or "")]
    if not doomed:
        existing(name)  # raises NotFound, naming keys that are near
    if not sure and len(doomed) > 1:
        raise UsageError(f"{name!r} has {len(doomed)} versions: %artifact delete {name} --yes deletes them all.")
    for one in doomed:
        core.remove(one)
    return f"Deleted {len(doomed)} {'version' if len(doomed) == 1 else 'versions'} of {name}."


def _diff(rest: list[str]) -> Diff:
    names: list[str] = []
    columns, tolerance, words = None, 0.0, list(rest)
    while words:
        word, equals, value = words.pop(0).partition("=")
        if not word.startswith("--"):
            names.append(word + equals + value)
            continue
        if word not in {"--key-columns", "--tolerance"} or not (equals or words):
            raise UsageError(f"{word!r}: write %artifact diff K@A K@B [--key-columns a,b] [--tolerance X].")
        value = value if equals else words.pop(0)
        if word == "--key-columns":
            columns = split_columns(value)
        else:
            tolerance = to_tolerance(value)
    if len(names) != 2:
        raise UsageError(f"%artifact {VERBS['diff']}")
    before, after = map(existing, names)
    return before.diff(after, key_columns=columns, tolerance=tolerance)


def _status(rest: list[str]) -> Listing:
    if rest:
        raise UsageError("%artifact status takes nothing more.")
    return folder_status(core.status())


def _sync(rest: list[str]) -> Leaving | str:
    every, dry_run, key, words = False, False, None, list(rest)
    while words:
        word, equals, value = words.pop(0).partition("=")
        if word in {"--all", "-a"} and not equals:
            every = True
        elif word == "--dry-run" and not equals:
            dry_run = True
        elif word == "--key" and (equals or words):
            key = value if equals else words.pop(0)
        else:
            raise UsageError(f"{word!r}: write %artifact sync [--all] [--key K] [--dry-run].")
    found = outbox.sync(all=every, key=key, dry_run=dry_run)
    return "\n".join([found.words(), *found.refusals()]) if isinstance(found, outbox.Outbox) else found


_ACTS: dict[str, Callable[[list[str]], Any]] = {
    "ls": _ls,
    "get": lambda rest: existing(_one("get", rest)),
    "inspect": lambda rest: details(existing(_one("inspect", rest))),
    "history": lambda rest: versions(core.history(_one("history", rest))),
    "diff": _diff,
    "delete": _delete,
    "open": lambda rest: existing(_one("open", rest)),
    "status": _status,
    "sync": _sync,
}
