"""`TableWidget`: the grid for front ends without our extension, its pages answered by the kernel over the widget's comm.

The widget's state says what the table is; rows travel only as pages that the view asks for, read from the stored Parquet
in the query process. Messages are ``{"id", "kind": "rows" | "summary" | "export" | "cancel", "params": {…}}`` with the
parameters of the REST API, answers ``{"id", "ok", "header": {…}}`` with the bytes as their one buffer.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, cast

import anywidget
import msgspec
from msgspec import UNSET
from traitlets import Dict, Unicode

from nb_artifacts import core, display
from nb_artifacts.errors import ArtifactError, BadQuery, BlobMissing, InvalidValue, NotFound, StoreError, UnsupportedType
from nb_artifacts.handle import Artifact, existing
from nb_artifacts.query import Left, RowsQuery, Tables, parse
from nb_artifacts.ticker import ticker
from nb_artifacts.types import Progress, Table
from nb_artifacts.widgets import ProgressWidget, script
from nb_artifacts.wire import BlobRef, Record, new_id, now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb_artifacts.bars.bar import Bar
    from nb_artifacts.store import Store

LOOKS = 1.0
"""Seconds between two looks at an artifact that changes."""
MOST_EXPORTED = 256 * 2**20
"""Bytes of a file that goes through the comm."""


def widget(artifact: Artifact | str) -> TableWidget | ProgressWidget:
    """A table or progress artifact, or the one of a name, as a widget: for layouts, and front ends without our extension.

    It follows the artifact while that runs. Raises `UnsupportedType` for artifacts of other types, which need none, and
    `NotFound`.
    """
    found = existing(artifact) if isinstance(artifact, str) else artifact
    if not isinstance(found, Artifact):
        raise UnsupportedType(f"widget takes an artifact or its name, not {type(found).__name__}: TableWidget(…) takes frames.")
    if found.type == "table":
        return TableWidget(found)
    if found.type == "progress":
        return ProgressWidget(bar=cast("Bar", _Kept(found)), description=found.key or "")
    raise UnsupportedType(f"a {found.type} artifact has no widget: show it as it is. Widgets are for table and progress.")


class TableWidget(anywidget.AnyWidget):
    """A table as a grid in any layout of widgets: an artifact, or a frame, which is then kept for as long as the widget.

    Rows never stand in its state. Raises `UnsupportedType` for what is no table, and `InvalidValue` for a frame with cells
    that cannot be kept.
    """

    _esm = script()
    _view = Unicode("table").tag(sync=True)
    _record: Any = Dict().tag(sync=True)

    def __init__(self, table: Any, **kwargs: Any) -> None:
        """`table` is an `Artifact`, or whatever ``create(…, type="table")`` takes."""
        self._store: Store | _Held
        if isinstance(table, Artifact):
            if table.type != "table":
                raise UnsupportedType(f"{table!r} is not a table.")
            self._store, self._kept, self._payload = table._store, table._kept(), table.payload
        else:
            self._payload = table if isinstance(table, Table) else Table(table)
            self._store = _Held()
            self._kept = self._store.put(self._payload)
        self._asked: dict[Any, Left] = {}
        super().__init__(_record=_told(self._kept), **kwargs)
        self.on_msg(_receive)
        if _runs(self._kept):
            ticker.add(_Look(self))

    def _look(self) -> bool:
        """Take over what was written since; whether the table still grows."""
        try:
            record = cast("Store", self._store).get(self._kept.id)
        except StoreError:
            return True
        if record is not None and record.seq != self._kept.seq:
            self._kept = record
            self._record = _told(record)
        return record is not None and _runs(record)

    def _answer(self, id: Any, kind: str, params: Mapping[str, str]) -> None:
        """Answer one request; in a thread, because it waits for the query process."""
        left = self._asked[id] = Left()
        try:
            header, content = _found(_tables_of(self._store), self._kept, kind, params, left)
            answer: dict[str, Any] = {"ok": True, "header": header}
        except ArtifactError as error:
            place = {"position": error.position, "column": error.column} if isinstance(error, BadQuery) else {}
            answer, content = {"ok": False, "header": {"detail": str(error), **place}}, b""
        finally:
            self._asked.pop(id, None)
        if not left.gone:
            self.send({"id": id, **answer}, [content] if answer["ok"] else None)

    def close(self) -> None:
        """Close it; requests under way are given up."""
        for left in list(self.__dict__.get("_asked", {}).values()):  # none where it never came to be
            left.leave()
        super().close()

    def __repr__(self) -> str:
        return f"<TableWidget {self._payload.summary()}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)
        data, *more = found if isinstance(found, tuple) else (found,)
        if isinstance(data, dict):
            beside = display.bundle(self._kept, self._payload, "")
            data = {**data, "text/html": beside["text/html"], "text/plain": beside["text/plain"]}
        return (data, *more) if more else data


def _receive(widget: TableWidget, content: Any, buffers: Any) -> None:  # noqa: ARG001 (of ipywidgets)
    """A message of the view. What is no request of ours gets no answer."""
    if not isinstance(content, dict) or not isinstance(content.get("id"), (int, str)):
        return
    id, kind, params = content["id"], content.get("kind"), content.get("params")
    if kind == "cancel":
        if id in widget._asked:
            widget._asked[id].leave()
        return
    said = {str(name): str(value) for name, value in params.items() if value is not None} if isinstance(params, dict) else {}
    threading.Thread(target=widget._answer, args=(id, str(kind), said), name="nb_artifacts-widget", daemon=True).start()


def _found(tables: Tables, record: Record, kind: str, params: Mapping[str, str], left: Left) -> tuple[dict[str, Any], bytes]:
    """The head and the bytes of an answer. Raises `BadQuery` and what `Tables` raises."""
    query = parse(params)
    if kind == "rows":
        page = tables.rows(record, query, left=left)
        return {"rows": page.rows, "total": page.total}, page.arrow
    if kind == "summary":
        return {}, tables.summary(record, query, left=left)
    if kind != "export":
        raise BadQuery(f"{kind[:40]!r} is not a request: rows, summary, export or cancel.")
    form = params.get("format", "csv")
    if form not in {"csv", "parquet", "json", "markdown"}:
        raise BadQuery(f"format={form[:40]!r} is not csv, parquet, json or markdown.")
    whole = RowsQuery(columns=query.columns, sort=query.sort, q=query.q, where=query.where, filter=query.filter)
    content = bytearray()
    for part in tables.export(record, whole, cast("Literal['csv']", form), left=left):
        content += part
        if len(content) > MOST_EXPORTED:
            raise InvalidValue("the file is too large for a widget: use .save(…), or the command line.")
    return {"format": form, "key": record.key}, bytes(content)


def _told(record: Record) -> dict[str, Any]:
    """A record without its data, as the views take it."""
    found: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(record, data=UNSET))
    return found


def _runs(record: Record) -> bool:
    live = record.info.get("live")
    return isinstance(live, dict) and live.get("state") == "running"


def _close_all() -> None:
    for tables in list(_tables.values()):
        tables.close()


atexit.register(_close_all)
_tables: weakref.WeakKeyDictionary[Any, Tables] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def _tables_of(store: Any) -> Tables:
    """The query process of a store in this kernel; all frames that are only held share one."""
    owner = _Held if isinstance(store, _Held) else store
    with _making:
        found = _tables.get(owner)
        if found is None:
            found = _tables[owner] = Tables(cast("Store", _Everywhere()) if owner is _Held else store)
    return found


class _Held:
    """A frame's Parquet file in a temporary folder, for as long as its widget lives."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nb-artifacts-widget-"))
        weakref.finalize(self, shutil.rmtree, str(self.folder), ignore_errors=True)

    def put(self, payload: Table) -> Record:
        """A record of a table that is kept nowhere else."""
        content, moment = payload.content(), now()
        assert content.blob is not None
        (self.folder / "table.parquet").write_bytes(content.blob[0])
        ref = BlobRef(sha256=f"{new_id().hex * 2}", size=len(content.blob[0]), media=content.blob[1])
        _held[ref.sha256] = self.folder / "table.parquet"
        weakref.finalize(self, _held.pop, ref.sha256, None)
        return Record(id=new_id(), created=moment, updated=moment, type="table", info=content.info, blob=ref)

    def get(self, id: object) -> None:
        """See `Store.get`: such a table does not change."""


