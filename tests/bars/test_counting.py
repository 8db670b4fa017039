"""Positions of iterators, read from outside while nothing of ours runs."""

from __future__ import annotations

import array
import sys
import threading
from collections import deque

import numpy as np
import pandas as pd
import pytest

from nb_artifacts.bars.counting import Counter, counted, length


class Told:
    """A run that notes what it is told."""

    def __init__(self):
        self.events = []

    def exhausted(self):
        self.events.append("exhausted")

    def let_go(self):
        self.events.append("let go")

    def failed(self, error):
        self.events.append(error)


SOURCES = {
    "range": lambda: range(7),
    "list": lambda: list(range(7)),
    "tuple": lambda: tuple(range(7)),
    "dict": lambda: dict.fromkeys(range(7)),
    "keys": lambda: dict.fromkeys(range(7)).keys(),
    "items": lambda: dict.fromkeys(range(7)).items(),
    "set": lambda: set(range(7)),
    "frozenset": lambda: frozenset(range(7)),
    "deque": lambda: deque(range(7)),
    "str": lambda: "abcdefg",
    "bytes": lambda: b"abcdefg",
    "bytearray": lambda: bytearray(b"abcdefg"),
    "array": lambda: array.array("d", range(7)),
    "ndarray": lambda: np.arange(7),
    "series": lambda: pd.Series(range(7)),
    "generator": lambda: (n for n in range(7)),
    "map": lambda: map(abs, range(7)),
    "iterator": lambda: iter(range(7)),
    "subclass": lambda: type("List", (list,), {})(range(7)),
}


@pytest.mark.parametrize("source", SOURCES)
def test_the_position_is_what_was_handed_out_and_the_items_are_the_same(source):
    told = Told()
    iterator, position = counted(SOURCES[source](), told)
    found, positions = [], []
    for item in iterator:
        found.append(item)
        positions.append(position())
    assert found == list(SOURCES[source]())
    assert positions == [1, 2, 3, 4, 5, 6, 7]
    del iterator
    assert told.events == ["exhausted", "let go"]


@pytest.mark.parametrize("source", SOURCES)
def test_letting_go_early_is_told_once(source):
    told = Told()
    iterator, position = counted(SOURCES[source](), told)
    next(iterator), next(iterator)
    assert position() == 2
    del iterator
    assert told.events == ["let go"]


def test_a_list_may_grow_while_it_is_iterated():
    numbers = [1, 2, 3]
    iterator, position = counted(numbers, Told())
    for n in iterator:
        if n < 3:
            numbers.append(n + 10)
    assert (len(numbers), position()) == (5, 5)


@pytest.mark.parametrize(
    ("source", "change"),
    [
        (dict.fromkeys(range(7)), lambda numbers: numbers.update({9: None})),
        (dict.fromkeys(range(7)), lambda numbers: numbers.pop(6)),
        (set(range(7)), lambda numbers: numbers.add(9)),
        (deque(range(7)), lambda numbers: numbers.append(9)),
    ],
)
def test_the_position_stands_where_the_iterable_was_changed(source, change):
    iterator, position = counted(source, Told())
    next(iterator), next(iterator)
    change(source)
    assert position() == 2
    with pytest.raises(RuntimeError):
        next(iterator)
    assert position() == 2


def test_an_array_without_a_dimension_fails_as_it_is_iterated():
    told = Told()
    iterator, _ = counted(np.zeros(()), told)
    with pytest.raises(TypeError):
        next(iterator)
    assert isinstance(told.events[0], TypeError)


@pytest.mark.parametrize("source", SOURCES)
def test_next_to_nothing_runs_between_two_items(source):
    """Over what knows its own position nothing at all of ours."""
    calls = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.endswith("nb_artifacts/bars/counting.py"):
            calls.append(frame.f_code.co_name)

    iterator, _ = counted(SOURCES[source](), Told())
    sys.setprofile(note)
    try:
        for _ in range(7):
            next(iterator)
    finally:
        sys.setprofile(None)
    others = {"generator", "map", "iterator", "subclass", "series"}
    assert set(calls) == ({"_guarded"} if source in others else set())
    assert len(calls) <= 7


def test_an_error_of_the_iterable_is_told_at_once_and_passes_through():
    def numbers():
        yield 1
        raise OSError("gone")

    told = Told()
    iterator, position = counted(numbers(), told)
    assert next(iterator) == 1
    with pytest.raises(OSError, match="gone") as caught:
        next(iterator)
    assert told.events == [caught.value]
    assert position() == 1


def test_what_is_let_go_of_stays_open(tmp_path):
    def numbers():
        yield from range(5)

    source = numbers()
    iterator, _ = counted(source, Told())
    assert next(iterator) == 0
    del iterator
    assert list(source) == [1, 2, 3, 4]
    (tmp_path / "lines").write_text("a\nb\n")
    with (tmp_path / "lines").open() as file:
        for _ in counted(file, Told())[0]:
            break
        assert file.read() == "b\n"


def test_a_range_beyond_counting_is_iterated():
    iterator, position = counted(range(2**80), Told())
    assert (next(iterator), next(iterator), position()) == (0, 1, 2)


def test_lengths():
    assert length([1, 2]) == 2
    assert length(iter([1, 2, 3])) == 3
    assert length(n for n in [1]) is None
    assert length(range(2**80)) is None


def test_a_counter_loses_nothing_between_threads():
    counter = Counter(10)

    def work():
        for _ in range(20_000):
            try:
                counter.mine.cell[0] += 1
            except AttributeError:
                counter.begin(1)

    for _ in range(30):  # more threads than cells are kept for
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counter.value() == 10 + 30 * 4 * 20_000
    assert len(counter._cells) <= 68
