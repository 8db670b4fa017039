"""What a folder knows of a remote: its place in the feed, what waits, who sends."""

import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest
from contract.given import record, run
from faults.processes import Child

from nb_artifacts.errors import NotFound, StoreTooNew
from nb_artifacts.process import this_process
from nb_artifacts.store import leases, open_store
from nb_artifacts.store.remotes import Remotes
from nb_artifacts.store.remotes_rows import Arrived
from nb_artifacts.store.remotes_sql import ARTIFACTS, FIRST, MOVED, RUNS, TOMBSTONES
from nb_artifacts.wire import Patch, RunKind

RELEASED = Path(__file__).parent.parent / "contract" / "released"
API = "http://host/api"


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "home")


@pytest.fixture
def remotes(store):
    remotes = Remotes(store)
    remotes.first_seen(API)
    return remotes


def put(store, key="k", **members):
    return store.put(record(key, **members))


def waits(remotes, **members):
    return [(row.kind, row.id) for row in remotes.pending(API, **members)]


def send(remotes, *rows, version=None):
    assert remotes.attempted(API, [(row.id, row.seq) for row in rows]) == {row.id for row in rows}
    remotes.record(API, arrived=[Arrived(row.id, row.seq, version) for row in rows])


def test_it_begins_where_the_folder_is(store):
    old = put(store)
    remotes = Remotes(store)
    with pytest.raises(NotFound, match="not a remote"):
        remotes.pending(API)
    remotes.first_seen(API)
    new = put(store)
    store.patch(old.id, Patch(description="d"))
    assert waits(remotes) == [("artifact", new.id)]
    assert remotes.state(API).kept_here == 1
    assert remotes.first_seen(API, "prefect").start == 1
    assert remotes.state(API).kind == "prefect"
    assert remotes.addresses() == [API]


@pytest.mark.parametrize("key", [None, "k"])
def test_the_past_goes_too_where_it_is_asked_for(store, key):
    old, other = put(store), put(store, "other")
    remotes = Remotes(store)
    remotes.first_seen(API)
    new = put(store)
    send(remotes, new)
    remotes.advance(API)
    remotes.include_all(API, key)
    assert waits(remotes) == [("artifact", old.id), *([] if key else [("artifact", other.id)])]
    assert remotes.state(API).kept_here == (1 if key else 0)


def test_what_changed_while_it_was_sent_waits_again(store, remotes):
    first = put(store)
    newer = store.patch(first.id, Patch(description="d"))
    send(remotes, first, version=7)
    assert waits(remotes) == [("artifact", first.id)]
    send(remotes, newer)
    send(remotes, first)
    assert waits(remotes) == []
    assert remotes.mapping(API, [first.id]) == {first.id: (None, 7)}
    assert remotes.count(API) == 0


def test_bytes_that_wait_are_counted_and_equal_ones_once(store):
    put(store, data="before" * 1000)
    remotes = Remotes(store)
    remotes.first_seen(API)
    assert remotes.count_bytes(API) == 0
    blob = store.put_blob(b"b" * 5000, "image/png")
    short, long, longer = put(store, data="s" * 98), put(store, data="l" * 99_998), put(store, data="x" * 399_998)
    same = [put(store, data=None, blob=blob) for _ in range(3)]
    assert remotes.count_bytes(API) == 100 + 100_000 + 400_000 + 3 * 4 + 5000
    send(remotes, short, long, longer, same[0])
    assert remotes.count_bytes(API) == 2 * 4 + 5000
    send(remotes, *same[1:])
    assert remotes.count_bytes(API) == 0


def test_versions_never_sent_go_in_order_whatever_changed_since(store, remotes):
    first, second, other = put(store), put(store), put(store, "other")
    third = put(store)
    store.patch(second.id, Patch(description="d"))
    store.patch(first.id, Patch(description="d"))
    made = [first, second, third]
    assert [id for _, id in waits(remotes) if id != other.id] == [each.id for each in made]
    assert [id for _, id in waits(remotes, limit=2) if id != other.id] == [each.id for each in made]
    assert [id for _, id in waits(remotes, limit=1)] == [other.id]
    assert waits(remotes, keys=["k"]) == [("artifact", other.id)]


def test_a_deletion_goes_where_the_artifact_may_be(store, remotes):
    never, tried, there = put(store), put(store), put(store)
    remotes.attempted(API, [(tried.id, tried.seq)])
    send(remotes, there)
    for each in (never, tried, there):
        store.delete(each.id)
    assert waits(remotes) == [("deleted", tried.id), ("deleted", there.id)]
    assert remotes.attempted(API, [(never.id, never.seq), (tried.id, 9)]) == {tried.id}
    remotes.record(API, gone=[tried.id, there.id])
    remotes.settle(API, there.id, there.seq)
    assert waits(remotes) == []
    assert remotes.advance(API) == store.last_seq()
    assert remotes.mapping(API, [there.id]) == {}


