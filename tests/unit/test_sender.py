"""One pass of the sender: what goes, in which order, and what becomes of what cannot."""

import errno
import io
import itertools
import sqlite3
import time

import pytest
from contract.given import of, record, run, versions
from faults.elsewhere import ADDRESS, Pair, content
from msgspec import Raw

from nb_artifacts.api import uploads
from nb_artifacts.errors import Denied, RemoteBusy, StoreError
from nb_artifacts.sender import preview
from nb_artifacts.sender.outgoing import cut_record, cut_run, level_for
from nb_artifacts.sender.pace import Gate, backoff
from nb_artifacts.store import http_blobs
from nb_artifacts.wire import Patch, Provenance, Query, RunKind, RunState, Sort


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path, durable=False)
    yield pair
    pair.close()


def put(pair, key="k", data=1, **members):
    return pair.here.put(record(key, data, **members))


def sends(pair):
    return [body for method, path, body, _ in pair.connection.asked if path == "/changes/batch"]


def test_all_that_was_made_arrives_in_the_order_made(pair):
    made = [put(pair, f"k{n % 7}", n) for n in range(350)]
    drained = pair.drain()
    assert (drained.sent, drained.refused, drained.error) == (350, 0, None)
    assert content(pair.there) == content(pair.here)
    for n in range(7):
        order = [one.id for one in made if one.key == f"k{n}"]
        assert [one.id for one in pair.there.find(of(key=f"k{n}", sort=Sort.VERSION_DESC))][::-1] == order
        assert versions(pair.there, f"k{n}") == versions(pair.here, f"k{n}")
    assert len(sends(pair)) < 20
    assert pair.remotes.state(ADDRESS).pending == 0
    assert pair.remotes.mapping(ADDRESS, [made[-1].id])[made[-1].id].version == 50
    assert pair.remotes.find(ADDRESS).cursor == pair.here.last_seq()
    pair.connection.asked.clear()
    assert pair.drain().sent == 0
    assert pair.connection.asked == []


def test_versions_are_not_swapped_by_what_changed_before_they_went(pair):
    first, second = put(pair), put(pair)
    pair.here.patch(first.id, Patch(description="changed"))
    pair.drain()
    assert [one.id for one in pair.there.find(of(key="k", sort=Sort.VERSION_DESC))] == [second.id, first.id]
    assert pair.there.get(first.id).description == "changed"


def test_updates_and_deletions_follow(pair):
    kept, gone, never = put(pair), put(pair, "gone"), put(pair, "never")
    pair.here.delete(never.id)
    pair.drain()
    pair.here.patch(kept.id, Patch(data=Raw(b"2"), info={"a": 1}))
    pair.here.delete(gone.id)
    drained = pair.drain()
    assert (drained.sent, drained.deleted) == (1, 1)
    assert content(pair.there) == content(pair.here)
    assert not any(str(never.id).encode() in body for body in sends(pair))


def test_a_record_changed_while_it_was_sent_is_sent_again(pair):
    first = put(pair)

    def change(method, path, body):
        pair.connection.fault = lambda *_: None
        pair.here.patch(first.id, Patch(description="newer"))

    pair.connection.fault = change
    assert pair.drain().sent == 2
    assert pair.there.get(first.id).description == "newer"


def test_a_deletion_while_it_is_sent_follows(pair):
    first = put(pair)

    def delete(method, path, body):
        pair.connection.fault = lambda *_: None
        pair.here.delete(first.id)
        return "after"

    pair.connection.fault = delete
    assert pair.drain().error.ambiguous
    assert pair.there.count(Query()) == 1
    pair.drain()
    assert pair.there.count(Query()) == 0
    assert pair.drain() == (0, 0, 0, None)


def test_blobs_go_first_and_each_once(pair):
    ref = pair.here.put_blob(b"bytes" * 1000, "image/png")
    large = pair.here.put_blob(b"x" * 9_000_000, "application/octet-stream")
    for n in range(5):
        put(pair, f"k{n}", blob=ref)
    put(pair, "large", blob=large)
    assert pair.drain().sent == 6
    uploads = [path for method, path, *_ in pair.connection.asked if method == "PATCH"]
    assert len([path for path in uploads if ref.sha256 in path]) == 1
    assert len([path for path in uploads if large.sha256 in path]) == 2
    assert content(pair.there) == content(pair.here)
    assert pair.there.open_blob(ref).read() == b"bytes" * 1000
    put(pair, "again", blob=ref)
    pair.drain()
    assert len([1 for method, *_ in pair.connection.asked if method == "PATCH"]) == 3


