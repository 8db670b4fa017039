"""ls, inspect, history, status: columns for people, whole records for programs."""

from __future__ import annotations

import json
import re

import nb_artifacts as nba
from nb_artifacts import wire

RECORD = set(wire.Record.__struct_fields__) - {"collection_id", "collection_created"}
PREFECT = ["ID", "Key", "Type", "Updated"]
STYLE = re.compile("\x1b\\[[0-9;]*m")


def rows(text):
    return [re.split(r"  +", line) for line in text.splitlines()]


def test_ls_has_prefects_columns_and_the_newest_version_of_each_key(cli, home):
    nba.create("one", "words")
    newest = nba.create("two", "words")
    table = nba.create([{"a": 1}], "numbers")
    nba.create("nameless")
    head, *lines = rows(cli("ls").stdout)
    assert head[:4] == PREFECT
    assert [line[:3] for line in lines] == [[str(table.id), "numbers", "table"], [str(newest.id), "words", "markdown"]]
    assert lines[1][4:] == ["2", "two · 3 B"]
    assert "1 row × 1 column" in lines[0][5]


def test_ls_all_has_a_line_for_every_version_and_for_what_has_no_key(cli):
    made = [nba.create(text, "words") for text in ("one", "two")] + [nba.create("nameless")]
    lines = cli("ls", "--all").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [str(one.id) for one in reversed(made)]
    assert len(cli("ls", "-a", "--limit", "1").stdout.splitlines()) == 2


def test_what_a_limit_leaves_out_is_said(cli):
    for key in ("a", "b", "c"):
        nba.create("x", key)
    done = cli("ls", "--limit", "2")
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == "2 of 3 listed: --limit 3 lists all.\n"


def test_nothing_kept_is_said_beside_the_output(cli, home):
    assert cli("ls").stdout == ""
    assert str(home) in cli("ls").stderr
    assert cli("ls", "--output", "json").output == "[]\n"


def test_json_is_a_list_of_whole_records(cli, read):
    nba.create("# long\n" + "text " * 400, "words", "About *words*", tags=["a"], metadata={"by": "hand"})
    progress = nba.create_progress_artifact(30, "loading")
    bar, words = read("ls", "--output", "json")
    assert set(words) == RECORD
    assert words["data"].startswith("# long") and len(words["data"]) > 2000
    assert (words["version"], words["tags"], words["metadata_"]) == (1, ["a"], {"by": "hand"})
    assert set(bar) == RECORD | {"state"}
    assert (bar["id"], bar["data"], bar["state"]) == (str(progress), 30, "running")
    nba.update_progress_artifact(progress, 100)
    assert read("inspect", "loading", "-o", "json")[0]["state"] == "finished"
    assert read("get", "loading", "-o", "json")["state"] == "finished"


def test_numbers_that_json_does_not_have_are_null(cli, read):
    nba.create([{"a": float("nan"), "b": float("inf")}], "odd")
    record = read("get", "odd", "--output", "json")
    assert json.loads(record["data"]) == [{"a": None, "b": None}]


def test_inspect_shows_every_version_newest_first(cli, read):
    made = [nba.create(f"# title {n}", "words", f"number {n}").id for n in range(12)]
    found = read("inspect", "words", "--output", "json")
    assert [record["id"] for record in found] == [str(one) for one in made[:-11:-1]]
    done = cli("inspect", "words")
    assert re.findall(r"^words@(\d+) · markdown · title", done.stdout, re.MULTILINE) == [str(n) for n in range(12, 2, -1)]
    assert done.stderr == "10 of 12 listed: --limit 12 lists all.\n"
    assert "number 11" in done.stdout and re.search(r"Made by     (a )?session", done.stdout)
    assert len(read("inspect", "words", "--limit", "12", "-o", "json")) == 12
    assert [record["version"] for record in read("inspect", "words@3", "-o", "json")] == [3]
    assert read("inspect", str(made[4]), "-o", "json")[0]["version"] == 5


