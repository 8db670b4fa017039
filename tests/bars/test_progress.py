"""`progress`: bars moved by hand, their steps, and the tree of rows."""

from __future__ import annotations

import copy
import pickle
import threading
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from waiting import until

import nb_artifacts as nba
from nb_artifacts import core
from nb_artifacts.errors import InvalidValue, NotFound, UnsupportedType
from nb_artifacts.types.progress import MAX_STEPS


def test_a_bar_that_reaches_its_total_is_finished(infos):
    with nba.progress(total=10, key="load", description="Days", unit="days") as bar:
        for _ in range(5):
            bar.update(2)
        assert (bar.n, bar.total, bar.state) == (10, 10, "running")
    info = infos("load")[0]
    assert (info.state, info.done, info.total, info.unit) == ("finished", 10, 10, "days")
    assert bar.artifact.key == "load" and bar.artifact.value == 100


def test_how_a_block_ends(said, infos):
    with nba.progress(10, "ends") as bar:
        bar.update(6)
    with nba.progress(key="ends") as bar:
        bar.update(6)
    with nba.progress(10, "ends") as bar:
        bar.update(6)
        bar.finish()
    with pytest.raises(OSError, match="disk"), nba.progress(10, "ends") as bar:
        bar.update(6)
        raise OSError("disk full\nat line 2")
    with pytest.raises(KeyboardInterrupt), nba.progress(10, "ends") as bar:
        raise KeyboardInterrupt
    with pytest.raises(SystemExit), nba.progress(10, "ends") as bar:
        raise SystemExit
    assert [state for state, _ in said("ends")] == ["stopped", "finished", "finished", "failed", "interrupted", "stopped"]
    assert infos("ends")[3].error == "OSError: disk full"


def test_an_exception_without_words_passes_through_and_fails_the_bar(infos):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    with pytest.raises(Mute), nba.progress(3, "mute"):
        raise Mute
    assert (infos("mute")[0].state, infos("mute")[0].error) == ("failed", "Mute")


def test_a_bar_nobody_holds_has_stopped(said):
    bar = nba.progress(10, "dropped")
    bar.update(3)
    del bar
    bar = nba.progress(10, "dropped")
    bar.update(10)
    del bar
    bar = nba.progress(key="dropped")
    bar.update(10)
    del bar
    assert said("dropped") == [("stopped", 3), ("finished", 10), ("stopped", 10)]


def test_totals_may_change_and_be_unknown(infos):
    with nba.progress(key="total") as bar:
        bar.update(5)
        assert core.read(core.get("total")).value == 0
        bar.total = 20
        until(lambda: core.read(core.get("total")).value == 25)
        bar.total = None
        for wrong in (-1, float("nan"), "x", True, 10**400, np.array([1, 2])):
            with pytest.raises(InvalidValue):
                bar.total = wrong
    assert infos("total")[0].state == "finished"


def test_additions_of_many_threads_are_all_there(said):
    with nba.progress(key="threads") as bar:

        def work():
            for _ in range(10_000):
                bar.update()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said("threads") == [("finished", 80_000)]


def test_what_makes_no_sense_is_not_written(said):
    with nba.progress(10, "sense") as bar:
        bar.update(5)
        until(lambda: said("sense") == [("running", 5)])
        bar.update(float("nan"))
    assert said("sense")[0] == ("stopped", 5)
    with pytest.raises(TypeError):
        bar.update("x")


@pytest.mark.parametrize("amount", [10**400, np.array([1, 2]), 1j], ids=["huge", "array", "complex"])
def test_what_is_no_number_keeps_no_bar_from_ending(said, amount):
    with nba.progress(10, "amount") as bar:
        bar.update(5)
        until(lambda: said("amount") == [("running", 5)])
        with suppress(TypeError, OverflowError):
            bar.update(amount)
        assert bar.n == 5
    assert said("amount") == [("stopped", 5)]


def test_numbers_of_other_kinds_count(said):
    with nba.progress(4, "kinds") as bar:
        bar.update(Decimal("1.5"))
        assert bar.n == 1.5
    bar = nba.progress(4, "kinds")
    for amount in (np.int64(1), np.float32(0.5), Fraction(1, 2), np.array(2)):
        bar.update(amount)
    bar.close()
    assert said("kinds") == [("stopped", 1.5), ("finished", 4)]