def test_runs_go_with_their_artifacts_and_again_when_they_change(store, remotes):
    session, cell, idle = run(RunKind.session), run(), run()
    cell.parent_id = session.id
    for each in (session, cell, idle):
        store.put_run(each)
    remotes.advance(API)
    put(store, task_run_id=cell.id, flow_run_id=session.id)
    (row,) = remotes.pending(API)
    found = remotes.needed_runs(API, row.runs)
    assert [(each.id, tried) for each, tried in found] == [(session.id, False), (cell.id, False)]
    remotes.attempted(API, [(each.id, each.seq) for each, _ in found])
    assert [tried for _, tried in remotes.needed_runs(API, row.runs)] == [True, True]
    remotes.record(API, arrived=[Arrived(each.id, each.seq) for each, _ in found])
    assert remotes.needed_runs(API, row.runs) == []
    for each in (cell, idle):
        store.put_run(each)
    assert ("run", cell.id) in waits(remotes)
    assert ("run", idle.id) not in waits(remotes)


def test_what_is_refused_three_times_is_left_aside(store, remotes):
    bad = put(store)
    for tries in range(3):
        assert remotes.state(API).parked == []
        (row,) = remotes.pending(API)
        assert row.tries == tries
        remotes.attempted(API, [(row.id, row.seq)])
        remotes.record(API, refused=[(row.id, row.seq, "422: no")])
    assert waits(remotes) == []
    assert [(one.id, one.key, one.version, one.error) for one in remotes.state(API).parked] == [(bad.id, "k", 1, "422: no")]
    remotes.advance(API)
    assert remotes.unpark(API) == 1
    assert waits(remotes) == [("artifact", bad.id)]
    remotes.park(API, bad.id, "413: large")
    store.patch(bad.id, Patch(description="shorter"))
    assert waits(remotes) == [("artifact", bad.id)]
    store.delete(bad.id)
    assert waits(remotes) == [("deleted", bad.id)]
    remotes.record(API, gone=[bad.id])
    assert remotes.state(API).parked == []


def test_the_cursor_stops_at_what_waits(store, remotes):
    first, second, third = put(store), put(store, "b"), put(store, "c")
    send(remotes, first, third)
    assert remotes.advance(API) == first.seq
    send(remotes, second)
    assert remotes.advance(API) == third.seq
    assert Remotes(store).find(API).cursor == third.seq


def test_state_says_how_it_went(store, remotes):
    first = put(store)
    remotes.failed(API, "host gave no answer", resume=time.time() + 100)
    state = remotes.state(API)
    assert (state.pending, state.oldest, state.last_error) == (1, first.created, "host gave no answer")
    assert state.failed is not None and state.resume is not None and state.paused is None
    assert remotes.resume(API) > time.time() + 50
    remotes.failed(API, "wrong key", paused="wrong key")
    assert remotes.state(API).paused == "wrong key"
    assert remotes.resume(API) == 0
    send(remotes, first)
    state = remotes.state(API)
    assert (state.pending, state.oldest, state.last_error, state.paused, state.failed) == (0, None, None, None, None)
    assert state.last_ok is not None


def test_a_folder_that_can_only_be_read_keeps_all(tmp_path):
    """Also one of the first release, which has no tables for remotes."""
    home = tmp_path / "home"
    home.mkdir()
    connection = sqlite3.connect(home / "store.db")
    connection.executescript((RELEASED / "v1.sql").read_text(encoding="utf-8"))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    remotes = Remotes(open_store(home))
    with pytest.raises(StoreTooNew):
        remotes.first_seen(API)
    state = remotes.state(API)
    assert (state.pending, state.kept_here, state.sender) == (0, 3, None)
    assert remotes.mapping(API, []) == {}


def test_another_store_at_the_address_has_nothing(store):
    kept, before, remotes = put(store), put(store), Remotes(store)
    store.delete(before.id)
    remotes.first_seen(API)
    sent, gone = put(store), put(store)
    send(remotes, sent, gone)
    store.delete(gone.id)
    remotes.advance(API)
    assert not remotes.met(API, "one")
    assert not remotes.met(API, "one")
    assert waits(remotes) == [("deleted", gone.id)]
    assert remotes.met(API, "other")
    assert waits(remotes) == [("artifact", sent.id), ("deleted", gone.id)]
    assert remotes.mapping(API, [sent.id]) == {}
    assert remotes.state(API).kept_here == 1
    assert store.get(kept.id) is not None


def test_what_was_deleted_is_deleted_again_where_an_earlier_state_answers(store, remotes):
    gone = put(store)
    assert not remotes.met(API, "one")
    send(remotes, gone)
    store.delete(gone.id)
    remotes.record(API, gone=[gone.id])
    assert remotes.advance(API) == store.last_seq()
    assert remotes.met(API, "one restored")
    assert waits(remotes) == [("deleted", gone.id)]
    remotes.record(API, gone=[gone.id])
    assert remotes.advance(API) == store.last_seq()
    assert not remotes.met(API, "one restored")
    assert waits(remotes) == []


