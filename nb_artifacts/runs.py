"""Where artifacts come from: the session, the running cell, and the flows and tasks around the call.

A run is written to the store just before the first artifact that comes from it, so runs that make nothing leave
nothing. On the wire a session or flow is `flow_run_id`, a cell or task is `task_run_id`.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload
from weakref import WeakKeyDictionary

from nb_artifacts import cells, config, prefect_runs, provenance
from nb_artifacts.errors import InvalidValue, StoreError
from nb_artifacts.redact import error_line
from nb_artifacts.wire import Provenance, Run, RunKind, RunState, new_id, now

if TYPE_CHECKING:
    from uuid import UUID

    from nb_artifacts.cells import Cell
    from nb_artifacts.store import Store

F = TypeVar("F", bound=Callable[..., Any])

_inside: ContextVar[tuple[Run, ...]] = ContextVar("nb_artifacts_runs", default=())
"""Flows, tasks and named runs around the current call, outermost first."""


class Place(NamedTuple):
    """The runs that an artifact made now belongs to."""

    flow_run_id: UUID
    task_run_id: UUID | None


class _Life:
    """The runs of this process, and in which stores each has been written."""

    def __init__(self, parent: Run | None = None) -> None:
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.cells: WeakKeyDictionary[Cell, Run] = WeakKeyDictionary()
        self.written: dict[UUID, list[Store]] = {}
        self.session = Run(id=new_id(), kind=RunKind.session, started=now(), provenance=provenance.of_session())
        self.session.session_id = self.session.id
        self.session.name = self.session.provenance.notebook and os.path.basename(self.session.provenance.notebook)  # noqa: PTH119 (may be another system's path)
        self.session.parent_id = parent.id if parent else None
        if config.provenance_level() == "full":
            threading.Thread(target=self.add_git, name="nb_artifacts-git", daemon=True).start()
        atexit.register(self.end)

    def add_git(self) -> None:
        """Ask git beside the caller: it can take seconds in a large repository."""
        found = provenance.git()
        if found is not None:
            with self.lock, suppress(StoreError):
                self.session.provenance.git = found
                self.rewrite(self.session)

    def write(self, run: Run, store: Store) -> None:
        """Write a run that this store has not seen yet."""
        with self.lock:
            stores = self.written.setdefault(run.id, [])
            if store not in stores:
                store.put_run(run)
                stores.append(store)

    def rewrite(self, run: Run) -> None:
        """Write what is now true of a run to every store that knows it, and can be written now."""
        with self.lock:
            for store in self.written.get(run.id, ()):
                with suppress(StoreError):
                    store.put_run(run)

    def cell_run(self, cell: Cell) -> Run:
        with self.lock:
            run = self.cells.get(cell)
            if run is None:
                run = Run(
                    id=new_id(), kind=RunKind.cell, started=cell.started, parent_id=self.session.id,
                    session_id=self.session.id, name=f"[{cell.number}]" if cell.number is not None else None,
                    provenance=provenance.of_cell(cell),
                )  # fmt: skip
                self.cells[cell] = run
                cell.at_end.append(functools.partial(self.finish, run))
            return run

    def note_packages(self) -> None:
        """A session began before most imports: add what has been imported since."""
        if config.provenance_level() == "full":
            loaded = provenance.loaded_packages()
            if loaded != self.session.provenance.packages:
                self.session.provenance.packages = loaded
                self.rewrite(self.session)

    def finish(self, run: Run, error: BaseException | None) -> None:
        """A run is over; a store that cannot be written now keeps it as running, which readers see through."""
        run.ended = now()
        run.state = _state(error)
        run.error = None if error is None else error_line(error)
        with suppress(StoreError):
            self.rewrite(run)
        self.written.pop(run.id, None)

    def end(self) -> None:
        if self.pid == os.getpid() and self.session.ended is None:
            self.finish(self.session, None)


def _state(error: BaseException | None) -> RunState:
    if error is None:
        return RunState.completed
    return RunState.interrupted if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)) else RunState.failed


_life: _Life | None = None
_birth = threading.Lock()


def _this_life() -> _Life:
    global _life  # noqa: PLW0603 (one per process by nature)
    with _birth:
        if _life is None:
            _life = _Life()
        return _life


def _after_fork() -> None:
    """A forked child is a session of its own, below the run it was forked in."""
    global _life, _birth  # noqa: PLW0603 (one session a process)
    _birth = threading.Lock()
    before, _life = _life, None
    if before is not None:
        cell = cells.current()
        stack = _inside.get()
        _life = _Life(parent=stack[-1] if stack else (before.cells.get(cell) if cell else None) or before.session)
        _inside.set(())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def place(store: Store) -> Place:
    """The runs of an artifact made now, written to the store where it did not know them."""
    life, stack = _this_life(), _inside.get()
    cell = cells.current() if life.session.parent_id is None else None
    chain = [life.session, *([life.cell_run(cell)] if cell else [])]
    stack = (*prefect_runs.around(chain[-1]), *stack)
    chain += stack
    if any(store not in life.written.get(run.id, ()) for run in chain):
        life.note_packages()
        for run in chain:
            life.write(run, store)
    flow = next((run for run in reversed(stack) if run.kind is RunKind.flow), None)
    tasks = stack[stack.index(flow) + 1 :] if flow else (chain[1:] if cell or stack else ())
    return Place((flow or life.session).id, tasks[-1].id if tasks else None)


def note_input(artifact_id: UUID) -> None:
    """The running cell or innermost run has read an artifact."""
    if config.provenance_level() == "off":
        return
    stack, cell = _inside.get(), cells.current()
    if not stack and cell is None:
        return
    life = _this_life()
    run = stack[-1] if stack else life.cell_run(cell)  # type: ignore[arg-type]  # a cell where the stack is empty
    if artifact_id not in run.provenance.inputs:
        run.provenance.inputs.append(artifact_id)
        with suppress(StoreError):
            life.rewrite(run)


@contextmanager
def _entered(kind: RunKind, name: str) -> Iterator[Run]:
    life, stack = _this_life(), _inside.get()
    cell = cells.current()
    base = life.cell_run(cell) if cell else life.session
    parent = (stack or prefect_runs.around(base) or (base,))[-1]
    inner = Run(
        id=new_id(), kind=kind, name=name, started=now(), parent_id=parent.id, session_id=life.session.id,
        provenance=Provenance(notebook=parent.provenance.notebook),
    )  # fmt: skip
    token = _inside.set((*stack, inner))
    error: BaseException | None = None
    try:
        yield inner
    except BaseException as raised:
        error = raised
        raise
    finally:
        _inside.reset(token)
        life.finish(inner, error)


@contextmanager
def run(name: str) -> Iterator[Run]:
    """A named run for a block of code (or, as a decorator, for a function): what it makes is found under it.

    Inside a flow it is a task of that flow, elsewhere a flow. Gives the `wire.Run`; its `id` is the artifacts'
    `flow_run_id` or `task_run_id`. Raises `InvalidValue` for an empty name.
    """
    if not isinstance(name, str) or not name.strip():
        raise InvalidValue(f"{name!r} is not a name for a run: give a text.")
    in_flow = any(outer.kind is RunKind.flow for outer in (*prefect_runs.around(_this_life().session), *_inside.get()))
    with _entered(RunKind.task if in_flow else RunKind.flow, name) as entered:
        yield entered


@overload
def flow(function: F, /) -> F: ...
@overload
def flow(*, name: str | None = None, **options: Any) -> Callable[[F], F]: ...
def flow(function: Any = None, /, *, name: str | None = None, **options: Any) -> Any:
    """Decorator: each call of the function, plain or async, is a run of kind flow.

    Takes the keywords of Prefect's `flow`; those that would change how the function is run (`retries`, …) have no
    effect here and say so in a warning. Raises `InvalidValue` for a keyword that Prefect does not know either.
    """
    return _decorator(RunKind.flow, function, name, options)


@overload
def task(function: F, /) -> F: ...
@overload
def task(*, name: str | None = None, **options: Any) -> Callable[[F], F]: ...
def task(function: Any = None, /, *, name: str | None = None, **options: Any) -> Any:
    """Decorator: each call of the function, plain or async, is a run of kind task. Otherwise as `flow`."""
    return _decorator(RunKind.task, function, name, options)


_HARMLESS = {"description", "log_prints", "tags", "version", "flow_run_name", "task_run_name", "validate_parameters"}
_WITHOUT_EFFECT = {
    "retries", "retry_delay_seconds", "retry_jitter_factor", "retry_condition_fn", "timeout_seconds", "task_runner",
    "persist_result", "result_storage", "result_storage_key", "result_serializer", "cache_result_in_memory",
    "cache_policy", "cache_key_fn", "cache_expiration", "refresh_cache", "on_completion", "on_failure", "on_running",
    "on_cancellation", "on_crashed", "on_rollback", "on_commit", "viz_return_value", "asset_deps",
}  # fmt: skip


def _decorator(kind: RunKind, function: Any, name: str | None, options: dict[str, Any]) -> Any:
    for option in options:
        if option not in _HARMLESS | _WITHOUT_EFFECT:
            raise InvalidValue(f"{option!r} is not an option of {kind.value}: see Prefect's {kind.value} for its keywords.")
    idle = sorted(option for option in options if option in _WITHOUT_EFFECT)
    if idle:
        warnings.warn(f"{kind.value}({', '.join(idle)}) has no effect here: the function just runs.", stacklevel=3)
    if function is not None and not callable(function):
        raise InvalidValue(f"{function!r} is not a function: write @{kind.value} or @{kind.value}(name=…) above one.")
    decorate = functools.partial(_decorated, kind, name)
    return decorate if function is None else decorate(function)


def _decorated(kind: RunKind, name: str | None, function: Any) -> Any:
    title = name or getattr(function, "__name__", kind.value).replace("_", "-" if kind is RunKind.flow else "_")

    if asyncio.iscoroutinefunction(function):

        @functools.wraps(function)
        async def in_run(*args: Any, **kwargs: Any) -> Any:
            with _entered(kind, title):
                return await function(*args, **kwargs)
    else:

        @functools.wraps(function)
        def in_run(*args: Any, **kwargs: Any) -> Any:
            with _entered(kind, title):
                return function(*args, **kwargs)

    in_run.fn = function  # type: ignore[attr-defined]  # Prefect's member
    in_run.name = title  # type: ignore[attr-defined]  # Prefect's member
    return in_run
