"""The folder and its remote read as one store. The remote is a second folder here; what stands in the way is added."""

import os
import threading
import time

import msgspec
import pytest
from faults.elsewhere import Elsewhere

from nb_artifacts import reach, stores, union
from nb_artifacts.api import Api, Request
from nb_artifacts.errors import BlobMissing, Conflict, NotFound, RemoteBusy, StoreError, Unreachable, Unsupported
from nb_artifacts.reach import Reach
from nb_artifacts.store import open_store
from nb_artifacts.store.cache import BlobCache
from nb_artifacts.store.http import HttpStore
from nb_artifacts.store.numbers import Numbers
from nb_artifacts.store.remotes import Remotes
from nb_artifacts.union import Union
from nb_artifacts.wire import (
    MIME,
    ArtifactFilter,
    IdFilter,
    KeyFilter,
    Patch,
    Query,
    Raw,
    Record,
    Run,
    RunKind,
    RunQuery,
    Sort,
    encode,
    new_id,
    now,
)

ADDRESS = "https://server/api"


class Server:
    """A store that can be away. Counts what it is asked."""

    def __init__(self, store):
        self.store, self.asked, self.error, self.gate = store, 0, None, None

    def __getattr__(self, name):
        def call(*args, **kwargs):
            self.asked += 1
            if self.gate is not None:
                self.gate.wait()
            if self.error is not None:
                raise self.error
            return getattr(self.store, name)(*args, **kwargs)

        return call


class Both:
    def __init__(self, path):
        self.local = open_store(path / "laptop", durable=False)
        self.server = Server(open_store(path / "server", durable=False))
        self.remotes = Remotes(self.local)
        self.told = []
        self.reach = Reach("server", lambda: self.server, seconds=60)
        self.cache = BlobCache(self.local.folder, 1000)
        self.union = Union(self.local, self.reach, Numbers(self.local, ADDRESS), self.cache, self.told.append)

    def begin(self):
        self.remotes.first_seen(ADDRESS)

    def keep(self, key="k", text="text", store=None, **members):
        moment = now()
        record = Record(
            id=new_id(), created=moment, updated=moment, key=key, type="markdown", data=Raw(encode(text)), **members
        )
        return (store or self.local).put(record)

    def elsewhere(self, key="k", text="theirs", **members):
        return self.keep(key, text, self.server.store, **members)

    def send(self, record):
        """What the sender does."""
        there = self.server.store.put(msgspec.structs.replace(self.local.get(record.id), version=None, seq=0))
        self.remotes.attempted(ADDRESS, [(record.id, record.seq)])
        self.remotes.settle(ADDRESS, record.id, record.seq, there.version)
        return there.version

    def names(self, **query):
        return [(record.key, record.version) for record in self.union.find(Query(**query))]

    def versions(self, key="k", **options):
        query = Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[key])), sort=Sort.VERSION_DESC, **options)
        return [record.version for record in self.union.find(query)]


@pytest.fixture
def both(tmp_path):
    return Both(tmp_path)


def test_what_is_kept_has_no_number_until_the_remote_gave_it(both):
    both.begin()
    both.elsewhere()
    made = both.union.put(msgspec.structs.replace(both.keep("other"), id=new_id(), key="k"))
    assert made.version is None
    assert both.union.get(made.id).version is None
    assert both.versions() == [None, 1]
    assert both.send(both.local.get(made.id)) == 2
    assert both.union.get(made.id).version == 2
    assert both.versions() == [2, 1]


def test_own_unsent_versions_are_the_newest_and_each_artifact_is_there_once(both):
    both.begin()
    first = both.keep()
    both.send(first)
    for _ in range(3):
        both.elsewhere()
    pending = both.keep(text="mine")
    assert both.versions() == [None, 4, 3, 2, 1]
    assert both.versions(limit=2) == [None, 4]
    assert both.versions(limit=2, offset=1) == [4, 3]
    assert both.union.find(Query(latest=True))[0].id == pending.id
    assert both.union.count(Query()) == 5
    assert both.union.count(Query(latest=True)) == 1


