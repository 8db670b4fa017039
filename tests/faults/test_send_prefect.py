"""What reaches a real Prefect server, and how often, when answers are lost (R-15 at the level of `send`)."""

import pytest
from contract.given import record
from contract.prefect_server import listed, prefect, prefect_server, python  # noqa: F401
from faults.proxy import Proxy
from msgspec import Raw, structs

from nb_artifacts.errors import RemoteBusy, Unreachable
from nb_artifacts.store import open_store
from nb_artifacts.store.remote import Outgoing
from nb_artifacts.wire import now


@pytest.fixture
def proxy(prefect):  # noqa: F811
    with Proxy(prefect.port, stall=3.0) as proxy:
        yield proxy


@pytest.fixture
def remote(proxy):
    store = open_store(f"http://127.0.0.1:{proxy.port}/api")
    yield store
    store.close()


def everything(server):
    """All that is there, the newest first."""
    found = []
    while page := listed(server, offset=len(found)):
        found += page
    return found


def sent(remote, item):
    """The outcome, once there is one, and how often it took."""
    for tries in range(1, 100):
        try:
            return remote.send([item])[0], tries
        except Unreachable as error:
            item = item._replace(again=item.again or error.ambiguous)
    raise AssertionError("never")


def test_lost_answers_double_nothing(remote, proxy, prefect):  # noqa: F811
    proxy.random(0.2, ["cut_reply"], seed=2, only=lambda request: request.path == "/api/artifacts/")
    given = [record(f"k{n % 3}" if n % 10 else None, n, type="markdown") for n in range(200)]
    outcomes = [sent(remote, Outgoing("put", one.id, one)) for one in given]
    assert sum(tries for _, tries in outcomes) > 220
    assert all(outcome.state == "done" for outcome, _ in outcomes)
    assert [one["metadata_"]["nb_artifacts_id"] for one in everything(prefect)] == [str(one.id) for one in reversed(given)]


@pytest.mark.parametrize("fault", ["cut_reply", "half_reply", "cut_before", "busy", "slow_down"])
def test_each_fault_settles_with_one_artifact(remote, proxy, prefect, fault):  # noqa: F811
    given = record("k", 1)
    proxy.plan(fault)
    with pytest.raises(Unreachable) as caught:
        remote.send([Outgoing("put", given.id, given)])
    assert isinstance(caught.value, RemoteBusy) == (fault in ("busy", "slow_down"))
    assert sent(remote, Outgoing("put", given.id, given, again=caught.value.ambiguous))[0].state == "done"
    assert len(everything(prefect)) == 1


def test_a_lost_answer_is_found_by_another_process(remote, proxy, prefect):  # noqa: F811
    given = record("k", 1)
    proxy.plan("cut_reply")
    with pytest.raises(Unreachable):
        remote.send([Outgoing("put", given.id, given)])
    other = open_store(prefect.address)
    newer = structs.replace(given, data=Raw(b"2"), updated=now())
    assert other.send([Outgoing("put", given.id, newer, again=True)])[0].state == "done"
    assert [one["data"] for one in everything(prefect)] == [2]


def test_a_deletion_finds_what_a_lost_answer_made(remote, proxy, prefect):  # noqa: F811
    given = record("k", 1)
    proxy.plan("cut_reply")
    with pytest.raises(Unreachable):
        remote.send([Outgoing("put", given.id, given)])
    assert open_store(prefect.address).send([Outgoing("delete", given.id, again=True)])[0].state == "done"
    assert everything(prefect) == []
