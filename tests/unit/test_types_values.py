"""Links, Markdown texts, progress, other JSON, and which type a value is."""

from __future__ import annotations

import json
import math
import types
from datetime import datetime, timedelta, timezone
from pathlib import Path

import altair as alt
import matplotlib as mpl
import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import back, check_shown, kept, stored, strict
from PIL import Image as PILImage

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types import TYPES, Content, Link, Markdown, Other, Payload, Progress, coerce, payload_class
from nb_artifacts.types.link import from_markdown, to_markdown
from nb_artifacts.types.markdown import title_of
from nb_artifacts.types.progress import ProgressInfo, percent, seconds_left
from nb_artifacts.types.text import clip_text, duration, one_line, size, took, visible

mpl.use("agg")
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
texts = st.text(st.characters(exclude_categories=["Cs"]))


# Which type a value is


def test_every_type_has_a_class_of_its_name():
    for name in TYPES:
        assert payload_class(name).type == name
    assert payload_class(None) is payload_class("html") is Other


def test_payloads_pass_through():
    payload = Markdown("x")
    assert coerce(payload) is payload is coerce(payload, type="markdown")
    with pytest.raises(UnsupportedType, match="markdown is not a table"):
        coerce(payload, type="table")


def test_types_are_guessed_by_class():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    lines = axes.plot([1, 2])
    grid = plt.subplots(2, 2)[1]
    frame = pd.DataFrame({"a": [1]})
    found = {
        "markdown": ["text", ""],
        "image": [
            figure,
            axes,
            lines,
            grid,
            axes.hist([1, 2]),
            PILImage.new("RGB", (2, 2)),
            np.zeros((2, 2), "uint8"),
            np.zeros((2, 2, 4), "uint8"),
        ],
        "table": [frame, frame["a"], [{"a": 1}], [[1]], {"a": [1]}],
        "display": [frame.style, alt.Chart(frame).mark_bar(), mpl.colormaps["viridis"]],
    }
    plt.close("all")
    for type, values in found.items():
        for value in values:
            assert coerce(value).type == type, value


