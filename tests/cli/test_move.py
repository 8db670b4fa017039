"""export, import, backup, restore, doctor, gc."""

import json
import os
import time

import pytest

import nb_artifacts as nba


@pytest.fixture
def kept(home):
    """Three versions of a key, one of them a table, and the folder."""
    for n in range(2):
        nba.create_markdown_artifact(f"# {n}", key="notes")
    nba.create_table_artifact([{"a": n} for n in range(100)], key="numbers")
    return home


def test_from_one_machine_to_another(cli, read, kept, tmp_path, monkeypatch):
    file = tmp_path / "mine.zip"
    assert "3 artifacts to" in cli("export", str(file)).stdout
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "other"))
    assert read("import", str(file), "-o", "json")["added"] == 3
    assert "3 known already" in cli("import", str(file)).stdout
    assert [(found["key"], found["version"]) for found in read("ls", "-o", "json")] == [("numbers", 1), ("notes", 2)]
    assert cli("get", "numbers").stdout.splitlines()[:3] == ["a", "0", "1"]
    assert "session" in cli("inspect", "notes@1").stdout or read("inspect", "notes@1", "-o", "json")[0]["flow_run_id"]


def test_folder_to_folder_and_one_key(cli, read, kept, tmp_path, monkeypatch):
    other = tmp_path / "other"
    cli("export", f"{other}{os.sep}", "--key", "notes")
    cli("import", str(other), code=0)
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(other))
    assert [found["key"] for found in read("ls", "-o", "json")] == ["notes"]
    assert read("import", str(kept), "--key", "numbers", "-o", "json")["added"] == 1


def test_errors_name_what_and_how(cli, kept, tmp_path):
    assert "'nope'" in cli("export", str(tmp_path / "a.zip"), "--key", "nope", code=1).stderr
    assert "in use" in cli("export", str(kept), code=1).stderr
    assert "a.zip" in cli("import", str(tmp_path / "a.zip"), code=1).stderr
    assert "is not empty" in cli("restore", backed_up(cli, tmp_path), code=1).stderr
    assert "restore" in cli("import", backed_up(cli, tmp_path), code=1).stderr
    assert "there is no folder" in cli("import", f"{tmp_path}/nowhere/", code=1).stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"{empty} holds no artifacts" in cli("import", str(empty), code=1).stderr
    assert list(empty.iterdir()) == []
    assert "'ftp'" in cli("export", "ftp://server/x", code=1).stderr


def backed_up(cli, tmp_path):
    file = str(tmp_path / "b.zip")
    assert "3 artifacts" in cli("backup", file).stdout
    return file


def test_backup_and_restore(cli, read, kept, tmp_path, monkeypatch):
    cli("delete", "notes@1", "--yes")
    cli("backup", str(tmp_path / "b.zip"))
    cli("restore", str(tmp_path / "b.zip"), "--into", str(tmp_path / "back"))
    before = read("ls", "--all", "-o", "json")
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "back"))
    assert read("ls", "--all", "-o", "json") == before
    nba.create_markdown_artifact("next", key="notes")
    assert nba.Artifact.get("notes").version == 3


def test_doctor(cli, read, kept):
    sound = cli("doctor").stdout
    assert sound.count("ok  ") == 4
    assert "BAD" not in sound
    blob = next((kept / "blobs").rglob("??*/*"))
    blob.write_bytes(blob.read_bytes()[:-1])
    (kept / "store.db").chmod(0o644)
    ill = cli("doctor", code=1).stdout
    assert f"BAD blob {blob.name}: of another length than it was, needed by numbers@1" in ill
    assert "others can read store.db" in ill or "yours alone" in ill
    found = json.loads(cli("doctor", "-o", "json", code=1).stdout)
    assert next(each["what"] for each in found if each["remedy"]).startswith("blob")
    blob.unlink()
    assert "missing, needed by numbers@1" in cli("doctor", code=1).stdout


def test_doctor_of_no_folder_makes_none(cli, home):
    assert "holds no artifacts" in cli("doctor", code=1).stderr
    assert not home.exists()


def test_salvage(cli, read, kept):
    content = bytearray((kept / "store.db").read_bytes())
    content[100:104] = b"\xff\xff\xff\xff"  # the first page's own header: no table can be found any more
    nba.core.current_store().close()
    (kept / "store.db").write_bytes(content[:50])
    assert "BAD database" in cli("doctor", code=1).stdout
    assert "nothing could be read" in cli("doctor", "--salvage", code=1).stderr


def test_salvage_of_a_sound_one(cli, read, kept):
    saved = read("doctor", "--salvage", "-o", "json")
    assert saved["artifacts"] == 3
    assert [found["key"] for found in read("ls", "-o", "json")] == ["numbers", "notes"]


def test_gc(cli, read, kept):
    store = nba.core.current_store()
    ref = store.put_blob(b"left over", "text/plain")
    assert read("gc", "-o", "json") == {"files": 0, "bytes": 0, "dry_run": False}
    path = store.upkeep.blob_path(ref.sha256)
    old = time.time() - 2 * 86_400
    for each in (kept / "blobs").rglob("??*/*"):
        os.utime(each, (old, old))
    assert "1 file of 9 B would be deleted" in cli("gc", "--dry-run").stdout
    assert path.exists()
    assert read("gc", "-o", "json")["files"] == 1
    assert not path.exists()
    assert cli("get", "numbers").stdout.startswith("a\n")


def test_one_is_no_plural(cli, home, tmp_path):
    nba.create([{"a": 1}], "numbers")
    file = str(tmp_path / "a.zip")
    assert cli("export", file).stdout == f"1 artifact to {file}: 1 new.\n"
    assert cli("backup", file).stdout == f"1 artifact and 1 file of bytes are in {file}.\n"
    assert "1 artifact and 1 run saved. " in cli("doctor", "--salvage").stdout