def test_bytes_that_are_gone_hold_nobody_up(pair):
    ref = pair.here.put_blob(b"bytes", "image/png")
    lost, other = put(pair, "lost", blob=ref), put(pair, "other")
    pair.here._blobs.path(ref.sha256).unlink()
    assert pair.drain().refused == 1
    (parked,) = pair.remotes.state(ADDRESS).parked
    assert parked.id == lost.id and ref.sha256 in parked.error
    assert list(content(pair.there)) == [other.id]


@pytest.mark.parametrize("most", [100_000, 10_000], ids=["goes at once", "is refused"])
def test_replicas_that_share_no_parts_end_no_upload_in_a_circle(pair, tmp_path, monkeypatch, most):
    places = itertools.cycle([tmp_path / "one", tmp_path / "two"])
    place = {}

    def ask(method, path, body):
        if method in {"HEAD", "PATCH"}:
            place["now"] = next(places)
        assert len(pair.connection.asked) < 100

    pair.connection.fault = ask
    monkeypatch.setattr(uploads, "_place", lambda _: place["now"])
    monkeypatch.setattr(http_blobs, "PIECE", 10_000)
    monkeypatch.setattr(http_blobs, "AT_ONCE", most)
    large, other = put(pair, "large", blob=pair.here.put_blob(b"x" * 25_000, "image/png")), put(pair, "other")
    drained = pair.drain()
    assert drained.error is None
    assert {one.id for one in pair.there.find(Query())} == ({large.id, other.id} if most > 25_000 else {other.id})
    parked = pair.remotes.state(ADDRESS).parked
    assert ["loses parts" in one.error for one in parked] == ([] if most > 25_000 else [True])


def damage(pair, table, column, id):
    with sqlite3.connect(pair.here.folder / "store.db") as connection:
        connection.execute(f"UPDATE {table} SET {column} = '{{' WHERE id = ?", (id.bytes,))
    connection.close()


def test_rows_that_are_damaged_hold_nobody_up(pair):
    cell = pair.here.put_run(run())
    lost, without_run, other = put(pair, "lost"), put(pair, "of-a-run", task_run_id=cell.id), put(pair, "other")
    damage(pair, "artifact", "info", lost.id)
    damage(pair, "run", "body", cell.id)
    drained = pair.drain()
    assert (drained.sent, drained.refused, drained.error) == (2, 1, None)
    assert {one.id for one in pair.there.find(Query())} == {without_run.id, other.id}
    (parked,) = pair.remotes.state(ADDRESS).parked
    assert parked.id == lost.id
    assert "damaged" in parked.error


@pytest.mark.parametrize("when", ["opened", "read"])
def test_bytes_that_cannot_be_read_hold_nobody_up(pair, monkeypatch, when):
    lost, other = put(pair, "lost", blob=pair.here.put_blob(b"bytes", "image/png")), put(pair, "other")

    def fail(*_):
        raise OSError(errno.EIO, "as a failing disk says")

    def open_blob(ref):
        if when == "opened":
            raise StoreError("cannot be read") from OSError(errno.EACCES, "as without rights")
        file = io.BytesIO(b"bytes")
        file.read = fail
        return file

    monkeypatch.setattr(pair.here, "open_blob", open_blob)
    drained = pair.drain()
    assert (drained.sent, drained.refused, drained.error) == (1, 1, None)
    assert [one.id for one in pair.there.find(Query())] == [other.id]
    assert [one.id for one in pair.remotes.state(ADDRESS).parked] == [lost.id]


def test_a_lack_of_handles_is_no_fault_of_the_row(pair, monkeypatch):
    put(pair, blob=pair.here.put_blob(b"bytes", "image/png"))

    def open_blob(ref):
        raise StoreError("cannot be opened") from OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(pair.here, "open_blob", open_blob)
    assert "cannot be opened" in str(pair.drain().error)
    monkeypatch.undo()
    assert pair.drain().sent == 1


def test_runs_go_before_their_artifacts_and_again_when_they_end(pair):
    session, cell = run(RunKind.session, name="nb.ipynb"), run(name="[1]")
    cell.parent_id = cell.session_id = session.id
    for one in (session, cell):
        pair.here.put_run(one)
    idle = run(name="idle")
    pair.here.put_run(idle)
    for n in range(3):
        put(pair, f"k{n}", flow_run_id=session.id, task_run_id=cell.id)
    pair.drain()
    assert pair.there.get_run(cell.id).name == "[1]"
    assert pair.there.get_run(session.id) is not None
    assert pair.there.get_run(idle.id) is None
    body = sends(pair)[0]
    assert body.index(str(cell.id).encode()) < body.index(b'"key":"k0"')
    cell.state, cell.ended = RunState.completed, cell.started
    pair.here.put_run(cell)
    pair.drain()
    assert pair.there.get_run(cell.id).state is RunState.completed


