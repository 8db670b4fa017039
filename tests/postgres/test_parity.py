"""Any question has the same answer from a PostgreSQL store as from the embedded one."""

import random
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from contract.given import record, run
from msgspec import UNSET, structs

from nb_artifacts.errors import Conflict, NotFound
from nb_artifacts.store import open_store
from nb_artifacts.wire import (
    ArtifactFilter,
    IdFilter,
    KeyFilter,
    NameFilter,
    Operator,
    Patch,
    Provenance,
    Query,
    RunFilter,
    RunKind,
    RunQuery,
    RunState,
    Sort,
    TypeFilter,
    encode,
    now,
)

KEYS = [None, "a", "a-b", "ab", "b", "k" * 1500, "l" + "k" * 1500, "z9"]
TYPES = [None, "", "table", "Table", "image", "%", "t" * 300, "t" * 299 + "u", "n\0l", "\ue000", "\ue0001"]
NAMES = [None, "Load", "load 1", "löad", "%_", "back\\slash", "n" * 400, "a\0b"]


def fill(stores, chance):
    """The same history in each store; the ids of runs and artifacts."""
    runs, made, moment = [], [], now()
    for n in range(30):
        session = chance.choice(runs).id if runs and n % 3 else None
        about = Provenance(
            notebook=chance.choice([None, "a.ipynb", "p" * 300]),
            cell_id=chance.choice([None, "c1"]),
            kernel_id=chance.choice([None, "k"]),
        )
        started = moment + timedelta(seconds=chance.randrange(5))
        made_run = run(
            chance.choice(list(RunKind)),
            name=chance.choice(NAMES),
            session_id=session,
            parent_id=session,
            provenance=about,
            started=started,
        )
        for store in stores:
            store.put_run(made_run)
        runs.append(made_run)
    for _ in range(200):
        members = {
            "type": chance.choice(TYPES),
            "description": chance.choice(NAMES),
            "created": moment + timedelta(seconds=chance.randrange(20)),
            "flow_run_id": chance.choice([None, UUID(int=1), chance.choice(runs).id]),
            "task_run_id": chance.choice([None, None, chance.choice(runs).id]),
        }
        given = record(chance.choice(KEYS), "x" * chance.choice([1, 300]), **members)
        given.updated = given.created
        for store in stores:
            store.put(given)
        made.append(given.id)
        act(stores, chance, made, runs)
    return [each.id for each in runs], made


def act(stores, chance, made, runs):
    id, what = chance.choice(made), chance.random()
    errors = []
    for store in stores:
        try:
            if what < 0.15:
                store.delete(id)
            elif what < 0.4:
                store.patch(id, Patch(description="patched"))
            elif what < 0.5:
                store.put_run(structs.replace(runs[id.int % len(runs)], state=RunState.failed))
            errors.append(None)
        except (NotFound, Conflict) as error:
            errors.append(type(error))
    assert len(set(errors)) == 1


@pytest.fixture(scope="module")
def pair(database, tmp_path_factory):
    stores = open_store(tmp_path_factory.mktemp("sqlite"), durable=False), open_store(f"{database}?schema=parity")
    runs, made = fill(stores, random.Random(11))
    yield (*stores, runs, made)
    for store in stores:
        store.close()


class Choices:
    """Random parts of queries."""

    def __init__(self, seed, runs, made):
        self.chance, self.runs, self.made = random.Random(seed), runs, made

    def maybe(self, make, *values, often=0.4):
        return make(*values) if self.chance.random() < often else None

    def some(self, values):
        asked = [value for value in values if value is not None and "\0" not in str(value)]  # SQLite's lists end there
        return self.chance.sample(asked, self.chance.randrange(4))

    def like(self):
        return self.chance.choice(["a", "A", "K", "%b", "_", "", "%", "\\", "-", "J", "é", "l%d"])

    def coin(self):
        return self.chance.random() < 0.5

    def ids(self, values):
        return IdFilter(self.some(values))

    def artifacts(self):
        return ArtifactFilter(
            operator=self.chance.choice([None, Operator.and_, Operator.or_]),
            id=self.maybe(self.ids, self.made, often=0.1),
            key=self.maybe(lambda: KeyFilter(self.maybe(self.some, KEYS), self.maybe(self.like), self.maybe(self.coin))),
            flow_run_id=self.maybe(self.ids, self.runs, often=0.1),
            task_run_id=self.maybe(self.ids, self.runs, often=0.1),
            type=self.maybe(lambda: TypeFilter(self.maybe(self.some, TYPES), self.maybe(self.some, TYPES))),
        )

    def known_runs(self):
        name = self.maybe(lambda: NameFilter(self.maybe(self.some, NAMES), self.maybe(self.like)))
        return RunFilter(self.chance.choice([None, Operator.or_]), self.maybe(self.ids, self.runs), name)

    def query(self, sort, latest):
        return Query(
            sort=sort,
            latest=latest,
            data=self.coin(),
            artifacts=self.maybe(self.artifacts, often=0.8),
            flow_runs=self.maybe(self.known_runs, often=0.1),
            task_runs=self.maybe(self.known_runs, often=0.1),
            version=self.chance.choice([None, None, None, None, 1, 2, -1, 2**70]),
            run=self.maybe(self.chance.choice, self.runs, often=0.1),
            limit=self.chance.choice([None, 0, 3, 200]),
            offset=self.chance.choice([0, 0, 1, 10**30]),
        )


