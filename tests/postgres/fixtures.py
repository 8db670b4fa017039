"""Fixtures for whatever needs a PostgreSQL store: one cluster a test process, a database a module, a schema a test."""

import itertools

import pytest
from postgres.cluster import shared

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cluster():
    return shared()


@pytest.fixture(scope="module")
def database(cluster):
    """The address of a database for the module."""
    return cluster.create()


@pytest.fixture
def schema():
    """The name of a schema that nobody else uses."""
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
