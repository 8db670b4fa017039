"""Filters that requests bring, for the description of the API: the checks of `filters` and `run_filters` as types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID  # noqa: TC003 - msgspec reads annotations

from msgspec import Meta, Struct

from nb_artifacts import wire

Aware = Annotated[datetime, Meta(tz=True)]
Limit = Annotated[int, Meta(ge=0, le=200)]
Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Part = Annotated[str, Meta(max_length=10_000, pattern="^[^\\x00]*$")]
TaskRunOrder = Literal[
    "ID_DESC",
    "EXPECTED_START_TIME_ASC",
    "EXPECTED_START_TIME_DESC",
    "NAME_ASC",
    "NAME_DESC",
    "NEXT_SCHEDULED_START_TIME_ASC",
    "END_TIME_DESC",
]
FlowRunOrder = Literal[TaskRunOrder, "START_TIME_ASC", "START_TIME_DESC"]
Operator = wire.Operator | None
StateType = Literal["SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "CANCELLING"]


class Ids(Struct, forbid_unknown_fields=True):
    """One of these."""

    any_: list[UUID] | None = None


class Names(Struct, forbid_unknown_fields=True):
    """One of these names, and like that: any case, ``%`` and ``_`` are wildcards."""

    any_: list[str] | None = None
    like_: Part | None = None


class Types(Struct, forbid_unknown_fields=True):
    """One of these, and none of those."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class IdsBut(Ids, forbid_unknown_fields=True):
    """One of these, and none of those."""

    not_any_: list[UUID] | None = None


class SomeIds(Ids, forbid_unknown_fields=True):
    """One of these, or none at all."""

    operator: Operator = None
    is_null_: bool | None = None


class AnyText(Struct, forbid_unknown_fields=True):
    """One of these texts."""

    any_: list[str] | None = None


class SomeText(AnyText, forbid_unknown_fields=True):
    """One of these texts, or none at all."""

    operator: Operator = None
    is_null_: bool | None = None


class Tags(SomeText, forbid_unknown_fields=True):
    """All of these tags, one of those, or none at all."""

    all_: list[str] | None = None


class StateTypes(Struct, forbid_unknown_fields=True):
    """One of these, and none of those."""

    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class States(Struct, forbid_unknown_fields=True):
    """The type and the name of a run's state."""

    operator: Operator = None
    type: StateTypes | None = None
    name: Types | None = None


class When(Struct, forbid_unknown_fields=True):
    """A time between these, or none at all."""

    before_: Aware | None = None
    after_: Aware | None = None
    is_null_: bool | None = None


class CreatedBy(Struct, forbid_unknown_fields=True):
    """By whom a run was made; here that is not known of any."""

    operator: Operator = None
    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None


class Exists(Struct, forbid_unknown_fields=True):
    """Whether there are any."""

    exists_: bool | None = None


class _Runs(Struct, forbid_unknown_fields=True):
    """Which runs; what is null is not asked."""

    operator: Operator = None
    name: Names | None = None
    tags: Tags | None = None
    state: States | None = None
    start_time: When | None = None
    end_time: When | None = None
    expected_start_time: When | None = None


class FlowRuns(_Runs, forbid_unknown_fields=True):
    """Which runs of flows; what is null is not asked."""

    id: IdsBut | None = None
    deployment_id: SomeIds | None = None
    work_queue_name: SomeText | None = None
    flow_version: AnyText | None = None
    next_scheduled_start_time: When | None = None
    parent_flow_run_id: SomeIds | None = None
    parent_task_run_id: SomeIds | None = None
    idempotency_key: Types | None = None
    created_by: CreatedBy | None = None


class TaskRuns(_Runs, forbid_unknown_fields=True):
    """Which runs of tasks; what is null is not asked."""

    id: Ids | None = None
    subflow_runs: Exists | None = None
    flow_run_id: SomeIds | None = None


class Deployed(Struct, forbid_unknown_fields=True):
    """Whether there is no deployment."""

    operator: Operator = None
    is_null_: bool | None = None


class Flows(Struct, forbid_unknown_fields=True):
    """Which flows."""

    operator: Operator = None
    id: IdsBut | None = None
    name: Names | None = None
    deployment: Deployed | None = None
    tags: Tags | None = None


class Paused(Struct, forbid_unknown_fields=True):
    """Whether it is."""

    eq_: bool | None = None


class Like(Struct, forbid_unknown_fields=True):
    """Like that: any case, ``%`` and ``_`` are wildcards."""

    like_: Part | None = None


class Limits(Struct, forbid_unknown_fields=True):
    """At least and at most, or none at all."""

    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None


class Deployments(Struct, forbid_unknown_fields=True):
    """Which deployments; here there are none."""

    operator: Operator = None
    id: IdsBut | None = None
    name: Names | None = None
    flow_or_deployment_name: Like | None = None
    paused: Paused | None = None
    tags: Tags | None = None
    work_queue_name: AnyText | None = None
    concurrency_limit: Limits | None = None


class Related(Struct):
    """Of which runs."""

    flow_runs: FlowRuns | None = None
    task_runs: TaskRuns | None = None
    flows: Flows | None = None
    deployments: Deployments | None = None


class FindFlowRuns(Related):
    """Which runs of flows, in which order."""

    sort: FlowRunOrder | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class FindTaskRuns(Related):
    """Which runs of tasks, in which order."""

    sort: TaskRunOrder | None = None
    limit: Limit | None = None
    offset: Offset | None = None
