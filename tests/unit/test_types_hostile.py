"""Hostile content: kept as it is or refused in words, and shown so that nothing of it runs, loads, hides or overruns."""

from __future__ import annotations

import random
import time
import warnings

import pytest
from corpus import CORPUS, LINKS, MARKUP
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import back, check_shown, html_problems, kept, stored

from nb_artifacts.errors import ArtifactError, InvalidValue
from nb_artifacts.types import TYPES, Link, coerce
from nb_artifacts.types._html import sanitize
from nb_artifacts.types._url import is_safe


def same(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (one != one and other != other)


def test_the_corpus_is_large_and_named():
    assert len(CORPUS) >= 150
    assert len({case.name for case in CORPUS}) == len(CORPUS)
    assert {case.type for case in CORPUS} == set(TYPES)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_a_hostile_value_is_refused_or_kept_and_shown_harmlessly(case):
    payload, refusal = tried(case)
    if payload is None:
        assert isinstance(refusal, (ValueError, TypeError))
        assert 10 < len(str(refusal)) < 2000
        return
    read = back(payload)
    if case.type == "display":
        assert same(read.value.data, payload.value)
    elif case.type not in ("image", "progress"):
        assert same(read.value, case.value)
    rooms = (300, 8000, 26000) if len(repr(case.value)) < 100_000 else (8000,)
    check_shown(payload, rooms)
    check_shown(read, rooms[-1:])


def tried(case):
    """The payload of a case, or the error that refuses it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            payload = coerce(case.value, type=case.type)
            kept(payload)
        except ArtifactError as error:
            return None, error
    return payload, None


@pytest.mark.parametrize("url", LINKS)
def test_hostile_addresses_are_refused_at_create_and_neutral_when_read(url):
    with pytest.raises(InvalidValue) as raised:
        Link(url)
    assert "http" in str(raised.value) or "surrogate" in str(raised.value)
    if "\ud800" in url:
        return
    for payload in (
        stored("link", f"[x]({url})"),
        stored("link", url),
        stored("link", "x", {"url": url, "text": "x"}),
        stored("image", url),
    ):
        check_shown(payload)
        assert "href" not in payload.html(8000)
        assert "src" not in payload.html(8000)
    for attack in (f'<a href="{url}">x</a>', f"<a href='{url}'>x</a>", f'<img src="{url}">', f'<area href="{url}">'):
        assert html_problems(sanitize(attack)) == []
    assert "javascript" not in sanitize(f'<a href="{url}">x</a>').split(">")[0]


def test_enough_spellings_are_tried():
    assert len(LINKS) >= 40


@pytest.mark.parametrize(
    "url",
    ["http://example.com", "HTTPS://Example.COM/x?y=1&z=%20#frag", "https://user@example.com:8080/", "http://127.0.0.1/", "http://[::1]:80/x", "https://de.wikipedia.org/wiki/\u00d6sterreich_(\u00d6)",
     "mailto:someone@example.com?subject=x", "https://m\u00fcnchen.de/", "https://example.com/a(b)[c]'d\"<>"],
)  # fmt: skip
def test_plain_addresses_are_links(url):
    link = Link(url, "a [text] with (brackets) \\ and\nlines")
    read = back(link)
    assert (read.value, read.label) == (link.value, link.label) == (url, "a [text] with (brackets) \\ and\nlines")
    assert is_safe(url)
    assert 'href="' in link.html(8000)
    check_shown(link)


def test_names_that_are_ours_show_no_problem():
    # The check itself must find what it looks for.
    for name in (
        "script",
        "img-onerror",
        "iframe",
        "style-fixed",
        "clobber-id",
        "commandlinker",
        "a-javascript",
        "img-remote",
        "form",
    ):
        assert html_problems(MARKUP[name]), name


def fragments(seed):
    random_ = random.Random(seed)
    tags = ["div", "p", "a", "b", "table", "tr", "td", "th", "svg", "math", "style", "script", "img", "select", "option", "form", "template", "noscript", "xmp", "title",
            "textarea", "iframe", "mtext", "mglyph", "annotation-xml", "foreignObject", "desc", "li", "ul", "pre", "code", "caption", "col", "colgroup", "tbody", "h1", "details", "summary", "br", "hr", "frameset", "plaintext", "font", "nobr", "button"]  # fmt: skip
    attributes = ["", ' title="</p><img src=x onerror=1>"', " onclick=1", " href='javascript:1'", ' href="https://a.b/?x=1&amp;y"', " style='color:red;position:fixed'", ' id="x"', " src='data:image/png;base64,AAAA'",
                  " src=http://a.b/c.png", ' alt="<b>"', " align=left", " colspan=2", " open", ' style="width:1px;height:2em;background:url(x)"', " role=progressbar aria-valuenow=5"]  # fmt: skip
    texts = [
        "x",
        "&lt;",
        "<",
        ">",
        "&",
        "<!--",
        "-->",
        "--!>",
        "]]>",
        "<![CDATA[",
        "\x00",
        '"',
        "'",
        "&nbsp;",
        "\u00a0",
        "\n",
        "&#0;",
        "&amp;lt;",
        "\u202e",
        "</",
        "<?x",
        "<a b=",
        "\t",
    ]
    parts = []
    for _ in range(random_.randint(1, 14)):
        kind = random_.random()
        if kind < 0.5:
            parts.append(f"<{random_.choice(tags)}{random_.choice(attributes)}{random_.choice(attributes)}>")
        elif kind < 0.75:
            parts.append(f"</{random_.choice(tags)}>")
        else:
            parts.append(random_.choice(texts))
    return "".join(parts)


def test_a_second_pass_of_the_sanitiser_changes_nothing():
    for seed in range(5000):
        source = fragments(seed)
        once = sanitize(source)
        assert sanitize(once) == once, source
        assert html_problems(once) == [], source


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.integers(0, 2000))
def test_any_text_is_shown_in_its_room(text, room):
    for type in ("markdown", "table", "display", "link", None, "image"):
        try:
            payload = stored(type, text) if type != "display" else coerce({"text/html": text, "text/plain": text})
        except (InvalidValue, UnicodeEncodeError, ArtifactError):
            continue
        check_shown(payload, (room,))


def test_what_takes_long_to_render_is_shown_in_time():
    cases = [case for case in CORPUS if case.type == "markdown" and len(case.value) > 10_000]
    assert len(cases) >= 8
    for case in cases:
        begun = time.process_time()
        coerce(case.value, type="markdown").html(30_000)
        # A hang guard far above what it takes; the figure itself is for the benchmarks.
        assert time.process_time() - begun < 20, case.name


def test_no_unsafe_loader_is_used():
    import re
    from pathlib import Path

    import nb_artifacts

    root = Path(nb_artifacts.__file__).parent
    for file in [file for room in ("types", "store", "api") for file in (root / room).rglob("*.py")]:
        found = re.search(
            r"\bpickle\b|\beval\(|\bexec\(|yaml\.load|read_pickle|allow_pickle|marshal|\bnp\.load\b", file.read_text()
        )
        assert found is None, (file, found)


def test_no_display_helper_of_ipython_is_given_content():
    from pathlib import Path

    from nb_artifacts import types

    for file in Path(types.__file__).parent.glob("*.py"):
        assert "IPython.display" not in file.read_text().replace("``IPython.display``", ""), file
