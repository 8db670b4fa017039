"""get and delete."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import nb_artifacts as nba

FRAME = pd.DataFrame(
    {"carrier": pd.Categorical(["UA", "=cmd()", "@x"]), "delay": [-1.5, 2.25, None], "note": ["-5", "-a", "\tb"]}
)


@pytest.fixture
def kept(home):
    nba.create("# Title\n\ntext\x07 – ü", "text")
    nba.create(FRAME, "table")
    nba.create(np.full((3, 4, 3), 200, "uint8"), "image")
    nba.create_image_artifact("https://example.com/a.png", "remote")
    nba.create_link_artifact("https://example.com/?a=1", "Example", "link")
    nba.create_progress_artifact(12.5, "bar")
    nba.Artifact(type="result", key="other", data={"a": [1, None]}).create()


def test_a_pipe_gets_the_content_itself(shell, kept):
    assert shell("get", "text").stdout.decode() == "# Title\n\ntext\x07 – ü"
    assert Image.open(io.BytesIO(shell("get", "image").stdout)).size == (4, 3)
    assert shell("get", "remote").stdout == b"https://example.com/a.png\n"
    assert shell("get", "link").stdout == b"https://example.com/?a=1\n"
    assert json.loads(shell("get", "bar").stdout)["percent"] == 12.5
    assert json.loads(shell("get", "other").stdout) == {"a": [1, None]}
    assert shell("get", "table").stdout.decode().splitlines()[0] == "carrier,delay,note"


def test_csv_has_no_formula(cli, kept, tmp_path):
    """S-25: a text that begins like a formula has an apostrophe; numbers stay numbers."""
    cli("get", "table", "-o", str(tmp_path / "t.csv"))
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines == ["carrier,delay,note", "UA,-1.5,-5", "'=cmd(),2.25,'-a", "'@x,,'\tb"]
    assert cli("get", "table").stdout.splitlines() == lines


def test_a_file_has_the_form_of_its_suffix(cli, kept, tmp_path):
    def written(name, file):
        said = cli("get", name, "-o", str(tmp_path / file)).stdout
        assert said.startswith(f"Wrote {tmp_path / file} (")
        return tmp_path / file

    pd.testing.assert_frame_equal(nba.Artifact.get("table").to_pandas(), FRAME)
    assert pd.read_parquet(written("table", "t.parquet"))["note"].tolist() == FRAME["note"].tolist()
    assert json.loads(written("table", "t.json").read_text())[1]["carrier"] == "=cmd()"
    assert Image.open(written("image", "i.PNG")).size == (4, 3)
    assert written("text", "t.md").read_text().startswith("# Title")
    assert written("link", "l.txt").read_text() == "https://example.com/?a=1\n"


def test_a_file_that_cannot_be_is_refused(cli, kept, tmp_path):
    assert "choose .parquet, .csv, .json" in cli("get", "table", "-o", str(tmp_path / "t.xlsx"), code=1).stderr
    assert "'.jpg'" in cli("get", "image", "-o", str(tmp_path / "i.jpg"), code=1).stderr
    assert "only an address" in cli("get", "remote", "-o", str(tmp_path / "i.png"), code=1).stderr
    assert "cannot be written" in cli("get", "text", "-o", str(tmp_path / "none" / "t.md"), code=1).stderr
    assert list(tmp_path.glob("*.*")) == []


@pytest.mark.parametrize(
    "name", ["../store-id", "/etc/passwd", "..%2fstore-id", "a/../b", "..\\store.db", "text@../1", "text@1/../2"]
)
def test_no_name_leads_out_of_the_folder(cli, kept, name):
    """S-15."""
    for verb in ("get", "inspect", "delete", "history"):
        done = cli(verb, name, code=2 if verb == "history" and "@" in name else 1)
        assert done.stdout == ""


def test_a_version_or_an_id_can_be_named(cli, home):
    made = [nba.create(text, "words") for text in ("one", "two")]
    assert cli("get", "words").stdout == "two"
    assert cli("get", "words@1").stdout == "one"
    assert cli("get", str(made[0].id)).stdout == "one"
    assert cli("get", str(nba.create("nameless").id)).stdout == "nameless"


def test_a_terminal_is_shown_text_and_never_bytes(terminal, kept):
    screen, code = terminal("get", "text")
    assert (screen, code) == ("# Title\n\ntext\\x07 – ü\n", 0)
    screen, code = terminal("get", "table")
    assert "[3 rows × 3 columns]" in screen and code == 0
    screen, code = terminal("get", "image")
    assert "image@1 is an image (PNG 4 × 3" in screen and "-o FILE" in screen and code == 1
    assert terminal("get", "remote")[0] == "https://example.com/a.png\n"
    assert "[#####" in terminal("get", "bar")[0]


def test_a_long_text_is_shown_whole(terminal, home):
    nba.create("\n".join(f"line {n}" for n in range(5000)), "long")
    assert terminal("get", "long")[0].splitlines()[-1] == "line 4999"


# delete


def test_delete_asks_nothing_without_a_terminal(cli, home):
    for text in ("one", "two", "three"):
        nba.create(text, "words")
    assert cli("delete", "words@2").stdout == "Deleted words@2.\n"
    assert [one.version for one in nba.Artifact.history("words")] == [3, 1]
    assert cli("delete", "words").stdout == "Deleted 2 versions of words.\n"
    assert nba.Artifact.get("words") is None
    assert nba.create("four", "words").version == 4


def test_delete_by_id(cli, home):
    made = nba.create("x")
    assert cli("delete", "--id", str(made.id)).stdout == f"Deleted artifact {made.id}.\n"
    assert "not found" in cli("delete", "--id", str(made.id), code=1).stderr
    assert "is not the id of an artifact" in cli("delete", "--id", "words", code=1).stderr


def test_delete_takes_a_key_or_an_id(cli, home):
    made = nba.create("x", "words")
    assert "give a key or --id, not both" in cli("delete", "words", "--id", str(made.id), code=1).stderr
    assert "give a key or --id, as in" in cli("delete", code=1).stderr
    assert nba.Artifact.get("words") == made


def test_delete_as_json_gives_what_was_deleted(cli, read, home):
    nba.create("one", "words")
    nba.create("two", "words")
    assert [(record["version"], record["data"]) for record in read("delete", "words", "-o", "json")] == [(2, "two"), (1, "one")]
    assert nba.Artifact.get("words") is None


@pytest.mark.parametrize(("keys", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 2), ("\n", 1, 2), ("\x04", 1, 2)])
def test_delete_asks_on_a_terminal(terminal, home, keys, code, left):
    nba.create("one", "words")
    nba.create("two", "words")
    screen, exited = terminal("delete", "words", keys=keys)
    assert "Delete 2 versions of words? [y/N]" in screen
    assert exited == code
    assert len(nba.Artifact.history("words")) == left


def test_yes_asks_nothing(terminal, home):
    nba.create("one", "words")
    screen, code = terminal("delete", "words", "--yes")
    assert (screen, code) == ("Deleted words@1.\n", 0)
