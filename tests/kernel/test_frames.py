"""``%artifact on``: frames are shown by our view, small and true, and nothing is kept; ``off`` leaves no trace."""

from __future__ import annotations

import json

import pytest

VIEW = "application/vnd.jupyter.widget-view+json"
MIME = "application/vnd.nb-artifacts.v1+json"
FRAMES = {
    "pandas": "import pandas as pd\npd.DataFrame({'n': range(5000), 'c': pd.Categorical(['a'] * 5000)})",
    "polars": "import polars as pl\npl.DataFrame({'n': range(5000), 'c': pl.Series(['a'] * 5000, dtype=pl.Categorical)})",
    "pyarrow": "import pyarrow as pa\npa.table({'n': range(5000), 'c': pa.array(['a'] * 5000).dictionary_encode()})",
    "duckdb": "import duckdb\nduckdb.sql('SELECT range AS n, 1.5 AS c FROM range(800)')",
}


@pytest.fixture
def on(kernel):
    kernel.run("%artifact on")
    yield kernel
    kernel.run("%artifact off")


@pytest.mark.parametrize("library", FRAMES)
def test_frames_of_each_library_have_dtypes_and_a_count(on, library):
    shown = on.run(FRAMES[library]).outputs[0]
    assert ("800 rows" if library == "duckdb" else "5,000 rows") in shown["text/html"]
    assert "2 columns" in shown["text/html"] and "the first 10 shown" in shown["text/html"]
    assert {"pandas": "category", "polars": "Categorical", "pyarrow": "dictionary", "duckdb": "decimal128(2, 1)"}[
        library
    ] in shown["text/html"]
    assert set(shown) == {"text/html", "text/plain"}
    assert "<script" not in shown["text/html"] and "<style" not in shown["text/html"]


def test_a_query_without_an_end_is_not_counted(on):
    shown = on.run("import duckdb\nduckdb.sql('SELECT range AS n FROM range(1000000000000)')").outputs[0]
    assert "more than 1,000 rows" in shown["text/html"]


def test_nothing_is_kept_and_the_value_is_the_frame(on):
    before = on.run("print(nba.status().artifacts)").stdout
    on.run("import pandas as pd\nframe = pd.DataFrame({'n': [1]})\nframe")
    assert on.run("print(_ is frame, nba.status().artifacts)").stdout == f"True {before}"


def test_outputs_stay_small(on):
    shown = on.run(
        "import pandas as pd\npd.DataFrame({f'column {n} ' + 'é' * 50: ['<b>' + 'é' * 5000] * 100 for n in range(3000)}, dtype=object)"
    ).outputs[0]
    assert len(json.dumps(shown)) < 32 * 1024
    assert "<b>é" not in shown["text/html"] and "3,000 columns" in shown["text/html"]


def test_what_cannot_be_kept_is_shown_by_its_own_library(on):
    shown = on.run("import pandas as pd\npd.DataFrame({'x': [object()]})").outputs[0]
    assert 'class="dataframe"' in shown["text/html"]


def test_off_puts_back_what_was_there(kernel):
    code = "import pandas as pd\npd.DataFrame({'n': [1]})"
    before = kernel.run(code).outputs[0]
    kernel.run(
        "formatter = get_ipython().display_formatter.mimebundle_formatter\nimport polars as pl\nmine = lambda frame: {'text/html': 'mine'}\nformatter.for_type(pl.DataFrame, mine)"
    )
    state = "print(sorted(map(str, formatter.type_printers)), sorted(formatter.deferred_printers))"
    registered = kernel.run(state).stdout
    kernel.run("%artifact on\n%artifact on")
    assert kernel.run(code).outputs[0] != before
    assert kernel.run("pl.DataFrame({'n': [1]})").outputs[0]["text/html"] != "mine"
    kernel.run("%artifact off\n%artifact off")
    assert kernel.run(state).stdout == registered
    assert kernel.run(code).outputs[0] == before
    assert kernel.run("pl.DataFrame({'n': [1]})").outputs[0]["text/html"] == "mine"


def test_unloading_switches_it_off(fresh):
    code = "import pandas as pd\npd.DataFrame({'n': [1]})"
    before = fresh.run(code).outputs[0]
    fresh.run("%load_ext nb_artifacts\n%artifact on")
    assert fresh.run(code).outputs[0] != before
    fresh.run("%unload_ext nb_artifacts")
    assert fresh.run(code).outputs[0] == before


def test_switching_on_loads_no_library(fresh):
    fresh.run("%load_ext nb_artifacts\n%artifact on")
    heavy = "{'pandas', 'polars', 'pyarrow', 'duckdb', 'anywidget'}"
    assert fresh.run(f"import sys; print({heavy} & set(sys.modules))").stdout.strip() == "set()"


def test_with_widgets_a_frame_is_a_live_grid_too(kernel):
    kernel.run("%artifact on --widgets")
    shown = kernel.run("import pandas as pd\npd.DataFrame({'n': range(5000)})").outputs[0]
    assert shown[VIEW]["model_id"] and "5,000 rows" in shown["text/html"]
    kernel.run("%artifact off\nnba.configure(widgets=True)")
    kernel.run("%artifact on")
    assert VIEW in kernel.run("pd.DataFrame({'n': range(5000)})").outputs[0]
    kernel.run("%artifact off\nnba.configure(widgets=None)")
    assert VIEW not in kernel.run("pd.DataFrame({'n': range(5000)})").outputs[0]


def test_what_is_typed_wrongly_is_said(kernel):
    assert "write %artifact on [--widgets]" in kernel.run("%artifact on --live", check=False).error
    assert "--widgets" in kernel.complete("%artifact on --")
