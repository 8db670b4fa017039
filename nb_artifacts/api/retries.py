"""Flows that are tried again: Prefect's client proposes that a run failed, and its server says whether to go on."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from nb_artifacts import wire
from nb_artifacts.api.run_filters import known, state_of

if TYPE_CHECKING:
    from nb_artifacts.wire import Run

LONGEST = 366 * 86_400
"""So many seconds at most are between two tries."""

MOST = 1_000_000


class Answer(NamedTuple):
    """What becomes of a proposed state: `state` is the one to take, None where the run stays as it is."""

    state: dict[str, Any] | None
    status: str
    details: dict[str, Any]


def set_policy(run: Run, members: dict[str, Any]) -> None:
    """Keep how often, and after how many seconds, a flow run is to be tried again."""
    policy = members.get("empirical_policy")
    if not isinstance(policy, dict):
        return
    kept, retries, delay = known(run), policy.get("retries"), policy.get("retry_delay")
    if isinstance(retries, int) and 0 < retries <= MOST:
        kept.retries = int(retries)
    if isinstance(delay, (int, float)) and 0 < delay <= LONGEST:
        kept.retry_delay = float(delay)
    run.provenance.prefect = kept


def decide(run: Run, state: dict[str, Any], *, force: bool) -> Answer:
    """The answer to a proposed state. A run that is to be tried again says so in what is kept of it."""
    kept, moment = known(run), wire.now()
    if not force and state["type"] == "FAILED" and state_of(run)[0] == "RUNNING" and kept.run_count <= kept.retries:
        kept.scheduled = moment + timedelta(seconds=kept.retry_delay)
        run.provenance.prefect = kept
        again = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": state.get("message")}
        return Answer(again, "REJECT", {"type": "reject_details", "reason": "Retrying"})
    if not force and state["type"] == "RUNNING" and kept.scheduled is not None and kept.scheduled > moment:
        seconds = math.ceil((kept.scheduled - moment).total_seconds())
        reason = "Scheduled time is in the future"
        return Answer(None, "WAIT", {"type": "wait_details", "delay_seconds": seconds, "reason": reason})
    kept.scheduled = None
    return Answer(state, "ACCEPT", {"type": "accept_details"})
