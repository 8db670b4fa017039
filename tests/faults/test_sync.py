"""What is made here arrives on a real server exactly once, whatever the network and the server do."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import pairwise

import psutil
import pytest
from contract.given import of, record, versions
from faults import syscalls
from faults.machines import Machine, Served, size
from faults.processes import Child
from msgspec import Raw
from waiting import until

import nb_artifacts as nba
from nb_artifacts.addresses import RemoteSettings, Secret
from nb_artifacts.errors import StoreFull
from nb_artifacts.sender import Sender, close_all, pace, registry, running, thread, wake
from nb_artifacts.sender.thread import Limits
from nb_artifacts.store import open_store
from nb_artifacts.wire import Patch, Query, RunKind, RunQuery, RunState, Sort

pytestmark = pytest.mark.timeout(size(300, 3600))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("served"))
    yield served
    served.stop()


@pytest.fixture
def machine(served, tmp_path):
    machine = Machine(tmp_path / "home", served)
    yield machine
    machine.close()


@pytest.fixture
def hasty(monkeypatch):
    """Failures are followed by shorter waits than a person's server gets."""
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(pace, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(thread, "GATHER_SECONDS", 0.001)


def put(machine, key="k", data=1, **members):
    return machine.store.put(record(key, data, **members))


def test_killed_servers_lose_nothing(tmp_path, hasty):
    """R-10: the server is killed and started again while a cell creates."""
    served = Served(tmp_path)
    machine = Machine(tmp_path / "home", served)
    try:
        machine.sender()
        total, kills, slowest = size(200, 10_000), size(2, 50), 0.0
        deaths = [total * (n + 1) // (kills + 1) for n in range(kills)]
        for n in range(total):
            begun = time.monotonic()
            put(machine, f"k{n % 5}", n)
            slowest = max(slowest, time.monotonic() - begun)
            if n in deaths:
                until(lambda: machine.pending < 50, 120)
                served.kill()
                revival = threading.Thread(target=served.restart)
                revival.start()
                for m in range(20):
                    put(machine, "during", m)
                revival.join()
                machine.proxy.target = served.port
        machine.drained()
        assert slowest < 1.0, "a cell never waits for the server"
        machine.assert_all_there_once()
    finally:
        machine.close()
        served.stop()


def test_lost_replies_double_nothing(machine, hasty):
    """R-11: a fifth of the replies is cut off after the server has acted."""
    machine.proxy.random(0.2, ["cut_reply"], seed=1, only=lambda seen: seen.path.endswith("batch"))
    machine.sender()
    for n in range(size(100, 2000)):
        put(machine, f"k{n % 3}", n)
        if n % 4 == 0:
            time.sleep(0.01)
    machine.drained()
    assert any(seen.fault == "cut_reply" for seen in machine.proxy.requests)
    machine.assert_all_there_once()
    for n in range(3):
        there = machine.there()
        assert [one.id for one in there.find(of(key=f"k{n}", sort=Sort.VERSION_DESC))] == [
            one.id for one in machine.store.find(of(key=f"k{n}"))
        ]
        assert versions(there, f"k{n}") == versions(machine.store, f"k{n}")


def test_all_faults_mixed(machine, hasty):
    """R-12: busy, slow down, stalled, half a reply, cut off before; a patch and a deletion in between."""
    machine.proxy.stall, machine.proxy.retry_after = 0.3, "0.1"
    faults = ["busy", "slow_down", "stall", "half_reply", "cut_before", "cut_reply"]
    machine.proxy.plan("ok", "ok", *faults)
    machine.proxy.random(0.4, faults, seed=3)
    machine.sender()
    chance, made = random.Random(1), []
    for n in range(size(80, 300)):
        made.append(put(machine, f"k{n % 4}", n))
        if n % 5 == 4:
            machine.store.patch(chance.choice(made).id, Patch(description=f"changed {n}"))
        if n % 10 == 9:
            machine.store.delete(made.pop(chance.randrange(len(made))).id)
        time.sleep(0.005)
    machine.drained()
    assert {seen.fault for seen in machine.proxy.requests} >= {*faults}
    machine.assert_all_there_once()


def test_a_server_that_asks_for_time_gets_it(machine, hasty):
    """R-12: Retry-After is never undercut, also by another process that comes to send."""
    put(machine)
    first = machine.sender()
    machine.drained()
    machine.proxy.retry_after = "1"
    machine.proxy.plan("slow_down")
    put(machine)
    until(lambda: machine.remotes.state(machine.address).failed)
    assert "127.0.0.1" in machine.remotes.state(machine.address).last_error
    first.close(1.0)
    machine.sender()
    machine.drained()
    faulty = [seen.fault for seen in machine.proxy.requests].index("slow_down")
    assert machine.proxy.requests[faulty + 1].at - machine.proxy.requests[faulty].at >= 1.0


def test_a_server_that_is_only_busy_is_asked_once_a_second(machine, monkeypatch):
    """R-12: after the fifth try."""
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.01)
    put(machine)
    machine.sender()
    machine.drained()
    machine.proxy.requests.clear()
    machine.proxy.rule(lambda seen: 503)
    for n in range(250):
        put(machine, f"k{n}")
    until(lambda: len(machine.proxy.requests) >= 7)
    times = [seen.at for seen in machine.proxy.requests]
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(times[5:]))
    machine.proxy.calm()
    machine.drained()


