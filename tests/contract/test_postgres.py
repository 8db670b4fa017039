"""The PostgreSQL store passes the suite, with blobs in the database and in a folder."""

import pytest
from contract.store_suite import *  # noqa: F403
from postgres.fixtures import cluster, database, kept_schema, schema  # noqa: F401

from nb_artifacts.store.postgres import PostgresStore


@pytest.fixture(params=["database", "folder"])
def store(request, database, schema, tmp_path):  # noqa: F811
    blobs = tmp_path / "blobs" if request.param == "folder" else None
    store = PostgresStore(database, schema=schema, blobs=blobs, durable=request.param == "database")
    yield store
    store.close()
