"""Our own server inside this process: the real client, the real API and a real folder, without sockets, with faults.

``Elsewhere.fault`` is asked before each request and gives: None, "before" (the server hears nothing), "after" (it has
acted, the client hears nothing), or a status the server answers with instead of acting.
"""

from nb_artifacts.addresses import RemoteSettings
from nb_artifacts.api import Api, Request
from nb_artifacts.errors import Denied, RemoteBusy
from nb_artifacts.sender import drain
from nb_artifacts.store import open_store
from nb_artifacts.store.http import HttpStore
from nb_artifacts.store.http_client import Answer, Connection
from nb_artifacts.store.remotes import Remotes

ADDRESS = "http://elsewhere/api"
SETTINGS = RemoteSettings(ADDRESS)


class Elsewhere(Connection):
    def __init__(self, store):
        super().__init__(ADDRESS)
        self.store = store
        self.api = Api(lambda: store)
        self.asked = []
        self.fault = lambda method, path, body: None

    def ask(self, method, path, body=None, *, accept="application/json", headers=None, seconds=0):
        fault = self.fault(method, path, body)
        self.asked.append((method, path, body, fault))
        if fault == "before":
            raise self.unreachable("cut before", ambiguous=False)
        if fault in (401, 403):
            raise Denied("elsewhere wants another key")
        if isinstance(fault, int) and fault >= 500:
            raise RemoteBusy("elsewhere is busy", status=fault)
        if isinstance(fault, int):
            return Answer(fault, {}, b'{"detail":"a fault says so"}')
        place, _, query = path.partition("?")
        sent = {"accept": accept, "content-type": "application/json"}
        sent.update({name.lower(): value for name, value in (headers or {}).items()})
        response = self.api(Request(method, place, query, sent, [body] if body else []))
        whole = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        if fault == "after":
            raise self.unreachable("cut after", ambiguous=True)
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, whole)

    @property
    def state(self):
        """Which store answers and how far it is, as a client is told first; no request that is noted."""
        headers = self.api(Request("GET", "/status")).headers
        told = Answer(200, {name.lower(): value for name, value in headers.items()}, b"")
        return told.state, told.seq

    def paths(self):
        return [path.partition("?")[0] for _, path, *_ in self.asked]


class Pair:
    """A folder here and a server elsewhere, and what is needed to send from one to the other."""

    def __init__(self, tmp_path, **options):
        self.here = open_store(tmp_path / "here", **options)
        self.there = open_store(tmp_path / "there", **options)
        self.connection = Elsewhere(self.there)
        self.remote = HttpStore(self.connection, self.there.id)
        self.remotes = Remotes(self.here)
        self.remotes.first_seen(ADDRESS)

    def drain(self, **options):
        return drain(self.here, self.remote, self.remotes, ADDRESS, **options)

    def drain_all(self, tries=200, **options):
        """Pass after pass, until nothing waits; how many it took."""
        for n in range(1, tries):
            if self.drain(**options).error is None and self.remotes.count(ADDRESS) == 0:
                return n
        raise AssertionError("never done")

    def close(self):
        self.here.close()
        self.there.close()


def content(store):
    """What a store says, by id: all that has to be the same on both sides."""
    from nb_artifacts.wire import Query

    return {
        one.id: (one.key, bytes(one.data), one.description, one.type, one.metadata_, one.tags, one.info, one.blob)
        for one in store.find(Query(data=True))
    }
