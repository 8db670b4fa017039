"""Whatever text and bytes come, they are kept exactly; large ones in parts."""

import json
import os
import random

import pytest
from contract.given import of, record, run, versions
from faults.processes import Child
from msgspec import Raw

from nb_artifacts.errors import BlobMissing
from nb_artifacts.store import open_store, postgres_blobs
from nb_artifacts.store.postgres import PostgresStore
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Patch, Provenance, Query, RunQuery, TypeFilter

NASTY = [
    "\0",
    "a\0b",
    "\ue000",
    "\ue0000",
    "\ue0001",
    "\0\ue000\0",
    "\ue000\ue000",
    "\\000",
    "\\x00",
    "\uffff",
    "\U0010ffff",
    "\x1b[0m",
    "%s",
    "%(a)s",
    "$1",
    "{}",
    "NULL",
    "\\N",
]


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_a_text_is_kept_and_found_exactly(store, text):
    others = [store.put(record(None, each, type=each)) for each in NASTY if each != text]
    put = store.put(record("k", text, type=text, description=text, metadata_={text: text}, tags=[text], info={text: [text]}))
    assert store.get(put.id) == put
    assert [each.id for each in store.find(of(type=text))] == [put.id]
    assert [each.id for each in store.find(of(type=[text, "other"]))] == [put.id]
    assert store.count(Query(artifacts=ArtifactFilter(type=TypeFilter(not_any_=[text, "x"])))) == len(others)
    about = Provenance(notebook=text, cell_id=text, kernel_id=text, source=text)
    made = store.put_run(run(name=text, provenance=about))
    assert store.get_run(made.id) == made
    assert store.find_runs(RunQuery(notebook=text, cell_id=text, kernel_id=text)) == [made]


@pytest.mark.parametrize(
    "data", ['{"b": 1, "a": 2, "a": 3}', " [1.0, 1e5, 1E400, -0, 10000000000000000000000000] ", '"\\u0000\\ud83d"', '"\\/"']
)
def test_data_is_kept_to_the_byte(store, data):
    given = record()
    given.data = Raw(data.encode())
    store.put(given)
    assert bytes(store.get(given.id).data) == data.encode()
    patched = store.patch(given.id, Patch(data=Raw(data.encode() * 300)))
    assert bytes(patched.data) == bytes(store.get(given.id).data) == data.encode() * 300


def test_deep_and_wide_members_are_kept(store):
    deep = {}
    for _ in range(300):
        deep = {"a": [deep]}
    put = store.put(record("k", deep, info=deep, metadata_={"x" * 10_000: "y" * 100_000}, tags=["t"] * 5_000))
    assert store.get(put.id) == put


def test_texts_too_long_for_an_index_are_kept_and_found(store):
    chance = random.Random(1)
    texts = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789-", k=20_000)) for _ in range(3)]
    texts += [texts[0] + "x", texts[0][:-1], texts[0][:950]]
    made = [store.put(record(text, type=text, description=text)) for text in texts]
    for text, put in zip(texts, made, strict=True):
        assert store.get(put.id) == put
        assert put.version == 1
        assert [each.key for each in store.find(of(key=text))] == [text]
        assert [each.key for each in store.find(of(key=text, latest=True))] == [text]
        assert [each.id for each in store.find(of(type=text))] == [put.id]
        found = store.put_run(run(name=text, provenance=Provenance(notebook=text)))
        assert store.find_runs(RunQuery(notebook=text)) == [found]
    assert {each.key for each in store.find(of(key=texts))} == set(texts)
    assert store.put(record(texts[0])).version == 2
    assert versions(store, texts[0]) == [2, 1]
    within = Query(artifacts=ArtifactFilter(key=KeyFilter(like_=texts[0][10_000:10_100])))
    assert store.count(within) == 4
    beyond = Query(artifacts=ArtifactFilter(key=KeyFilter(like_="~")))
    assert store.count(beyond) == 0
    store.delete(made[1].id)
    assert store.changes(store.last_seq() - 1)[0].deleted.key == texts[1]


