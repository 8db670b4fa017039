"""A folder whose artifacts go to a server in a process of its own, through a proxy that does as networks do."""

import os
import time
from itertools import count

from api.conftest import stop_server
from faults.elsewhere import content
from faults.proxy import Proxy
from server.conftest import start
from waiting import until

from nb_artifacts.addresses import RemoteSettings, Secret
from nb_artifacts.sender import Sender
from nb_artifacts.sender.thread import Limits
from nb_artifacts.store import open_store
from nb_artifacts.store.remotes import Remotes

SOAK = os.environ.get("NB_ARTIFACTS_SOAK") == "1"
_numbers = count()


def size(usual, soak):
    """How many: few in every run of the tests, many in `make soak`."""
    return soak if SOAK else usual


class Served:
    """A server, and a way to kill it and to start it again where it was."""

    def __init__(self, folder):
        self.folder = folder
        self._server = start(folder)
        self.token = self._server.token

    @property
    def port(self):
        return self._server.port

    def kill(self):
        self._server.process.kill()
        self._server.process.wait()

    def restart(self):
        self._server = start(self.folder, key=self.token)

    def stop(self):
        if self._server.process.poll() is None:
            stop_server(self._server)


class Machine:
    """A folder, and the server's workspace that it sends to."""

    def __init__(self, home, served, proxy=None, *, space=None, key=None):
        self.space = space or f"m{next(_numbers)}"
        self.proxy = proxy or Proxy(served.port, stall=6.0)
        self.served = served
        self.home = home
        self.store = open_store(home, durable=False)
        self.settings = RemoteSettings(self._address(self.proxy.port), Secret(key or served.token))
        self.remotes = Remotes(self.store)
        self.remotes.first_seen(self.address)
        self.senders = []
        self._there = []

    @property
    def address(self):
        return self.settings.address

    def _address(self, port):
        return f"http://127.0.0.1:{port}/api/accounts/tests/workspaces/{self.space}"

    def sender(self, *, poll=0.02, lease=2.0, denied=0.3, start=True):
        sender = Sender(self.store, self.settings, limits=Limits(poll, lease, denied))
        self.senders.append(sender)
        if start:
            sender.start()
        return sender

    @property
    def pending(self):
        return self.remotes.count(self.address)

    def drained(self, seconds=60.0):
        """Wait until nothing waits; how long that took."""
        begun = time.monotonic()
        until(lambda: self.pending == 0, seconds)
        return time.monotonic() - begun

    def there(self):
        """The server's own view, past the proxy."""
        self._there.append(open_store(self._address(self.served.port), key=self.served.token))
        return self._there[-1]

    def assert_all_there_once(self):
        assert content(self.there()) == content(self.store)

    def close(self):
        for sender in self.senders:
            sender.close(1.0)
        for there in self._there:
            there.close()
        self.proxy.close()
        self.store.close()
