import os
from pathlib import Path

import pytest

from nb_artifacts import config
from nb_artifacts.errors import InvalidValue


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    monkeypatch.delenv(config.HOME, raising=False)
    monkeypatch.delenv(config.FROM_SERVER, raising=False)
    monkeypatch.setattr(config, "_state", config._State())


class Traits:
    home, display, provenance, durability = "/from/traits", False, "names", "process"


def test_the_first_that_is_set_wins(monkeypatch, tmp_path):
    assert config.folder() == config.default_folder()
    (tmp_path / config.ID_FILE).write_text("abc")
    monkeypatch.setenv(config.FROM_SERVER, f"abc:{tmp_path}")
    assert config.folder() == tmp_path
    monkeypatch.setenv(config.HOME, str(tmp_path / "env"))
    assert config.folder() == tmp_path / "env"
    config.use_traits(Traits)
    assert config.folder() == Path("/from/traits")
    config.configure(home=tmp_path / "given")
    assert config.folder() == tmp_path / "given"


def test_a_servers_folder_counts_only_where_its_id_can_be_read(monkeypatch, tmp_path):
    for there, named in [(None, "abc"), ("other", "abc")]:
        if there:
            (tmp_path / config.ID_FILE).write_text(there)
        monkeypatch.setenv(config.FROM_SERVER, f"{named}:{tmp_path}")
        assert config.folder() == config.default_folder()
        assert "cannot be read here" in config.handed_problem()
    monkeypatch.setenv(config.HOME, str(tmp_path))
    assert config.handed_problem() is None


def test_a_relative_or_home_folder_becomes_absolute(monkeypatch):
    monkeypatch.setenv("HOME", "/someone")
    config.configure(home="~/x")
    assert config.folder() == Path("/someone/x")
    config.configure(home="x")
    assert config.folder() == Path(os.getcwd(), "x")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hom": "x"}, "'hom' is not an option: choose from home, display, widgets, provenance, durability, api_url"),
        ({"provenance": "all"}, "provenance='all' is not possible: choose from full, names, off"),
        ({"display": 1}, "display=1"),
        ({"home": 3}, "home=3 is not a folder"),
    ],
)
def test_a_wrong_option_changes_nothing(options, said):
    with pytest.raises(InvalidValue, match=said):
        config.configure(durability="process", **options)
    assert config.durable()


def test_traits_and_arguments():
    config.use_traits(Traits)
    assert (config.display_enabled(), config.provenance_level(), config.durable()) == (False, "names", False)
    config.configure(display=True, provenance="full", durability="power")
    assert (config.display_enabled(), config.provenance_level(), config.durable()) == (True, "full", True)