def content(size, seed=3):
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 + 7])
def test_a_blob_reads_like_a_file(store, size):
    given = content(size)
    ref = store.put_blob(iter([given[:10], given[10:]]), "image/png")
    assert store.put_blob(given, "image/png") == ref
    with store.open_blob(ref) as file:
        assert file.read() == given
        for start, length in ((0, 5), (2**20 - 3, 6), (size // 2, 2**20), (max(size - 4, 0), 10), (size + 5, 5)):
            assert file.seek(start) == start
            assert file.read(length) == given[start : start + length]
        assert file.seek(-1, os.SEEK_END) == size - 1 if size else True
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)
    assert store._database.rows("SELECT count(*) FROM part") == [(-(-size // 2**20),)]


def test_a_blob_goes_with_the_last_record_that_names_it(store, monkeypatch):
    monkeypatch.setattr(postgres_blobs, "GRACE_SECONDS", -1.0)
    ref = store.put_blob(content(3 * 2**20), "image/png")
    one, two = store.put(record("a", blob=ref)), store.put(record("b", blob=ref))
    store.delete(one.id)
    assert store.open_blob(ref).read(1)
    store.patch(two.id, Patch(data=Raw(b"1")))
    with pytest.raises(BlobMissing):
        store.open_blob(ref)
    assert store._database.rows("SELECT count(*) FROM part") == [(0,)]


def test_a_blob_just_put_stays_until_its_record_comes(store):
    ref = store.put_blob(b"bytes", "image/png")
    first = store.put(record("a", blob=ref))
    store.delete(first.id)
    assert store.put(record("a", blob=ref)).version == 2


def test_no_row_names_a_blob_that_went_meanwhile(store, monkeypatch):
    ref = store.put_blob(b"bytes", "image/png")
    store._database.rows("WITH gone AS (DELETE FROM blob RETURNING 1) SELECT count(*) FROM gone")
    with pytest.raises(BlobMissing, match=ref.sha256):
        store.put(record("a", blob=ref))
    put = store.put(record("a"))
    with pytest.raises(BlobMissing, match=ref.sha256):
        store.patch(put.id, Patch(blob=ref))
    assert store.get(put.id) == put
    assert store.last_seq() == put.seq


def test_leftovers_of_killed_processes_are_swept_after_a_day(address):
    store = open_store(address)
    store._blobs._upload(iter([b"never named"]), "a/b")
    named = store.put(record("a", "x" * 300_000))
    store._database.rows(postgres_blobs._PART, (postgres_blobs._id_of(1000.0), 0, b"unfinished"))
    store._database.rows("UPDATE blob SET put = put - interval '25 hours' RETURNING true")
    open_store(address).close()
    assert store._database.rows("SELECT count(*) FROM part") == [(3,)], "once a day"
    store._database.rows("UPDATE meta SET value = (now() - interval '25 hours')::text WHERE name = 'swept' RETURNING true")
    open_store(address).close()
    assert store._database.rows("SELECT count(*) FROM part") == [(1,)]
    assert store.get(named.id) == named
    store.close()


def test_files_in_a_folder_go_with_their_rows(address, tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_blobs, "GRACE_SECONDS", -1.0)
    store = open_store(f"{address}&blobs={tmp_path}/shared")
    other = PostgresStore(address, blobs=tmp_path / "shared")
    ref = store.put_blob(content(1000), "image/png")
    put = store.put(record("a", blob=ref))
    assert other.open_blob(ref).read() == content(1000)
    assert store._database.rows("SELECT count(*) FROM part") == [(0,)]
    other.delete(put.id)
    with pytest.raises(BlobMissing):
        store.open_blob(ref)
    assert [path for path in (tmp_path / "shared" / "blobs").rglob("*") if path.is_file()] == []
    store.close()
    other.close()


def test_a_forked_process_uses_connections_of_its_own(store):
    before = store.put(record("k"))
    store.changed(before.seq, 0)

    def work(send):
        made = store.put(record("k"))
        send((made.version, store.get(before.id) == before, store.changed(before.seq, 10)))
        store.close()

    children = [Child(work) for _ in range(3)]
    mine = [store.put(record("k")).version for _ in range(5)]
    values = [child.wait()[0] for child in children]
    assert sorted([1, *mine, *(version for version, _, _ in values)]) == list(range(1, 10))
    assert all(same and seq > before.seq for _, same, seq in values)
    assert store.put(record("k")).version == 10
    assert json.loads(bytes(store.get(before.id).data)) == 1
