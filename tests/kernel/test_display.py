"""What a notebook's outputs hold."""

from __future__ import annotations

import json

MIME = "application/vnd.nb-artifacts.v1+json"


def in_file(output: dict) -> int:
    """Bytes of an output as nbformat writes it."""
    lines = {k: v.splitlines(keepends=True) if isinstance(v, str) else v for k, v in output.items()}
    return len(json.dumps(lines, indent=1))


def test_create_shows_once_and_adds_nothing_as_the_result(kernel):
    ran = kernel.run("nba.create('hello', 'once')")
    assert len(ran.artifacts) == 1 and len(ran.outputs) == 1
    assert set(ran.outputs[0]) == {MIME, "text/html", "text/plain"}
    assert len(kernel.run("a = nba.create('hello', 'once')\ndisplay(a)\na").artifacts) == 1
    assert len(kernel.run("a").artifacts) == 1, "a later cell shows it again"


def test_display_can_be_switched_off_by_call_and_by_setting(kernel):
    assert kernel.run("id = nba.create_markdown_artifact('x', display=False)").outputs == []
    assert (
        kernel.run("nba.configure(display=False)\nid = nba.create_markdown_artifact('x')\nnba.configure(display=None)").outputs
        == []
    )


def test_after_twenty_a_line_counts_the_rest(kernel):
    ran = kernel.run("for n in range(25): nba.create_markdown_artifact(str(n))")
    assert len(ran.artifacts) == 20
    assert len(ran.outputs) == 21
    assert "and 5 more artifacts of this cell" in ran.updates[-1]["text/plain"]


def test_no_output_is_larger_than_32_kib(kernel):
    kernel.run(
        "import numpy as np, pandas as pd\n"
        "wide = pd.DataFrame(np.random.rand(50_000, 300))\n"
        "words = pd.DataFrame({'w': ['é' * 5000] * 1000})\n"
        "lines = '- x\\n' * 200_000\n"
        "snow = '雪' * 500_000"
    )
    for value in ["wide", "words", "lines", "snow", "'# ' + 'x' * 10**6", "[{'<b>': '</script>' * 1000}] * 500"]:
        ran = kernel.run(f"nba.create({value}, 'large')")
        assert in_file(ran.outputs[0]) <= 32 * 1024, value
    image = "nba.create(np.random.randint(0, 255, (800, 1200, 3), dtype='uint8'), 'large')"
    assert in_file(kernel.run(image).outputs[0]) <= 32 * 1024
    assert in_file(kernel.run("nba.create('x', description='d' * 10**6)").outputs[0]) <= 32 * 1024


def test_text_plain_is_true(kernel):
    ran = kernel.run("nba.create([{'carrier': 'EV', 'n': 3}], 'true-text', 'Delays')")
    assert "true-text v1 · table · 1 row × 2 columns" in ran.text
    assert "Delays" in ran.text and "EV" in ran.text


def test_updates_of_a_progress_go_to_its_output_and_the_last_one_always(kernel):
    ran = kernel.run("p = nba.create_progress_artifact(0, 'moving')\nfor n in range(101): nba.update_progress_artifact(p, n)")
    assert len(ran.artifacts) == 1
    assert 1 <= len(ran.updates) <= 12
    assert 'aria-valuenow="100"' in ran.updates[-1]["text/html"]


def test_track_shows_a_bar_and_leaves_the_truth(kernel):
    ran = kernel.run("total = sum(nba.track(range(1000), 'tracked', description='Adding'))\nprint(total)")
    assert ran.stdout == "499500\n"
    assert len(ran.artifacts) == 1
    assert "finished" in ran.updates[-1]["text/plain"]
    assert (
        kernel.run("i = nba.Artifact.get('tracked').payload.info; print(i.state, i.done, i.total)").stdout
        == "finished 1000.0 1000.0\n"
    )


def test_a_loop_that_breaks_fails_or_is_interrupted_says_so(kernel):
    kernel.run("for n in nba.track(range(10), 'ends'):\n    if n == 4: break")
    kernel.run("for n in nba.track(range(10), 'ends'):\n    if n == 4: 1 / 0", check=False)
    kernel.run("for n in nba.track(range(10), 'ends'):\n    if n == 4: raise KeyboardInterrupt", check=False)
    kernel.run("def work():\n    yield 1\n    raise OSError('disk')\nfor n in nba.track(work(), 'ends'): pass", check=False)
    states = kernel.run("print([a.payload.info.state for a in nba.Artifact.history('ends')][::-1])").stdout
    assert states == "['stopped', 'failed', 'interrupted', 'failed']\n"


def test_hostile_descriptions_and_keys_of_columns_are_text(kernel):
    html = kernel.run(
        "nba.create([{'<img src=x onerror=alert(1)>': '<script>alert(1)</script>'}], description='<script>x</script>')"
    ).outputs[0]["text/html"]
    assert "<script" not in html and "<img" not in html


def test_the_cell_that_loads_the_extension_shows_what_it_makes(fresh):
    ran = fresh.run("%load_ext nb_artifacts\nimport nb_artifacts as nba\nid = nba.create_markdown_artifact('# x', key='first')")
    assert len(ran.artifacts) == 1
    assert fresh.run("print(nba.Artifact.get('first').source.splitlines()[0])").stdout.strip() == "%load_ext nb_artifacts"
