"""At 100,000 versions lists still look at about as many rows as they show, and never at payloads."""

from uuid import UUID

import pytest
from contract.given import of, record, run

from nb_artifacts.store import open_store, postgres_feed
from nb_artifacts.store.postgres_filters import count_sql, records_sql, runs_sql
from nb_artifacts.store.postgres_rows import LISTED
from nb_artifacts.wire import (
    ArtifactFilter,
    IdFilter,
    KeyFilter,
    NameFilter,
    Query,
    RunFilter,
    RunQuery,
    RunState,
    Sort,
    TypeFilter,
)

MANY, KEYS = 100_000, 2_000
ID = "00000000-0000-0000-0000-%012d"

FILL = f"""
INSERT INTO artifact (id, seq, key, version, created, updated, type, flow_run_id, task_run_id, digest, info)
SELECT lpad(n::text, 32, '0')::uuid, n + 10, 'key-' || n % {KEYS}, n / {KEYS} + 1, now() - interval '1 day' + n * interval '1 ms',
  now(), CASE WHEN n % 1000 = 0 THEN 'rare' WHEN n % 2 = 0 THEN 'table' ELSE 'markdown' END,
  lpad((n / 100)::text, 32, '0')::uuid, lpad((n / 10)::text, 32, '0')::uuid, '', '{{"rows": 1}}'
FROM generate_series(1, {MANY}) n;
INSERT INTO payload (id, data, size) SELECT id, '"x"', 3 FROM artifact WHERE seq % 3 = 0;
INSERT INTO key (key, last_version, id, created)
SELECT key, max(version), gen_random_uuid(), min(created) FROM artifact GROUP BY key ON CONFLICT DO NOTHING;
INSERT INTO newest (key, id, created)
SELECT DISTINCT ON (key) key, id, created FROM artifact WHERE key IS NOT NULL ORDER BY key, version DESC ON CONFLICT DO NOTHING;
INSERT INTO run (id, seq, kind, state, parent_id, session_id, started, notebook, cell_id, kernel_id, body, name)
SELECT lpad(n::text, 32, '0')::uuid, n + 500000, 'cell', CASE WHEN n % 1000 = 0 THEN 'running' ELSE 'completed' END,
  lpad((n / 50)::text, 32, '0')::uuid, lpad((n / 50)::text, 32, '0')::uuid, now() + n * interval '1 ms',
  'n' || n / 100 || '.ipynb', 'c' || n, 'k' || n / 100, '{{}}', 'name ' || n
FROM generate_series(1, 20000) n;
SELECT setval('feed', 1000000);
"""


@pytest.fixture(scope="module")
def store(cluster, database):
    store = open_store(f"{database}?schema=plans")
    store.put_run(run())
    store.put(record("k"))
    cluster.sql(f"SET search_path = plans; {FILL}", database)
    cluster.sql("VACUUM (ANALYZE)", database)
    yield store
    store.close()


def nodes(node):
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def run_plan(store, sql, values):
    plan = store._database.rows(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", values)[0][0]
    import json

    return list(nodes(json.loads(plan)[0]["Plan"]))


def looked_at(plan):
    """How many rows the scans of a plan met."""
    scans = [node for node in plan if "Relation Name" in node]
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
        * node["Actual Loops"]
        for node in scans
    )


def check(store, sql, values, most):
    plan = run_plan(store, sql, values)
    shape = [
        (node["Node Type"], node.get("Relation Name"), node.get("Index Name"), node["Actual Rows"], node["Actual Loops"])
        for node in plan
    ]
    assert looked_at(plan) <= most, shape
    assert not [node for node in plan if node.get("Relation Name") == "payload"], shape
    return plan


def of_key(part):
    return ArtifactFilter(key=KeyFilter(like_=part))


