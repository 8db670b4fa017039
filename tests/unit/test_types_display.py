"""Rich outputs: the bundle is kept whole; what is shown of it is harmless and says what is left out."""

from __future__ import annotations

import base64
import subprocess
import sys

import altair as alt
import numpy as np
import pandas as pd
import plotly.express as px
import pytest
from corpus import png
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.display import HTML, JSON, SVG, IFrame, Latex, Math
from IPython.display import Image as IPythonImage
from IPython.display import Markdown as IPythonMarkdown
from payloads import back, check_shown, kept, stored, strict

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types import Display, coerce
from nb_artifacts.types.display import Bundle

FRAME = pd.DataFrame({"a": [1, 2], "b": [3.0, -4.0]})


class Rich:
    def __init__(self, **parts):
        self.parts = parts

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {name.replace("__", "/"): part for name, part in self.parts.items()}

    def __repr__(self):
        return "Rich()"


def test_a_bundle_comes_back_whole():
    payload = coerce(Rich(text__html="<b>x</b>", image__png=b"\x89PNG", custom__x={"a": [1, None]}))
    content = payload.content()
    assert strict(content.data) == "Rich()"
    assert content.info["media"] == ["text/html", "image/png", "custom/x", "text/plain"]
    assert content.info["title"].endswith("Rich")
    read = back(payload)
    assert isinstance(read.value, Bundle)
    assert read.value.data == {
        "text/html": "<b>x</b>",
        "image/png": base64.b64encode(b"\x89PNG").decode(),
        "custom/x": {"a": [1, None]},
        "text/plain": "Rich()",
    }
    assert strict(read.file(".json"))["data"] == read.value.data
    assert read.file(".html") == b"<b>x</b>"
    assert read.file(".png") == b"\x89PNG"
    with pytest.raises(InvalidValue, match=r"\.json, \.html, \.png, \.txt"):
        read.file(".svg")
    check_shown(read)


json_parts = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), inner, max_size=3),
    ),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["text/html", "text/plain", "text/markdown", "text/latex", "image/png", "image/svg+xml", "application/json", "x/y"]
        ),
        json_parts.filter(lambda part: part is not None),
        min_size=1,
    )
)
def test_any_bundle_comes_back_equal_and_is_shown(data):
    payload = Display(data)
    assert back(payload).value.data == data
    check_shown(payload, (300, 8000))


def test_the_richest_harmless_part_is_shown():
    assert coerce(HTML("<p style='color:red'>x</p>")).html(1000) == '<p style="color:red">x</p>'
    assert "$x^2$" in coerce(Math("x^2")).html(1000) or "x^2" in coerce(Math("x^2")).html(1000)
    assert "x^2" in coerce(Latex("$x^2$")).html(1000)
    assert coerce(IPythonMarkdown("**b**")).html(1000) == "<p><strong>b</strong></p>"
    assert "data:image/png" in coerce(IPythonImage(png(3, 3))).html(1000)
    assert "data:image/svg+xml" in coerce(
        SVG('<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>')
    ).html(2000)
    assert "data:image/png" in Display(
        {"text/html": "<script>draw()</script>", "image/png": base64.b64encode(png(3, 3)).decode()}
    ).html(2000)
    for value in (HTML("x"), IPythonMarkdown("x"), JSON({"a": 1}), IFrame("https://example.com", 10, 10)):
        check_shown(coerce(value))


def test_what_is_left_out_is_said():
    assert "interactive parts are not shown" in coerce(HTML("<p>x</p><script>1</script>")).html(1000)
    assert "interactive parts are not shown" not in coerce(HTML("<p>x</p>")).html(1000)
    assert coerce(IFrame("https://example.com", 10, 10)).html(1000).endswith("interactive parts are not shown</div>")


