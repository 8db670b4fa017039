"""Whatever happens in whatever order, both sides end up the same: R-18 and R-26.

The server is the real one inside this process (see `elsewhere`). A request may be lost before it acts, its answer may be
lost, it may act late, any time after the next ones, and the sender may be killed at any request.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from contract.given import of, record
from faults.elsewhere import ADDRESS, Pair, content
from faults.machines import SOAK, size
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Raw

from nb_artifacts.sender.pace import Gate
from nb_artifacts.store import open_store
from nb_artifacts.store.http import HttpStore
from nb_artifacts.store.remotes import Remotes
from nb_artifacts.wire import Patch, Query, Sort

pytestmark = pytest.mark.timeout(size(300, 3600))

FAULTS = [None, None, None, "before", "after", "late", "killed", 503]
KEYS = ["a", "b", None]


def in_memory():
    """A folder, in memory where there is one: what a disk may lose is not the subject."""
    return Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))


class Killed(BaseException):
    """The process that sends is gone in the middle of a request."""


class World(Pair):
    """A pair whose requests can go wrong, one after another, as `plan` says."""

    def __init__(self, folder):
        super().__init__(folder, durable=False)
        self.plan = []
        self.late = []
        self.connection.fault = self.fault

    def fault(self, method, path, body):
        fault = self.plan.pop(0) if self.plan else None
        if fault == "late":
            self.late.append((method, path, body))
            return "before"
        if fault == "killed":
            raise Killed
        return fault

    def send(self, plan=()):
        self.plan = list(plan)
        try:
            self.drain(gate=Gate(every=0.0))
        except Killed:
            pass
        self.plan = []

    def act_late(self):
        """What was held on the way arrives now."""
        held, self.late = self.late, []
        for method, path, body in held:
            self.connection.ask(method, path, body, accept="application/vnd.nb-artifacts.v1+json")

    def restart(self):
        """Both sides are closed and opened again."""
        self.close()
        plan, late = self.plan, self.late
        self.here, self.there = open_store(self.here.folder, durable=False), open_store(self.there.folder, durable=False)
        self.connection = type(self.connection)(self.there)
        self.remote = HttpStore(self.connection, self.there.id)
        self.remotes = Remotes(self.here)
        self.plan, self.late = plan, late
        self.connection.fault = self.fault

    def settle(self):
        self.plan = []
        self.drain_all(gate=Gate(every=0.0))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(KEYS)),
        st.tuples(st.just("update"), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("send"), st.lists(st.sampled_from(FAULTS), max_size=3)),
        st.tuples(st.just("arrive"), st.none()),
    ),
    max_size=14,
)


@settings(
    max_examples=size(100, 2000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=not SOAK,
)
@given(steps=STEPS)
def test_nothing_comes_back_and_nothing_is_lost(steps):
    """R-18: deletions, updates and requests that act late, interleaved."""
    folder = in_memory()
    try:
        world = World(folder)
        made = []
        for n, (step, value) in enumerate(steps):
            if step == "create":
                made.append(world.here.put(record(value, n)).id)
            elif step == "send":
                world.send(value)
            elif step == "arrive":
                world.act_late()
            elif made and step == "update":
                world.here.patch(made[value % len(made)], Patch(data=Raw(b"%d" % (1000 + n))))
            elif made:
                world.here.delete(made.pop(value % len(made)))
        world.settle()
        assert content(world.there) == content(world.here)
        world.act_late()
        assert content(world.there) == content(world.here), "what arrives late changes nothing"
        assert world.remotes.state(ADDRESS).parked == []
        world.close()
    finally:
        shutil.rmtree(folder)


class Sending(RuleBasedStateMachine):
    """R-26: against a dictionary."""

    @initialize()
    def begin(self):
        self.folder = in_memory()
        self.world = World(self.folder)
        self.model = {}
        self.order = {key: [] for key in KEYS}
        self.n = 0

    @rule(key=st.sampled_from(KEYS), long=st.booleans(), blob=st.booleans())
    def create(self, key, long, blob):
        self.n += 1
        value = f"{self.n}" * 400 if long else self.n
        ref = self.world.here.put_blob(b"%d" % (self.n % 3), "text/plain") if blob else None
        made = self.world.here.put(record(key, value, blob=ref))
        self.model[made.id] = (key, value, None)
        self.order[key].append(made.id)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def update(self, data):
        id = data.draw(st.sampled_from(sorted(self.model)))
        self.n += 1
        key, value, _ = self.model[id]
        self.model[id] = (key, value, f"{self.n}")
        self.world.here.patch(id, Patch(description=f"{self.n}"))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data):
        id = data.draw(st.sampled_from(sorted(self.model)))
        key, _, _ = self.model.pop(id)
        self.order[key].remove(id)
        self.world.here.delete(id)

    @rule(plan=st.lists(st.sampled_from(FAULTS), max_size=4))
    def send(self, plan):
        self.world.send(plan)

    @rule()
    def outage(self):
        self.world.send(["before"] * 2)

    @rule()
    def arrive_late(self):
        self.world.act_late()

    @rule()
    def restart(self):
        self.world.restart()

    @invariant()
    def what_is_here_is_what_was_done(self):
        if hasattr(self, "model"):
            assert {one.id for one in self.world.here.find(Query())} == set(self.model)

    def teardown(self):
        if not hasattr(self, "world"):
            return
        try:
            self.world.settle()
            self.world.act_late()
            assert content(self.world.there) == content(self.world.here)
            for key, ids in self.order.items():
                if key is not None:
                    assert [one.id for one in self.world.there.find(of(key=key, sort=Sort.VERSION_DESC))][::-1] == ids, (
                        "in the order made"
                    )
            for id, (_, _, description) in self.model.items():
                assert self.world.there.get(id).description == description
            assert self.world.remotes.state(ADDRESS).pending == 0
        finally:
            self.world.close()
            shutil.rmtree(self.folder)


Sending.TestCase.settings = settings(
    max_examples=size(200, 5000),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not SOAK,
)
test_against_a_dictionary = Sending.TestCase
