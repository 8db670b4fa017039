"""Workspaces of the stand-alone server: a store each, so that none can name what another holds.

The server's own workspace lies in the home folder (or the database's own schema); the others each in a folder below it
(or a schema of their own), made when first used by a key that opens them. Requests are answered in threads, but for one
record that lies at hand. Short creations that arrive together are written together, in one transaction, by the one thread
that writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from nb_artifacts.api import Api, Request, Response, may_write
from nb_artifacts.api.lines import Line
from nb_artifacts.errors import StoreError
from nb_artifacts.settle import EVERY, Sweep
from nb_artifacts.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nb_artifacts.store import Store

T = TypeVar("T")

READERS = 4
WRITERS = 8
"""Threads that write into a database server, which groups commits itself."""


class Space:
    """One workspace: its API, the threads that answer, and the event streams that are open."""

    def __init__(self, name: str, store: Callable[[], Store], *, heartbeat: float, grouped: bool) -> None:
        self.name = name
        self.api = Api(store, heartbeat=heartbeat)
        self._readers = ThreadPoolExecutor(READERS, "nb-artifacts-read")
        self._writers = ThreadPoolExecutor(1 if grouped else WRITERS, "nb-artifacts-write")
        self._line = Line(self.api) if grouped else None
        self._thinkers = ThreadPoolExecutor(READERS, "nb-artifacts-table")
        self._sweep: Sweep | None = None

    async def answer(self, request: Request, size: int) -> Response:
        """The API's answer to a request whose body has `size` bytes."""
        found = self.api.at_once(request)
        if found is not None:
            return found
        asked = None if self._line is None else self._line.ask(request, size)
        if asked is not None:
            return await asked
        if request.method == "GET" or not may_write(request):
            return await self.run(self.api, request)
        return await asyncio.get_running_loop().run_in_executor(self._writers, self.api, request)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Call what may block, in a thread that only reads."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *arguments)

    async def think(self, work: Callable[..., T], *arguments: Any) -> T:
        """Call what may take long, in a thread apart from those that are always quick."""
        return await asyncio.get_running_loop().run_in_executor(self._thinkers, work, *arguments)

    def settle(self) -> None:
        """Settle the bars whose writer on this host is dead; a store that cannot be used now is left for the next time."""
        with contextlib.suppress(StoreError):
            self._sweep = self._sweep or Sweep(self.api.store)
            self._sweep.settle()

    def close(self) -> None:
        """End the streams, answer what waits, and let go of the store."""
        self.api.feed.close()
        if self._line is not None:
            self._line.close()
        self._thinkers.shutdown(wait=False, cancel_futures=True)  # they end with the process that they wait for
        self._readers.shutdown()
        self._writers.shutdown()
        self.api.close()


class Spaces:
    """All workspaces of a server, by name; "" is the server's own."""

    def __init__(self, home: Path, database_url: str | None, *, durable: bool, heartbeat: float = 15.0) -> None:
        self._home = home
        self._url = database_url
        self._durable = durable
        self._heartbeat = heartbeat
        self._spaces: dict[str, Space] = {}

    def __getitem__(self, name: str) -> Space:
        """The workspace, whose store is opened by its first request."""
        space = self._spaces.get(name)
        if space is None:
            store = partial(open_store, self._where(name), durable=self._durable)
            space = self._spaces[name] = Space(name, store, heartbeat=self._heartbeat, grouped=self._url is None)
        return space

    def all(self) -> list[Space]:
        """Those in use."""
        return list(self._spaces.values())

    async def settle(self) -> None:
        """Settle the bars of dead writers in the workspaces in use, every two seconds, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            for space in self.all():
                await space.run(space.settle)

    def stop(self) -> None:
        """End the event streams."""
        for space in self.all():
            space.api.feed.close()

    def close(self) -> None:
        """Close all of them."""
        for space in self.all():
            space.close()

    def _where(self, name: str) -> str | Path:
        if self._url is None:
            account, _, workspace = name.partition("/")
            return self._home / "workspaces" / account / workspace if name else self._home
        return with_schema(self._url, name) if name else self._url


def with_schema(url: str, workspace: str) -> str:
    """The address of a workspace's own schema in the same database."""
    parts = urlsplit(url)
    schema = "nb_artifacts_" + hashlib.sha256(workspace.encode()).hexdigest()[:32]
    others = [option for option in parts.query.split("&") if option and not option.startswith("schema=")]
    return urlunsplit(parts._replace(query="&".join([*others, f"schema={schema}"])))
