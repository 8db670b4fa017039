"""The store's folder is private, and is not somebody else's (S-28); its names lead nowhere else (S-15)."""

import os
import stat
import sys

import pytest
from contract.given import record

from nb_artifacts.errors import StoreError
from nb_artifacts.store import open_store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows folders have no such mode bits")


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def all_modes(home):
    return {path.relative_to(home).as_posix(): mode(path) for path in [home, *home.rglob("*")]}


def test_all_is_private_whatever_the_umask(tmp_path, umask):
    home = tmp_path / "a" / "home"
    store = open_store(home)
    store.put(record("k", "x" * 300_000, blob=store.put_blob(iter([b"bytes"]), "text/plain")))
    modes = all_modes(home)
    assert {name.partition("/")[0] for name in modes} == {
        ".",
        "store.db",
        "store.db-wal",
        "store.db-shm",
        "store-id",
        "reserve",
        "swept",
        "blobs",
        "tmp",
    }
    assert {name: oct(bits) for name, bits in modes.items() if bits & 0o077} == {}
    assert modes["."] == 0o700


def test_an_own_folder_made_before_is_taken_and_closed(tmp_path, umask):
    home = tmp_path / "home"
    home.mkdir()
    open_store(home)
    assert mode(home) == 0o700


def test_a_folder_with_other_things_in_it_is_only_closed_to_writing(tmp_path):
    home = tmp_path / "project"
    home.mkdir()
    home.chmod(0o777)
    (home / "notes.txt").write_text("mine")
    store = open_store(home)
    store.put(record("k"))
    assert mode(home) == 0o755
    assert {name: oct(bits) for name, bits in all_modes(home).items() if bits & 0o077 and name not in (".", "notes.txt")} == {}


def test_a_link_of_ones_own_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "real")
    open_store(tmp_path / "home").put(record("k"))
    assert (tmp_path / "real" / "store.db").exists()


@pytest.fixture
def me(monkeypatch):
    """Makes what is there another user's: it is this process that is someone else."""

    def someone_else():
        monkeypatch.setattr(os, "geteuid", lambda: 4242)

    return someone_else


def test_a_folder_of_another_user_is_refused(tmp_path, me):
    home = tmp_path / "home"
    home.mkdir(mode=0o777)
    me()
    with pytest.raises(StoreError, match="another user") as caught:
        open_store(home)
    assert str(home) in str(caught.value)
    assert "NB_ARTIFACTS_HOME" in str(caught.value)
    assert list(home.iterdir()) == []


def test_a_link_of_another_user_is_refused(tmp_path, monkeypatch):
    from nb_artifacts.store import folder

    (tmp_path / "victim").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "victim")
    planted = os.lstat(tmp_path / "home")
    fields = list(planted)
    fields[stat.ST_UID] = 4242
    monkeypatch.setattr(type(tmp_path), "lstat", lambda self: os.stat_result(fields))
    with pytest.raises(StoreError, match="link made by another user"):
        folder.check_owner(tmp_path / "home")


def test_a_dangling_link_is_refused(tmp_path):
    (tmp_path / "home").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="home"):
        open_store(tmp_path / "home")
    assert not (tmp_path / "nowhere").exists()


def test_the_id_lies_beside_the_database(tmp_path):
    home = tmp_path / "home"
    store = open_store(home)
    assert (home / "store-id").read_text() == store.id
    (home / "store-id").write_text("other")
    assert open_store(home).id == store.id
    assert (home / "store-id").read_text() == store.id
    assert open_store(tmp_path / "other").id != store.id


def test_a_relative_folder_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store("home")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.put(record("k"))
    assert store.where == str(tmp_path / "home")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["with space", "ü-漢字", "a%20b?mode=ro#x", "quote'\"", "c:\\x"])
def test_a_folder_may_have_any_name(tmp_path, name):
    open_store(tmp_path / name).put(record("k"))
    assert (tmp_path / name / "store.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
