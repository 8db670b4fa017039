"""Which function answers which request.

Paths are matched as Prefect's server matches them: one slash too many or too few is answered by a redirect, a known
path with another method by 405.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, unquote
from uuid import UUID

from nb_artifacts.api import about, artifacts, blobs, changes, differences, flows, limits, openapi, rows, search, uploads
from nb_artifacts.api.message import Refused, Request, Response, refusal

Handler = Callable[..., Response]

_CAPTURES = {
    "{id}": r"(?P<id>[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12})",
    "{other}": r"(?P<other>[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12})",
    "{key}": r"(?P<key>[^/]+)",
    "{sha256}": r"(?P<sha256>[0-9a-f]{64})",
}


class Route(NamedTuple):
    """One line of the table.

    `writes` says whether it may wait for the store's write lock, `slow` whether it may think for long without it, `quick`
    whether it only looks up one record.
    """

    method: str
    path: str
    handler: Handler
    writes: bool = False
    slow: bool = False
    quick: bool = False


ROUTES = (
    Route("POST", "/artifacts/", artifacts.create, writes=True),
    Route("POST", "/artifacts/batch", artifacts.create_batch, writes=True),
    Route("POST", "/artifacts/filter", artifacts.filter_all),
    Route("POST", "/artifacts/latest/filter", artifacts.filter_latest),
    Route("POST", "/artifacts/count", artifacts.count_all),
    Route("POST", "/artifacts/latest/count", artifacts.count_latest),
    Route("GET", "/artifacts/{key}/latest", artifacts.latest, quick=True),
    Route("GET", "/artifacts/{id}", artifacts.read, quick=True),
    Route("PUT", "/artifacts/{id}", artifacts.put, writes=True),
    Route("PATCH", "/artifacts/{id}", artifacts.patch, writes=True),
    Route("DELETE", "/artifacts/{id}", artifacts.delete, writes=True),
    Route("GET", "/artifacts/{id}/blob", blobs.read_blob),
    Route("GET", "/artifacts/{id}/rows", rows.rows, slow=True),
    Route("GET", "/artifacts/{id}/summary", rows.summary, slow=True),
    Route("GET", "/artifacts/{id}/export", rows.export, slow=True),
    Route("GET", "/artifacts/{id}/diff/{other}", differences.diff, slow=True),
    Route("GET", "/blobs/{sha256}", uploads.read),
    Route("HEAD", "/blobs/{sha256}", uploads.offset),
    Route("PATCH", "/blobs/{sha256}", uploads.write),
    Route("POST", "/blobs/missing", uploads.missing),
    Route("GET", "/changes", changes.read_changes),
    Route("POST", "/changes/batch", changes.take, writes=True),
    Route("GET", "/runs/{id}", about.read_run),
    Route("PUT", "/runs/{id}", changes.put_run, writes=True),
    Route("POST", "/runs/filter", about.filter_runs),
    Route("POST", "/search", search.search),
    Route("GET", "/openapi.json", openapi.document),
    Route("GET", "/status", about.status),
    Route("POST", "/sync", about.retry),
    Route("GET", "/events", about.events),
    Route("GET", "/health", about.health),
    Route("GET", "/ready", about.ready),
    Route("GET", "/version", about.api_version),
    Route("GET", "/admin/version", about.product_version),
    Route("GET", "/csrf-token", about.csrf_token),
    Route("GET", "/admin/storage", flows.storage),
    Route("POST", "/flows/", flows.create_flow, writes=True),
    Route("GET", "/flows/{id}", flows.read_flow),
    Route("POST", "/flow_runs/", flows.create_flow_run, writes=True),
    Route("POST", "/flow_runs/filter", flows.filter_flow_runs),
    Route("GET", "/flow_runs/{id}", flows.read_flow_run),
    Route("PATCH", "/flow_runs/{id}", flows.patch_flow_run, writes=True),
    Route("PATCH", "/flow_runs/{id}/labels", flows.label_flow_run),
    Route("POST", "/flow_runs/{id}/set_state", flows.set_flow_run_state, writes=True),
    Route("POST", "/task_runs/", flows.create_task_run, writes=True),
    Route("POST", "/task_runs/filter", flows.filter_task_runs),
    Route("GET", "/task_runs/{id}", flows.read_task_run),
    Route("POST", "/task_runs/{id}/set_state", flows.set_task_run_state, writes=True),
    Route("POST", "/logs/", flows.create_logs),
    Route("POST", "/v2/concurrency_limits/increment-with-lease", limits.take_slots),
    Route("POST", "/v2/concurrency_limits/decrement-with-lease", limits.give_back),
    Route("POST", "/v2/concurrency_limits/leases/{id}/renew", limits.renew_lease),
)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", lambda name: _CAPTURES[name[0]], path))


_TABLE = tuple((_pattern(route.path), route) for route in ROUTES)
_BY_METHOD = {method: [line for line in _TABLE if line[1].method == method] for method in {route.method for route in ROUTES}}


def find_route(request: Request) -> tuple[Route, dict[str, Any]]:
    """The route for a request and what its path names.

    Raises `Refused`: 405 for another method, 307 where only the last slash differs, 404 for no such path.
    """
    if request.route is None:
        request.route = _find(request)
    found: tuple[Route, dict[str, Any]] = request.route
    return found


def _find(request: Request) -> tuple[Route, dict[str, Any]]:
    path = unquote(request.path) if "%" in request.path else request.path
    for pattern, route in _BY_METHOD.get(request.method, ()):
        match = pattern.fullmatch(path)
        if match is not None:
            return route, {name: _parse(name, text) for name, text in match.groupdict().items()}
    others = dict.fromkeys(route.method for pattern, route in _TABLE if pattern.fullmatch(path))
    if others:
        raise refusal(405, "Method Not Allowed", Allow=", ".join(others))
    other = path.rstrip("/") if path.endswith("/") else path + "/"
    if any(pattern.fullmatch(other) for pattern, _ in _TABLE):
        raise _redirect(request, quote(other))
    raise refusal(404, "Not Found")


def may_write(request: Request) -> bool:
    """Whether the request may wait for the store's write lock."""
    route = _route(request)
    return route is not None and route.writes


def is_slow(request: Request) -> bool:
    """Whether an answer may take long: such requests have threads of their own, and end when their client goes."""
    route = _reading(request)
    return route is not None and route.slow


def is_quick(request: Request) -> bool:
    """Whether an answer takes no longer than handing the request to a thread."""
    route = _reading(request)
    return route is not None and route.quick


def _reading(request: Request) -> Route | None:
    return _route(request) if request.method == "GET" else None


def _route(request: Request) -> Route | None:
    try:
        return find_route(request)[0]
    except Refused:
        return None


def _redirect(request: Request, path: str) -> Refused:
    query = f"?{request.query}" if request.query else ""
    return Refused(Response(307, headers={"Location": f"{request.base}{path}{query}"}))


def _parse(name: str, text: str) -> Any:
    return UUID(text) if name in {"id", "other"} else text
