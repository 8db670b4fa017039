"""A real Prefect server passes the suite as far as its API goes; what it cannot do is an error that says so."""

import base64
import functools
import json
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from contract import store_suite as suite
from contract.given import of, record, run, versions
from contract.prefect_server import ask, listed
from contract.store_suite import ids
from msgspec import UNSET, Raw, structs

from nb_artifacts.copying import StoreSource, StoreTarget, copy
from nb_artifacts.errors import BlobMissing, Conflict, StoreError, Unsupported
from nb_artifacts.store import open_store
from nb_artifacts.store.prefect import PrefectStore
from nb_artifacts.store.remote import Outcome, Outgoing
from nb_artifacts.types import Image, Link, Markdown, Other, Progress, Table
from nb_artifacts.wire import (
    BlobRef,
    IdFilter,
    Patch,
    Provenance,
    Query,
    RunFilter,
    RunKind,
    RunQuery,
    Sort,
    now,
)


@pytest.fixture
def store(prefect):
    store = open_store(prefect.address)
    yield store
    store.close()


def cannot(test, what):
    """The test of the suite, which ends with the error that names what a Prefect server cannot do."""

    @functools.wraps(test)
    def asserted(*args, **given):
        with pytest.raises(Unsupported, match=what):
            test(*args, **given)

    return asserted


def test_it_tells_which_database_it_has(prefect):
    """By an id which its database was given when it was made, and which nobody can delete."""
    first, second = open_store(prefect.address), open_store(prefect.address)
    assert first.state == second.state != first.id
    known = ask(prefect, "GET", "/block_types/slug/secret")
    assert known["is_protected"]
    first.close()
    second.close()


def test_what_is_exported_to_it_is_what_would_be_sent(store, tmp_path):
    home = open_store(tmp_path / "home", durable=False)
    image, table = home.put_blob(b"PNG", "image/png"), home.put_blob(b"x" * 300_000, "application/vnd.apache.parquet")
    home.put(record("image", None, type="image", blob=image))
    home.put(record("table", "[]", type="table", metadata_={"nb_artifacts.rows": "0 of 9"}, blob=table))
    assert copy(StoreSource(home), StoreTarget(store)).added == 2
    assert copy(StoreSource(home), StoreTarget(store)).same == 2
    assert {one.key: one.type for one in store.find(Query())} == {"image": "image", "table": "table"}
    assert bytes(store.find(of(key="image", data=True))[0].data).startswith(b'"data:image/png')
    assert store.find(of(key="table"))[0].blob == table
    home.close()


class TestPutAndGet(suite.TestPutAndGet):
    test_gives_back_all_that_was_put = cannot(suite.TestPutAndGet.test_gives_back_all_that_was_put, "keep bytes")
    test_lists_hold_only_short_data = cannot(suite.TestPutAndGet.test_lists_hold_only_short_data, "what changed since")
    test_half_a_character_is_refused = cannot(suite.TestPutAndGet.test_half_a_character_is_refused, "number changes")
    test_the_same_again_changes_nothing = cannot(suite.TestPutAndGet.test_the_same_again_changes_nothing, "number changes")

    def test_gives_back_all_but_the_seq(self, store):
        given = record(
            "a-key",
            "text",
            type="markdown",
            description="A **text**",
            metadata_={"nb_artifacts.rows": "500 of 1000000", "": ""},
            flow_run_id=uuid4(),
            task_run_id=uuid4(),
            tags=["one", "two"],
            info={"size": 4, "title": "ä" * 900, "rate": None},
        )
        put = store.put(given)
        assert (put.version, put.seq) == (1, 0)
        assert store.get(given.id) == put
        assert structs.replace(put, version=None) == given
        assert store.put(given) == put, "the same again changes nothing"
        assert store.count(Query()) == 1

    def test_none_and_empty_are_told_apart(self, store):
        """They are not: what has no metadata of its own has none."""
        for metadata in (None, {}):
            assert store.get(store.put(record(metadata_=metadata)).id).metadata_ is None

    def test_the_same_again_after_a_patch_gives_what_is_there_now(self, store):
        """Only what is there now is known as the same."""
        given = record("k", "x" * 1000)
        store.put(given)
        again = store.patch(given.id, Patch(description="new"))
        assert store.put(again) == again
        with pytest.raises(Conflict):
            store.put(given)

    def test_a_deleted_id_does_not_come_back(self, store):
        """It does: nothing is left that knew it. The sender never sends what was deleted here."""
        given = record("k")
        store.put(given)
        store.delete(given.id)
        assert store.get(given.id) is None
        assert store.put(given).id == given.id


