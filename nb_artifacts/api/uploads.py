"""Bytes by their SHA-256, within one store: uploads that go on where they stopped, and what was uploaded.

An upload is a file beside the store until it is whole; then its hash is verified and the store takes it. Equal bytes at
equal places cannot disagree, so two clients may upload the same at once. Whoever may ask this store may read any bytes
whose hash they know; in another workspace the same hash opens nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nb_artifacts.api import body
from nb_artifacts.api.blobs import pieces
from nb_artifacts.api.message import Request, Response, answer, refusal
from nb_artifacts.errors import BlobMissing, StoreError
from nb_artifacts.wire import BlobRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb_artifacts.store import Store

LARGEST = 16 * 1024**3
"""Bytes that one blob may have."""

MOST_UNFINISHED = 64 * 1024**3
"""Bytes that all unfinished uploads of a store may have together."""

ABANDONED_SECONDS = 86_400.0
MEDIA = "application/octet-stream"
_OFFSET = "Upload-Offset"
_LENGTH = "Upload-Length"
_PIECE = 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}\Z")


def read(store: Store, request: Request, sha256: str) -> Response:
    """``GET /blobs/{sha256}?size=``: the bytes."""
    ref = _ref(request, sha256)
    try:
        file = store.open_blob(ref)
    except BlobMissing as error:
        raise refusal(404, str(error)) from None
    headers = {
        "Content-Type": MEDIA,
        "Content-Length": str(ref.size),
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(200, pieces(file, 0, ref.size), headers)


def offset(store: Store, request: Request, sha256: str) -> Response:
    """``HEAD /blobs/{sha256}?size=``: in Upload-Offset how many of the bytes are here."""
    ref = _ref(request, sha256)
    return _told(200, ref, ref.size if _is_there(store, ref) else _size(_place(store) / _name(ref)))


def missing(store: Store, request: Request) -> Response:
    """``POST /blobs/missing``: the hashes, of those asked for, whose bytes have to be uploaded."""
    blob = body.record({"sha256": body.text, "size": body.natural})
    found = body.read_object(request, {"blobs": body.array(blob, most=1000)})
    refs = [BlobRef(sha256=one.get("sha256", ""), size=one.get("size", 0), media=MEDIA) for one in found.get("blobs", ())]
    return answer([ref.sha256 for ref in refs if not _is_there(store, ref)])


def write(store: Store, request: Request, sha256: str) -> Response:
    """``PATCH /blobs/{sha256}?size=``: 204 and the new Upload-Offset; 409 where it begins elsewhere than at the present one."""
    ref = _ref(request, sha256)
    given = request.headers.get("upload-offset", "")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise refusal(400, "Upload-Offset says where the bytes begin.")
    start, content = int(given), request.read()
    if _is_there(store, ref):
        return _told(204, ref, ref.size)
    if start + len(content) > ref.size:
        raise refusal(422, "There are more bytes than size says.")
    if start == 0 and len(content) == ref.size:
        return _keep(store, ref, iter((content,)))
    path = _begun(store, ref)
    here = _size(path)
    if start > here:
        raise refusal(409, f"{here} bytes are here: go on from there.", Upload_Offset=str(here))
    try:
        _write(path, start, content)
        here = _size(path)
        if here < ref.size:
            return _told(204, ref, here)
        file = path.open("rb")
    except FileNotFoundError:  # another upload of these bytes has ended meanwhile
        return _told(409, ref, ref.size if _is_there(store, ref) else 0)
    with file:
        try:
            return _keep(store, ref, iter(lambda: file.read(_PIECE), b""))
        finally:
            path.unlink(missing_ok=True)


def _ref(request: Request, sha256: str) -> BlobRef:
    size = request.params.get("size", "")
    if not _NAME.match(sha256):
        raise refusal(404, "Not Found")
    if not size.isascii() or not size.isdigit() or len(size) > 18:
        raise refusal(422, "size says how many bytes there are in all: ?size=1234.")
    if int(size) > LARGEST:
        raise refusal(413, f"More than {LARGEST:,} bytes are not taken.")
    return BlobRef(sha256=sha256, size=int(size), media=MEDIA)


def _told(status: int, ref: BlobRef, here: int) -> Response:
    return Response(status, headers={_OFFSET: str(here), _LENGTH: str(ref.size)})


def _is_there(store: Store, ref: BlobRef) -> bool:
    try:
        store.open_blob(ref).close()
    except BlobMissing:
        return False
    return True


def _keep(store: Store, ref: BlobRef, parts: Iterator[bytes]) -> Response:
    store.put_blob(_verified(ref, parts), ref.media)
    return _told(204, ref, ref.size)


def _verified(ref: BlobRef, parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts; at their end, `Refused` unless they are those of that hash, so that a store keeps nothing of them."""
    hashed, size = hashlib.sha256(), 0
    for part in parts:
        hashed.update(part)
        size += len(part)
        yield part
    if hashed.hexdigest() != ref.sha256 or size != ref.size:
        raise refusal(422, "These are not the bytes of that hash: upload them again from the beginning.")


def _name(ref: BlobRef) -> str:
    return f"{ref.sha256}-{ref.size}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _write(path: Path, start: int, content: bytes) -> None:
    """Raises `FileNotFoundError` where there is nothing to go on with: a new file would have a hole."""
    flags = (0 if start else os.O_CREAT) | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.seek(start)
            file.write(content)
    except OSError as error:
        if start and isinstance(error, FileNotFoundError):
            raise
        raise StoreError(f"{path.parent} takes no uploads: {error.strerror}") from error


def _begun(store: Store, ref: BlobRef) -> Path:
    """The file of an upload. Raises `Refused` where too much is unfinished; sweeps what nobody went on with."""
    folder = _place(store)
    path = folder / _name(ref)
    if path.exists():
        return path
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}") from error
    total = 0
    for other in folder.iterdir():
        with contextlib.suppress(OSError, ValueError):
            stat = other.stat()
            if time.time() - stat.st_mtime > ABANDONED_SECONDS:
                other.unlink()
            else:
                total += int(other.name.rpartition("-")[2])  # what it may come to: nobody asks again while it grows
    if total + ref.size > MOST_UNFINISHED:
        raise refusal(429, "Too many uploads are unfinished: finish those first, or wait a day.")
    return path


def _place(store: Store) -> Path:
    folder = getattr(store, "folder", None) or getattr(store, "blobs_folder", None)  # the latter is shared by replicas
    if isinstance(folder, Path):
        return folder / "uploads"
    import platformdirs

    return Path(platformdirs.user_cache_dir("nb_artifacts", appauthor=False)) / "uploads" / store.id
