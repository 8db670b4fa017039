"""Tab completion for ``%artifact`` and ``%%artifact``: verbs, types, flags, stored keys and versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from nb_artifacts.errors import ArtifactError
from nb_artifacts.magics.parse import FLAGS, TYPES, VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.completer import CompletionContext, SimpleMatcherResult

_LINE = re.compile(r"^(?P<signs>%%?)artifact\s+(?P<words>.*)$", re.DOTALL)


@context_matcher(identifier="nb_artifacts")  # type: ignore[untyped-decorator]  # IPython's is untyped
def match(context: CompletionContext) -> SimpleMatcherResult:
    """What may stand where the cursor is, if its line is one of ours."""
    line = context.text_until_cursor.rsplit("\n", 1)[-1]
    ours = _LINE.match(line.lstrip())
    if ours is None:
        return {"completions": [], "suppress": False}
    words = ours["words"].split()
    typed = "" if not words or ours["words"][-1:].isspace() else words.pop()
    found = [word for word in _choices(ours["signs"], words, typed) if word.startswith(typed)]
    completions = [SimpleCompletion(text=word, type="artifact") for word in found]
    return {"completions": completions, "suppress": bool(completions), "matched_fragment": typed}


def _choices(signs: str, words: list[str], typed: str) -> Iterable[str]:
    if words and words[-1] == "--key":
        return _keys(typed)
    if words and words[0] in VERBS and signs == "%":
        verb = VERBS[words[0]]
        return [*verb.options, *(_names(words[0], typed) if verb.names else [])]
    first = [] if words else [*TYPES, *(VERBS if signs == "%" else [])]
    return [*first, *FLAGS]


def _names(verb: str, typed: str) -> list[str]:
    """Keys; after ``K@`` the versions of K, newest first."""
    key, at, _ = typed.partition("@")
    if not at or verb == "history":
        return _keys(typed)
    from nb_artifacts import core

    try:
        return [f"{key}@{one.version}" for one in core.history(key, limit=100, remote=False) if one.version]
    except ArtifactError:
        return []


def _keys(typed: str) -> list[str]:
    from nb_artifacts import core

    try:
        return core.find_keys(typed)
    except ArtifactError:
        return []  # completion is no place for an error


def install(shell: Any) -> None:
    """Add our matcher to the shell."""
    if shell.Completer is not None and match not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(match)


def uninstall(shell: Any) -> None:
    """Take our matcher out again."""
    if shell.Completer is not None and match in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(match)