class TestVersions(suite.TestVersions):
    def test_never_come_back(self, store):
        """They do: a version is a place in the key's history."""
        made = [store.put(record("k")) for _ in range(3)]
        store.delete(made[2].id)
        assert store.put(record("k")).version == 3
        store.delete(made[0].id)
        assert [store.get(made[1].id).version, versions(store, "k")] == [1, [2, 1]]

    def test_a_version_is_found_by_number(self, store):
        made = [store.put(record("k")) for _ in range(3)]
        store.put(record("l"))
        for number in (1, 2, 3):
            assert ids(store.find(of(key="k", version=number))) == [made[number - 1].id]
            assert store.count(of(key="k", version=number)) == 1
        assert ids(store.find(of(key="k", version=3, latest=True))) == [made[2].id]
        for number in (-1, 0, 4, 2**70):
            assert store.find(of(key="k", version=number)) == []
        with pytest.raises(Unsupported, match="one key"):
            store.find(of(version=1))

    def test_latest_is_the_highest_whatever_the_clock_says(self, store):
        super().test_latest_is_the_highest_whatever_the_clock_says(store)
        assert store.find(of(key="k", latest=True))[0].version == 2

    def test_a_line_keeps_its_identity_and_beginning(self, store):
        """Its beginning is the time of arrival."""
        first = store.put(record("k"))
        before = store.find(of(key="k", latest=True))[0]
        second = store.put(record("k"))
        after = store.find(of(key="k", latest=True))[0]
        assert (after.id, after.collection_id) == (second.id, before.collection_id)
        assert after.collection_created == before.collection_created > first.created
        assert store.get(second.id).collection_id is UNSET

    def test_deleting_the_newest_falls_back_and_takes_over_its_time(self, store):
        made = [store.put(record("k", n)) for n in range(3)]
        store.delete(made[2].id)
        found = store.find(of(key="k", latest=True))[0]
        assert (found.id, found.version, found.created) == (made[1].id, 2, made[1].created)

    def test_deleting_the_last_ends_the_line_and_the_next_is_another(self, store):
        first = store.put(record("k"))
        line = store.find(Query(latest=True))[0].collection_id
        store.delete(first.id)
        assert (store.find(Query(latest=True)), store.count(Query(latest=True))) == ([], 0)
        store.put(record("k"))
        assert store.find(Query(latest=True))[0].collection_id != line


class TestPatches(suite.TestPatches):
    test_data_alone_drops_what_described_it = cannot(suite.TestPatches.test_data_alone_drops_what_described_it, "keep bytes")
    test_data_with_info_or_blob_keeps_what_was_given = cannot(
        suite.TestPatches.test_data_with_info_or_blob_keeps_what_was_given, "keep bytes"
    )
    test_only_if_nothing_came_between = cannot(suite.TestPatches.test_only_if_nothing_came_between, "only where nobody else")

    def test_an_empty_one_moves_updated_and_seq(self, store):
        put = store.put(record("k", "x" * 1000, description="d"))
        patched = store.patch(put.id, Patch())
        assert patched.updated > put.updated
        assert (patched.data, patched.description, patched.created) == (put.data, "d", put.created)

    @pytest.mark.parametrize("lengths", [(10, 1000), (1000, 10), (300_000, 300_001)])
    def test_data_may_change_its_length(self, store, lengths):
        put = store.put(record("k", "x" * lengths[0]))
        data = json.dumps("y" * lengths[1]).encode()
        assert bytes(store.patch(put.id, Patch(data=Raw(data))).data) == data
        assert bytes(store.get(put.id).data) == data


class TestDeletes(suite.TestDeletes):
    def test_one_version(self, store):
        made = [store.put(record("k", n)) for n in range(3)]
        store.delete(made[1].id)
        assert store.get(made[1].id) is None
        assert ids(store.find(of(key="k"))) == [made[2].id, made[0].id]
        assert (versions(store, "k"), store.count(Query())) == ([2, 1], 2)


