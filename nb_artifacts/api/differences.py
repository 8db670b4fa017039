"""``GET /artifacts/{id}/diff/{other}``: what changed from one artifact to another."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from nb_artifacts.api.message import answer, refusal
from nb_artifacts.diff import Placed, TableAsk, compare
from nb_artifacts.errors import BlobMissing, InvalidValue, QueryFailed
from nb_artifacts.query import parse

if TYPE_CHECKING:
    from uuid import UUID

    from nb_artifacts.api.message import Request, Response
    from nb_artifacts.diff.result import TableDiff
    from nb_artifacts.query import Tables
    from nb_artifacts.query.left import Left
    from nb_artifacts.store import Store

PARAMETERS = {
    "keys": "Columns that name a row (`field` in the artifact's `info`), comma separated or a JSON array; else a guess.",
    "tolerance": "Numbers of tables that differ by no more are equal.",
    "offset": "The first example row.",
    "limit": "How many example rows, at most 200.",
}
"""What the route takes, for the OpenAPI document."""


def diff(tables: Tables, store: Store, request: Request, id: UUID, other: UUID) -> Response:
    """``GET /artifacts/{id}/diff/{other}``: what changed from the first artifact to the second, by their type."""
    before, after = store.get(id), store.get(other)
    if before is None or after is None:
        raise refusal(404, "Artifact not found.")
    sides = Placed(before, store), Placed(after, store)
    try:
        return answer(compare(*sides, _ask(request), tables=partial(_tables, tables, request.left)))
    except InvalidValue as error:
        return answer({"detail": str(error)}, 422)
    except BlobMissing as error:
        raise refusal(404, str(error)) from None
    except QueryFailed as error:
        if error.late:
            raise refusal(504, str(error)) from None
        raise refusal(503, str(error), Retry_After="1") from None


def _tables(tables: Tables, left: Left | None, before: Placed, after: Placed, ask: TableAsk) -> TableDiff:
    return tables.diff(before.record, after.record, ask, left=left)


def _ask(request: Request) -> TableAsk:
    """How tables are to be compared. Raises `BadQuery` and `InvalidValue`."""
    page = parse(
        {"columns": request.params.get("keys", ""), **{name: request.params.get(name, "") for name in ("offset", "limit")}}
    )
    text = request.params.get("tolerance") or "0"
    try:
        tolerance = float(text)
    except ValueError:
        tolerance = math.nan
    if not 0 <= tolerance < math.inf:
        raise InvalidValue(f"tolerance={text[:40]!r} is not a number of 0 or more.")
    return TableAsk(keys=page.columns, tolerance=tolerance, offset=page.offset, limit=page.limit)
