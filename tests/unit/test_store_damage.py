"""R-33: a damaged database is told, never crashed on."""

import contextlib
import random
import shutil

import pytest
from contract.given import record

from nb_artifacts.errors import ArtifactError, StoreDamaged, StoreError
from nb_artifacts.store import open_store
from nb_artifacts.wire import Query, RunQuery


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    home = tmp_path_factory.mktemp("sound") / "home"
    store = open_store(home, durable=False)
    for n in range(60):
        store.put(record(f"k{n % 7}", "x" * (n * 50), type="t", tags=["a"], info={"n": n}, metadata_={"a": "b"}))
    store.close()
    return home


@pytest.fixture
def home(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "home")


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to look like one" * 100, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_what_is_no_database(home, content):
    (home / "store.db").write_bytes(content)
    with pytest.raises(StoreDamaged, match=str(home / "store.db")):
        open_store(home)
    assert (home / "store.db").read_bytes() == content, "it is kept"


def test_the_database_of_another_program(home):
    import sqlite3

    (home / "store.db").unlink()
    other = sqlite3.connect(home / "store.db")
    other.execute("CREATE TABLE things (a)")
    other.execute("PRAGMA user_version = 1")
    other.close()
    with pytest.raises(StoreError, match=str(home)):
        open_store(home)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_cut_file(home, part):
    whole = (home / "store.db").read_bytes()
    (home / "store.db").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(StoreError, match=str(home)):
        use(open_store(home))


def test_an_empty_file_is_a_new_store(home):
    (home / "store.db").write_bytes(b"")
    assert open_store(home).put(record("k")).version == 1


def use(store):
    store.put(record("k0", "y" * 1000))
    for query in (Query(data=True), Query(latest=True), Query(limit=5)):
        for found in store.find(query):
            store.get(found.id)
    store.changes()
    store.find_runs(RunQuery())


def test_any_byte_may_be_wrong(sound, tmp_path):
    """200 places, one after the other: works, or says so."""
    whole = (sound / "store.db").read_bytes()
    chance = random.Random(3)
    sound_ones = 0
    for n in range(200):
        home = tmp_path / str(n)
        shutil.copytree(sound, home)
        at = chance.randrange(100, len(whole))
        (home / "store.db").write_bytes(whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :])
        with contextlib.suppress(ArtifactError):
            use(open_store(home))
            sound_ones += 1
        shutil.rmtree(home)
    assert 0 < sound_ones < 200
