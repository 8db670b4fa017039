"""What other machines publish is passed on while somebody listens, from a remote with a feed and from one without."""

import json

import pytest
from api.conftest import wait_until

from nb_artifacts.api import relay
from nb_artifacts.api.events import EventStream
from nb_artifacts.errors import Unreachable
from nb_artifacts.store import open_store
from nb_artifacts.wire import Patch, Raw, Record, encode, new_id, now


class Source:
    """A remote without a feed of its own, as Prefect's; it can be away."""

    def __init__(self, store):
        self.store, self.away, self.refused, self.backs = store, False, 0, 0

    def remote(self):
        if self.away:
            self.refused += 1
            raise Unreachable("away")
        return self

    def find(self, query):
        return self.remote().store.find(query)

    def told(self, change):
        return change

    def back(self):
        self.backs += 1


def keep(store, key):
    moment = now()
    return store.put(Record(id=new_id(), created=moment, updated=moment, key=key, type="markdown", data=Raw(encode("x"))))


@pytest.fixture
def far(tmp_path, monkeypatch):
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.02)
    monkeypatch.setattr(relay, "RETRY_SECONDS", 0.02)
    return open_store(tmp_path / "far", durable=False)


def test_a_remote_without_a_feed_is_asked_for_what_is_new(api, far):
    old = keep(far, "old")
    source = Source(far)
    relay.Relay(api.feed, lambda: source).start()
    stream = EventStream(api.feed, None)
    told = []

    def look():
        told.extend(part.decode() for part in (stream.ready() or b"").split(b"\n\n") if part)
        return [line.partition("data: ")[2] for line in told if "event: elsewhere" in line]

    wait_until(lambda: look() == [] and api.feed.listeners == 1)
    wait_until(lambda: keep(far, "new") and look())
    far.patch(old.id, Patch(description="changed"))
    wait_until(lambda: any(json.loads(data)["record"]["description"] == "changed" for data in look()))
    assert all("id:" not in line for line in told if "elsewhere" in line)
    source.away = True
    wait_until(lambda: source.refused)
    source.away = False
    wait_until(lambda: look() is not None and any("event: again" in line for line in told))
    assert source.backs == 1
    stream.close()


def test_a_remote_that_was_made_anew_is_followed_from_its_own_place(api):
    """Its numbers are below those of the one before: what it tells of would else never come."""

    class Anew:
        last, asked = 500, []

        def last_seq(self):
            return self.last

        def follow(self, since):
            self.asked.append(since)
            return iter(())

    passing = relay.Relay(api.feed, lambda: None)
    for Anew.last in (500, 700, 7):
        list(passing._live(Anew()))
    assert Anew.asked == [400, 400, 0]