LISTS = {
    "newest": Query(sort=Sort.NEWEST),
    "ids": Query(sort=Sort.ID_DESC),
    "updated": Query(sort=Sort.UPDATED_DESC),
    "by key": Query(sort=Sort.KEY_ASC),
    "by key, down": Query(sort=Sort.KEY_DESC),
    "of a common type": of(type="table", sort=Sort.NEWEST),
    "of a common type by id": of(type="table"),
    "of a rare type": of(type="rare", sort=Sort.NEWEST),
    "of two types": of(type=["rare", "other"], sort=Sort.NEWEST),
    "not of a type": Query(artifacts=ArtifactFilter(type=TypeFilter(not_any_=["table"])), sort=Sort.NEWEST),
    "history": of(key="key-7", sort=Sort.VERSION_DESC),
    "of three keys": of(key=["key-7", "key-8", "none"], sort=Sort.NEWEST),
    "one version": of(key="key-7", version=3),
    "of a flow": of(flow_run_id=UUID(ID % 500), sort=Sort.NEWEST),
    "of tasks": of(task_run_id=[UUID(ID % 500), UUID(ID % 501)], sort=Sort.NEWEST),
    "of some ids": of(id=[UUID(ID % n) for n in range(1, 90)]),
    "search": Query(artifacts=of_key("y-199"), sort=Sort.NEWEST),
    "latest": Query(latest=True, sort=Sort.NEWEST),
    "latest by line": Query(latest=True),
    "latest by key": Query(latest=True, sort=Sort.KEY_ASC),
    "latest by key, down": Query(latest=True, sort=Sort.KEY_DESC),
    "latest by beginning": Query(latest=True, sort=Sort.CREATED_DESC),
    "latest of a type": of(type="table", latest=True, sort=Sort.NEWEST),
    "latest of a key": of(key="key-7", latest=True),
    "latest of an id": of(id=UUID(ID % MANY), latest=True),
    "search in latest": Query(artifacts=of_key("KEY-19"), latest=True, sort=Sort.NEWEST),
    "of a known flow": Query(flow_runs=RunFilter(id=IdFilter([UUID(ID % 500)])), sort=Sort.NEWEST),
    "of a named task": Query(task_runs=RunFilter(name=NameFilter(any_=["name 500"])), sort=Sort.NEWEST),
    "below a run": Query(run=UUID(ID % 300), sort=Sort.NEWEST),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_look_at_little(store, name):
    query = LISTS[name]
    query.limit = 100
    # Whichever way a search goes, it may look at every key once.
    most = 3 * KEYS if "search" in name else 1500
    check(store, *records_sql(query, LISTED + (", k.id" if query.latest else "")), most)


@pytest.mark.parametrize("sort", [Sort.UPDATED_DESC, Sort.VERSION_DESC])
def test_rare_orders_look_at_every_key_and_not_at_every_version(store, sort):
    check(store, *records_sql(Query(latest=True, sort=sort, limit=100), LISTED), 4 * KEYS)


RUNS = {
    "all": RunQuery(),
    "ids": RunQuery(id=IdFilter([UUID(ID % 3)])),
    "parent": RunQuery(parent_id=IdFilter([UUID(ID % 3)])),
    "session": RunQuery(session_id=IdFilter([UUID(ID % 3)])),
    "state": RunQuery(state=[RunState.running]),
    "cell": RunQuery(cell_id="c77"),
    "notebook": RunQuery(notebook="n7.ipynb"),
    "kernel": RunQuery(kernel_id="k7"),
}


@pytest.mark.parametrize("name", RUNS)
def test_runs_look_at_little(store, name):
    check(store, *runs_sql(RUNS[name]), 300)


@pytest.mark.parametrize("sql", [postgres_feed.ARTIFACTS, postgres_feed.RUNS, postgres_feed.TOMBSTONES])
@pytest.mark.parametrize("since", [0, MANY - 10])
def test_the_feed_looks_at_little(store, sql, since):
    check(store, sql, (since, 10**6, 100), 101)


def test_counts(store):
    check(store, *count_sql(of(key="key-7")), 200)
    check(store, *count_sql(Query(latest=True)), 2 * KEYS)
    assert store.count(Query()) == MANY + 1
    assert store.count(Query(latest=True)) == KEYS + 1


def test_part_of_a_key_is_found_by_trigrams_where_the_server_has_them(store, cluster, database):
    has_them = cluster.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'", database)
    plan = check(store, *count_sql(Query(artifacts=of_key("y-1999"), latest=True)), 50 if has_them else 3 * KEYS)
    assert ("key_trigrams" in [node.get("Index Name") for node in plan]) == bool(has_them)


def test_hostile_patterns_are_answered(store):
    patterns = [
        "%" * 10_000,
        "a%" * 5_000,
        "_" * 10_000,
        "%_" * 5_000,
        "\\" * 10_000,
        "'; DROP TABLE artifact; --",
        "%y%-%1%9%9%9%" * 700,
    ]
    for part in patterns:
        store.count(Query(artifacts=of_key(part)))
        store.find(Query(latest=True, artifacts=of_key(part), limit=10))
    assert store.count(Query(artifacts=of_key("\\"))) == 0
    assert store.count(Query(artifacts=of_key("%"))) == MANY + 1