@pytest.mark.parametrize(
    "value",
    [
        5,
        1.5,
        True,
        None,
        b"x",
        object(),
        print,
        int,
        {1},
        1j,
        [1, 2],
        {"a": 1},
        np.zeros((2, 2)),
        np.zeros(3, "uint8"),
        iter([]),
        types.SimpleNamespace(a=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_no_type_takes_names_type_and_class(value):
    with pytest.raises(UnsupportedType, match="type=") as raised:
        coerce(value)
    assert type(value).__name__ in str(raised.value)


def test_magic_attributes_are_no_representation():
    from unittest.mock import MagicMock

    class Anything:
        def __getattr__(self, name):
            return lambda *args, **kwargs: "x"

    for value in (Anything(), MagicMock()):
        with pytest.raises(UnsupportedType):
            coerce(value)


@pytest.mark.parametrize("type", TYPES)
def test_the_named_type_says_what_it_takes(type):
    if type == "display":
        return
    with pytest.raises(UnsupportedType, match=type):
        coerce(object(), type=type)


def test_unknown_types_are_named():
    with pytest.raises(InvalidValue, match=r"'picture'.*image"):
        coerce("x", type="picture")


def test_link_and_progress_are_only_by_name():
    assert coerce("https://example.com").type == "markdown"
    assert coerce("https://example.com", type="link").value == "https://example.com"
    assert coerce(50, type="progress").value == 50
    assert coerce(np.float32(50), type="progress").value == 50


# Links


@given(texts, st.sampled_from(["https://example.com/a(b", "https://example.com/)(", "https://example.com/[x]", "mailto:a@b"]))
def test_a_link_parses_back(text, url):
    assert from_markdown(to_markdown(url, text)) == (url, text)
    read = back(Link(url, text))
    assert (read.value, read.label) == (url, text if text.strip() else url)
    check_shown(read, (300, 8000))


def test_a_plain_link_is_what_prefect_writes():
    content = Link("https://example.com", "Example").content()
    assert strict(content.data) == "[Example](https://example.com)"
    assert content.info == {"url": "https://example.com", "text": "Example"}
    assert strict(Link("https://example.com").content().data) == "[https://example.com](https://example.com)"


def test_links_of_other_clients_are_read():
    read = stored("link", "[x \\[1\\]](https://example.com/\\(a\\))")
    assert (read.value, read.label) == ("https://example.com/(a)", "x [1]")
    assert stored("link", None).text() == ""
    check_shown(stored("link", {"a": 1}))


def test_a_link_shows_itself():
    link = Link("https://example.com/x", "Example")
    assert (
        link.html(1000)
        == '<a href="https://example.com/x" title="https://example.com/x" target="_blank" rel="noopener noreferrer">Example</a>'
    )
    assert link.text() == "Example\nhttps://example.com/x"
    assert link.summary() == "https://example.com/x"
    assert link.file(".md") == b"[Example](https://example.com/x)\n"
    long = Link("https://example.com/" + "x" * 100_000)
    check_shown(long)
    with pytest.raises(UnsupportedType, match="not int"):
        Link(5)
    with pytest.raises(UnsupportedType, match="text is a str"):
        Link("https://example.com", 5)
    with pytest.raises(InvalidValue, match="blanks as %20"):
        Link("https://example.com/a b")


# Markdown


@given(texts)
def test_a_text_comes_back(text):
    assert back(Markdown(text)).value == text


@settings(max_examples=150, deadline=None)
@given(texts, st.integers(0, 3000))
def test_any_text_is_shown_as_markdown(text, room):
    check_shown(Markdown(text), (room,))


def test_lone_surrogates_are_refused_by_place():
    with pytest.raises(InvalidValue, match="position 3"):
        Markdown("abc\ud800")
    with pytest.raises(UnsupportedType, match="not bytes"):
        Markdown(b"abc")


def test_markdown_is_rendered():
    html = Markdown(
        "# Title\n\n| a | b |\n|---|--:|\n| 1 | ~~2~~ |\n\nSee https://example.com/x_(y). <b>bold</b>\n\n- [x](https://a.b)"
    ).html(8000)
    for part in (
        "<h1>Title</h1>",
        "<table>",
        "<s>2</s>",
        '<a href="https://example.com/x_(y)"',
        "</a>. <b>bold</b>",
        '<a href="https://a.b"',
    ):
        assert part in html, part


def test_remote_images_become_links():
    html = Markdown("![chart](https://example.com/x.png) [![badge](https://b.c/x.svg)](https://ci.example)").html(8000)
    assert "<img" not in html
    assert '<a href="https://example.com/x.png"' in html
    assert "chart (image at example.com)</a>" in html
    assert html.count("<a ") == 2
    assert 'href="https://ci.example"' in html
    kept_image = Markdown("![dot](data:image/png;base64,iVBORw0KGgo=)").html(8000)
    assert '<img src="data:image/png;base64,iVBORw0KGgo=" alt="dot">' in kept_image


def test_long_texts_are_cut_between_blocks_and_say_so():
    source = "\n\n".join(f"## Part {n}\n\nSome **text** of it." for n in range(2000))
    html = Markdown(source).html(4000)
    assert html.startswith("<h2>Part 0</h2>")
    assert "in all</div>" in html
    assert html.count("<strong>text</strong>") > 20
    lists = Markdown("\n".join(f"- item {n}" for n in range(5000))).html(4000)
    assert lists.startswith("<ul>")
    assert lists.count("<li>") > 50
    paragraph = Markdown("word " * 50_000).html(4000)
    assert paragraph.startswith("<p>word")
    table = Markdown("| a |\n|---|\n" + "| x |\n" * 5000).html(4000)
    assert table.startswith("<table>")
    for source in ("x" * 100_000, "# " + "y" * 100_000, "```\n" + "code\n" * 10_000 + "```"):
        check_shown(Markdown(source))


def test_titles():
    assert title_of("# A *title* with [a link](https://x) #\n\ntext") == "A title with a link"
    assert title_of("first **line**\n\n## Later") == "Later"
    assert title_of("```\n# comment\n```\n# Title") == "Title"
    assert title_of("```\ncode()\n```") == "code()"
    assert title_of("- one\n- two") == "one"
    assert title_of("") is None
    assert len(title_of("x" * 500)) == 120
    assert Markdown("# Report\n\ntext").summary() == "Report \u00b7 14 B"
    assert Markdown("").summary() == "0 B"


def test_files_of_a_text():
    assert Markdown("# x").file(".md") == b"# x"
    with pytest.raises(InvalidValue, match=r"\.md, \.txt"):
        Markdown("x").file(".docx")


# Progress


def test_a_percentage():
    progress = Progress(43)
    assert (progress.value, strict(progress.content().data)) == (43.0, 43.0)
    assert "43 %" in progress.summary()
    read = back(progress)
    assert (read.value, read.info) == (43.0, progress.info)
    assert Progress(100).info.state == "finished"
    check_shown(progress)
    html = progress.html(2000)
    for part in ('role="progressbar"', 'aria-valuenow="43"', 'aria-valuemin="0"', 'aria-valuemax="100"', "aria-valuetext="):
        assert part in html


@pytest.mark.parametrize(("given", "clamped"), [(150, 100), (-1, 0), (100.5, 100)])
def test_percentages_outside_are_clamped_with_a_warning(given, clamped):
    with pytest.warns(UserWarning, match=f"{given:g}"):
        assert Progress(given).value == clamped


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, np.float64("nan")], ids=str)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(InvalidValue, match="0 to 100"):
        Progress(value)


@pytest.mark.parametrize("value", ["50", None, True, [50], 1j, b"5"], ids=repr)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(UnsupportedType, match="0 to 100"):
        Progress(value)


def test_a_bar():
    info = ProgressInfo(state="running", done=157, total=365, unit="days", started=START, rate=1.9)
    progress = Progress(info)
    assert progress.value == pytest.approx(43.01, abs=0.01)
    said = progress.summary(START + timedelta(seconds=83))
    assert said.startswith("43 % \u00b7 157 of 365 days")
    assert said.endswith("2 min left")
    assert back(progress).info == info
    check_shown(progress)


def test_how_it_ended_is_said():
    ended = {"started": START, "ended": START + timedelta(minutes=2)}
    assert "finished in 2:00" in Progress(ProgressInfo(state="finished", done=5, total=5, **ended)).summary()
    assert "interrupted at 43 %" in Progress(ProgressInfo(state="interrupted", done=43, total=100, **ended)).summary()
    failed = Progress(ProgressInfo(state="failed", done=1, total=4, error="ValueError: \x1b[31mno\nmore", **ended))
    assert "failed at 25 %" in failed.summary()
    assert "\\x1b[31mno more" in failed.summary()
    check_shown(failed)
    assert "stopped after 12 files" in Progress(ProgressInfo(state="stopped", done=12, unit="files", started=START)).summary()


def test_an_open_end():
    info = ProgressInfo(state="running", done=12, unit="files", started=START)
    progress = Progress(info)
    assert progress.value == 0
    assert "12 files" in progress.summary()
    assert "aria-valuenow" not in progress.html(2000)
    assert Progress(ProgressInfo(state="finished", done=12, started=START, ended=START)).value == 100


ETA = Path(__file__).parents[2] / "labextension" / "tests" / "eta.json"
"""Cases that the browser's views are held to as well."""


@pytest.mark.parametrize("case", json.loads(ETA.read_text()), ids=str)
def test_the_time_left_is_the_browsers(case):
    started, told, now = (START + timedelta(seconds=case[name]) for name in ("started", "told", "now"))
    info = ProgressInfo(state="running", started=started, done=case["done"], total=case["total"], rate=case["rate"])
    assert seconds_left(info, now, told) == case["left"]


def test_the_time_left():
    def left(now=None, **parts):
        return seconds_left(ProgressInfo(state="running", started=START, **parts), now)

    assert left(done=50, total=100, rate=2) == 25
    assert left(START + timedelta(seconds=50), done=50, total=100) == 50
    assert left(done=50, total=100) is None
    assert left(done=0, total=100, rate=0) is None
    assert left(START, done=50, total=100) is None
    assert left(done=5, rate=1) is None
    assert left(done=101, total=100, rate=1) is None
    assert seconds_left(ProgressInfo(state="finished", done=1, total=2, rate=1, started=START)) is None


@given(
    st.floats(allow_nan=True),
    st.one_of(st.none(), st.floats(allow_nan=True)),
    st.sampled_from(["running", "finished", "failed"]),
)
def test_a_percentage_is_always_one(done, total, state):
    assert 0 <= percent(ProgressInfo(state=state, done=done, total=total, started=START)) <= 100


def test_a_progress_moves():
    info = ProgressInfo(state="running", done=10, total=365, unit="days", started=START, rate=3)
    moved = Progress(info).moved(50)
    assert (moved.value, moved.info.done, moved.info.unit, moved.info.started) == (50, 182.5, "days", START)
    assert moved.moved(100).info.state == "finished"
    assert Progress(100).moved(20).info.state == "running"
    with pytest.raises(InvalidValue):
        Progress(5).moved(math.nan)


@pytest.mark.parametrize(
    ("data", "value"), [(43.5, 43.5), (250, 100), (-5, 0), (None, 0), ("x", 0), (True, 0), ([1], 0), (100, 100)]
)
def test_progress_of_other_clients_is_read(data, value):
    read = stored("progress", data)
    assert read.value == value
    check_shown(read)


def test_bars_with_numbers_that_are_none_are_refused():
    with pytest.raises(InvalidValue, match="rate"):
        Progress(ProgressInfo(state="running", done=1, started=START, rate=math.inf))
    with pytest.raises(InvalidValue, match="surrogate"):
        Progress(ProgressInfo(state="running", done=1, started=START, message="\ud800"))


# Other JSON


@pytest.mark.parametrize("value", [None, "text", {"a": [1, None]}, [1, 2], 5, True, "\x1b[2J<script>"], ids=repr)
def test_other_json_comes_back(value):
    read = back(Other(value, "html"))
    assert (read.value, read.type) == (value, "html")
    check_shown(read)
    assert read.file("")


def test_what_is_no_json_is_refused():
    for value in (object(), "\ud800", {1j: 2}, {1, 2j}):
        with pytest.raises(InvalidValue, match="JSON"):
            Other(value).content()
    with pytest.raises(InvalidValue, match=r"\.json"):
        Other([1]).file(".txt")


# Words


def test_control_characters_are_spelled():
    assert visible("a\x1b[31m\r\nb\tc\x9b\u202e\x00") == "a\\x1b[31m\nb\tc\\x9b\\u202e\\x00"
    assert one_line(" a\n\n b\r\n\tc ") == "a b c"


@given(st.text(), st.integers(0, 40))
def test_cut_texts_fit(text, room):
    cut = clip_text(text, room)
    assert len(cut.encode(errors="replace")) <= room
    if len(text.encode(errors="replace")) <= room:
        assert cut == text


def test_words_for_sizes_and_spans():
    assert [size(n) for n in (0, 999, 1000, 12_400, 999_999, 3_100_000, 2 * 10**9)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "12.4 kB",
        "1.0 MB",
        "3.1 MB",
        "2.0 GB",
    ]
    assert [duration(s) for s in (0.2, 5, 89, 90, 3599, 4800, 3600 * 30, 86400 * 3)] == [
        "under 1 s",
        "5 s",
        "89 s",
        "2 min",
        "1 h",
        "1 h 20 min",
        "30 h",
        "3 days",
    ]
    spans = (0, 0.04, 0.25, 0.94, 0.96, 14.5, 59.4, 59.6, 192, 7387, 86400 * 2.6)
    assert [took(s) for s in spans] == [
        "under 0.1 s",
        "under 0.1 s",
        "0.3 s",
        "0.9 s",
        "1 s",
        "15 s",
        "59 s",
        "1:00",
        "3:12",
        "2:03:07",
        "3 days",
    ]


@pytest.mark.parametrize(("done", "said"), [(29, "29 %"), (57, "57 %"), (99.96, "99 %"), (0.9, "0 %")])
def test_a_percentage_is_the_one_that_is_reached(done, said):
    bar = Progress(ProgressInfo(state="interrupted", done=done, total=100, started=START))
    assert said in bar.summary()
    assert f'aria-valuenow="{said[:-2]}"' in bar.html(4000)


# Lists


def test_summaries_need_neither_data_nor_bytes():
    values = {
        "link": "https://example.com",
        "markdown": "# Title\n\ntext",
        "table": [{"a": 1}],
        "display": {"text/plain": "x"},
        "image": "https://example.com/x.png",
    }
    for type, value in [*values.items(), ("image", np.zeros((2, 2), "uint8"))]:
        payload = coerce(value, type=type)
        record = kept(payload)
        record.data = msgspec.UNSET
        assert payload_class(type).read(record, lambda: 1 / 0).summary() == payload.summary()


# The contract


def test_every_type_keeps_to_the_contract():
    values = {
        "link": "https://example.com",
        "markdown": "x",
        "progress": 5,
        "image": np.zeros((2, 2), "uint8"),
        "table": [{"a": 1}],
        "display": {"text/plain": "x"},
    }
    for type, value in values.items():
        payload = coerce(value, type=type)
        content = payload.content()
        assert isinstance(payload, Payload)
        assert isinstance(content, Content)
        assert content.data is not None
        assert strict(kept(payload).data) == strict(content.data)
        assert payload.Info.__name__ == f"{type.capitalize()}Info"
        assert msgspec.to_builtins(msgspec.convert(content.info, payload.Info)) == content.info
        with pytest.raises(InvalidValue, match="choose"):
            payload.file(".nothing")
