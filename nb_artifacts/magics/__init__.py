"""``%artifact`` and ``%%artifact``: parse what was typed and hand over.

``%%artifact`` over Python code is not run as a cell magic, because IPython runs those without top-level ``await``:
its line becomes an ordinary first statement and the cell's last expression is wrapped (`transform`). Markdown and
link cells are text and stay cell magics. Loading this file loads neither the wire nor the store.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.utils.text import DollarFormatter
from traitlets import Bool, Enum, Unicode
from traitlets.config import SingletonConfigurable

from nb_artifacts import cells, config
from nb_artifacts.errors import ArtifactError, UsageError
from nb_artifacts.magics import transform
from nb_artifacts.magics.parse import HELP, VERBS, Options, parse_cell_line
from nb_artifacts.traits import RemoteTraits

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.artifacts import Artifact
    from nb_artifacts.bars import Bar


class NbArtifacts(RemoteTraits, SingletonConfigurable):
    """Options of a configuration file: ``c.NbArtifacts.home = "…"``."""

    home = Unicode("", help="The folder in which artifacts are kept; empty: NB_ARTIFACTS_HOME, or the user's data folder.").tag(
        config=True
    )
    display = Bool(True, help="Show an artifact where create_* and track make it.").tag(config=True)
    widgets = Bool(False, help="Show the frames of %artifact on as live grids, as widgets.").tag(config=True)
    provenance = Enum(["full", "names", "off"], "full", help="How much of the cell is kept with an artifact.").tag(config=True)
    durability = Enum(
        ["power", "process"], "power", help="Whether a returned call survives a power cut, or only the end of the process."
    ).tag(config=True)


@magics_class
class ArtifactMagics(Magics):
    """The ``artifact`` magic of one shell."""

    shell: Any
    _bar: Bar

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._lines: dict[str, str] = {}
        """What was typed over a cell that runs → the same, filled in with what names held at its begin."""

    @no_var_expand  # an expression may be a dict
    @needs_local_scope
    @line_cell_magic
    def artifact(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Keep what a cell makes; find it again."""
        fill = partial(_filled, names={**self.shell.user_ns, **(local_ns or {})})
        try:
            return self._line(line, fill) if cell is None else self._cell(line, cell, fill)
        except ArtifactError as error:
            raise _quiet(error) from None

    def _line(self, line: str, fill: Callable[[str], str]) -> Any:
        if line.startswith(transform.VERB):
            return self.begin(line[len(transform.VERB) :].strip(), fill)
        words = line.split(maxsplit=1)
        if not words or words[0] == "help":
            print(HELP)  # noqa: T201 (help is for reading)
            return None
        from nb_artifacts.magics import verbs

        return verbs.run(self.shell, words[0], line.strip()[len(words[0]) :], fill)

    def _cell(self, line: str, body: str, fill: Callable[[str], str]) -> Any:
        options = parse_cell_line(fill(line))
        if options.type in {"markdown", "link"}:
            from nb_artifacts.magics import text

            return text.keep(options, body, self.shell.user_ns)
        self.begin(line, fill)
        value = transform.run_body(self.shell, body)
        return self.finish(value, line) if options.type == "progress" else self.keep(value, line)

    def begin(self, line: str, fill: Callable[[str], str]) -> None:
        """Before a cell's code runs: an option typed wrongly stops it here, and a progress cell's bar begins."""
        self._lines[line] = fill(line)
        options = parse_cell_line(self._lines[line])
        options.check()
        if options.type == "progress":
            from nb_artifacts import bars

            self._bar = bars.cell_bar(options.key, options.description, options.tags)

    def refuse(self, reason: str) -> None:
        """Stop a cell that would have nothing to keep, before it runs."""
        raise _quiet(UsageError(reason))

    def keep(self, value: Any, line: str) -> Artifact:
        """After a cell's code ran: keep the value of its last expression; the artifact is the cell's result."""
        options = parse_cell_line(self._lines.pop(line, line))
        try:
            return _make(value, options)
        except ArtifactError as error:
            self.shell.displayhook.update_user_ns(value)
            error.args = (f"{error} The cell's value is in `_`.",)
            raise _quiet(error) from None

    def finish(self, value: Any, line: str) -> Artifact | None:  # noqa: ARG002 (called like `keep`)
        """At the end of a progress cell: show what it gave, and give the bar's artifact."""
        if value is not None and not self.shell.displayhook.quiet():
            data, metadata = self.shell.display_formatter.format(value)
            if data:
                self.shell.display_pub.publish(data, metadata)
        self._bar.finish()
        return self._bar.artifact


def _filled(text: str, names: dict[str, Any]) -> str:
    """``$name`` and ``{expression}`` filled in as IPython does it for its magics; as it stands where that is not possible."""
    with suppress(Exception):
        amounts = re.sub(r"\$(?=\d)", "$$", text)  # "$5" is no name
        return str(DollarFormatter().vformat(amounts, (), names))
    return text


def _make(value: Any, options: Options) -> Artifact:
    from nb_artifacts.artifacts import create_result

    # the result of a cell shows itself
    made = create_result(value, options.key, options.description, type=options.type, tags=options.tags)
    if made.type == "image":
        _leave_to_us(value)
    return made


def _leave_to_us(value: Any) -> None:
    """Matplotlib's inline backend shows all open figures after the cell: close the one that our output shows already."""
    from nb_artifacts.types import figure_of

    pyplot, figure = sys.modules.get("matplotlib.pyplot"), figure_of(value)
    if pyplot is not None and figure is not None and "inline" in pyplot.get_backend():
        pyplot.close(figure)


def _quiet(error: ArtifactError) -> ArtifactError:
    """An error of ours as one line in the notebook: what is wrong lies in the message, not in our frames."""
    error._render_traceback_ = lambda: [f"{type(error).__name__}: {error}"]  # type: ignore[attr-defined]  # IPython looks for it on errors
    return error


def load(shell: Any) -> None:
    """Register magics, completion and the watch over cells; a second time changes nothing."""
    if "ArtifactMagics" in shell.magics_manager.registry:
        return
    from nb_artifacts.magics import complete

    config.use_traits(NbArtifacts.instance(parent=shell))
    magics = ArtifactMagics(shell)
    ArtifactMagics.artifact.__doc__ = HELP
    shell.register_magics(magics)
    transform.install(shell)
    complete.install(shell)
    cells.watch(shell)


def unload(shell: Any) -> None:
    """Take everything back that `load` put in."""
    from nb_artifacts.magics import complete

    if shell.magics_manager.registry.pop("ArtifactMagics", None) is None:
        return
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("artifact", None)
    transform.uninstall(shell)
    complete.uninstall(shell)
    if (formatters := sys.modules.get("nb_artifacts.formatters")) is not None:
        formatters.switch_off(shell)
    cells.unwatch()
    config.use_traits(None)
    NbArtifacts.clear_instance()


__all__ = ["VERBS", "ArtifactMagics", "NbArtifacts", "load", "unload"]
