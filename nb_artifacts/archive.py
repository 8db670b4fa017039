"""A file that holds artifacts on their way from one store to another.

A zip file (PKWARE APPNOTE 6.3) of ``nb-artifacts.json``, which says what it is, ``artifacts.jsonl`` and ``runs.jsonl`` with
one whole record a line, and ``blobs/<sha256>``, stored as they are. It holds no time and no name of the store: the same
artifacts always make the same bytes. Reading trusts nothing: no name in the file leads to a path, bytes count only when
their hash does, and nothing is unpacked beyond what the file itself weighs.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import msgspec
from msgspec import UNSET, Raw

from nb_artifacts import wire
from nb_artifacts.copying import CHUNK, Copied, Item, Source, copy
from nb_artifacts.errors import BlobMissing, InvalidValue
from nb_artifacts.wire import BlobRef, Record, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from uuid import UUID

MANIFEST = "nb-artifacts.json"
SCHEMA = 1
_RECORDS, _RUNS = "artifacts.jsonl", "runs.jsonl"
_LONGEST_LINE = 256 * 1024 * 1024
_EARLIEST = (1980, 1, 1, 0, 0, 0)

T = TypeVar("T", Record, Run)


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What a file says of itself."""

    format: str
    schema: int


def write_member(archive: zipfile.ZipFile, name: str, file: IO[bytes], *, packed: bool = False) -> None:
    """Add a member without a time, readable by its owner only once it is unpacked."""
    info = zipfile.ZipInfo(name, _EARLIEST)
    info.external_attr = 0o600 << 16
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with archive.open(info, "w", force_zip64=True) as member:
        shutil.copyfileobj(file, member, CHUNK)


@contextmanager
def written(path: Path) -> Iterator[zipfile.ZipFile]:
    """A new zip file, there as a whole or not at all. Raises `InvalidValue` where it cannot be written."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        if error.filename is not None and Path(error.filename) == beside:
            raise InvalidValue(f"{path} cannot be written ({error.strerror}): name a file in a folder of yours.") from None
        raise
    finally:
        beside.unlink(missing_ok=True)


def write_manifest(archive: zipfile.ZipFile, kind: str) -> None:
    """Say what the file is."""
    write_member(archive, MANIFEST, io.BytesIO(wire.encode(Manifest(format=kind, schema=SCHEMA))))


@contextmanager
def opened(path: Path, kind: str) -> Iterator[zipfile.ZipFile]:
    """A zip file of that kind. Raises `InvalidValue` where it is none, or a newer release's."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_manifest(path, archive, kind)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InvalidValue(f"{path} is damaged or no file of nb-artifacts ({error}).") from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename is None or Path(error.filename) != path:
            raise
        raise InvalidValue(f"{path} cannot be read ({error.strerror}): name a file that `nb-artifacts {kind}` wrote.") from None


def _check_manifest(path: Path, archive: zipfile.ZipFile, kind: str) -> None:
    try:
        with archive.open(MANIFEST) as member:
            found = msgspec.json.decode(member.read(10_000), type=Manifest)
    except (KeyError, msgspec.DecodeError, RuntimeError):
        raise InvalidValue(f"{path} is no {kind} of nb-artifacts: it has no readable {MANIFEST}.") from None
    if found.format != kind:
        other = "restore" if found.format == "backup" else "import"
        raise InvalidValue(f"{path} is {found.format!r:.40}, not {kind!r}: take it back with `nb-artifacts {other}`.")
    if found.schema > SCHEMA:
        raise InvalidValue(f"{path} was made by a newer release: pip install --upgrade nb-artifacts")


def export(source: Source, path: Path, each: Callable[[], None] = lambda: None) -> Copied:
    """Write what a source tells of into a file. Raises `InvalidValue` and `StoreError`; no file is left then."""
    with written(path) as file:
        target = ArchiveTarget(file)
        copied = copy(source, target, each)
        target.finish()
    return copied


