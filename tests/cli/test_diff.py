"""``diff``: what changed, for people and for programs."""

from __future__ import annotations

import pandas as pd
import pytest

import nb_artifacts as nba


@pytest.fixture
def delays(home):
    for last in (8.0, 9.5):
        nba.create(pd.DataFrame({"carrier": ["UA", "B6", "AA"], "delay": [12.5, -3.0, last]}), "delays")


def test_rows_that_changed_are_printed(cli, delays):
    printed = cli("diff", "delays@1", "delays@2").stdout.splitlines()
    assert printed[0] == "delays@1 → delays@2 · 1 row changed · 2 rows the same"
    assert printed[1] == "Rows are matched by carrier (guessed)."
    assert printed[-1].split() == ["~", "AA", "8", "→", "9.5"]


def test_json_is_what_the_server_says(read, delays):
    found = read("diff", "delays@1", "delays", "-o", "json")
    assert (found["type"], found["from"]["version"], found["to"]["version"]) == ("table", 1, 2)
    assert found["table"]["rows"] == [
        {"change": "changed", "key": {"carrier": "AA"}, "cells": {"delay": [8.0, 9.5]}, "from": 2, "to": 2}
    ]


def test_columns_and_tolerance_are_taken(cli, delays):
    assert "no difference" in cli("diff", "delays@1", "delays@2", "--tolerance", "2").stdout
    assert "matched by delay." in cli("diff", "delays@1", "delays@2", "--key-columns", "delay").stdout
    assert "'x' is not a column" in cli("diff", "delays@1", "delays@2", "--key-columns", '"x"', code=1).stderr
    assert "does not name columns" in cli("diff", "delays@1", "delays@2", "--key-columns", '"x', code=1).stderr


def test_what_is_not_there_is_said(cli, delays):
    assert "no version 7" in cli("diff", "delays@1", "delays@7", code=1).stderr


def test_a_terminal_has_colour_and_obeys_nothing(terminal, home):
    nba.create("one\n\x1b[31mred", "hostile")
    nba.create("one\n\x1b]0;title\x07", "hostile")
    shown, _ = terminal("diff", "hostile@1", "hostile@2")
    assert "\x1b[31mred" not in shown and "\x1b]0;" not in shown
    assert "\x1b[32m" in shown
