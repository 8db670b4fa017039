"""R-28: a backup made while six processes write is one state, whole, and restoring it makes a folder like any other."""

import zipfile

import pytest
from contract.given import of, record, versions
from faults.processes import Child
from waiting import until as wait_until

from nb_artifacts.backup import backup, restore
from nb_artifacts.errors import InvalidValue
from nb_artifacts.store import open_store
from nb_artifacts.wire import Query


def write_on(send, writer, home, until):
    store = open_store(home, durable=False)
    n = 0
    while not until.exists():
        blob = store.put_blob(b"%d of %d" % (n, writer), "text/plain") if n % 3 == 0 else None
        made = store.put(record("k", [writer, n], blob=blob))
        if n == 0:
            send(0)
        if n % 7 == 6:
            store.delete(made.id)
        n += 1
    send(n)


def test_while_others_write(tmp_path):
    home, until = tmp_path / "home", tmp_path / "until"
    store = open_store(home)
    writers = [Child(write_on, n, home, until) for n in range(6)]
    for writer in writers:
        assert writer.receive() == 0, "each has begun"
    wait_until(lambda: store.count(Query()) >= 100, 60)
    found = [backup(store, tmp_path / f"{n}.zip") for n in range(4)]
    until.touch()
    wrote = [writer.wait() for writer in writers]
    assert all(count[0] > 0 for count in wrote)
    assert [writer.code for writer in writers] == [0] * 6
    assert sorted(each.artifacts for each in found) == [each.artifacts for each in found]
    for n, each in enumerate(found):
        assert each.missing == []
        assert restore(tmp_path / f"{n}.zip", tmp_path / f"back-{n}") == each
        back = open_store(tmp_path / f"back-{n}")
        assert back.upkeep.integrity() is None
        assert back.id == store.id
        assert back.count(Query()) == each.artifacts
        whole_and_from_the_beginning(back)
        numbers = versions(back, "k")
        assert back.put(record("k", "next")).version > numbers[0]


def whole_and_from_the_beginning(store):
    """Of each writer there is all up to some moment, what it deleted apart; and every row's bytes."""
    import json

    made = {}
    for found in store.find(of(key="k", data=True)):
        writer, n = json.loads(bytes(found.data))
        made.setdefault(writer, set()).add(n)
        if found.blob:
            assert store.open_blob(found.blob).read() == b"%d of %d" % (n, writer)
    for numbers in made.values():
        newest = max(numbers)
        assert numbers - {newest} == {n for n in range(newest) if n % 7 != 6}


def test_a_restored_folder_sends_nothing_twice(tmp_path):
    """The same ids arrive, so whoever has them already says so."""
    from nb_artifacts.copying import StoreSource, StoreTarget, copy

    store, server = open_store(tmp_path / "home"), open_store(tmp_path / "server")
    for n in range(20):
        store.put(record("k", n))
    copy(StoreSource(store), StoreTarget(server))
    backup(store, tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "back")
    again = copy(StoreSource(open_store(tmp_path / "back")), StoreTarget(server))
    assert (again.added, again.same) == (0, 20)
    assert versions(server, "k") == list(range(20, 0, -1))


def test_only_into_an_empty_place(tmp_path):
    store = open_store(tmp_path / "home")
    store.put(record("k"))
    backup(store, tmp_path / "b.zip")
    with pytest.raises(InvalidValue, match="not empty"):
        restore(tmp_path / "b.zip", tmp_path / "home")
    with pytest.raises(InvalidValue, match="is a file"):
        restore(tmp_path / "b.zip", tmp_path / "b.zip")
    assert versions(store, "k") == [1]


@pytest.mark.parametrize("damage", ["database", "blob", "no database", "empty"])
def test_a_damaged_file_makes_no_folder(tmp_path, damage):
    store = open_store(tmp_path / "home")
    store.put(record("k", blob=store.put_blob(b"bytes", "text/plain")))
    backup(store, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as file:
        members = {name: file.read(name) for name in file.namelist()}
    if damage == "database":
        members["store.db"] = members["store.db"][:5000]
    elif damage == "no database":
        del members["store.db"]
    elif damage == "empty":
        members["store.db"] = b""
    else:
        members = {name: b"other" if name.startswith("blobs/") else data for name, data in members.items()}
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    with pytest.raises(InvalidValue, match=r"c\.zip"):
        restore(tmp_path / "c.zip", tmp_path / "back")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["b.zip", "c.zip", "home"]


def test_bytes_that_are_missing_are_said(tmp_path):
    store = open_store(tmp_path / "home")
    ref = store.put_blob(b"bytes", "text/plain")
    store.put(record("k", blob=ref))
    store.upkeep.blob_path(ref.sha256).unlink()
    assert backup(store, tmp_path / "b.zip").missing == [ref.sha256]
    assert restore(tmp_path / "b.zip", tmp_path / "back").missing == [ref.sha256]
