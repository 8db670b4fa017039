"""The SQLite store passes the suite, in both durabilities."""

import pytest
from contract.given import record
from contract.store_suite import *  # noqa: F403

from nb_artifacts.errors import InvalidValue
from nb_artifacts.store import open_store
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query


@pytest.fixture(params=[True, False], ids=["power", "process"])
def store(request, tmp_path):
    store = open_store(tmp_path / "home", durable=request.param)
    yield store
    store.close()


def test_a_pattern_with_a_nul_is_refused(store):
    """SQLite would cut it there, and what is left matches everything."""
    store.put(record("k"))
    with pytest.raises(InvalidValue, match="NUL"):
        store.count(Query(artifacts=ArtifactFilter(key=KeyFilter(like_="\0x"))))