def test_an_error_stops_at_one_request_and_loses_nothing(pair):
    for n in range(500):
        put(pair, f"k{n}")
    pair.connection.fault = lambda *_: 503
    drained = pair.drain()
    assert isinstance(drained.error, RemoteBusy)
    assert len(pair.connection.asked) == 1
    pair.connection.fault = lambda *_: None
    assert pair.drain().sent == 500


def test_denied_refuses_no_row(pair):
    put(pair)
    pair.connection.fault = lambda *_: 401
    assert isinstance(pair.drain().error, Denied)
    assert pair.remotes.state(ADDRESS).parked == []


def test_a_poison_row_is_left_aside_and_its_key_goes_on(pair):
    bad, good, other = put(pair), put(pair), put(pair, "other")
    pair.connection.fault = lambda method, path, body: 422 if body and str(bad.id).encode() in body else None
    drained = pair.drain()
    assert drained.error is None
    assert set(content(pair.there)) == {good.id, other.id}
    tries = [body for body in sends(pair) if str(bad.id).encode() in body and body.count(b'"op"') == 1]
    assert 1 <= len(tries) <= 3
    (parked,) = pair.remotes.state(ADDRESS).parked
    assert (parked.id, parked.key) == (bad.id, "k") and "422" in parked.error
    pair.connection.fault = lambda *_: None
    assert pair.drain().sent == 0
    pair.remotes.unpark(ADDRESS)
    assert pair.drain().sent == 1
    assert pair.remotes.state(ADDRESS).parked == []


def test_a_poison_row_alone_is_tried_three_times(pair):
    bad = put(pair)
    pair.connection.fault = lambda *_: 422
    assert pair.drain().refused == 3
    assert len(sends(pair)) == 3
    assert [one.id for one in pair.remotes.state(ADDRESS).parked] == [bad.id]


@pytest.mark.parametrize("count", [1, 2])
def test_a_row_at_which_the_server_itself_fails_is_left_aside_once_others_arrive(pair, count):
    bad = [put(pair, f"bad-{n}", n) for n in range(count)]
    good = [put(pair, f"k{n % 7}", n) for n in range(150)]
    fails = [str(one.id).encode() for one in bad]
    pair.connection.fault = lambda method, path, body: 500 if body and any(id in body for id in fails) else None
    assert isinstance(pair.drain().error, RemoteBusy), "it may be the server's trouble with all"
    assert pair.remotes.state(ADDRESS).parked == []
    assert pair.drain(sort_out=True).error is None
    assert set(content(pair.there)) == {one.id for one in good}
    parked = pair.remotes.state(ADDRESS).parked
    assert {one.id for one in parked} == {one.id for one in bad}
    assert all("500" in one.error for one in parked)
    pair.connection.fault = lambda *_: None
    pair.remotes.unpark(ADDRESS)
    assert pair.drain().sent == count


@pytest.mark.parametrize("rows", [1, 150])
def test_a_server_that_fails_at_everything_refuses_nothing(pair, rows):
    for n in range(rows):
        put(pair, f"k{n}")
    pair.connection.fault = lambda *_: 500
    for _ in range(3):
        pair.connection.asked.clear()
        assert isinstance(pair.drain(sort_out=True).error, RemoteBusy)
        assert len(sends(pair)) <= 15
    assert pair.remotes.state(ADDRESS).parked == []
    pair.connection.fault = lambda *_: 503
    pair.connection.asked.clear()
    assert isinstance(pair.drain(sort_out=True).error, RemoteBusy)
    assert len(sends(pair)) == 1, "one that says it is busy is believed"
    pair.connection.fault = lambda *_: None
    assert pair.drain().sent == rows


def test_what_is_refused_for_a_while_keeps_its_place(pair):
    first, second = put(pair), put(pair)
    other = [put(pair, None) for _ in range(3)]
    refusals = iter([422] * 5)
    pair.connection.fault = lambda method, path, body: next(refusals, None) if str(first.id).encode() in body else None
    drained = pair.drain()
    assert (drained.sent, drained.error) == (5 - len(pair.remotes.state(ADDRESS).parked), None)
    there = [one.id for one in pair.there.find(of(key="k", sort=Sort.VERSION_DESC))]
    assert there == [id for id in (second.id, first.id) if id in there]
    assert second.id in there and {one.id for one in other} <= set(content(pair.there))


