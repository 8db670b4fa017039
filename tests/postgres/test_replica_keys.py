"""Keys of replicas: servers with folders of their own on one database, which holds the keys of all of them."""

import re
import threading

import pytest
from api.conftest import stop_server, wait_until
from postgres.cluster import PASSWORD
from server.conftest import SPACE, log_in, printed_key, run, start

from nb_artifacts.serve.keys import Keyring


@pytest.fixture
def replica(tmp_path, cluster):
    """Starts replicas on one new database, each with a folder of its own and nothing in its environment."""
    url, begun, lock = cluster.create(), [], threading.Lock()

    def begin(*arguments, key="none"):
        with lock:
            folder = tmp_path / f"replica-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
        server = start(folder, "--database-url", url, *arguments, key=key)
        begun.append(server)
        return server

    begin.url = url
    yield begin
    for server in begun:
        if server.process.poll() is None:
            stop_server(server)
    cluster.sql(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")


def keys(server, url, *arguments):
    return run(server, "keys", arguments[0], "--database-url", url, *arguments[1:])


def test_replicas_that_start_together_make_one_first_key_which_opens_all(replica):
    servers = []
    threads = [threading.Thread(target=lambda: servers.append(replica())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (secret,) = re.findall(r"nba_[\w-]{43}", "".join(server.log.read_text() for server in servers))
    for server in servers:
        wait_until(lambda server=server: server.at("", secret)("GET", "/status").status == 200)
        assert server.ask("GET", "/status").status == 401
    assert len(keys(servers[0], replica.url, "list").stdout.splitlines()) == 2  # the head, and one key


def test_a_key_made_beside_one_opens_the_other_until_it_is_revoked(replica):
    """S-14, between replicas."""
    one, two = replica(), replica("--workers", "2")
    made = keys(one, replica.url, "create", "--name", "laptop", "--workspace", "acme/one")
    secret = printed_key(made.stdout)
    for server in (one, two):
        wait_until(lambda server=server: server.at(SPACE, secret)("GET", "/ready").status == 200)
        assert server.at("", secret)("GET", "/ready").status == 403
    listed = keys(two, replica.url, "list").stdout
    assert "laptop" in listed and "acme/one" in listed and secret not in listed
    with one.at(SPACE, secret).stream() as here, two.at(SPACE, secret).stream() as there:
        for stream in (here, there):
            assert b"hello" in stream.readline() + stream.readline()
        assert keys(two, replica.url, "revoke", "laptop").returncode == 0
        for server in (one, two):
            wait_until(lambda server=server: server.at(SPACE, secret)("GET", "/ready").status == 401, 1)
        for stream in (here, there):
            stream.read()  # ends by itself
    assert keys(one, replica.url, "revoke", "laptop").returncode == 1


def test_a_log_in_at_one_is_one_at_the_other(replica, tmp_path):
    secret = Keyring(tmp_path, database_url=replica.url).first()
    one, two = replica(key=secret), replica(key=secret)
    cookie = log_in(one, secret).headers["Set-Cookie"].partition(";")[0]
    assert b'id="page"' in two.root("GET", "/", Cookie=cookie).body
    assert two.root("GET", "/api/status", Cookie=cookie).status == 200
    keys(one, replica.url, "revoke", "first")
    for server in (one, two):
        wait_until(lambda server=server: server.root("GET", "/api/status", Cookie=cookie).status == 401, 1)


def test_keys_outlive_a_restart_of_the_database_and_are_heard_of_again(replica, cluster):
    one = replica()
    secret = printed_key(one.log.read_text())
    wait_until(lambda: one.at("", secret)("GET", "/status").status == 200)
    cluster.stop("immediate")
    assert one.ask("GET", "/openapi.json").status == 401
    assert one.at("", secret)("GET", "/openapi.json").status == 200, "what is known of the keys stays"
    cluster.start()
    another = printed_key(keys(one, replica.url, "create").stdout)
    wait_until(lambda: one.at("", another)("GET", "/status").status == 200)
    assert keys(one, replica.url, "revoke", "first").returncode == 0
    wait_until(lambda: one.at("", secret)("GET", "/status").status == 401)


def test_a_revocation_of_which_nobody_was_told_is_seen_as_well(replica, cluster):
    one = replica()
    secret = printed_key(one.log.read_text())
    wait_until(lambda: one.at("", secret)("GET", "/openapi.json").status == 200)
    cluster.sql("DELETE FROM nb_artifacts.api_key", replica.url)
    cluster.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        replica.url,
    )
    wait_until(lambda: one.at("", secret)("GET", "/openapi.json").status == 401)


def test_nothing_of_the_keys_lies_in_a_replicas_folder(replica):
    one = replica()
    assert not (one.home / "server" / "keys.json").exists()
    lost = run(one, "keys", "create")
    assert lost.returncode == 1 and "--database-url" in lost.stderr and "postgresql://" in lost.stderr
    assert PASSWORD not in lost.stderr and not lost.stdout