_held: dict[str, Path] = {}


class _Everywhere:
    """What `Tables` needs of a store, over the frames that are held."""

    where = "this kernel"

    def open_blob(self, ref: BlobRef) -> IO[bytes]:
        """See `Store.open_blob`."""
        try:
            return _held[ref.sha256].open("rb")
        except (KeyError, FileNotFoundError):
            raise BlobMissing(ref.sha256, self.where) from None


class _Look:
    """What the ticker knows of a widget whose table grows."""

    def __init__(self, widget: TableWidget) -> None:
        self._widget, self._due = weakref.ref(widget), 0.0

    def tick(self, moment: float) -> None:
        """See `ticker.Member`."""
        widget = self._widget()
        if moment >= self._due and (widget is None or not widget._look()):
            ticker.remove(self)
        self._due = moment + LOOKS if moment >= self._due else self._due


class _Kept:
    """A progress artifact, told as `ProgressWidget` reads a bar; looked up at most once a second."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact, self._due = artifact, time.monotonic() + LOOKS

    @property
    def artifact(self) -> Artifact:
        """The artifact as last read."""
        if time.monotonic() >= self._due and self._info.state == "running":
            self._due = time.monotonic() + LOOKS
            try:
                record = core.get(id=self._artifact.id)
            except (StoreError, NotFound):
                record = None
            if record is not None:
                self._artifact = Artifact._of(record, self._artifact._store)
        return self._artifact

    @property
    def _info(self) -> Any:
        payload = self._artifact.payload
        assert isinstance(payload, Progress)
        return payload.info

    @property
    def n(self) -> float:
        """How much is done."""
        return float(self._info.done)

    @property
    def total(self) -> float | None:
        """How much there is to do."""
        return cast("float | None", self._info.total)

    @property
    def state(self) -> str:
        """As of the artifact."""
        self.artifact  # noqa: B018 (looks)
        return str(self._info.state)

    def __str__(self) -> str:
        return self._artifact.payload.summary()


__all__ = ["TableWidget", "widget"]
