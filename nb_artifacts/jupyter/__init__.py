"""The Jupyter Server extension: the API under ``<base>/nb-artifacts/api/``, for whoever may use the server.

Authentication, the checks of Host and Origin and the XSRF rules are Jupyter's own. The store is only touched in threads
of a small pool, but for one record that lies at hand, so the server's loop never waits for another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.ioloop import PeriodicCallback
from tornado.iostream import StreamClosedError
from traitlets import Enum, Float, Unicode

from nb_artifacts import config, settle
from nb_artifacts.api import BODY_LIMIT, HEARTBEAT, Api, EventStream, Request, Response, is_slow, may_write, too_large
from nb_artifacts.api.lines import Line
from nb_artifacts.api.told import Vouchers
from nb_artifacts.errors import StoreError
from nb_artifacts.jupyter import sync
from nb_artifacts.jupyter.events import EventsHandler, vouch
from nb_artifacts.jupyter.notebook import serve_notebooks
from nb_artifacts.query import Left
from nb_artifacts.traits import RemoteTraits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from jupyter_server.serverapp import ServerApp
    from tornado.httputil import HTTPServerRequest


T = TypeVar("T")

BODY_SECONDS = 30.0
"""A request's body has to arrive within this time, and one second more for each megabyte announced."""


class NbArtifacts(RemoteTraits):
    """Options in ``jupyter_server_config.py``: ``c.NbArtifacts.home = "…"``."""

    home = Unicode(help="Folder of the store; else NB_ARTIFACTS_HOME, else the user's data folder.").tag(config=True)
    durability = Enum(["power", "process"], "power", help="What a returned call survives.").tag(config=True)
    heartbeat = Float(15.0, help="Seconds of silence after which an event stream shows that it lives.").tag(config=True)


class Host:
    """What all requests of a server share."""

    def __init__(self, api: Api, base: str) -> None:
        self.api = api
        self.base = base
        self.vouchers = Vouchers[bool]()
        self._readers = ThreadPoolExecutor(4, "nb-artifacts-read")
        self._writers = ThreadPoolExecutor(1, "nb-artifacts-write")  # a held write lock must not stop readers
        self._line = Line(api)
        self._thinkers = ThreadPoolExecutor(4, "nb-artifacts-table")  # nor must a table that is being sorted

    async def answer(self, request: Request, size: int, *, slow: bool) -> Response:
        """The API's answer to a request whose body has `size` bytes."""
        found = self.api.at_once(request)
        if found is not None:
            return found
        asked = None if slow else self._line.ask(request, size)
        return await (asked or self.run(self.api, request, writes=may_write(request), slow=slow))

    async def run(self, work: Callable[..., T], *arguments: Any, writes: bool = False, slow: bool = False) -> T:
        """Call something that may block, in a thread."""
        pool = self._writers if writes else self._thinkers if slow else self._readers
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


