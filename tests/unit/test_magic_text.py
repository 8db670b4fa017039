"""`fill` against Python's own f-strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb_artifacts.errors import InvalidValue, UsageError
from nb_artifacts.magics.text import fill

NAMES = {"x": 1234.5678, "n": 7, "name": "Ada", "d": {"a:b": 1, "}": 2}, "rows": [1, 2, 3], "f": lambda v: v * 2}

FIELDS = [
    "{x}", "{x:,.2f}", "{n!r}", "{name!r:>10}", "{name:^{n}}", "{n + 1}", "{n != 7}", "{n == 7}", "{d['a:b']}",
    "{d['}']}", "{rows[1:]}", "{[i for i in rows if i != 2]}", "{ {'a': 1}['a'] }", "{f(lambda: 1) if 0 else f(2)}",
    "{name=}", "{n = }", "{x=:.1f}", "{name=!s}", "{n:>{n}d}", "{{", "}}", "{{{n}}}", "{'{'}", '{"}"}',
]  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_is_what_an_f_string_makes_of_it(field):
    quote = "'''" if '"' in field else '"""'
    assert fill(f"a {field} b", dict(NAMES)) == eval(f"f{quote}a {field} b{quote}", dict(NAMES))


@given(st.text())
def test_text_without_braces_stays_and_doubled_braces_are_single(text):
    plain = text.replace("{", "").replace("}", "")
    assert fill(plain, {}) == plain
    assert fill(text.replace("{", "{{").replace("}", "}}"), {}) == text


@given(st.text(alphabet="{}:!='\"abn[](), \n", max_size=20))
def test_anything_typed_is_filled_or_refused_in_our_words(text):
    try:
        fill(text, dict(NAMES))
    except (UsageError, InvalidValue):
        pass


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\ntwo {n", "line 2: a { is not closed"),
        ("a } b", "line 1: a } stands alone"),
        ("{}", "{} is empty"),
        ("{n!x}", "!x is not a conversion"),
    ],
)
def test_what_is_typed_wrongly_is_named(text, said):
    with pytest.raises(UsageError, match=None) as caught:
        fill(text, dict(NAMES))
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["{1 / 0}", "{missing}", "{n:q}", "{n +}"])
def test_an_expression_that_fails_is_named(text):
    with pytest.raises(InvalidValue) as caught:
        fill(text, dict(NAMES))
    assert text.split(":")[0].rstrip("}") in str(caught.value)
    assert "Nothing was kept" in str(caught.value)