def test_a_version_is_the_number_of_the_server(both):
    both.elsewhere(text="one")
    both.begin()
    mine = both.keep(text="mine")
    only = ArtifactFilter(key=KeyFilter(any_=["k"]))
    assert [bytes(record.data) for record in both.union.find(Query(artifacts=only, version=1))] == [encode("one")]
    both.send(mine)
    assert [record.id for record in both.union.find(Query(artifacts=only, version=2))] == [mine.id]
    assert both.union.find(Query(artifacts=only, version=3)) == []
    both.server.error = Unreachable("away")
    assert [record.id for record in both.union.find(Query(artifacts=only, version=2))] == [mine.id]


def test_what_was_there_before_the_remote_stays_in_the_folder_under_its_number(both):
    old = [both.keep() for _ in range(2)]
    both.begin()
    assert both.versions() == [2, 1]
    both.local.patch(old[0].id, Patch(description="changed"))
    assert both.union.get(old[0].id).version == 1
    both.elsewhere()
    assert [record.id for record in both.union.find(Query(latest=True))] != [old[1].id]
    both.keep()
    assert both.versions() == [None, 1, 2, 1]
    both.remotes.include_all(ADDRESS)
    assert both.versions() == [None, None, None, 1]


def test_what_was_exported_to_the_remote_before_is_the_remotes(both):
    """Else it would bear two numbers, and a deletion would never arrive."""
    both.elsewhere()
    exported, changed, stays = both.keep(text="a"), both.keep(text="b"), both.keep(text="c")
    for one in (exported, changed):
        both.server.store.put(msgspec.structs.replace(one, version=None, seq=0))
    both.begin()
    both.server.store.patch(changed.id, Patch(description="theirs"))
    ids = [exported.id, changed.id, stays.id]
    assert both.union.numbers.kept(ids) == set(ids)
    for _ in range(2):
        assert both.versions() == [3, 2, 1, 3]
        assert both.union.numbers.kept(ids) == {stays.id}
    assert both.union.get(exported.id).version == 2
    assert [row.id for row in both.remotes.pending(ADDRESS)] == []
    both.union.delete(exported.id)
    assert [(row.kind, row.id) for row in both.remotes.pending(ADDRESS)] == [("deleted", exported.id)]
    assert both.remotes.state(ADDRESS).kept_here == 1


def test_a_number_is_there_before_the_sender_has_written_it_down(both):
    both.begin()
    mine = both.keep()
    both.server.store.put(msgspec.structs.replace(mine, version=None, seq=0))
    assert both.versions() == [1]
    assert [row.id for row in both.remotes.pending(ADDRESS)] == [mine.id]


def test_without_an_answer_the_folder_answers_says_so_once_and_does_not_ask_again(both, monkeypatch):
    both.begin()
    both.keep()
    both.elsewhere("theirs")
    both.server.error = Unreachable("away")
    assert both.names() == [("k", None)]
    asked = both.server.asked
    for _ in range(5):
        assert both.names() == [("k", None)]
    assert both.server.asked == asked
    assert [str(error) for error in both.told] == ["away"]
    monkeypatch.setattr(both.reach, "_again", 0.0)
    both.names()
    assert both.server.asked == asked + 1
    assert len(both.told) == 1
    both.server.error = None
    both.reach.retry()
    assert len(both.names()) == 2
    both.server.error = Unreachable("again")
    both.names()
    assert [str(error) for error in both.told] == ["away", "again"]


def test_a_server_that_asks_for_time_is_not_read_before(both):
    both.server.error = RemoteBusy("busy", retry_after=120.0)
    both.names()
    assert both.reach._again > time.monotonic() + 100


def test_a_server_that_gave_no_bytes_is_not_asked_again_at_once(both):
    ref = both.server.store.put_blob(b"abc", "x/y")
    both.server.error = Unreachable("away")
    with pytest.raises(Unreachable):
        both.union.open_blob(ref)
    asked = both.server.asked
    with pytest.raises(Unreachable):
        both.union.open_blob(ref)
    assert both.names() == []
    assert both.server.asked == asked


def test_the_warning_is_two_sentences(recwarn):
    stores._tell("host", StoreError("at host is no such server. See there."))
    assert str(recwarn[0].message).startswith("at host is no such server. See there. Until host answers")


