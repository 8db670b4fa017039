"""%artifact and %%artifact in a real kernel."""

from __future__ import annotations


def test_a_table_cell_keeps_its_last_value_unchanged(kernel):
    ran = kernel.run("import pandas as pd\nframe = pd.DataFrame({'a': [1, 2]})")
    ran = kernel.run("%%artifact table --key by-cell --description 'Two rows' --tag x --tag 'y z'\nframe")
    assert [reference["key"] for reference in ran.artifacts] == ["by-cell"]
    assert kernel.run("print(_.value is frame, _.version, _.tags, _.description)").stdout == "True 1 ['x', 'y z'] Two rows\n"


def test_the_result_of_a_cell_is_the_artifact(kernel):
    kernel.run("%%artifact --key result\n[{'a': 1}]")
    assert kernel.run("print(type(_).__name__, _.key, _.value)").stdout == "TableArtifact result [{'a': 1}]\n"


def test_a_semicolon_keeps_a_cell_quiet_and_still_keeps_the_value(kernel):
    ran = kernel.run("%%artifact table --key quiet\n[{'a': 1}];")
    assert ran.outputs == []
    assert kernel.run("print(nba.Artifact.get('quiet').value)").stdout == "[{'a': 1}]\n"


def test_top_level_await_and_other_magics_work_in_a_cell(kernel):
    ran = kernel.run(
        "%%artifact table --key awaited\nimport asyncio\nawait asyncio.sleep(0)\n%time rows = [{'n': 1}]\nawait asyncio.sleep(0, rows)"
    )
    assert [reference["key"] for reference in ran.artifacts] == ["awaited"]


def test_the_users_own_exception_passes_through_with_its_line(kernel):
    ran = kernel.run("%%artifact table --key broken\nx = 1\n\n1 / 0", check=False)
    assert ran.error == "ZeroDivisionError: division by zero"
    assert "4 \x1b" in ran.traceback or "----> 4" in ran.traceback.replace("\x1b[32m", "").replace("\x1b[39m", "")
    assert kernel.run("print(nba.Artifact.get('broken'))").stdout == "None\n"


def test_an_option_typed_wrongly_stops_the_cell_before_it_runs(kernel):
    for line, said in [
        ("--kee k", "'--kee' is not an option: choose from --key, --description, --tag, --raw."),
        ("--key 'Not A Key'", "'Not A Key' is not a key: use lowercase letters, digits and dashes. Try 'not-a-key'."),
        ("tabel --key k", "'tabel' is not a type"),
        ("table --key", "--key needs a value"),
        ("table --description 'open", "a quote is not closed in: table --description 'open"),
        ("table --raw", "--raw goes with markdown"),
    ]:
        ran = kernel.run(f"%%artifact {line}\nran = True\n[{{'a': 1}}]", check=False)
        assert said in ran.error, line
        assert len(ran.traceback.splitlines()) == 1
    assert kernel.run("print('ran' in globals())").stdout == "False\n"


def test_names_in_the_line_are_filled_in_as_the_cell_begins(kernel):
    kernel.run("name = 'filled'")
    kernel.run("%%artifact --key {name} --tag $name\nname = 'later'\nname")
    assert kernel.run("print(_.key, _.tags, _.value)").stdout == "filled ['filled'] later\n"
    kernel.run('%%artifact progress --key $name-bar --description "{{no}} $5"\n1')
    assert kernel.run("print(_.key, _.description)").stdout == "later-bar {no} $5\n"
    kernel.run("def keep(inner):\n    %artifact markdown 'text' --key {inner}\nkeep('inner')")
    assert kernel.run("%artifact get inner").artifacts[0]["version"] == 1


def test_it_stands_over_other_cell_magics(kernel):
    ran = kernel.run("%%artifact table --key over\n%%time\n[{'a': 1}]")
    assert "Wall time" in ran.stdout
    assert [reference["key"] for reference in ran.artifacts] == ["over"]
    ran = kernel.run("%%artifact --key Over\n%%time\nstarted = 1", check=False)
    assert ran.error.startswith("InvalidKey")
    assert kernel.run("print('started' in globals())").stdout == "False\n"
    kernel.run("%%artifact progress --key over-bar\n\n%%capture\nprint('nothing')")
    assert kernel.run("print(_.payload.info.state)").stdout == "finished\n"


def test_a_cell_without_a_value_is_refused_before_it_runs(kernel):
    ran = kernel.run("%%artifact table --key none\nlong_work = 1", check=False)
    assert "the cell's last line is not an expression" in ran.error
    assert kernel.run("print('long_work' in globals())").stdout == "False\n"
    assert "the cell is empty" in kernel.run("%%artifact table --key none\n# nothing", check=False).error


