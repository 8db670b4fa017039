"""Each promise of the README, shown once in the plainest way; `docs/promises.md` names the suites that go further."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
import subprocess
import sys
import threading
from decimal import Decimal
from html.parser import HTMLParser
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from api.conftest import stop_server
from faults.processes import Child
from server.conftest import start as start_server

import nb_artifacts as nba
from nb_artifacts.errors import InvalidValue
from nb_artifacts.serve.keys import Keyring
from nb_artifacts.store import open_store
from nb_artifacts.types import Markdown
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query, Sort


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


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    server = start_server(folder, key=Keyring(folder / "home").create("promises")[0])
    yield server
    stop_server(server)


def test_2_what_was_made_reaches_the_api_once_and_in_order(server, monkeypatch):
    """Whoever sends is killed again and again; what arrives is every version, once, in the order made."""
    url = f"http://127.0.0.1:{server.port}/api"
    monkeypatch.setenv("NB_ARTIFACTS_API_URL", url)
    monkeypatch.setenv("NB_ARTIFACTS_API_KEY", server.token)
    start("import os\nfor n in range(60): nba.create(f'text {n}', key=f'line-{n % 3}')\nos._exit(9)").wait(timeout=60)
    for _ in range(4):
        sender = start("print('go', flush=True)\nnba.sync(timeout=30)")
        sender.stdout.readline()
        threading.Event().wait(0.15)
        sender.kill()
        sender.wait(timeout=60)
    assert start("raise SystemExit(nba.sync(timeout=60).pending)").wait(timeout=90) == 0
    there = open_store(url, key=server.token)
    for line in range(3):
        query = Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[f"line-{line}"])), sort=Sort.VERSION_DESC, data=True)
        arrived = [(found.version, bytes(found.data).decode()) for found in there.find(query)][::-1]
        assert arrived == [(n + 1, f'"text {3 * n + line}"') for n in range(20)]


# 3


def test_3_nothing_of_a_create_touches_the_network(monkeypatch):
    """Also where there is an API: the thread that calls asks nobody."""
    monkeypatch.setenv("NB_ARTIFACTS_API_URL", "http://192.0.2.1/api")
    process = start(
        "import sys, threading, os, numpy as np\n"
        "def tell(event, _):\n"
        "    if event.startswith('socket.') and threading.current_thread() is threading.main_thread(): print(event)\n"
        "sys.addaudithook(tell)\n"
        "nba.create_link_artifact('https://example.com/', key='link')\nnba.create_markdown_artifact('# x', key='text')\n"
        "nba.create_table_artifact([{'a': 1}], key='table')\nnba.create_image_artifact('https://example.com/a.png', key='url')\n"
        "nba.create(np.zeros((2, 2), 'uint8'), key='image')\nnba.update_progress_artifact(nba.create_progress_artifact(1), 2)\n"
        "for key in ('link', 'text', 'table', 'url', 'image'): nba.Artifact.get(key, remote=False).value\n"
        "sys.stdout.flush()\nos._exit(0)"
    )
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert {line for line in said.splitlines() if line not in {"socket.gethostname", "socket.__new__"}} == set()


# 4


def test_4_plain_calls_return_values_in_scripts_threads_forks_and_async_code():
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
    (made,) = Child(lambda send: send(nba.create_markdown_artifact("x", key="made"))).wait()
    assert isinstance(made, UUID)
    assert nba.Artifact.get("made").version == 4


# 5


def test_5_versions_are_1_2_3_whichever_process_writes():
    each, writers = 25, 3
    processes = [start(f"for n in range({each}): print(nba.create(str(n), key='line').version)") for _ in range(writers)]
    given = [int(line) for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert sorted(given) == list(range(1, each * writers + 1))
    nba.Artifact.get("line").delete()
    nba.Artifact.get("line", version=10).delete()
    assert nba.create("again", key="line").version == each * writers + 1
    assert nba.Artifact.get("line", version=10) is None


# 6


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))", "<iframe src='//x'></iframe>",
        "![chart](https://example.com/track.png)", "<svg onload=alert(1)>", "<a href='data:text/html,x'>x</a>",
        "<div style='background:url(https://example.com/x)'>x</div>", "<form action='//x'><button>x</button></form>",
    ],
)  # fmt: skip
def test_6_no_content_runs_or_asks_another_host(text):
    seen = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: seen.extend([(tag, "", ""), *((tag, *one) for one in attributes)])
    parser.feed(Markdown(text).html(10_000))
    assert not {tag for tag, _, _ in seen} & {"script", "img", "svg", "iframe", "form", "button", "link", "object", "embed"}
    for _, name, value in seen:
        assert not name.startswith("on") and name not in {"src", "srcset", "id", "class"}
        assert name != "href" or value.startswith(("https://", "http://", "mailto:"))
        assert "url(" not in value


# 7


def test_7_what_is_unsent_is_told_with_its_reason(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("NB_ARTIFACTS_API_URL", f"http://{address}")
        for n in range(3):
            nba.create(f"text {n}", key="line")
        assert nba.sync(timeout=5).pending == 3
        told = subprocess.run(
            [sys.executable, "-m", "nb_artifacts.cli", "status"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    assert "3 not sent" in told
    assert address in told
    assert nba.status().sync.pending == 3


# 8

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


def test_8_values_come_back_equal_in_another_process(home):
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


def test_8_or_the_call_raises_naming_column_and_row():
    with pytest.raises(InvalidValue, match=r"'odd'.*row 1"):
        nba.create(pd.DataFrame({"fine": [1, 2], "odd": [{"a": 1}, object()]}), key="refused")
    assert nba.Artifact.get("refused") is None


# 9


def test_9_an_output_is_small_and_true_whatever_the_size():
    frame = pd.DataFrame(np.arange(400_000).reshape(20_000, 20)).rename(columns=str)
    for value, truth in ((frame, "20,000 rows × 20 columns"), ("# Long\n\n" + "words " * 200_000, "1.2 MB")):
        bundle = nba.create(value, key="large")._repr_mimebundle_()
        assert len(json.dumps(bundle)) <= 32 * 1024
        assert truth in bundle["text/plain"] and truth in bundle["text/html"]