def test_a_million_updates_make_a_handful_of_writes(home):
    with nba.progress(key="million") as bar:
        before = core.current_store().last_seq()
        for _ in range(1_000_000):
            bar.update()
    assert core.current_store().last_seq() - before <= 60


def test_messages(infos):
    with nba.progress(key="words") as bar:
        bar.message("epoch 3")
        until(lambda: infos("words")[0].message == "epoch 3")
        bar.message(None)
        with pytest.raises(InvalidValue):
            bar.message("\ud800")
    assert infos("words")[0].message is None
    assert "Bar finished" in repr(bar) and "finished" in str(bar)


def test_words_of_any_length_are_kept_short(infos):
    with nba.progress(1, "long", unit="u" * 100_000) as bar:
        bar.message("m" * 1_000_000)
        with bar.step("s", unit="u" * 100_000) as step:
            step.message("m" * 1_000_000)
    info = infos("long")[0]
    assert [len(text.encode()) for text in (info.unit, info.message, info.steps[0].unit, info.steps[0].message)] == [
        40,
        500,
        40,
        500,
    ]


def test_steps_have_rows_and_move_the_bar(infos):
    with nba.progress(total=3, key="steps") as bar:
        with bar.step("extract", total=100, unit="rows") as step:
            step.update(100)
        with bar.step("check"):
            until(lambda: [step.name for step in infos("steps")[0].steps] == ["extract", "check"])
        with bar.step("load", total=4, leave=False) as step:
            for _ in step.track(range(4)):
                pass
    info = infos("steps")[0]
    assert (info.state, info.done) == ("finished", 3)
    assert [(step.name, step.state, step.done, step.total, step.level) for step in info.steps] == [
        ("extract", "finished", 100, 100, 1),
        ("check", "finished", 0, None, 1),
    ]


def test_a_step_that_fails_takes_the_bar_with_it(infos):
    with pytest.raises(ValueError, match="bad"), nba.progress(3, "bad-step") as bar, bar.step("parse"):
        raise ValueError("bad")
    info = infos("bad-step")[0]
    assert (info.state, info.steps[0].state, info.done) == ("failed", "failed", 0)


def test_loops_inside_loops_are_rows_of_the_outer_one(infos):
    for _ in nba.track(range(2), "tree", description="Epochs"):
        for _ in nba.track(range(3), description="batches"):
            for _ in nba.track([1], description="inner", leave=False):
                pass
        for _ in nba.track(range(5), description="gone", transient=True):
            pass
    assert len(core.everything()) == 1
    steps = infos("tree")[0].steps
    assert [(step.name, step.state, step.done, step.level) for step in steps] == [("batches", "finished", 3, 1)] * 2


def test_rows_below_rows(infos):
    with nba.progress(key="deep") as bar, bar.step("one"):
        for _ in nba.track([1, 2], description="two"):
            with nba.progress(1, description="three") as inner:
                inner.update()
                with nba.progress(1, "own-key"):
                    pass
            break
    rows = [(step.name, step.level, step.state) for step in infos("deep")[0].steps]
    assert rows == [("one", 1, "finished"), ("two", 2, "stopped"), ("three", 3, "finished")]
    assert infos("own-key")[0].state == "stopped"


def test_rows_are_capped_and_the_rest_is_counted(infos):
    for _ in nba.track(range(100), "capped"):
        for _ in nba.track([1], description="row"):
            pass
    info = infos("capped")[0]
    assert (len(info.steps), info.hidden) == (MAX_STEPS, 100 - MAX_STEPS)
    payload = core.read(core.get("capped"))
    assert "80 earlier" in payload.text() and "80 earlier" in payload.html(20_000)
    assert len(payload.text()) <= 4096


def test_the_tree_is_told_in_text_and_html(home):
    with nba.progress(4, "told") as bar:
        with bar.step("<b>fetch</b>"):
            pass
        step = bar.step("parse", total=10, unit="files")
        step.update(5)
        bar.message("almost")
        payload = until(lambda: (p := core.read(core.get("told"))).info.message and p)
        text, html = payload.text(), payload.html(20_000)
        assert "25 % · 1 of 4" in text and "almost" in text
        assert "✓ <b>fetch</b> · 100 % · finished" in text
        assert "▸ parse · 50 % · 5 of 10 files" in text
        assert "&lt;b&gt;fetch" in html and html.count('role="progressbar"') == 2
        assert len(payload.html(300)) <= 300
        step.close()


