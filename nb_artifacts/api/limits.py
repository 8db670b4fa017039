"""Limits of concurrency, for which Prefect's client asks wherever a task has tags: there are none, so there is always room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb_artifacts import wire
from nb_artifacts.api import body
from nb_artifacts.api.flows import read_needed
from nb_artifacts.api.message import Request, Response, answer

if TYPE_CHECKING:
    from uuid import UUID

    from nb_artifacts.store import Store


def take_slots(_: Store, request: Request) -> Response:
    """``POST /v2/concurrency_limits/increment-with-lease``: 200, and under no limit."""
    read_needed(request, {"names": body.array(body.text), "slots": body.integer})
    return answer({"lease_id": wire.new_id(), "limits": []})


def renew_lease(_: Store, __: Request, id: UUID) -> Response:  # noqa: ARG001 (the path names it)
    """``POST /v2/concurrency_limits/leases/{id}/renew``: 204."""
    return Response(204)


def give_back(_: Store, request: Request) -> Response:
    """``POST /v2/concurrency_limits/decrement-with-lease``: 204."""
    read_needed(request, {"lease_id": body.uuid})
    return Response(204)
