"""What any `Store` must do, whatever it is made of.

A test module of a store imports these classes and gives the fixture `store`: an empty one.
"""

import json
from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import msgspec
import pytest
from contract.given import of, record, run, versions
from msgspec import UNSET, Raw

from nb_artifacts.errors import BlobMissing, Conflict, InvalidKey, InvalidValue, NotFound
from nb_artifacts.wire import (
    SHORT_DATA,
    ArtifactFilter,
    BlobRef,
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
    now,
)

TEXTS = ["", "a", "\0", "ümlaut 漢字 🎉", "' OR 1=1 --", '"; DROP TABLE artifact', "%_\\", "\r\n\t", "\u202e", "x" * 100_000]
DATA = [None, True, 0, -1, 1.5, 2**53 + 1, "text", [], {}, [1, [2, {"a": None}]], {"\0": "\ud7ff"}, "é" * 400_000]


def ids(found):
    return [each.id for each in found]


class TestPutAndGet:
    def test_gives_back_all_that_was_put(self, store):
        blob = store.put_blob(b"bytes", "image/png")
        given = record(
            "a-key",
            {"rows": [1, 2]},
            type="table",
            description="A **table**",
            metadata_={"nb_artifacts.rows": "500 of 1000000", "": ""},
            flow_run_id=uuid4(),
            task_run_id=uuid4(),
            tags=["one", "two"],
            info={"rows": 2, "columns": [{"name": "ä", "nulls": 0}], "rate": None},
            blob=blob,
        )
        put = store.put(given)
        assert put.version == 1
        assert put.seq == store.last_seq() > 0
        assert given.version is None, "what was given is not touched"
        found = store.get(given.id)
        assert found == put
        for name in (
            "id",
            "created",
            "updated",
            "key",
            "type",
            "description",
            "data",
            "metadata_",
            "flow_run_id",
            "task_run_id",
            "tags",
            "info",
            "blob",
        ):
            assert getattr(found, name) == getattr(given, name), name

    @pytest.mark.parametrize("data", DATA, ids=lambda data: repr(data)[:20])
    def test_data_is_any_json(self, store, data):
        put = store.put(record("k", data))
        assert json.loads(bytes(store.get(put.id).data)) == data
        assert store.get(put.id) == put
        assert [bytes(each.data) for each in store.find(Query(data=True))] == [bytes(put.data)]

    @pytest.mark.parametrize("length", [SHORT_DATA - 1, SHORT_DATA, SHORT_DATA + 1, 262_144, 262_145, 3_000_000])
    def test_lists_hold_only_short_data(self, store, length):
        put = store.put(record("k", "x" * (length - 2)))
        assert len(put.data) == length
        listed = store.find(Query())[0].data
        assert listed == put.data if length <= SHORT_DATA else listed is UNSET
        assert store.changes()[0].record.data == listed
        assert store.find(Query(data=True))[0].data == put.data
        assert store.get(put.id).data == put.data

    def test_data_left_out_is_null(self, store):
        given = record()
        given.data = UNSET
        assert bytes(store.put(given).data) == b"null"
        assert bytes(store.get(given.id).data) == b"null"

    @pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text)[:12])
    def test_texts_come_back_as_they_were(self, store, text):
        put = store.put(record("k", text, type=text, description=text, metadata_={text: text}, tags=[text], info={text: text}))
        assert store.get(put.id) == put
        assert ids(store.find(of(type=text))) == [put.id]

    def test_none_and_empty_are_told_apart(self, store):
        for metadata in (None, {}):
            assert store.get(store.put(record(metadata_=metadata)).id).metadata_ == metadata

    @pytest.mark.parametrize("member", ["type", "description", "info", "metadata_", "tags"])
    def test_half_a_character_is_refused(self, store, member):
        value = {"info": {"a": "\ud800"}, "metadata_": {"a": "\ud800"}, "tags": ["\ud800"]}.get(member, "\ud800")
        with pytest.raises(InvalidValue):
            store.put(record("k", **{member: value}))
        assert store.last_seq() == 0

    @pytest.mark.parametrize("key", ["", "A", "a b", "a_b", "a.b", "../a", "a/b", "a\0", "ä", "a\n", "٣"])
    def test_a_wrong_key_is_refused(self, store, key):
        with pytest.raises(InvalidKey):
            store.put(record(key))
        assert store.count(Query()) == 0

    def test_a_key_may_be_long(self, store):
        key = "k" * 5_000
        store.put(record(key))
        assert versions(store, key) == [1]

    def test_times_are_kept_to_the_microsecond_in_utc(self, store):
        moment = now().replace(microsecond=1)
        put = store.put(record(created=moment, updated=moment + timedelta(microseconds=1)))
        found = store.get(put.id)
        assert (found.created, found.updated) == (moment, moment + timedelta(microseconds=1))
        assert found.created.utcoffset() == timedelta(0)

    @pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"])
    def test_no_time_makes_a_row_unreadable(self, store, moment):
        """Whoever may write could else spoil every list of a store for all."""
        moment = msgspec.convert(moment, datetime)
        other, put = store.put(record("k")), store.put(record("k", created=moment, updated=moment))
        changed = store.patch(put.id, Patch(description="changed"))
        assert changed.updated >= put.updated
        assert changed.created.utcoffset() == timedelta(0)
        assert set(ids(store.find(of(key="k")))) == {other.id, put.id}

    def test_what_is_not_there_is_none(self, store):
        assert store.get(uuid4()) is None

    def test_the_same_again_changes_nothing(self, store):
        given = record("k", "x" * 1000, tags=["t"])
        put = store.put(given)
        assert store.put(given) == put
        assert store.put(put) == put
        assert (store.last_seq(), store.count(Query())) == (put.seq, 1)
        assert store.put(record("k")).version == 2

    def test_the_same_again_after_a_patch_gives_what_is_there_now(self, store):
        given = record("k", "x" * 1000)
        store.put(given)
        patched = store.patch(given.id, Patch(description="new"))
        again = store.patch(given.id, Patch(data=Raw(b"2")))
        assert again.seq > patched.seq
        assert store.put(given) == again
        assert store.put(again) == again

    @pytest.mark.parametrize("member", ["key", "data", "type", "description", "metadata_", "tags", "info", "flow_run_id"])
    def test_the_same_id_with_other_content_is_a_conflict(self, store, member):
        put = store.put(record("k", 1, type="t", description="d", metadata_={"a": "b"}, tags=["t"], info={"a": 1}))
        other = {"key": "l", "data": Raw(b"2"), "metadata_": {}, "tags": [], "info": {}, "flow_run_id": uuid4()}.get(
            member, "other"
        )
        given = record("k", 1, type="t", description="d", metadata_={"a": "b"}, tags=["t"], info={"a": 1}, id=put.id)
        setattr(given, member, other)
        with pytest.raises(Conflict, match=str(put.id)):
            store.put(given)
        assert store.get(put.id) == put
        assert store.count(Query()) == 1

    def test_a_deleted_id_does_not_come_back(self, store):
        given = record("k")
        store.put(given)
        store.delete(given.id)
        with pytest.raises(Conflict):
            store.put(given)
        assert store.get(given.id) is None


