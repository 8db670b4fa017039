"""The keys of a server, wherever they are kept: in its folder, or in the database that replicas share."""

import threading

import psycopg
import pytest
from api.conftest import wait_until
from postgres.fixtures import cluster, database  # noqa: F401

from nb_artifacts.errors import InvalidValue, NotFound
from nb_artifacts.serve.keys import Keyring


@pytest.fixture(params=["folder", "database"])
def ring(request, tmp_path):
    """Opens the keys of one server, as a process does; each in a folder of its own where a database is shared."""
    opened = []
    if request.param == "database":
        address = f"{request.getfixturevalue('database')}?schema=keys_{tmp_path.name[-40:].lower()}"

    def begin(environment=None):
        if request.param == "folder":
            keys = Keyring(tmp_path, environment)
        else:
            keys = Keyring(tmp_path / f"home-{len(opened)}", environment, database_url=address)
        opened.append(keys)
        return keys

    yield begin
    for keys in opened:
        keys.close()


def test_a_key_opens_wherever_the_server_runs_until_it_is_revoked(ring):
    here, there = ring(), ring()
    assert there.find("nba_x") is None and not there
    secret, key = here.create("laptop", "acme/one")
    wait_until(lambda: there.find(secret) == key)
    assert (key.name, key.workspace, key.opens("acme/one"), key.opens("acme/two"), key.opens("")) == (
        "laptop", "acme/one", True, False, False
    )  # fmt: skip
    assert there.kept() == here.kept() == (key,) and there
    assert there.revoke(key.id) == key
    wait_until(lambda: here.find(secret) is None, 1)
    assert here.kept() == () and not here


def test_no_database_is_asked_for_a_request(ring, monkeypatch):
    keys, asked, execute = ring(), [], psycopg.Connection.execute
    secret, key = keys.create()
    wait_until(lambda: keys.find(secret) == key)

    def counting(*arguments, **options):
        asked.append(threading.current_thread().name)
        return execute(*arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", counting)
    for _ in range(1000):
        assert keys.find(secret) == key
        assert keys.find("unknown") is None
    assert set(asked) <= {"nb-artifacts-keys"}, "the thread that looks once a second"


def test_only_the_hash_is_kept(ring):
    secret, key = ring().create()
    assert secret not in repr(key) and secret.removeprefix("nba_") not in repr(ring().kept())
    assert len(key.sha256) == 64


def test_keys_are_listed_in_the_order_made(ring):
    keys = ring()
    made = [keys.create(name)[1] for name in ("b", "a", None)]
    assert keys.kept() == tuple(made)


def test_what_cannot_be_revoked_is_named(ring):
    keys = ring()
    for _ in range(2):
        keys.create("twice")
    with pytest.raises(InvalidValue, match="2 keys are named 'twice'"):
        keys.revoke("twice")
    with pytest.raises(NotFound, match="no key 'none'"):
        keys.revoke("none")
    with pytest.raises(InvalidValue, match="not a workspace"):
        keys.create(workspace="../x")
    assert len(keys.kept()) == 2


def test_the_first_key_is_made_once_by_whoever_starts_together(ring):
    rings, secrets, start = [ring() for _ in range(6)], [], threading.Barrier(6)

    def begin(keys):
        start.wait()
        secrets.append(keys.first())

    threads = [threading.Thread(target=begin, args=(keys,)) for keys in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (secret,) = filter(None, secrets)
    assert [key.name for key in rings[0].kept()] == ["first"]
    assert rings[0].find(secret) == rings[0].kept()[0]
    assert ring().first() is None


def test_a_key_in_the_environment_opens_everything_and_is_kept_nowhere(ring):
    keys = ring("a-key-in-the-environment")
    assert keys and keys.first() is None
    assert keys.find("a-key-in-the-environment").opens("acme/one")
    assert keys.kept() == () and not ring()


def test_changes_at_once_are_all_kept(ring):
    rings = [ring() for _ in range(4)]
    threads = [threading.Thread(target=keys.create, args=(f"k{n}",)) for n, keys in enumerate(rings * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.name for key in rings[0].kept()} == {f"k{n}" for n in range(12)}


def test_an_address_of_something_else_is_refused_without_showing_it(tmp_path):
    with pytest.raises(InvalidValue, match="postgresql://user:password@host") as caught:
        Keyring(tmp_path, database_url="mysql://root:hidden@host/db")
    assert "hidden" not in str(caught.value)
