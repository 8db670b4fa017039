"""Fixtures for whatever needs a PostgreSQL store: one cluster a test process, a database a module, emptied for each test."""

import itertools

import psycopg
import pytest
from postgres.cluster import shared

_numbers = itertools.count(1)
TABLES = ("artifact", "payload", "key", "newest", "tombstone", "run", "blob", "part", "api_key")


@pytest.fixture(scope="module")
def cluster():
    return shared()


@pytest.fixture(scope="module")
def database(cluster):
    """The address of a database for the module."""
    return cluster.create()


@pytest.fixture(scope="module")
def kept_schema(database):
    from nb_artifacts.store import open_store

    open_store(f"{database}?schema=kept").close()


@pytest.fixture
def schema(database, kept_schema):
    """A schema with nothing in it."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET search_path = kept")
        connection.execute("DROP TABLE IF EXISTS search_1, search_state_1")
        connection.execute("".join(f"DELETE FROM {table};" for table in TABLES) + "SELECT setval('feed', 0)")
    return "kept"


@pytest.fixture
def fresh():
    """The name of a schema that is not there."""
    return f"s{next(_numbers)}"


@pytest.fixture
def address(database, schema):
    return f"{database}?schema={schema}"


@pytest.fixture
def store(address):
    from nb_artifacts.store import open_store

    store = open_store(address)
    yield store
    store.close()