class TestFilters(suite.TestFilters):
    @pytest.fixture
    def made(self, store):
        flow, other = uuid4(), uuid4()
        given = [
            ("a1", "alpha", "markdown"), ("a2", "alpha", "markdown"), ("b", "beta", "table"),
            ("g", "gamma-1", "progress"), ("n", None, "image"), ("d", "delta", None),
        ]  # fmt: skip
        return {
            name: store.put(record(key, n, type=type, flow_run_id=flow, task_run_id=other))
            for n, (name, key, type) in enumerate(given)
        }

    test_by_a_run_and_all_below = cannot(lambda self, store: store.find(Query(run=uuid4())), "made by a run")
    test_thousands_of_values = cannot(suite.TestFilters.test_thousands_of_values, "at most 5,000 values")

    def test_by_the_ids_of_runs(self, store, made):
        """Those of Prefect's own runs: ours travel in the metadata."""
        assert made["b"].flow_run_id is not None
        assert store.find(of(flow_run_id=made["b"].flow_run_id)) == []

    def test_by_known_runs(self, store, made):
        assert self.names(store, made, Query(flow_runs=RunFilter(id=IdFilter([uuid4()])))) == []

    def test_what_comes_after_an_id(self, store, made):
        with pytest.raises(Unsupported, match="after"):
            store.find(Query(after=made["b"].id))


class TestOrders(suite.TestOrders):
    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            (Sort.ID_DESC, [6, 5, 4, 3, 2, 1, 0]),
            (Sort.CREATED_DESC, [6, 5, 4, 3, 2, 1, 0]),
            (Sort.NEWEST, [6, 5, 4, 3, 2, 1, 0]),
            (Sort.UPDATED_DESC, [1, 6, 5, 4, 3, 2, 0]),
        ],
    )
    def test_of_all_versions(self, store, made, sort, expected):
        super().test_of_all_versions(store, made, sort, expected)

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            (Sort.CREATED_DESC, [5, 1, 6]),
            (Sort.NEWEST, [1, 6, 5]),  # a patch counts too
            (Sort.UPDATED_DESC, [1, 6, 5]),
            (Sort.KEY_ASC, [5, 6, 1]),
            (Sort.KEY_DESC, [1, 6, 5]),
        ],
    )
    def test_of_the_latest(self, store, made, sort, expected):
        super().test_of_the_latest(store, made, sort, expected)

    def test_by_version_of_many_keys(self, store, made):
        for latest in (False, True):
            with pytest.raises(Unsupported, match="no version numbers to sort by"):
                store.find(Query(sort=Sort.VERSION_DESC, latest=latest))


class TestClosing(suite.TestClosing):
    pass


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda store: store.put_run(run()), "runs"),
        (lambda store: store.get_run(uuid4()), "runs"),
        (lambda store: store.find_runs(RunQuery()), "runs"),
        (lambda store: store.changes(), "changed"),
        (lambda store: store.last_seq(), "number changes"),
        (lambda store: store.put_blob(b"x", "text/plain"), "keep bytes"),
    ],
)
def test_what_it_cannot_do_is_named(store, call, what):
    with pytest.raises(Unsupported, match=what) as caught:
        call(store)
    assert store.where in str(caught.value)
    with pytest.raises(BlobMissing, match="Prefect"):
        store.open_blob(BlobRef(sha256="0" * 64, size=1, media="text/plain"))
    assert store.blob_bytes() == 0


# What Prefect's own clients see of ours, and we of theirs


def put(given, **members):
    return Outgoing("put", given.id, given, **members)


def of_payload(payload, key="k", blob=None):
    """A record as it is made here, and its bytes."""
    content = payload.content()
    given = record(key, type=payload.type, info=content.info, metadata_=content.metadata or None)
    given.data = payload.data_for(content, given.id)
    if content.blob is not None:
        import hashlib

        data, media = content.blob
        given.blob = BlobRef(sha256=hashlib.sha256(data).hexdigest(), size=len(data), media=media)
        return given, data
    return given, b""


def read(store, payload, id):
    found = store.get(id)
    return payload.read(found, lambda: store.open_blob(found.blob).read())


def test_a_link_is_markdown_there_and_a_link_here(store, prefect):
    given, _ = of_payload(Link("https://example.com/a_(b)", "An *example*"))
    (outcome,) = store.send([put(given)])
    (there,) = listed(prefect)
    assert (there["type"], there["data"]) == ("markdown", "[An *example*](https://example.com/a_\\(b\\))")
    assert (there["flow_run_id"], there["id"]) == (None, str(outcome.remote_id))
    assert store.get(given.id).type == "link"
    assert read(store, Link, given.id).value == "https://example.com/a_(b)"


