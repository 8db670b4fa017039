"""R-30: databases of every release open, whatever kills a migration; newer ones are only read."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest
from contract.given import of, record
from faults.processes import Child, run_all

from nb_artifacts.errors import StoreTooNew
from nb_artifacts.store import migrations, open_store
from nb_artifacts.store.remotes import Remotes
from nb_artifacts.wire import Patch, Query, RunQuery

RELEASED = Path(__file__).parent.parent / "contract" / "released"
NEWEST = len(migrations.STEPS)


@pytest.fixture
def home(tmp_path):
    """A folder as the first release left it."""
    return folder(tmp_path / "home", RELEASED / "v1.sql")


def folder(home, script):
    home.mkdir(mode=0o700)
    connection = sqlite3.connect(home / "store.db")
    connection.executescript(script.read_text(encoding="utf-8"))
    connection.close()
    return home


def version(home):
    connection = sqlite3.connect(home / "store.db")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def add_column(connection):
    connection.execute("ALTER TABLE artifact ADD COLUMN colour TEXT")
    connection.execute("UPDATE artifact SET colour = 'red'")


def add_table(connection):
    connection.execute("CREATE TABLE colour (name TEXT)")
    connection.execute("INSERT INTO colour SELECT colour FROM artifact")


@pytest.mark.parametrize("script", sorted(RELEASED.glob("*.sql")), ids=lambda path: path.stem)
def test_every_release_opens(tmp_path, script):
    home = folder(tmp_path / "home", script)
    before = version(home)
    store = open_store(home)
    assert version(home) == NEWEST
    assert (home / f"store.v{before}.bak").exists() == (before < NEWEST)
    assert store.id == "0123456789abcdef0123456789abcdef"
    assert [(found.key, found.version, found.type) for found in store.find(Query())] == [
        ("report", 3, "table"),
        (None, None, "image"),
        ("report", 1, "markdown"),
    ]
    latest = store.find(of(key="report", latest=True, data=True))[0]
    assert (latest.version, len(latest.data), latest.info) == (3, 402, {"rows": 16})
    assert store.find_runs(RunQuery())[0].provenance.notebook == "nb.ipynb"
    assert sorted(change.kind for change in store.changes()) == ["artifact", "artifact", "artifact", "deleted", "run"]
    assert store.put(record("report")).version == 4
    assert store.patch(latest.id, Patch(description="d")).description == "d"


def test_the_second_release_knows_what_it_has_sent(tmp_path):
    remotes = Remotes(open_store(folder(tmp_path / "home", RELEASED / "v2.sql")))
    (address,) = remotes.addresses()
    state = remotes.state(address)
    assert (state.kind, state.pending, [one.error for one in state.parked]) == ("nb-artifacts", 1, ["422: no"])


def test_it_is_what_a_new_store_is(home, tmp_path):
    """A change of the tables without a step would show here."""
    open_store(tmp_path / "new")

    def tables(path):
        connection = sqlite3.connect(path / "store.db")
        found = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall())
        connection.close()
        return {name: " ".join(sql.split()) for name, sql in found.items()}

    open_store(home)
    assert tables(home) == tables(tmp_path / "new")


def test_steps_are_taken_once_and_the_old_state_is_kept(home, monkeypatch):
    monkeypatch.setattr(migrations, "STEPS", [*migrations.STEPS, add_column, add_table])
    store = open_store(home)
    assert store.count(Query()) == 3
    assert version(home) == NEWEST + 2
    backup = sqlite3.connect(home / "store.v1.bak")
    assert backup.execute("PRAGMA user_version").fetchone() == (1,)
    assert backup.execute("SELECT count(*) FROM artifact").fetchone() == (3,)
    assert oct((home / "store.v1.bak").stat().st_mode)[-3:] == "600"
    store.put(record("report"))
    open_store(home)
    assert sqlite3.connect(home / "store.db").execute("SELECT count(*) FROM colour").fetchone() == (3,)


def test_a_step_that_fails_leaves_all_as_it_was(home, monkeypatch):
    def fails(connection):
        add_column(connection)
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "STEPS", [*migrations.STEPS, fails])
        with pytest.raises(RuntimeError, match="a bug"):
            open_store(home)
    assert version(home) == NEWEST
    assert open_store(home).count(Query()) == 3


@pytest.mark.parametrize("at", ["first", "second", "copied"])
def test_killed_between_steps_it_goes_on(home, monkeypatch, at):
    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    def dies(step):
        def run(connection):
            step(connection)
            die()

        return run

    with monkeypatch.context() as patched:
        steps = [dies(add_column) if at == "first" else add_column, dies(add_table) if at == "second" else add_table]
        patched.setattr(migrations, "STEPS", [*migrations.STEPS, *steps])
        if at == "copied":
            patched.setattr(Path, "replace", die)
        child = Child(lambda send: open_store(home))
        child.wait()
        assert child.code == -signal.SIGKILL
    assert version(home) == {"first": NEWEST, "second": NEWEST + 1, "copied": 1}[at]
    monkeypatch.setattr(migrations, "STEPS", [*migrations.STEPS, add_column, add_table])
    assert open_store(home).count(Query()) == 3
    assert version(home) == NEWEST + 2


def test_several_processes_migrate_at_once(home, monkeypatch):
    monkeypatch.setattr(migrations, "STEPS", [*migrations.STEPS, add_column, add_table])

    def work(send, n):
        store = open_store(home)
        send(store.put(record("report")).version)

    assert sorted(run_all(6, work)) == [4, 5, 6, 7, 8, 9]
    assert version(home) == NEWEST + 2


def test_a_newer_database_is_only_read(home):
    connection = sqlite3.connect(home / "store.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (home / "store.db").read_bytes()
    store = open_store(home)
    found = store.find(of(key="report", latest=True))[0]
    assert found.version == 3
    for write in (lambda: store.put(record("k")), lambda: store.patch(found.id, Patch()), lambda: store.delete(found.id)):
        with pytest.raises(StoreTooNew, match="pip install --upgrade") as caught:
            write()
        assert str(home) in str(caught.value)
    store.close()
    assert (home / "store.db").read_bytes() == before
    assert version(home) == 99