def without_store(found):
    return [structs.replace(each, seq=0, updated=each.created, collection_id=None) for each in found]


def left_open(query):
    """Which records may come in any order; None where there are no such."""
    if query.latest and query.sort is Sort.ID_DESC:  # the id of a line is its store's own
        return lambda each: True
    if query.sort in (Sort.KEY_ASC, Sort.KEY_DESC):
        return lambda each: each.key is None
    return None


@pytest.mark.parametrize("seed", range(10))
def test_records(pair, seed):
    sqlite, postgres, runs, made = pair
    choices, hits = Choices(seed, runs, made), 0
    for sort, latest, _ in product(Sort, (False, True), range(4)):
        query = choices.query(sort, latest)
        if in_part := left_open(query):
            query.limit, query.offset = None, 0
        expected, found = without_store(sqlite.find(query)), without_store(postgres.find(query))
        if in_part:
            expected, found = (
                [each for each in items if not in_part(each)] + sorted(filter(in_part, items), key=lambda each: each.id)
                for items in (expected, found)
            )
        assert found == expected, encode(query)
        assert postgres.count(query) == sqlite.count(query), encode(query)
        hits += bool(found)
    assert hits > 5


@pytest.mark.parametrize("latest", [False, True])
def test_records_with_payloads_that_are_not_long(pair, latest):
    """As `find` gives them, those that are longer without."""
    for store in pair[:2]:
        whole = store.find(Query(latest=latest, data=True))
        lengths = {len(bytes(record.data)) for record in whole}
        assert lengths == {3, 302}
        for most, absent in ((302, set()), (301, {302})):
            expected = [
                structs.replace(record, data=UNSET) if len(bytes(record.data)) in absent else record for record in whole
            ]
            assert store.find_filled(Query(latest=latest), most) == expected


@pytest.mark.parametrize("seed", range(4))
def test_runs(pair, seed):
    sqlite, postgres, runs, made = pair
    choices = Choices(seed, runs, made)
    for _ in range(60):
        query = RunQuery(
            id=choices.maybe(choices.ids, runs, often=0.2),
            parent_id=choices.maybe(choices.ids, runs, often=0.2),
            session_id=choices.maybe(choices.ids, runs, often=0.2),
            kind=choices.maybe(choices.some, list(RunKind)),
            state=choices.maybe(choices.some, list(RunState)),
            notebook=choices.maybe(choices.chance.choice, ["a.ipynb", "p" * 300, "nul\0"]),
            cell_id=choices.maybe(lambda: "c1", often=0.2),
            kernel_id=choices.maybe(lambda: "k", often=0.2),
            limit=choices.chance.choice([2, 200]),
            offset=choices.chance.choice([0, 1]),
        )
        expected = [structs.replace(each, seq=0) for each in sqlite.find_runs(query)]
        assert [structs.replace(each, seq=0) for each in postgres.find_runs(query)] == expected, query


def test_feeds_tell_the_same_story(pair):
    sqlite, postgres, _, _ = pair
    stories = [
        [(change.kind, (change.record or change.run or change.deleted).id) for change in store.changes(0, 10_000)]
        for store in (sqlite, postgres)
    ]
    assert stories[0] == stories[1]
    deleted = [
        [
            (change.deleted.id, change.deleted.key, change.deleted.version)
            for change in store.changes(0, 10_000)
            if change.deleted
        ]
        for store in (sqlite, postgres)
    ]
    assert deleted[0] == deleted[1] != []