def test_a_remote_that_stalls_holds_nobody_up_for_longer_than_said(both):
    both.reach._seconds = 0.3
    both.begin()
    both.keep()
    both.server.gate = threading.Event()
    assert both.names() == [("k", None)]
    assert "no answer within 0.3 s" in str(both.told[0])
    both.server.gate.set()


def test_a_server_that_does_not_wait_tries_again_in_the_background(both):
    both.reach = both.union.reach = Reach("server", lambda: both.server, patient=False, pause=0.0)
    both.elsewhere("theirs")
    both.server.error = Unreachable("away")
    assert both.names() == []
    both.server.error, both.server.gate = None, threading.Event()
    assert both.names() == []
    both.server.gate.set()
    deadline = time.monotonic() + 20
    while both.reach.trouble is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert both.names() == [("theirs", 1)]


def test_a_server_does_not_take_for_deleted_what_it_cannot_ask_for(both):
    both.reach = both.union.reach = Reach("server", lambda: both.server, patient=False)
    mine, theirs = both.keep(), both.elsewhere("theirs")
    both.server.error = Unreachable("away")
    for ask in (
        lambda: both.union.get(theirs.id),
        lambda: both.union.find(Query(artifacts=ArtifactFilter(id=IdFilter([theirs.id])))),
    ):
        with pytest.raises(Unreachable, match="away"):
            ask()
    assert both.union.get(mine.id).id == mine.id
    assert both.names() == [("k", 1)]
    both.server.error = None
    both.union.back()
    assert both.union.get(theirs.id).id == theirs.id


def test_what_was_deleted_here_is_gone_though_the_remote_does_not_know_yet(both):
    both.begin()
    mine = both.keep()
    both.send(mine)
    both.elsewhere()
    both.union.delete(mine.id)
    assert both.versions() == [2]
    assert both.union.get(mine.id) is None
    with pytest.raises(NotFound):
        both.union.delete(mine.id)


def test_what_only_the_remote_has_is_changed_and_deleted_there(both):
    theirs = both.elsewhere()
    both.union.patch(theirs.id, Patch(description="better"))
    assert both.server.store.get(theirs.id).description == "better"
    with pytest.raises(Conflict):
        both.union.patch(theirs.id, Patch(), if_seq=theirs.seq)
    both.union.delete(theirs.id)
    assert both.server.store.get(theirs.id) is None
    both.server.error = Unreachable("away")
    with pytest.raises(Unreachable):
        both.union.delete(new_id())
    assert both.local.count(Query()) == 0


def test_what_somebody_changed_at_the_remote_is_seen_unless_it_was_changed_here_since(both):
    both.begin()
    mine = both.keep()
    both.send(mine)
    both.server.store.patch(mine.id, Patch(description="theirs"))
    found = both.union.find(Query())
    assert [(record.description, record.version, record.seq) for record in found] == [("theirs", 1, mine.seq)]
    both.local.patch(mine.id, Patch(description="mine"))
    assert [record.description for record in both.union.find(Query())] == ["mine"]


def searched(api, **body):
    """The keys found, and what says that only the folder was searched."""
    answer = api(Request("POST", "/search", headers={"accept": MIME}, chunks=[encode(body)]))
    return [one["key"] for one in msgspec.json.decode(answer.body)], answer.headers.get("X-NB-Artifacts-Searched")


def test_words_are_looked_for_in_the_folder_and_then_at_the_remote(both, monkeypatch):
    monkeypatch.setattr(union, "FOUND", 2)
    both.begin()
    there = HttpStore(Elsewhere(both.server.store), both.server.store.id)
    both.server.search = there.search
    api = Api(lambda: both.union)
    mine = [both.keep(f"mine-{n}", "needle") for n in range(3)]
    for one in mine[:2]:
        both.send(one)
    theirs = [both.elsewhere(f"theirs-{n}", "needle") for n in range(5)]
    gone = both.keep("gone", "needle")
    both.send(gone)
    both.local.delete(gone.id)
    both.elsewhere("other", "hay")
    every = ["mine-2", "mine-1", "mine-0", *(f"theirs-{n}" for n in range(4, -1, -1))]
    assert searched(api, q="needle") == (every, None)
    ids = {one.key: one.id for one in [*mine, *theirs]}
    for limit in (1, 2, 3, 4, 7, 8):
        found, after = [], {}
        while page := searched(api, q="needle", limit=limit, **after)[0]:
            found += page
            after = {"after": ids[page[-1]]}
        assert found == every, limit
    assert searched(api, q="") == ([], None)
    monkeypatch.setattr(union, "SEARCHED", 1)
    assert searched(api, q="needle") == (every[:3], "folder")


