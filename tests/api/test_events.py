"""The change feed as events: greeting, order, resuming, many listeners, slow ones, and silence."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
from api.conftest import ROOT, wait_until

from nb_artifacts import wire
from nb_artifacts.api import HEARTBEAT, Api, Request, events
from nb_artifacts.errors import StoreBusy
from nb_artifacts.wire import Patch, Record, Run, RunKind


def make(store, key=None, data=b"1"):
    now = wire.now()
    return store.put(Record(id=wire.new_id(), created=now, updated=now, key=key, data=wire.Raw(data)))


def listen(api, since=None, **headers):
    query = "" if since is None else f"since={since}"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response = api(Request("GET", "/events", query=query, headers=names))
    assert response.status == 200
    return Events(response)


class Events:
    def __init__(self, response):
        self.response = response
        self.pieces = iter(response.body)
        self.waiting = []
        self.hello = self.next()

    def next(self):
        while not self.waiting:
            self.waiting += [part for part in next(self.pieces).split(b"\n\n") if part and not part.startswith(b":")]
        fields = dict(line.split(b": ", 1) for line in self.waiting.pop(0).split(b"\n"))
        assert set(fields) == {b"id", b"event", b"data"}
        return int(fields[b"id"]), fields[b"event"].decode(), json.loads(fields[b"data"])

    def close(self):
        self.pieces.close()


@pytest.fixture
def hear(api):
    opened = []

    def hear(*args, **options):
        opened.append(listen(api, *args, **options))
        return opened[-1]

    yield hear
    for one in opened:
        one.close()
    assert api.feed.listeners == 0


def test_the_greeting(store, hear):
    make(store)
    stream = hear()
    assert stream.hello == (store.last_seq(), "hello", {"store": store.id, "seq": store.last_seq()})
    headers = stream.response.headers
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Cache-Control"] == "no-store"


def test_create_update_delete_and_runs(store, hear):
    make(store)
    stream = hear()
    record = make(store, "k", b'"%s"' % (b"x" * 1000))
    seq, name, change = stream.next()
    assert (seq, name, change["kind"]) == (record.seq, "change", "artifact")
    assert change["record"]["id"] == str(record.id)
    assert "data" not in change["record"]
    changed = store.patch(record.id, Patch(data=wire.Raw(b"2")))
    seq, _, change = stream.next()
    assert (seq, change["record"]["data"]) == (changed.seq, 2)
    store.delete(record.id)
    assert stream.next()[2]["deleted"]["id"] == str(record.id)
    run = store.put_run(Run(id=wire.new_id(), kind=RunKind.session, started=wire.now()))
    assert stream.next()[2]["run"]["id"] == str(run.id)


def test_resuming(store, hear):
    records = [make(store) for _ in range(5)]
    stream = hear(records[1].seq)
    assert stream.hello[0] == records[1].seq
    assert stream.hello[2]["seq"] == records[4].seq
    assert [stream.next()[0] for _ in range(3)] == [record.seq for record in records[2:]]
    again = hear(records[0].seq, last_event_id=str(records[3].seq))
    assert again.next()[0] == records[4].seq
    everything = hear(0)
    assert [everything.next()[0] for _ in range(5)] == [record.seq for record in records]


@pytest.mark.parametrize("since", [10**6, 10**18, 10**40])
def test_a_seq_of_another_time(store, hear, since):
    make(store)
    stream = hear(since)
    assert stream.hello[0] == store.last_seq()
    record = make(store)
    assert stream.next()[0] == record.seq


@pytest.mark.parametrize("since", ["-1", "x", "1.5", "²", "", "%00"])
def test_what_is_no_seq(api, since):
    response = api(Request("GET", "/events", query=f"since={since}"))
    assert response.status == 422
    assert json.loads(response.body)["exception_detail"][0]["loc"] == ["query", "since"]


def test_line_breaks_in_payloads_do_not_end_an_event(store, hear):
    stream = hear()
    make(store, data=b"[1,\r\n\t2,\n\n3]")
    assert stream.next()[2]["record"]["data"] == [1, 2, 3]


def test_silence_has_heartbeats(store):
    api = Api(lambda: store, heartbeat=0.01)
    pieces = iter(api(Request("GET", "/events")).body)
    next(pieces)
    assert [next(pieces) for _ in range(3)] == [HEARTBEAT] * 3
    assert HEARTBEAT.startswith(b":")
    assert HEARTBEAT.endswith(b"\n\n")
    pieces.close()


def test_one_watcher_for_all_and_none_without_listeners(api, store, monkeypatch):
    started = []
    monkeypatch.setattr(events.Feed, "_watch", lambda feed, watch=events.Feed._watch: started.append(1) or watch(feed))
    streams = [listen(api) for _ in range(50)]
    assert api.feed.listeners == 50
    record = make(store)
    assert {stream.next()[0] for stream in streams} == {record.seq}
    for stream in streams:
        stream.close()
    assert api.feed.listeners == 0
    wait_until(lambda: api.feed._watcher is None)
    assert len(started) == 1
    again = listen(api)
    assert again.hello[0] == record.seq
    newer = make(store)
    assert again.next()[0] == newer.seq
    again.close()
    assert len(started) == 2


def test_a_write_by_another_process(store, hear):
    stream = hear()
    script = (
        "import sys; from nb_artifacts import wire; from nb_artifacts.store import open_store; now = wire.now();"
        "print(open_store(sys.argv[1]).put(wire.Record(id=wire.new_id(), created=now, updated=now, key='k')).id)"
    )
    made = subprocess.run(
        [sys.executable, "-c", script, str(store.folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert stream.next()[2]["record"]["id"] == made.stdout.strip()


def test_a_slow_listener_costs_nothing_and_misses_nothing(api, store, hear, monkeypatch):
    monkeypatch.setattr(events, "MOST_EVENTS", 10)
    fast, slow = hear(), hear()
    records = [make(store) for _ in range(100)]
    assert [fast.next()[0] for _ in records] == [record.seq for record in records]
    assert len(api.feed._recent) <= 10
    for _ in range(50):
        updated = store.patch(records[0].id, Patch(description="again"))
    wait_until(lambda: api.feed._head == updated.seq)
    assert [slow.next()[0] for _ in range(100)] == [*(record.seq for record in records[1:]), updated.seq]


def test_what_is_remembered_is_bounded_in_bytes(api, store, hear, monkeypatch):
    monkeypatch.setattr(events, "MOST_BYTES", 2000)
    stream = hear()
    records = [make(store) for _ in range(40)]
    assert [stream.next()[0] for _ in records] == [record.seq for record in records]
    assert api.feed._bytes <= 2000
    assert api.feed._bytes == sum(len(event) for _, event in api.feed._recent)


def test_rows_that_are_gone_do_not_hold_a_listener_up(api, store, hear, monkeypatch):
    stream = hear()
    with monkeypatch.context() as lost:
        lost.setattr(api.feed, "floor", store.last_seq() + 5)
        lost.setattr(api.feed, "_head", store.last_seq() + 5)
        assert stream.response.body.ready() is None
        assert stream.response.body.read() == b""
        assert stream.response.body.ready() == b""


def test_a_store_that_fails_for_a_while(api, store, hear, monkeypatch, caplog):
    monkeypatch.setattr(events, "RETRY_SECONDS", 0.01)
    stream = hear()
    failed = threading.Event()

    def fail():
        failed.set()
        raise OSError("gone for a moment")

    with monkeypatch.context() as broken:
        broken.setattr(store, "last_seq", fail)
        assert failed.wait(30)
    record = make(store)
    assert stream.next()[0] == record.seq
    assert len(caplog.records) == 1


def test_a_listener_whose_loop_is_gone_is_forgotten(api, store):
    def wake():
        raise RuntimeError("Event loop is closed")

    body = api(Request("GET", "/events")).body
    body.listen(wake)
    make(store)
    wait_until(lambda: api.feed.listeners == 0)


def test_a_stream_that_cannot_begin(api, store, monkeypatch):
    def fail():
        raise StoreBusy("held")

    monkeypatch.setattr(store, "last_seq", fail)
    assert api(Request("GET", "/events")).status == 503
    assert api.feed.listeners == 0


def test_streams_end_with_the_api(api):
    stream = listen(api)
    api.close()
    assert list(stream.pieces) == []
