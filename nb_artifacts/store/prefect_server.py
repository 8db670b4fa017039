"""Requests to a Prefect server's artifacts, and finding one by our id, which Prefect cannot look up."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from nb_artifacts.errors import Denied, NotFound, Rejected, Unsupported
from nb_artifacts.store.http_client import READ_SECONDS, SEND_SECONDS
from nb_artifacts.store.prefect_wire import Artifact, lenient, our_id
from nb_artifacts.wire import encode

if TYPE_CHECKING:
    from uuid import UUID

    from nb_artifacts.store.http_client import Answer, Connection

T = TypeVar("T")

PAGE = 200
_LOOK_PAGES = (20, *(PAGE,) * 25)
"""So far back an artifact is looked for; the one that was just tried is among the newest."""

_SKEW = timedelta(days=1)
"""The server's clock may be off by this."""

_MOST_KNOWN = 10_000
_REFUSED = frozenset({400, 409, 413, 415, 422})

_BUILT_IN = "/block_types/slug/secret"
"""Made once with the database, and protected: its id is the nearest to one of the database that is told."""

_artifact = msgspec.json.Decoder(Artifact)
_artifacts = msgspec.json.Decoder(list[Artifact])
_number = msgspec.json.Decoder(int)


class Server:
    """A Prefect server's artifacts. Raises `Rejected` for what it refuses, and what `Connection` raises."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: OrderedDict[UUID, UUID] = OrderedDict()
        self._runs: OrderedDict[UUID, bool] = OrderedDict()

    @property
    def address(self) -> str:
        """Of its API."""
        return self._connection.address

    def database(self) -> str:
        """Which database is behind it; empty where it does not tell."""
        try:
            answer = self._connection.ask("GET", _BUILT_IN)
            found = msgspec.json.decode(answer.body, type=dict[str, Any]) if answer.status == 200 else {}
        except (Denied, msgspec.DecodeError):
            return ""
        return str(found.get("id") or "")

    def remote_id(self, id: UUID) -> UUID | None:
        """Prefect's id for one of ours, if it came by lately."""
        return self._known.get(id)

    def remember(self, id: UUID, remote_id: UUID) -> None:
        """Note Prefect's id for one of ours."""
        self._known[id] = remote_id
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def create(self, id: UUID, body: dict[str, Any]) -> Artifact:
        """Make a new artifact, whether or not there is one that bears our id."""
        answer = self._taken(self._connection.ask("POST", "/artifacts/", encode(body), seconds=_seconds(body)))
        made: Artifact = self._decoded(answer, _artifact)
        self.remember(id, made.id)
        return made

    def update(self, remote_id: UUID, body: dict[str, Any]) -> bool:
        """Change what can be changed; False where the artifact is gone."""
        members = {name: body[name] for name in ("data", "description", "metadata_")}
        path = f"/artifacts/{remote_id}"
        return self._is_known(self._connection.ask("PATCH", path, encode(members), seconds=_seconds(body)))

    def delete(self, remote_id: UUID) -> bool:
        """Delete an artifact; False where it is gone."""
        return self._is_known(self._connection.ask("DELETE", f"/artifacts/{remote_id}", seconds=SEND_SECONDS))

    def recent(self, id: UUID) -> Artifact | None:
        """The artifact of an id of ours that came by lately, if it is still there."""
        remote_id = self._known.get(id)
        return None if remote_id is None else self._get(remote_id)

    def read(self, id: UUID) -> Artifact:
        """The artifact of an id, ours or Prefect's. Raises `NotFound`, and `Unsupported` as `look` does."""
        for remote_id in dict.fromkeys((self._known.get(id, id), id)):
            if (found := self._get(remote_id)) is not None:
                return found
        made = _made(id)
        there = None if made is None else self.look(id, {}, made)
        if there is None:
            raise NotFound(f"there is no artifact {id} at {self.address}")
        return there

    def look(self, id: UUID, body: dict[str, Any], since: datetime) -> Artifact | None:
        """The artifact that bears our id, among those that `body` selects and that arrived after `since`.

        Raises `Unsupported` where they are too many to be sure.
        """
        offset = 0
        for limit in _LOOK_PAGES:
            page = self.page("/artifacts/filter", body, "CREATED_DESC", offset, limit)
            for found in page:
                if our_id(found) == id:
                    return found
            if len(page) < limit or page[-1].created + _SKEW < since:
                return None
            offset += limit
        raise Unsupported(f"a Prefect server cannot look for the artifact {id} among more than {offset:,} newer ones")

    def place(self, id: UUID, key: str) -> int | None:
        """The place of an artifact in its key's history, from 1; None where it is too far back."""
        body = {"artifacts": {"key": {"any_": [key]}}}
        total, offset = self.count("/artifacts/count", body), 0
        for limit in _LOOK_PAGES:
            page = self.page("/artifacts/filter", body, "CREATED_DESC", offset, limit)
            for n, found in enumerate(page):
                if our_id(found) == id:
                    return total - offset - n
            if len(page) < limit:
                return None
            offset += limit
        return None

    def pages(self, path: str, body: dict[str, Any], sort: str, offset: int, limit: int | None) -> list[Artifact]:
        """A list of any length."""
        found: list[Artifact] = []
        while limit is None or len(found) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(found))
            start = offset + len(found)
            page = self.page(path, body, sort, start, size) if start < 2**31 else []
            found += page
            if len(page) < size:
                break
        return found

    def page(self, path: str, body: dict[str, Any], sort: str, offset: int, limit: int) -> list[Artifact]:
        """A list of at most `PAGE`."""
        answer = self._post(path, {**body, "sort": sort, "offset": offset, "limit": limit})
        page: list[Artifact] = self._decoded(answer, _artifacts)
        for found in page:
            self.remember(our_id(found), found.latest_id or found.id)
        return page

    def count(self, path: str, body: dict[str, Any]) -> int:
        """How many match."""
        return int(self._decoded(self._post(path, body), _number))

    def knows(self, kind: str, id: UUID) -> bool:
        """Whether there is a ``flow_run`` or ``task_run`` of that id; asked once."""
        if id not in self._runs:
            self._runs[id] = self._connection.ask("GET", f"/{kind}s/{id}").status == 200
            while len(self._runs) > _MOST_KNOWN:
                self._runs.popitem(last=False)
        return self._runs[id]

    def _post(self, path: str, body: dict[str, Any]) -> Answer:
        return self._taken(self._connection.ask("POST", path, encode(body), seconds=2 * READ_SECONDS))

    def _get(self, remote_id: UUID) -> Artifact | None:
        answer = self._connection.ask("GET", f"/artifacts/{remote_id}")
        if not self._is_known(answer):
            return None
        found: Artifact = self._decoded(answer, _artifact)
        self.remember(our_id(found), found.id)
        return found

    def _is_known(self, answer: Answer) -> bool:
        if answer.status == 404 and b"Artifact not found" in answer.body:
            return False
        self._taken(answer)
        return True

    def _taken(self, answer: Answer) -> Answer:
        """The answer, where it is no refusal and Prefect's."""
        if answer.status in _REFUSED:
            raise Rejected(f"{self._connection.host} refuses this: {answer.detail()}", status=answer.status)
        if answer.status >= 300:
            raise self._connection.not_an_answer()
        return answer

    def _decoded(self, answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
        try:
            return decoder.decode(answer.body)
        except msgspec.ValidationError:
            raise self._connection.not_an_answer() from None
        except msgspec.DecodeError:
            pass
        try:
            return decoder.decode(lenient(answer.body))
        except (ValueError, RecursionError):
            raise self._connection.not_an_answer() from None


def _seconds(body: dict[str, Any]) -> float:
    return SEND_SECONDS + len(bytes(body["data"])) / 200_000


def _made(id: UUID) -> datetime | None:
    """When a UUIDv7 was made; None for another kind, which is none of ours."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, timezone.utc) if id.version == 7 else None
