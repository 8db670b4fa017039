"""The gate of the stand-alone server: what passes is known to come from somebody with a key, or is for everybody."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from nb_artifacts.api.message import answer
from nb_artifacts.api.told import Vouchers, is_prefect
from nb_artifacts.serve.auth import UNSAFE, cookie_secrets, is_own_host, is_same_origin, own_names, secrets_in
from nb_artifacts.serve.http import AccessLog

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from nb_artifacts.api import Response
    from nb_artifacts.serve.keys import Key, Keyring

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_SPACE = re.compile(rb"/api/accounts/([a-z0-9-]{1,64})/workspaces/([a-z0-9-]{1,64})(?:/|\Z)")
_OPEN = {("GET", b"/api/health"), ("GET", b"/login"), ("POST", b"/login")}
_STATIC = b"/static/"
_PROCESS, _numbers = secrets.token_hex(6), itertools.count(1)
"""A request's id: this process and a number, which asks the system for nothing."""
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]


class Guard:
    """Wraps the application: Host, credential and origin are checked, answers get their request id, ends are logged."""

    def __init__(self, keys: Keyring, hosts: tuple[str, ...] = ()) -> None:
        self.keys = keys
        self.vouchers: Vouchers[Key] = Vouchers()
        self._hosts = own_names(hosts)
        self._followers: set[asyncio.Event] = set()
        self.log = AccessLog()

    def around(self, app: ASGIApp) -> ASGIApp:
        """The guarded application."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
                return
            begun, status = time.perf_counter(), 500
            headers = scope["nba.headers"] = {n.decode("latin-1"): v.decode("latin-1") for n, v in scope["headers"]}
            if scope["scheme"] == "http" and headers.get("x-forwarded-proto", "").partition(",")[0].strip() == "https":
                scope["scheme"] = "https"  # a proxy with TLS says so; whoever else does only locks himself out
            wanted = headers.get("x-request-id", "")
            request_id = wanted if _REQUEST_ID.match(wanted) else f"{_PROCESS}{next(_numbers):08x}"
            extra = [(b"x-request-id", request_id.encode()), *_SECURITY]

            async def sending(message: Message) -> None:
                nonlocal status
                if message["type"] == "websocket.accept":
                    status = 101
                if message["type"] == "http.response.start":
                    status = message["status"]
                    given = message.get("headers", [])
                    there = {name for name, _ in given}
                    message["headers"] = [*given, *(header for header in extra if header[0] not in there)]
                await send(message)

            scope["nba.guard"] = self
            refused = self._check(scope)
            try:
                if refused is None:
                    await app(scope, receive, sending)
                else:
                    await _refuse(scope, receive, sending, refused)
            finally:
                if self.log.on:
                    self.log.write(scope, status, begun, request_id)

        return guarded

    def _check(self, scope: Scope) -> Response | None:
        headers, path = scope["nba.headers"], bytes(scope["raw_path"]).partition(b"?")[0]
        if not is_own_host(headers.get("host", ""), self._hosts):
            return answer({"exception_message": "Forbidden", "detail": "This server has another name."}, 403)
        method = scope.get("method", "GET")
        if scope["type"] == "websocket":
            if "origin" in headers and not is_same_origin(headers, writes=True):
                return answer({"exception_message": "Forbidden", "detail": "Pages of other sites may not."}, 403)
            scope["nba.workspace"], scope["nba.key"] = workspace_of(path), None
            return None  # says who it is in its first message
        if (method, path) in _OPEN or (method == "GET" and path.startswith(_STATIC)):
            return None
        return self._check_key(scope, method, path)

    def _check_key(self, scope: Scope, method: str, path: bytes) -> Response | None:
        headers = scope["nba.headers"]
        offered = secrets_in(headers)
        if not offered and (offered := cookie_secrets(headers)) and not is_same_origin(headers, writes=method in UNSAFE):
            return answer({"exception_message": "Forbidden", "detail": "Pages of other sites may not."}, 403)
        key = self.find(offered)
        if key is None:
            if path == b"/" and method == "GET":
                scope["path"], scope["raw_path"], scope["nba.unknown"] = "/login", b"/login", True
                return None
            response = answer({"exception_message": "Unauthorized"}, 401)
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if path.startswith(b"/api/") and not key.opens(workspace_of(path)):
            return answer({"exception_message": "Forbidden", "detail": "This key is for another workspace."}, 403)
        scope["nba.key"], scope["nba.offered"] = key, offered
        if is_prefect(headers.get("user-agent", "")) and scope.get("client"):
            self.vouchers.add(scope["client"][0], workspace_of(path), key)
        return None

    def find(self, offered: tuple[str, ...]) -> Key | None:
        """The key among what was offered."""
        return next(filter(None, map(self.keys.find, offered)), None)

    def still_opens(self, scope: Scope) -> bool:
        """Whether the key with which a long request began has not been revoked since."""
        return self.find(scope["nba.offered"]) is not None

    def follow(self, woken: asyncio.Event) -> None:
        """Wake whoever sends a long answer when keys have changed."""
        self._followers.add(woken)

    def leave(self, woken: asyncio.Event) -> None:
        """Wake it no longer."""
        self._followers.discard(woken)

    async def watch(self, seconds: float) -> None:
        """Look again and again whether keys have changed."""
        before = self.keys.all()
        while True:
            await asyncio.sleep(seconds)
            now = await asyncio.to_thread(self._all)
            if now != before:
                before = now
                for woken in list(self._followers):
                    woken.set()

    def _all(self) -> tuple[Key, ...]:
        try:
            return self.keys.all()
        except OSError:
            return ()


def workspace_of(path: bytes) -> str:
    """The workspace that a path is in; the server's own is ""."""
    match = _SPACE.match(path)
    return "" if match is None else f"{match[1].decode()}/{match[2].decode()}"


async def _refuse(scope: Scope, receive: Receive, send: Any, response: Response) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    assert isinstance(response.body, bytes)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    headers += [(b"content-length", str(len(response.body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
