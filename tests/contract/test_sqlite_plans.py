"""Lists are read by index: no scan of a table, no sorting, no payload, whatever the number of artifacts."""

import re
from uuid import UUID, uuid4

import pytest
from contract.given import of, record, run

from nb_artifacts.store import feed, open_store
from nb_artifacts.store.filters import count_sql, records_sql, runs_sql
from nb_artifacts.store.rows import LISTED, PAYLOAD, WITH_PAYLOAD
from nb_artifacts.store.sqlite import ONE
from nb_artifacts.wire import ArtifactFilter, IdFilter, KeyFilter, Query, RunQuery, RunState, Sort

ID = UUID(int=7)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(tmp_path_factory.mktemp("plans") / "home")


def plan(store, sql, values):
    return [row[3] for row in store._database.read(lambda c: c.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall())]


def assert_by_index(steps, *, walk=True, sorted_matches=False):
    """`walk`: may go along an index, or the table in its own order; `sorted_matches`: may sort what was found."""
    sorts = any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    walks = [step for step in steps if re.match(r"SCAN (a|k|r|artifact|key|run|payload)\b", step)]
    assert walk or not walks, steps
    assert sorted_matches or not sorts, steps
    assert not (walks and sorts), steps
    assert not any("payload" in step for step in steps), steps


@pytest.mark.parametrize("sort", list(Sort), ids=lambda sort: sort.value)
def test_all_versions_in_any_order(store, sort):
    if sort is not Sort.VERSION_DESC:  # an order within a key
        assert_by_index(plan(store, *records_sql(Query(sort=sort, limit=100), LISTED)))


@pytest.mark.parametrize(
    "sort", [Sort.NEWEST, Sort.ID_DESC, Sort.KEY_ASC, Sort.KEY_DESC, Sort.CREATED_DESC], ids=lambda sort: sort.value
)
@pytest.mark.parametrize(
    "members",
    [{}, {"type": "table"}, {"type": ["table", "image"]}, {"artifacts": ArtifactFilter(key=KeyFilter(like_="x"))}],
    ids=["all", "type", "types", "search"],
)
def test_latest_per_key(store, sort, members):
    """The keys are walked in order, each giving one artifact by its id."""
    steps = plan(store, *records_sql(of(**members, latest=True, sort=sort, limit=100), LISTED + ", k.id, k.created"))
    assert_by_index(steps)
    walked = [step for step in steps if step.startswith("SCAN") and "json_each" not in step]
    assert len(walked) == 1
    assert walked[0].startswith("SCAN k"), steps
    assert "SEARCH a USING PRIMARY KEY (id=?)" in steps


