"""`track`: how loops end, and what is then in the store."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest
import rich.progress
from waiting import until

import nb_artifacts as nba
from nb_artifacts import core, display, live, outbox, stores, union, updates
from nb_artifacts.bars import _RICHS_LOOKS, keeper, outpost
from nb_artifacts.bars.loops import within_ours
from nb_artifacts.errors import InvalidKey, InvalidValue, StoreError, UnsupportedType
from nb_artifacts.store import connection, links, postgres, sqlite
from nb_artifacts.ticker import ticker
from nb_artifacts.wire import Patch


def test_a_loop_that_ends_is_finished_at_once(said, infos):
    assert list(nba.track(range(1000), "done", description="Numbers", unit="numbers")) == list(range(1000))
    assert said("done") == [("finished", 1000)]
    info = infos("done")[0]
    assert (info.total, info.unit, info.error) == (1000, "numbers", None)
    assert info.ended >= info.started and info.pid and info.rate > 0
    record = core.get("done")
    assert record.description == "Numbers" and bytes(record.data) == b"100.0"


def test_the_first_value_is_there_before_the_first_item(said):
    for _ in nba.track([1], "first"):
        assert said("first") == [("running", 0)]


def test_break_leaves_stopped_before_the_next_line(said):
    for n in nba.track(range(10), "break"):
        if n == 4:
            break
    assert said("break") == [("stopped", 4)]


@pytest.mark.parametrize("kind", [list, iter, lambda numbers: (n for n in numbers)])
def test_a_return_leaves_stopped(said, kind):
    def find():
        for n in nba.track(kind(range(10)), "return"):
            if n == 3:
                return n
        return None

    assert find() == 3
    assert said("return") == [("stopped", 3)]


def test_an_exception_in_the_loop_passes_through_and_leaves_failed(infos):
    with pytest.raises(OSError, match="disk") as caught:
        for n in nba.track(range(10), "fail"):
            if n == 6:
                error = OSError("the disk")
                raise error
    assert caught.value is error
    assert said_of(infos, "fail") == ("failed", 6, "OSError: the disk")


def said_of(infos, key):
    info = infos(key)[-1]
    return info.state, info.done, info.error


def test_it_has_failed_before_the_exception_is_handled(infos):
    try:
        for n in nba.track(range(10), "at-once"):
            if n == 6:
                raise OSError
    except OSError:
        assert said_of(infos, "at-once")[:2] == ("failed", 6)


def test_what_is_raised_in_c_is_named_by_who_handles_it(infos):
    def work():
        for n in nba.track(range(10), "in-c"):
            int("many") if n == 4 else None

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        assert isinstance(future.exception(), ValueError)
    assert said_of(infos, "in-c")[:2] == ("failed", 4)
    try:
        work()
    except ValueError:
        until(lambda: said_of(infos, "in-c")[2] == "ValueError: invalid literal for int() with base 10: 'many'")


def test_an_exception_nobody_keeps_is_a_failure_without_a_word(infos):
    with suppress(ZeroDivisionError):
        for n in nba.track(range(10), "unseen"):
            1 // (3 - n)
    assert said_of(infos, "unseen")[:2] == ("failed", 3)


def test_a_keyboard_interrupt_leaves_interrupted(infos):
    with suppress(KeyboardInterrupt):
        for n in nba.track(range(10), "interrupt"):
            if n == 6:
                raise KeyboardInterrupt
    assert said_of(infos, "interrupt") == ("interrupted", 6, None)


def test_a_generator_that_is_closed_has_stopped_its_loop(infos):
    def numbers():
        for n in nba.track(range(10), "closed"):
            yield n + 0

    for n in numbers():
        if n == 3:
            break
    assert said_of(infos, "closed") == ("stopped", 3, None)


def test_an_exception_caught_inside_the_loop_is_none_of_its_business(infos):
    kept = []
    for n in nba.track(range(10), "inside"):
        try:
            1 / (n % 2)
        except ZeroDivisionError as error:
            kept.append(error)
        if n == 6:
            break
    assert said_of(infos, "inside") == ("stopped", 6, None)


def test_rows_fail_too(infos):
    with suppress(OSError):
        for _ in nba.track(range(2), "rows"):
            for n in nba.track(range(5), description="row"):
                if n == 2:
                    raise OSError("in a row")
    assert said_of(infos, "rows") == ("failed", 0, "OSError: in a row")
    assert [(step.state, step.done) for step in infos("rows")[0].steps] == [("failed", 2)]


def test_without_the_collector_the_end_of_the_cell_or_process_tells(infos):
    gc.disable()
    try:
        with pytest.raises(OSError, match="late") as caught:
            for _ in nba.track(range(3), "no-gc"):
                raise OSError("late")
        assert said_of(infos, "no-gc")[0] == "stopped"
        for one in list(keeper._lost):
            one.cell_ended(caught.value)
    finally:
        gc.enable()
    assert said_of(infos, "no-gc") == ("failed", 0, "OSError: late")


def test_an_error_of_the_iterable_is_a_failure(infos):
    def numbers():
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        for _ in nba.track(numbers(), "iterable"):
            pass
    info = infos("iterable")[0]
    assert (info.state, info.error, info.done) == ("failed", "ValueError: no more", 1)


def test_a_later_error_is_not_blamed_on_a_loop_that_broke(infos):
    try:
        for _ in nba.track(range(3), "innocent"):
            break
        raise RuntimeError("something else")
    except RuntimeError as error:
        for one in [*keeper.keepers.values(), *keeper._lost]:
            one.blame(error)
    assert infos("innocent")[0].state == "stopped"


def test_an_iterator_nobody_finishes_is_settled_when_it_is_collected(said):
    iterator = iter(nba.track(range(10), "never"))
    next(iterator), next(iterator)
    assert said("never") == [("running", 0)]
    del iterator
    assert said("never") == [("stopped", 1)]
    loop = nba.track(range(10), "unused")
    del loop
    assert said("unused") == [("stopped", 0)]


def test_a_cycle_is_settled_by_the_collector_even_in_the_middle_of_a_write(said, home):
    class Node:
        pass

    node = Node()
    node.loop, node.me = iter(nba.track(range(10), "cycle")), node
    next(node.loop)
    store = core.current_store()
    del node

    def collect(connection):
        gc.collect()
        connection.execute("INSERT INTO meta VALUES ('written', 'whole')")

    store._database.write(collect)
    until(lambda: said("cycle") == [("stopped", 0)])
    assert store._database.read(lambda c: c.execute("SELECT value FROM meta WHERE name = 'written'").fetchone()) == ("whole",)


@pytest.mark.parametrize(
    "module",
    [keeper, outpost, core, display, live, outbox, stores, union, updates, connection, links, postgres, sqlite, sys.modules[ticker.__module__]],
    ids=lambda module: module.__name__,
)  # fmt: skip
def test_a_finalizer_knows_that_it_came_in_the_middle_of_our_work(module):
    at_work = eval("lambda inner: inner()", {"__name__": module.__name__})
    assert at_work(lambda: within_ours(sys._getframe()))
    assert not within_ours(sys._getframe())


def test_iterated_again_it_begins_again(said):
    loop = nba.track([1, 2, 3], "twice")
    assert (len(loop), list(loop), list(loop)) == (3, [1, 2, 3], [1, 2, 3])
    assert said("twice") == [("finished", 3)] * 2


def test_totals(infos):
    list(nba.track((n for n in range(3)), "open"))
    list(nba.track((n for n in range(3)), "told", total=5))
    list(nba.track(range(3), "more", completed=10))
    assert [infos(key)[0].total for key in ("open", "told", "more")] == [None, 5, 13]
    assert infos("more")[0].done == 13
    assert core.read(core.get("told")).value == 100


def test_no_bar_without_a_wish_for_one(home):
    assert list(nba.track([1], "off", disable=True)) == [1]
    assert core.get("off") is None


def test_it_takes_every_parameter_of_richs_track(said):
    theirs = inspect.signature(rich.progress.track).parameters
    assert theirs.keys() - {"sequence"} - inspect.signature(nba.track).parameters.keys() <= _RICHS_LOOKS <= theirs.keys()
    given = {name: one.default for name, one in theirs.items() if name != "sequence"}
    assert list(nba.track(range(3), key="rich", **given)) == [0, 1, 2]
    assert said("rich") == [("finished", 3)]
    with pytest.raises(TypeError, match=r"track\(\) got an unexpected keyword argument 'colour'"):
        nba.track(range(3), colour="red")


def test_what_cannot_be_is_refused_before_the_first_item(home):
    for wrong, error in [
        (lambda: nba.track(5), UnsupportedType),
        (lambda: nba.track([1], "Not A Key"), InvalidKey),
        (lambda: nba.track([1], total=-1), InvalidValue),
        (lambda: nba.track([1], total="many"), InvalidValue),
        (lambda: nba.track([1], description="\ud800"), InvalidValue),
        (lambda: nba.track([1], unit=5), InvalidValue),
        (lambda: nba.track([1], 5), InvalidKey),
        (lambda: nba.track([1], completed="a"), InvalidValue),
        (lambda: nba.track([1], completed=-5), InvalidValue),
        (lambda: nba.progress(initial=float("nan")), InvalidValue),
        (lambda: nba.progress(disable=True).step("a", advance="x"), InvalidValue),
        (lambda: nba.progress(disable=True).step("a", unit=5), InvalidValue),
        (lambda: iter(nba.track(anumbers())), UnsupportedType),
        (lambda: aiter(nba.track([1])), UnsupportedType),
    ]:
        with pytest.raises(error):
            wrong()


def test_for_in_the_place_of_async_for_leaves_no_bar_that_runs(infos):
    with pytest.raises(UnsupportedType) as caught:
        iter(nba.track(anumbers(), "for"))
    with pytest.raises(UnsupportedType) as caught_too:
        aiter(nba.track([1], "for"))
    assert caught.tb and caught_too.tb  # a traceback that is kept holds the loop
    assert [info.state for info in infos("for")] == ["failed", "failed"]
    assert infos("for")[0].error == "UnsupportedType: async_generator is iterated with `async for`."


def test_a_key_in_use_is_said_and_makes_a_new_version(said):
    for n in nba.track(range(2), "busy"):
        if n == 0:
            with pytest.warns(UserWarning, match="'busy' is the key of a bar that still runs"):
                list(nba.track(range(5), "busy"))
    assert said("busy") == [("finished", 2), ("finished", 5)]


@pytest.mark.parametrize(
    ("writer", "where"),
    [
        ({"pid": os.getppid(), "process_started": psutil.Process(os.getppid()).create_time()}, ", in another process"),
        ({"host": "node-7"}, ", on node-7"),
        ({"process_started": 1.0}, None),
    ],
)
def test_a_key_in_use_elsewhere_is_said_too(home, writer, where):
    nba.progress(9, "shared").finish()
    record = core.get("shared")
    core.current_store().patch(record.id, Patch(info={**record.info, "state": "running", **writer}), if_seq=record.seq)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nba.progress(9, "shared").finish()
    said = [str(one.message) for one in caught]
    assert said == (
        [f"'shared' is the key of a bar that still runs (shared@1{where}): this one is a new version."] if where else []
    )


async def anumbers(many=5, error=None):
    for n in range(many):
        await asyncio.sleep(0)
        yield n
    if error:
        raise error


def test_async_for(infos, said):
    async def main():
        found = [n async for n in nba.track(anumbers(), "async", total=5)]
        async for n in nba.track(anumbers(), "async"):
            if n == 2:
                break
        with pytest.raises(OSError, match="gone"):
            async for _ in nba.track(anumbers(2, OSError("gone")), "async"):
                pass
        return found

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]
    assert said("async") == [("finished", 5), ("stopped", 2), ("failed", 2)]
    assert infos("async")[2].error == "OSError: gone"


def test_tasks_that_run_side_by_side_have_bars_of_their_own(said):
    async def work(key):
        async for _ in nba.track(anumbers(3), key):
            pass

    async def main():
        await asyncio.gather(*(work(f"task-{n}") for n in range(4)))

    asyncio.run(main())
    assert [said(f"task-{n}") for n in range(4)] == [[("finished", 3)]] * 4


def test_a_cancelled_task_is_interrupted(infos):
    async def work():
        async for _ in nba.track(anumbers(10**9), "cancelled"):
            await asyncio.sleep(0)

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert infos("cancelled")[0].state == "interrupted"


class Collects:
    """Is waited for, and has garbage collected when it is cancelled."""

    def __await__(self):
        try:
            yield
        finally:
            gc.collect(0)


CANCELLED = {"interrupted"} if sys.version_info >= (3, 11) else {"interrupted", "stopped"}
"""What a cancelled task leaves: on Python 3.10 it does not always say that it is cancelled."""


@pytest.mark.parametrize("waits", [lambda: asyncio.sleep(60), Collects])
def test_a_task_cancelled_where_its_loop_waits_is_interrupted(infos, waits):
    async def work():
        for _ in nba.track(range(9), "waits"):
            await waits()

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert infos("waits")[0].state in CANCELLED


def test_an_exception_thrown_into_what_a_loop_yields_from_is_its_failure(infos):
    def loop():
        for n in nba.track(range(9), "thrown"):
            yield from iter_of(n)

    def iter_of(n):
        yield n

    looping = loop()
    next(looping)
    with pytest.raises(ValueError, match="x"):
        looping.throw(ValueError("x"))
    assert infos("thrown")[0].state == "failed"


@pytest.mark.parametrize("caught", [True, False])
def test_a_task_cancelled_in_the_body_is_interrupted(infos, caught):
    async def work():
        for _ in nba.track(range(10), "body"):
            await asyncio.sleep(60)

    async def main():
        with suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(work(), 0.05)
        await asyncio.sleep(0.5 if caught else 0)

    asyncio.run(main())
    keeper.settle_all()
    assert [(info.state in CANCELLED, info.done) for info in infos("body")] == [(True, 0)]


def test_a_coroutine_that_is_closed_has_stopped_its_loop(infos):
    async def work():
        for _ in nba.track(range(10), "closed"):
            await asyncio.sleep(60)

    async def main():
        running = work()
        running.send(None)
        running.close()

    asyncio.run(main())
    assert infos("closed")[0].state == "stopped"


def test_a_million_items_make_a_handful_of_writes(home):
    before = core.current_store().last_seq()
    for _ in nba.track(range(1_000_000), "many"):
        pass
    beats = core.current_store().last_seq() - before
    assert beats <= 60


def test_progress_is_seen_while_a_loop_runs(said):
    for n in nba.track(range(3), "seen"):
        until(lambda n=n: said("seen") == [("running", n)])


def test_the_ticker_ends_with_the_last_bar(home):
    list(nba.track(range(3), "short"))
    until(lambda: not ticker.running)
    assert "nb_artifacts-ticker" not in {thread.name for thread in threading.enumerate()}


def test_a_store_that_cannot_be_written_is_warned_of_once_and_the_loop_goes_on(home, monkeypatch, recwarn):
    store = core.current_store()

    def full(*_, **__):
        raise StoreError("no space")

    monkeypatch.setattr(store, "put", full)
    assert list(nba.track(range(3), "unkept")) == [0, 1, 2]
    monkeypatch.undo()
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(home))
    seen = []
    for n in nba.track(range(30), "half-kept"):
        if n == 0:
            monkeypatch.setattr(store, "patch", full)
        seen.append(n)
        if n == 1:
            until(lambda: len(recwarn) == 2)
    monkeypatch.undo()
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(home))
    assert seen == list(range(30))
    assert [str(w.message).split(":")[0] for w in recwarn] == [
        "this progress is not kept, the work goes on",
        "progress is not kept at the moment, the work goes on",
    ]
    until(lambda: core.read(core.get("half-kept")).info.state == "finished")


def test_a_bar_deleted_while_it_runs_stays_deleted(home):
    for n in nba.track(range(3), "deleted"):
        if n == 1:
            core.remove(core.get("deleted").id)
    assert core.get("deleted") is None