class TestVersions:
    def test_count_from_one_for_each_key(self, store):
        assert [store.put(record(key)).version for key in ("a", "b", "a", "a", None, "b", None)] == [1, 1, 2, 3, None, 2, None]
        assert versions(store, "a") == [3, 2, 1]

    def test_never_come_back(self, store):
        made = [store.put(record("k")) for _ in range(3)]
        store.delete(made[2].id)
        store.delete(made[1].id)
        assert store.put(record("k")).version == 4
        for found in store.find(of(key="k")):
            store.delete(found.id)
        assert store.put(record("k")).version == 5
        assert versions(store, "k") == [5]

    def test_latest_is_the_highest_whatever_was_patched(self, store):
        first, second = store.put(record("k", 1)), store.put(record("k", 2))
        store.patch(first.id, Patch(description="edited later"))
        assert ids(store.find(of(key="k", latest=True))) == [second.id]

    def test_latest_is_the_highest_whatever_the_clock_says(self, store):
        store.put(record("k", 1))
        back = now() - timedelta(hours=1)
        second = store.put(record("k", 2, created=back, updated=back))
        assert ids(store.find(of(key="k", latest=True))) == [second.id]

    def test_a_version_is_found_by_number(self, store):
        made = [store.put(record("k")) for _ in range(3)]
        assert ids(store.find(of(key="k", version=2))) == [made[1].id]
        assert store.find(of(key="k", version=4)) == []
        assert store.find(of(key="k", version=2**70)) == []
        assert ids(store.find(of(version=1))) == [made[0].id]

    def test_a_line_keeps_its_identity_and_beginning(self, store):
        first = store.put(record("k"))
        before = store.find(of(key="k", latest=True))[0]
        assert before.collection_created == first.created
        second = store.put(record("k"))
        after = store.find(of(key="k", latest=True))[0]
        assert (after.id, after.collection_id, after.collection_created) == (second.id, before.collection_id, first.created)
        assert isinstance(after.collection_id, UUID)
        assert after.collection_id != second.id
        assert store.get(second.id).collection_id is UNSET
        assert store.find(of(key="k"))[0].collection_id is UNSET

    def test_deleting_the_newest_falls_back_and_takes_over_its_time(self, store):
        made = [store.put(record("k", n)) for n in range(4)]
        line = store.find(of(key="k", latest=True))[0].collection_id
        store.delete(made[2].id)
        found = store.find(of(key="k", latest=True))[0]
        assert (found.id, found.collection_id, found.collection_created) == (made[3].id, line, made[0].created)
        store.delete(made[3].id)
        found = store.find(of(key="k", latest=True))[0]
        assert (found.id, found.collection_id, found.collection_created) == (made[1].id, line, made[1].created)
        newest = store.put(record("k"))
        found = store.find(of(key="k", latest=True))[0]
        assert (found.id, found.version, found.collection_id, found.collection_created) == (newest.id, 5, line, made[1].created)

    def test_deleting_the_last_ends_the_line_and_the_next_is_another(self, store):
        first = store.put(record("k"))
        line = store.find(Query(latest=True))[0].collection_id
        store.delete(first.id)
        assert (store.find(Query(latest=True)), store.count(Query(latest=True))) == ([], 0)
        second = store.put(record("k"))
        found = store.find(Query(latest=True))[0]
        assert (found.version, found.collection_created) == (2, second.created)
        assert found.collection_id != line
        third = store.put(record("k"))
        again = store.find(Query(latest=True))[0]
        assert (again.id, again.collection_id, again.collection_created) == (third.id, found.collection_id, second.created)


