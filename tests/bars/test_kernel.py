"""Bars in a real kernel: what its outputs hold, how much is sent, and what is left when it dies."""

from __future__ import annotations

import json
import re
import signal

import pytest
from kernelkit import MIME, Kernel
from waiting import until


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    place = tmp_path_factory.mktemp("bars")
    kernel = Kernel(place / "home", place)
    kernel.run("import nb_artifacts as nba, time")
    yield kernel
    kernel.close()


def info(kernel, key, *names):
    code = f"i = nba.Artifact.get({key!r}).payload.info; print([getattr(i, n) for n in {names!r}])"
    return kernel.run(code).stdout.strip()


def test_the_saved_output_says_100_percent_and_how_long_it_took(kernel):
    ran = kernel.run("for day in nba.track(range(3), 'days', description='Load', unit='days'): pass", cell_id="c-1")
    assert len(ran.artifacts) == len(ran.outputs) == 1
    assert set(ran.outputs[0]) == {MIME, "text/html", "text/plain"}
    last = ran.updates[-1]
    assert 'aria-valuenow="100"' in last["text/html"]
    assert re.search(r"100 % · finished in (under )?\d[.\d]* s · 3 days", last["text/html"])
    assert last["text/plain"].startswith("days v1 · progress\nLoad\n[####")
    assert last[MIME]["title"].startswith("100 % · finished")


def test_the_first_frame_says_what_is_usual(kernel):
    kernel.run("list(nba.track(range(3), 'again'))")
    ran = kernel.run("list(nba.track(range(3), 'again'))")
    assert "usually under 1 s" in ran.outputs[0]["text/plain"]
    assert "usually under 1 s" in ran.outputs[0]["text/html"]


def test_messages_and_bytes_on_iopub_stay_few(kernel):
    """A bar's whole traffic over three seconds: at most ten messages and 1.5 kB a second, header and all."""
    kernel.run("nba.track([1])")
    ran = kernel.run(
        "begin = time.monotonic()\nn = 0\nwith nba.progress(total=10**9, key='traffic', unit='files') as bar:\n"
        "    while time.monotonic() - begin < 3:\n        bar.update(); bar.message(f'file {n}'); n += 1\n"
        "print(round(time.monotonic() - begin, 2))"
    )
    seconds = float(ran.stdout)
    assert 2 <= len(ran.updates) <= seconds + 1, "one a second, and the last"
    sent = sum(len(json.dumps(update)) for update in ran.updates[:-1]) + 800 * (len(ran.updates) - 1)
    assert sent <= 1500 * seconds


def test_errors_of_a_cell_are_the_bars(kernel):
    kernel.run("for n in nba.track(range(10), 'cell-error'):\n    if n == 3: raise ValueError('day 3')", check=False)
    assert info(kernel, "cell-error", "state", "done", "error") == "['failed', 3.0, 'ValueError: day 3']"
    ran = kernel.run(
        "for n in nba.track(range(10), 'cell-stop'):\n    if n == 3: break\nraise ValueError('later')", check=False
    )
    assert info(kernel, "cell-stop", "state", "done", "error") == "['stopped', 3.0, None]"
    assert "stopped at 30 %" in ran.updates[-1]["text/plain"]
    kernel.run(
        "def deep():\n    for n in nba.track(range(4), 'cell-deep'):\n        for m in nba.track(range(5), description='inner'):\n"
        "            if n == m == 1: raise KeyError('x')\ndeep()",
        check=False,
    )
    assert info(kernel, "cell-deep", "state", "done", "error") == "['failed', 1.0, \"KeyError: 'x'\"]"
    assert kernel.run("print([s.state for s in i.steps])").stdout == "['finished', 'failed']\n"


@pytest.mark.parametrize(
    "code",
    [
        "[1 / (3 - n) for n in nba.track(range(10), 'expression')]",
        "sum(1 / (3 - n) for n in nba.track(range(10), 'expression'))",
        "{n: 1 / (3 - n) for n, _ in zip(nba.track(range(10), 'expression'), range(10))}",
        "sum(1 / (3 - n) for n in tqdm(range(10), key='expression'))",
    ],
)
def test_a_comprehension_at_the_top_of_a_cell_fails_with_it(kernel, code):
    kernel.run(f"from nb_artifacts.tqdm import tqdm\nother = iter(nba.track(range(4), 'not-it'))\n{code}", check=False)
    assert info(kernel, "expression", "state", "done", "error") == "['failed', 3.0, 'ZeroDivisionError: division by zero']"
    assert info(kernel, "not-it", "state") == "['running']"
    kernel.run("1 / 1\nraise OSError('later')", check=False)
    assert info(kernel, "expression", "state", "done", "error") == "['failed', 3.0, 'ZeroDivisionError: division by zero']"


def test_a_bar_moved_to_its_total_and_never_closed_ends_with_its_cell(kernel):
    kernel.run("bar = nba.progress(3, 'never-closed')\nbar.update(3)")
    assert info(kernel, "never-closed", "state", "done") == "['finished', 3.0]"
    kernel.run("half = nba.progress(3, 'half')\nhalf.update(2)")
    kernel.run("half.update(1)")
    assert info(kernel, "half", "state") == "['running']", "who holds it may go on"
    kernel.run("half.close()")


