"""The thread that sends: when it looks, when it stops, and who it leaves the work to."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from contract.given import record
from faults.elsewhere import ADDRESS, SETTINGS, Elsewhere, content
from faults.processes import Child
from msgspec import Raw
from waiting import until

import nb_artifacts as nba
from nb_artifacts.addresses import Secret
from nb_artifacts.backup import backup, restore
from nb_artifacts.process import this_process
from nb_artifacts.sender import Sender, close_all, ensure, pace, running
from nb_artifacts.sender.thread import Limits
from nb_artifacts.store import open_store
from nb_artifacts.store.http import HttpStore
from nb_artifacts.wire import Patch, Query

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def here(tmp_path):
    return open_store(tmp_path / "here", durable=False)


@pytest.fixture
def there(tmp_path):
    return open_store(tmp_path / "there", durable=False)


@pytest.fixture
def connection(there):
    return Elsewhere(there)


@pytest.fixture
def begin(here, connection):
    """Starts senders, which end with the test."""
    started = []

    def begin(settings=SETTINGS, *, start=True, owner=None, **limits):
        limits = Limits(**{"poll": 0.01, "lease": 1.0, "denied": 0.1, **limits})
        sender = Sender(
            here,
            settings,
            connect=lambda _: HttpStore(connection, *connection.state),
            owner=owner,
            limits=limits,
        )
        started.append(sender)
        if start:
            sender.start()
        return sender

    yield begin
    for sender in started:
        sender.close(1.0)


def pending(sender):
    return sender.remotes.count(ADDRESS)


def test_what_is_kept_goes_by_itself(here, there, begin):
    sender = begin()
    made = here.put(record("k"))
    until(lambda: there.get(made.id))
    here.patch(made.id, Patch(description="d"))
    until(lambda: pending(sender) == 0)
    assert content(there) == content(here)
    assert sender.remotes.sender(ADDRESS)[0] == this_process()


def test_what_another_process_keeps_goes_too(here, there, begin):
    begin()
    child = Child(lambda send: send(open_store(here.folder).put(record("k")).id))
    (id,) = child.wait()
    until(lambda: there.get(id))


def test_idle_it_asks_nobody_anything(here, connection, begin):
    here.put(record("k"))
    sender = begin()
    here.put(record("k"))
    until(lambda: pending(sender) == 0 and sender.passes)
    until(lambda: not sender._is_new())
    asked, passes = len(connection.asked), sender.passes
    time.sleep(0.3)
    assert (len(connection.asked), sender.passes) == (asked, passes)


def test_a_bar_is_told_five_times_a_second_at_most(here, there, connection, begin):
    sender = begin()
    bar = here.put(record("bar", 0, type="progress"))
    here.patch(bar.id, Patch(data=Raw(b"0")))
    until(lambda: pending(sender) == 0)
    connection.asked.clear()
    begun, n = time.monotonic(), 0
    while time.monotonic() - begun < 1.0:
        n += 1
        here.patch(bar.id, Patch(data=Raw(b"%d" % n)), durable=False)
        sender.wake()
    until(lambda: pending(sender) == 0)
    assert len(connection.asked) <= 5 * (time.monotonic() - begun) + 1
    assert bytes(there.get(bar.id).data) == b"%d" % n


def test_the_past_asked_for_by_another_process_goes(here, there, begin):
    old = here.put(record("old"))
    sender = begin()
    new = here.put(record("new"))
    until(lambda: there.get(new.id) and pending(sender) == 0)
    assert there.get(old.id) is None
    sender.remotes.include_all(ADDRESS)
    until(lambda: there.get(old.id))


def test_the_past_asked_for_while_a_pass_ends_goes_in_the_next(here, there, begin):
    old = here.put(record("old"))
    sender = begin(start=False)
    new = here.put(record("new"))
    drain = sender._drain

    def and_then_ask():
        drained = drain()
        sender.remotes.include_all(ADDRESS)
        sender._drain = drain
        return drained

    sender._drain = and_then_ask
    sender._turn()
    assert there.get(new.id) and not there.get(old.id)
    sender._turn()
    assert there.get(old.id)
    assert not sender._is_new()


def test_only_one_of_two_sends(here, connection, begin):
    other = replace(this_process(), host="elsewhere")
    first, second = begin(), begin(start=False, owner=other)
    until(lambda: first.remotes.sender(ADDRESS)[0])
    second.start()
    for n in range(20):
        here.put(record(f"k{n}"))
    until(lambda: pending(first) == 0)
    assert second.passes == 0
    first.close(1.0)
    made = here.put(record("late"))
    until(lambda: second.passes and pending(second) == 0)
    assert connection.store.get(made.id) is not None


def test_whoever_loses_the_lease_stops(here, connection, begin):
    sender = begin(lease=60.0, start=False)
    for n in range(300):
        here.put(record(f"k{n}"))
    other = replace(this_process(), host="elsewhere")

    def lose(*_):
        sender.remotes.release(ADDRESS, this_process())
        assert sender.remotes.lease(ADDRESS, other, 60)
        sender._leased_until = 0.0

    connection.fault = lose
    assert sender._turn() >= 0
    assert pending(sender) == 200
    assert sender._turn() > 0
    assert pending(sender) == 200


def test_a_failure_is_shown_and_ends(here, there, connection, begin, monkeypatch):
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.05)
    connection.fault = lambda *_: 503
    sender = begin()
    here.put(record("k"))
    until(lambda: sender.failures >= 2)
    state = sender.remotes.state(ADDRESS)
    assert state.pending == 1 and state.last_error == "elsewhere is busy"
    connection.fault = lambda *_: None
    until(lambda: pending(sender) == 0)
    until(lambda: (sender.failures, sender.error, sender.remotes.state(ADDRESS).last_error) == (0, None, None))


def test_waiting_after_a_failure_is_not_cut_short_by_new_rows(here, connection, begin, monkeypatch):
    monkeypatch.setattr(pace.random, "uniform", lambda *_: 30.0)
    connection.fault = lambda *_: 503
    sender = begin()
    here.put(record("k"))
    until(lambda: sender.failures == 1)
    for n in range(20):
        here.put(record(f"k{n}"))
        sender.wake()
    time.sleep(0.2)
    assert len(connection.asked) == 1
    sender.retry()
    until(lambda: len(connection.asked) == 2)


def test_a_row_at_which_the_server_fails_holds_nobody_up_for_ever(here, there, connection, begin, monkeypatch):
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.01)
    sender = begin(start=False)
    bad = here.put(record("bad"))
    connection.fault = lambda method, path, body: 500 if body and str(bad.id).encode() in body else None
    sender.start()
    good = [here.put(record(f"k{n}")) for n in range(5)]
    until(lambda: set(content(there)) == {one.id for one in good})
    until(lambda: pending(sender) == 0)
    assert [one.id for one in sender.remotes.state(ADDRESS).parked] == [bad.id]
    assert sender.remotes.state(ADDRESS).failed is None


def test_who_asks_for_all_to_be_sent_waits_for_no_second_try(here, there, connection, begin, monkeypatch):
    monkeypatch.setattr(pace, "FIRST_WAIT", 600.0)
    monkeypatch.setattr(pace.random, "uniform", lambda _, most: most)
    sender = begin(start=False)
    bad, good = here.put(record("bad")), here.put(record("good"))
    connection.fault = lambda method, path, body: 500 if body and str(bad.id).encode() in body else None
    sender.retry()
    sender.start()
    until(lambda: pending(sender) == 0)
    assert list(content(there)) == [good.id]
    assert [one.id for one in sender.remotes.state(ADDRESS).parked] == [bad.id]


def test_denied_it_lets_others_try_and_goes_on_with_another_key(here, there, connection, begin):
    connection.fault = lambda *_: 401
    sender = begin(replace(SETTINGS, key=Secret("a-wrong-key")), denied=60.0)
    made = here.put(record("k"))
    state = until(lambda: (now := sender.remotes.state(ADDRESS)).paused and now)
    assert (state.sender, state.parked, state.pending) == (None, [], 1)
    connection.fault = lambda *_: None
    sender.use(replace(SETTINGS, key=Secret("a-better-key")))
    until(lambda: there.get(made.id))
    until(lambda: sender.remotes.state(ADDRESS).paused is None)


def test_what_the_settings_do_not_name_any_more_gets_nothing(here, connection, begin):
    chosen = [SETTINGS]
    sender = begin(start=False)
    sender._current = lambda: chosen[0]
    here.put(record("k"))
    for chosen[0] in (None, replace(SETTINGS, address="http://other/api")):
        assert sender._turn() == 1.0
        assert connection.asked == []
    chosen[0] = replace(SETTINGS, key=Secret("another-key"))
    sender._turn()
    assert pending(sender) == 0 and sender.settings.key == "another-key"
    chosen[0] = None
    sender._turn()
    assert sender.remotes.sender(ADDRESS) == (None, None)
    connection.asked.clear()
    here.put(record("k"))
    sender._send_the_rest()
    assert connection.asked == []


def test_nothing_in_the_way_is_told_also_where_there_is_nothing_to_send(here, connection, begin):
    sender = begin(start=False)
    made = here.put(record("k"))
    connection.fault = lambda *_: 503
    sender._turn()
    assert sender.remotes.state(ADDRESS).last_error
    here.delete(made.id)
    connection.fault = lambda *_: None
    sender.retry()
    sender._turn()
    state = sender.remotes.state(ADDRESS)
    assert (state.failed, state.last_error) == (None, None)


def test_an_error_nobody_foresaw_beside_is_raised(here, connection, begin):
    sender = begin(start=False)
    for n in range(500):
        here.put(record(f"k{n}"))

    def fault(*_):
        if threading.current_thread() is not threading.main_thread():
            raise KeyError("a bug")

    connection.fault = fault
    with pytest.raises(KeyError, match="a bug"):
        while pending(sender):
            sender._pass()


def test_closed_it_sends_the_rest_and_lets_go(here, there, begin):
    sender = begin(poll=60.0)
    until(lambda: sender.remotes.sender(ADDRESS)[0])
    for n in range(150):
        here.put(record(f"k{n}"))
    sender.close(10.0)
    assert there.count(Query()) == 150
    assert sender.remotes.sender(ADDRESS) == (None, None)


def test_closed_it_waits_for_nobody_who_is_slow(here, connection, begin):
    stuck = threading.Event()
    connection.fault = lambda *_: stuck.wait(30) and None
    sender = begin()
    here.put(record("k"))
    until(lambda: sender.remotes.sender(ADDRESS)[0])
    begun = time.monotonic()
    sender.close(0.2)
    assert time.monotonic() - begun < 5
    stuck.set()


def test_a_server_that_knows_no_ids_is_given_time_for_what_was_cut_off(here, there, connection, begin):
    first = begin(start=False)
    first._knows_no_ids = lambda: True
    here.put(record("k"))
    assert first.remotes.lease(ADDRESS, replace(this_process(), pid=2**30), 60), "by a process that died"
    begun = time.monotonic()
    assert first._turn() == 0.01 and first._not_before > begun + 0.9
    connection.fault = lambda *_: "after"
    first.retry()
    first._turn()
    assert first.failures == 1 and first._not_before > time.monotonic() + 0.5


def test_a_server_that_lost_all_gets_it_again(here, connection, begin, tmp_path, caplog):
    sender = begin()
    made = [here.put(record(f"k{n}")) for n in range(20)]
    until(lambda: pending(sender) == 0)
    connection.store = new = open_store(tmp_path / "new", durable=False)
    connection.api = type(connection.api)(lambda: new)
    made.append(here.put(record("k20")))
    until(lambda: new.count(Query()) == len(made))
    assert content(new) == content(here)
    assert "another store answers" in caplog.text


@pytest.mark.parametrize("way", ["restored", "copied"])
def test_a_server_put_back_to_an_earlier_state_gets_what_it_lost(here, there, connection, begin, tmp_path, way):
    """Copied it does not know itself that it was put back; its seq tells."""
    sender = begin()
    kept, deleted = here.put(record("kept")), here.put(record("deleted"))
    until(lambda: pending(sender) == 0)
    backup(there, tmp_path / "monday.zip")
    lost, changed = here.put(record("lost")), here.patch(kept.id, Patch(description="since then"))
    here.delete(deleted.id)
    until(lambda: pending(sender) == 0)
    restore(tmp_path / "monday.zip", tmp_path / "restored")
    if way == "copied":
        with sqlite3.connect(tmp_path / "restored" / "store.db") as copy:
            copy.execute("DELETE FROM meta WHERE name = 'restored'")
        copy.close()
    connection.store = old = open_store(tmp_path / "restored", durable=False)
    assert old.id == there.id
    assert {one.id for one in old.find(Query())} == {kept.id, deleted.id}
    connection.api = type(connection.api)(lambda: old)
    other = here.put(record("other"))
    until(lambda: pending(sender) == 0 and old.get(other.id))
    assert {one.id for one in old.find(Query())} == {kept.id, lost.id, other.id}
    assert old.get(kept.id).description == changed.description
    passes = sender.passes
    here.put(record("k"))
    until(lambda: pending(sender) == 0 and sender.passes > passes)
    assert sender.error is None


def test_an_error_nobody_foresaw_is_logged_and_tried_again(here, there, begin, caplog, monkeypatch):
    sender = begin(start=False)
    monkeypatch.setattr(sender, "_holds", lambda: 1 / 0)
    assert sender._try_turn() == 5.0
    assert "tried again" in caplog.text


def test_a_folder_that_was_made_anew_is_sent_from(here, there, begin, caplog):
    """Somebody deleted it to start afresh; the process goes on."""
    sender = begin()
    until(lambda: sender.remotes.sender(ADDRESS)[0])
    with sqlite3.connect(here.folder / "store.db") as other:
        other.execute("DELETE FROM remote")
    until(lambda: sender.remotes.find(ADDRESS) is not None)
    made = here.put(record("k"))
    until(lambda: there.get(made.id))
    assert caplog.text == ""


def test_the_lease_is_kept_in_a_folder_that_was_made_anew(here, begin):
    """Whichever thread finds out first."""
    sender = begin(start=False, lease=0.03)
    keeper = threading.Thread(target=sender._keep_lease, daemon=True)
    assert sender._holds()
    here._database.write(lambda connection: connection.execute("DELETE FROM remote"))
    keeper.start()
    until(lambda: not keeper.is_alive() or time.monotonic() > sender._leased_until + 0.1)
    sender.remotes.first_seen(ADDRESS)
    assert sender._holds()
    leased = sender._leased_until
    until(lambda: sender._leased_until > leased)
    sender._closing.set()
    keeper.join(10)
    assert not keeper.is_alive()


def test_where_no_thread_can_be_had_the_next_artifact_tries_again(here, monkeypatch):
    closed, start = replace(SETTINGS, address="http://127.0.0.1:9/api"), threading.Thread.start

    def no_more(thread):
        raise RuntimeError("can't start new thread")

    try:
        nba.configure(api_url=closed.address)
        monkeypatch.setattr(threading.Thread, "start", no_more)
        sender = ensure(here, closed)
        assert not sender.is_begun
        Sender(here, closed).close(0.1)
        monkeypatch.setattr(threading.Thread, "start", start)
        assert ensure(here, closed) is sender
        assert sender._thread.is_alive()
    finally:
        nba.configure(api_url=None)
        close_all(0.1)


def test_a_process_has_one_for_each_address_and_a_fork_none(here):
    closed = replace(SETTINGS, address="http://127.0.0.1:9/api")
    try:
        nba.configure(api_url=closed.address)
        sender = ensure(here, closed)
        assert ensure(here, closed) is sender is running(here, closed.address)
        nba.configure(api_key="another-key")
        other = replace(closed, key=Secret("another-key"))
        assert ensure(here, other) is sender and sender.settings == other

        def forked(send):
            send(running(here, closed.address) is None)
            mine = ensure(here, closed)
            time.sleep(0.3)
            send((mine is not sender, mine.passes))

        until(lambda: sender.remotes.sender(closed.address)[0])
        none, (own, passes) = Child(forked).wait()
        assert none and own and passes == 0, "the parent sends"
        assert sender._thread.is_alive()
        nba.configure(api_url="off")
        until(lambda: sender.remotes.sender(closed.address) == (None, None))
    finally:
        nba.configure(api_url=None, api_key=None)
        close_all(0.1)
    assert running(here, closed.address) is None


def test_nothing_is_loaded_where_nothing_is_sent(tmp_path):
    script = (
        "import sys, nb_artifacts as nba; nba.create_markdown_artifact('x', key='k')\n"
        "found = [name for name in sys.modules if name.startswith(('httpx', 'nb_artifacts.sender', 'psutil'))]\n"
        "import nb_artifacts.sender; assert 'httpx' not in sys.modules; print(*found)"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("NB_ARTIFACTS")}
    env |= {"NB_ARTIFACTS_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert [name for name in done.stdout.split() if not name.startswith("psutil")] == []