class TestPatches:
    def test_what_is_left_out_stays_and_none_clears(self, store):
        put = store.put(record("k", 1, type="t", description="d", metadata_={"a": "b"}, info={"a": 1}, tags=["t"]))
        patched = store.patch(put.id, Patch(description=None))
        assert patched == store.get(put.id)
        assert (patched.description, patched.metadata_, patched.info, patched.data) == (None, {"a": "b"}, {"a": 1}, put.data)
        patched = store.patch(put.id, Patch(metadata_=None, info={"b": 2}))
        assert (patched.metadata_, patched.info, patched.tags, patched.type, patched.version) == (None, {"b": 2}, ["t"], "t", 1)
        assert patched.created == put.created

    def test_data_alone_drops_what_described_it(self, store):
        blob = store.put_blob(b"bytes", "image/png")
        put = store.put(record("k", 1, info={"a": 1}, blob=blob))
        patched = store.patch(put.id, Patch(data=Raw(b"2")))
        assert (bytes(patched.data), patched.info, patched.blob) == (b"2", {}, None)
        assert store.get(put.id) == patched

    def test_data_with_info_or_blob_keeps_what_was_given(self, store):
        first, second = store.put_blob(b"first", "image/png"), store.put_blob(b"second", "image/gif")
        put = store.put(record("k", 1, info={"a": 1}, blob=first))
        patched = store.patch(put.id, Patch(data=Raw(b"2"), info={"b": 1}))
        assert (patched.info, patched.blob) == ({"b": 1}, None)
        patched = store.patch(put.id, Patch(data=Raw(b"3"), blob=second))
        assert (patched.info, patched.blob) == ({}, second)
        patched = store.patch(put.id, Patch(blob=None))
        assert (bytes(patched.data), patched.blob) == (b"3", None)

    def test_an_empty_one_moves_updated_and_seq(self, store):
        put = store.put(record("k", "x" * 1000, description="d"))
        patched = store.patch(put.id, Patch())
        assert patched.updated > put.updated
        assert patched.seq > put.seq
        assert (patched.data, patched.description, patched.created) == (put.data, "d", put.created)

    def test_updated_moves_forward_whatever_the_clock_says(self, store):
        tomorrow = now() + timedelta(days=1)
        put = store.put(record(created=tomorrow, updated=tomorrow))
        assert store.patch(put.id, Patch()).updated > tomorrow

    def test_a_change_made_elsewhere_keeps_its_time(self, store):
        put = store.put(record("k", 1))
        later = put.updated + timedelta(seconds=5)
        assert store.patch(put.id, Patch(data=Raw(b"2"), updated=later)).updated == later
        assert store.patch(put.id, Patch(description="d", updated=put.updated)).updated > later

    @pytest.mark.parametrize(
        "lengths", [(10, 1000), (1000, 10), (1000, 300_000), (300_000, 1000), (300_000, 300_001), (10, 300_000)]
    )
    def test_data_may_change_its_length(self, store, lengths):
        put = store.put(record("k", "x" * lengths[0]))
        data = json.dumps("y" * lengths[1]).encode()
        assert bytes(store.patch(put.id, Patch(data=Raw(data))).data) == data
        assert bytes(store.get(put.id).data) == data
        assert store.put(record("k", "x" * lengths[0], id=put.id)) == store.get(put.id), "still known as the same"

    @pytest.mark.parametrize("durable", [True, False])
    def test_shows_in_its_line_when_it_is_the_newest(self, store, durable):
        first, second = store.put(record("k", 1)), store.put(record("k", 2))
        store.patch(first.id, Patch(description="old"), durable=durable)
        assert store.find(Query(latest=True))[0].description is None
        patched = store.patch(second.id, Patch(description="new"), durable=durable)
        found = store.find(Query(latest=True))[0]
        assert (found.description, found.updated) == ("new", patched.updated)

    def test_of_what_is_not_there(self, store):
        with pytest.raises(NotFound):
            store.patch(uuid4(), Patch())
        put = store.put(record())
        store.delete(put.id)
        with pytest.raises(NotFound):
            store.patch(put.id, Patch(description="late"))

    def test_only_if_nothing_came_between(self, store):
        put = store.put(record())
        patched = store.patch(put.id, Patch(description="a"), if_seq=put.seq)
        with pytest.raises(Conflict):
            store.patch(put.id, Patch(description="b"), if_seq=put.seq)
        assert store.get(put.id) == patched
        assert store.last_seq() == patched.seq
        assert store.patch(put.id, Patch(description="c"), if_seq=patched.seq).description == "c"