@pytest.mark.parametrize("sort", [Sort.UPDATED_DESC, Sort.VERSION_DESC], ids=lambda sort: sort.value)
def test_latest_per_key_in_a_rare_order(store, sort):
    """The keys are sorted, never the versions walked."""
    steps = plan(store, *records_sql(Query(latest=True, sort=sort, limit=100), LISTED))
    assert steps[0].startswith("SCAN k"), steps
    assert steps[1:] == ["SEARCH a USING PRIMARY KEY (id=?)", "USE TEMP B-TREE FOR ORDER BY"]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (of(id=ID), "PRIMARY KEY (id=?)"),
        (of(id=ID, latest=True), "PRIMARY KEY (id=?)"),
        (of(key="k", latest=True), "SEARCH k USING PRIMARY KEY (key=?)"),
        (of(key="k", sort=Sort.VERSION_DESC), "artifact_key (key=?)"),
        (of(key="k", version=2), "artifact_key (key=? AND version=?)"),
        (of(key="k", type="table", sort=Sort.VERSION_DESC), "artifact_key (key=?)"),
        (of(type="table", sort=Sort.NEWEST), "artifact_type (type=?)"),
        (of(flow_run_id=ID, sort=Sort.NEWEST), "artifact_flow (flow_run_id=?)"),
        (of(task_run_id=ID, sort=Sort.CREATED_DESC), "artifact_task (task_run_id=?)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_of_each(store, query, index):
    steps = plan(store, *records_sql(query, LISTED))
    assert_by_index(steps, walk=False, sorted_matches=query.latest)  # of the latest, one is "sorted"
    assert any(index in step for step in steps), steps


@pytest.mark.parametrize("sort", [Sort.ID_DESC, Sort.UPDATED_DESC, Sort.KEY_ASC], ids=lambda sort: sort.value)
def test_a_type_in_another_order_is_walked_not_sorted(store, sort):
    assert_by_index(plan(store, *records_sql(of(type="table", sort=sort), LISTED)))


@pytest.mark.parametrize(
    "query", [of(id=[ID, ID]), of(key=["a", "b"]), Query(run=ID), of(flow_run_id=[ID, ID])], ids=["ids", "keys", "run", "runs"]
)
@pytest.mark.parametrize("latest", [False, True])
def test_a_few_of_many_are_found_then_sorted(store, query, latest):
    query.latest, query.sort = latest, Sort.NEWEST
    steps = plan(store, *records_sql(query, LISTED))
    assert_by_index(steps, walk=False, sorted_matches=True)


def test_only_whole_records_read_payloads(store):
    assert not any("payload" in step for step in plan(store, *records_sql(Query(), LISTED)))
    assert any(
        "SEARCH p USING INTEGER PRIMARY KEY" in step
        for step in plan(store, *records_sql(Query(), LISTED + PAYLOAD, WITH_PAYLOAD))
    )
    assert plan(store, ONE, (b"",)) == [
        "SEARCH a USING PRIMARY KEY (id=?)",
        "SEARCH p USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
    ]


def test_counts(store):
    assert_by_index(plan(store, *count_sql(Query())))
    assert_by_index(plan(store, *count_sql(Query(latest=True))))
    assert_by_index(plan(store, *count_sql(of(key="k"))), walk=False)


@pytest.mark.parametrize("sql", [feed.ARTIFACTS, feed.RUNS, feed.TOMBSTONES])
def test_the_feed(store, sql):
    assert_by_index(plan(store, sql, (5, 10)), walk=False)


@pytest.mark.parametrize(
    "query",
    [
        RunQuery(id=IdFilter([ID])),
        RunQuery(parent_id=IdFilter([ID])),
        RunQuery(session_id=IdFilter([ID])),
        RunQuery(state=[RunState.running]),
        RunQuery(cell_id="c"),
        RunQuery(notebook="n"),
        RunQuery(kernel_id="k"),
    ],
    ids=repr,
)
def test_runs(store, query):
    assert_by_index(plan(store, *runs_sql(query)), walk=False)


def test_runs_newest_first(store):
    assert_by_index(plan(store, *runs_sql(RunQuery())))


class Work:
    """Counts what SQLite does, in thousands of its instructions, instead of the time that it takes."""

    def __init__(self, folder, artifacts):
        self.store = open_store(folder, durable=False)
        self.session = self.store.put_run(run())
        first = self.store.put(record("k0", "x" * 1000, type="table", task_run_id=self.session.id))
        values = list(self._rows(first, artifacts))
        names = self._names()

        def fill(connection):
            connection.executemany(f"INSERT INTO artifact ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values)
            connection.execute("DELETE FROM key")
            connection.execute(
                "INSERT INTO key (key, id, created, last_version, newest, listed) "
                "SELECT key, randomblob(16), created, max(version), id, created FROM artifact GROUP BY key"
            )

        self.store._database.write(fill)

    def _names(self):
        return [row[1] for row in self.store._database.read(lambda c: c.execute("PRAGMA table_info(artifact)").fetchall())]

    def _rows(self, first, artifacts):
        names = self._names()
        row = dict(zip(names, self.store._database.read(lambda c: c.execute("SELECT * FROM artifact").fetchone()), strict=True))
        for n in range(1, artifacts):
            new = {
                "id": uuid4().bytes,
                "seq": row["seq"] + n,
                "key": f"k{n % 500}",
                "version": n // 500 + 1,
                "created": row["created"] + n,
                "task_run_id": uuid4().bytes,
            }
            yield tuple({**row, **new}.values())

    def of(self, call):
        steps = [0]

        def count():
            steps[0] += 1

        def work(connection):
            connection.set_progress_handler(count, 10)

        self.store._database.read(work)
        call(self.store)
        self.store._database.read(lambda connection: connection.set_progress_handler(None, 0))
        return steps[0] * 10


@pytest.fixture(scope="module")
def works(tmp_path_factory):
    return [Work(tmp_path_factory.mktemp("work") / "home", artifacts) for artifacts in (5_000, 50_000)]


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.find(of(key="k7", latest=True, limit=1, data=True)),
        lambda store: store.find(Query(latest=True, sort=Sort.NEWEST, limit=100)),
        lambda store: store.find(Query(sort=Sort.NEWEST, limit=100)),
        lambda store: store.find(Query(limit=100)),
        lambda store: store.find(of(key="k7", sort=Sort.VERSION_DESC, limit=10)),
        lambda store: store.find(of(type="table", sort=Sort.NEWEST, limit=100)),
        lambda store: store.find(of(type="table", latest=True, sort=Sort.NEWEST, limit=100)),
        lambda store: store.find(Query(artifacts=ArtifactFilter(key=KeyFilter(like_="k49")), latest=True, limit=100)),
        lambda store: store.count(Query(latest=True)),
        lambda store: store.find(Query(run=store.find_runs(RunQuery())[0].id)),
        lambda store: store.changes(store.last_seq() - 20),
        lambda store: store.changes(0, limit=20),
        lambda store: store.last_seq(),
        lambda store: store.get(store.find(Query(limit=1))[0].id),
    ],
    ids=[
        "get",
        "latest",
        "newest",
        "ids",
        "history",
        "type",
        "latest of a type",
        "search",
        "count",
        "run",
        "news",
        "feed",
        "seq",
        "by id",
    ],
)
def test_ten_times_as_many_artifacts_are_no_more_work(works, call):
    few, many = (work.of(call) for work in works)
    assert many <= few * 1.1 + 20
