"""``GET /artifacts/{id}/rows``, ``/summary`` and ``/export``: a stored table page by page, described, and as a file.

The work is done by `nb_artifacts.query`, in a process of its own; what a client no longer waits for is interrupted there.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Literal, cast

from nb_artifacts.api.message import Refused, Request, Response, answer, refusal
from nb_artifacts.errors import BadQuery, BlobMissing, InvalidValue, QueryFailed
from nb_artifacts.query import ARROW, PARQUET, RowsQuery, Tables, fingerprint, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record

    Handler = Callable[Concatenate[Tables, Store, Request, UUID, ...], Response]

ROWS_HEADER = "X-NB-Artifacts-Rows"
TOTAL_HEADER = "X-NB-Artifacts-Total"

_MEDIA = {
    "csv": ("text/csv; charset=utf-8", "csv"),
    "parquet": (PARQUET, "parquet"),
    "json": ("application/json", "json"),
    "markdown": ("text/markdown; charset=utf-8", "md"),
}

PARAMETERS = {
    "offset": "The first row of the page; 0 is the first of the view.",
    "limit": "How many rows, at most 10000.",
    "columns": "Names of columns (`field` in the artifact's `info`), comma separated, or a JSON array of them.",
    "sort": "Names of columns, comma separated or a JSON array; a minus before a name reverses it.",
    "q": "Rows where the text of any column contains this.",
    "where": "Rows of which this SQL expression over the columns holds.",
    "filter": "A JSON list of conditions that must all hold.",
    "stride": "Every so many rows only.",
    "format": "Rows: `arrow` or `json`. Export: `csv`, `parquet`, `json` or `markdown`.",
}
"""What the three routes take, for the OpenAPI document."""


def _explained(handler: Handler) -> Handler:
    """Answers for what a query can do wrong, and for what can happen to it."""

    @wraps(handler)
    def answered(tables: Tables, store: Store, request: Request, id: UUID) -> Response:
        try:
            return handler(tables, store, request, id)
        except BadQuery as error:
            return answer({"detail": str(error), "position": error.position, "column": error.column}, 422)
        except InvalidValue as error:
            return answer({"detail": str(error), "position": None, "column": None}, 422)
        except BlobMissing as error:
            raise refusal(404, str(error)) from None
        except QueryFailed as error:
            if error.late:
                raise refusal(504, str(error)) from None
            raise refusal(503, str(error), Retry_After="1") from None

    return answered


@_explained
def rows(tables: Tables, store: Store, request: Request, id: UUID) -> Response:
    """``GET /artifacts/{id}/rows``: a page of a table's rows, as Arrow or JSON."""
    record, query = _table(store, id), parse(request.params)
    form = cast("Literal['arrow', 'json']", _one_of(request, ("arrow", "json")))
    headers = _headers(request, fingerprint(tables.name(record), "rows", query, form))
    page = tables.rows(record, query, form=form, left=request.left)
    headers |= {
        "Content-Type": ARROW if form == "arrow" else "application/json",
        ROWS_HEADER: str(page.rows),
        TOTAL_HEADER: str(page.total),
    }
    return Response(200, page.arrow, headers)


@_explained
def summary(tables: Tables, store: Store, request: Request, id: UUID) -> Response:
    """``GET /artifacts/{id}/summary``: what the columns of a table hold: ranges, histograms, frequent values."""
    record, query = _table(store, id), parse(request.params)
    headers = _headers(request, fingerprint(tables.name(record), "summary", query))
    return Response(200, tables.summary(record, query, left=request.left), headers | {"Content-Type": "application/json"})


@_explained
def export(tables: Tables, store: Store, request: Request, id: UUID) -> Response:
    """``GET /artifacts/{id}/export``: the rows of a view as a file."""
    record, query = _table(store, id), parse(request.params)
    form = cast("Literal['csv', 'parquet', 'json', 'markdown']", _one_of(request, tuple(_MEDIA)))
    whole = RowsQuery(columns=query.columns, sort=query.sort, q=query.q, where=query.where, filter=query.filter)
    parts = tables.export(record, whole, form, left=request.left)
    media, suffix = _MEDIA[form]
    name = f"{(record.key or str(record.id))[:100]}.{suffix}"
    headers = {
        "Content-Type": media,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(200, parts, headers)


def _table(store: Store, id: UUID) -> Record:
    record = store.get(id)
    if record is None:
        raise refusal(404, "Artifact not found.")
    return record


def _one_of(request: Request, known: tuple[str, ...]) -> str:
    """The format asked for; the first of `known` where none is."""
    form = request.params.get("format") or known[0]
    if form not in known:
        raise BadQuery(f"format={form[:40]!r} is not {', '.join(known[:-1])} or {known[-1]}.")
    return form


def _headers(request: Request, tag: str) -> dict[str, str]:
    """An answer's ETag. Raises `Refused` with 304 where the client has that answer."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    tags = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if headers["ETag"] in tags or "*" in tags:
        raise Refused(Response(304, headers=headers))
    return headers
