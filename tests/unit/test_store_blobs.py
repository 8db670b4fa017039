"""Blobs: whole or not there, shared by equal bytes, gone with their last row (R-34, S-15)."""

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest
from contract.given import record
from msgspec import Raw

from nb_artifacts.errors import BlobMissing, StoreFull
from nb_artifacts.store import open_store, upkeep
from nb_artifacts.wire import Patch, Query


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "home")


def files(store):
    return sorted(path.name for path in (store.folder / "blobs").glob("*/*"))


def grow_old(store, seconds):
    moment = time.time() - seconds
    for path in [*(store.folder / "blobs").glob("*/*"), *(store.folder / "tmp").glob("*"), store.folder / "swept"]:
        os.utime(path, (moment, moment))


def test_lie_under_their_hash(store):
    ref = store.put_blob(b"bytes", "text/plain")
    assert (store.folder / "blobs" / ref.sha256[:2] / ref.sha256).read_bytes() == b"bytes"
    assert store.put_blob(b"bytes", "image/png").sha256 == ref.sha256
    assert files(store) == [ref.sha256]
    assert list((store.folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("damage", ["gone", "short", "long"])
def test_damage_is_told_and_the_rest_works(store, damage):
    ref = store.put_blob(b"bytes", "text/plain")
    spilled = store.put(record("k", "x" * 300_000, blob=ref))
    whole = store.put(record("l", "y" * 300_000, blob=store.put_blob(b"other", "text/plain")))
    for content in (b"bytes", bytes(spilled.data)):
        path = store._blobs.path(hashlib.sha256(content).hexdigest())
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(content[:3] if damage == "short" else content + b"!")
    with pytest.raises(BlobMissing) as caught:
        store.open_blob(ref)
    assert caught.value.sha256 == ref.sha256
    assert str(store.folder) in str(caught.value)
    with pytest.raises(BlobMissing):
        store.get(spilled.id)
    assert store.get(whole.id) == whole
    assert store.open_blob(whole.blob).read() == b"other"
    assert len(store.find(Query())) == 2
    assert store.put_blob(b"bytes", "text/plain") == ref, "putting the bytes again heals"
    assert store.open_blob(ref).read() == b"bytes"
    store.delete(spilled.id)


def test_go_with_the_last_row_that_names_them(store):
    ref = store.put_blob(b"bytes", "text/plain")
    first, second = store.put(record("k", blob=ref)), store.put(record("l", blob=ref))
    grow_old(store, 3600)
    store.delete(first.id)
    assert files(store) == [ref.sha256]
    store.patch(second.id, Patch(data=Raw(b"2")))
    assert files(store) == []


def test_long_data_goes_with_its_row(store):
    put = store.put(record("k", "x" * 300_000))
    other = store.put(record("k", "x" * 300_000))
    assert len(files(store)) == 1
    grow_old(store, 3600)
    store.delete(put.id)
    assert len(files(store)) == 1
    store.patch(other.id, Patch(data=Raw(b"1")))
    assert files(store) == []


def test_stay_while_they_may_be_about_to_get_a_row(store):
    put = store.put(record("k", blob=store.put_blob(b"bytes", "text/plain")))
    store.delete(put.id)
    assert len(files(store)) == 1
    again = store.put(record("k", blob=put.blob))
    grow_old(store, 3600)
    assert store.put_blob(b"bytes", "text/plain") == put.blob
    store.delete(again.id)
    assert len(files(store)) == 1, "asked for again a moment ago"


def test_what_the_dead_left_is_swept_once_a_day(store):
    kept = store.put(record("k", "x" * 300_000, blob=store.put_blob(b"kept", "text/plain")))
    store.put_blob(b"orphan", "text/plain")
    (store.folder / "tmp" / "unfinished").write_bytes(b"half")
    (store.folder / "blobs" / "ab").mkdir(exist_ok=True)
    (store.folder / "blobs" / "ab" / "notes.txt").write_text("not ours")
    grow_old(store, 3600)
    open_store(store.folder)
    assert len(files(store)) == 4, "not yet"
    grow_old(store, upkeep.DAY_SECONDS + 60)
    again = open_store(store.folder)
    assert len(files(store)) == 3
    assert again.get(kept.id) == kept
    assert again.open_blob(kept.blob).read() == b"kept"
    assert list((store.folder / "tmp").iterdir()) == []
    assert (store.folder / "blobs" / "ab" / "notes.txt").exists()


def test_no_space_leaves_nothing_behind(store, monkeypatch):
    import errno

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull, match=str(store.folder)):
        store.put_blob(b"bytes", "text/plain")
    assert list((store.folder / "tmp").iterdir()) == []
    assert not (store.folder / "blobs").exists()
    with pytest.raises(StoreFull):
        store.put(record("k", "x" * 300_000))
    assert store.count(Query()) == 0


def test_are_on_disk_before_they_are_named(store, monkeypatch):
    """The file is flushed, then renamed, then its folder flushed; only then does `put_blob` return."""
    calls = []
    fsync, replace = os.fsync, Path.replace

    def noted(file):
        calls.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
        fsync(file)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "replace", lambda *paths: (calls.append("rename"), replace(*paths)))
    store.put_blob(b"bytes", "text/plain")
    assert calls[0] == "file"
    assert calls[-2:] == ["rename", "folder"]
    calls.clear()
    open_store(store.folder, durable=False).put_blob(b"other", "text/plain")
    assert "file" not in calls