class TestDeletes:
    def test_one_version(self, store):
        made = [store.put(record("k", n)) for n in range(3)]
        store.delete(made[1].id)
        assert store.get(made[1].id) is None
        assert versions(store, "k") == [3, 1]
        assert store.count(Query()) == 2

    def test_of_what_is_not_there(self, store):
        with pytest.raises(NotFound):
            store.delete(uuid4())
        put = store.put(record())
        store.delete(put.id)
        with pytest.raises(NotFound):
            store.delete(put.id)


class TestFilters:
    @pytest.fixture
    def made(self, store):
        flow, task, other = store.put_run(run(RunKind.session, name="Night load")), store.put_run(run(name="cell")), uuid4()
        return {
            name: store.put(record(key, n, type=type, flow_run_id=first, task_run_id=second))
            for n, (name, key, type, first, second) in enumerate(
                [
                    ("a1", "alpha", "markdown", flow.id, None),
                    ("a2", "alpha", "markdown", flow.id, task.id),
                    ("b", "beta", "table", flow.id, None),
                    ("g", "gamma-1", "progress", other, None),
                    ("n", None, "image", flow.id, other),
                    ("d", "delta", None, other, task.id),
                ]
            )
        }

    def names(self, store, made, query):
        assert store.count(query) == len(store.find(query))
        known = {found.id: name for name, found in made.items()}
        return sorted(known[found.id] for found in store.find(query))

    @pytest.mark.parametrize(
        ("filter", "expected"),
        [
            (None, "a1 a2 b d g n"),
            (ArtifactFilter(), "a1 a2 b d g n"),
            (ArtifactFilter(key=KeyFilter(any_=["alpha", "beta", "none"])), "a1 a2 b"),
            (ArtifactFilter(key=KeyFilter(any_=[])), ""),
            (ArtifactFilter(key=KeyFilter()), "a1 a2 b d g n"),
            (ArtifactFilter(key=KeyFilter(exists_=True)), "a1 a2 b d g"),
            (ArtifactFilter(key=KeyFilter(exists_=False)), "n"),
            (ArtifactFilter(key=KeyFilter(like_="")), "a1 a2 b d g n"),
            (ArtifactFilter(key=KeyFilter(like_="ET")), "b"),
            (ArtifactFilter(key=KeyFilter(like_="a%a")), "a1 a2 g"),
            (ArtifactFilter(key=KeyFilter(like_="_eta")), "b"),
            (ArtifactFilter(key=KeyFilter(like_="-")), "g"),
            (ArtifactFilter(key=KeyFilter(like_="\\")), ""),
            (ArtifactFilter(key=KeyFilter(like_="' OR 1=1 --")), ""),
            (ArtifactFilter(key=KeyFilter(any_=["alpha", "beta"], like_="bet")), "b"),
            (ArtifactFilter(type=TypeFilter(any_=["table", "image"])), "b n"),
            (ArtifactFilter(type=TypeFilter(any_=["table"])), "b"),
            (ArtifactFilter(type=TypeFilter(any_=[])), ""),
            (ArtifactFilter(type=TypeFilter(not_any_=["table", "image"])), "a1 a2 g"),
            (ArtifactFilter(type=TypeFilter(not_any_=[])), "a1 a2 b d g n"),
            (ArtifactFilter(type=TypeFilter(any_=["table", "image"], not_any_=["image"])), "b"),
            (ArtifactFilter(key=KeyFilter(like_="a"), type=TypeFilter(any_=["markdown"])), "a1 a2"),
            (ArtifactFilter(Operator.and_, key=KeyFilter(any_=["beta"]), type=TypeFilter(any_=["markdown"])), ""),
            (ArtifactFilter(Operator.or_, key=KeyFilter(any_=["beta"]), type=TypeFilter(any_=["markdown"])), "a1 a2 b"),
            (ArtifactFilter(Operator.or_, key=KeyFilter(any_=["beta"], like_="x"), type=TypeFilter(any_=["progress"])), "g"),
            (ArtifactFilter(Operator.or_, type=TypeFilter(not_any_=["markdown"]), key=KeyFilter(any_=["delta"])), "b d g n"),
            (ArtifactFilter(Operator.or_, key=KeyFilter(any_=[]), type=TypeFilter(any_=["image"])), "n"),
            (ArtifactFilter(Operator.or_, key=KeyFilter(), type=TypeFilter(any_=["image"])), "a1 a2 b d g n"),
        ],
    )
    def test_on_artifacts(self, store, made, filter, expected):
        assert " ".join(self.names(store, made, Query(artifacts=filter))) == expected
        latest = " ".join(name for name in expected.split() if name not in ("a1", "n"))
        assert " ".join(self.names(store, made, Query(artifacts=filter, latest=True))) == latest

    def test_by_id(self, store, made):
        some = IdFilter([made["a1"].id, made["b"].id, uuid4()])
        assert self.names(store, made, Query(artifacts=ArtifactFilter(id=some))) == ["a1", "b"]
        assert self.names(store, made, Query(artifacts=ArtifactFilter(id=some), latest=True)) == ["b"], "by the artifact's id"
        assert self.names(store, made, of(id=made["b"].id, latest=True)) == ["b"]
        assert self.names(store, made, of(id=[])) == []

    def test_by_the_ids_of_runs(self, store, made):
        flow, task, other = made["b"].flow_run_id, made["a2"].task_run_id, made["g"].flow_run_id
        assert self.names(store, made, of(flow_run_id=flow)) == ["a1", "a2", "b", "n"]
        assert self.names(store, made, of(flow_run_id=[flow, other], type="markdown")) == ["a1", "a2"]
        assert self.names(store, made, of(task_run_id=task, latest=True)) == ["a2", "d"]
        assert self.names(store, made, of(task_run_id=[])) == []
        either = ArtifactFilter(Operator.or_, flow_run_id=IdFilter([other]), key=KeyFilter(["beta"]))
        assert self.names(store, made, Query(artifacts=either)) == ["b", "d", "g"]

    def test_by_known_runs(self, store, made):
        assert self.names(store, made, Query(flow_runs=RunFilter())) == ["a1", "a2", "b", "n"]
        assert self.names(store, made, Query(task_runs=RunFilter())) == ["a2", "d"]
        assert self.names(store, made, Query(flow_runs=RunFilter(), task_runs=RunFilter())) == ["a2"]
        assert self.names(store, made, Query(flow_runs=RunFilter(), latest=True)) == ["a2", "b"]
        flow, unknown = made["b"].flow_run_id, made["g"].flow_run_id
        assert self.names(store, made, Query(flow_runs=RunFilter(id=IdFilter([flow])))) == ["a1", "a2", "b", "n"]
        assert self.names(store, made, Query(flow_runs=RunFilter(id=IdFilter([unknown])))) == []
        assert self.names(store, made, Query(flow_runs=RunFilter(name=NameFilter(like_="LOAD")))) == ["a1", "a2", "b", "n"]
        assert self.names(store, made, Query(flow_runs=RunFilter(name=NameFilter(any_=["cell"])))) == []
        either = RunFilter(Operator.or_, id=IdFilter([unknown]), name=NameFilter(any_=["Night load"]))
        assert self.names(store, made, Query(flow_runs=either)) == ["a1", "a2", "b", "n"]
        both = RunFilter(id=IdFilter([unknown]), name=NameFilter(any_=["Night load"]))
        assert self.names(store, made, Query(flow_runs=both)) == []

    def test_by_a_run_and_all_below(self, store):
        session = store.put_run(run(RunKind.session))
        cell = store.put_run(run(parent_id=session.id, session_id=session.id))
        flow = store.put_run(run(RunKind.flow, parent_id=cell.id, session_id=session.id))
        task = store.put_run(run(RunKind.task, parent_id=flow.id, session_id=session.id))
        stranger = store.put_run(run(RunKind.session))
        made = {
            name: store.put(record(flow_run_id=first, task_run_id=second))
            for name, first, second in (
                ("session", session.id, None),
                ("cell", session.id, cell.id),
                ("flow", flow.id, None),
                ("task", flow.id, task.id),
                ("stranger", stranger.id, None),
                ("unknown", None, uuid4()),
            )
        }
        assert self.names(store, made, Query(run=session.id)) == ["cell", "flow", "session", "task"]
        assert self.names(store, made, Query(run=cell.id)) == ["cell", "flow", "task"]
        assert self.names(store, made, Query(run=flow.id)) == ["flow", "task"]
        assert self.names(store, made, Query(run=task.id)) == ["task"]
        assert self.names(store, made, Query(run=made["unknown"].task_run_id)) == ["unknown"]
        assert self.names(store, made, Query(run=uuid4())) == []
        looped = store.put_run(run(id=session.id, kind=RunKind.session, parent_id=task.id))
        assert self.names(store, made, Query(run=looped.id)) == ["cell", "flow", "session", "task"]

    def test_thousands_of_values(self, store, made):
        assert self.names(store, made, of(id=[uuid4() for _ in range(40_000)] + [made["b"].id])) == ["b"]
        assert self.names(store, made, of(key=[f"k{n}" for n in range(40_000)] + ["beta"])) == ["b"]

    def test_a_pattern_has_a_limit(self, store, made):
        assert store.count(Query(artifacts=ArtifactFilter(key=KeyFilter(like_="%a" * 20)))) == 0
        with pytest.raises(InvalidValue):
            store.count(Query(artifacts=ArtifactFilter(key=KeyFilter(like_="x" * 20_000))))