def test_inspect_tells_the_run_and_facts(cli):
    @nba.task
    def load():
        return nba.create([{"a": 1}], "made", "Line one\n\nline two", tags=["x", "y"], metadata={"unit": "km"}).id

    @nba.flow(name="etl")
    def etl():
        return load()

    etl()
    text = cli("inspect", "made").stdout
    for fact in (
        "task load, in flow etl, in ",
        "session",
        "x, y",
        "metadata_.unitkm",
        "application/vnd.apache.parquet",
        "sha256 ",
    ):
        assert fact.replace(" ", "") in text.replace(" ", "")
    assert "    Line one\n\n    line two\n" in text


def test_a_name_that_is_not_there_is_said_on_stderr(cli):
    made = nba.create("x", "flights-by-carrier")
    for verb in ("inspect", "get", "history", "delete"):
        done = cli(verb, "flights", code=1)
        assert done.stdout == ""
        assert done.stderr == "Error: not found: there is no artifact 'flights'. Near it: flights-by-carrier.\n"
    assert "has no version 7: its newest is 1" in cli("get", "flights-by-carrier@7", code=1).stderr
    assert "not found" in cli("inspect", str(wire.new_id()), code=1).stderr
    assert f"{made.id} is one version: leave out @2." in cli("inspect", f"{made.id}@2", code=1).stderr
    assert "`nb-artifacts ls` list the keys" in cli("inspect", "zzz", code=1).stderr
    assert "Try 'not-a-key'" in cli("inspect", "Not A Key", code=1).stderr
    assert "'x' is not a version" in cli("inspect", "flights-by-carrier@x", code=1).stderr


def test_history_has_a_line_a_version(cli, read):
    for text in ("one", "two", "three"):
        nba.create(text, "words", f"said {text}")
    head, *lines = rows(cli("history", "words").stdout)
    assert head == ["Version", "ID", "Type", "Updated", "Content", "Description"]
    assert (lines[0][0], lines[0][4], lines[0][5]) == ("3", "three · 5 B", "said three")
    assert [record["version"] for record in read("history", "words", "-o", "json", "--limit", "2")] == [3, 2]
    assert "leave out @2" in cli("history", "words@2", code=2).stderr
    assert cli("history", "words", "--limit", "1").stderr == "1 of 3 listed: --limit 3 lists all.\n"
    assert cli("history", "words", "--limit", "3").stderr == cli("inspect", "words@2", "--limit", "1").stderr == ""


def test_status_says_where_and_how_many(cli, read, home, monkeypatch):
    nba.create([{"a": 1}], "numbers")
    nba.create("x", "numbers")
    text = cli("status").stdout
    assert f"{home}\n" in text and "2 in 1 key\n" in text and "wal" in text
    found = read("status", "--output", "json")
    assert (found["artifacts"], found["keys"], found["where"], found["handed"]) == (2, 1, str(home), False)
    assert found["store"] == (home / "store-id").read_text()
    monkeypatch.setenv("NB_ARTIFACTS_FROM_SERVER", f"{found['store']}:{home}")
    monkeypatch.delenv("NB_ARTIFACTS_HOME")
    assert f"{home}, the Jupyter server's\n" in cli("status").stdout
    monkeypatch.setenv("NB_ARTIFACTS_FROM_SERVER", f"{found['store']}:{home}-gone")
    monkeypatch.setenv("XDG_DATA_HOME", str(home.parent / "data"))
    assert "cannot be read here" in cli("status").stdout


def test_another_folder_can_be_named(cli, read, home, tmp_path):
    nba.create("here", "here")
    nba.configure(home=tmp_path / "other")
    nba.create("there", "there")
    nba.configure(home=None)
    assert [record["key"] for record in read("--home", str(tmp_path / "other"), "ls", "-o", "json")] == ["there"]
    assert [record["key"] for record in read("ls", "-o", "json")] == ["here"]
    assert "does not exist" in cli("--home", str(tmp_path / "none"), "ls", code=2).stderr
    assert not (tmp_path / "none").exists()


def test_what_is_typed_wrongly_exits_2(cli):
    assert cli("lst", code=2).stderr.endswith("No such command 'lst'.\n") or "lst" in cli("lst", code=2).stderr
    assert "--limit" in cli("ls", "--limit", "-1", code=2).stderr
    assert "yaml" in cli("ls", "--output", "yaml", code=2).stderr
    assert "KEY" in cli("get", code=2).stderr


