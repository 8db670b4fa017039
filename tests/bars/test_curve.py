"""The curve of a run: few points, whatever the loop does, kept with the writes that happen anyway."""

from __future__ import annotations

import itertools
import time

import pytest

import nb_artifacts as nba
from nb_artifacts import core
from nb_artifacts.types.progress import MAX_CURVE, grown


@pytest.mark.parametrize("seconds", [3, 60, 3_000, 400_000])
def test_few_points_in_order_with_both_ends(seconds):
    curve, most, steps = [], 0, 20_000
    for step in range(steps):
        curve = grown(curve, seconds * step / steps, step)
        most = max(most, len(curve))
    curve = grown(curve, seconds, steps, last=True)
    assert most <= MAX_CURVE
    assert (curve[0], curve[-1]) == ((0.0, 0), (seconds, steps))
    assert all(a[0] < b[0] for a, b in itertools.pairwise(curve))
    gaps = [b[0] - a[0] for a, b in itertools.pairwise(curve)]
    assert max(gaps) <= seconds / 10, "no stretch is left out"


def test_what_does_not_move_makes_no_point():
    curve = grown([], 0, 0)
    assert grown(curve, 500, 0) is curve
    assert grown(curve, 500, 0, last=True) == [(0, 0), (500, 0)]


def test_the_last_point_is_there_once():
    curve = grown(grown([], 0, 0), 3.14159, 7, last=True)
    assert grown(curve, 3.14159, 7, last=True) == curve == [(0, 0), (3.14, 7)]


def test_a_bar_that_begins_again_has_a_new_curve():
    assert grown([(0, 0), (5, 50), (9, 90)], 0, 0) == [(0, 0)]


def test_a_loop_keeps_its_curve(infos):
    for n in nba.track(range(30), "curve"):
        if n % 10 == 0:
            time.sleep(0.15)
    info = infos("curve")[0]
    assert info.curve[0][1] == 0
    assert info.curve[-1] == (round((info.ended - info.started).total_seconds(), 2), 30)
    assert len(info.curve) >= 3


def test_updates_by_id_keep_one_too(home):
    made = nba.create_progress_artifact(10, "by-id")
    for value in (30, 60, 100):
        time.sleep(0.12)
        nba.update_progress_artifact(made, value)
        core.get("by-id")
    points = core.read(core.get("by-id")).info.curve
    assert [done for _, done in points] == [30, 60, 100]


def test_a_curve_costs_no_write(home, monkeypatch):
    with nba.progress(10, "quiet") as bar:
        bar.update()
        core.get("quiet")
        seen = [core.get("quiet").seq]
        while len(seen) < 20 and seen[-1:] * 2 != seen[-2:]:
            time.sleep(0.4)
            seen.append(core.get("quiet").seq)
        assert len(seen) < 20, "it is written again and again although nothing moves"
