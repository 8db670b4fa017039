"""Why a loop's iterator was let go of: by `break`, or by an exception that passes through the loop.

While Python unwinds a frame, nothing tells a finalizer which exception it is for. But the traceback that leads through
that frame has just been made, so it is among the youngest objects that the garbage collector knows, and from Python 3.12
on so is the exception with that traceback. Before, an exception raised in C has no object yet: then the loop has failed,
and what with is seen where the exception is handled, or when the cell or the process ends with it.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
from opcode import opmap
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from nb_artifacts.types.progress import State

_OURS = "nb_artifacts."
_EXPRESSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_RAISE_AGAIN = {opmap[name] for name in ("CLEANUP_THROW", "RERAISE") if name in opmap}
"""Instructions that pass an exception on; its traceback names the one before, such as the `await` of a cancelled task."""


class Place(NamedTuple):
    """Where a loop was let go of: an exception whose traceback leads through here is what ended it."""

    code: CodeType
    line: int
    thread: int
    doubtful: bool
    """Whether an exception passed through that could not be seen."""


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that is not ours."""
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    return frame


def let_go_at(frame: FrameType) -> tuple[Place | None, State, BaseException | None]:
    """What can be told in a finalizer that runs below `frame`: where, how the loop ended, and the exception if it is seen."""
    found = users_frame(frame)
    if found is None:
        return None, "stopped", None
    passes, error = _passing(found)
    if passes and error is None and found.f_code.co_flags & inspect.CO_COROUTINE and _is_cancelled():
        return Place(found.f_code, found.f_lineno, threading.get_ident(), doubtful=False), "interrupted", None
    place = Place(found.f_code, found.f_lineno, threading.get_ident(), passes and error is None)
    if error is not None or not passes or found.f_code.co_flags & _SUSPENDED:
        return place, state_of(error), error  # a generator that is closed is left by an exception too
    return place, "failed", None


def _is_cancelled() -> bool:
    """Whether the running task is being cancelled; Python 3.10 does not say."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and getattr(task, "cancelling", int)() > 0


def _passing(frame: FrameType) -> tuple[bool, BaseException | None]:
    """Whether an exception is unwinding a frame, and the exception where it can be found."""
    if not gc.isenabled():
        return False, None  # the youngest objects would be all that there are
    at = frame.f_lasti
    again = at >= 0 and frame.f_code.co_code[at] in _RAISE_AGAIN
    young: list[Any] = []
    passes = False
    raised: list[Any] = []
    for generation in (0, 1):  # the second one for what a collection has moved there meanwhile
        young = _exceptions(generation) + young
        traces = [
            one for one in young if type(one) is TracebackType and one.tb_frame is frame and (again or one.tb_lasti == at)
        ]
        errors = [one for one in young if type(one) is not TracebackType]
        exact = [one for one in errors if one.__traceback__ in traces]
        if exact:
            return True, exact[-1]
        if traces and not passes:
            passes = True
            raised = [one for one in errors if one.__traceback__ is None] if sys.version_info < (3, 12) else []
    return passes, raised[0] if len(raised) == 1 else None


def _exceptions(generation: int) -> list[Any]:
    """Only types are looked at, since a proxy would answer for another; and nothing is held that might have to end."""
    return [one for one in gc.get_objects(generation=generation) if issubclass(type(one), (TracebackType, BaseException))]


def handled_by(thread: int) -> BaseException | None:
    """The exception that a thread handles just now."""
    handled = sys._current_exceptions().get(thread)
    error = handled[1] if isinstance(handled, tuple) else handled
    return error if isinstance(error, BaseException) else None


def state_of(error: BaseException | None) -> State:
    """How work ends that an exception passes through."""
    if error is None or isinstance(error, (GeneratorExit, SystemExit)):
        return "stopped"
    return "interrupted" if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)) else "failed"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those in whose handling it came."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def leads_through(error: BaseException, code: CodeType, line: int | None = None) -> bool:
    """Whether an exception's traceback has a frame of that code, at that line."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is code and line in (None, trace.tb_lineno):
            return True
        trace = trace.tb_next
    return False


def ended_expression_over(error: BaseException, iterator: int) -> bool:
    """Whether an exception left a comprehension or generator expression over that iterator, given by its `id`.

    Its frame holds the iterator, itself or in an `enumerate`, `zip` or `map`, for as long as the traceback holds the frame.
    """
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name in _EXPRESSIONS:
            items = trace.tb_frame.f_locals.get(".0")
            held = gc.get_referents(items)
            held += [one for several in held if type(several) is tuple for one in several]  # those of a `zip`
            if any(id(one) == iterator for one in (items, *held)):
                return True
        trace = trace.tb_next
    return False
