"""``GET /artifacts/{id}/blob``: an artifact's bytes, served so that a browser cannot be made to run them."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

from nb_artifacts.api.message import Request, Response, refusal
from nb_artifacts.errors import BlobMissing

if TYPE_CHECKING:
    from collections.abc import Generator
    from uuid import UUID

    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record

INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser may show by itself. SVG is not here: it holds scripts."""

_MEDIA = re.compile(r"[a-z0-9][\w.+-]*/[a-z0-9][\w.+-]*", re.IGNORECASE)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_PIECE = 256 * 1024


def read_blob(store: Store, request: Request, id: UUID) -> Response:
    """200, 206 for a range, 304 where the client has it, 404 where there are no bytes, 416 for an empty range."""
    record = store.get(id)
    if record is None:
        raise refusal(404, "Artifact not found.")
    if record.blob is None:
        raise refusal(404, "This artifact has no bytes apart from its data.")
    headers = _headers(record)
    if _names(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(304, headers={name: headers[name] for name in ("ETag", "Cache-Control")})
    size = record.blob.size
    start, end = _range(request, headers["ETag"], size) or (0, size)
    try:
        file = store.open_blob(record.blob)
    except BlobMissing as error:
        raise refusal(404, str(error)) from None
    headers["Content-Length"] = str(end - start)
    partial = end - start < size
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Response(206 if partial else 200, pieces(file, start, end), headers)


def _headers(record: Record) -> dict[str, str]:
    assert record.blob is not None
    media = record.blob.media if _MEDIA.fullmatch(record.blob.media) else "application/octet-stream"
    name = f"{(record.key or str(record.id))[:100]}.{_extension(media)}"
    disposition = "inline" if media.lower() in INLINE else "attachment"
    return {
        "Content-Type": media,
        "Content-Disposition": f'{disposition}; filename="{name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": f'"{record.blob.sha256}"',
        "Cache-Control": "private, no-cache",  # the bytes of a progress or display artifact may change
        "Accept-Ranges": "bytes",
    }


def _extension(media: str) -> str:
    known = {"application/vnd.apache.parquet": "parquet", "image/svg+xml": "svg", "image/jpeg": "jpg"}
    last = media.lower().rpartition("/")[2].rpartition("+")[2]
    return known.get(media.lower()) or (last if last.isalnum() and len(last) <= 10 else "bin")


def _names(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return etag in tags or "*" in tags


def _range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Start and end of the one range asked for; None for the whole. Raises `Refused` (416) where it is empty."""
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or not (match[1] or match[2]) or max(len(match[1]), len(match[2])) > 18:
        return None
    if request.headers.get("if-range", etag).strip() != etag:
        return None
    if match[1]:
        start = int(match[1])
        end = min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    else:
        start, end = max(size - int(match[2]), 0), size
    if start >= end:
        raise refusal(416, "The range is outside of the bytes.", Content_Range=f"bytes */{size}")
    return start, end


def pieces(file: IO[bytes], start: int, end: int) -> Generator[bytes, None, None]:
    """The bytes of a file from one place to another; it is closed at the end."""
    with file:
        file.seek(start)
        while start < end:
            piece = file.read(min(_PIECE, end - start))
            if not piece:
                return
            start += len(piece)
            yield piece
