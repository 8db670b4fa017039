"""The stand-alone server: Starlette on uvicorn moves bytes between HTTP and the `Api` of a workspace.

Whatever comes passes `Guard` first: the Host header, the credential, the origin of what a browser sends by itself. Only
``GET /api/health``, the log-in page and its fingerprinted files are for everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import re
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from nb_artifacts.api import HEARTBEAT, EventStream, Refused, Request, Response, is_slow
from nb_artifacts.errors import StoreError
from nb_artifacts.serve import http
from nb_artifacts.serve.body import Gone, read_body
from nb_artifacts.serve.events import take_events
from nb_artifacts.serve.guard import Guard
from nb_artifacts.serve.keys import LOOK_SECONDS, Keyring
from nb_artifacts.serve.page import page_routes
from nb_artifacts.serve.spaces import Space, Spaces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator
    from multiprocessing.process import BaseProcess

    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket

    from nb_artifacts.query import Left

    Run = Callable[..., Awaitable[Any]]

SETTINGS = "NB_ARTIFACTS_SERVER"
"""Environment variable by which a worker process gets its `Settings`."""

_SPACE = re.compile(rb"/accounts/([a-z0-9-]{1,64})/workspaces/([a-z0-9-]{1,64})(?=/|\Z)")


class Settings(msgspec.Struct):
    """What `server start` was told."""

    home: str
    database_url: str | None = None
    durable: bool = True
    hosts: tuple[str, ...] = ()
    """Names by which the server may be asked, besides those of its machine."""
    heartbeat: float = 15.0


class Endpoint:
    """Answers what is asked below ``/api``; `Guard` has let it pass and found the key."""

    def __init__(self, spaces: Spaces) -> None:
        self.spaces = spaces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = scope["nba.headers"]
        try:
            chunks = [] if scope["method"] == "GET" else await read_body(scope, receive)
        except Gone:
            return
        except Refused as refused:
            await _send(send, refused.response, None)
            return
        name, path, base = split_path(scope)
        request = Request(scope["method"], path, scope["query_string"].decode("latin-1"), headers, chunks, base)
        space = self.spaces[name]
        if is_slow(request):
            await _think(receive, send, request, space)
            return
        response = await space.answer(request, sum(map(len, chunks)))
        if isinstance(response.body, EventStream):
            await _follow(scope, receive, send, response, space)
        elif isinstance(response.body, bytes):
            await _send(send, response, None)
        else:
            async with _noticing(receive, request.left):
                await _send(send, response, space.run, request.left)


def split_path(scope: Scope) -> tuple[str, str, str]:
    """A request's workspace, its path below that workspace's API (as it came), and the API's address for the client."""
    raw = bytes(scope["raw_path"]).partition(b"?")[0].removeprefix(b"/api")
    match = _SPACE.match(raw)
    name, prefix = "", ""
    if match is not None:
        name, prefix = f"{match[1].decode()}/{match[2].decode()}", match[0].decode()
        raw = raw[match.end() :]
    host = scope["nba.headers"].get("host", "")
    return name, raw.decode("latin-1") or "/", f"{scope['scheme']}://{host}/api{prefix}"


async def _start(send: Send, response: Response) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
    if response.status >= 500 or response.status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def _send(send: Send, response: Response, run: Run | None, left: Left | None = None) -> None:
    body = response.body
    if isinstance(body, bytes):
        if response.status not in (204, 304):
            response.headers.setdefault("Content-Length", str(len(body)))
        await _start(send, response)
        await send({"type": "http.response.body", "body": body})
        return
    assert run is not None
    assert not isinstance(body, EventStream)
    await _start(send, response)
    with contextlib.closing(body):
        while (piece := await run(_next, body)) and not (left and left.gone):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _next(pieces: Generator[bytes, None, None]) -> bytes:
    return next(pieces, b"")


async def _think(receive: Receive, send: Send, request: Request, space: Space) -> None:
    """Answer what may take long, as long as its client waits for it."""
    async with _noticing(receive, request.left):
        await _send(send, await space.think(space.api, request), space.think, request.left)


@contextlib.asynccontextmanager
async def _noticing(receive: Receive, left: Left) -> AsyncIterator[None]:
    """Tell `left` when the client goes: what is sent to nobody would be made and thrown away without a word."""
    leaving = asyncio.ensure_future(_until_gone(receive, left.leave))
    try:
        yield
    finally:
        leaving.cancel()


async def _follow(scope: Scope, receive: Receive, send: Send, response: Response, space: Space) -> None:
    """Send an event stream until its client leaves, its key is revoked or the server stops."""
    stream: EventStream = response.body  # type: ignore[assignment]  # only called with a stream
    loop, woken, guard = asyncio.get_running_loop(), asyncio.Event(), scope["nba.guard"]
    stream.listen(lambda: loop.call_soon_threadsafe(woken.set))
    left = asyncio.ensure_future(_until_gone(receive, woken.set))
    guard.follow(woken)
    try:
        await _start(send, response)
        while not (left.done() or stream.ended) and guard.still_opens(scope):
            woken.clear()
            found = stream.ready()
            if found is None:
                found = await space.run(stream.read)
            if not found:
                found = await _wait(woken, stream.heartbeat)
            if found:
                await send({"type": "http.response.body", "body": found, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except StoreError:
        return  # the connection ends with an unfinished answer, and its client asks again
    finally:
        guard.leave(woken)
        left.cancel()
        stream.close()


async def _until_gone(receive: Receive, call: Callable[[], object]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    call()


async def _wait(woken: asyncio.Event, seconds: float) -> bytes:
    try:
        await asyncio.wait_for(woken.wait(), seconds)
    except asyncio.TimeoutError:
        return HEARTBEAT
    return b""


def make(settings: Settings) -> Any:
    """The ASGI application."""
    home = Path(settings.home)
    spaces = Spaces(home, settings.database_url, durable=settings.durable, heartbeat=settings.heartbeat)
    keys = Keyring(home, os.environ.get("NB_ARTIFACTS_API_KEY"), database_url=settings.database_url)
    guard = Guard(keys, settings.hosts)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        http.at_stop(spaces.stop)
        watchers = [asyncio.ensure_future(guard.watch(LOOK_SECONDS)), asyncio.ensure_future(spaces.settle())]
        yield
        for watcher in watchers:
            watcher.cancel()
        spaces.close()
        keys.close()
        guard.log.flush()

    async def events(websocket: WebSocket) -> None:
        await take_events(websocket, guard, spaces)

    routes = [
        WebSocketRoute("/api/events/in", events),
        WebSocketRoute("/api/accounts/{account}/workspaces/{workspace}/events/in", events),
        *page_routes(keys),
    ]
    endpoint, pages = Endpoint(spaces), Starlette(routes=routes, lifespan=lifespan)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        below_api = scope["type"] == "http" and bytes(scope["raw_path"]).startswith(b"/api/")
        await (endpoint if below_api else pages)(scope, receive, send)

    return guard.around(either)


def _end_after(parent: BaseProcess) -> None:
    """End this process once the one that began it has ended, which may have been killed and could tell nobody."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def app() -> Any:
    """The application of a worker process, as its environment says."""
    http.log_to_stderr()
    parent = multiprocessing.parent_process()
    if parent is not None:  # one of several workers
        threading.Thread(target=_end_after, args=(parent,), name="nb-artifacts-parent", daemon=True).start()
    return make(msgspec.json.decode(os.environ[SETTINGS], type=Settings))