class ArchiveTarget:
    """A `Target`: a file being written. Records wait in a temporary file, since a zip is written one member at a time."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._there: set[str] = set()
        self._lines = {_RECORDS: tempfile.TemporaryFile(), _RUNS: tempfile.TemporaryFile()}  # noqa: SIM115 -- closed by `finish`

    def keep(self, item: Item) -> str:
        """See `Target.keep`."""
        ref = item.record.blob
        if ref is not None and item.open is not None and ref.sha256 not in self._there:
            with item.open() as file:
                _check(file, ref, "the folder")
                write_member(self._archive, f"blobs/{ref.sha256}", file)
            self._there.add(ref.sha256)
        plain = msgspec.structs.replace(item.record, seq=0, collection_id=UNSET, collection_created=UNSET)
        self._lines[_RECORDS].write(wire.encode(plain) + b"\n")
        return "added"

    def keep_run(self, run: Run) -> None:
        """See `Target.keep_run`."""
        self._lines[_RUNS].write(wire.encode(msgspec.structs.replace(run, seq=0)) + b"\n")

    def finish(self) -> None:
        """Write what waits, and what the file is."""
        for name, file in self._lines.items():
            with file:
                file.seek(0)
                write_member(self._archive, name, file, packed=True)
        write_manifest(self._archive, "export")


def _check(file: IO[bytes], ref: BlobRef, where: object) -> None:
    """Raise `BlobMissing` unless the bytes are those; the file is at its beginning again then."""
    found = hashlib.sha256()
    while part := file.read(CHUNK):
        found.update(part)
    if found.hexdigest() != ref.sha256:
        raise BlobMissing(ref.sha256, f"{where} as they were: they are damaged")
    file.seek(0)


class ArchiveSource:
    """A `Source`: a file being read. Raises `InvalidValue` naming the line that is not what it should be."""

    def __init__(self, archive: zipfile.ZipFile, path: Path, keys: Iterable[str] = ()) -> None:
        self._archive = archive
        self._path = path
        self._keys = set(keys)
        self._members = {info.filename: info for info in archive.infolist()}

    def items(self) -> Iterator[Item]:
        """See `Source.items`. A chosen key that never came is an error in the end."""
        missed = set(self._keys)
        for record in self._lines(_RECORDS, Record):
            if self._keys and record.key not in self._keys:
                continue
            missed.discard(record.key or "")
            wire.check_key(record.key)
            if record.data is UNSET:
                record.data = wire.NULL
            record.data = Raw(bytes(record.data))
            yield Item(record, None if record.blob is None else partial(self._bytes, record.blob))
        if missed:
            raise InvalidValue(f"there is no key {min(missed)!r} in {self._path}.")

    def count(self) -> int:
        """How many lines there are; a chosen key has fewer."""
        with self._archive.open(self._member(_RECORDS)) as member:
            return sum(part.count(b"\n") for part in iter(lambda: member.read(CHUNK), b""))

    def runs(self, needed: Iterable[UUID]) -> Iterator[Run]:
        """See `Source.runs`."""
        wanted = set(needed)
        every = list(self._lines(_RUNS, Run)) if wanted else []
        for run in reversed(every):  # those above come first in the file
            if run.id in wanted:
                wanted.update(id for id in (run.parent_id, run.session_id) if id is not None)
        yield from (run for run in every if run.id in wanted)

    def _bytes(self, ref: BlobRef) -> IO[bytes]:
        """The bytes, unpacked beside and checked before anybody sees them. Raises `BlobMissing`."""
        info = self._members.get(f"blobs/{ref.sha256}")
        if info is None or info.compress_type != zipfile.ZIP_STORED or info.file_size != ref.size:
            raise BlobMissing(ref.sha256, self._path)
        file = self._archive.open(info)
        try:
            _check(file, ref, self._path)
        except BaseException:
            file.close()
            raise
        return file

    def _lines(self, name: str, kind: type[T]) -> Iterator[T]:
        with self._archive.open(self._member(name)) as member:
            number = 0
            while line := member.readline(_LONGEST_LINE + 1):
                number += 1
                yield self._decoded(line, f"{name}, line {number}", kind)

    def _member(self, name: str) -> zipfile.ZipInfo:
        info = self._members.get(name)
        if info is None:
            raise InvalidValue(f"{self._path} has no {name}.")
        return info

    def _decoded(self, line: bytes, where: str, kind: type[T]) -> T:
        if len(line) > _LONGEST_LINE:
            raise InvalidValue(f"{self._path}: {where} is longer than {_LONGEST_LINE >> 20} MB.")
        try:
            return msgspec.json.decode(line, type=kind)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise InvalidValue(f"{self._path}: {where} is not a {kind.__name__.lower()} ({error}).") from None
