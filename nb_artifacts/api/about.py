"""Routes about runs, the store itself, its feed, and the few other paths that a Prefect client touches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from nb_artifacts.api.body import Problem, invalid
from nb_artifacts.api.changes import SEQ_HEADER
from nb_artifacts.api.events import EventStream, Feed, parse_seq
from nb_artifacts.api.filters import read_run_query
from nb_artifacts.api.message import Request, Response, answer, refusal
from nb_artifacts.wire import Query

if TYPE_CHECKING:
    from uuid import UUID

    from nb_artifacts.store import Store

API_VERSION = "0.8.4"
"""Version of the wire that is spoken, as Prefect counts it."""

PREFECT_VERSION = "3.9.1"
"""The Prefect release whose wire that is; its clients compare it with their own."""


def read_run(store: Store, _: Request, id: UUID) -> Response:
    """``GET /runs/{id}``: 200 and the run, or 404."""
    run = store.get_run(id)
    if run is None:
        raise refusal(404, "Run not found.")
    return answer(run)


def filter_runs(store: Store, request: Request) -> Response:
    """``POST /runs/filter``: runs, newest first."""
    return answer(store.find_runs(read_run_query(request)))


class Sync(Protocol):
    """What a server that sends to another one knows of that."""

    def state(self) -> Any:
        """How it stands, as a struct."""

    def retry(self) -> None:
        """Try at once."""


def status(store: Store, _: Request, sync: Sync | None) -> Response:
    """``GET /status``: which store this is, how much it holds, and how it stands with the API that it sends to."""
    own: Store = getattr(store, "local", store)  # of two that are read as one, the folder
    found: dict[str, Any] = {
        "store": store.id,
        "where": store.where,
        "artifacts": own.count(Query()),
        "keys": own.count(Query(latest=True)),
        "blob_bytes": store.blob_bytes(),
        "seq": store.last_seq(),
        "version": package_version(),
        **({} if sync is None else {"sync": sync.state()}),
    }
    response = answer(found)
    response.headers[SEQ_HEADER] = str(found["seq"])
    return response


def retry(_: Store, __: Request, sync: Sync | None) -> Response:
    """``POST /sync``: try now to send what waits. 200 and how it stands; 404 on a server that sends nothing."""
    if sync is None:
        raise refusal(404, "This server sends nothing to another one.")
    sync.retry()
    return answer(sync.state())


def events(feed: Feed, request: Request) -> Response:
    """``GET /events``: the feed as server-sent events; a browser's Last-Event-ID is newer than its ``since``."""
    given = request.headers.get("last-event-id") or request.params.get("since")
    try:
        since = parse_seq(given)
    except ValueError:
        problem = Problem("int_parsing", ("query", "since"), "Input should be a valid integer", given)
        raise invalid([problem], None) from None
    headers = {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    return Response(200, EventStream(feed, since), headers)


def health(_: Store, __: Request) -> Response:
    """``GET /health``."""
    return answer(True)


def ready(_: Store, __: Request) -> Response:
    """``GET /ready``."""
    return answer({"message": "OK"})


def api_version(_: Store, __: Request) -> Response:
    """``GET /version``."""
    return answer(API_VERSION)


def product_version(_: Store, __: Request) -> Response:
    """``GET /admin/version``."""
    return answer(PREFECT_VERSION)


def csrf_token(_: Store, __: Request) -> Response:
    """``GET /csrf-token``: Prefect's own scheme is not used; its clients go on without."""
    raise refusal(422, "CSRF protection is disabled.")


def check_api_version(header: str | None) -> None:
    """Raise `Refused` (400) for a client whose ``X-PREFECT-API-VERSION`` is below 0.8.0 or no version."""
    if not header:
        return
    try:
        version = tuple(int(part) for part in header.split("."))
    except ValueError:
        version = ()
    if len(version) != 3:
        raise refusal(
            400,
            f"Invalid X-PREFECT-API-VERSION header format.Expected header in format 'x.y.z' but received {header}",
        )
    if version < (0, 8, 0):
        raise refusal(
            400,
            f"The request specified API version {header} but this server requires version 0.8.0 or higher.",
        )


def package_version() -> str:
    """The installed release of this package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("nb-artifacts")
    except PackageNotFoundError:
        return "unknown"
