"""Where artifacts come from: session, cell, flow, task; provenance."""

from __future__ import annotations


def say(kernel, code):
    return kernel.run(code).stdout.strip()


def test_an_artifact_knows_its_session_and_cell(kernel):
    kernel.run("a = nba.create('x', 'from-cell')\napi_key = 'hunter2'", cell_id="cell-one")
    kernel.run("from nb_artifacts import core\nstore = core.current_store()\nrun = nba.Artifact.get('from-cell').run")
    assert (
        say(kernel, "print(run.kind.value, run.provenance.cell_id, run.state.value, run.ended is not None)")
        == "cell cell-one completed True"
    )
    kernel.run("numbered = nba.create('x')\n7")
    assert say(kernel, "print(Out[numbered.run.provenance.execution_count], numbered.run.name == f'[{max(Out)}]')") == "7 True"
    source = say(kernel, "print(a.source)")
    assert source == "a = nba.create('x', 'from-cell')\napi_key = '[redacted]'"
    session = "store.get_run(run.session_id)"
    assert (
        say(kernel, f"print({session}.kind.value, {session}.provenance.python == __import__('platform').python_version())")
        == "session True"
    )
    assert (
        say(kernel, f"print(bool({session}.provenance.host), {session}.provenance.pid == __import__('os').getpid())")
        == "True True"
    )
    assert say(kernel, "print(a.flow_run_id == run.session_id, a.task_run_id == run.id)") == "True True"


def test_a_cell_that_fails_is_a_failed_run(kernel):
    kernel.run("nba.create('x', 'before-failure')\nraise ValueError('token=\"abc\" bad')", check=False)
    assert (
        say(kernel, "r = nba.Artifact.get('before-failure').run; print(r.state.value, r.error)")
        == 'failed ValueError: token="[redacted]" bad'
    )


def test_reading_an_artifact_is_noted_as_an_input(kernel):
    kernel.run("nba.create('x', 'read-me')")
    kernel.run("b = nba.Artifact.get('read-me')\nc = nba.create('y', 'made-of-it')")
    assert say(kernel, "print(c.run.provenance.inputs == [b.id])") == "True"


def test_flows_and_tasks_nest_and_keep_prefects_ids(kernel):
    kernel.run(
        "@nba.task\ndef load():\n    return nba.create_markdown_artifact('t')\n"
        "@nba.flow(name='etl', log_prints=True)\ndef etl():\n    return nba.create_markdown_artifact('f'), load()\n"
        "f, t = map(lambda i: nba.Artifact.get(id=i), etl())"
    )
    assert say(kernel, "print(f.run.kind.value, f.run.name, f.task_run_id)") == "flow etl None"
    assert (
        say(kernel, "print(t.run.kind.value, t.run.name, t.flow_run_id == f.flow_run_id, t.run.parent_id == f.flow_run_id)")
        == "task load True True"
    )
    assert say(kernel, "print(core.cell_of(t._record).kind.value, len(core.in_run(core.cell_of(t._record).id)))") == "cell 2"
    kernel.run("with nba.run('by hand') as r:\n    h = nba.create('x')")
    assert say(kernel, "print(h.run.name, h.flow_run_id == r.id)") == "by hand True"


def test_async_flows_work_and_plain_calls_return_values_inside_them(kernel):
    kernel.run(
        "@nba.flow\nasync def later():\n    a = await nba.acreate_markdown_artifact('a', 'async-made')\n"
        "    return a, nba.create_markdown_artifact('b')\nfirst, second = await later()"
    )
    assert say(kernel, "print(type(first).__name__, type(second).__name__)") == "UUID UUID"
    assert say(kernel, "print(nba.Artifact.get(id=first).run.name, nba.Artifact.get(id=second).run.name)") == "later later"


def test_threads_forks_and_pools_keep_theirs(kernel):
    kernel.run(
        "import threading, os, concurrent.futures, multiprocessing\n"
        "t = threading.Thread(target=nba.create, args=('t', 'in-thread')); t.start(); t.join()\n"
        "with concurrent.futures.ThreadPoolExecutor(4) as pool: list(pool.map(lambda n: nba.create(str(n), 'in-pool', display=False), range(20)))\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    nba.create('c', 'in-fork'); os._exit(0)\n"
        "status = os.waitpid(pid, 0)[1]\n"
        "p = nba.create('p', 'in-fork')"
    )
    assert (
        say(kernel, "print(status, nba.Artifact.get('in-thread').run.kind.value, len(nba.Artifact.history('in-pool')))")
        == "0 cell 20"
    )
    assert say(kernel, "print([a.version for a in nba.Artifact.history('in-fork')])") == "[2, 1]"
    assert (
        say(
            kernel, "child = nba.Artifact.get('in-fork', 1); print(store.get_run(child.flow_run_id).parent_id == p.task_run_id)"
        )
        == "True"
    )


def test_provenance_can_be_less(kernel):
    kernel.run("nba.configure(provenance='names')")
    kernel.run("n = nba.create('x')")
    kernel.run("nba.configure(provenance='off')")
    kernel.run("o = nba.create('x')\nnba.configure(provenance=None)")
    assert (
        say(kernel, "print(n.source, bool(n.run.provenance.source_sha256), o.run.provenance.source_sha256)") == "None True None"
    )
