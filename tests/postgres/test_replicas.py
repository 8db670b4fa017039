"""Replicas of the stand-alone server: processes of their own on one database, which may die and come back."""

import json
import secrets
import threading
import time
import uuid

import psycopg
import pytest
from api.conftest import stop_server, wait_until
from postgres.cluster import PASSWORD
from server.conftest import OTHER, SPACE, log_in, printed_key, run, start

from nb_artifacts.store import open_store
from nb_artifacts.wire import Query

KEY = "a-key-that-all-replicas-know"


@pytest.fixture
def replica(tmp_path, cluster):
    """Starts replicas on one new database, each with a folder of its own."""
    url, begun = cluster.create(), []

    def begin():
        folder = tmp_path / f"replica-{len(begun)}"
        folder.mkdir()
        begun.append(start(folder, "--database-url", url, key=KEY, NB_ARTIFACTS_API_KEY=KEY))
        return begun[-1]

    begin.url = url
    yield begin
    for server in begun:
        if server.process.poll() is None:
            stop_server(server)
    cluster.sql(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")


class Viewer:
    """Follows the events of a replica, again from where it was whenever its connection ends."""

    def __init__(self, server):
        self.seen, self._server, self._last, self._ended = [], server, None, threading.Event()
        self.greeted = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self.greeted.wait(20)

    def _run(self):
        while not self._ended.is_set():
            try:
                self._follow()
            except OSError:
                time.sleep(0.05)

    def _follow(self):
        names = {} if self._last is None else {"Last-Event-ID": self._last}
        with self._server.ask.stream("/events", **names) as stream:
            for line in stream:
                name, _, text = line.decode().strip().partition(": ")
                if name == "id":
                    self._last = text
                    self.greeted.set()
                elif name == "data" and "kind" in (change := json.loads(text)):
                    self.seen.append(change)
                if self._ended.is_set():
                    return

    def ids(self):
        return {change["record"]["id"] for change in list(self.seen) if change["kind"] == "artifact"}

    def end(self):
        self._ended.set()


def test_what_happens_through_one_is_seen_by_a_viewer_of_the_other(replica):
    one, two = replica(), replica()
    viewer = Viewer(two)
    made = one.ask("POST", "/artifacts/", {"key": "k", "data": "x"}).json()
    wait_until(lambda: len(viewer.seen) == 1)
    one.ask("PATCH", f"/artifacts/{made['id']}", {"data": "y"})
    wait_until(lambda: len(viewer.seen) == 2)
    one.ask("DELETE", f"/artifacts/{made['id']}")
    wait_until(lambda: len(viewer.seen) == 3)
    viewer.end()
    first, second, third = viewer.seen
    assert (first["record"]["id"], first["record"]["data"], second["record"]["data"]) == (made["id"], "x", "y")
    assert (third["kind"], third["deleted"]["id"]) == ("deleted", made["id"])
    assert two.ask("GET", "/status").json()["store"] == one.ask("GET", "/status").json()["store"]


def test_a_viewer_asks_the_database_only_when_there_is_something(replica):
    one = replica()
    viewer = Viewer(one)
    name, quiet = replica.url.rpartition("/")[2], threading.Event()

    def transactions_meanwhile():
        before = count_of_transactions(replica.url, name)
        quiet.wait(1.5)
        return count_of_transactions(replica.url, name) - before

    # What the start asked is counted late. A look each 0.05 s would always be thirty.
    wait_until(lambda: transactions_meanwhile() < 15)
    viewer.end()


def count_of_transactions(url, name):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        return connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = %s", (name,)).fetchone()[0]


class Writer(threading.Thread):
    """Creates under ids of its own until told to end; what was not acknowledged is sent again, elsewhere if need be."""

    def __init__(self, name, servers):
        super().__init__()
        self.key, self.servers, self.told, self.ended = name, list(servers), {}, threading.Event()
        self.asks = [server.at("") for server in servers]
        self.start()

    def run(self):
        while not self.ended.is_set():
            id = str(uuid.uuid4())
            while not self.sent(id) and not self.ended.is_set():
                self.asks.append(self.asks.pop(0))

    def sent(self, id):
        try:
            reply = self.asks[0]("PUT", f"/artifacts/{id}", {"key": self.key, "data": id}, whole=True)
        except OSError:
            return False
        assert reply.status in (200, 201, 500, 503), reply.body
        if reply.status in (200, 201):
            self.told[id] = reply.json()["version"]
        return reply.status in (200, 201)


def test_kill_9_of_a_replica_and_a_restart_of_the_database_lose_nothing_acknowledged(replica, cluster):
    one, two = replica(), replica()
    viewer = Viewer(two)
    writers = [Writer(f"k{n}", [one, two] if n % 2 else [two, one]) for n in range(4)]

    def a_while():
        goal = {writer: len(writer.told) + 15 for writer in writers}
        wait_until(lambda: all(len(writer.told) >= goal[writer] for writer in writers))

    a_while()
    one.process.kill()
    one.process.wait(10)
    a_while()
    cluster.stop("immediate")
    cluster.start()
    a_while()
    for writer in writers:
        writer.ended.set()
    for writer in writers:
        writer.join(20)
    told = {id: version for writer in writers for id, version in writer.told.items()}
    store = open_store(replica.url)
    stored = {str(found.id): found.version for found in store.find(Query(limit=100_000))}
    store.close()
    assert told.items() <= stored.items()
    assert len(stored) - len(told) <= len(writers), "at most what was under way at the end"
    for writer in writers:
        mine = sorted(version for id, version in stored.items() if id in writer.told)
        assert len(set(mine)) == len(mine) and mine[0] == 1
    wait_until(lambda: told.keys() <= viewer.ids())
    viewer.end()


def test_a_server_on_a_database_end_to_end(replica):
    server = replica()
    assert server.ask("GET", "/status").json()["where"].startswith("postgresql://127.0.0.1:")
    secret = printed_key(run(server, "keys", "create", "--database-url", replica.url, "--workspace", "acme/one").stdout)
    mine = server.at(SPACE, secret)
    wait_until(lambda: mine("GET", "/ready").status == 200)
    text = "word " * 100_000
    made = mine("POST", "/artifacts/", {"key": "report", "type": "markdown", "data": text}).json()
    assert mine("GET", "/artifacts/report/latest").json()["data"] == text
    assert [found["key"] for found in mine("POST", "/search", {"q": "report"}).json()] == ["report"]
    assert server.at(SPACE)("POST", "/artifacts/count", {}).json() == 1
    for prefix in (OTHER, ""):
        assert server.at(prefix, secret)("GET", "/artifacts/report/latest").status == 403
        assert server.at(prefix)("GET", f"/artifacts/{made['id']}").status == 404
        assert server.at(prefix)("POST", "/artifacts/count", {}).json() == 0
    cookie = log_in(server, KEY).headers["Set-Cookie"].partition(";")[0]
    assert b'id="page"' in server.root("GET", "/", Cookie=cookie).body
    assert not (server.home / "store.db").exists() and not (server.home / "workspaces").exists()
    shown = run(server, "status")
    assert shown.returncode == 0 and "postgresql://127.0.0.1:" in shown.stdout
    assert run(server, "stop").returncode == 0
    assert server.process.wait(20) == 0
    assert not list((server.home / "server").iterdir()), "nothing is left in the folder"
    for said in (server.log.read_text(), shown.stdout):
        assert PASSWORD not in said and KEY not in said


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path, cluster):
    url = cluster.url(f"nowhere_{secrets.token_hex(4)}")
    with pytest.raises(AssertionError) as caught:
        start(tmp_path, "--database-url", url, key=KEY, NB_ARTIFACTS_API_KEY=KEY)
    assert PASSWORD not in str(caught.value) and "nowhere_" in str(caught.value)
    assert "Traceback" not in str(caught.value)