class TestOrders:
    @pytest.fixture
    def made(self, store):
        made, start = [], now() - timedelta(days=1)
        for n, key in enumerate(["b", "c", "a", "b", None, "a", "b"]):
            moment = start + timedelta(seconds=n)
            made.append(store.put(record(key, n, created=moment, updated=moment)))
        store.patch(made[1].id, Patch())
        return made

    def order(self, store, made, **members):
        position = {found.id: n for n, found in enumerate(made)}
        return [position[found.id] for found in store.find(Query(**members))]

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            (Sort.ID_DESC, [6, 5, 4, 3, 2, 1, 0]),
            (Sort.CREATED_DESC, [6, 5, 4, 3, 2, 1, 0]),
            (Sort.NEWEST, [6, 5, 4, 3, 2, 1, 0]),
            (Sort.UPDATED_DESC, [1, 6, 5, 4, 3, 2, 0]),
            (Sort.KEY_ASC, [4, 2, 5, 0, 3, 6, 1]),
            (Sort.KEY_DESC, [1, 6, 3, 0, 5, 2, 4]),
            (Sort.VERSION_DESC, [6, 5, 3, 2, 1, 0, 4]),
        ],
    )
    def test_of_all_versions(self, store, made, sort, expected):
        assert self.order(store, made, sort=sort) == expected
        assert self.order(store, made, sort=sort, limit=2) == expected[:2]
        assert self.order(store, made, sort=sort, limit=2, offset=5) == expected[5:]
        assert self.order(store, made, sort=sort, offset=3) == expected[3:]

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            (Sort.CREATED_DESC, [5, 1, 6]),  # by when the line began
            (Sort.NEWEST, [6, 5, 1]),  # by when the listed version was made
            (Sort.UPDATED_DESC, [1, 6, 5]),
            (Sort.KEY_ASC, [5, 6, 1]),
            (Sort.KEY_DESC, [1, 6, 5]),
            (Sort.VERSION_DESC, [6, 5, 1]),
        ],
    )
    def test_of_the_latest(self, store, made, sort, expected):
        assert self.order(store, made, sort=sort, latest=True) == expected
        assert self.order(store, made, sort=sort, latest=True, limit=1, offset=1) == expected[1:2]

    def test_of_the_latest_by_id_is_by_the_line(self, store, made):
        lines = [found.collection_id for found in store.find(Query(latest=True, sort=Sort.ID_DESC))]
        assert lines == sorted(lines, reverse=True)
        assert len(lines) == 3

    def test_limits(self, store, made):
        assert self.order(store, made, limit=0) == []
        assert len(self.order(store, made, limit=2**70)) == 7
        assert self.order(store, made, offset=2**70) == []
        assert len(self.order(store, made)) == 7
        assert store.count(Query(limit=1, offset=5)) == 7


