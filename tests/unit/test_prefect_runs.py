"""Runs of Prefect itself, as a process that has loaded it shows them."""

import sys
from types import ModuleType, SimpleNamespace
from uuid import UUID, uuid4

import pytest

import nb_artifacts as nba
from nb_artifacts import runs
from nb_artifacts.store import open_store
from nb_artifacts.wire import RunKind, now


@pytest.fixture
def prefect(monkeypatch):
    """The part of Prefect that tells which run is the current one; `flow` and `task` set them."""
    context, current = ModuleType("prefect.context"), {"flow": None, "task": None}
    context.FlowRunContext = SimpleNamespace(get=lambda: current["flow"])
    context.TaskRunContext = SimpleNamespace(get=lambda: current["task"])
    monkeypatch.setitem(sys.modules, "prefect.context", context)
    return current


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "home")
    yield store
    store.close()


def of(kind, name):
    return SimpleNamespace(**{f"{kind}_run": SimpleNamespace(id=uuid4(), name=name, start_time=now())})


def test_what_is_made_in_them_belongs_to_them(prefect, store):
    outside = runs.place(store)
    flow = prefect["flow"] = of("flow", "etl")
    assert runs.place(store) == (flow.flow_run.id, None)
    task = prefect["task"] = of("task", "load-0")
    assert runs.place(store) == (flow.flow_run.id, task.task_run.id)
    found = store.get_run(task.task_run.id)
    assert (found.kind, found.name, found.parent_id) == (RunKind.task, "load-0", flow.flow_run.id)
    assert store.get_run(flow.flow_run.id).parent_id == outside.flow_run_id
    with nba.run("part"):
        assert runs.place(store).flow_run_id == flow.flow_run.id
    prefect["flow"] = prefect["task"] = None
    assert runs.place(store) == outside


@pytest.mark.parametrize("odd", [object(), SimpleNamespace(flow_run=None), SimpleNamespace(flow_run=SimpleNamespace(id="x"))])
def test_another_form_of_prefect_is_none(prefect, store, odd):
    prefect["flow"] = odd
    assert isinstance(runs.place(store).flow_run_id, UUID)