def test_a_value_that_cannot_be_kept_is_not_lost(kernel):
    ran = kernel.run("%%artifact --key odd\nobject()", check=False)
    assert "type=" in ran.error
    assert "The cell's value is in `_`." in ran.error
    assert kernel.run("print(type(_).__name__)").stdout == "object\n"


def test_markdown_fills_expressions_in(kernel):
    kernel.run("n, total, words = 3, 1234567, {'a:b': 'x'}")
    kernel.run(
        "%%artifact markdown --key filled\n{n} of {total:,}; {words['a:b']!r:>5}; {{brace}}; {n=}; {max([n, 4], key=lambda v: v)}; {total:>{n * 4}}"
    )
    assert (
        kernel.run("print(nba.Artifact.get('filled').value)").stdout.strip()
        == "3 of 1,234,567;   'x'; {brace}; n=3; 4;      1234567"
    )
    assert kernel.run("%%artifact --key typed-last markdown\n# {n}, not Python").artifacts[0]["type"] == "markdown"
    kernel.run("%%artifact markdown --key raw --raw\n{n} $x^{2}$")
    assert kernel.run("print(nba.Artifact.get('raw').value)").stdout.strip() == "{n} $x^{2}$"


def test_a_failing_expression_names_itself(kernel):
    ran = kernel.run("%%artifact markdown --key failing\nvalue: {missing / 2:.1f}", check=False)
    assert "{missing / 2} in the Markdown failed: NameError: name 'missing' is not defined" in ran.error
    assert "line 2: a { is not closed" in kernel.run("%%artifact markdown\nx\n{n", check=False).error
    assert "stands alone" in kernel.run("%%artifact markdown\nx }", check=False).error
    assert kernel.run("print(nba.Artifact.get('failing'))").stdout == "None\n"


def test_a_link_cell_has_the_url_first(kernel):
    kernel.run("%%artifact link --key docs\nhttps://jupyter.org/try\nTry\nJupyter")
    assert (
        kernel.run("a = nba.Artifact.get('docs'); print(a.type, a.data)").stdout
        == "link [Try Jupyter](https://jupyter.org/try)\n"
    )
    assert "javascript" in kernel.run("%%artifact link\njavascript:alert(1)", check=False).error


def test_an_image_cell_keeps_a_figure(kernel):
    ran = kernel.run(
        "%%artifact image --key figure\nimport matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\n"
        "fig, ax = plt.subplots()\nax.plot([1, 2])\nfig"
    )
    assert [reference["type"] for reference in ran.artifacts] == ["image"]
    assert kernel.run("print(nba.Artifact.get('figure').image().format)").stdout == "PNG\n"


def test_a_figure_of_pyplot_is_shown_once(kernel):
    kernel.run("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.close('all')")
    ran = kernel.run(
        "%%artifact image --key inline-figure\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])\nfig"
    )
    assert len(ran.outputs) == len(ran.artifacts) == 1
    assert kernel.run("print(len(_.value.axes), plt.get_fignums())").stdout == "1 []\n"


def test_a_display_cell_keeps_any_rich_output(kernel):
    kernel.run("%%artifact display --key latex\nfrom IPython.display import Latex\nLatex('$x^2$')")
    assert kernel.run("print(nba.Artifact.get('latex').value.data['text/latex'])").stdout == "$x^2$\n"


def test_a_progress_cell_has_a_bar_for_as_long_as_it_runs(kernel):
    ran = kernel.run("%%artifact progress --key cell-bar\nstate = nba.Artifact.get('cell-bar').payload.info.state\nstate")
    assert len(ran.artifacts) == 1
    assert "'running'" in [output["text/plain"] for output in ran.outputs]
    assert "finished" in ran.updates[-1]["text/plain"]
    assert kernel.run("print(type(_).__name__, _.value)").stdout == "ProgressArtifact 100.0\n"
    failed = kernel.run("%%artifact progress --key cell-bar\n1 / 0", check=False)
    assert failed.error.startswith("ZeroDivisionError")
    assert (
        kernel.run("i = nba.Artifact.get('cell-bar').payload.info; print(i.state, i.error)").stdout
        == "failed ZeroDivisionError: division by zero\n"
    )


def test_the_line_magic_keeps_an_expression(kernel):
    kernel.run("rows = [{'a': 1}, {'a': 2}]")
    ran = kernel.run("%artifact table rows[:1] --key from-line --tag t")
    assert [reference["key"] for reference in ran.artifacts] == ["from-line"]
    assert kernel.run("print(_.value, _.tags)").stdout == "[{'a': 1}] ['t']\n"
    assert kernel.run("%artifact link https://example.com/ --key line-link").artifacts[0]["type"] == "link"
    assert kernel.run("page = 'x'\n%artifact link https://example.com/{page} --key line-link").artifacts[0]["version"] == 2
    kernel.run("%artifact table {'a': [1, 2], 'b': [3, 4]} --key from-dict")
    assert kernel.run("print(_.value)").stdout == "{'a': [1, 2], 'b': [3, 4]}\n"


