"""Our own server passes the suite over HTTP, at its own address and as a workspace."""

import hashlib
import io
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from api.conftest import server as jupyter_server  # noqa: F401
from api.conftest import stop_server
from contract.given import record, run
from contract.store_suite import *  # noqa: F403
from faults.proxy import Proxy
from server.conftest import start

from nb_artifacts.errors import BlobMissing, Rejected, Unreachable
from nb_artifacts.store import http_blobs, open_store
from nb_artifacts.store.remote import Outgoing
from nb_artifacts.wire import BlobRef, Patch, Query, RunQuery, Sort

NUMBER = count()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("served"))
    yield server
    stop_server(server)


@pytest.fixture
def store(served):
    """A workspace of the test's own: an empty store in the one server."""
    address = f"http://127.0.0.1:{served.port}/api/accounts/tests/workspaces/w{next(NUMBER)}"
    store = open_store(address, key=served.token)
    yield store
    store.close()


@pytest.fixture
def proxied(served, store):
    """The same workspace through a proxy."""
    with Proxy(served.port, stall=3.0) as proxy:
        other = open_store(store.where.replace(str(served.port), str(proxy.port)), key=served.token)
        yield other, proxy
        other.close()


def test_lists_of_any_length_come_whole(store):
    made = [record(f"k{n % 250}", n) for n in range(450)]
    store.send([Outgoing("put", one.id, one) for one in made])
    ids = [one.id for one in made]
    assert [one.id for one in store.find(Query())] == ids[::-1]
    assert [one.id for one in store.find(Query(sort=Sort.CREATED_DESC, limit=300, offset=100))] == ids[::-1][100:400]
    assert [one.id for one in store.find(Query(offset=100, limit=300))] == ids[::-1][100:400]
    assert {one.id for one in store.find(Query(latest=True))} == set(ids[200:])
    runs = [store.put_run(run()) for _ in range(210)]
    assert [one.id for one in store.find_runs(RunQuery(limit=205))] == [one.id for one in runs[::-1][:205]]


def test_the_feed_comes_page_by_page(store):
    made = [record("k", n) for n in range(30)]
    store.send([Outgoing("put", one.id, one) for one in made])
    assert [change.record.id for change in store.changes(limit=20)] == [one.id for one in made[:20]]
    assert store.changes(store.last_seq()) == []


