"""Messages between a server and its query process: a JSON head and bytes behind it, both with their lengths before them."""

from __future__ import annotations

import contextlib
import struct
import threading
from typing import IO, Any

import msgspec

_LENGTHS = struct.Struct("<IQ")


class Pipe:
    """Two byte streams, one to read and one to write; each message is written whole."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._lock = threading.Lock()

    def send(self, head: dict[str, Any], body: bytes | memoryview = b"") -> None:
        """Write a message. Raises OSError where nobody reads any more."""
        encoded = msgspec.json.encode(head)
        with self._lock:
            self._outgoing.write(_LENGTHS.pack(len(encoded), len(body)) + encoded)
            if len(body):
                self._outgoing.write(body)
            self._outgoing.flush()

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """The next message, or None at the end."""
        lengths = self._exactly(_LENGTHS.size)
        if lengths is None:
            return None
        head, body = _LENGTHS.unpack(lengths)
        encoded, content = self._exactly(head), self._exactly(body)
        if encoded is None or content is None:
            return None
        found: dict[str, Any] = msgspec.json.decode(encoded)
        return found, content

    def _exactly(self, size: int) -> bytes | None:
        parts: list[bytes] = []
        while size:
            part = self._incoming.read(size)
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Close both."""
        with contextlib.suppress(OSError):
            self._outgoing.close()
        with contextlib.suppress(OSError):
            self._incoming.close()
