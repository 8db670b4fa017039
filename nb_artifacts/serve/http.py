"""The stand-alone server's HTTP connections: uvicorn's, with a time limit on slow heads, and streams that end at the end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nb_artifacts.serve.body import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD_SECONDS = 30.0
"""A request's head has to arrive within this time, also the first one of a connection."""

HEAD_BYTES = 64 * 1024
"""A head of which more has come without its end is read no further; the parser itself knows no limit."""

ACCESS = "nb_artifacts.access"
ACCESS_SECONDS = 0.1
"""How long lines of the access log are gathered."""

STOP_SECONDS = 10
"""Requests under way have this long to end when the server stops."""


class Gathering:
    """A connection's transport, which sends what is written in one turn of the loop at the end of that turn.

    An answer's head and body leave in one packet; and of many answers that are ready none wakes its client, who would
    compete with this process, before the others are made.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data` soon."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)

    def close(self) -> None:
        """Close the connection after what was written."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)


class Protocol(HttpToolsProtocol):
    """One connection, closed where its request's head does not arrive, and where nobody wants the rest of its body."""

    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _is_new = False
    """Whether the head under way began with what has just come."""
    _head = 0
    """Bytes of the head under way, without those that it began with."""

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]  # it has all of its methods
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Something has come. Most heads come whole, and need no timer."""
        self._is_new = False
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self._is_new:
            self._begin()
            return
        self._head += len(data)
        if self._head > HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = self._is_new = True

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        self._end()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        super().on_message_complete()
        if self.cycle is not None:
            scope: Any = self.cycle.scope
            scope[WHOLE] = True

    def on_response_complete(self) -> None:
        """The answer is sent; whoever got it before the end of a body could go on sending that for ever."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._end()
        self._head = 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def at_stop(call: Callable[[], object]) -> None:
    """Call something as soon as a signal asks this process to stop, before connections are waited for.

    Event streams would never end by themselves.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)

        def handle(got: int, frame: Any, before: Any = before) -> None:
            call()
            if callable(before):
                before(got, frame)

        signal.signal(number, handle)


def serve(app: str, host: str, port: int, workers: int, ready: Callable[[int], None]) -> None:
    """Serve the application that the factory `app` (``module:name``) makes, until a signal ends it.

    `ready` is called with the port as soon as it is bound. Raises OSError where it cannot be.
    """
    options: dict[str, Any] = {
        "factory": True, "http": Protocol, "ws": "websockets-sansio", "lifespan": "on", "log_config": None,
        "access_log": False, "server_header": False, "proxy_headers": False, "ws_max_size": 1024 * 1024,
        "timeout_keep_alive": 30, "timeout_graceful_shutdown": STOP_SECONDS,
    }  # fmt: skip
    listener = _bind(host, port)
    early: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: early.append(number))
    ready(listener.getsockname()[1])
    if early:
        listener.close()
    elif workers > 1:
        uvicorn.run(app, fd=listener.fileno(), workers=workers, **options)
    else:
        _Server(uvicorn.Config(app, **options), early).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn's, which also heeds the signals that came before it listened to them.

    At the end, when all is done, uvicorn raises once more what it has heard: then they go into the same list, unheeded.
    """

    def __init__(self, config: uvicorn.Config, early: list[int]) -> None:
        super().__init__(config)
        self._early = early

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            for number in self._early:
                signal.raise_signal(number)
            yield


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def log_to_stderr() -> None:
    """Show the log of this process."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name, level in (("nb_artifacts", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(level)
    lines = logging.StreamHandler()
    lines.setFormatter(logging.Formatter("%(message)s"))
    access = logging.getLogger(ACCESS)
    access.addHandler(lines)
    access.propagate = False


class AccessLog:
    """A line for each answer: who, what, how it ended and how long it took; no query, header or body is ever in it.

    Lines are written together, a little later, by a thread: the loop waits for no terminal, and not once a request.
    """

    def __init__(self) -> None:
        self._log = logging.getLogger(ACCESS)
        self.on = self._log.isEnabledFor(logging.INFO)
        self._lines: list[str] = []
        self._moment = ""
        """When the first of the lines came; the others came within `ACCESS_SECONDS`."""

    def write(self, scope: Any, status: int, begun: float, request_id: str) -> None:
        """Add a line."""
        if not self._lines:
            self._moment = time.strftime("%Y-%m-%d %H:%M:%S")
            loop = asyncio.get_running_loop()
            loop.call_later(ACCESS_SECONDS, loop.run_in_executor, None, self.flush)
        client = scope.get("client") or ("-",)
        path = bytes(scope.get("raw_path") or b"-").partition(b"?")[0][:200].decode("ascii", "replace")
        method = scope.get("method", "WEBSOCKET")[:16]
        took = (time.perf_counter() - begun) * 1000
        self._lines.append(f'{self._moment} {client[0]} "{method} {path}" {status} {took:.1f} ms {request_id}')

    def flush(self) -> None:
        """Write what there is."""
        lines, self._lines = self._lines, []
        if lines:
            self._log.info("%s", "\n".join(lines))
