"""Our own server passes the suite over HTTP, at its own address and as a workspace."""

from itertools import count

import pytest
from api.conftest import stop_server
from contract.store_suite import *  # noqa: F403
from server.conftest import start

from nb_artifacts.store import open_store

NUMBER = count()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("served"))
    yield server
    stop_server(server)


@pytest.fixture
def store(served):
    """A workspace of the test's own: an empty store in the one server."""
    address = f"http://127.0.0.1:{served.port}/api/accounts/tests/workspaces/w{next(NUMBER)}"
    store = open_store(address, key=served.token)
    yield store
    store.close()
