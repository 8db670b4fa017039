"""What reaches a real Prefect server, and how often, when answers are lost (R-15 at the level of `send`)."""

import os
import time

import pytest
from contract.given import of, record
from contract.prefect_server import empty, listed
from faults.machines import size
from faults.processes import Child
from faults.proxy import Proxy
from msgspec import Raw, structs
from waiting import until

from nb_artifacts.addresses import RemoteSettings
from nb_artifacts.errors import RemoteBusy, Unreachable
from nb_artifacts.sender import Sender, pace, thread
from nb_artifacts.sender.thread import Limits
from nb_artifacts.store import open_store
from nb_artifacts.store import prefect as prefect_store
from nb_artifacts.store.prefect_server import Server
from nb_artifacts.store.remote import Outgoing
from nb_artifacts.store.remotes import Remotes
from nb_artifacts.wire import Patch, Query, Sort, now


@pytest.fixture
def proxy(prefect):
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
    """The outcome, once there is one, and how often it took; a server under load says that it is busy."""
    for tries in range(1, 100):
        try:
            return remote.send([item])[0], tries
        except Unreachable as error:
            if isinstance(error, RemoteBusy):
                time.sleep(0.05)
            item = item._replace(again=item.again or error.ambiguous)
    raise AssertionError("never")


def test_lost_answers_double_nothing(remote, proxy, prefect):
    proxy.random(0.2, ["cut_reply"], seed=2, only=lambda request: request.path == "/api/artifacts/")
    given = [record(f"k{n % 3}" if n % 10 else None, n, type="markdown") for n in range(200)]
    outcomes = [sent(remote, Outgoing("put", one.id, one)) for one in given]
    assert sum(tries for _, tries in outcomes) > 220
    assert all(outcome.state == "done" for outcome, _ in outcomes)
    assert [one["metadata_"]["nb_artifacts_id"] for one in everything(prefect)] == [str(one.id) for one in reversed(given)]


@pytest.mark.parametrize("fault", ["cut_reply", "half_reply", "cut_before", "busy", "slow_down"])
def test_each_fault_settles_with_one_artifact(remote, proxy, prefect, fault):
    given = record("k", 1)
    proxy.plan(fault)
    with pytest.raises(Unreachable) as caught:
        remote.send([Outgoing("put", given.id, given)])
    assert isinstance(caught.value, RemoteBusy) == (fault in ("busy", "slow_down"))
    assert sent(remote, Outgoing("put", given.id, given, again=caught.value.ambiguous))[0].state == "done"
    assert len(everything(prefect)) == 1


def test_a_lost_answer_is_found_by_another_process(remote, proxy, prefect):
    given = record("k", 1)
    proxy.plan("cut_reply")
    with pytest.raises(Unreachable):
        remote.send([Outgoing("put", given.id, given)])
    other = open_store(prefect.address)
    newer = structs.replace(given, data=Raw(b"2"), updated=now())
    assert other.send([Outgoing("put", given.id, newer, again=True)])[0].state == "done"
    assert [one["data"] for one in everything(prefect)] == [2]


def test_a_deletion_finds_what_a_lost_answer_made(remote, proxy, prefect):
    given = record("k", 1)
    proxy.plan("cut_reply")
    with pytest.raises(Unreachable):
        remote.send([Outgoing("put", given.id, given)])
    assert sent(open_store(prefect.address), Outgoing("delete", given.id, again=True))[0].state == "done"
    assert everything(prefect) == []


def send_for_ever(send, home, settings):
    sender = Sender(open_store(home, durable=False), settings, limits=Limits(poll=0.02, lease=2.0))
    send(os.getpid())
    sender.run()


@pytest.mark.parametrize("tells", [True, False])
def test_a_server_that_was_reset_gets_all_again(prefect, tmp_path, monkeypatch, tells):
    """Its new database has another id; where none is told, what is gone there stays gone."""
    database = ["one"] if tells else [""]
    monkeypatch.setattr(Server, "database", lambda _: database[0])
    monkeypatch.setattr(prefect_store, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.02)
    store = open_store(tmp_path / "home", durable=False)
    settings = RemoteSettings(prefect.address, None, "prefect")
    sender = Sender(store, settings, limits=Limits(poll=0.02))
    sender.start()
    made = [store.put(record(f"k{n % 2}", n, type="markdown")) for n in range(5)]
    until(lambda: sender.remotes.count(settings.address) == 0)
    store.delete(made.pop().id)
    until(lambda: sender.remotes.count(settings.address) == 0 and len(everything(prefect)) == 4)
    empty(prefect)
    if tells:
        database[0] = "two"
    store.patch(made[0].id, Patch(description="changed"))
    made.append(store.put(record("k0", 9, type="markdown")))
    until(lambda: sender.remotes.count(settings.address) == 0 and sender.error is None)
    there = everything(prefect)
    assert sorted(one["metadata_"]["nb_artifacts_id"] for one in there) == sorted(
        str(one.id) for one in (made if tells else made[-1:])
    )
    assert sum(one["description"] == "changed" for one in there) == tells
    sender.close(1.0)


def test_a_sender_that_is_killed_doubles_nothing(proxy, prefect, tmp_path, monkeypatch):
    """R-15: a fifth of the answers is lost, and the process that sends is killed in between; updates and deletions too."""
    monkeypatch.setattr(thread, "AT_WORK_SECONDS", 0.2)
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(pace, "LONGEST_WAIT", 0.2)
    store = open_store(tmp_path / "home", durable=False)
    settings = RemoteSettings(f"http://127.0.0.1:{proxy.port}/api", None, "prefect")
    remotes = Remotes(store)
    remotes.first_seen(settings.address)
    proxy.random(0.2, ["cut_reply"], seed=4, only=lambda request: request.path == "/api/artifacts/")
    total, kills, made = size(60, 200), size(2, 10), []
    child = None
    for n in range(total):
        made.append(store.put(record(f"k{n % 4}", n, type="markdown")))
        if n % (total // (kills + 1)) == 0:
            if child is not None:
                until(lambda: remotes.count(settings.address) < 6)
                child.kill()
                child.wait()
            child = Child(send_for_ever, store.folder, settings)
            child.receive()
    until(lambda: remotes.count(settings.address) == 0, 120)
    assert any(seen.fault == "cut_reply" for seen in proxy.requests)
    for one in made[:5]:
        store.patch(one.id, Patch(description="changed"))
    for one in made[5:8]:
        store.delete(one.id)
    until(lambda: remotes.count(settings.address) == 0, 60)
    there = everything(prefect)
    assert sorted(one["metadata_"]["nb_artifacts_id"] for one in there) == sorted(str(one.id) for one in store.find(Query()))
    assert sum(one["description"] == "changed" for one in there) == 5
    for n in range(4):
        key = [one["metadata_"]["nb_artifacts_id"] for one in there if one["key"] == f"k{n}"]
        assert key == [str(one.id) for one in store.find(of(key=f"k{n}", sort=Sort.VERSION_DESC))], "in the order made"
