"""Each promise of the README, shown once in the plainest way; `docs/promises.md` names the suites that go further."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
import threading
from decimal import Decimal
from html.parser import HTMLParser
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

import nb_artifacts as nba
from nb_artifacts.errors import InvalidValue
from nb_artifacts.types import Markdown


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NB_ARTIFACTS_FROM_SERVER", raising=False)
    return tmp_path / "home"


def start(code):
    return subprocess.Popen([sys.executable, "-c", f"import nb_artifacts as nba\n{code}"], stdout=subprocess.PIPE, text=True)


# 1


def test_1_what_create_returned_survives_kill_9():
    process = start("n = 0\nwhile True:\n    print(nba.create(f'text {n}', key='line').id, flush=True)\n    n += 1")
    made = [process.stdout.readline().strip() for _ in range(50)]
    process.kill()
    made += [line for line in process.communicate()[0].splitlines() if len(line) == 36]
    assert [nba.Artifact.get(id=one).value for one in made] == [f"text {n}" for n in range(len(made))]


@pytest.mark.parametrize(
    ("loop", "state", "value"),
    [
        ("for _ in nba.track(range(4), key='bar'): os._exit(9)", "running, interrupted", 0),
        ("for _ in nba.track(range(4), key='bar'): pass\nos._exit(9)", "finished", 100),
        ("for n in nba.track(range(4), key='bar'):\n    if n == 2: break\nos._exit(9)", "stopped", 50),
        ("try:\n    for _ in nba.track((1 / (2 - n) for n in range(4)), key='bar', total=4): pass\nfinally: os._exit(9)", "failed", 50),
    ],
)  # fmt: skip
def test_1_a_bars_first_and_last_value_are_on_disk_before_the_call_returns(loop, state, value):
    assert start(f"import os\n{loop}").wait(timeout=60) == 9
    bar = nba.Artifact.get("bar")
    assert bar.payload.info.state in state
    assert bar.value == value


# 2


def test_2_nothing_of_a_create_touches_the_network():
    process = start(
        "import sys, numpy as np\nsys.addaudithook(lambda event, _: print(event) if event.startswith('socket.') else None)\n"
        "nba.create_link_artifact('https://example.com/', key='link')\nnba.create_markdown_artifact('# x', key='text')\n"
        "nba.create_table_artifact([{'a': 1}], key='table')\nnba.create_image_artifact('https://example.com/a.png', key='url')\n"
        "nba.create(np.zeros((2, 2), 'uint8'), key='image')\nnba.update_progress_artifact(nba.create_progress_artifact(1), 2)\n"
        "for key in ('link', 'text', 'table', 'url', 'image'): nba.Artifact.get(key).value"
    )
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert {line for line in said.splitlines() if line not in {"socket.gethostname", "socket.__new__"}} == set()


# 3


def test_3_plain_calls_return_values_in_scripts_threads_forks_and_async_code():
    found = []

    def make():
        found.append(nba.create_markdown_artifact("x", key="made"))

    async def inside():
        make()

    make()
    asyncio.run(inside())
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert [type(one) for one in found] == [UUID] * 3
    child = os.fork()
    if child == 0:
        os._exit(0 if isinstance(nba.create_markdown_artifact("x", key="made"), UUID) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert nba.Artifact.get("made").version == 4


# 4


def test_4_versions_are_1_2_3_whichever_process_writes():
    each, writers = 25, 3
    processes = [start(f"for n in range({each}): print(nba.create(str(n), key='line').version)") for _ in range(writers)]
    given = [int(line) for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert sorted(given) == list(range(1, each * writers + 1))
    nba.Artifact.get("line").delete()
    nba.Artifact.get("line", version=10).delete()
    assert nba.create("again", key="line").version == each * writers + 1
    assert nba.Artifact.get("line", version=10) is None


# 5


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))", "<iframe src='//x'></iframe>",
        "![chart](https://example.com/track.png)", "<svg onload=alert(1)>", "<a href='data:text/html,x'>x</a>",
        "<div style='background:url(https://example.com/x)'>x</div>", "<form action='//x'><button>x</button></form>",
    ],
)  # fmt: skip
def test_5_no_content_runs_or_asks_another_host(text):
    seen = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: seen.extend([(tag, "", ""), *((tag, *one) for one in attributes)])
    parser.feed(Markdown(text).html(10_000))
    assert not {tag for tag, _, _ in seen} & {"script", "img", "svg", "iframe", "form", "button", "link", "object", "embed"}
    for _, name, value in seen:
        assert not name.startswith("on") and name not in {"src", "srcset", "id", "class"}
        assert name != "href" or value.startswith(("https://", "http://", "mailto:"))
        assert "url(" not in value


# 6

FRAME = pd.DataFrame(
    {
        "int8": np.array([1, -2, 3], "int8"),
        "nullable": pd.array([1, None, 3], "Int64"),
        "float": [0.1, float("nan"), float("inf")],
        "text": ["ü", None, ""],
        "category": pd.Categorical(["b", "a", "b"], categories=["c", "b", "a"], ordered=True),
        "time": pd.to_datetime(["2013-01-01", None, "2013-01-03"], utc=True),
        "span": pd.to_timedelta([1, None, 3], unit="s"),
        "decimal": [Decimal("1.10"), Decimal(2), None],
        "date": [dt.date(2013, 1, 1), None, dt.date(2013, 1, 3)],
        "bool": pd.array([True, None, False], "boolean"),
    },
    index=pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("y", 1)], names=["letter", "number"]),
)


def test_6_values_come_back_equal_in_another_process(home):
    nba.create(FRAME, key="frame")
    rows = [{"a": 1, "b": [1, {"c": None}]}, {"a": 2.5, "b": "x"}]
    nba.create(rows, key="rows")
    code = (
        ""
        "nba.create(nba.Artifact.get('frame').value, key='frame-again')\nnba.create(nba.Artifact.get('rows').value, key='rows-again')"
    )
    assert start(code).wait(timeout=60) == 0
    pd.testing.assert_frame_equal(nba.Artifact.get("frame-again").to_pandas(), FRAME)
    assert nba.Artifact.get("rows-again").value == rows


def test_6_or_the_call_raises_naming_column_and_row():
    with pytest.raises(InvalidValue, match=r"'odd'.*row 1"):
        nba.create(pd.DataFrame({"fine": [1, 2], "odd": [{"a": 1}, object()]}), key="refused")
    assert nba.Artifact.get("refused") is None


# 7


def test_7_an_output_is_small_and_true_whatever_the_size():
    frame = pd.DataFrame(np.arange(400_000).reshape(20_000, 20)).rename(columns=str)
    for value, truth in ((frame, "20,000 rows × 20 columns"), ("# Long\n\n" + "words " * 200_000, "1.2 MB")):
        bundle = nba.create(value, key="large")._repr_mimebundle_()
        assert len(json.dumps(bundle)) <= 32 * 1024
        assert truth in bundle["text/plain"] and truth in bundle["text/html"]
