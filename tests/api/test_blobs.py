"""An artifact's bytes: whole, in ranges, not again where the client has them, and never to be run."""

from __future__ import annotations

import uuid

import pytest

from nb_artifacts import wire
from nb_artifacts.api import Request
from nb_artifacts.wire import Record

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


@pytest.fixture
def keep(store):
    def keep(content=PNG, media="image/png", key=None):
        now = wire.now()
        record = Record(id=wire.new_id(), created=now, updated=now, key=key, blob=store.put_blob(content, media))
        return store.put(record)

    return keep


def test_the_bytes(ask, keep):
    record = keep(key="plot")
    reply = ask("GET", f"/artifacts/{record.id}/blob")
    assert (reply.status, reply.body) == (200, PNG)
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.headers["Content-Length"] == str(len(PNG))
    assert reply.headers["Content-Disposition"] == 'inline; filename="plot.png"'
    assert reply.headers["ETag"] == f'"{record.blob.sha256}"'
    assert reply.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("media", "sent", "name"),
    [
        ("image/svg+xml", "image/svg+xml", "x.svg"),
        ("text/html", "text/html", "x.html"),
        ("application/xhtml+xml", "application/xhtml+xml", "x.xml"),
        ("application/pdf", "application/pdf", "x.pdf"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet", "x.parquet"),
        ("image/png\r\nX-Evil: 1", "application/octet-stream", "x.bin"),
        ("image/png; charset=utf-8", "application/octet-stream", "x.bin"),
        ("nonsense", "application/octet-stream", "x.bin"),
        ('a/b";x="', "application/octet-stream", "x.bin"),
    ],
)
def test_what_a_browser_could_run_is_a_download(ask, keep, media, sent, name):
    record = keep(b"<svg onload='alert(1)'/>", media, "x")
    headers = ask("GET", f"/artifacts/{record.id}/blob").headers
    assert headers["Content-Type"] == sent
    assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("media", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_pictures_are_shown_but_never_sniffed(ask, keep, media):
    headers = ask("GET", f"/artifacts/{keep(media=media).id}/blob").headers
    assert headers["Content-Disposition"].startswith("inline")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("range", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=1000-", 1000, len(PNG)),
        ("bytes=-5", len(PNG) - 5, len(PNG)),
        ("bytes=1000-999999", 1000, len(PNG)),
    ],
)
def test_ranges(ask, keep, range, start, end):
    reply = ask("GET", f"/artifacts/{keep().id}/blob", range=range)
    assert (reply.status, reply.body) == (206, PNG[start:end])
    assert reply.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(PNG)}"
    assert reply.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("range", ["bytes=5-4", "bytes=x-", "rows=1-2", "bytes=0-1,4-5", "bytes=-", "bytes=" + "9" * 30 + "-"])
def test_ranges_that_are_ignored(ask, keep, range):
    assert ask("GET", f"/artifacts/{keep().id}/blob", range=range).status == 200


@pytest.mark.parametrize("range", [f"bytes={len(PNG)}-", "bytes=999999-1000000", "bytes=-0"])
def test_ranges_outside(ask, keep, range):
    reply = ask("GET", f"/artifacts/{keep().id}/blob", range=range)
    assert reply.status == 416
    assert reply.headers["Content-Range"] == f"bytes */{len(PNG)}"


def test_a_range_of_bytes_that_have_changed(ask, keep):
    record = keep()
    same = f'"{record.blob.sha256}"'
    assert ask("GET", f"/artifacts/{record.id}/blob", range="bytes=0-1", if_range=same).status == 206
    assert ask("GET", f"/artifacts/{record.id}/blob", range="bytes=0-1", if_range='"other"').status == 200


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_bytes_that_the_client_has(ask, keep, form):
    record = keep()
    reply = ask("GET", f"/artifacts/{record.id}/blob", if_none_match=form.format(record.blob.sha256))
    assert (reply.status, reply.body) == (304, b"")
    assert reply.headers["ETag"] == f'"{record.blob.sha256}"'


def test_empty_bytes(ask, keep):
    record = keep(b"", "text/plain")
    assert ask("GET", f"/artifacts/{record.id}/blob").status == 200
    assert ask("GET", f"/artifacts/{record.id}/blob", range="bytes=0-").status == 416


def test_no_bytes(ask, keep, store):
    plain = ask("POST", "/artifacts/", {"data": "x" * 500_000}).json()["id"]
    assert ask("GET", f"/artifacts/{plain}/blob").status == 404
    assert ask("GET", f"/artifacts/{uuid.uuid4()}/blob").status == 404
    record = keep()
    for file in store.folder.glob("blobs/*/*"):
        if file.name == record.blob.sha256:
            file.unlink()
    reply = ask("GET", f"/artifacts/{record.id}/blob")
    assert reply.status == 404
    assert record.blob.sha256 in reply.json()["detail"]


def test_the_file_is_closed_when_the_client_leaves(ask, keep):
    response = ask.api(Request("GET", f"/artifacts/{keep(bytes(1_000_000)).id}/blob"))
    next(response.body)
    frame = response.body.gi_frame
    file = frame.f_locals["file"]
    response.body.close()
    assert file.closed