def test_a_prefect_server_made_anew_has_nothing_that_could_be_deleted(store):
    remotes = Remotes(store)
    remotes.first_seen(API, "prefect")
    sent, gone = put(store), put(store)
    send(remotes, sent, gone)
    assert not remotes.met(API, "one")
    store.delete(gone.id)
    remotes.record(API, gone=[gone.id])
    assert not remotes.met(API, ""), "it does not always tell"
    assert waits(remotes) == []
    assert remotes.met(API, "other")
    assert waits(remotes) == [("artifact", sent.id)]


def test_a_store_that_tells_less_than_before_was_put_back(store, remotes):
    sent = put(store)
    assert not remotes.met(API, "one", 10)
    send(remotes, sent)
    for newest in (12, 11):
        remotes.heard(API, newest)
    assert not remotes.met(API, "one", 13)
    remotes.heard(API, 13)
    assert not remotes.met(API, "one")
    assert waits(remotes) == []
    assert remotes.met(API, "one", 12)
    assert waits(remotes) == [("artifact", sent.id)]
    assert not remotes.met(API, "one", 12)


@pytest.mark.parametrize("state", ["one", "one restored"])
def test_a_store_that_moved_to_another_address_is_the_same(store, state):
    other_way, remotes = "https://host/api", Remotes(store)
    kept = put(store)
    remotes.first_seen(API)
    sent, gone, waiting = put(store), put(store), put(store)
    remotes.met(API, "one")
    send(remotes, sent, version=7)
    send(remotes, gone, version=8)
    remotes.first_seen(other_way)
    store.delete(gone.id)
    assert remotes.state(other_way).kept_here == 3
    assert remotes.met(other_way, state) is (state != "one")
    assert remotes.state(other_way).kept_here == 1
    rows = [(row.kind, row.id) for row in remotes.pending(other_way)]
    again = [] if state == "one" else [("artifact", sent.id)]
    assert rows == [*again, ("artifact", waiting.id), ("deleted", gone.id)]
    assert remotes.mapping(other_way, [sent.id]) == ({sent.id: (None, 7)} if state == "one" else {})
    assert remotes.kept(other_way) == [kept.id]
    assert not remotes.met(other_way, state)


def test_a_remote_that_goes_between_two_looks_is_not_found(store, remotes, monkeypatch):
    """The folder was made anew at that moment."""
    me, known = this_process(), remotes.find(API)
    remotes.lease(API, me, 30)
    monkeypatch.setattr(remotes, "find", lambda _: known)
    store._database.write(lambda connection: connection.execute("DELETE FROM remote"))
    calls = [remotes.advance, remotes.in_order, lambda _: remotes.lease(API, me, 30), lambda _: remotes.release(API, me)]
    for call in calls:
        with pytest.raises(NotFound, match=API):
            call(API)
    assert remotes.state(API).sender is None
    assert (remotes.state(API).pending, remotes.state(API).address) == (0, API)
    remotes.heard(API, 7)
    remotes.failed(API, "away")
    assert not remotes.met(API, "one")
    assert remotes.pending(API) == []
    assert remotes.count(API) == 0
    assert remotes.resume(API) == 0


def test_one_sends_at_a_time(remotes):
    me = this_process()
    other = replace(me, host="elsewhere")
    assert remotes.sender(API) == (None, None)
    assert remotes.lease(API, other, 30)
    assert not remotes.lease(API, me, 30)
    assert not remotes.renew(API, me, 30)
    assert remotes.renew(API, other, 30)
    assert remotes.state(API).sender == other
    remotes.release(API, me)
    assert remotes.sender(API)[0] == other
    remotes.release(API, other)
    assert remotes.lease(API, me, 30)
    assert not remotes.renew(API, other, 30)


def test_a_lease_ends_with_its_time_and_with_its_process(store, remotes, monkeypatch):
    me = this_process()
    elsewhere = replace(me, host="elsewhere")
    now = [time.time_ns() // 1000]
    monkeypatch.setattr(leases, "_now", lambda: now[0])
    remotes.lease(API, elsewhere, 30)
    now[0] += 29_000_000
    assert not remotes.lease(API, me, 30)
    now[0] += 2_000_000
    assert remotes.lease(API, me, 30)
    now[0] -= 3_600_000_000
    assert remotes.lease(API, elsewhere, 30), "the clock went back: it would hold for an hour"

    now[0] += 40_000_000
    child = Child(lambda send: send(Remotes(open_store(store.folder)).lease(API, this_process(), 60)))
    assert child.wait() == [True]
    assert remotes.lease(API, me, 30), "its process is dead"


def test_what_waits_is_found_by_index(store, remotes):
    values = {"remote": 1, "cursor": 5, "start": 3, "limit": 10, "keys": "[]", "ids": "[]", "last": 7, "new": "[]"}
    for query in (ARTIFACTS, MOVED, TOMBSTONES, RUNS, FIRST):
        steps = store._database.read(lambda c, query=query: c.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall())
        steps = [step[3] for step in steps]
        assert not [step for step in steps if step.startswith(("SCAN a", "SCAN t", "SCAN r", "SCAN s"))], steps
        assert not [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step], steps
