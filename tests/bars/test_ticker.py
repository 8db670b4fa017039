"""The one thread behind all bars."""

from __future__ import annotations

import pytest
from faults.processes import Child
from waiting import until

from nb_artifacts.ticker import Ticker, ticker


class Member:
    def __init__(self, error=None):
        self.ticks, self.error = 0, error

    def tick(self, moment):
        self.ticks += 1
        if self.error:
            raise self.error


def test_it_runs_only_while_it_has_members():
    mine, member = Ticker(), Member()
    assert not mine.running
    mine.add(member)
    mine.add(member)
    until(lambda: member.ticks > 2)
    mine.remove(member)
    until(lambda: not mine.running)
    ticks = member.ticks
    mine.add(other := Member())
    until(lambda: other.ticks > 1)
    assert member.ticks == ticks
    mine.remove(other)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_members_fault_ends_only_its_own_membership():
    mine, bad, good = Ticker(), Member(ZeroDivisionError("no")), Member()
    mine.add(bad)
    mine.add(good)
    until(lambda: good.ticks > 3)
    assert bad.ticks == 1
    mine.remove(good)


def test_hurrying_looks_often():
    mine, member = Ticker(), Member()
    mine.add(member)
    mine.hurry()
    until(lambda: member.ticks > 20, seconds=1.5)
    mine.remove(member)


def test_an_interrupt_that_came_in_a_finalizer_comes_again(script):
    said = script("""
import signal, time
from nb_artifacts.ticker import ticker

caught = []
signal.signal(signal.SIGINT, lambda *_: caught.append(True))
ticker.interrupt_later()
for _ in range(400):  # many short waits: a signal that comes right before a long one is seen only at its end
    caught or time.sleep(0.05)
print(*caught)
""")
    assert said.stdout == "True\n"


@pytest.mark.parametrize("first", ["ticker", "store.links"])
def test_a_fork_waits_for_a_look_before_it_closes_what_the_look_needs(script, first):
    """Else each waits for the other, and the fork takes seconds."""
    said = script(
        f"""
import nb_artifacts.{first}
import os, threading, time
from nb_artifacts.store import links
from nb_artifacts.ticker import ticker

looking, seen = threading.Event(), []

class Member:
    def tick(self, moment):
        looking.set()
        for _ in range(20):
            seen.append(links._state.forking)
            time.sleep(0.01)

ticker.add(Member())
looking.wait(20)
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
print(any(seen), ticker.running)
os._exit(0)
""",
        check=False,
    )
    assert said.stdout == "False True\n", said.stderr


def test_a_child_has_a_ticker_of_its_own():
    member = Member()
    ticker.add(member)
    until(lambda: member.ticks)

    def begin(send):
        send(ticker.running)
        ticker.add(own := Member())
        until(lambda: own.ticks > 1)
        send(ticker.running)

    assert Child(begin).wait() == [False, True]
    ticks = member.ticks
    until(lambda: member.ticks > ticks)
    ticker.remove(member)