@web.stream_request_body
class ArtifactsHandler(APIHandler):
    """Moves one request's bytes to the API and the answer's back."""

    def initialize(self, host: Host) -> None:
        """Tornado's constructor."""
        self.host = host
        self.chunks: list[bytes] = []
        self.received = 0
        self.woken = asyncio.Event()
        """Set when there is something to do for a stream, or nobody to do it for."""
        self.gone = False
        self.left = Left()
        self.slow = False

    async def prepare(self) -> None:  # type: ignore[override]  # Tornado allows a coroutine here
        """Refuse before the body is read: strangers, and bodies announced as too large."""
        await super().prepare()
        if self.request.method == "OPTIONS":
            return
        if not self.current_user:
            raise web.HTTPError(403)
        vouch(self.host.vouchers, self.request)
        announced = self.request.headers.get("Content-Length", "")[:18]
        length = int(announced) if announced.isdigit() else 0
        connection: Any = self.request.connection
        connection.set_body_timeout(BODY_SECONDS + length / 1_000_000)
        self._check_size(length)

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body, up to the limit."""
        self.received += len(chunk)
        self.chunks.append(chunk)
        self._check_size(self.received)

    def _check_size(self, size: int) -> None:
        if size > BODY_LIMIT:
            self.chunks.clear()
            self._finish(too_large())

    @web.authenticated
    async def _serve(self) -> None:
        if self._finished:
            return
        request = _as_request(self.request, self.host.base, self.chunks)
        request.left, self.slow = self.left, is_slow(request)
        response = await self.host.answer(request, self.received, slow=self.slow)
        with contextlib.suppress(StreamClosedError):  # the client left
            await self._finish(response)

    get = post = put = patch = delete = head = _serve

    def _finish(self, response: Response) -> Awaitable[None]:
        """Send an answer. Its own headers replace those that Jupyter's `finish` would set."""
        self.set_status(response.status)
        self.clear_header("Content-Type")
        for name, value in response.headers.items():
            self.set_header(name, value)
        body = response.body
        if isinstance(body, bytes):
            self.update_api_activity()
            return JupyterHandler.finish(self, body or None)
        return self._follow(body) if isinstance(body, EventStream) else self._send(body)

    async def _send(self, pieces: Generator[bytes, None, None]) -> None:
        with contextlib.closing(pieces):
            while (piece := await self.host.run(next, pieces, b"", slow=self.slow)) and not self.gone:
                self.write(piece)
                await self.flush()
        JupyterHandler.finish(self)

    async def _follow(self, stream: EventStream) -> None:
        loop = asyncio.get_running_loop()
        stream.listen(lambda: loop.call_soon_threadsafe(self.woken.set))
        try:
            while not (self.gone or stream.ended):
                self.woken.clear()
                found = stream.ready()
                if found is None:
                    found = await self.host.run(stream.read)
                self.write(found or await self._wait(stream.heartbeat))
                await self.flush()
        except StoreError as error:
            self.log.error("nb_artifacts: an event stream ends early: %s", error)  # noqa: TRY400 (it says what to do)
        finally:
            stream.close()
        JupyterHandler.finish(self)

    async def _wait(self, seconds: float) -> bytes:
        try:
            await asyncio.wait_for(self.woken.wait(), seconds)
        except asyncio.TimeoutError:
            return HEARTBEAT
        return b""

    def on_connection_close(self) -> None:
        """The client left: end its stream at once."""
        super().on_connection_close()
        self.gone = True
        self.woken.set()
        self.left.leave()

    def compute_etag(self) -> None:
        """None: the API sets its own where it has one."""


def _as_request(request: HTTPServerRequest, base: str, chunks: list[bytes]) -> Request:
    proxied = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    scheme = proxied if proxied in ("http", "https") else request.protocol
    return Request(
        method=request.method,
        path=request.path[len(base) :] or "/",
        query=request.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        chunks=chunks,
        base=f"{scheme}://{request.host}{base}",
    )


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    """Mount the API, and hand the folder to the kernels that this server starts."""
    traits = NbArtifacts(parent=serverapp)
    config.use_traits(traits)
    folder = config.folder()
    durable = config.durable()
    remote = sync.settings(serverapp.log)
    api = Api(lambda: sync.open_both(folder, remote, serverapp.log, durable=durable), heartbeat=traits.heartbeat)
    base = url_path_join(serverapp.base_url, "nb-artifacts/api")
    host = Host(api, base)
    serve_notebooks(serverapp, host, base)
    handlers = [(f"{base}/events/in", EventsHandler, {"host": host}), (f"{base}(?:/.*)?", ArtifactsHandler, {"host": host})]
    serverapp.web_app.add_handlers(".*$", handlers)  # type: ignore[no-untyped-call]  # Tornado's is untyped
    try:
        store = api.store
    except StoreError as error:
        serverapp.log.error("nb_artifacts: %s", error)  # noqa: TRY400 - it says what to do; a traceback would hide that
        return
    sweep = settle.Sweep(getattr(store, "local", store))
    settling = PeriodicCallback(lambda: host.run(sweep.try_settle, writes=True), settle.EVERY * 1000)
    serverapp.io_loop.add_callback(settling.start)
    if config.HOME in os.environ:
        os.environ[config.HOME] = str(folder)
    os.environ[config.FROM_SERVER] = f"{store.id}:{folder}"
    os.environ[config.SERVER_PID] = str(os.getpid())
    serverapp.log.info("nb_artifacts: %s is served under %s/", store.where, base)
    sync.hand_over(traits)
    with contextlib.suppress(StoreError):  # a folder that can only be read
        sync.begin(api, remote, serverapp.log)
