"""The verbs of ``%artifact``, and ``%artifact TYPE EXPRESSION``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nb_artifacts import config, core, outbox
from nb_artifacts.artifacts import Artifact, create_result
from nb_artifacts.columns import split_columns, to_tolerance
from nb_artifacts.errors import UsageError
from nb_artifacts.handle import existing
from nb_artifacts.listing import all_of, details, folder_status, left_out, records_of, title, versions
from nb_artifacts.magics.parse import FLAGS, TYPES, VERBS, parse_verb, parse_words, split_line
from nb_artifacts.tabular import Said
from nb_artifacts.wire import Query

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.diff import Diff
    from nb_artifacts.leaving import Leaving
    from nb_artifacts.magics.parse import Asked
    from nb_artifacts.tabular import Listing


def run(shell: Any, verb: str, line: str, fill: Callable[[str], str]) -> Any:
    """Do what ``%artifact`` was asked; the result is the cell's. `line` is what stands behind the verb.

    Raises `UsageError` for a word that is no verb and no type, and what the operation raises.
    """
    if verb in TYPES:
        return _keep_expression(shell, verb, line, fill)
    act = _ACTS.get(verb)
    if act is None:
        raise UsageError(f"{verb!r} is not a verb: choose from {', '.join(VERBS)}, or a type: {', '.join(TYPES)}.")
    return act(shell, parse_verb(verb, split_line(fill(line))))


def _keep_expression(shell: Any, type: str, line: str, fill: Callable[[str], str]) -> Artifact:
    """``%artifact table df.head() --key K``: the expression is all that stands before the first flag."""
    expression, flags = _split_flags(line)
    options = parse_words([type, *split_line(fill(flags))])
    options.check()
    if not expression:
        raise UsageError(f"%artifact {type} needs an expression: %artifact {type} NAME --key K.")
    value = _text(shell, fill(expression)) if type in {"markdown", "link"} else _value(shell, type, expression)
    return create_result(value, options.key, options.description, type=type, tags=options.tags)


def _text(shell: Any, expression: str) -> Any:
    """An expression where it is one, else the words as they stand (a bare URL is no Python)."""
    return expression if _fault(expression) else shell.ev(expression)


def _value(shell: Any, type: str, expression: str) -> Any:
    """What an expression gives. Raises `UsageError` for what is none, an option spelled wrongly behind it above all."""
    fault, unknown = _fault(expression), re.search(r"\s(--[a-z][\w-]*)", expression)
    if fault and unknown:
        raise UsageError(f"{unknown[1]!r} is not an option of %artifact {type}: choose from {', '.join(FLAGS[:-1])}.")
    if fault:
        raise UsageError(f"{expression!r} is not an expression ({fault}): write %artifact {type} NAME --key K.")
    return shell.ev(expression)


def _fault(expression: str) -> str | None:
    """Why it is no expression of Python; None where it is one."""
    try:
        compile(expression, "<%artifact>", "eval")
    except SyntaxError as error:
        return error.msg
    return None


def _split_flags(line: str) -> tuple[str, str]:
    starts = [at for flag in FLAGS if (at := f" {line} ".replace("=", " ").find(f" {flag} ")) >= 0]
    cut = min(starts, default=len(line))
    return line[:cut].strip(), line[cut:]


def _limit(asked: Asked) -> int | None:
    typed = asked.values.get("--limit")
    if typed is not None and not (typed.isascii() and typed.isdigit()):
        raise UsageError(f"{typed!r} is not a number: --limit 20")
    return None if typed is None else int(typed)


def _ls(_: Any, asked: Asked) -> Listing:
    every, limit = "--all" in asked.flags, _limit(asked)
    limit = 100 if limit is None else limit
    records = core.everything(limit) if every else core.latest(limit)
    return versions(records, left_out(len(records), limit, Query(latest=not every)))


def _history(_: Any, asked: Asked) -> Listing:
    (name,), limit = asked.names, _limit(asked)
    if "@" in name:
        raise UsageError(f"history lists every version: leave out @{name.partition('@')[2]}.")
    records = records_of(name, limit)
    return versions(records, left_out(len(records), limit, all_of(name)))


def _delete(_: Any, asked: Asked) -> Said:
    name = asked.names[0]
    doomed = records_of(name)
    if "--yes" not in asked.flags and len(doomed) > 1:
        raise UsageError(f"{name!r} has {len(doomed)} versions: %artifact delete {name} --yes deletes them all.")
    for one in doomed:
        core.remove(one.id)
    return Said(f"Deleted {f'{len(doomed)} versions of {name}' if len(doomed) > 1 else title(doomed[0])}.")


def _diff(_: Any, asked: Asked) -> Diff:
    columns, tolerance = asked.values.get("--key-columns"), asked.values.get("--tolerance")
    before, after = map(existing, asked.names)
    return before.diff(
        after,
        key_columns=None if columns is None else split_columns(columns),
        tolerance=0.0 if tolerance is None else to_tolerance(tolerance),
    )


def _on(shell: Any, asked: Asked) -> None:
    from nb_artifacts import formatters

    formatters.switch_on(shell, widgets="--widgets" in asked.flags or config.widgets_enabled())


def _off(shell: Any, _: Asked) -> None:
    from nb_artifacts import formatters

    formatters.switch_off(shell)


def _sync(_: Any, asked: Asked) -> Leaving | Said:
    flags = asked.flags
    found = outbox.sync(all="--all" in flags, key=asked.values.get("--key"), dry_run="--dry-run" in flags)
    return Said("\n".join([found.words(), *found.refusals()])) if isinstance(found, outbox.Outbox) else found


_ACTS: dict[str, Callable[[Any, Asked], Any]] = {
    "ls": _ls,
    "get": lambda _, asked: existing(asked.names[0]),
    "open": lambda _, asked: existing(asked.names[0]),
    "inspect": lambda _, asked: details(existing(asked.names[0])),
    "history": _history,
    "diff": _diff,
    "delete": _delete,
    "on": _on,
    "off": _off,
    "status": lambda _, __: folder_status(core.status()),
    "sync": _sync,
}
