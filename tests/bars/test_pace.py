"""The rate of a bar: what has come lately, and less of it the longer nothing comes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nb_artifacts.bars import meter


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = SimpleNamespace(moment=100.0)
    monkeypatch.setattr(meter, "time", SimpleNamespace(monotonic=lambda: now.moment))
    return now


def steady(clock, pace, seconds, every, step):
    """A count that grows by `step` each time; where it ends."""
    done = 0.0
    for _ in range(int(seconds / every)):
        clock.moment += every
        done += step
        pace.rate(done)
    return done


def test_nothing_is_known_before_the_first(clock):
    pace = meter.Pace()
    clock.moment += 60
    assert pace.rate(0) is None


@pytest.mark.parametrize(("every", "step"), [(0.1, 2), (3, 1), (40, 1)])
def test_steady_work_has_its_rate_until_the_next_is_overdue(clock, every, step):
    pace = meter.Pace()
    done = steady(clock, pace, 10 * every, every, step)
    for _ in range(15):
        assert pace.rate(done) == pytest.approx(step / every)
        clock.moment += every / 10


def test_a_wait_lowers_the_rate_in_a_few_steps(clock):
    pace = meter.Pace()
    done = steady(clock, pace, 20, 0.1, 2)
    rates = []
    for _ in range(6_000):
        clock.moment += 0.1
        rates.append(pace.rate(done))
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) <= 8, "each is written"
    assert rates[-1] == pytest.approx(20 / 64)
    assert 0.4 < rates[299] / (20 * 5 / 30) < 2.5, "about the mean over the last seconds with any, and the wait"


def test_it_is_back_soon_after_a_wait(clock):
    pace = meter.Pace()
    done = steady(clock, pace, 20, 0.1, 2)
    clock.moment += 300
    pace.rate(done)
    for _ in range(150):
        clock.moment += 0.1
        done += 2
        pace.rate(done)
    assert pace.rate(done) == pytest.approx(20, rel=0.1)
