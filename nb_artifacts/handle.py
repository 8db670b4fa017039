"""`Artifact`: one version of an artifact as a Python object that knows its key, value, run, and how to show itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from msgspec import UNSET

from nb_artifacts import cells, config, core, display, runs
from nb_artifacts.errors import InvalidValue, NotFound
from nb_artifacts.turned import Turned
from nb_artifacts.types import Payload, coerce
from nb_artifacts.types.other import Other
from nb_artifacts.types.progress import Progress
from nb_artifacts.wire import decode_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from nb_artifacts.diff import Diff
    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record, Run

_IN_PLACE = ("progress", "display")


class Artifact(Turned):
    """One version of an artifact.

    Made by ``Artifact.get``, ``create`` and the magics; or, as with Prefect, from parts:
    ``Artifact(type="markdown", key="k", data="# hi").create()``.
    """

    _by_type: ClassVar[dict[str, type[Artifact]]] = {}
    """Class of each type, entered by the subclasses in `artifacts`."""

    _record: Record
    _store: Store
    _payload: Payload | None
    _draft: Payload | None = None

    def __init__(
        self,
        type: str | None = None,
        key: str | None = None,
        description: str | None = None,
        data: Any = None,
        metadata_: Mapping[str, str] | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        """An artifact that is not kept yet; `create` keeps it. `data` is any JSON value, as on Prefect's wire."""
        self._draft = data if isinstance(data, Payload) else Other(data, type)
        self._payload = self._draft
        self._parts = {"key": key, "description": description, "metadata": metadata_, "tags": tags}

    @classmethod
    def _of(cls, record: Record, store: Store, payload: Payload | None = None) -> Artifact:
        made = object.__new__(cls._by_type.get(record.type or "", Artifact))
        made._record, made._store, made._payload = record, store, payload
        return made

    @classmethod
    def _keep(cls, payload: Payload, **parts: Any) -> Artifact:
        return cls._of(core.keep(payload, **parts), core.reading_store(), payload)

    def create(self) -> Artifact:
        """Keep it, as a new version of its key; gives the kept artifact. Errors as `nb_artifacts.create`."""
        if self._draft is None:
            raise InvalidValue(f"{self!r} is kept already: make a new Artifact for another version.")
        return self._keep(self._draft, **self._parts, hidden=switched_off(None))._shown()

    @classmethod
    def get(
        cls,
        key: str | None = None,
        version: int | None = None,
        *,
        id: UUID | str | None = None,
        remote: bool = True,
        columns: Sequence[Any] | None = None,
        where: str | None = None,
        limit: int | None = None,
    ) -> Artifact | None:
        """The artifact of a key (its highest version, or the one asked for) or of an id; None if there is none.

        Where an API is set, what other machines made is found too; a version is the number that the API gave. With
        `remote=False` the API is not asked. Of a table `columns`, `where` (an SQL expression over its columns) and `limit`
        read no more than they name: its value then is that part. Raises `InvalidKey`, `InvalidValue` (`BadQuery` for a
        part that cannot be read) and `StoreError`.
        """
        record = core.get(key, version, id=id, remote=remote)
        if record is None:
            return None
        runs.note_input(record.id)
        store = core.reading_store()
        if columns is None and where is None and limit is None:
            return cls._of(record, store)
        from nb_artifacts.query.select import part

        return cls._of(record, store, part(core.whole(record, store), store, columns, where, limit))

    @classmethod
    def get_or_create(
        cls,
        key: str,
        description: str | None = None,
        data: Any = None,
        *,
        type: str | None = None,
        metadata_: Mapping[str, str] | None = None,
        tags: Iterable[str] | None = None,
    ) -> tuple[Artifact, bool]:
        """The newest artifact of a key and False; or, where there is none, a new one of `data` and True."""
        found = cls.get(key)
        if found is not None:
            return found, False
        return cls(type=type, key=key, description=description, data=data, metadata_=metadata_, tags=tags).create(), True

    @classmethod
    def history(cls, key: str) -> list[Artifact]:
        """Every version of a key, newest first. Raises `InvalidKey` and `StoreError`."""
        return [cls._of(record, core.reading_store()) for record in core.history(key)]

    def delete(self) -> None:
        """Delete this version; its number never comes back. Raises `NotFound`."""
        core.remove(self._kept().id, self._store)

    def update(self, value: Any, description: str | None = None) -> Artifact:
        """Change a progress (a percentage) or display artifact in place; other types are versions: call `create` again.

        Raises `InvalidValue` for another type, and `NotFound`.
        """
        record = self._kept()
        if record.type not in _IN_PLACE:
            raise InvalidValue(f"a {record.type} artifact does not change: keep a new version under {record.key!r}.")
        payload = self.payload.moved(value) if isinstance(self.payload, Progress) else coerce(value, type=record.type)
        said = UNSET if description is None else description
        self._record, self._payload = core.change(record.id, payload, said, store=self._store), payload
        display.Live(str(record.id)).update(self._bundle, final=True)
        return self

    # What is known of it

    def _kept(self) -> Record:
        if self._draft is not None:
            raise InvalidValue("this artifact is not kept yet: call its create() first.")
        return self._record

    @property
    def id(self) -> UUID:
        """UUIDv7, made by the client."""
        return self._kept().id

    @property
    def key(self) -> str | None:
        """The name of its line of versions, or None."""
        return self._parts["key"] if self._draft is not None else self._record.key  # type: ignore[return-value]  # a draft's parts are untyped

    @property
    def type(self) -> str | None:
        """``link``, ``markdown``, ``progress``, ``image``, ``table``, ``display``, another tool's word, or None."""
        return self.payload.type if self._draft is not None else self._record.type

    @property
    def version(self) -> int | None:
        """1, 2, 3 … within its key; None without a key, and where an API counts that has not given the number yet."""
        return core.numbered(self._kept()).version

    def synced(self) -> bool:
        """Whether it has arrived at the API as it is now; always so for what comes from there. False where none is set."""
        return core.is_synced(self._kept())

    @property
    def description(self) -> str | None:
        """Markdown."""
        return self._parts["description"] if self._draft is not None else self._record.description  # type: ignore[return-value]  # a draft's parts are untyped

    @property
    def created(self) -> datetime:
        """When it was made, in UTC."""
        return self._kept().created

    @property
    def updated(self) -> datetime:
        """When it was last changed, in UTC."""
        return self._kept().updated

    @property
    def metadata_(self) -> dict[str, str] | None:
        """Texts by name; the underscore is Prefect's."""
        return self._kept().metadata_

    @property
    def tags(self) -> list[str]:
        """Tags, in the order given."""
        return list(self._kept().tags)

    @property
    def flow_run_id(self) -> UUID | None:
        """The flow, or else the session, that it comes from."""
        return self._kept().flow_run_id

    @property
    def task_run_id(self) -> UUID | None:
        """The task, or else the cell, that it comes from."""
        return self._kept().task_run_id

    @property
    def data(self) -> Any:
        """The JSON value that Prefect knows as an artifact's data: a table is JSON text, a progress a number."""
        if self._draft is not None:
            return msgspec.json.decode(self._draft.content().data)
        self._record = core.whole(self._record, self._store)
        return decode_data(self._record)

    @property
    def payload(self) -> Payload:
        """The typed value (`nb_artifacts.types`). Raises `BlobMissing`."""
        if self._payload is None:
            self._payload = core.read(self._record, self._store)
        return self._payload

    @property
    def value(self) -> Any:
        """What was kept: the same object where it was made, an equal one elsewhere. Raises `BlobMissing`."""
        return self.payload.value

    @property
    def run(self) -> Run | None:
        """The innermost run that it comes from, as far as this folder knows it."""
        return core.run_of(self._kept())

    @property
    def source(self) -> str | None:
        """The source of the cell that made it, known secrets redacted; None outside cells."""
        cell = core.cell_of(self._kept())
        return cell.provenance.source if cell else None

    def diff(self, other: Artifact | int | str, *, key_columns: Sequence[str] | None = None, tolerance: float = 0.0) -> Diff:
        """What changed from this one to `other`: an artifact, a version of the same key, or a name (``K``, ``K@V``, an id).

        Rows of tables are matched by `key_columns`; without them by the index, or by columns that look like one, which the
        result says. Numbers of tables that differ by no more than `tolerance` are equal. Raises `NotFound`, and
        `InvalidValue` for a column that is not in both tables.
        """
        from nb_artifacts import diff

        if isinstance(other, int) and not isinstance(other, bool) and self.key is not None:
            other = f"{self.key}@{other}"
        there = other if isinstance(other, Artifact) else existing(str(other))
        keys = diff.names_of(key_columns)
        before, after = (diff.Placed(core.whole(one._kept(), one._store), one._store) for one in (self, there))
        return diff.compare(before, after, diff.TableAsk(keys=keys, tolerance=tolerance))

    # How it shows itself

    def _bundle(self) -> dict[str, Any]:
        return display.bundle(core.numbered(self._record), self.payload, self._store.id)

    def _shown(self, wanted: bool | None = None) -> Artifact:
        """Show it where it is made: in a kernel, once a cell, unless switched off."""
        if cells.kernel_shell() is not None and not switched_off(wanted):
            display.show_once(str(self._record.id), self._bundle)
        return self

    def _ipython_display_(self) -> None:
        if self._draft is not None:
            display.publish({"text/plain": repr(self)}, f"draft-{id(self)}")
        elif cells.kernel_shell() is None:
            display.publish(self._bundle(), str(self._record.id))
        else:
            display.show_once(str(self._record.id), self._bundle)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 (IPython's signature)
        return {"text/plain": repr(self)} if self._draft is not None else self._bundle()

    def __repr__(self) -> str:
        if self._draft is not None:
            return f"<{type(self).__name__} {self.key or 'without a key'}, not kept yet>"
        record = self._record
        name = core.name_of(record) if record.key else str(record.id)
        return f"<{type(self).__name__} {name}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Artifact) or self._draft is not None or other._draft is not None:
            return self is other
        return self._record.id == other._record.id

    def __hash__(self) -> int:
        return id(self) if self._draft is not None else hash(self._record.id)


def switched_off(wanted: bool | None) -> bool:
    """Whether a new artifact is not to be shown in its cell; None leaves it to the setting."""
    return not (config.display_enabled() if wanted is None else wanted)


def existing(name: str) -> Artifact:
    """The artifact that ``K``, ``K@V`` or an id names. Raises `NotFound` naming it."""
    key, version, found_id = core.parse_name(name)
    found = Artifact.get(key, version, id=found_id)
    if found is None:
        raise NotFound(_missing(key, version, name))
    return found


def _missing(key: str | None, version: int | None, name: str) -> str:
    if key is None:
        return f"there is no artifact with the id {name}."
    versions = core.history(key, limit=1)
    if version is not None and versions:
        newest = versions[0].version or "still without a number"
        return f"{key!r} has no version {version}: its newest is {newest}."
    near = core.find_keys(key[:3], limit=5)
    if near:
        return f"there is no artifact {key!r}. Near it: {', '.join(near)}."
    return f"there is no artifact {key!r}: `%artifact ls` and `nb-artifacts ls` list the keys."
