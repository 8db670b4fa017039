"""``/events/in``: the websocket by which a Prefect client sends its events, task runs among them.

The first message says who it is. A client with only PREFECT_API_KEY sends no credential here (it does with every request
over HTTP) and would warn on its user's screen if it were sent away: it gets in if a request of Prefect's client with a
key came from its address moments ago, and only what it says about flow runs that were made with a key is kept. Nothing is
ever told to it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

from nb_artifacts.api.flows import task_run_event
from nb_artifacts.api.told import AUTH_SECONDS, REFUSED, WELCOME, read_hello
from nb_artifacts.errors import InvalidValue, StoreError
from nb_artifacts.serve.auth import secrets_in

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from nb_artifacts.serve.guard import Guard
    from nb_artifacts.serve.keys import Key
    from nb_artifacts.serve.spaces import Spaces

CHECK_SECONDS = 0.5


async def take_events(websocket: WebSocket, guard: Guard, spaces: Spaces) -> None:
    """Serve one connection until its client leaves or its key is revoked."""
    workspace = websocket.scope["nba.workspace"]
    if workspace != "/".join(websocket.path_params.values()):  # no name of a workspace: it must not mean the server's own
        await websocket.close(REFUSED)
        return
    await websocket.accept("prefect" if "prefect" in websocket.scope.get("subprotocols", ()) else None)
    try:
        key, known_only = await asyncio.wait_for(_who(websocket, guard, workspace), AUTH_SECONDS)
        if key is None or not key.opens(workspace):
            await websocket.close(REFUSED, "Unauthorized")
            return
        await websocket.send_text(WELCOME)
        space = spaces[workspace]
        while True:
            message = await _next(websocket)
            if key not in guard.keys.all():
                break
            if message is not None:
                await space.run(_keep, space.api, message, known_only)
        await websocket.close(REFUSED, "Unauthorized")
    except asyncio.TimeoutError:
        await websocket.close(REFUSED, "Unauthorized")
    except (WebSocketDisconnect, RuntimeError, KeyError):  # the last for bytes, which are no event
        return


async def _who(websocket: WebSocket, guard: Guard, workspace: str) -> tuple[Key | None, bool]:
    """The key with which the client comes, and whether it only stands for an address."""
    offered = secrets_in(websocket.scope["nba.headers"])
    try:
        hello = read_hello(await websocket.receive_text())
    except KeyError:  # bytes
        hello = None
    if hello is None:
        return None, False
    token = hello.token
    if isinstance(token, str):
        user, _, password = token.partition(":")
        offered = (token, password, user)
    if offered:
        return guard.find(offered), False
    if token is None and websocket.client is not None:
        return guard.vouchers.find(websocket.client.host, workspace), True
    return None, False


async def _next(websocket: WebSocket) -> bytes | None:
    """The next event; None where none came for a while."""
    receiving = websocket.scope.setdefault("nba.receiving", None) or asyncio.ensure_future(websocket.receive_text())
    websocket.scope["nba.receiving"] = receiving
    done, _ = await asyncio.wait({receiving}, timeout=CHECK_SECONDS)
    if not done:
        return None
    websocket.scope["nba.receiving"] = None
    return str(receiving.result()).encode(errors="replace")


def _keep(api: Any, message: bytes, known_only: bool) -> None:
    with contextlib.suppress(StoreError, InvalidValue):
        task_run_event(api.store, message, known_only=known_only)
