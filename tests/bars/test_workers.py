"""One bar that many processes add to: forked, spawned, killed, and on another host."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from concurrent.futures import ProcessPoolExecutor

import pytest
from faults.processes import Child
from waiting import until

import nb_artifacts as nba
from nb_artifacts import core
from nb_artifacts.bars import bar as bars
from nb_artifacts.bars.bar import _ticket
from nb_artifacts.bars.outpost import Outpost, Ticket

METHODS = ["fork", "spawn", "forkserver"]


def add(bar, many):
    for _ in range(many):
        bar.update()
    return os.getpid()


def loop(bar, many):
    for _ in bar.track(range(many)):
        pass


def die(bar):
    bar.update(7)
    os.kill(os.getpid(), signal.SIGKILL)


def words(bar):
    bar.message("from a worker")
    bar.total = 50
    with bar:
        bar.update(3)


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_ended_at_once_loses_nothing(said, method):
    with nba.progress(key="pool") as bar, multiprocessing.get_context(method).Pool(2) as pool:
        pids = set(pool.starmap(add, [(bar, 25)] * 40))
    assert os.getpid() not in pids
    assert said("pool") == [("finished", 1000)]
    assert bar.n == 1000


@pytest.mark.parametrize("method", METHODS)
def test_futures_and_loops(said, method):
    with nba.progress(400, "futures") as bar, ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        list(pool.map(loop, [bar] * 8, [50] * 8))
        folder = bar._home.ledger.folder
        assert folder.is_dir() and folder.stat().st_mode & 0o077 == 0
    assert said("futures") == [("finished", 400)]
    assert not folder.exists(), "the workers' folder goes with the bar"


def test_joblib(said):
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    with nba.progress(key="joblib") as bar:
        Parallel(n_jobs=2)(delayed(add)(bar, 10) for _ in range(20))
        Parallel(n_jobs=2, backend="threading")(delayed(add)(bar, 10) for _ in range(20))
    get_reusable_executor().shutdown()  # or its workers stay for minutes
    assert said("joblib") == [("finished", 400)]


def test_a_bar_every_forked_worker_knows(said):
    global shared  # noqa: PLW0603
    with nba.progress(key="inherited") as shared, multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(add_shared, range(100))
    assert said("inherited") == [("finished", 100)]
    del shared


def add_shared(_):
    shared.update()


def test_a_killed_worker_has_counted_what_it_did(said):
    with nba.progress(key="killed") as bar:
        for method in ("fork", "spawn"):
            process = multiprocessing.get_context(method).Process(target=die, args=(bar,))
            process.start()
            process.join()
            assert process.exitcode == -signal.SIGKILL
        until(lambda: said("killed") == [("running", 14)])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_words_and_totals_of_a_worker_reach_the_bar_and_do_not_end_it(infos, method):
    with nba.progress(key="words") as bar:
        process = multiprocessing.get_context(method).Process(target=words, args=(bar,))
        process.start()
        process.join()
        until(lambda: (infos("words")[0].state, infos("words")[0].done) == ("running", 3))
        until(lambda: bar.total == 50)
    info = infos("words")[0]
    assert (info.message, info.total, info.state) == ("from a worker", 50, "stopped")


def go_ones_own_way(send, bar, odd):
    """A child may add, and begin bars of its own."""
    bar.update()
    if odd:
        list(nba.track(range(4), "childs-own"))


def test_a_fork_in_a_running_loop_neither_hangs_nor_doubles(said):
    children = []
    with nba.progress(key="bar-around") as around:
        for n in nba.track(range(6), "forking"):
            for _ in nba.track(range(3), description="row"):
                pass
            children.append(Child(go_ones_own_way, around, n % 2))
        for child in children:
            child.wait()
            assert child.code == 0
    assert said("forking") == [("finished", 6)]
    assert said("bar-around") == [("finished", 6)]
    assert said("childs-own") == [("finished", 4)] * 3


def test_a_child_that_goes_on_with_the_loop_does_not_move_it(said):
    looping = iter(nba.track(range(5), "goes-on"))
    assert [next(looping) for _ in range(3)] == [0, 1, 2]
    child = Child(lambda send: [send(n) for n in looping])
    assert child.wait() == [3, 4]
    assert (child.code, said("goes-on")[0][0]) == (0, "running")
    assert list(looping) == [3, 4]
    assert said("goes-on") == [("finished", 5)]


def test_many_forks_while_the_ticker_writes(said):
    with nba.progress(key="storm") as bar:
        for _ in range(25):
            bar.update()
            child = Child(lambda send: bar.update())
            child.wait()
            assert child.code == 0
    assert said("storm") == [("finished", 50)]


def elsewhere(bar):
    """The same bar as a worker on another host would hold it: without the folder, and not owned here."""
    ticket = _ticket(bar._meter, bar._home)
    outpost = Outpost(Ticket(ticket.id, ticket.where, ticket.store, None, ticket.total, ticket.unit))
    return bars.Bar(outpost.meter, outpost), outpost


def test_other_hosts_add_by_patches_that_never_overwrite(infos):
    with nba.progress(1000, "hosts") as bar:
        others = [elsewhere(bar) for _ in range(3)]
        for _ in range(20):
            bar.update()
            for other, outpost in others:
                other.update(2)
                outpost.send()
        until(lambda: infos("hosts")[0].done == 20 + 120)
        others[0][0].message("hello")
        until(lambda: infos("hosts")[0].message == "hello")
        bar.update()
        until(lambda: infos("hosts")[0].done == 141)
    info = infos("hosts")[0]
    assert (info.state, info.done, info.shared, info.message) == ("stopped", 141, 120, "hello")
    others[1][0].update(9)
    others[1][1].send()
    assert infos("hosts")[0].done == 150, "what comes late counts too"


def test_a_host_that_cannot_see_the_store_says_so_once(home, tmp_path, recwarn):
    lost = Outpost(Ticket("01a20cf2-8e44-7192-8c9c-13d11da3ccbc", str(tmp_path / "nowhere"), "other", None))
    lost.meter.counter.begin(5)
    lost.send()
    lost.send()
    assert ["cannot be reached from here" in str(warning.message) for warning in recwarn] == [True]
    assert not (tmp_path / "nowhere").exists()


def test_a_ticket_is_small_and_names_no_secret(home):
    with nba.progress(10, "ticket") as bar:
        data = pickle.dumps(bar)
    assert len(data) < 600
    assert core.get("ticket").info["state"] == "stopped"
