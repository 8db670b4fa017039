"""What would leave the machine is told whole, or it is said that there is more."""

import pytest
from contract.given import record

from nb_artifacts import leaving as leavings
from nb_artifacts.addresses import RemoteSettings
from nb_artifacts.store import open_store
from nb_artifacts.store.cache import BlobCache
from nb_artifacts.store.numbers import Numbers
from nb_artifacts.store.remotes import Remotes
from nb_artifacts.union import Union

SETTINGS = RemoteSettings("https://server/api")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two old ones of a key and one of another, kept here; then as many that were sent as are looked at."""
    monkeypatch.setattr(leavings, "MOST", 3)
    store = open_store(tmp_path / "home", durable=False)
    remotes = Remotes(store)
    for key in ("old", "old", "other"):
        store.put(record(key))
    remotes.first_seen(SETTINGS.address)
    for made in [store.put(record("old")) for _ in range(3)]:
        remotes.attempted(SETTINGS.address, [(made.id, made.seq)])
        remotes.settle(SETTINGS.address, made.id, made.seq, 1)
    return store


def told(store, **options):
    address = SETTINGS.address
    both = Union(store, None, Numbers(store, address), BlobCache(store.folder, 0), None)
    found = leavings.leaving(both, Remotes(store), SETTINGS, **options)
    return [item.key for item in found.items], "more" in found.told()


def test_what_was_kept_here_is_told_however_much_came_after(folder):
    assert told(folder) == ([], False)
    assert told(folder, all=True) == (["old", "old", "other"], False)
    assert told(folder, key="old") == (["old", "old"], False)


def test_that_there_is_more_is_said(folder):
    for _ in range(4):
        folder.put(record("new"))
    assert told(folder) == (["new"] * 3, True)
    folder.put(record("old"))
    assert told(folder, key="old") == (["new"] * 3 + ["old"] * 2, True)
