"""What is typed behind ``%artifact`` and ``%%artifact``, taken apart."""

import pytest

from nb_artifacts.errors import UsageError
from nb_artifacts.magics.parse import HELP, VERBS, Asked, parse_cell_line, parse_verb, type_of


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ls", Asked()),
        ("ls -a --limit 3", Asked(flags={"--all"}, values={"--limit": "3"})),
        ("ls --limit=3", Asked(values={"--limit": "3"})),
        ("get k@1", Asked(["k@1"])),
        ("delete -y k", Asked(["k"], {"--yes"})),
        ("diff a@1 --tolerance -1 b@2", Asked(["a@1", "b@2"], values={"--tolerance": "-1"})),
        ("on --widgets", Asked(flags={"--widgets"})),
        ("sync --key=k --dry-run", Asked(flags={"--dry-run"}, values={"--key": "k"})),
    ],
)
def test_a_verb_takes_names_and_options_in_any_order(line, found):
    verb, *words = line.split()
    assert parse_verb(verb, words) == found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("get", "get needs a name: write %artifact get K[@V]."),
        ("get a b", "'b': write %artifact get K[@V]."),
        ("get --yes k", "'--yes': write %artifact get K[@V]."),
        ("diff a", "diff needs two names: write %artifact diff K@A K@B [--key-columns A,B] [--tolerance X]."),
        ("ls --limit", "--limit needs a value: write %artifact ls [--all] [--limit N]."),
        ("ls --all=yes", "'--all=yes': write %artifact ls [--all] [--limit N]."),
        ("ls -y", "'-y': write %artifact ls [--all] [--limit N]."),
        ("ls now", "'now': write %artifact ls [--all] [--limit N]."),
        ("off --widgets", "'--widgets': write %artifact off."),
        ("status x", "'x': write %artifact status."),
    ],
)
def test_the_word_that_is_wrong_and_how_the_verb_is_written_are_said(line, said):
    verb, *words = line.split()
    with pytest.raises(UsageError) as caught:
        parse_verb(verb, words)
    assert str(caught.value) == said


def test_help_says_how_each_verb_is_written():
    assert all(f"  %artifact {verb.usage}\n" in HELP for verb in VERBS.values())


@pytest.mark.parametrize(
    "line",
    ["markdown --key k", "--key k markdown", "--key=k --tag table markdown", "--raw markdown", "--tag markdown markdown"],
)
def test_the_type_may_stand_behind_options(line):
    assert parse_cell_line(line).type == type_of(line.split()) == "markdown"
    parse_cell_line(line).check()


def test_what_a_cell_is_kept_as_is_known_where_an_option_is_wrong():
    assert type_of(["--kye", "markdown"]) == "markdown"
    assert type_of(["--key", "markdown"]) is type_of(["--key"]) is type_of([]) is type_of(["tabel", "markdown"]) is None


def test_a_word_behind_the_type_is_not_called_a_type():
    with pytest.raises(UsageError, match="'link' is too much: behind markdown stand options only"):
        parse_cell_line("markdown link").check()
    with pytest.raises(UsageError, match="'tabel' is not a type: choose from table"):
        parse_cell_line("tabel").check()
