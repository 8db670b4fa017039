"""What reaches our server, and how often, when answers are lost and the server is busy (R-11 at the level of `send`)."""

import time
from itertools import count

import pytest
from api.conftest import stop_server
from contract.given import of, record, run
from faults.proxy import Proxy
from msgspec import Raw, structs
from server.conftest import start

from nb_artifacts.errors import Denied, RemoteBusy, Unreachable
from nb_artifacts.store import http_send, open_store
from nb_artifacts.store.remote import Outcome, Outgoing
from nb_artifacts.wire import Query, RunState, now

NUMBER = count()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("served"))
    yield server
    stop_server(server)


@pytest.fixture
def proxy(served):
    with Proxy(served.port, stall=3.0) as proxy:
        yield proxy


@pytest.fixture
def stores(served, proxy):
    """The same workspace through the proxy, and seen directly."""
    path = f"/api/accounts/tests/workspaces/s{next(NUMBER)}"
    both = [open_store(f"http://127.0.0.1:{port}{path}", key=served.token) for port in (proxy.port, served.port)]
    yield both
    for store in both:
        store.close()


@pytest.fixture
def remote(stores):
    return stores[0]


@pytest.fixture
def direct(stores):
    return stores[1]


def put(given, **members):
    return Outgoing("put", given.id, given, **members)


def until_sent(remote, items):
    """Outcomes, and how often it took."""
    for tries in range(1, 100):
        try:
            return remote.send(items), tries
        except Unreachable:
            items = [item._replace(again=True) for item in items]
    raise AssertionError("never")


def test_lost_answers_double_nothing(remote, direct, proxy):
    proxy.random(0.2, ["cut_reply"], seed=1)
    given = [record("k", n) for n in range(100)]
    tries = 0
    for one in given:
        outcomes, took = until_sent(remote, [put(one)])
        assert outcomes[0].state == "done"
        tries += took
    assert tries > 110
    assert [one.id for one in reversed(direct.find(Query()))] == [one.id for one in given]
    assert [one.version for one in reversed(direct.find(Query()))] == list(range(1, 101))


@pytest.mark.parametrize("fault", ["cut_reply", "half_reply", "cut_before", "busy", "slow_down", 502])
def test_each_fault_is_told_and_the_next_try_settles(remote, direct, proxy, fault):
    given = [record("k", n) for n in range(3)]
    proxy.plan(fault)
    with pytest.raises(Unreachable) as caught:
        remote.send([put(one) for one in given])
    assert isinstance(caught.value, RemoteBusy) == (fault in ("busy", "slow_down", 502))
    assert caught.value.ambiguous == (fault != "slow_down")
    if fault == "slow_down":
        assert caught.value.retry_after == 1.0
    assert remote.send([put(one, again=True) for one in given]) == [Outcome("done", n) for n in (1, 2, 3)]
    assert direct.count(Query()) == 3


def test_silence_ends_in_time_and_the_next_try_settles(remote, direct, proxy, monkeypatch):
    monkeypatch.setattr(http_send, "SEND_SECONDS", 0.3)
    given = record("k", 1)
    proxy.plan("stall")
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="too long") as caught:
        remote.send([put(given)])
    assert caught.value.ambiguous
    assert time.monotonic() - begun < proxy.stall
    assert until_sent(remote, [put(given)])[0] == [Outcome("done", 1)]
    assert direct.count(Query()) == 1


def test_a_late_state_changes_nothing_and_a_newer_one_wins(remote, direct):
    given = record("bar", 1, type="progress", info={"n": 1})
    later = structs.replace(given, data=Raw(b"2"), info={"n": 2}, updated=now())
    latest = structs.replace(given, data=Raw(b"3"), info={"n": 3}, updated=now())
    for item in (given, later, latest, later, given, latest):
        assert remote.send([Outgoing("patch", item.id, item)]) == [Outcome("done", 1)]
    found = direct.get(given.id)
    assert (bytes(found.data), found.info, found.updated) == (b"3", {"n": 3}, latest.updated)
    seq = direct.last_seq()
    remote.send([put(latest)])
    assert direct.last_seq() == seq, "told again, it is no change"


def test_what_was_deleted_does_not_come_back(remote, direct):
    known, never = record("k", 1), record("k", 2)
    remote.send([put(known)])
    for given in (known, never, known):
        assert remote.send([Outgoing("delete", given.id)]) == [Outcome("done")]
        assert remote.send([put(given), Outgoing("patch", given.id, given)]) == [Outcome("done")] * 2
    assert direct.count(Query()) == 0


def test_one_poison_row_does_not_stop_the_others(remote, direct, proxy):
    given = [record(f"k{n}", n) for n in range(10)]
    poison = str(given[3].id).encode()
    proxy.rule(lambda request: 422 if poison in request.body else None)
    outcomes = remote.send([put(one) for one in given])
    assert [n for n, one in enumerate(outcomes) if one.state == "rejected"] == [3]
    assert "422" in outcomes[3].error and "the proxy says so" in outcomes[3].error
    assert direct.count(Query()) == 9


def test_the_server_says_which_row_it_refuses(remote, direct):
    first = record("k", 1)
    other = record("l", 2, id=first.id)
    odd = structs.replace(record("k", 3), key="Not A Key")
    outcomes = remote.send([put(first), put(other), put(odd), put(record("k", 4))])
    assert [one.state for one in outcomes] == ["done", "rejected", "rejected", "done"]
    assert "another key" in outcomes[1].error and "lowercase" in outcomes[2].error
    assert outcomes[3].version == 2
    assert direct.find(of(key="l")) == []


def test_runs_travel_and_are_not_reopened(remote, direct):
    begun = run(name="cell")
    ended = structs.replace(begun, state=RunState.completed, ended=now())
    for state in (begun, ended, begun):
        assert remote.send([Outgoing("run", begun.id, run=state)]) == [Outcome("done")]
    assert direct.get_run(begun.id).state is RunState.completed


def test_large_rows_go_in_requests_of_a_megabyte(remote, direct, proxy):
    given = [record("k", "x" * 400_000) for _ in range(5)]
    assert [one.version for one in remote.send([put(one) for one in given])] == [1, 2, 3, 4, 5]
    sizes = [len(seen.body) for seen in proxy.sent("POST")]
    assert len(sizes) == 3 and max(sizes) < 1_100_000


def test_a_wrong_key_is_denied_and_shown_nowhere(served, proxy):
    address = f"http://127.0.0.1:{proxy.port}/api"
    with pytest.raises(Denied) as caught:
        open_store(address, key="nba_wrong-key-of-mine")
    assert "wrong-key" not in str(caught.value) and "NB_ARTIFACTS_API_KEY" in str(caught.value)
    assert all("wrong-key" not in seen.path for seen in proxy.requests)
    assert proxy.requests[-1].headers["authorization"] == "Bearer nba_wrong-key-of-mine"
