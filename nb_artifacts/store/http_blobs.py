"""Bytes to and from our server, by their SHA-256: uploads go on where they stopped, downloads are verified."""

from __future__ import annotations

import hashlib
import re
import tempfile
from typing import IO, TYPE_CHECKING

import msgspec

from nb_artifacts.errors import BlobMissing, Rejected
from nb_artifacts.store.http_client import SEND_SECONDS, decoded
from nb_artifacts.wire import BlobRef, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb_artifacts.store.http_client import Answer, Connection

PIECE = 8 * 1024 * 1024
"""So much goes in one request."""

HASHED = 20_000_000
"""Bytes a second that a slow server verifies when the last piece has come."""

SLOWEST = 10_000
"""Bytes a second; a download over a slower line is given up."""

MOST_SETBACKS = 5
"""So often it may be said that less is there than was thought, as replicas do that each have parts of their own."""

AT_ONCE = 60 * 1024 * 1024
"""So much may be tried in a single request then, which needs no parts."""

IN_MEMORY = 8 * 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}\Z")
_names = msgspec.json.Decoder(list[str])


def spool(content: bytes | Iterator[bytes], media: str) -> tuple[BlobRef, IO[bytes]]:
    """The bytes as a file, with their hash: an upload has to say it first."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
    hashed = hashlib.sha256()
    try:
        for part in (content,) if isinstance(content, (bytes, bytearray, memoryview)) else content:
            hashed.update(part)
            file.write(part)
        size = file.tell()
    except BaseException:
        file.close()
        raise
    return BlobRef(sha256=hashed.hexdigest(), size=size, media=media), file


def missing(connection: Connection, refs: Sequence[BlobRef]) -> list[BlobRef]:
    """Those that the server does not have."""
    if not refs:
        return []
    body = encode({"blobs": [{"sha256": ref.sha256, "size": ref.size} for ref in refs]})
    answer = connection.ask("POST", "/blobs/missing", body)
    if answer.status != 200:
        raise connection.not_an_answer()
    gone = set(decoded(connection, answer, _names))
    return [ref for ref in refs if ref.sha256 in gone]


def upload(connection: Connection, ref: BlobRef, file: IO[bytes]) -> None:
    """Send the bytes of `file`, from where the server says that an earlier attempt ended.

    Raises `Rejected` where the server refuses them: too large, or not the bytes of that hash; and where it loses parts.
    """
    path = f"/blobs/{ref.sha256}?size={ref.size}"
    offset, setbacks, size = 0, 0, PIECE
    if ref.size > PIECE:
        offset = _offset(connection, connection.ask("HEAD", path), ref)
    resumed = offset > 0
    while offset < ref.size or ref.size == 0:
        file.seek(offset)
        piece = file.read(min(size, ref.size - offset))
        if not piece and ref.size:
            raise BlobMissing(ref.sha256)
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
        seconds = SEND_SECONDS + len(piece) / 200_000 + (ref.size / HASHED if offset + len(piece) == ref.size else 0)
        answer = connection.ask("PATCH", path, piece, headers=headers, seconds=seconds)
        if answer.status == 422 and resumed:  # what was there of an earlier attempt may be what is wrong, and is gone
            resumed, offset = False, 0
            continue
        before, offset = offset, _offset(connection, answer, ref)
        if ref.size == 0:
            return
        if offset > before:
            continue
        setbacks += 1
        if setbacks > MOST_SETBACKS:
            if size == ref.size or ref.size > AT_ONCE:
                why = f"{connection.host} loses parts of the {ref.size:,} bytes {ref.sha256}: its replicas share none"
                raise Rejected(why, status=answer.status)
            size, offset = ref.size, 0


def _offset(connection: Connection, answer: Answer, ref: BlobRef) -> int:
    """How much the server has by now; a 409 says that it has less or more than was thought."""
    if answer.status in {400, 411, 413, 415, 422, 507}:
        raise Rejected(
            f"{connection.host} refuses the {ref.size:,} bytes {ref.sha256}: {answer.detail()}", status=answer.status
        )
    found = answer.headers.get("upload-offset", "")
    if answer.status not in {200, 204, 409} or not found.isdigit() or int(found) > ref.size:
        raise connection.not_an_answer()
    return int(found)


def download(connection: Connection, ref: BlobRef) -> IO[bytes]:
    """The bytes as a file. Raises `BlobMissing` where the server has none of that hash, or others."""
    if not _NAME.match(ref.sha256):
        raise BlobMissing(ref.sha256[:80], connection.address)
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        verified = _copy(connection, ref, file)
    except BaseException:
        file.close()
        raise
    if not verified:
        file.close()
        raise BlobMissing(ref.sha256, connection.address)
    file.seek(0)
    return file


def _copy(connection: Connection, ref: BlobRef, file: IO[bytes]) -> bool:
    """Whether the server's bytes, now in `file`, are those of the hash."""
    hashed = hashlib.sha256()
    with connection.open("GET", f"/blobs/{ref.sha256}?size={ref.size}", accept="*/*") as response:
        if response.status_code != 200:
            return False
        for piece in connection.pieces(response, SEND_SECONDS, SLOWEST):
            hashed.update(piece)
            file.write(piece)
    return hashed.hexdigest() == ref.sha256 and file.tell() == ref.size