def test_a_lost_payload_does_not_hide_the_rest(cli, home):
    nba.create("# lost\n" + "x" * 300_000, "lost")
    nba.create("there", "there")
    for path in (home / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    done = cli("ls", "--output", "json")
    assert [(record["key"], record["data"] is None) for record in json.loads(done.stdout)] == [("there", False), ("lost", True)]
    assert "data of lost is null here" in done.stderr
    assert "restore them from a backup" in cli("get", "lost", code=1).stderr


HOSTILE = "a\x1b[31mred\x1b]8;;http://evil/\x07link\x9b2J\r\x08\u202egnp[red]x[/red]"


def hostile():
    nba.Artifact(type=HOSTILE, key="escapes", description=HOSTILE, data=HOSTILE, metadata_={HOSTILE: HOSTILE}).create()
    nba.create(HOSTILE, "escaped", HOSTILE, tags=[HOSTILE])
    nba.create([{HOSTILE: HOSTILE}], "table", HOSTILE)
    nba.create_link_artifact("https://example.com/", HOSTILE, "link")


LINES = (
    ["ls"], ["ls", "-a"], ["inspect", "escapes"], ["inspect", "escaped"], ["history", "escapes"], ["history", "table"],
    ["get", "escapes"], ["get", "escaped"], ["get", "table"], ["get", "link"], ["get", "escapes\x1b[31m"],
    ["get", "escaped", "-o", "x.\x1b[31m"], ["ls", "-o", "json"], ["inspect", "escapes", "-o", "json"],
)  # fmt: skip


def test_no_control_character_of_an_artifact_reaches_a_terminal(terminal, home):
    """S-30."""
    hostile()
    for words in LINES:
        screen, _ = terminal(*words)
        text = STYLE.sub("", screen) if "-o" not in words else screen
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), words
        assert "\x1b[31m" not in screen, words
    assert "gnp[red]x[/red]" in terminal("ls")[0]


def test_json_for_a_terminal_holds_the_same_text(read, home):
    hostile()
    assert read("get", "escaped", "-o", "json")["data"] == HOSTILE
    assert read("get", "escapes", "-o", "json")["type"] == HOSTILE


def test_a_terminal_has_colour_and_a_narrow_one_cuts_the_last_column(terminal, home, monkeypatch):
    nba.create("# A heading that is long enough to be cut on a narrow terminal", "a-key-of-some-length")
    wide, code = terminal("ls", columns=250)
    assert code == 0 and STYLE.search(wide) and "Version" in wide and "A heading that" in wide and "…" not in wide
    for columns in (110, 95, 80, 60):
        screen = STYLE.sub("", terminal("ls", columns=columns)[0])
        assert "a-key-of-some-length" in screen and "markdown" in screen
        assert max(map(len, screen.splitlines())) <= columns
    assert "…" in terminal("ls", columns=120)[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in terminal("ls")[0]


def test_wide_characters_keep_columns_aligned(cli):
    nba.Artifact(type="表", key="wide", data=1).create()
    nba.create("x", "narrow")
    head, narrow, wide = cli("ls").stdout.splitlines()
    assert narrow.index("markdown") == wide.index("表") == head.index("Type")
    place = head.index("Updated")
    assert narrow[place - 2 : place] == wide[place - 3 : place - 1] == "  "
    assert narrow[place] != " " != wide[place - 1]


def test_a_narrow_terminal_leaves_the_id_out_where_the_key_names_it(terminal):
    """Version and content say more to a person than an id; what has no key keeps its id."""
    made = nba.create("two", "a-key-of-some-length")
    head, line = rows(STYLE.sub("", terminal("ls", columns=80)[0]))
    assert head == ["Key", "Type", "Updated", "Version", "Content"]
    assert "two · 3 B" in line
    assert str(made.id) not in terminal("history", "a-key-of-some-length", columns=80)[0]
    assert str(made.id) in terminal("ls", columns=120)[0]
    nameless = nba.create("nameless")
    assert str(nameless.id) in terminal("ls", "--all", columns=80)[0]