@pytest.mark.parametrize("error", [Unreachable("away"), Unsupported("Prefect has none")])
def test_a_search_says_where_it_was_the_folder_alone(both, error):
    both.begin()
    both.keep("mine", "needle")
    both.server.error = error
    api = Api(lambda: both.union)
    assert searched(api, q="needle") == (["mine"], "folder")
    assert searched(api, q="needle", limit=1) == (["mine"], None)
    both.server.error = None
    alone = Api(lambda: both.local)
    assert searched(alone, q="needle") == (["mine"], None)


def test_ids_that_the_folder_has_are_not_asked_for(both):
    mine, theirs = both.keep(), both.elsewhere("theirs")
    both.union.get(mine.id)
    both.union.find(Query(artifacts=ArtifactFilter(id=IdFilter([mine.id]))))
    run = both.local.put_run(Run(id=new_id(), kind=RunKind.cell, started=now()))
    both.union.find(Query(run=run.id))
    both.union.get_run(run.id)
    both.union.find_runs(RunQuery(id=IdFilter([run.id])))
    both.union.find_runs(RunQuery(kernel_id="x"))
    assert both.server.asked == 0
    found = both.union.find(Query(artifacts=ArtifactFilter(id=IdFilter([mine.id, theirs.id])), sort=Sort.CREATED_DESC))
    assert [record.id for record in found] == [theirs.id, mine.id]
    assert both.union.get(theirs.id).key == "theirs"


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("latest", [False, True])
def test_every_order_is_that_of_one_store(both, tmp_path, sort, latest):
    """All sent: the union lists what the server alone lists."""
    both.begin()
    for n in range(12):
        key = f"k{n % 5}"
        if n % 3:
            both.send(both.keep(key))
        else:
            both.elsewhere(key)
    for window in ({}, {"limit": 4}, {"limit": 4, "offset": 3}):
        query = Query(sort=sort, latest=latest, **window)
        here = [record.id for record in both.union.find(query)]
        assert here == [record.id for record in both.server.store.find(query)]


def test_where_lists_have_no_numbers_the_time_decides(both, monkeypatch):
    """As with Prefect, whose lists do not say versions."""
    both.begin()
    mine = both.keep()
    both.send(mine)
    theirs = both.elsewhere()
    find = both.server.store.find
    unnumbered = lambda query: [msgspec.structs.replace(one, version=None, seq=0) for one in find(query)]  # noqa: E731
    monkeypatch.setattr(both.server, "find", unnumbered, raising=False)
    assert [record.id for record in both.union.find(Query(latest=True))] == [theirs.id]
    later = both.keep()
    both.send(later)
    assert [(record.id, record.version) for record in both.union.find(Query(latest=True))] == [(later.id, 3)]
    assert [record.id for record in both.union.find(Query(sort=Sort.VERSION_DESC))] == [later.id, theirs.id, mine.id]


def test_long_payloads_come_where_they_are_asked_for(both):
    mine, theirs = both.keep(text="x" * 1000), both.elsewhere("other", "y" * 1000)
    assert {len(bytes(record.data)) for record in both.union.find(Query(data=True))} == {1002}
    assert bytes(both.union.get(theirs.id).data) == encode("y" * 1000)
    assert bytes(both.union.get(mine.id).data) == encode("x" * 1000)


def test_runs_of_other_machines_are_found(both):
    run = both.server.store.put_run(Run(id=new_id(), kind=RunKind.session, started=now(), name="theirs"))
    both.elsewhere(flow_run_id=run.id)
    assert both.union.get_run(run.id).name == "theirs"
    assert [one.name for one in both.union.find_runs(RunQuery())] == ["theirs"]
    assert len(both.union.find(Query(run=run.id))) == 1


