"""R-33: what can be read of a damaged database is taken into a new one, and the damaged one is kept."""

import random
import shutil
import sqlite3

import pytest
from contract.given import record, run, versions

from nb_artifacts.errors import StoreDamaged, StoreError
from nb_artifacts.store import open_store
from nb_artifacts.store.remotes import Remotes
from nb_artifacts.store.salvage import salvage
from nb_artifacts.wire import Query

ARTIFACTS = 300


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A folder of many pages: keys with deleted versions, long payloads, blobs, runs."""
    home = tmp_path_factory.mktemp("sound") / "home"
    store = open_store(home, durable=False)
    made = [
        store.put(record(f"k{n % 7}", "x" * (n * 10), type="t", tags=["a"], info={"n": n}, metadata_={"a": "b"}))
        for n in range(ARTIFACTS)
    ]
    store.put(record("blob", "b", blob=store.put_blob(b"bytes", "text/plain")))
    store.put_run(run())
    store.delete(made[-1].id)
    store.close()
    with sqlite3.connect(home / "store.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return home


@pytest.fixture
def home(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "home")


def all_of(folder):
    return {found.id: found for found in open_store(folder).find(Query(data=True))}


def test_a_sound_database_comes_through_whole(home):
    before, id = all_of(home), open_store(home).id
    numbers = versions(open_store(home), "k5")
    open_store(home).close()
    saved = salvage(home)
    assert (saved.artifacts, saved.runs, saved.lost) == (ARTIFACTS, 1, 0)
    assert all_of(home) == before
    store = open_store(home)
    assert store.id == id
    assert versions(store, "k5") == numbers
    assert store.put(record(f"k{(ARTIFACTS - 1) % 7}")).version == 43 + 1, "a deleted number never comes back"
    assert store.count(Query(latest=True)) == 8
    assert store.find(Query(latest=True, limit=1))[0].version
    assert (home / saved.kept / "store.db").exists()
    assert store.journal == "wal"


def test_a_plain_journal_stays_plain(home):
    with sqlite3.connect(home / "store.db") as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    salvage(home)
    assert open_store(home).journal == "delete"


def zero_pages(path, count, seed):
    """Overwrite pages, the first (the schema) apart."""
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    chance = random.Random(seed)
    for page in chance.sample(range(3, len(content) // size), count):
        content[page * size : (page + 1) * size] = chance.randbytes(size)
    path.write_bytes(content)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_pages_cost_what_lies_on_them(home, seed):
    before = all_of(home)
    open_store(home).close()
    zero_pages(home / "store.db", 2, seed)
    damaged = (home / "store.db").read_bytes()
    try:
        saved = salvage(home)
    except StoreDamaged:
        pytest.fail("a part can always be read here")
    assert (home / saved.kept / "store.db").read_bytes() == damaged, "it is kept as it was"
    assert saved.artifacts >= ARTIFACTS // 2
    store = open_store(home)
    assert store.upkeep.integrity() is None
    for found in store.find(Query()):
        assert found.key == before[found.id].key
        assert found.version == before[found.id].version
    assert store.put(record("k0", "new")).version > max(found.version for found in before.values() if found.key == "k0")


def test_what_is_no_database_stays_as_it_is(home):
    (home / "store.db").write_bytes(b"not a database at all" * 500)
    with pytest.raises(StoreDamaged, match="nothing could be read"):
        salvage(home)
    assert (home / "store.db").read_bytes() == b"not a database at all" * 500
    assert list(home.glob("damaged-*")) == []


def test_without_a_folder(tmp_path):
    with pytest.raises(StoreError, match="nowhere"):
        salvage(tmp_path / "nowhere")


def test_what_is_made_after_rows_were_lost_is_sent(home):
    """The place in the feed of a remote is not ahead of what is left: that would keep new rows from it for ever."""
    store, address = open_store(home), "https://server/api"
    remotes = Remotes(store)
    remotes.first_seen(address)
    for lost in [store.put(record("lost")) for _ in range(3)]:
        remotes.attempted(address, [(lost.id, lost.seq)])
        remotes.settle(address, lost.id, lost.seq, lost.version)
    remotes.first_seen("https://newer/api")
    remotes.advance(address)
    store.close()
    with sqlite3.connect(home / "store.db") as connection:  # as where their pages are damaged
        connection.execute("DELETE FROM artifact WHERE key = 'lost'")
    salvage(home)
    store = open_store(home)
    made = store.put(record("new"))
    for each in Remotes(store).addresses():
        assert [row.id for row in Remotes(store).pending(each)] == [made.id]