def test_verbs(kernel):
    kernel.run("nba.create('one', 'verbs'); nba.create('two', 'verbs', 'a <b>description</b>')")
    listed = kernel.run("%artifact ls").outputs[0]
    assert "verbs" in listed["text/plain"] and "a &lt;b&gt;description" in listed["text/html"]
    assert kernel.run("%artifact ls --all").text.count("verbs ") == 2
    assert kernel.run("%artifact get verbs@1").artifacts[0]["version"] == 1
    assert kernel.run("%artifact open verbs").artifacts[0]["version"] == 2
    assert "markdown" in kernel.run("%artifact inspect verbs").text
    assert kernel.run("%artifact history verbs").text.count("\n") == 2
    assert str(kernel.home) in kernel.run("%artifact status").text
    assert "has 2 versions" in kernel.run("%artifact delete verbs", check=False).error
    assert kernel.run("%artifact delete verbs@1").text == "Deleted verbs@1."
    assert kernel.run("%artifact delete verbs --yes").text == "Deleted verbs@2."
    assert "no artifact 'verbs'" in kernel.run("%artifact get verbs", check=False).error
    assert "is not a verb: choose from ls" in kernel.run("%artifact sl", check=False).error
    assert "%%artifact [TYPE]" in kernel.run("%artifact help").stdout


def test_lists_say_what_they_leave_out(kernel):
    kernel.run("for text in 'abc': nba.create(text, 'listed', display=False)")
    assert kernel.run("%artifact history listed --limit=2").text.endswith("\n2 of 3 listed: --limit 3 lists all.")
    assert "1 of 3 listed" in kernel.run("%artifact history listed --limit 1").outputs[0]["text/html"]
    shown = kernel.run("%artifact ls --limit 0").text
    assert shown.startswith("0 of ") and "listed: --limit " in shown
    assert "no artifact 'lsited'" in kernel.run("%artifact history lsited", check=False).error
    assert "leave out @2" in kernel.run("%artifact history listed@2", check=False).error
    assert "'x' is not a number" in kernel.run("%artifact ls --limit x", check=False).error


def test_what_is_no_expression_is_said_without_our_frames(kernel):
    kernel.run("rows = [{'a': 1}]")
    unknown = kernel.run("%artifact table rows[:1] --kye b", check=False)
    assert unknown.error.startswith("UsageError: '--kye' is not an option of %artifact table: choose from --key")
    assert kernel.run("%artifact table rows[", check=False).error.startswith("UsageError: 'rows[' is not an expression (")
    assert kernel.run("%artifact table nothing_there", check=False).error.startswith("NameError")


def test_diff_shows_what_changed(kernel):
    kernel.run("for n in (1, 2): nba.create([{'id': 'a', 'n': 1}, {'id': 'b', 'n': n}], 'compared', display=False)")
    shown = kernel.run("%artifact diff compared@1 compared@2").outputs[0]
    assert "1 row changed" in shown["text/plain"] and "1 → 2" in shown["text/html"]
    assert "no difference" in kernel.run("%artifact diff compared@1 compared@2 --tolerance=1").text
    assert "matched by n;" in kernel.run("%artifact diff compared@1 compared@2 --key-columns n").text
    assert "diff K@A K@B" in kernel.run("%artifact diff compared@1", check=False).error
    assert "'x' is not a number" in kernel.run("%artifact diff compared@1 compared@2 --tolerance x", check=False).error
    assert "compared@1" in kernel.complete("%artifact diff compared@")


def test_completion_knows_verbs_types_flags_keys_and_versions(kernel):
    kernel.run("nba.create('x', 'complete-me'); nba.create('y', 'complete-me')")
    assert "inspect" in kernel.complete("%artifact ins")
    assert "markdown" in kernel.complete("%%artifact mark")
    assert "--description" in kernel.complete("%%artifact table --de")
    assert "complete-me" in kernel.complete("%artifact get comp")
    assert sorted(kernel.complete("%artifact get complete-me@")) == ["complete-me@1", "complete-me@2"]
    assert "complete-me" in kernel.complete("%%artifact table --key comp")
    code = "%%artifact table --ke\nframe"
    assert "--key" in kernel.complete(code, code.index("\n"))


def test_help_reads_well(kernel):
    assert "keeps the value of the cell's last expression" in kernel.inspect("%artifact")


def test_the_cell_magic_can_be_called_by_name(kernel):
    kernel.run("get_ipython().run_cell_magic('artifact', 'table --key called', 'n = 5\\n[{\"n\": n}]')")
    assert kernel.run("print(nba.Artifact.get('called').value, n)").stdout == "[{'n': 5}] 5\n"
