"""Whatever is done in whatever order, by two handles on one folder, the store is what a dictionary would be."""

import shutil
import tempfile
from pathlib import Path

import pytest
from contract.given import record, run, versions
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from msgspec import UNSET, Raw, structs

from nb_artifacts.errors import Conflict, NotFound
from nb_artifacts.store import open_store
from nb_artifacts.wire import SHORT_DATA, Patch, Query, RunState, Sort

KEYS = st.sampled_from([None, "a", "b", "c-1"])
LENGTHS = st.sampled_from([0, 10, SHORT_DATA - 2, SHORT_DATA - 1, 5_000, 262_143])
TEXTS = st.none() | st.text(max_size=5)


def data(length):
    return Raw(b'"' + b"x" * length + b'"')


class Model(RuleBasedStateMachine):
    there = Bundle("there")
    runs = Bundle("runs")

    @initialize()
    def begin(self):
        self.home = Path(tempfile.mkdtemp())
        self.stores = [open_store(self.home, durable=False) for _ in range(2)]
        self.records, self.given, self.seqs, self.gone, self.known = {}, {}, {}, {}, {}
        self.last, self.lines = {}, {}
        self.seq = 0

    def teardown(self):
        if hasattr(self, "home"):
            for store in self.stores:
                store.close()
            shutil.rmtree(self.home)

    def moved(self, id, seq):
        assert seq == self.seq + 1
        self.seq = seq
        self.seqs[id] = seq

    @rule(
        target=there, at=st.integers(0, 1), key=KEYS, length=LENGTHS, description=TEXTS, type=st.sampled_from([None, "t", "u"])
    )
    def put(self, at, key, length, description, type):
        given = record(key, type=type, description=description)
        given.data = data(length)
        put = self.stores[at].put(given)
        if key:
            self.last[key] = self.last.get(key, 0) + 1
        assert put.version == (self.last[key] if key else None)
        self.moved(given.id, put.seq)
        self.given[given.id], self.records[given.id] = given, put
        return given.id

    @rule(at=st.integers(0, 1), id=there)
    def put_again(self, at, id):
        if id in self.gone:
            with pytest.raises(Conflict):
                self.stores[at].put(self.given[id])
        else:
            assert self.stores[at].put(self.given[id]) == self.records[id]
            assert self.stores[at].put(self.records[id]) == self.records[id]
            with pytest.raises(Conflict):
                self.stores[at].put(structs.replace(self.given[id], tags=["other"]))

    @rule(
        at=st.integers(0, 1),
        id=there,
        patch=st.builds(
            Patch,
            data=st.just(UNSET) | LENGTHS.map(data),
            description=st.just(UNSET) | TEXTS,
            info=st.just(UNSET) | st.just({"a": 1}),
        ),
        durable=st.booleans(),
        stale=st.booleans(),
    )
    def patch(self, at, id, patch, durable, stale):
        if id in self.gone:
            with pytest.raises(NotFound):
                self.stores[at].patch(id, patch)
            return
        before = self.records[id]
        if stale:
            with pytest.raises(Conflict):
                self.stores[at].patch(id, patch, if_seq=before.seq - 1)
            return
        patched = self.stores[at].patch(id, patch, if_seq=before.seq, durable=durable)
        self.moved(id, patched.seq)
        changed = {name: value for name in ("data", "description", "info") if (value := getattr(patch, name)) is not UNSET}
        if "data" in changed:
            changed.setdefault("info", {})
        assert patched.updated > before.updated
        assert patched == structs.replace(before, **changed, seq=self.seq, updated=patched.updated)
        self.records[id] = patched

    @rule(at=st.integers(0, 1), id=consumes(there), target=there)
    def delete(self, at, id):
        if id in self.gone:
            with pytest.raises(NotFound):
                self.stores[at].delete(id)
            return multiple(id)
        self.stores[at].delete(id)
        self.gone[id] = self.records.pop(id)
        self.moved(id, self.seq + 1)
        return multiple(id)

    @rule(target=runs, at=st.integers(0, 1))
    def put_run(self, at):
        made = self.stores[at].put_run(run())
        self.moved(made.id, made.seq)
        self.known[made.id] = made
        return made.id

    @rule(at=st.integers(0, 1), id=runs)
    def end_run(self, at, id):
        made = self.stores[at].put_run(structs.replace(self.known[id], state=RunState.completed))
        self.moved(id, made.seq)
        self.known[id] = made

    @rule(at=st.integers(0, 1))
    def close(self, at):
        self.stores[at].close()

    @invariant()
    def all_is_as_it_should_be(self):
        if not hasattr(self, "home"):
            return
        for store in self.stores:
            assert store.last_seq() == self.seq
            assert {each.id: each for each in store.find(Query(data=True))} == self.records
            assert all(store.get(id) == each for id, each in self.records.items())
            assert all(store.get(id) is None for id in self.gone)
            self.check_keys(store)
            self.check_feed(store)

    def check_keys(self, store):
        newest = {}
        for key in self.last:
            mine = sorted(
                (each for each in self.records.values() if each.key == key), key=lambda each: each.version, reverse=True
            )
            assert versions(store, key) == [each.version for each in mine]
            if mine:
                newest[key] = mine[0]
        listed = {each.key: each for each in store.find(Query(latest=True, sort=Sort.NEWEST))}
        assert {key: each.id for key, each in listed.items()} == {key: each.id for key, each in newest.items()}
        assert store.count(Query(latest=True)) == len(newest)
        for key, line in self.lines.items():
            if key in listed:
                assert listed[key].collection_id == line
        self.lines = {key: each.collection_id for key, each in listed.items()}
        assert len(set(self.lines.values())) == len(self.lines)

    def check_feed(self, store):
        feed, since = [], 0
        while page := store.changes(since, limit=3):
            feed += page
            since = page[-1].seq
        said = {(change.record or change.run or change.deleted).id: change for change in feed}
        assert len(said) == len(feed)
        assert {id: change.seq for id, change in said.items()} == self.seqs
        for id, change in said.items():
            expected = "run" if id in self.known else "deleted" if id in self.gone else "artifact"
            assert change.kind == expected
            if change.record:
                each = self.records[id]
                assert change.record == (structs.replace(each, data=UNSET) if len(each.data) > SHORT_DATA else each)
            if change.deleted:
                assert (change.deleted.key, change.deleted.version) == (self.gone[id].key, self.gone[id].version)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
