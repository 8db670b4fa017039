"""The REST API over a store, without a web framework: a `Request` in, a `Response` out.

Hosts move the bytes, authenticate, and call an `Api` in a thread, because it may wait for the disk. Prefect's paths
answer as Prefect's own server does; whoever sends ``Accept: application/vnd.nb-artifacts.v1+json`` gets whole records.

message → jsontext → body → filters → artifacts, blobs, events, about → routes, repeats → `Api`.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from nb_artifacts.api import about, search
from nb_artifacts.api.events import HEARTBEAT, EventStream, Feed
from nb_artifacts.api.message import BODY_LIMIT, Refused, Request, Response, answer, too_large
from nb_artifacts.api.repeats import Repeats
from nb_artifacts.api.routes import ROUTES, Route, find_route, is_quick, is_slow, may_write
from nb_artifacts.errors import Conflict, InvalidValue, StoreBusy, StoreError, StoreFull, Unreachable
from nb_artifacts.query import Tables
from nb_artifacts.store.waiting import WouldWait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb_artifacts.store import Store

__all__ = [
    "BODY_LIMIT",
    "HEARTBEAT",
    "ROUTES",
    "Api",
    "EventStream",
    "Refused",
    "Request",
    "Response",
    "Route",
    "is_slow",
    "may_write",
    "too_large",
]

log = logging.getLogger(__name__)

STORE_HEADER = "X-NB-Artifacts-Store"
RESTORED_HEADER = "X-NB-Artifacts-Restored"

_OF_ANY_VERSION = frozenset({"/health", "/ready", "/version"})
"""What a client of any version may ask."""


class Api:
    """Answers requests from one store, which `open_store` gives when it is first needed.

    A store that cannot be opened is tried again with the next request, and answers say why. `poll` and `heartbeat`
    are the event stream's, in seconds.
    """

    def __init__(self, open_store: Callable[[], Store], *, poll: float = 0.05, heartbeat: float = 15.0) -> None:
        self._open = open_store
        self._store: Store | None = None
        self._searched: search.Index | None = None
        self._tables: Tables | None = None
        self._lock = threading.Lock()
        self._repeats = Repeats()
        self.sync: about.Sync | None = None
        """How it stands with the API that the store is sent to, where it is sent to one."""
        self.feed = Feed(lambda: self.store, poll=poll, heartbeat=heartbeat)

    @property
    def store(self) -> Store:
        """The store. Raises `StoreError` where it cannot be opened."""
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store

    @property
    def tables(self) -> Tables:
        """Queries of the store's tables. Raises `StoreError` as `store`."""
        store = self.store
        with self._lock:
            if self._tables is None:
                self._tables = Tables(store)
            return self._tables

    def __call__(self, request: Request) -> Response:
        """The answer to a request. Never raises for what a client or a store did wrong."""
        try:
            response = self._answer(request)
        except WouldWait:
            raise
        except Refused as refused:
            response = refused.response
        except StoreError as error:
            response = _store_failed(request, error)
        except InvalidValue as error:
            response = answer({"detail": str(error)}, 422)
        except Conflict as error:
            response = answer({"detail": str(error)}, 409)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = answer({"exception_message": "Internal Server Error"}, 500)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        if self._store is not None:
            response.headers[STORE_HEADER] = self._store.id
            if restored := getattr(self._store, "restored", None):
                response.headers[RESTORED_HEADER] = restored
        return response

    def at_once(self, request: Request) -> Response | None:
        """The answer to a request for one record that lies at hand; None where it is another, or would have to wait.

        A host may call this where it must not block: handing so small a question to a thread costs more than its answer.
        """
        at_once = getattr(self._store, "at_once", None) if is_quick(request) else None
        if at_once is None:
            return None
        try:
            response: Response = at_once(partial(self._repeats.answer, self, request))
        except WouldWait:
            return None
        return response

    def together(self, requests: Sequence[Request]) -> list[Response]:
        """The answers to requests that put something short, written in one transaction where the store can.

        Nothing is answered before all of it is on disk; where that fails, every answer says so.
        """
        calls = [partial(self, request) for request in requests]
        try:
            group = getattr(self.store, "together", None) if len(calls) > 1 else None
            return [call() for call in calls] if group is None else group(calls)
        except StoreError as error:
            return [_store_failed(request, error) for request in requests]

    def close(self) -> None:
        """End the event streams and let go of the store's files."""
        self.feed.close()
        if self._tables is not None:
            self._tables.close()
        if self._store is not None:
            self._store.close()

    def _answer(self, request: Request) -> Response:
        route, names = find_route(request)
        if request.path not in _OF_ANY_VERSION:
            about.check_api_version(request.headers.get("x-prefect-api-version"))
        if route.handler is about.events:
            return route.handler(self.feed, request)
        if route.handler in {about.status, about.retry}:
            return route.handler(self.store, request, self.sync)
        if route.handler is search.search:
            return route.handler(self.store, request, self._index())
        if route.slow:
            return route.handler(self.tables, self.store, request, **names)
        response = route.handler(self.store, request, **names)
        if response.shows is not None and response.shows.type == "table":
            self.tables.expect(response.shows)
        return response

    def _index(self) -> search.Index:
        if self._searched is None:
            self._searched = search.Index(self.store)
        return self._searched


def _store_failed(request: Request, error: StoreError) -> Response:
    """Prefect's clients try again after a 503; ours show the reason."""
    if isinstance(error, Unreachable):  # the server that the store is sent to; it was said when that began
        return answer({"exception_message": "Bad Gateway", **({"detail": str(error)} if request.whole else {})}, 502)
    log.error("%s %s: %s", request.method, request.path, error)
    if isinstance(error, StoreFull):
        return answer({"detail": str(error)}, 507)
    status, message = (503, "Service Unavailable") if isinstance(error, StoreBusy) else (500, "Internal Server Error")
    response = answer({"exception_message": message, **({"detail": str(error)} if request.whole else {})}, status)
    if status == 503:
        response.headers["Retry-After"] = "1"
    return response