class TestRuns:
    def test_come_back_whole(self, store):
        given = run(
            RunKind.flow,
            name="load\0",
            parent_id=uuid4(),
            session_id=uuid4(),
            state=RunState.failed,
            ended=now(),
            error="KeyError: 'x'",
            provenance=Provenance(
                notebook="a/b.ipynb", cell_id="c1", execution_count=3, source="1/0", packages={"pandas": "2"}, inputs=[uuid4()]
            ),
        )
        put = store.put_run(given)
        assert put.seq == store.last_seq()
        assert store.get_run(given.id) == put
        assert store.get_run(uuid4()) is None

    def test_are_replaced_by_what_is_true_now(self, store):
        given = run(provenance=Provenance(cell_id="c1"))
        first = store.put_run(given)
        given.state, given.ended = RunState.completed, now()
        second = store.put_run(given)
        assert second.seq > first.seq
        assert store.get_run(given.id) == second
        assert store.find_runs(RunQuery()) == [second]

    def test_their_times_can_be_compared_whoever_gave_them(self, store):
        plain, odd = datetime(2026, 1, 1), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
        for started in (plain, odd, now()):
            store.put_run(run(started=started, ended=started))
        found = store.find_runs(RunQuery())
        assert [one.started for one in found] == sorted((one.ended for one in found), reverse=True)

    def test_are_found(self, store):
        session = store.put_run(run(RunKind.session, provenance=Provenance(notebook="a.ipynb", kernel_id="K")))
        cells = [
            store.put_run(run(parent_id=session.id, session_id=session.id, provenance=Provenance(cell_id=f"c{n % 2}")))
            for n in range(4)
        ]
        other = store.put_run(
            run(state=RunState.completed, provenance=Provenance(notebook="b.ipynb", cell_id="c0", kernel_id="L"))
        )

        def found(**members):
            return ids(store.find_runs(RunQuery(**members)))

        assert found() == ids([other, *reversed(cells), session])
        assert found(limit=2, offset=1) == ids([cells[3], cells[2]])
        assert found(id=IdFilter([session.id, other.id])) == ids([other, session])
        assert found(parent_id=IdFilter([session.id])) == ids(reversed(cells))
        assert found(session_id=IdFilter([session.id]), limit=1) == ids([cells[3]])
        assert found(kind=[RunKind.session]) == ids([session])
        assert found(kind=[RunKind.session, RunKind.cell], limit=1) == ids([other])
        assert found(kind=[]) == []
        assert found(state=[RunState.completed]) == ids([other])
        assert found(cell_id="c0") == ids([other, cells[2], cells[0]])
        assert found(notebook="b.ipynb") == ids([other])
        assert found(kernel_id="K", cell_id="c1") == ids([cells[3], cells[1]]), "a cell has its session's kernel"
        assert found(notebook="a.ipynb", cell_id="c0") == ids([cells[2], cells[0]])
        assert found(notebook="' OR 1=1 --") == []


