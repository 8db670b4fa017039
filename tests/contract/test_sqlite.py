"""The SQLite store passes the suite, in both durabilities."""

import pytest
from contract.store_suite import *  # noqa: F403

from nb_artifacts.store import open_store


@pytest.fixture(params=[True, False], ids=["power", "process"])
def store(request, tmp_path):
    store = open_store(tmp_path / "home", durable=request.param)
    yield store
    store.close()
