"""Loading costs little and leaves no trace when undone."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ["pandas", "pyarrow", "duckdb", "httpx", "ipywidgets", "numpy", "PIL", "msgspec", "sqlite3", "nh3"]


def loaded_by(code: str) -> list[str]:
    program = (
        f"import sys\nbefore = set(sys.modules)\n{code}\nimport json\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_import_loads_nothing_heavy():
    loaded = loaded_by("import nb_artifacts")
    assert not [name for name in HEAVY if name in loaded]
    assert [name for name in loaded if name.startswith("nb_artifacts")] == ["nb_artifacts"]


def test_using_the_store_loads_no_data_library():
    loaded = loaded_by(
        "import nb_artifacts as nba, tempfile\nnba.configure(home=tempfile.mkdtemp())\nnba.create_markdown_artifact('# hi', key='k')"
    )
    assert not [name for name in ("pandas", "pyarrow", "duckdb", "httpx", "ipywidgets", "numpy", "PIL") if name in loaded]


def test_load_ext_stays_within_its_budget(fresh):
    fresh.run("import pandas, IPython, sys\nbefore = set(sys.modules)")
    fresh.run("%load_ext nb_artifacts")
    new = json.loads(fresh.run("import json\nprint(json.dumps(sorted(set(sys.modules) - before)))").stdout)
    ours = [name for name in new if name.startswith("nb_artifacts")]
    assert len(ours) <= 10, ours
    assert len(new) <= 20, new
    assert "nb_artifacts.wire" not in new and "nb_artifacts.store" not in new


SNAPSHOT = (
    "def snapshot():\n"
    "    s = get_ipython()\n"
    "    return (sorted(s.magics_manager.magics['line']), sorted(s.magics_manager.magics['cell']), [n for n in s.magics_manager.registry if 'Artifact' in n],\n"
    "            list(map(repr, s.input_transformers_cleanup)), list(map(repr, s.ast_transformers)),\n"
    "            {k: len(v) for k, v in s.events.callbacks.items()}, len(s.Completer.custom_matchers), sorted(k for k in s.user_ns if not k.startswith('_')))\n"
)


def test_unloading_leaves_the_shell_as_it_was(fresh):
    fresh.run(SNAPSHOT)
    fresh.run("before = None\nafter = None\nbefore = snapshot()")
    fresh.run("%load_ext nb_artifacts")
    fresh.run("%reload_ext nb_artifacts")
    fresh.run("%%artifact table --key k\n[{'a': 1}]")
    fresh.run("%unload_ext nb_artifacts")
    fresh.run("after = snapshot()")
    assert fresh.run("print([pair for pair in zip(before, after) if pair[0] != pair[1]])").stdout == "[]\n"
    assert "not found" in fresh.run("%artifact ls").stdout + str(fresh.run("%artifact ls", check=False).error)


def test_reloading_keeps_working(fresh):
    fresh.run("%load_ext nb_artifacts")
    fresh.run("%reload_ext nb_artifacts")
    assert len(fresh.run("%%artifact table --key k\n[{'a': 1}]").artifacts) == 1


def test_create_works_without_the_extension_loaded(fresh):
    ran = fresh.run("import nb_artifacts as nba\na = nba.create('hi', 'k')", cell_id="one")
    assert len(ran.artifacts) == 1
    assert fresh.run(
        "r = nba.Artifact.get('k').run; print(r.provenance.cell_id, r.state.value, r.provenance.source.splitlines()[-1])"
    ).stdout == ("one completed a = nba.create('hi', 'k')\n")