class TestFeed:
    def test_tells_every_change_once_in_order(self, store):
        first = store.put(record("k", "x" * 1000))
        made = store.put_run(run())
        second = store.put(record("k", 2))
        patched = store.patch(first.id, Patch(description="d"))
        store.delete(second.id)
        again = store.put_run(made)
        feed = store.changes()
        assert [(change.kind, change.seq) for change in feed] == [
            ("artifact", patched.seq),
            ("deleted", patched.seq + 1),
            ("run", again.seq),
        ]
        assert feed[0].record == store.find(Query())[0]
        assert feed[0].record.data is UNSET, "long data does not travel with events"
        assert feed[2].run == again
        gone = feed[1].deleted
        assert (gone.id, gone.key, gone.version) == (second.id, "k", 2)
        assert second.created <= gone.deleted <= now()
        for change in feed:
            assert sum(part is not None for part in (change.record, change.run, change.deleted)) == 1

    def test_goes_on_where_a_reader_stopped(self, store):
        assert (store.changes(), store.last_seq()) == ([], 0)
        for n in range(25):
            put = store.put(record(f"k{n % 3}", n))
            if n % 5 == 0:
                store.delete(put.id)
            if n % 4 == 0:
                store.put_run(run())
        read, since = [], 0
        while page := store.changes(since, limit=4):
            assert len(page) <= 4
            read += page
            since = page[-1].seq
        assert read == store.changes()
        assert since == store.last_seq()
        assert store.changes(since) == []
        assert store.changes(since + 10) == []
        assert store.changes(0, limit=0) == []

    def test_a_thousand_updates_are_one_row(self, store):
        put = store.put(record("k", 0, type="progress"))
        for n in range(1000):
            store.patch(put.id, Patch(data=Raw(b"%d" % n)), durable=False)
        (change,) = store.changes(put.seq)
        assert bytes(change.record.data) == b"999"
        assert change.seq == store.last_seq() == put.seq + 1000

    def test_every_change_has_a_higher_seq(self, store):
        seen = [0]

        def higher():
            assert store.last_seq() > seen[-1]
            seen.append(store.last_seq())

        put = store.put(record("k"))
        higher()
        store.patch(put.id, Patch())
        higher()
        store.delete(put.id)
        higher()
        made = store.put_run(run())
        higher()
        store.put_run(made)
        higher()
        store.put(record("k"))
        higher()


