"""`ProgressWidget`: its traits beside ipywidgets' own, what it sends, and its code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import ipywidgets
import pytest
from kernelkit import Kernel
from traitlets import TraitError
from waiting import until

import nb_artifacts as nba
from nb_artifacts import ProgressWidget
from nb_artifacts.errors import UnsupportedType


def test_its_traits_are_those_of_intprogress():
    theirs, ours = ipywidgets.IntProgress(5, max=20, description="Load"), ProgressWidget(5, max=20, description="Load")
    for name in ("value", "min", "max", "description", "bar_style"):
        assert getattr(ours, name) == getattr(theirs, name)
        assert ours.trait_metadata(name, "sync") is True
    for widget in (theirs, ours):
        widget.value = 50
        assert widget.value == 20
        widget.max = 10
        assert (widget.value, widget.max) == (10, 10)
        widget.min = 10
        with pytest.raises(TraitError):
            widget.min = 11
        with pytest.raises(TraitError):
            widget.max = 9
        with pytest.raises(TraitError):
            widget.bar_style = "purple"
        with pytest.raises(TraitError):
            widget.description = 5
        widget.bar_style = "success"
    open_end = ProgressWidget()
    open_end.max = None
    open_end.value = 10**9
    assert open_end.value == 10**9


def test_it_fits_into_layouts_and_links():
    widget, slider = ProgressWidget(), ipywidgets.IntSlider()
    box = ipywidgets.HBox([widget, slider])
    assert box.children[0] is widget
    ipywidgets.link((slider, "value"), (widget, "value"))
    slider.value = 42
    assert widget.value == 42
    assert isinstance(widget.layout, ipywidgets.Layout)


def test_only_a_bar_can_be_followed():
    with pytest.raises(UnsupportedType, match=r"bar= takes what nb_artifacts\.progress or its tqdm gave, not int"):
        ProgressWidget(bar=3)


def test_it_follows_a_bar(home):
    with nba.progress(10, "followed") as bar:
        widget = ProgressWidget(bar=bar)
        bar.update(4)
        until(lambda: widget.value == 4)
        assert (widget.max, widget.bar_style) == (10, "")
        bar.total = None
        until(lambda: widget.max is None)
        bar.total = 20
    until(lambda: widget.bar_style == "warning")
    assert "stopped at 20 %" in widget.text
    assert (widget._progress["info"]["state"], widget._progress["info"]["done"]) == ("stopped", 4)
    assert widget._progress["data"] == widget._bar.artifact.value
    with nba.progress(key="followed") as bar:
        widget = ProgressWidget(bar=bar)
        bar.update(7)
    until(lambda: widget.bar_style == "success")
    assert (widget.value, widget.max) == (7, 7)
    with nba.progress(disable=True) as bar:
        widget = ProgressWidget(bar=bar)
        bar.update(5)
        until(lambda: widget.value == 5)
    assert widget._progress is None


def test_a_tight_loop_sends_ten_times_a_second_and_the_last_value(tmp_path):
    kernel = Kernel(tmp_path / "home", tmp_path)
    kernel.run("import nb_artifacts as nba, time\nsent = []")
    kernel.run(
        "w = nba.ProgressWidget(max=200_000)\nsend = w._send\nw._send = lambda msg, buffers=None: sent.append(msg['state'])\n"
        "begin = time.monotonic()\nfor n in range(200_001): w.value = n\nspent = time.monotonic() - begin"
    )
    until(lambda: kernel.run("print(sent[-1])").stdout == "{'value': 200000.0}\n")
    assert kernel.run("print(len(sent) <= 10 * spent + 3)").stdout == "True\n"
    kernel.close()


def test_its_code_is_one_module_that_loads_nothing():
    source = Path(nba.__file__).with_name("static").joinpath("widget.js").read_text()
    assert ProgressWidget._esm == source
    assert re.search(r"export\s*\{[\w$]+ as default\}", source)
    for forbidden in ("innerHTML=", "insertAdjacentHTML", "document.write", "eval(", "import(", "http://", "https://"):
        assert forbidden not in source.replace("http://www.w3.org/", "")
    assert not re.search(r"(^|;)import[ {\"']", source)
    assert "@import" not in source and "url(http" not in source


def test_hostile_words_stay_words_in_the_state():
    hostile = "</script><img src=x onerror=alert(1)>"
    assert ProgressWidget(description=hostile).get_state()["description"] == hostile


def test_it_loads_only_when_asked_for():
    code = (
        "import sys, nb_artifacts; nb_artifacts.track; print({'ipywidgets', 'anywidget', 'pandas', 'tqdm'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