def test_an_interrupted_kernel_leaves_interrupted(kernel):
    code = (
        "import os, signal, threading\nthreading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "for n in nba.track(range(10**9), 'kernel-interrupt'): pass"
    )
    assert kernel.run(code, check=False).error.startswith("KeyboardInterrupt")
    assert info(kernel, "kernel-interrupt", "state", "error") == "['interrupted', None]"


def test_top_level_await_and_async_for(kernel):
    kernel.run(
        "import asyncio\nasync def ticks():\n    for n in range(4):\n        await asyncio.sleep(0)\n        yield n\n"
        "async for n in nba.track(ticks(), 'awaited', total=4): pass"
    )
    assert info(kernel, "awaited", "state", "done") == "['finished', 4.0]"


def test_a_bar_in_a_thread_outlives_its_cell(kernel):
    ran = kernel.run(
        "import threading\nstop = threading.Event()\ndef work():\n    with nba.progress(key='background') as bar:\n"
        "        while not stop.wait(0.02): bar.update()\nthread = threading.Thread(target=work); thread.start(); time.sleep(0.3)"
    )
    assert [one["key"] for one in ran.artifacts] == ["background"]
    assert info(kernel, "background", "state") == "['running']"
    ran = kernel.run("stop.set(); thread.join()")
    assert "finished" in ran.updates[-1]["text/plain"]
    assert info(kernel, "background", "state") == "['finished']"


def test_threads_tasks_forks_and_joblib_of_a_kernel_feed_one_bar(kernel):
    """R-21 for bars: nothing hangs, nothing counts twice."""
    kernel.run(
        "import asyncio, os, threading\nfrom joblib import Parallel, delayed\n"
        "def add(bar): bar.update()\nasync def later(bar):\n    await asyncio.sleep(0)\n    bar.update()\n"
        "with nba.progress(total=50, key='all-feed-one') as bar:\n"
        "    threads = [threading.Thread(target=add, args=(bar,)) for _ in range(10)]\n"
        "    for thread in threads: thread.start()\n    for thread in threads: thread.join()\n"
        "    await asyncio.gather(*(later(bar) for _ in range(10)))\n"
        "    for _ in range(10):\n        pid = os.fork()\n        if pid == 0:\n            bar.update()\n            os._exit(0)\n"
        "        os.waitpid(pid, 0)\n"
        "    _ = Parallel(n_jobs=2)(delayed(add)(bar) for _ in range(20))"
    )
    assert info(kernel, "all-feed-one", "state", "done") == "['finished', 50.0]"


def test_loops_in_a_progress_cell_are_rows_of_its_bar(kernel):
    kernel.run("%load_ext nb_artifacts")
    ran = kernel.run("%%artifact progress --key in-cell\nfor n in nba.track(range(3), description='part'): pass")
    assert [one["key"] for one in ran.artifacts] == ["in-cell"]
    assert info(kernel, "in-cell", "state") == "['finished']"
    assert kernel.run("print([(s.name, s.state) for s in i.steps])").stdout == "[('part', 'finished')]\n"


def test_display_can_be_switched_off(kernel):
    ran = kernel.run("nba.configure(display=False)\nlist(nba.track([1], 'unseen'))\nnba.configure(display=None)")
    assert ran.artifacts == []
    assert kernel.run("list(nba.track([1], 'unseen', display=False)); None").outputs == []
    assert len(kernel.run("list(nba.track([1], disable=True)); None").outputs) == 0
    assert info(kernel, "unseen", "state") == "['finished']"


def test_what_was_not_to_be_shown_says_so(kernel):
    kernel.run("%load_ext nb_artifacts")
    kernel.run(
        "list(nba.track([1], 'shown'))\nlist(nba.track([1], 'silent', display=False))\nnba.create('x', 'silent', display=False)\n"
        "nba.configure(display=False)\nnba.create('x', 'silent')\nnba.MarkdownArtifact('x', 'silent').create()\n"
        "nba.configure(display=None)\nnba.create('x', 'shown')"
    )
    kernel.run("%artifact markdown 'x' --key shown")
    kernel.run("%%artifact markdown --key shown\nx")
    kernel.run("%%artifact table --key shown\n[{'a': 1}]")
    kernel.run("%%artifact progress --key shown\n1")
    assert marks(kernel, "silent") == "[{'nb_artifacts.display': 'off'}]\n"
    assert marks(kernel, "shown") == "[None]\n"


def marks(kernel, key):
    """The different metadata that versions of a key have."""
    code = f"found = [one.metadata_ for one in nba.Artifact.history('{key}')]\nprint([one for n, one in enumerate(found) if one not in found[:n]])"
    return kernel.run(code).stdout


def test_a_killed_kernel_leaves_interrupted_for_whoever_looks(tmp_path, monkeypatch):
    kernel = Kernel(tmp_path / "home", tmp_path)
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "home"))
    from nb_artifacts import core

    kernel.run("import nb_artifacts as nba\nit = iter(nba.track(range(100), 'killed-kernel'))\nfor _ in range(44): next(it)")
    until(lambda: core.get("killed-kernel").info["done"] == 43)
    kernel.manager.provisioner.process.send_signal(signal.SIGKILL)
    kernel.manager.provisioner.process.wait()
    assert core.read(core.get("killed-kernel")).summary() == "interrupted at 43 % · kernel died"
    kernel.client.stop_channels()
    kernel.manager.cleanup_resources()