def test_nothing_is_begun_after_the_deadline(pair):
    for n in range(300):
        put(pair, f"k{n}")
    assert pair.drain(deadline=time.monotonic() - 1) == (0, 0, 0, None)
    assert pair.drain(goes_on=lambda: False).sent == 0
    assert pair.connection.asked == []
    assert pair.remotes.state(ADDRESS).pending == 300


def test_updates_are_gathered(pair):
    bars = [put(pair, f"bar-{n}", 0, type="progress") for n in range(20)]
    gate = Gate(every=30.0)
    pair.drain(gate=gate)
    for n in range(50):
        for bar in bars:
            pair.here.patch(bar.id, Patch(data=Raw(b"%d" % n)), durable=False)
    pair.connection.asked.clear()
    pair.drain(gate=gate)
    assert len(sends(pair)) == 1
    new = put(pair, "new")
    pair.here.patch(bars[0].id, Patch(data=Raw(b"100")), durable=False)
    pair.drain(gate=gate, deadline=time.monotonic() + 0.3)
    assert pair.there.get(new.id) is not None, "what is new does not wait for them"
    assert bytes(pair.there.get(bars[0].id).data) == b"49"
    pair.drain()
    assert content(pair.there) == content(pair.here)


def test_long_rows_go_in_pieces_of_a_megabyte(pair):
    for n in range(6):
        put(pair, f"k{n}", "x" * 240_000)
    put(pair, "file", "y" * 700_000)
    assert pair.drain().sent == 7
    assert max(map(len, sends(pair))) < 1_100_000
    assert content(pair.there) == content(pair.here)


def test_the_past_is_sent_when_it_is_asked_for(tmp_path):
    from nb_artifacts.store import open_store

    old = [open_store(tmp_path / "here").put(record("k", n)) for n in range(3)]
    pair = Pair(tmp_path)
    new = put(pair, "new")
    pair.drain()
    assert list(content(pair.there)) == [new.id]
    pair.remotes.include_all(ADDRESS)
    pair.drain()
    assert set(content(pair.there)) == {new.id, *(one.id for one in old)}


def test_a_preview_sends_and_notes_nothing(pair):
    cell = run(name="[1]")
    pair.here.put_run(cell)
    made = put(pair, task_run_id=cell.id)
    for _ in range(2):
        items = list(preview(pair.here, pair.remotes, ADDRESS))
        assert [(item.op, item.id) for item in items] == [("run", cell.id), ("put", made.id)]
    assert pair.connection.asked == []
    assert [item.op for item in preview(pair.here, pair.remotes, ADDRESS, provenance="off")] == ["put"]


@pytest.mark.parametrize("level", ["full", "names", "off"])
def test_no_more_of_the_origin_leaves_than_is_allowed(pair, level):
    about = Provenance(
        notebook="/home/me/nb.ipynb", cell_id="c", source="secret()", source_sha256="f", user="me", host="mine", pid=7
    )
    cell = run(name="[1]", provenance=about, error="ValueError: my data")
    pair.here.put_run(cell)
    info = {"state": "running", "host": "mine", "boot_id": "b", "pid": 7, "process_started": 1.0}
    made = put(pair, type="progress", info=info, task_run_id=cell.id)
    pair.drain(provenance=level)
    sent = b"".join(sends(pair))
    found, arrived = pair.there.get_run(cell.id), pair.there.get(made.id)
    if level == "full":
        assert found.provenance == about and arrived.info == info
        return
    assert arrived.info == {"state": "running"}
    for private in (b"secret()", b"mine", b"/home/me", b"my data"):
        assert private not in sent
    if level == "names":
        assert (found.provenance.notebook, found.provenance.cell_id, found.error) == ("nb.ipynb", "c", "ValueError")
    else:
        assert found is None and arrived.task_run_id is None


def test_prefect_gets_names_at_most():
    assert level_for("prefect", None) == level_for("prefect", "full") == "names"
    assert level_for("prefect", "off") == "off"
    assert level_for("nb-artifacts", None) == level_for(None, None) == "full"
    assert level_for("nb-artifacts", "names") == "names"
    given = record("k", flow_run_id=None)
    assert cut_record(given, "full") is given
    assert cut_run(run(provenance=Provenance(notebook="C:\\me\\nb.ipynb")), "names").provenance.notebook == "nb.ipynb"


def test_failures_are_followed_by_ever_longer_waits():
    for failures in range(1, 30):
        waits = [backoff(failures) for _ in range(50)]
        assert max(waits) <= min(60, 0.5 * 2 ** (failures - 1))
        assert failures <= 5 or min(waits) >= 1
    assert backoff(1, retry_after=30.0) == 30
    assert backoff(9, retry_after=1e9) == 3600
