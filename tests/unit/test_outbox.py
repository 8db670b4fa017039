"""How it stands with the API, in words."""

from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

from contract.given import record

from nb_artifacts.addresses import RemoteSettings
from nb_artifacts.outbox import Outbox, state_of
from nb_artifacts.store import open_store
from nb_artifacts.store.remotes import Remotes
from nb_artifacts.store.remotes_rows import Parked
from nb_artifacts.wire import now


def outbox(**members):
    nothing = dict.fromkeys(["oldest", "problem", "since", "last_error", "last_ok", "resume", "sender", "lease_until"])
    about = {"address": "https://host/api", "host": "host", "kind": "nb-artifacts", "provenance": "full"}
    return Outbox(**{**about, "pending": 0, "kept_here": 0, "parked": [], **nothing, **members})


def test_there_is_no_trouble_with_a_server_before_it_was_set(tmp_path):
    store, settings = open_store(tmp_path, durable=False), RemoteSettings("https://host/api")
    store.put(record("old", created=now() - timedelta(days=3), updated=now() - timedelta(days=3)))
    remotes, begun = Remotes(store), now()
    remotes.first_seen(settings.address)
    remotes.include_all(settings.address)
    remotes.failed(settings.address, "wants a key", paused="wants a key")
    found = state_of(SimpleNamespace(local=store), settings)
    assert (found.pending, found.problem) == (1, "denied")
    assert found.since >= begun
    assert found.oldest < begun - timedelta(days=2)


def test_all_is_sent_only_where_nothing_was_refused():
    refused = [Parked(uuid4(), "k", 1, "too large", 3)]
    assert outbox().words() == "nothing to send to host yet"
    assert outbox(last_ok=now(), kept_here=2).words() == "all sent to host · 2 older ones kept here"
    assert outbox(last_ok=now(), parked=refused).words() == "all others sent to host · 1 refused"
    waits = outbox(last_ok=now(), pending=3, problem="unreachable", since=now() - timedelta(minutes=2), parked=refused)
    assert waits.words() == "3 not sent · host unreachable for 2 min · 1 refused"
