"""How a ``%%artifact`` cell of Python code is run: as an ordinary cell, so that ``await`` and other magics work in it.

An input transformer turns the ``%%artifact …`` line into a first statement; an AST transformer then wraps the cell's
last expression, or stops a cell that has none before it runs for forty minutes.
"""

from __future__ import annotations

import ast
from typing import Any

from nb_artifacts.errors import UsageError
from nb_artifacts.magics.parse import split_line, type_of

VERB = "begin-cell"
"""What our first statement says to ``%artifact``; not a verb for people."""

_MAGIC = "%%artifact"
_TEXT_TYPES = {"markdown", "link"}
_REGISTRY = "get_ipython().magics_manager.registry['ArtifactMagics']"


def replace_magic_line(lines: list[str]) -> list[str]:
    """IPython's cleanup step: ``%%artifact …`` over code becomes a call; over another cell magic it stays one, as all else."""
    first = next((n for n, line in enumerate(lines) if line.strip()), None)
    if first is None or not lines[first].startswith(_MAGIC):
        return lines
    options = lines[first][len(_MAGIC) :].strip()
    if lines[first][len(_MAGIC) : len(_MAGIC) + 1] not in {"", " ", "\t", "\n", "\r"} or options.startswith("?"):
        return lines
    below = next((line.strip() for line in lines[first + 1 :] if line.strip()), "")
    if not below or below.startswith("%%") or _type(options) in _TEXT_TYPES:
        return lines
    call = f"get_ipython().run_line_magic('artifact', {f'{VERB} {options}'!r})\n"
    return [*lines[:first], call, *lines[first + 1 :]]


def _type(options: str) -> str | None:
    try:
        return type_of(split_line(options))
    except UsageError:
        return None  # the call will say so


class WrapLastExpression(ast.NodeTransformer):
    """IPython's AST step for cells that begin with our call."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Wrap the last expression in ``keep(…)``, or put a refusal first."""
        options = _options(node)
        if options is None:
            return node
        finish = _type(options) == "progress"
        last = node.body[-1]
        if isinstance(last, ast.Expr) and len(node.body) > 1:
            last.value = _call("finish" if finish else "keep", last.value, options)
        elif finish:
            node.body.append(ast.Expr(_call("finish", ast.Constant(None), options)))
        else:
            reason = (
                "the cell's last line is not an expression, so there is no value to keep: end the cell with the value."
                if len(node.body) > 1
                else "the cell is empty: write the code whose value is to be kept below the %%artifact line."
            )
            node.body.insert(0, ast.Expr(_call("refuse", ast.Constant(reason))))
        return ast.fix_missing_locations(node)


def _options(node: ast.Module) -> str | None:
    """What was typed after ``%%artifact``, if the module begins with our call."""
    first = node.body[0] if node.body else None
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Call):
        return None
    words = [argument.value for argument in first.value.args if isinstance(argument, ast.Constant)]
    if len(words) != 2 or words[0] != "artifact" or not str(words[1]).startswith(VERB):
        return None
    return str(words[1])[len(VERB) :].strip()


def _call(method: str, value: ast.expr, options: str | None = None) -> ast.Call:
    function = ast.parse(f"{_REGISTRY}.{method}", mode="eval").body
    arguments = [value] if options is None else [value, ast.Constant(options)]
    call = ast.Call(func=function, args=arguments, keywords=[])
    return ast.copy_location(call, value)


def run_body(shell: Any, body: str) -> Any:
    """Run a cell's code and give the value of its last expression: for callers that run the cell magic themselves.

    The code's own exceptions pass through.
    """
    tree = shell.compile.ast_parse(shell.transform_cell(body))
    name = shell.compile.cache(body)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), shell.user_ns)  # noqa: S102 (the user's own cell)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), name, "eval"), shell.user_ns)  # noqa: S307 (the user's own cell)


def install(shell: Any) -> None:
    """Add both steps to the shell."""
    shell.input_transformers_cleanup.append(replace_magic_line)
    shell.ast_transformers.append(WrapLastExpression())


def uninstall(shell: Any) -> None:
    """Take both steps out again."""
    while replace_magic_line in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(replace_magic_line)
    shell.ast_transformers[:] = [step for step in shell.ast_transformers if not isinstance(step, WrapLastExpression)]
