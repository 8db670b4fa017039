"""R-29, S-15, S-16: what leaves a store in a file comes back equal, and a hostile file does nothing."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from contract.given import of, record, run, versions
from corpus import MARKUP
from faults.elsewhere import Pair
from msgspec import Raw

from nb_artifacts import archive, copying, wire
from nb_artifacts.errors import InvalidKey, InvalidValue
from nb_artifacts.store import open_store
from nb_artifacts.wire import Patch, Query, RunKind, Sort


def write(store, path, keys=()):
    return archive.export(copying.StoreSource(store, keys), path)


def read(path, store, keys=()):
    with archive.opened(path, "export") as file:
        return copying.copy(archive.ArchiveSource(file, path, keys), copying.StoreTarget(store))


def content(store):
    """All that is kept, without what each store counts for itself."""
    return {found.id: (found.key, found.version, found.type, bytes(found.data), found.info, found.created, found.updated,
                       found.description, found.metadata_, found.tags, found.blob, found.task_run_id)
            for found in store.find(Query(data=True))}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    """A thousand artifacts: the corpus of hostile values, long ones, bytes, runs, updates."""
    store = open_store(tmp_path / "home", durable=False)
    session = store.put_run(run(RunKind.session))
    cell = store.put_run(run(session_id=session.id, parent_id=session.id))
    for n, case in enumerate(MARKUP.values()):
        store.put(record(f"case-{n}", {"value": str(case).encode(errors="replace").decode()}, description=f"n {n}"))
    for n in range(1000 - len(MARKUP)):
        store.put(record(f"k{n % 50}" if n % 9 else None, n, tags=["a"], info={"n": n}, task_run_id=cell.id))
    store.put(record("long", "x" * 400_000))
    store.put(record("blob", 1, blob=store.put_blob(b"bytes" * 1000, "text/plain")))
    store.put(record("twin", 1, blob=store.put_blob(b"bytes" * 1000, "text/plain")))
    changed = store.find(of(key="k1", sort=Sort.VERSION_DESC))[0]
    store.patch(changed.id, Patch(data=Raw(b'"changed"')))
    return store


def test_round_trip(store, tmp_path):
    """The second export has the same bytes, and importing twice is as good as once."""
    assert write(store, tmp_path / "a.zip").added == 1003
    other = open_store(tmp_path / "other", durable=False)
    first = read(tmp_path / "a.zip", other)
    assert (first.added, first.runs, first.damaged) == (1003, 2, [])
    assert content(other) == content(store)
    seq = other.last_seq()
    again = read(tmp_path / "a.zip", other)
    assert (again.added, again.same) == (0, 1003)
    assert other.last_seq() == seq, "nothing was written"
    write(other, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == (tmp_path / "a.zip").read_bytes()


def test_one_key_with_its_runs(store, tmp_path):
    write(store, tmp_path / "a.zip", ["k1"])
    other = open_store(tmp_path / "other")
    copied = read(tmp_path / "a.zip", other)
    assert {key for key, *_ in content(other).values()} == {"k1"}
    assert copied.runs == 2
    one = open_store(tmp_path / "one")
    write(store, tmp_path / "all.zip")
    assert read(tmp_path / "all.zip", one, ["k1"]).added == copied.added
    assert content(one) == content(other)


def test_a_key_that_is_not_there(store, tmp_path):
    with pytest.raises(InvalidValue, match="'nope'"):
        write(store, tmp_path / "a.zip", ["nope"])
    assert list(tmp_path.glob("*.zip")) == []
    write(store, tmp_path / "a.zip")
    with pytest.raises(InvalidValue, match=r"'nope' in .*a\.zip"):
        read(tmp_path / "a.zip", open_store(tmp_path / "other", durable=False), ["k1", "nope"])


def test_from_store_to_store(store, tmp_path):
    other = open_store(tmp_path / "other", durable=False)
    copied = copying.copy(copying.StoreSource(store), copying.StoreTarget(other))
    assert copied.added == 1003
    assert content(other) == content(store)


def test_to_a_server_bytes_go_once_and_what_it_refuses_is_left_out(tmp_path):
    pair = Pair(tmp_path, durable=False)
    ref, refused = (pair.here.put_blob(part * 3_000_000, "text/plain") for part in (b"abc", b"xyz"))
    for n in range(3):
        pair.here.put(record(f"k{n}", blob=ref))
    pair.here.put(record("large", blob=refused))
    pair.connection.fault = lambda method, path, body: 413 if refused.sha256 in path else None
    target = copying.StoreTarget(pair.remote)
    copied = copying.copy(copying.StoreSource(pair.here), target)
    assert (copied.added, len(copied.damaged)) == (3, 1)
    assert "large@1" in copied.damaged[0] and "refuses" in copied.damaged[0]
    uploads = [path for method, path, *_ in pair.connection.asked if method == "PATCH" and ref.sha256 in path]
    assert len(uploads) == 2, "in two pieces, and not again"
    pair.connection.fault = lambda *_: None
    assert copying.copy(copying.StoreSource(pair.here), target).added == 1
    assert content(pair.there) == content(pair.here)
    pair.close()


def test_the_newer_state_wins(tmp_path):
    here, there = open_store(tmp_path / "here"), open_store(tmp_path / "there")
    mine = here.put(record("k", "first"))
    copying.copy(copying.StoreSource(here), copying.StoreTarget(there))
    here.patch(mine.id, Patch(data=Raw(b'"second"'), info={"a": 1}))
    assert copying.copy(copying.StoreSource(here), copying.StoreTarget(there)).updated == 1
    assert bytes(there.get(mine.id).data) == b'"second"'
    there.patch(mine.id, Patch(data=Raw(b'"third"')))
    assert copying.copy(copying.StoreSource(here), copying.StoreTarget(there)).same == 1
    assert bytes(there.get(mine.id).data) == b'"third"'


@pytest.mark.parametrize("member", [{"key": "other"}, {"type": "image"}])
def test_an_id_that_is_another_artifacts_changes_nothing(tmp_path, member):
    """A file from anywhere may say any id, and a time later than all."""
    here, there = open_store(tmp_path / "here"), open_store(tmp_path / "there")
    mine = here.put(record("k", "mine", type="markdown"))
    later = mine.updated + timedelta(days=1)
    there.put(record(**{"id": mine.id, "key": "k", "data": "theirs", "type": "markdown", "updated": later, **member}))
    there.put(record("fine"))
    copied = copying.copy(copying.StoreSource(there), copying.StoreTarget(here))
    assert (copied.added, copied.updated, len(copied.damaged)) == (1, 0, 1)
    assert "another key or type" in copied.damaged[0]
    assert bytes(here.get(mine.id).data) == b'"mine"'


def test_what_was_deleted_stays_so(tmp_path):
    here, there = open_store(tmp_path / "here"), open_store(tmp_path / "there")
    mine = here.put(record("k", "first"))
    copying.copy(copying.StoreSource(here), copying.StoreTarget(there))
    there.delete(mine.id)
    assert copying.copy(copying.StoreSource(here), copying.StoreTarget(there)).deleted == 1
    assert there.count(Query()) == 0


def test_damaged_bytes_are_left_out_and_said(store, tmp_path):
    blob = store.find(of(key="blob"))[0].blob
    store.upkeep.blob_path(blob.sha256).write_bytes(b"otherwise".ljust(blob.size))
    copied = write(store, tmp_path / "a.zip")
    assert copied.added == 1001
    assert len(copied.damaged) == 2
    assert all(blob.sha256 in line and "@1" in line for line in copied.damaged)


# A file from somebody else


def forged(path, records=(), blobs=(), manifest=None, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("nb-artifacts.json", json.dumps(manifest or {"format": "export", "schema": 1}))
        file.writestr("artifacts.jsonl", b"".join(line + b"\n" for line in records))
        file.writestr("runs.jsonl", b"")
        for name, data in blobs:
            file.writestr(name, data)
    return path


def line(**members):
    return json.dumps({**json.loads(wire.encode(record("k"))), **members}).encode()


HASH = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"  # of b"foo\n"


@pytest.mark.parametrize(
    "sha256", ["../../../etc/passwd", "..%2f..%2fetc", "/etc/passwd", "..\\..\\x", "a\0b", HASH[:-1], HASH + "/../x"]
)
def test_names_lead_nowhere(tmp_path, sha256):
    blob = {"sha256": sha256, "size": 4, "media": "text/plain"}
    path = forged(tmp_path / "a.zip", [line(blob=blob)], [("../escaped", b"foo\n"), ("/blobs/x", b"foo\n")])
    store = open_store(tmp_path / "home" / "inner")
    before = {found for found in tmp_path.rglob("*") if "home" not in found.parts}
    copied = read(path, store)
    assert len(copied.damaged) == 1
    assert store.count(Query()) == 0
    assert {found for found in tmp_path.rglob("*") if "home" not in found.parts} == before


def test_bytes_count_by_their_hash(tmp_path):
    blob = {"sha256": HASH, "size": 4, "media": "text/plain"}
    store = open_store(tmp_path / "home")
    wrong = forged(tmp_path / "a.zip", [line(blob=blob)], [(f"blobs/{HASH}", b"bar\n")])
    assert len(read(wrong, store).damaged) == 1
    right = forged(tmp_path / "b.zip", [line(blob=blob)], [(f"blobs/{HASH}", b"foo\n")])
    assert read(right, store).added == 1


def test_a_bomb_is_not_unpacked(tmp_path):
    blob = {"sha256": HASH, "size": 1 << 30, "media": "text/plain"}
    path = forged(tmp_path / "a.zip", [line(blob=blob)], [(f"blobs/{HASH}", bytes(1 << 24))], method=zipfile.ZIP_DEFLATED)
    store = open_store(tmp_path / "home")
    assert len(read(path, store).damaged) == 1
    assert sum(found.stat().st_size for found in (tmp_path / "home").rglob("blobs/*/*")) == 0


@pytest.mark.parametrize(
    "bad", [b"{", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", line(id="nothing"), line(created="yesterday"), line(tags=3)]
)
def test_a_line_that_is_no_record(tmp_path, bad):
    path = forged(tmp_path / "a.zip", [line(), bad])
    store = open_store(tmp_path / "home")
    with pytest.raises(InvalidValue, match=r"artifacts\.jsonl, line 2"):
        read(path, store)
    assert store.count(Query()) == 1, "what came before it is kept, once"


def test_a_key_that_is_none(tmp_path):
    with pytest.raises(InvalidKey, match="Not A Key"):
        read(forged(tmp_path / "a.zip", [line(key="Not A Key")]), open_store(tmp_path / "home"))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"format": "export", "schema": 99}, "newer release"),
        ({"format": "backup", "schema": 1}, "restore"),
        ({"a": 1}, "no export"),
    ],
)
def test_another_kind_of_file(tmp_path, manifest, words):
    with pytest.raises(InvalidValue, match=words):
        read(forged(tmp_path / "a.zip", manifest=manifest), open_store(tmp_path / "home"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 5000, b"\x80\x04\x95."])
def test_what_is_no_zip(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InvalidValue, match=r"a\.zip"):
        read(tmp_path / "a.zip", open_store(tmp_path / "home"))


def test_any_byte_of_a_file_may_be_wrong(store, tmp_path):
    import random

    write(store, tmp_path / "a.zip", ["blob", "k1"])
    whole = (tmp_path / "a.zip").read_bytes()
    chance, refused = random.Random(5), 0
    for n in range(60):
        at = chance.randrange(len(whole))
        (tmp_path / "b.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        other = open_store(tmp_path / f"o{n}", durable=False)
        try:
            refused += bool(read(tmp_path / "b.zip", other).damaged)
        except InvalidValue:
            refused += 1
        for found in other.find(Query()):
            if found.blob:
                assert other.open_blob(found.blob).read() == b"bytes" * 1000
        other.close()
    assert refused > 10


def test_versions_are_numbered_in_their_order(tmp_path):
    here = open_store(tmp_path / "here")
    made = [here.put(record("k", n)) for n in range(5)]
    here.delete(made[2].id)
    write(here, tmp_path / "a.zip")
    there = open_store(tmp_path / "there")
    read(tmp_path / "a.zip", there)
    assert versions(there, "k") == [4, 3, 2, 1]
    assert [bytes(found.data) for found in there.find(of(key="k", sort=Sort.VERSION_DESC))] == [b"4", b"3", b"1", b"0"]


def test_nothing_half_written_is_left(store, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(io, "BytesIO", fail)
    with pytest.raises(OSError, match="No space"):
        write(store, tmp_path / "a.zip")
    assert [found.name for found in tmp_path.iterdir()] == ["home"]


def test_a_place_that_cannot_be_written(store, tmp_path):
    with pytest.raises(InvalidValue, match="nowhere"):
        write(store, tmp_path / "nowhere" / "a.zip")