def test_completion_does_not_wait_long_and_is_no_outage(both, monkeypatch):
    monkeypatch.setattr("nb_artifacts.union.COMPLETION_SECONDS", 0.05)
    both.keep("abc")
    both.elsewhere("abd")
    assert both.union.keys("ab") == ["abc", "abd"]
    both.server.gate = threading.Event()
    assert both.union.keys("ab") == ["abc"]
    both.server.gate.set()
    assert both.told == []
    assert both.reach.trouble is None


def test_bytes_of_others_are_fetched_once_and_the_least_recently_read_go_first(both):
    refs = [both.server.store.put_blob(bytes([n]) * 400, "x/y") for n in range(3)]
    for ref in refs[:2]:
        assert both.union.open_blob(ref).read() == bytes([int(ref.sha256 != refs[0].sha256)]) * 400
    asked = both.server.asked
    older = both.cache._blobs.path(refs[1].sha256)
    os.utime(older, (1e9, 1e9))
    both.union.open_blob(refs[0])
    assert both.server.asked == asked
    both.union.open_blob(refs[2])
    assert both.cache.bytes() == 800
    assert both.union.open_blob(refs[0])
    assert both.server.asked == asked + 1
    both.union.open_blob(refs[1])
    assert both.server.asked == asked + 2
    assert both.local.blob_bytes() == 0
    big = both.server.store.put_blob(b"z" * 2000, "x/y")
    assert both.union.open_blob(big).read() == b"z" * 2000
    assert both.cache.bytes() <= 1000


def test_a_cache_of_nothing_keeps_nothing(both):
    both.cache.limit = 0
    ref = both.server.store.put_blob(b"abc", "x/y")
    assert both.union.open_blob(ref).read() == b"abc"
    assert both.cache.bytes() == 0


def test_bytes_that_nobody_has_and_bytes_of_a_server_that_is_away(both):
    ref = both.server.store.put_blob(b"abc", "x/y")
    both.server.store._blobs.remove(ref.sha256)
    with pytest.raises(BlobMissing):
        both.union.open_blob(ref)
    both.server.error = Unreachable("away")
    both.names()
    with pytest.raises(Unreachable, match="away") as first:
        both.union.open_blob(ref)
    frames = len(first.traceback)
    with pytest.raises(Unreachable, match="away") as second:
        both.union.open_blob(ref)
    assert len(second.traceback) == frames, "an error that is raised again does not hold on to all it went through"
    both.server.error = None
    both.reach.retry()
    ref = both.server.store.put_blob(b"back", "x/y")
    assert both.union.open_blob(ref).read() == b"back", "when the time of being left alone is over"
    assert both.reach.trouble is None


def test_work_in_a_thread_gives_what_it_gives():
    assert reach.within(1, "h", lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        reach.within(1, "h", lambda: 1 / 0)
    with pytest.raises(StoreError, match="h gave no answer within 0"):
        reach.within(0.01, "h", threading.Event().wait)


def test_much_is_counted_and_not_listed(both, monkeypatch):
    monkeypatch.setattr("nb_artifacts.union.LISTED", 2)
    both.keep("kept")
    both.begin()
    for key in ("sent", "also-sent"):
        both.send(both.keep(key))
    both.keep("sent")
    for n in range(4):
        both.elsewhere("sent" if n % 2 else f"theirs-{n}")
    queries = Query(), Query(artifacts=ArtifactFilter(key=KeyFilter(any_=["sent"]))), Query(latest=True)
    listed = [len(both.union.find(query)) for query in queries]
    monkeypatch.setattr(both.server.store, "find", lambda query: pytest.fail("it was listed"))
    assert [both.union.count(query) for query in queries] == listed == [8, 4, 5]


def test_the_feed_is_the_folders_under_the_numbers_that_count(both):
    both.begin()
    mine = both.keep()
    assert [change.record.version for change in both.union.changes(0)] == [None]
    both.send(mine)
    assert [change.record.version for change in both.union.changes(0)] == [1]
    assert both.union.last_seq() == both.local.last_seq()