class TestUploads:
    @pytest.fixture(autouse=True)
    def small_pieces(self, monkeypatch):
        monkeypatch.setattr(http_blobs, "PIECE", 100_000)

    @pytest.fixture
    def content(self):
        return random.Random(1).randbytes(1_050_000)

    def ref(self, content):
        return BlobRef(sha256=hashlib.sha256(content).hexdigest(), size=len(content), media="image/png")

    def test_go_on_where_they_stopped(self, store, proxied, content):
        through, proxy = proxied
        ref = self.ref(content)
        assert through.missing_blobs([ref]) == [ref]
        proxy.rule(lambda seen: "cut_before" if seen.headers.get("upload-offset") == "500000" else None)
        with pytest.raises(Unreachable):
            through.send_blob(ref, lambda: io.BytesIO(content))
        proxy.calm()
        proxy.plan("ok", "cut_reply")
        with pytest.raises(Unreachable):
            through.send_blob(ref, lambda: io.BytesIO(content))
        through.send_blob(ref, lambda: io.BytesIO(content))
        offsets = [int(seen.headers["upload-offset"]) for seen in proxy.sent("PATCH")]
        assert offsets == [*range(0, 600_000, 100_000), 500_000, *range(600_000, 1_050_000, 100_000)]
        assert (through.missing_blobs([ref]), store.missing_blobs([ref])) == ([], [])
        with store.open_blob(ref) as file:
            assert file.read() == content
        put = record("k", blob=ref)
        assert through.send([Outgoing("put", put.id, put)])[0].state == "done"

    def test_twice_at_once_is_once(self, store, content):
        ref = self.ref(content)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: store.send_blob(ref, lambda: io.BytesIO(content)), range(4)))
        with store.open_blob(ref) as file:
            assert file.read() == content

    def test_what_is_there_is_not_sent_again(self, proxied, content):
        through, proxy = proxied
        ref = self.ref(content)
        through.send_blob(ref, lambda: io.BytesIO(content))
        sent = len(proxy.sent("PATCH"))
        through.send_blob(ref, lambda: io.BytesIO(content))
        assert len(proxy.sent("PATCH")) == sent

    @pytest.mark.parametrize("length", [10, 1_050_000])
    def test_other_bytes_are_refused_and_nothing_is_kept(self, served, store, content, length):
        ref = self.ref(content[:length])
        wrong = b"x" + content[1:length]
        with pytest.raises(Rejected, match="not the bytes of that hash") as caught:
            store.send_blob(ref, lambda: io.BytesIO(wrong))
        assert caught.value.status == 422
        assert store.missing_blobs([ref]) == [ref]
        assert not [path for path in self.folder(served, store).rglob("*") if path.parent.name in ("uploads", "tmp")]
        store.send_blob(ref, lambda: io.BytesIO(content))
        assert store.missing_blobs([ref]) == []

    def folder(self, served, store):
        return served.home / "workspaces" / "tests" / store.where.rpartition("/")[2]

    def test_a_hash_alone_opens_nothing(self, served, store, content):
        """S-11: in another workspace the same hash is unknown."""
        ref = store.put_blob(content, "image/png")
        other = open_store(f"{store.where}-other", key=served.token)
        assert other.missing_blobs([ref]) == [ref]
        with pytest.raises(BlobMissing):
            other.open_blob(ref)
        with pytest.raises(BlobMissing):
            other.put(record("k", blob=ref))
        other.close()

    def test_too_much_is_refused_before_it_is_sent(self, store):
        ref = BlobRef(sha256="0" * 64, size=17 * 1024**3, media="image/png")
        with pytest.raises(Rejected, match="refuses") as caught:
            store.send_blob(ref, lambda: io.BytesIO(b"x"))
        assert caught.value.status == 413

    def test_a_file_that_ends_early_is_missing(self, store, content):
        with pytest.raises(BlobMissing):
            store.send_blob(self.ref(content), lambda: io.BytesIO(content[:200_000]))

    def test_a_damaged_half_is_sent_again(self, served, store, proxied, content):
        """As after a power cut of the server, which had not yet written all it had taken."""
        through, proxy = proxied
        proxy.plan("ok", "ok", "ok", "cut_before")
        with pytest.raises(Unreachable):
            through.send_blob(self.ref(content), lambda: io.BytesIO(content))
        (half,) = (self.folder(served, store) / "uploads").iterdir()
        half.write_bytes(bytes(half.stat().st_size))
        through.send_blob(self.ref(content), lambda: io.BytesIO(content))
        assert store.missing_blobs([self.ref(content)]) == []

    def test_half_of_one_is_swept_after_a_day(self, served, store, proxied, content):
        through, proxy = proxied
        proxy.plan("ok", "ok", "ok", "cut_before")
        with pytest.raises(Unreachable):
            through.send_blob(self.ref(content), lambda: io.BytesIO(content))
        (half,) = (self.folder(served, store) / "uploads").iterdir()
        assert half.stat().st_size == 200_000
        assert half.stat().st_mode & 0o077 == 0
        os.utime(half, (time.time() - 90_000,) * 2)
        store.put_blob(random.Random(2).randbytes(300_000), "image/png")
        assert not half.exists()


def test_its_own_address_is_one_of_its_stores(served, store):
    own = open_store(f"HTTP://LocalHost:{served.port}/api/", key=served.token)
    assert own.where == f"http://localhost:{served.port}/api"
    put = own.put(record("k", "x" * 1000, tags=["t"]))
    assert own.get(put.id) == put
    assert own.id != store.id
    assert store.get(put.id) is None
    own.close()


def test_a_jupyter_server_is_such_a_server_too(jupyter_server):  # noqa: F811
    store = open_store(f"http://127.0.0.1:{jupyter_server.port}/nb-artifacts/api", key=jupyter_server.token)
    content = random.Random(3).randbytes(100_000)
    ref = BlobRef(sha256=hashlib.sha256(content).hexdigest(), size=len(content), media="image/png")
    assert store.missing_blobs([ref]) == [ref]
    store.send_blob(ref, lambda: io.BytesIO(content))
    given = record("k", blob=ref)
    assert store.send([Outgoing("put", given.id, given)])[0].state == "done"
    assert store.get(given.id).blob == ref
    with store.open_blob(ref) as file:
        assert file.read() == content
    assert store.patch(given.id, Patch(description="d")).description == "d"
    store.delete(given.id)
    assert store.changes()[-1].deleted.id == given.id