def send_for_ever(send, home, settings):
    store = open_store(home, durable=False)
    sender = Sender(store, settings, limits=Limits(poll=0.02, lease=2.0))
    send(os.getpid())
    sender.run()


def test_another_process_goes_on_where_the_sender_is_killed(machine):
    """R-14: within twice the lease, and no row is stuck or doubled."""
    machine.proxy.delay = 0.02
    senders = {}

    def begin():
        child = Child(send_for_ever, machine.home, machine.settings)
        senders[child.receive()] = child

    for _ in range(2):
        begin()
    for n in range(size(5, 30)):
        owner = until(lambda: machine.remotes.sender(machine.address)[0])
        for m in range(40):
            put(machine, f"k{m % 6}", [n, m])
        time.sleep(0.01 * (n % 5))
        killed = senders.pop(owner.pid)
        killed.kill()
        begun = time.monotonic()
        until(lambda: (now := machine.remotes.sender(machine.address)[0]) and now.pid in senders)
        assert time.monotonic() - begun <= 4.0
        killed.wait()
        assert killed.code == -signal.SIGKILL
        begin()
    machine.drained()
    machine.assert_all_there_once()


def test_a_wrong_key_pauses_and_loses_nothing(machine):
    """R-16: all of it is sent once the key is right."""
    wrong = RemoteSettings(machine.address, Secret("nba_wrong-key-of-somebody-else"))
    right, machine.settings = machine.settings, wrong
    sender = machine.sender(denied=30.0)
    for n in range(20):
        put(machine, f"k{n}")
    until(lambda: machine.remotes.state(machine.address).paused)
    state = machine.remotes.state(machine.address)
    assert (state.pending, state.parked, state.sender) == (20, [], None)
    assert "wrong-key" not in state.paused
    sender.use(right)
    machine.drained()
    assert machine.remotes.state(machine.address).paused is None
    machine.assert_all_there_once()


def test_a_key_that_becomes_right_is_noticed(machine):
    """R-16: whoever changed the key on the server need not tell anybody here."""
    machine.proxy.rule(lambda seen: 403)
    machine.sender(denied=0.2)
    put(machine)
    until(lambda: machine.remotes.state(machine.address).paused)
    machine.proxy.calm()
    machine.drained()


def test_a_poison_row_holds_nobody_up(machine):
    """R-17: shown with the reason, tried three times at most; other keys arrive meanwhile."""
    bad = put(machine, "bad")
    machine.proxy.rule(lambda seen: 422 if str(bad.id).encode() in seen.body else None)
    for n in range(30):
        put(machine, f"k{n % 5}", n)
    machine.sender()
    assert machine.drained() <= 5.0
    (parked,) = machine.remotes.state(machine.address).parked
    assert (parked.id, parked.key) == (bad.id, "bad") and "the proxy says so" in parked.error
    alone = [seen for seen in machine.proxy.requests if str(bad.id).encode() in seen.body and seen.body.count(b'"op"') == 1]
    assert len(alone) <= 3
    assert machine.there().count(Query()) == 30


def test_a_deletion_overtakes_a_held_create(machine):
    """R-18: the create that the proxy held goes through after the deletion; it stays deleted."""
    held = []

    def hold(seen):
        if seen.path.endswith("batch") and not held:
            held.append(seen)
            return "held"
        return None

    machine.proxy.rule(hold)
    made = put(machine)
    sender = machine.sender(start=False)
    sending = threading.Thread(target=sender.run, daemon=True)
    sending.start()
    until(lambda: held)
    machine.store.delete(made.id)
    other = Machine(machine.home, machine.served, machine.proxy, space=machine.space)
    there = machine.there()
    from nb_artifacts.store.remote import Outgoing

    there.send([Outgoing("delete", made.id, again=True)])
    machine.proxy.release()
    other.drained()
    assert there.count(Query()) == 0


