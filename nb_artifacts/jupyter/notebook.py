"""What the Jupyter Server extension does for open notebooks, beside serving the API.

It tells the page where notebooks lie, so that a cell's artifacts are found by the notebook's path; it makes the output
of an artifact anew for a notebook that lost it; and once a second it looks for bars whose writer died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.ioloop import PeriodicCallback

from nb_artifacts import display, wire
from nb_artifacts.errors import BlobMissing, InvalidValue, StoreError
from nb_artifacts.settle import Sweep
from nb_artifacts.types import payload_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_server.serverapp import ServerApp

    from nb_artifacts.api import Api
    from nb_artifacts.store import Store

LOOK_SECONDS = 1.0
"""Between two looks at the writers of running bars."""

ROOT = "nbArtifactsRoot"
"""Member of the page's configuration: the folder that notebooks' paths start from, as kernels are told it."""


class Pool(Protocol):
    """The host's threads, and the API whose store they use."""

    api: Api

    async def run(self, work: Callable[..., Any], *arguments: Any, writes: bool = False) -> Any:
        """Call something that may block, in a thread."""


class OutputHandler(APIHandler):
    """``GET artifacts/{id}/output``: the MIME bundle that the kernel showed, as it would be now."""

    def initialize(self, host: Pool) -> None:
        """Tornado's constructor."""
        self.host = host

    @web.authenticated
    async def get(self, id: str) -> None:
        """200 with ``{"data": {mime: content}}``; 404 where there is no such artifact or its bytes are gone."""
        found = await self.host.run(_output, self.host.api, UUID(id))
        if found is None:
            raise web.HTTPError(404, "There is no such artifact in this store.")
        store_id, data = found
        self.set_header("X-NB-Artifacts-Store", store_id)
        self.set_header("Cache-Control", "no-store")
        await self.finish(wire.encode({"data": data}))


def _output(api: Api, id: UUID) -> tuple[str, dict[str, Any]] | None:
    try:
        store = api.store
        record = store.get(id)
        return None if record is None else (store.id, _bundle(record, store))
    except BlobMissing:
        return None
    except (StoreError, InvalidValue) as error:
        raise web.HTTPError(500, str(error)) from error


def _bundle(record: wire.Record, store: Store) -> dict[str, Any]:
    def blob() -> bytes:
        if record.blob is None:
            raise InvalidValue(f"artifact {record.id} has no bytes apart from its data.")
        with store.open_blob(record.blob) as file:
            return file.read()

    return display.bundle(record, payload_class(record.type).read(record, blob), store.id)


class _Watch:
    """Settles bars of dead writers. A store that fails is said once, and tried again."""

    def __init__(self, app: ServerApp, host: Pool) -> None:
        self.app, self.host = app, host
        self.sweep: Sweep | None = None
        self.failing = False

    def _look(self) -> None:
        self.sweep = self.sweep or Sweep(self.host.api.store)
        self.sweep.settle()

    async def __call__(self) -> None:
        """Look once."""
        try:
            await self.host.run(self._look)
        except StoreError as error:
            if not self.failing:
                self.app.log.warning("nb_artifacts: bars of dead kernels cannot be settled: %s", error)
            self.failing = True
        else:
            self.failing = False


def serve_notebooks(app: ServerApp, host: Pool, base: str) -> None:
    """Mount the handler, before that of the API; tell pages the root; begin to look for dead writers."""
    handler = (f"{base}/artifacts/([0-9a-fA-F-]{{36}})/output", OutputHandler, {"host": host})
    app.web_app.add_handlers(".*$", [handler])  # type: ignore[no-untyped-call]  # Tornado's is untyped
    app.web_app.settings.setdefault("page_config_data", {})[ROOT] = str(getattr(app.contents_manager, "root_dir", ""))
    PeriodicCallback(_Watch(app, host), LOOK_SECONDS * 1000).start()
