"""R-07: Ctrl-C at any moment of a loop that creates."""

import gc
import random
import time

from contract.given import record
from faults.processes import Child

from nb_artifacts.store import open_store
from nb_artifacts.wire import Query, new_id

INTERRUPTS = 500


def create(send, home):
    """Puts records until it was interrupted so often; tells when it may be, and in the end what became of each id."""
    gc.disable()  # an interrupt that falls into a finaliser, or a callback of the collector, is lost
    store = open_store(home)
    returned, attached, wrong = set(), set(), []
    for _ in range(INTERRUPTS):
        try:
            send("ready")
            while True:
                id = new_id()
                try:
                    returned.add(store.put(record("k", "x" * 1000, id=id)).id)
                except Exception as error:
                    wrong.append(repr(error))
        except KeyboardInterrupt as stop:
            attached.add(getattr(stop, "artifact_id", None))
    send((returned, attached - {None}, wrong))


def test_at_random(tmp_path):
    child = Child(create, tmp_path / "home")
    chance = random.Random(2)
    for _ in range(INTERRUPTS):
        assert child.receive() == "ready"
        time.sleep(chance.uniform(0.0002, 0.003))
        child.interrupt()
    ((returned, attached, wrong),) = child.wait()
    assert child.code == 0
    assert wrong == []
    store = open_store(tmp_path / "home")
    stored = [found.id for found in store.find(Query())]
    assert len(stored) == len(set(stored)) == store.find(Query(latest=True))[0].version
    assert returned | attached <= set(stored)
    assert attached
    unknown = set(stored) - returned - attached
    assert len(unknown) < INTERRUPTS / 10, "returned, but interrupted before the loop could note it"