def test_a_storm_of_progress_is_few_requests(machine):
    """R-19: the slow server hears of it now and then, and of the last value always."""
    bar = put(machine, "bar", 0, type="progress")
    machine.sender()
    machine.drained()
    machine.proxy.requests.clear()
    machine.proxy.delay = size(0.3, 1.0)
    updates, seconds = size(3_000, 100_000), size(1.2, 10.0)
    begun, slowest, memory = time.monotonic(), [], psutil.Process().memory_info().rss
    for n in range(updates):
        machine.store.patch(bar.id, Patch(data=Raw(b"%d" % (n + 1))), durable=False)
        if n % 100 == 0:
            before = time.monotonic()
            put(machine, "other", n)
            slowest.append(time.monotonic() - before)
        time.sleep(max(0.0, begun + seconds * n / updates - time.monotonic()))
    machine.drained()
    spent = time.monotonic() - begun
    assert psutil.Process().memory_info().rss - memory <= 20_000_000
    requests = [seen for seen in machine.proxy.requests if str(bar.id).encode() in seen.body]
    assert len(requests) <= spent / machine.proxy.delay + 2, "one at a time, whatever the number of updates"
    assert bytes(machine.there().get(bar.id).data) == b"%d" % updates
    assert sorted(slowest)[len(slowest) * 9 // 10] < 0.25, "a cell never waits for it"


def test_two_machines_share_a_key(served, tmp_path):
    """R-25: offline at first; then all versions are there, each once, and each machine knows the numbers of its own."""
    machines = [Machine(tmp_path / name, served, space="shared") for name in ("a", "b")]
    try:
        made = [[put(machine, "k", [n, m]) for m in range(10)] for n, machine in enumerate(machines)]
        for machine in machines:
            machine.sender()
        for machine in machines:
            machine.drained()
        there = machines[0].there()
        assert versions(there, "k") == list(range(20, 0, -1))
        number = {one.id: one.version for one in there.find(of(key="k", sort=Sort.VERSION_DESC))}
        for machine, own in zip(machines, made, strict=True):
            known = machine.remotes.mapping(machine.address, [one.id for one in own])
            assert [known[one.id].version for one in own] == [number[one.id] for one in own]
            assert sorted(number[one.id] for one in own) == [number[one.id] for one in own], "in the order made"
    finally:
        for machine in machines:
            machine.close()


def test_blobs_go_on_where_they_were_cut(machine, hasty):
    """Each once: what had arrived of the bytes is not sent again."""
    content = os.urandom(20_000_000)
    ref = machine.store.put_blob(content, "application/octet-stream")
    machine.proxy.plan("ok", "ok", "ok", "ok", "cut_reply", "cut_before")
    put(machine, "large", blob=ref)
    put(machine, "again", blob=ref)
    machine.sender()
    machine.drained()
    sent = sum(len(seen.body) for seen in machine.proxy.sent("PATCH") if seen.fault != "cut_before")
    assert sent <= len(content) + 8 * 1024 * 1024
    assert machine.there().open_blob(ref).read() == content


@pytest.mark.parametrize("limit", ["MOST_WAITING", "MOST_BYTES"])
def test_a_full_queue_is_told_and_drops_nothing(served, tmp_path, monkeypatch, recwarn, limit):
    """R-36."""
    monkeypatch.setattr(thread, limit, size(100, 1000))
    monkeypatch.setattr(registry._all, "warned", False)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings = RemoteSettings(f"http://127.0.0.1:{closed.getsockname()[1]}/api", None)
        nba.configure(api_url=settings.address)
        store = open_store(tmp_path / "home", durable=False)
        wake(store, settings)
        total = size(200, 2000)
        for n in range(total):
            store.put(record(f"k{n}"))
        sender = running(store, settings.address)
        until(lambda: sender.waiting >= total)
        for _ in range(3):
            wake(store, settings)
        told = [str(one.message) for one in recwarn if "wait to be sent" in str(one.message)]
        assert len(told) == 1 and str(tmp_path / "home") in told[0]
        assert store.count(Query()) == sender.remotes.count(settings.address) == total
        nba.configure(api_url=None)
        close_all(0.5)


def fill_and_send(send, home, settings, limit):
    syscalls.small_disk(home, limit)
    store = open_store(home, durable=False)
    while True:
        try:
            store.put(record("k", "x" * 2000))
        except StoreFull:
            break
    sender = Sender(store, settings, limits=Limits(poll=0.02, lease=2.0))
    sender.start()
    remotes = sender.remotes
    until(lambda: remotes.count(settings.address) == 0)
    sender.close(1.0)
    send(store.count(Query()))


def test_a_full_disk_is_sent_too(machine):
    """R-06: what is in the folder reaches the server, so that it may be deleted here."""
    child = Child(fill_and_send, machine.home, machine.settings, 5_000_000)
    (count,) = child.wait()
    assert count > 40
    machine.assert_all_there_once()


@pytest.mark.parametrize("way", ["stalled", "closed", "unresolved"])
def test_a_process_ends_and_the_rest_goes_next_time(machine, way):
    """R-09: a hundred creates in a script, with an API that does not answer; at most 3 s to end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        if way == "stalled":
            machine.proxy.rule(lambda seen: "held")
        elif way == "closed":
            machine.proxy.refuse()
        ended = run_script(machine, way)
        assert ended <= 3.0
        assert silent


def test_what_a_script_made_is_there_when_it_ends(machine):
    """Also that it has ended."""
    assert run_script(machine, "there") <= 3.0
    machine.sender()
    machine.drained(5.0)
    machine.assert_all_there_once()
    there = machine.there()
    (session,) = there.find_runs(RunQuery(kind=[RunKind.session]))
    assert session.state is RunState.completed


def test_the_key_is_in_no_file_and_no_output(machine, caplog):
    """S-10: not in the folder, not in what a process prints, not in what went wrong."""
    key = machine.served.token
    machine.proxy.plan("ok", "ok", 500, 401)
    assert run_script(machine, "there") <= 3.0
    sender = machine.sender(denied=0.2)
    machine.drained()
    said = [repr(sender.settings), str(machine.remotes.state(machine.address)), caplog.text, str(sender.error)]
    files = [path.read_bytes() for path in machine.home.rglob("*") if path.is_file()]
    assert len(files) > 2
    assert not any(key.encode() in content for content in files)
    assert not any(key in text for text in said)
    assert not any(key in seen.path for seen in machine.proxy.requests)


def run_script(machine, way):
    address = machine.address.replace("127.0.0.1", "no-such-host.invalid") if way == "unresolved" else machine.address
    script = (
        "import nb_artifacts as nba, time\n"
        "for n in range(100): nba.create_markdown_artifact(str(n), key=f'k{n % 3}')\n"
        "print(time.monotonic(), flush=True)\n"
    )
    env = {**os.environ, "NB_ARTIFACTS_HOME": str(machine.home), "NB_ARTIFACTS_API_URL": address}
    env["NB_ARTIFACTS_API_KEY"] = machine.served.token
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True)
    ended = time.monotonic() - float(done.stdout)
    assert machine.served.token not in done.stdout + done.stderr
    assert machine.store.count(Query()) == 100
    if way != "stalled":
        return ended
    assert machine.pending == 100
    machine.proxy.calm()
    machine.proxy.release()
    machine.sender()
    machine.drained()
    machine.assert_all_there_once()
    return ended


def test_writers_are_killed_with_a_dead_api(tmp_path):
    """R-02: as R-01, with an address where nobody listens; no call fails, nothing is lost."""
    kills, acknowledged, chance = 0, [], random.Random(2)
    home = tmp_path / "home"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/api"
        while kills < size(9, 60) or len(acknowledged) < size(400, 3000):
            writers = [Child(create_for_ever, home, address, kills + n) for n in range(3)]
            for writer in writers:
                acknowledged += [writer.receive() for _ in range(chance.randrange(100))]
                writer.kill()
                kills += 1
            for writer in writers:
                acknowledged += writer.wait()
                assert writer.code == -signal.SIGKILL, "no call failed"
    store = open_store(home)
    stored = {one.id for one in store.find(Query())}
    assert len(set(acknowledged)) == len(acknowledged) and set(acknowledged) <= stored
    assert len(stored) - len(acknowledged) <= kills
    from nb_artifacts.store.remotes import Remotes

    assert Remotes(store).count(address) == len(stored)


def create_for_ever(send, home, address, name):
    import nb_artifacts as nba

    nba.configure(home=str(home), api_url=address)
    n = 0
    while True:
        send(nba.create_markdown_artifact(f"{name} {n}", key=f"k{n % 3}"))
        n += 1
