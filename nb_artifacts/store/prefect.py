"""A Prefect server, or Prefect Cloud, as a `Store`, as far as its REST API goes; what it cannot do raises `Unsupported`.

Prefect has no idempotency: our id travels in `metadata_`, and where an earlier attempt may have arrived the newest
artifacts of the key are looked through for it before anything is created. It has no version numbers either: a version
is the place in the key's history by the time of arrival, counted when it is asked for, so those after a deleted one
move down. It keeps neither bytes nor runs nor a feed.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

import msgspec
from msgspec import UNSET, Raw

from nb_artifacts.errors import BlobMissing, Conflict, NotFound, Rejected, Unreachable, Unsupported
from nb_artifacts.store.http_client import IDLE_SECONDS
from nb_artifacts.store.prefect_query import filter_body, one_key, order
from nb_artifacts.store.prefect_server import PAGE, Server
from nb_artifacts.store.prefect_wire import SMALL_IMAGE, Artifact, from_prefect, to_prefect
from nb_artifacts.store.remote import Outcome
from nb_artifacts.store.rows import patch_columns, to_row, utc
from nb_artifacts.wire import SHORT_DATA, BlobRef, RunKind, check_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from nb_artifacts.store.http_client import Connection
    from nb_artifacts.store.remote import Outgoing
    from nb_artifacts.wire import Change, Patch, Query, Record, Run, RunQuery

AGAIN_SECONDS = IDLE_SECONDS
"""A server that heard nothing for as long may have another database by now; in less none is started."""

_MOST_IMAGES = 200
_ALL, _LATEST = "/artifacts/filter", "/artifacts/latest/filter"
_SAME = ("key", "type", "description", "metadata_", "tags", "info", "blob", "flow_run_id", "task_run_id")


class PrefectStore:
    """A `Remote` at the address of a Prefect server's API, or of a workspace of Prefect Cloud.

    `public` is the address of a server of ours that has the same artifacts: what Prefect does not keep whole links there.
    """

    batch: Final = 1
    kind: Final = "prefect"
    journal: Final = "server"
    newest: Final = 0

    def __init__(self, connection: Connection, *, public: str | None = None) -> None:
        self._connection = connection
        self._server = Server(connection)
        self._public = public
        self._images: OrderedDict[str, bytes] = OrderedDict()
        self.state: Final = self._database()
        self._asked = time.monotonic()

    def __repr__(self) -> str:
        return f"PrefectStore({self.where})"

    @property
    def id(self) -> str:
        """Prefect has none of its own: its address's."""
        return hashlib.sha256(self.where.encode()).hexdigest()[:32]

    @property
    def where(self) -> str:
        """The address."""
        return self._connection.address

    def put(self, record: Record) -> Record:
        """See `Store.put`. The newest artifacts of the key are looked through first; a deleted id is not known as one."""
        check_key(record.key)
        to_row(record)
        there = self._server.recent(record.id) or self._look(record)
        if there is None:
            return self._numbered(self._server.create(record.id, self._body(record, None)))
        found = from_prefect(there)
        sent = from_prefect(Artifact(id=record.id, created=record.created, updated=record.updated, **self._body(record, None)))
        if any(getattr(found, name) != getattr(sent, name) for name in _SAME) or _value(found) != _value(sent):
            raise Conflict(f"the id {record.id} is taken by an artifact with other content: use a new id")
        return self._numbered(there)

    def patch(self, id: UUID, patch: Patch, *, if_seq: int | None = None, durable: bool = True) -> Record:  # noqa: ARG002 (the signature of `Store`)
        """See `Store.patch`; there is nothing to which `if_seq` could be compared."""
        if if_seq is not None:
            self._cannot("change an artifact only where nobody else did")
        patch_columns(patch)
        there = self._server.read(id)
        if not self._server.update(there.id, self._body(_patched(from_prefect(there), patch), None)):
            raise self._unknown(id)
        return self._numbered(self._server.read(id))

    def get(self, id: UUID) -> Record | None:
        """See `Store.get`, by our id of an artifact or Prefect's. Raises `Unsupported` where ours is too long ago."""
        try:
            return self._numbered(self._server.read(id))
        except NotFound:
            return None

    def find(self, query: Query) -> list[Record]:
        """See `Store.find`. Versions are numbered only where one key is asked for."""
        body, sort, key = filter_body(query, self._ids), order(query), one_key(query)
        offset, limit = max(query.offset, 0), query.limit
        total = self._versions(key) if key is not None and (query.latest or sort == "CREATED_DESC") else None
        if query.version is not None:
            if total is None:
                self._cannot("look for a version without one key to count in")
            if query.offset or not 1 <= query.version <= total or (query.latest and query.version != total):
                return []
            offset, limit = total - query.version, 1 if limit is None else min(1, limit)
        found = self._latest(body, sort, offset, limit) if query.latest else self._all(body, sort, offset, limit)
        for place, record in enumerate(found):
            if total is not None:
                record.version = total - offset - place
            if not query.data and isinstance(record.data, Raw) and len(record.data) > SHORT_DATA:
                record.data = UNSET
        return found

    def count(self, query: Query) -> int:
        """See `Store.count`."""
        if query.version is not None:
            return len(self.find(msgspec.structs.replace(query, limit=None, offset=0)))
        path = "/artifacts/latest/count" if query.latest else "/artifacts/count"
        return self._server.count(path, filter_body(query, self._ids))

    def delete(self, id: UUID) -> None:
        """See `Store.delete`."""
        if not self._server.delete(self._server.read(id).id):
            raise self._unknown(id)

    def search(self, text: str, limit: int, after: UUID | None) -> NoReturn:  # noqa: ARG002 (the signature of `Remote`)
        """Raises `Unsupported`."""
        self._cannot("search for words")

    def put_run(self, run: Run) -> NoReturn:  # noqa: ARG002 (the signature of `Store`)
        """Raises `Unsupported`."""
        self._cannot("keep runs of ours; their names travel with their artifacts")

    def get_run(self, id: UUID) -> NoReturn:  # noqa: ARG002 (the signature of `Store`)
        """Raises `Unsupported`."""
        self._cannot("tell of runs of ours")

    def find_runs(self, query: RunQuery) -> NoReturn:  # noqa: ARG002 (the signature of `Store`)
        """Raises `Unsupported`."""
        self._cannot("list runs of ours")

    def changes(self, since: int = 0, limit: int = 1000) -> list[Change]:  # noqa: ARG002 (the signature of `Store`)
        """Raises `Unsupported`."""
        self._cannot("tell what changed since")

    def last_seq(self) -> NoReturn:
        """Raises `Unsupported`."""
        self._cannot("number changes")

    def put_blob(self, content: bytes | Iterator[bytes], media: str) -> NoReturn:  # noqa: ARG002 (the signature of `Store`)
        """Raises `Unsupported`."""
        self._cannot("keep bytes")

    def open_blob(self, ref: BlobRef) -> NoReturn:
        """Raises `BlobMissing`: only the store that an artifact came from has them."""
        where = f"the Prefect server at {self.where}, which keeps none"
        raise BlobMissing(ref.sha256[:80], where, "read the artifact where it was made")

    def blob_bytes(self) -> int:
        """None are kept."""
        return 0

    def send(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """See `Remote.send`. A record whose run is given takes its names along; a run by itself is nothing to Prefect."""
        self._check_database()
        outcomes = [self._send(item) for item in items]
        self._asked = time.monotonic()
        return outcomes

    def missing_blobs(self, refs: Sequence[BlobRef]) -> list[BlobRef]:
        """Small images, which become part of their artifact; Prefect keeps no other bytes."""
        return [ref for ref in refs if _is_small_image(ref) and ref.sha256 not in self._images]

    def send_blob(self, ref: BlobRef, open: Callable[[], IO[bytes]]) -> None:
        """Hold a small image for the record that names it."""
        if not _is_small_image(ref):
            return
        with open() as file:
            self._images[ref.sha256] = file.read()
        while len(self._images) > _MOST_IMAGES:
            self._images.popitem(last=False)

    def close(self) -> None:
        """See `Store.close`."""
        self._connection.close()

    def _database(self) -> str:
        """See `Remote.state`. Another address is another state: a copy of a database has the same id."""
        found = self._server.database()
        return hashlib.sha256(f"{self.where} {found}".encode()).hexdigest()[:32] if found else ""

    def _check_database(self) -> None:
        """Raises `Unreachable` where the server has another database than before: what had arrived is not there."""
        if self.state and time.monotonic() - self._asked > AGAIN_SECONDS and self._database() not in {self.state, ""}:
            raise Unreachable(
                f"the Prefect server at {self.where} has another database by now: all is sent to it again", ambiguous=False
            )

    def _send(self, item: Outgoing) -> Outcome:
        try:
            if item.op == "delete":
                return self._send_deletion(item)
            return Outcome("done") if item.record is None else self._send_record(item, item.record)
        except Rejected as error:
            return Outcome("rejected", error=str(error))

    def _send_record(self, item: Outgoing, record: Record) -> Outcome:
        remote_id = item.remote_id or self._server.remote_id(item.id)
        if remote_id is None and (item.again or item.op == "patch"):
            there = self._look(record)
            remote_id = None if there is None else there.id
        body = self._body(record, item.run)
        if remote_id is None:
            remote_id = self._server.create(item.id, body | self._runs(record, item.run)).id
        else:
            self._server.update(remote_id, body)  # one that is gone was deleted there, and stays so
            self._server.remember(item.id, remote_id)
        version = None if record.key is None or item.remote_id is not None else self._versions(record.key)
        return Outcome("done", version, remote_id)

    def _runs(self, record: Record, run: Run | None) -> dict[str, UUID]:
        """The ids of runs that are Prefect's own, which only those made by `flow` and `task` can be."""
        if run is None or run.kind not in {RunKind.flow, RunKind.task}:
            return {}
        ids = {"flow_run": record.flow_run_id, "task_run": record.task_run_id}
        return {f"{kind}_id": id for kind, id in ids.items() if id is not None and self._server.knows(kind, id)}

    def _send_deletion(self, item: Outgoing) -> Outcome:
        remote_id = item.remote_id
        if remote_id is None:
            try:
                remote_id = self._server.read(item.id).id
            except NotFound:
                return Outcome("done")
        self._server.delete(remote_id)
        return Outcome("done", remote_id=remote_id)

    def _look(self, record: Record) -> Artifact | None:
        """What an earlier attempt to send a record has made."""
        key = {"exists_": False} if record.key is None else {"any_": [record.key]}
        return self._server.look(record.id, {"artifacts": {"key": key}}, utc(record.created))

    def _body(self, record: Record, run: Run | None) -> dict[str, Any]:
        return to_prefect(record, run, self._image, self._public)

    def _all(self, body: dict[str, Any], sort: str, offset: int, limit: int | None) -> list[Record]:
        return [from_prefect(found) for found in self._server.pages(_ALL, body, sort, offset, limit)]

    def _latest(self, body: dict[str, Any], sort: str, offset: int, limit: int | None) -> list[Record]:
        """A key's entry has its newest version's members but not its time, so each page is asked for twice."""
        lines = self._server.pages(_LATEST, body, sort, offset, limit)
        found: dict[UUID, Artifact] = {}
        for start in range(0, len(lines), PAGE):
            ids = [str(line.latest_id) for line in lines[start : start + PAGE]]
            page = self._server.page(_ALL, {"artifacts": {"id": {"any_": ids}}}, "CREATED_DESC", 0, PAGE)
            found.update((one.id, one) for one in page)
        return [from_prefect(found[line.latest_id], line) for line in lines if line.latest_id in found]

    def _versions(self, key: str) -> int:
        return self._server.count("/artifacts/count", {"artifacts": {"key": {"any_": [key]}}})

    def _numbered(self, found: Artifact) -> Record:
        """The record with its place in the key's history."""
        record = from_prefect(found)
        if record.key is not None:
            record.version = self._server.place(record.id, record.key)
        return record

    def _ids(self, ids: list[UUID]) -> list[UUID]:
        """Prefect's ids of artifacts, where they are known; else they may be Prefect's already."""
        return [self._server.remote_id(id) or id for id in ids]

    def _image(self, ref: BlobRef) -> bytes | None:
        """The bytes of a small image. Raises `BlobMissing` where they have to be given again."""
        if not _is_small_image(ref):
            return None
        try:
            return self._images[ref.sha256]
        except KeyError:
            raise BlobMissing(ref.sha256, "memory any more", "send them again") from None

    def _cannot(self, what: str) -> NoReturn:
        raise Unsupported(f"a Prefect server ({self.where}) cannot {what}")

    def _unknown(self, id: UUID) -> NotFound:
        return NotFound(f"there is no artifact {id} at {self.where}")


def _is_small_image(ref: BlobRef) -> bool:
    return ref.media.startswith("image/") and ref.size <= SMALL_IMAGE


def _patched(record: Record, patch: Patch) -> Record:
    """The record as a patch makes it."""
    members = {
        name: value
        for name in ("description", "metadata_", "info", "blob", "data")
        if (value := getattr(patch, name)) is not UNSET
    }
    if "data" in members:
        members = {"info": {}, "blob": None, **members}
    moment = datetime.now(timezone.utc) if patch.updated is UNSET else patch.updated
    return msgspec.structs.replace(record, **members, updated=max(record.updated + timedelta(microseconds=1), moment))


def _value(record: Record) -> Any:
    return msgspec.json.decode(record.data) if isinstance(record.data, Raw) else None
