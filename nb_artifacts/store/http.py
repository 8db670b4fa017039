"""Our own server as a `Store`, over its REST API.

Everything may be sent again: a record has its id before it leaves, and the server knows which ids it had.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from nb_artifacts.errors import BlobMissing, Conflict, InvalidValue, NotFound, Rejected
from nb_artifacts.store import http_blobs, http_follow, http_send
from nb_artifacts.store.http_client import READ_SECONDS, SEND_SECONDS, decoded
from nb_artifacts.store.http_wire import (
    MOST,
    PAGE,
    as_change,
    as_record,
    changes_decoder,
    content,
    number_decoder,
    patch_body,
    query_body,
    record_decoder,
    records_decoder,
    run_decoder,
    run_query_body,
    runs_decoder,
)
from nb_artifacts.store.rows import patch_columns, run_columns, to_row
from nb_artifacts.wire import MIME, Query, RunQuery, Sort, check_key, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from nb_artifacts.store.http_client import Answer, Connection
    from nb_artifacts.store.remote import Outcome, Outgoing
    from nb_artifacts.wire import BlobRef, Change, Patch, Record, Run

T = TypeVar("T")

_status = msgspec.json.Decoder(dict[str, Any])


class HttpStore:
    """A `Remote` at the address of our own server, or of one of its workspaces.

    `state` says which store is behind it, and which restore of that; the server tells both with each answer.
    """

    batch: Final = 100
    kind: Final = "nb-artifacts"
    journal: Final = "server"

    def __init__(self, connection: Connection, state: str, newest: int = 0) -> None:
        self._connection = connection
        self.state: Final = state
        self.newest = newest
        self.id: Final = state.partition(" ")[0]

    def __repr__(self) -> str:
        return f"HttpStore({self.where})"

    @property
    def where(self) -> str:
        """The address."""
        return self._connection.address

    def put(self, record: Record) -> Record:
        """See `Store.put`."""
        check_key(record.key)
        to_row(record)
        answer = self._ask("PUT", f"/artifacts/{record.id}", encode(content(record)), seconds=SEND_SECONDS)
        return as_record(self._decoded(answer, record_decoder))

    def patch(self, id: UUID, patch: Patch, *, if_seq: int | None = None, durable: bool = True) -> Record:  # noqa: ARG002 (the signature of `Store`)
        """See `Store.patch`. How durable it is, the server says."""
        patch_columns(patch)
        answer = self._ask("PATCH", f"/artifacts/{id}", patch_body(patch, if_seq), seconds=SEND_SECONDS)
        return as_record(self._decoded(answer, record_decoder))

    def get(self, id: UUID) -> Record | None:
        """See `Store.get`."""
        answer = self._ask("GET", f"/artifacts/{id}", missing=True)
        return None if answer.status == 404 else as_record(self._decoded(answer, record_decoder))

    def find(self, query: Query) -> list[Record]:
        """See `Store.find`. Long lists come in pages, which together are no one moment's state."""
        if _cannot_match(query):
            return []
        path = "/artifacts/latest/filter" if query.latest else "/artifacts/filter"
        follows = query.sort is Sort.ID_DESC

        def page(found: list[Record], limit: int) -> list[Record]:
            place: dict[str, Any] = {"offset": query.offset + len(found), "after": query.after}
            if found and follows:
                place = {"offset": 0, "after": found[-1].collection_id if query.latest else found[-1].id}
            answer = self._ask("POST", path, query_body(query, limit=limit, **place))
            return [as_record(one) for one in self._decoded(answer, records_decoder)]

        return _paged(page, query.limit, query.offset)

    def count(self, query: Query) -> int:
        """See `Store.count`."""
        if _cannot_match(query):
            return 0
        path = "/artifacts/latest/count" if query.latest else "/artifacts/count"
        return int(self._decoded(self._ask("POST", path, query_body(query)), number_decoder))

    def search(self, text: str, limit: int, after: UUID | None) -> list[Record]:
        """See `Remote.search`."""
        body = encode({"q": text, "limit": limit} | ({} if after is None else {"after": after}))
        return [as_record(one) for one in self._decoded(self._ask("POST", "/search", body), records_decoder)]

    def delete(self, id: UUID) -> None:
        """See `Store.delete`."""
        self._ask("DELETE", f"/artifacts/{id}", seconds=SEND_SECONDS)

    def put_run(self, run: Run) -> Run:
        """See `Store.put_run`."""
        run_columns(run)
        answer = self._ask("PUT", f"/runs/{run.id}", encode(run), seconds=SEND_SECONDS)
        return self._decoded(answer, run_decoder)

    def get_run(self, id: UUID) -> Run | None:
        """See `Store.get_run`."""
        answer = self._ask("GET", f"/runs/{id}", missing=True)
        return None if answer.status == 404 else self._decoded(answer, run_decoder)

    def find_runs(self, query: RunQuery) -> list[Run]:
        """See `Store.find_runs`."""

        def page(found: list[Run], limit: int) -> list[Run]:
            body = run_query_body(query, limit=limit, offset=query.offset + len(found))
            more: list[Run] = self._decoded(self._ask("POST", "/runs/filter", body), runs_decoder)
            return more

        return _paged(page, query.limit, query.offset)

    def changes(self, since: int = 0, limit: int = 1000) -> list[Change]:
        """See `Store.changes`."""
        if limit <= 0:
            return []
        answer = self._ask("GET", f"/changes?since={max(since, 0)}&limit={min(limit, 1000)}")
        return [as_change(one) for one in self._decoded(answer, changes_decoder)]

    def follow(self, since: int) -> Iterator[Change | None]:
        """What changes after `since`, as it changes; see `http_follow`."""
        return http_follow.follow(self._connection, since)

    def last_seq(self) -> int:
        """See `Store.last_seq`."""
        answer = self._ask("GET", "/changes?limit=0")
        seq = answer.headers.get("x-nb-artifacts-seq", "")
        if not seq.isdigit():
            raise self._connection.not_an_answer()
        return int(seq)

    def put_blob(self, content: bytes | Iterator[bytes], media: str) -> BlobRef:
        """See `Store.put_blob`."""
        ref, file = http_blobs.spool(content, media)
        with file:
            http_blobs.upload(self._connection, ref, file)
        return ref

    def open_blob(self, ref: BlobRef) -> IO[bytes]:
        """See `Store.open_blob`. What came is verified before it is given."""
        return http_blobs.download(self._connection, ref)

    def blob_bytes(self) -> int:
        """See `Store.blob_bytes`."""
        return int(self._decoded(self._ask("GET", "/status"), _status)["blob_bytes"])

    def send(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """See `Remote.send`."""
        outcomes, newest = http_send.send(self._connection, items, self.state, self.newest)
        self.newest = max(self.newest, newest)
        return outcomes

    def missing_blobs(self, refs: Sequence[BlobRef]) -> list[BlobRef]:
        """See `Remote.missing_blobs`."""
        return http_blobs.missing(self._connection, refs)

    def send_blob(self, ref: BlobRef, open: Callable[[], IO[bytes]]) -> None:
        """See `Remote.send_blob`."""
        with open() as file:
            http_blobs.upload(self._connection, ref, file)

    def close(self) -> None:
        """See `Store.close`."""
        self._connection.close()

    def _ask(
        self, method: str, path: str, body: bytes | None = None, *, missing: bool = False, seconds: float = READ_SECONDS
    ) -> Answer:
        """The answer to a request that the server took; a 404 too, where `missing` is one.

        Raises `NotFound`, `Conflict`, `InvalidValue`, `BlobMissing` and `Rejected` for what it refused.
        """
        answer = self._connection.ask(method, path, body, accept=MIME, seconds=seconds)
        if answer.status < 300 or (missing and answer.status == 404):
            return answer
        raise self._refusal(path, answer)

    def _refusal(self, path: str, answer: Answer) -> Exception:
        why = answer.detail()
        if answer.status == 404:
            known = "x-nb-artifacts-store" in answer.headers
            return NotFound(f"there is no {path.lstrip('/')} at {self.where}") if known else self._connection.not_an_answer()
        if answer.status == 409:
            return Conflict(why)
        if answer.status == 422:
            sha256 = answer.headers.get("x-nb-artifacts-missing-blob")
            return InvalidValue(why) if sha256 is None else BlobMissing(sha256, self.where)
        return Rejected(f"{self._connection.host} refuses this: {why} (HTTP {answer.status})", status=answer.status)

    def _decoded(self, answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
        found: T = decoded(self._connection, answer, decoder)
        return found


def _cannot_match(query: Query) -> bool:
    return query.version is not None and not 0 <= query.version <= MOST


def _paged(page: Callable[[list[T], int], list[T]], limit: int | None, offset: int) -> list[T]:
    """All pages of a list, up to its limit."""
    found: list[T] = []
    left = MOST if limit is None else min(max(limit, 0), MOST)
    while left > len(found) and offset < MOST:
        size = min(left - len(found), PAGE)
        more = page(found, size)
        found += more
        if len(more) < size:
            break
    return found
