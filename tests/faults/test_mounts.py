"""R-31: folders on network file systems get the plain journal, and are refused where locks do not hold."""

import os
import sys

import pytest
from contract.given import record
from faults.processes import run_all

from nb_artifacts.errors import StoreError
from nb_artifacts.store import mounts, open_store

MOUNTS = r"""
22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:25 / /home rw,relatime shared:9 - nfs4 filer:/home rw,vers=4.2
31 30 0:26 / /home/me/local rw - xfs /dev/vdb rw
32 22 0:27 / /mnt/two\040words rw - cifs //filer/share rw
33 22 0:28 / /mnt/sshfs rw - fuse.sshfs me@host: rw
34 22 0:29 / /mnt/overlay rw - fuse.fuse-overlayfs fuse-overlayfs rw
35 22 0:30 / /mnt/both rw - ext4 /dev/vdc rw
36 22 0:31 / /mnt/both rw - 9p share rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me/data", "nfs4"),
        ("/home", "nfs4"),
        ("/homely", None),
        ("/home/me/local/data", None),
        ("/mnt/two words/x", "cifs"),
        ("/mnt/sshfs/x", "fuse.sshfs"),
        ("/mnt/overlay/x", None),
        ("/mnt/both/x", "9p"),
        ("/var/x", None),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the table is Linux's")
def test_the_longest_mount_counts(tmp_path, monkeypatch, folder, kind):
    (tmp_path / "mountinfo").write_text(MOUNTS.lstrip())
    table = mounts._linux_mounts(str(tmp_path / "mountinfo"))
    monkeypatch.setattr(mounts, "_linux_mounts", lambda: table)
    monkeypatch.setattr(os.path, "realpath", str)
    mounts.network_type.cache_clear()
    assert mounts.network_type(folder) == kind
    mounts.network_type.cache_clear()


def test_a_folder_here_is_local(tmp_path):
    assert mounts.network_type(tmp_path) is None
    assert open_store(tmp_path / "home").journal == "wal"


@pytest.fixture
def network(monkeypatch):
    """Every folder is said to be on NFS; what lies under it is what it is."""
    monkeypatch.setattr(mounts, "network_type", lambda _: "nfs4")


def left(home):
    return sorted(path.name for path in home.iterdir() if path.name.startswith((".probe", "locks")))


def test_the_plain_journal_is_taken_and_locks_are_tried_once(tmp_path, network, monkeypatch):
    store = open_store(tmp_path / "home")
    assert (store.journal, store.put(record("k")).version) == ("delete", 1)
    assert len(left(tmp_path / "home")) == 1
    assert left(tmp_path / "home")[0].startswith("locks-hold-")
    monkeypatch.setattr(mounts, "_problem", lambda _: pytest.fail("tried again"))
    assert open_store(tmp_path / "home").put(record("k")).version == 2


def test_processes_share_it(tmp_path, network):
    def create(send, n):
        store = open_store(tmp_path / "home")
        for _ in range(20):
            send(store.put(record("k")).version)

    assert sorted(run_all(3, create)) == list(range(1, 61))


def test_a_folder_that_had_a_log_leaves_it(tmp_path, monkeypatch):
    store = open_store(tmp_path / "home")
    store.put(record("k"))
    store.close()
    monkeypatch.setattr(mounts, "network_type", lambda _: "nfs4")
    moved = open_store(tmp_path / "home")
    assert (moved.journal, moved.put(record("k")).version) == ("delete", 2)
    assert not (tmp_path / "home" / "store.db-wal").exists()


@pytest.mark.parametrize(
    ("child", "words"),
    [
        ("print('free')", "a lock does not keep other processes out"),
        ("print('locked', flush=True); input(); print(0)", "processes do not see what others have written"),
    ],
)
def test_locks_that_do_not_hold_are_refused(tmp_path, network, monkeypatch, child, words):
    monkeypatch.setattr(mounts, "_CHILD", child)
    with pytest.raises(StoreError, match=words) as caught:
        open_store(tmp_path / "home")
    assert str(tmp_path / "home") in str(caught.value)
    assert "NB_ARTIFACTS_HOME" in str(caught.value)
    assert "NB_ARTIFACTS_API_URL" in str(caught.value)
    assert left(tmp_path / "home") == []


@pytest.mark.parametrize("child", ["raise SystemExit(1)", "import time; time.sleep(60)", "print('locked', flush=True)"])
def test_nothing_is_proven_by_a_process_that_says_nothing(tmp_path, network, monkeypatch, child):
    monkeypatch.setattr(mounts, "_CHILD", child)
    monkeypatch.setattr(mounts, "PROBE_SECONDS", 0.5)
    assert open_store(tmp_path / "home").put(record("k")).version == 1
    assert left(tmp_path / "home") == []


def test_a_newer_release_is_told_there_too(tmp_path, network):
    import sqlite3

    from nb_artifacts.errors import StoreTooNew

    store = open_store(tmp_path / "home")
    store.put(record("k"))
    store.close()
    with sqlite3.connect(tmp_path / "home" / "store.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew):
        open_store(tmp_path / "home").put(record("k"))
