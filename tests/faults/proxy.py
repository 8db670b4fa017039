"""A proxy between a client and a server that does to requests what networks do, as a seed or a plan says.

::

    with Proxy(server_port) as proxy:
        proxy.plan("cut_reply", "ok", "busy")      # what happens to the next requests, in this order; then "ok"
        proxy.random(0.2, ["cut_reply"], seed=1)   # or: to a fifth of all
        proxy.rule(lambda request: 422 if b"poison" in request.body else None)
        ... f"http://127.0.0.1:{proxy.port}/api" ...
        assert proxy.requests[0].fault == "cut_reply"

Faults: ``ok``; ``cut_reply`` (the server has answered, the client hears nothing); ``half_reply`` (half of the answer's
bytes); ``cut_before`` (the server hears nothing); ``busy`` (503); ``slow_down`` (429 with Retry-After); ``stall``
(the server has answered; silence for `stall` seconds, then the end); a number (that status, the server hears nothing);
``held`` (waits until `release` is called, then goes on, whether the client is still there or not).
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field


@dataclass
class Seen:
    """One request that came through, in order of arrival."""

    method: str
    path: str
    headers: dict
    body: bytes
    fault: object = "ok"
    at: float = field(default_factory=time.monotonic)
    status: int | None = None

    def json(self):
        return json.loads(self.body)


class Proxy:
    """Listens on `port` on loopback and hands on to `target`, a port there, or None while there is no server."""

    def __init__(self, target, *, stall=6.0, retry_after="1"):
        self.target = target
        self.stall = stall
        self.retry_after = retry_after
        self.requests: list[Seen] = []
        self.delay = 0.0
        self._planned = deque()
        self._rules = []
        self._chance = None
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._connections = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def plan(self, *faults):
        self._planned.extend(faults)

    def random(self, share, faults, seed=0, only=lambda request: True):
        """A fault of `faults` to this share of the requests that `only` holds for."""
        self._chance = (share, list(faults), random.Random(seed), only)

    def rule(self, choose):
        """`choose` gives a request's fault, or None."""
        self._rules.append(choose)

    def calm(self):
        """No faults from now on."""
        with self._lock:
            self._planned.clear()
            self._rules.clear()
            self._chance = None

    def release(self):
        """Let all that was `held` go on, and nothing be held any more."""
        self._released.set()

    def sent(self, method=None):
        return [seen for seen in self.requests if method in (None, seen.method)]

    def refuse(self):
        """Listen no more. A close alone would let one more connection in, and leave the thread that waits for it."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self):
        self._closed.set()
        self._released.set()
        self.refuse()
        for connection in list(self._connections):
            _end(connection)

    def _fault(self, seen):
        with self._lock:
            self.requests.append(seen)
            for choose in self._rules:
                if (fault := choose(seen)) is not None:
                    return fault
            if self._planned:
                return self._planned.popleft()
            if self._chance:
                share, faults, dice, only = self._chance
                if only(seen) and dice.random() < share:
                    return dice.choice(faults)
        return "ok"

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.settimeout(60)
            reader = connection.makefile("rb")
            while not self._closed.is_set() and (request := _read_message(reader)) is not None:
                if not self._handle(connection, *request):
                    return
        except OSError:
            pass
        finally:
            self._connections.discard(connection)
            _end(connection)

    def _handle(self, connection, head, body):
        """Whether the connection goes on."""
        method, path, _ = head[0].decode("latin-1").split(" ", 2)
        headers = dict(line.decode("latin-1").split(": ", 1) for line in head[1:])
        seen = Seen(method, path, {name.lower(): value for name, value in headers.items()}, body)
        seen.fault = fault = self._fault(seen)
        if self.delay:
            time.sleep(self.delay)
        if fault == "cut_before":
            return False
        if fault == "held":
            self._released.wait(60)
        if fault == "busy":
            fault = 503
        if fault == "slow_down":
            fault = 429
        if isinstance(fault, int):
            seen.status = fault
            extra = f"Retry-After: {self.retry_after}\r\n" if fault == 429 else ""
            text = b'{"detail":"the proxy says so"}'
            connection.sendall(
                f"HTTP/1.1 {fault} Fault\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(text)}\r\n\r\n".encode()
                + text
            )
            return True
        reply = self._forward(method, path, head, body, seen)
        if not reply or fault == "cut_reply":  # nothing: the server was killed
            return False
        if fault == "half_reply":
            connection.sendall(reply[: len(reply) // 2])
            return False
        if fault == "stall":
            self._closed.wait(self.stall)
            return False
        connection.sendall(reply)
        return True

    def _forward(self, method, path, head, body, seen):
        if self.target is None:
            return None
        with socket.create_connection(("127.0.0.1", self.target), 60) as upstream:
            kept = [
                line
                for line in head[1:]
                if line.partition(b":")[0].lower() not in (b"connection", b"transfer-encoding", b"content-length")
            ]
            length = [b"Content-Length: %d" % len(body)] if body or method not in ("GET", "HEAD", "DELETE") else []
            upstream.sendall(b"\r\n".join([head[0], *kept, *length, b"Connection: close", b"", b""]) + body)
            reply = b""
            while piece := upstream.recv(65536):
                reply += piece
        seen.status = int(reply.split(b" ", 2)[1]) if reply else None
        return reply.replace(b"\r\nconnection: close", b"", 1) if _has_end(reply, method) else reply


def _has_end(reply, method):
    """Whether the answer says how long it is, so that the connection may go on."""
    head = reply.partition(b"\r\n\r\n")[0].lower()
    return (
        method == "HEAD"
        or b"\r\ncontent-length:" in head
        or b"chunked" in head
        or b" 204 " in head[:20]
        or b" 304 " in head[:20]
    )


def _read_message(reader):
    """Head lines and body of a request; None where the client has left."""
    line = reader.readline()
    if not line.strip():
        return None
    head = [line.rstrip(b"\r\n")]
    while (line := reader.readline()).strip():
        head.append(line.rstrip(b"\r\n"))
    names = {name.lower(): value.strip() for name, _, value in (one.partition(b":") for one in head[1:])}
    if b"chunked" in names.get(b"transfer-encoding", b""):
        return head, _read_chunks(reader)
    return head, reader.read(int(names.get(b"content-length", b"0")))


def _read_chunks(reader):
    body = b""
    while size := int(reader.readline().split(b";")[0], 16):
        body += reader.read(size)
        reader.readline()
    while reader.readline().strip():
        pass
    return body


def _end(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
