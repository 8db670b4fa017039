"""``events/in``: the websocket by which a Prefect client sends its events, task runs among them.

It is opened for whoever may use the server. Prefect's client sends no credential here: it gets in from an address from
which it asked with one moments ago, and then only what it says about known flow runs is kept. Nothing is ever told to it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import WebSocketHandler

from nb_artifacts.api.flows import task_run_event
from nb_artifacts.api.told import AUTH_SECONDS, REFUSED, WELCOME, Vouchers, is_prefect, read_hello
from nb_artifacts.errors import InvalidValue, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tornado.httputil import HTTPServerRequest

    from nb_artifacts.api import Api


class Pool(Protocol):
    """The host's threads, its API, and for whom it vouches."""

    api: Api
    vouchers: Vouchers[bool]

    async def run(self, work: Callable[..., Any], *arguments: Any, writes: bool = False) -> Any:
        """Call something that may block, in a thread."""


def vouch(vouchers: Vouchers[bool], request: HTTPServerRequest) -> None:
    """Remember where a request with a credential came from, if it is one of Prefect's client."""
    if is_prefect(request.headers.get("User-Agent", "")) and request.remote_ip:
        vouchers.add(request.remote_ip, "", True)


class EventsHandler(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """One client's events, until it leaves."""

    def initialize(self, host: Pool) -> None:
        """Tornado's constructor."""
        self.host = host
        self.known_only = False
        self.is_in = False
        self.late: asyncio.TimerHandle | None = None

    @allow_unauthenticated
    async def get(self, *_: Any, **__: Any) -> None:
        """Let in who may use the server, and who is vouched for."""
        self.known_only = self.current_user is None
        if self.known_only and not self.host.vouchers.find(self.request.remote_ip or "", ""):
            raise web.HTTPError(403)
        await super().get()

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Prefect's, where it is offered."""
        return "prefect" if "prefect" in subprotocols else None

    def open(self, *_: Any, **__: Any) -> None:
        """Wait for the first message, for a while."""
        super().open()
        self.late = asyncio.get_running_loop().call_later(AUTH_SECONDS, self._refuse)

    async def on_message(self, message: str | bytes) -> None:
        """Greet, and then keep what is told."""
        if self.is_in:
            content = message.encode(errors="replace") if isinstance(message, str) else message
            await self.host.run(_keep, self.host.api, content, self.known_only, writes=True)
            return
        hello = read_hello(message) if isinstance(message, str) else None
        if hello is None or (self.known_only and hello.token is not None):
            self._refuse()
            return
        self.is_in = True
        self._wait_no_longer()
        self.write_message(WELCOME)

    def on_close(self) -> None:
        """The client has left."""
        self._wait_no_longer()

    def _refuse(self) -> None:
        self.close(REFUSED, "Unauthorized")

    def _wait_no_longer(self) -> None:
        if self.late is not None:
            self.late.cancel()


def _keep(api: Api, message: bytes, known_only: bool) -> None:
    with contextlib.suppress(StoreError, InvalidValue):
        task_run_event(api.store, message, known_only=known_only)
