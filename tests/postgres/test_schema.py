"""How a schema comes to be and grows, and what cannot be used."""

import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from contract.given import record
from postgres.cluster import wait_until

from nb_artifacts.errors import StoreError, StoreReadOnly, StoreTooNew
from nb_artifacts.store import open_store, postgres_connection, postgres_schema
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Patch, Query, Sort

PROCESSES = Path(__file__).with_name("processes.py")


@pytest.fixture
def schema(fresh):
    return fresh


def at(address, schema, sql):
    with psycopg.connect(address.partition("?")[0], autocommit=True) as connection:
        connection.execute(f"SET search_path = {schema}")
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else None


def test_eight_processes_open_an_empty_database_at_once(cluster):
    address = cluster.create()
    opened = [
        subprocess.Popen([sys.executable, PROCESSES, "open", address], stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    ids = [each.communicate(timeout=60)[0].strip() for each in opened]
    assert [each.returncode for each in opened] == [0] * 8
    assert len(set(ids)) == 1
    assert ids[0]


def test_eight_threads_open_an_empty_schema_at_once_many_times(database):
    for n in range(6):
        stores, errors = [], []

        def one(n=n, stores=stores, errors=errors):
            try:
                stores.append(open_store(f"{database}?schema=raced{n}"))
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len({store.id for store in stores}) == 1
        for store in stores:
            store.close()


def test_two_schemas_of_a_database_are_two_stores(database):
    one, two = (open_store(f"{database}?schema={name}") for name in ("apart_1", "apart_2"))
    assert one.id != two.id
    put = one.put(record("k"))
    assert two.get(put.id) is None
    assert (two.last_seq(), two.count(Query())) == (0, 0)
    assert two.put(record("k")).version == 1
    one.close()
    two.close()


@pytest.fixture
def later(monkeypatch):
    """A later release: one step more, whose text the test gives."""

    def release(step):
        monkeypatch.setattr(postgres_schema, "STEPS", [*postgres_schema.STEPS, step])

    return release


def test_a_later_release_takes_its_step_once_and_keeps_everything(address, schema, later):
    before = open_store(address)
    put = before.put(record("k", "x" * 1000))
    later("CREATE TABLE extra (n integer); INSERT INTO extra VALUES (1);")
    stores = [open_store(address) for _ in range(2)]
    assert at(address, schema, "SELECT * FROM extra") == [(1,)]
    steps = range(1, len(postgres_schema.STEPS) + 1)
    assert at(address, schema, "SELECT step FROM migration ORDER BY step") == [(step,) for step in steps]
    assert stores[0].get(put.id) == stores[1].get(put.id) == before.get(put.id) == put
    assert before.put(record("k")).version == 2, "a replica of the earlier release goes on"
    for store in (before, *stores):
        store.close()


def test_a_step_that_fails_leaves_nothing_and_is_taken_again(address, schema, monkeypatch):
    open_store(address).close()
    steps = postgres_schema.STEPS
    monkeypatch.setattr(postgres_schema, "STEPS", [*steps, "CREATE TABLE extra (n integer); SELECT 1 / 0;"])
    with pytest.raises(StoreError, match="division by zero"):
        open_store(address)
    assert at(address, schema, "SELECT to_regclass('extra')") == [(None,)]
    monkeypatch.setattr(postgres_schema, "STEPS", [*steps, "CREATE TABLE extra (n integer);"])
    open_store(address).close()
    assert at(address, schema, "SELECT * FROM extra") == []


@pytest.mark.parametrize("step", [0, len(postgres_schema.STEPS)])
def test_an_opener_killed_in_a_step_leaves_nothing_and_lets_the_next_go_on(address, schema, monkeypatch, cluster, step):
    steps = postgres_schema.STEPS
    if step:
        open_store(address).close()
        steps = [*steps, "CREATE TABLE extra (n integer);"]
    hanging = ["/* hang */" + each + "; SELECT pg_sleep(60)" if n == step else each for n, each in enumerate(steps)]
    monkeypatch.setattr(postgres_schema, "STEPS", hanging)
    errors = []

    def one():
        try:
            open_store(address)
        except StoreError as error:
            errors.append(error)

    thread = threading.Thread(target=one)
    thread.start()
    hanging = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%hang%'"
    wait_until(lambda: cluster.sql(hanging))
    monkeypatch.setattr(postgres_schema, "STEPS", steps)
    cluster.sql(f"SELECT pg_terminate_backend({cluster.sql(hanging)[0][0]})")
    thread.join()
    assert len(errors) == 1
    store = open_store(address)
    assert store.put(record("k")).version == 1
    assert at(address, schema, "SELECT count(*) FROM migration") == [(len(steps),)]
    store.close()


def test_an_older_release_only_reads(address, schema):
    store = open_store(address)
    put = store.put(record("k"))
    store.close()
    at(address, schema, "INSERT INTO migration VALUES (99)")
    store = open_store(address)
    assert store.get(put.id) == put
    assert store.changes()[0].record == put
    assert store.changed(0, 0) == put.seq
    for change in (
        lambda: store.put(record("k")),
        lambda: store.patch(put.id, Patch()),
        lambda: store.delete(put.id),
        lambda: store.put_blob(b"x", "a/b"),
    ):
        with pytest.raises(StoreTooNew, match="pip install --upgrade nb-artifacts"):
            change()
    store.close()


def test_a_database_that_does_not_keep_all_of_unicode_is_refused(cluster):
    address = cluster.create("ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match="createdb --encoding UTF8") as caught:
        open_store(address)
    assert address.rpartition("/")[2] in str(caught.value)


def test_a_database_in_another_order_and_language_is_the_same_store(cluster):
    has_icu = cluster.sql("SELECT 1 FROM pg_collation WHERE collname = 'tr-x-icu'")
    turkish = "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LC_COLLATE 'C' LC_CTYPE 'C'" if has_icu else ""
    address = cluster.create(f"{turkish} TEMPLATE template0")
    for setting in ("timezone = 'Asia/Kolkata'", "default_transaction_isolation = 'serializable'", "datestyle = 'German'"):
        cluster.sql(f"ALTER DATABASE {address.rpartition('/')[2]} SET {setting}")
    store = open_store(address)
    puts = [store.put(record(key)) for key in ("i-1", "i1", "ii", "-")]
    found = store.find(Query(sort=Sort.KEY_ASC))
    assert [each.key for each in found] == sorted(each.key for each in puts)
    assert store.count(Query(artifacts=ArtifactFilter(key=KeyFilter(like_="I-")))) == 1
    assert {each.id: each for each in found} == {each.id: each for each in puts}
    store.close()


@pytest.fixture
def user(cluster):
    """A user that may do nothing, and its address of a database."""
    name = f"u{threading.get_ident() % 10**6}_{id(cluster) % 10**6}"
    cluster.sql(f"DROP ROLE IF EXISTS {name}")
    cluster.sql(f"CREATE ROLE {name} LOGIN PASSWORD 'p'")
    owned = cluster.create()
    yield name, owned, cluster.url(owned.rpartition("/")[2], name, "p")
    cluster.sql(f"DROP DATABASE {owned.rpartition('/')[2]} WITH (FORCE)")
    cluster.sql(f"DROP ROLE {name}")


def test_a_user_who_may_not_create_a_schema_is_told(user):
    with pytest.raises(StoreReadOnly, match="a user who may create and change its tables"):
        open_store(user[2])


def test_a_user_who_may_only_read_reads(user, cluster):
    name, owned, address = user
    store = open_store(owned)
    put = store.put(record("k"))
    store.close()
    cluster.sql(
        f"GRANT USAGE ON SCHEMA nb_artifacts TO {name}; GRANT SELECT ON ALL TABLES IN SCHEMA nb_artifacts TO {name}", owned
    )
    cluster.sql(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA nb_artifacts TO {name}", owned)
    store = open_store(address)
    assert store.get(put.id) == put
    assert store.changes()[0].record == put
    with pytest.raises(StoreReadOnly):
        store.put(record("k"))
    store.close()


def test_a_schema_made_for_a_user_without_other_rights_is_enough(user, cluster):
    name, owned, address = user
    cluster.sql("DROP EXTENSION IF EXISTS pg_trgm", owned)
    cluster.sql(f"CREATE SCHEMA nb_artifacts AUTHORIZATION {name}", owned)
    store = open_store(address)
    assert store.put(record("k")).version == 1
    assert cluster.sql("SELECT count(*) FROM pg_indexes WHERE indexname = 'key_trigrams'", owned) == [(0,)], (
        "no trigrams without the right"
    )
    store.close()


def test_a_standby_is_only_read(address, cluster, monkeypatch):
    store = open_store(address)
    put = store.put(record("k"))
    store.close()
    only = open_store(f"{address}&options=-c%20default_transaction_read_only%3Don")
    assert only.get(put.id) == put
    with pytest.raises(StoreReadOnly, match="use the primary server"):
        only.put(record("k"))
    only.close()


def test_an_older_server_is_refused(address, monkeypatch):
    monkeypatch.setattr(postgres_connection, "OLDEST_SERVER", 99)
    with pytest.raises(StoreError, match="older than 99"):
        open_store(address)


def test_without_the_driver_the_remedy_is_named():
    code = "import sys; sys.modules['psycopg'] = None\nfrom nb_artifacts.store import open_store\nopen_store('postgresql://u:secret@h/d')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "StoreError: PostgreSQL needs psycopg 3" in done.stderr
    assert "pip install 'nb-artifacts[postgres]'" in done.stderr