def test_bars_of_other_threads_are_their_own(home):
    with nba.progress(key="outer"):
        thread = threading.Thread(target=lambda: list(nba.track(range(3))))
        thread.start()
        thread.join()
    assert {record.key for record in core.everything()} == {"outer", None}


def test_a_bar_copied_in_its_own_process_is_itself(home):
    with nba.progress(key="same") as bar:
        assert pickle.loads(pickle.dumps(bar)) is bar
        assert copy.deepcopy(bar) is bar
        with pytest.raises(UnsupportedType, match="give the bar itself"), bar.step("x") as step:
            pickle.dumps(step)


def test_switched_off_it_still_counts(home):
    with nba.progress(3, "off", disable=True) as bar:
        bar.update()
        with bar.step("x"):
            list(bar.track([1]))
    assert (bar.n, bar.artifact, core.get("off")) == (3, None, None)
    assert pickle.loads(pickle.dumps(bar)).update() is None


def test_a_part_tracked_without_a_name_for_the_bar(said):
    for _ in nba.progress(5, "unnamed").track(range(5)):
        pass
    assert said("unnamed")[0][1] == 5


def test_what_is_usual(infos):
    for seconds in (60, 840, 900):
        bar = nba.progress(10, "usual")
        bar._meter.started -= __import__("datetime").timedelta(seconds=seconds)
        bar.finish()
    nba.progress(10, "usual").close()
    with nba.progress(10, "usual"):
        payload = core.read(core.get("usual"))
        assert 840 <= payload.info.usual < 845
        assert "usually 14 min" in payload.summary()
    with nba.progress(10, "unusual"):
        assert infos("unusual")[0].usual is None


def test_updates_by_id_are_gathered(home):
    id = nba.create_progress_artifact(0, "by-id", display=False)
    before = core.current_store().last_seq()
    for n in range(100_000):
        assert nba.update_progress_artifact(id, n / 1001) is id
    assert core.current_store().last_seq() - before <= 60
    assert nba.Artifact.get("by-id").value == pytest.approx(99_999 / 1001), "this process reads what it wrote"
    nba.update_progress_artifact(str(id), 100)
    payload = core.read(core.current_store().get(id))
    assert (payload.value, payload.info.state) == (100, "finished")
    with pytest.warns(UserWarning, match="outside 0 to 100"):
        nba.update_progress_artifact(id, 120)
    for wrong in (float("nan"), "x", None, True):
        with pytest.raises((InvalidValue, UnsupportedType)):
            nba.update_progress_artifact(id, wrong)


def test_updates_by_id_are_written_without_being_asked(home):
    id = nba.create_progress_artifact(0, display=False)
    store = core.current_store()
    for value in (10, 20, 30):
        nba.update_progress_artifact(id, value)
    until(lambda: bytes(store.get(id).data) == b"30.0")
    nba.update_progress_artifact(id, 40, "nearly")
    assert (bytes(store.get(id).data), store.get(id).description) == (b"40.0", "nearly")
    core.remove(id)
    nba.update_progress_artifact(id, 50)
    with pytest.raises(NotFound):
        until(lambda: nba.update_progress_artifact(id, 60) is None)


def test_an_update_builds_on_what_others_wrote(home):
    id = nba.create_progress_artifact(0, display=False)
    nba.update_progress_artifact(id, 10)
    core.change(id, description="by another")
    nba.update_progress_artifact(id, 20)
    store = core.current_store()
    until(lambda: bytes(store.get(id).data) == b"20.0")
    assert store.get(id).description == "by another"


def test_a_row_that_failed_does_not_end_a_bar_that_goes_on(infos):
    with nba.progress(3, "goes-on") as bar:
        try:
            with bar.step("bad"):
                for _ in nba.track(range(5), description="row"):
                    raise OSError("only here")
        except OSError as error:
            bar._home.blame(error)
        bar.update(3)
        until(lambda: infos("goes-on")[0].done == 3)
        assert infos("goes-on")[0].state == "running"
    info = infos("goes-on")[0]
    assert (info.state, info.error) == ("finished", None)
    assert [step.state for step in info.steps] == ["failed", "failed"]


def test_a_front_end_that_fails_does_not_stop_the_keeping(infos, monkeypatch):
    with nba.progress(3, "no-front-end") as bar:

        def gone(*_, **__):
            raise OSError("closed")

        monkeypatch.setattr(bar._home._live, "update", gone)
        bar.update(2)
        until(lambda: infos("no-front-end")[0].done == 2)
        bar.update(1)
    assert infos("no-front-end")[0].state == "finished"