def test_names_of_the_run_go_along_and_no_more(store, prefect):
    about = Provenance(notebook="load.ipynb", cell_id="c1", execution_count=3, source="SECRET", user="USER", host="HOST")
    given = record("k", "# hi", type="markdown", task_run_id=uuid4())
    store.send([put(given, run=run(name="cell 3", provenance=about))])
    (there,) = listed(prefect)
    told = {name.removeprefix("nb_artifacts_"): value for name, value in there["metadata_"].items()}
    assert (told["notebook"], told["cell_id"], told["execution_count"], told["run"]) == ("load.ipynb", "c1", "3", "cell 3")
    assert not any(word in json.dumps(there) for word in ("SECRET", "USER", "HOST"))
    assert all(len(value) <= 500 for value in told.values())
    assert store.send([Outgoing("run", uuid4(), run=run())]) == [Outcome("done")]


def test_runs_of_prefects_own_are_named_as_such(store, prefect):
    flow = ask(prefect, "POST", "/flows/", {"name": "etl"})["id"]
    made = ask(prefect, "POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "RUNNING"}})
    real, ours = UUID(made["id"]), uuid4()
    for flow_run, task_run, kind in ((real, ours, RunKind.task), (ours, None, RunKind.flow), (real, None, RunKind.cell)):
        given = record("k", "# hi", type="markdown", flow_run_id=flow_run, task_run_id=task_run)
        store.send([put(given, run=run(kind, id=task_run or flow_run))])
        assert (store.get(given.id).flow_run_id, store.get(given.id).task_run_id) == (flow_run, task_run)
    assert [one["flow_run_id"] for one in listed(prefect)] == [None, None, str(real)]
    assert {one["task_run_id"] for one in listed(prefect)} == {None}
    assert store.count(Query(flow_runs=RunFilter(id=IdFilter([real])))) == 1


def test_a_short_table_is_its_rows(store, prefect):
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    given, _ = of_payload(Table(frame))
    store.send([put(given)])
    (there,) = listed(prefect)
    assert json.loads(there["data"]) == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    found = read(store, Table, given.id)
    assert found.value == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert found.to_pandas()["a"].tolist() == [1, 2]


def test_a_large_table_is_a_preview_that_says_so(prefect):
    import pandas as pd

    public = "https://artifacts.example.org/api"
    with_link = PrefectStore(open_store(prefect.address)._connection, public=public)
    given, _ = of_payload(Table(pd.DataFrame({"a": range(100_000), "b": "some text"})))
    given.description = "All of them"
    with_link.send([put(given)])
    (there,) = listed(prefect)
    assert len(there["data"]) <= 256_000
    assert there["metadata_"]["nb_artifacts.rows"].endswith(" of 100000")
    assert there["description"] == f"All of them\n\n[All of it]({public}/artifacts/{given.id}/blob)"
    found = with_link.get(given.id)
    assert (found.description, found.info["rows"], found.blob) == ("All of them", 100_000, given.blob)
    with pytest.raises(BlobMissing, match="Prefect"):
        read(with_link, Table, given.id).to_pandas()


def test_a_small_image_goes_along_and_a_large_one_does_not(store, prefect):
    import numpy as np

    small, data = of_payload(Image(np.zeros((4, 4, 3), np.uint8)), "small")
    large, _ = of_payload(Image(np.random.default_rng(1).integers(0, 255, (400, 400, 3), np.uint8)), "large")
    assert store.missing_blobs([small.blob, large.blob]) == [small.blob]
    with pytest.raises(BlobMissing):
        store.send([put(small)])
    store.send_blob(small.blob, lambda: BytesIO(data))
    assert [one.state for one in store.send([put(small), put(large)])] == ["done", "done"]
    there = {one["key"]: one for one in listed(prefect)}
    assert there["small"]["type"] == "image"
    assert base64.b64decode(there["small"]["data"].partition("base64,")[2]) == data
    assert (there["large"]["type"], there["large"]["data"][:17]) == ("markdown", "Image (image/png,")
    assert read(store, Image, small.id).image().size == (4, 4)
    with pytest.raises(BlobMissing):
        read(store, Image, large.id).image()


def test_what_is_too_long_is_cut_and_says_so(store, prefect):
    given = record("k", "ä" * 3_000_000, type="markdown", metadata_={"long": "x" * 600})
    store.send([put(given)])
    (there,) = listed(prefect)
    assert there["data"].endswith("… 256000 of 6000000 bytes")
    assert there["metadata_"]["nb_artifacts.data"] == "256000 of 6000000 bytes"
    assert there["metadata_"]["long"] == "x" * 499 + "…"


def test_artifacts_of_prefects_own_clients_are_read(store, prefect):
    for body in (
        {"key": "table", "type": "table", "data": '[{"a": 1, "b": NaN}, {"a": 2}]'},
        {"key": "text", "type": "markdown", "data": "# hi", "description": "d"},
        {"key": "bar", "type": "progress", "data": 40},
        {"key": "image", "type": "image", "data": "https://example.com/a.png"},
        {"key": "any", "data": {"x": [1]}},
    ):
        ask(prefect, "POST", "/artifacts/", body)
    found = {one.key: one for one in store.find(Query(latest=True, data=True))}
    assert Table.read(found["table"], bytes).to_pandas()["a"].tolist() == [1, 2]
    assert Markdown.read(found["text"], bytes).value == "# hi"
    assert Progress.read(found["bar"], bytes).value == 40
    assert Image.read(found["image"], bytes).text() == "https://example.com/a.png"
    assert Other.read(found["any"], bytes).value == {"x": [1]}
    theirs = {one["key"]: one for one in listed(prefect)}
    assert str(found["text"].id) == theirs["text"]["id"]
    assert store.get(found["text"].id).version == 1
    patched = store.patch(found["text"].id, Patch(description="ours"))
    assert (patched.id, patched.description) == (found["text"].id, "ours")


def test_a_change_by_prefects_own_clients_is_seen(store, prefect):
    given = record("bar", 10, type="progress", info={"state": "running"})
    store.send([put(given)])
    assert store.get(given.id).updated == given.updated
    (there,) = listed(prefect)
    ask(prefect, "PATCH", f"/artifacts/{there['id']}", {"data": 90})
    found = store.get(given.id)
    assert (bytes(found.data), found.info) == (b"90", {})
    assert found.updated > given.updated


def test_another_machine_finds_ours_by_our_id(store, prefect):
    given = record("k", 1)
    store.send([put(given)])
    store.send([put(record("other", n)) for n in range(3)])
    elsewhere = open_store(prefect.address)
    assert elsewhere.get(given.id) == store.get(given.id)
    assert elsewhere.get(uuid4()) is None
    old = record("k", 1)
    assert open_store(prefect.address).get(old.id) is None


# Sending


def test_states_follow_each_other(store, prefect):
    given = record("bar", 10, type="progress")
    (outcome,) = store.send([put(given)])
    assert (outcome.state, outcome.version) == ("done", 1)
    later = structs.replace(given, data=Raw(b"60"), updated=now())
    assert store.send([Outgoing("patch", given.id, later, remote_id=outcome.remote_id)])[0].state == "done"
    assert [(one["data"], one["type"]) for one in listed(prefect)] == [(60, "progress")]
    assert store.send([Outgoing("delete", given.id, remote_id=outcome.remote_id)])[0].state == "done"
    assert store.send([Outgoing("delete", given.id, again=True)])[0].state == "done"
    last = Outgoing("patch", given.id, later, remote_id=outcome.remote_id)
    assert store.send([last])[0].state == "done"
    assert listed(prefect) == [], "what was deleted there stays deleted"


def test_what_it_refuses_is_rejected_with_the_reason(store):
    odd = structs.replace(record("k"), key="Not A Key")
    first, second = store.send([put(odd), put(record("k"))])
    assert (first.state, second.state) == ("rejected", "done")
    assert "lowercase" in first.error


def test_it_works_behind_the_path_of_a_cloud_workspace_with_a_key(prefect):
    """A server in front of the real one, as Prefect Cloud is: other paths, a Bearer key, no version."""
    from contract.cloud import Cloud

    with Cloud(prefect.port, key="pnu_secret") as cloud:
        store = open_store(cloud.address, key="pnu_secret")
        assert isinstance(store, PrefectStore)
        given = record("k", 1)
        assert store.send([put(given)])[0].state == "done"
        assert store.get(given.id).version == 1
        with pytest.raises(StoreError, match="wants a key"):
            open_store(cloud.address)
