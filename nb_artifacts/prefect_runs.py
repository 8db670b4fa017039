"""The runs of Prefect itself around a call: what is made in them belongs to them, under Prefect's own ids.

Prefect is never imported: where a process has loaded it, it is asked.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from nb_artifacts.wire import Run, RunKind, now

_KINDS = ((RunKind.flow, "FlowRunContext", "flow_run"), (RunKind.task, "TaskRunContext", "task_run"))


def around(parent: Run) -> tuple[Run, ...]:
    """The flow run and the task run of Prefect around this call, as runs below `parent`; mostly none."""
    context = sys.modules.get("prefect.context")
    if context is None:
        return ()
    found: list[Run] = []
    for kind, name, member in _KINDS:
        with suppress(Exception):  # a release of Prefect that has it in another form has none for us
            run = getattr(getattr(context, name).get(), member)
            found.append(_as_run(run, kind, found[-1] if found else parent))
    return tuple(found)


def _as_run(run: Any, kind: RunKind, parent: Run) -> Run:
    started = run.start_time if isinstance(run.start_time, datetime) and run.start_time.tzinfo else now()
    return Run(
        id=UUID(str(run.id)), kind=kind, name=str(run.name), started=started, parent_id=parent.id, session_id=parent.session_id
    )