class TestBlobs:
    def test_come_back(self, store):
        content = bytes(range(256)) * 1000
        ref = store.put_blob(content, "application/octet-stream")
        assert (ref.size, ref.media, len(ref.sha256)) == (256_000, "application/octet-stream", 64)
        with store.open_blob(ref) as file:
            assert file.read() == content
            assert file.seek(10) == 10
            assert file.read(2) == content[10:12]

    def test_may_come_in_parts(self, store):
        whole = store.put_blob(b"abc" * 1000, "text/plain")
        parts = store.put_blob((b"abc" for _ in range(1000)), "text/plain")
        assert parts == whole
        empty = store.put_blob(iter(()), "text/plain")
        with store.open_blob(empty) as file:
            assert file.read() == b""

    def test_one_that_is_not_there(self, store):
        with pytest.raises(BlobMissing) as caught:
            store.open_blob(BlobRef(sha256="0" * 64, size=1, media="text/plain"))
        assert caught.value.sha256 == "0" * 64

    @pytest.mark.parametrize(
        "name", ["", "..", "../../etc/passwd", "/etc/passwd", "%2e%2e%2f", "0" * 63, "A" * 64, "0" * 64 + "\n", "0\0" * 32]
    )
    def test_no_name_leads_elsewhere(self, store, name):
        with pytest.raises(BlobMissing):
            store.open_blob(BlobRef(sha256=name, size=1, media="text/plain"))

    def test_no_row_names_one_that_is_not_there(self, store):
        ghost = BlobRef(sha256="0" * 64, size=1, media="text/plain")
        with pytest.raises(BlobMissing):
            store.put(record("k", blob=ghost))
        put = store.put(record("k"))
        with pytest.raises(BlobMissing):
            store.patch(put.id, Patch(blob=ghost))
        assert store.find(Query()) == [put]

    def test_parts_that_fail_leave_nothing(self, store):
        def parts():
            yield b"half"
            raise RuntimeError("no more")

        with pytest.raises(RuntimeError, match="no more"):
            store.put_blob(parts(), "text/plain")


class TestClosing:
    def test_a_closed_store_can_be_used_again(self, store):
        put = store.put(record("k"))
        id, where = store.id, store.where
        store.close()
        store.close()
        assert store.get(put.id) == put
        assert (store.id, store.where) == (id, where)
        assert len(id) >= 16
