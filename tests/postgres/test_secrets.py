"""Neither user nor password shows, whatever goes wrong."""

import logging
import traceback

import pytest

from nb_artifacts.errors import InvalidValue, StoreError
from nb_artifacts.store import open_store
from nb_artifacts.store.postgres_address import Address

USER, PASSWORD = "hidden-user", "hidden-p%40ss"
SECRETS = (USER, PASSWORD, "hidden-p@ss")


@pytest.fixture(scope="module")
def owner(cluster):
    """A database of a user whose name and password can be told apart from all else."""
    cluster.sql(f"CREATE ROLE \"{USER}\" LOGIN PASSWORD 'hidden-p@ss'")
    database = cluster.create(f'OWNER "{USER}"').rpartition("/")[2]
    return cluster.url(database, USER, PASSWORD)


def assert_hidden(*texts):
    for text in texts:
        assert not [secret for secret in SECRETS if secret in str(text)], text


def test_a_store_shows_the_place_only(owner, caplog, cluster):
    caplog.set_level(logging.DEBUG)
    store = open_store(owner)
    database = owner.rpartition("/")[2]
    assert store.where == f"postgresql://127.0.0.1:{cluster.port}/{database}"
    assert_hidden(store, store.where, store._database.address, vars(store), vars(store._database), caplog.text)
    store.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((PASSWORD, "hidden-p%40sswrong"), "refuses the log-in"),
        ((USER, USER + "-else"), "refuses the log-in"),
        (("/db_", "/nodb_"), "does not know the database"),
        (("127.0.0.1:", "127.0.0.1:1"), "cannot be used now"),
        (("127.0.0.1:", "name.invalid:"), "cannot be used now"),
        (("?", "?"), None),
    ],
)
def test_a_failure_names_the_place_only(owner, caplog, change, words):
    caplog.set_level(logging.DEBUG)
    url = owner.replace(*change)
    if change[1].endswith(":1"):
        url = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:1/db"
    if words is None:
        url += "?application_name=x&sslmode=verify-full"
        words = "cannot be used now"
    with pytest.raises(StoreError, match=words) as caught:
        open_store(url)
    assert_hidden(caught.value, "".join(traceback.format_exception(caught.value)), caplog.text)


@pytest.mark.parametrize(
    "tail", [":no-port/db", "/db?colour=blue", ":1/db?schema=Not%20A%20Name", "/db?schema=", "/db?port=x&port=y", "%zz/db"]
)
def test_a_wrong_address_is_not_repeated(tail):
    with pytest.raises((InvalidValue, StoreError)) as caught:
        open_store(f"postgresql://{USER}:{PASSWORD}@localhost{tail}")
    assert_hidden(caught.value, "".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://u:p@db.example/art", "postgresql://db.example/art"),
        ("postgres://u:p@db.example:5433/art?sslmode=require&application_name=a", "postgresql://db.example:5433/art"),
        ("postgresql://u@a:1,b:2/art?target_session_attrs=read-write", "postgresql://a:1,b:2/art"),
        ("postgresql://u@a,b/art", "postgresql://a,b/art"),
        ("postgresql://u@[::1]:5/art", "postgresql://[::1]:5/art"),
        ("postgresql://u@/art?host=/var/run/postgresql", "postgresql://%2Fvar%2Frun%2Fpostgresql/art"),
        ("postgresql://u:p@h/art?schema=team_1", "postgresql://h/art?schema=team_1"),
        ("postgresql://h/art?password=hidden&user=hidden&blobs=/b", "postgresql://h/art"),
    ],
)
def test_where_is_the_address_without_user_password_and_options(url, where):
    assert Address(url).where == where


def test_our_options_are_ours(tmp_path):
    address = Address(f"postgresql://h/art?schema=team_1&blobs={tmp_path}/a%20b")
    assert (address.schema, address.blobs) == ("team_1", f"{tmp_path}/a b")
    assert Address("postgresql://h/art?schema=team_1", schema="team_2").schema == "team_2"