def test_charts_keep_their_specification():
    chart = alt.Chart(pd.DataFrame({"x": [1], "y": [2]})).mark_bar().encode(x="x", y="y")
    bundle = back(coerce(chart)).value.data
    (mime,) = [mime for mime in bundle if "vegalite" in mime]
    assert mime.startswith("application/vnd.vegalite.v")
    assert bundle[mime]["mark"] == {"type": "bar"}
    figure = px.scatter(x=[1.0, float("nan")], y=[np.int64(2), np.int64(3)])
    bundle = back(coerce(figure)).value.data
    assert bundle["application/vnd.plotly.v1+json"]["data"][0]["type"] == "scatter"
    for value in (chart, figure):
        payload = coerce(value)
        assert payload.type == "display"
        assert payload.html(8000).endswith("interactive parts are not shown</div>")
        check_shown(payload)


def test_a_heat_map_keeps_its_colours():
    styled = FRAME.style.background_gradient().set_caption("Heat")
    html = coerce(styled).html(20_000)
    assert html.count("background-color:#") == 4
    assert "Heat" in html
    assert "<style" not in html
    check_shown(coerce(styled))
    assert (
        coerce(FRAME.style.map(lambda value: "color: red; position: fixed" if value < 0 else ""))
        .html(20_000)
        .count('style="color:red"')
        == 1
    )


def test_html_too_large_for_its_room_gives_way():
    data = {"text/html": "<p>long</p>" * 1000, "text/markdown": "*short*", "text/plain": "plain"}
    assert Display(data).html(500) == "<p><em>short</em></p>"
    del data["text/markdown"]
    assert "plain</pre>" in Display(data).html(500)


def test_a_frame_can_be_kept_as_it_shows_itself():
    payload = coerce(FRAME, type="display")
    assert payload.info.title == "pandas.DataFrame"
    assert "<table" in payload.html(8000)
    assert coerce(5, type="display").text() == "5"


def test_parts_that_are_no_json_are_named():
    with pytest.raises(InvalidValue, match="custom/x"):
        coerce(Rich(custom__x={"a": object()}))
    with pytest.raises(InvalidValue, match="text/html"):
        coerce(Rich(text__html="\ud800"))


def test_what_shows_itself_is_not_displayed_on_the_way(capsys):
    class Loud:
        def _ipython_display_(self):
            print("shown")

        def _repr_html_(self):
            return "<b>quiet</b>"

    assert coerce(Loud()).html(1000) == "<b>quiet</b>"
    assert capsys.readouterr().out == ""


def test_a_shell_adds_its_own_formatters():
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
class Plain: pass
class Loud:
    def _ipython_display_(self): print("shown")
    def _repr_html_(self): return "<b>quiet</b>"
shell.display_formatter.formatters["text/html"].for_type(Plain, lambda value: "<i>told</i>")
from nb_artifacts.types import coerce
print(coerce(Plain()).html(1000), coerce(Loud()).html(1000))
for value in (object(), 5):
    try: coerce(value)
    except TypeError as error: print(type(error).__name__)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "<i>told</i> <b>quiet</b>\nUnsupportedType\nUnsupportedType\n"


def test_names_of_files_and_addresses_are_text(monkeypatch):
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *args: 1 / 0)
    for text in ("/etc/passwd", "http://127.0.0.1:9/x", "file:///etc/passwd"):
        for payload in (coerce(text), Display({"text/html": text, "text/plain": text})):
            assert text in payload.html(1000)
            assert "root:" not in payload.html(8000)
            assert payload.text() == text


def test_a_kept_bundle_shows_itself_sanitised():
    bundle = back(Display({"text/html": "<b>x</b><script>1</script>", "text/plain": "x\x1b[2J"})).value
    shown = bundle._repr_mimebundle_()
    assert "<script" not in shown["text/html"]
    assert shown["text/html"].startswith("<b>x</b>")
    assert shown["text/plain"] == "x\\x1b[2J"
    assert repr(bundle) == "<Bundle text/html, text/plain>"
    assert bundle == Bundle(dict(bundle.data))
    assert Display(bundle).value is bundle


def test_damaged_bundles_say_so():
    record = kept(Display({"text/plain": "x"}))
    for blob in (b"", b"[]", b"{}", b'{"data": 5}', b"[" * 100_000, b"\xff"):
        payload = Display.read(record, lambda blob=blob: blob)
        with pytest.raises(InvalidValue, match="bundle"):
            payload.value
    check_shown(stored("display", "only text"))
    assert Display.read(record, lambda: 1 / 0).summary().startswith("text/plain")
