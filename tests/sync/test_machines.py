"""Two machines and a server between them, as a person sees them: Python and the command line."""

import ast
import json
import sys

from api.conftest import stop_server
from server.conftest import start

KEEP = "made = nba.create({!r}, key={!r})\n"


def test_what_one_machine_keeps_is_found_by_key_on_the_other(machine):
    laptop, desk = machine("laptop"), machine("desk")
    said = laptop.python(
        "import pandas as pd\n"
        "frame = pd.DataFrame({'carrier': pd.Categorical(['UA', 'B6']), 'delay': pd.array([12, None], dtype='Int16')})\n"
        "made = nba.create(frame, key='delays', tags=['daily'])\n"
        "print(made.version, made.synced(), made)\n"
        "done = nba.sync()\n"
        "print(made.version, made.synced(), made, done.pending)"
    )
    assert said == "None False <TableArtifact delays@pending>\n1 True <TableArtifact delays@1> 0"
    said = desk.python(
        "found = nba.Artifact.get('delays')\n"
        "print(dict(found.to_pandas().dtypes.astype(str)), found.tags, found.version, found.synced(), found.run.kind.value)\n"
        "print(nba.Artifact.get('delays', remote=False), nba.status().artifacts)"
    )
    assert said == "{'carrier': 'category', 'delay': 'Int16'} ['daily'] 1 True session\nNone 0"


def test_both_keep_versions_of_one_key_and_the_server_counts(machine):
    laptop, desk = machine("laptop"), machine("desk")
    laptop.python("nba.create('one', key='k'); nba.sync()")
    desk.python("nba.create('two', key='k'); nba.sync()")
    said = laptop.python(
        "nba.create('three', key='k'); nba.sync()\n"
        "print([(one.version, one.value) for one in nba.Artifact.history('k')], nba.Artifact.get('k', 2).value)"
    )
    assert said == "[(3, 'three'), (2, 'two'), (1, 'one')] two"
    listed = json.loads(desk.cli("history", "k", "-o", "json").stdout)
    assert [(one["version"], one["data"]) for one in listed] == [(3, "three"), (2, "two"), (1, "one")]
    assert desk.cli("get", "k@1").stdout == "one"
    assert "3 versions of k" in desk.cli("delete", "k", "-y").stdout
    assert json.loads(laptop.cli("sync", "-o", "json").stdout)["pending"] == 0


def test_two_machines_that_were_away_bring_all_of_a_key_each_once(machine, server):
    """R-25: the number is the order of arrival, and each machine is told it."""
    away = {"NB_ARTIFACTS_API_URL": server.url, "NB_ARTIFACTS_API_KEY": server.token}
    machines = [machine(name, **away) for name in ("laptop", "desk")]
    stop_server(server)
    for one in machines:
        one.python(f"for n in range(10): nba.create(f'{one.path.name} {{n}}', key='k', display=False)")
    again = start(server.folder, key=server.token)
    try:
        url = f"http://127.0.0.1:{again.port}/api"
        told = [
            one.python(
                "nba.sync(all=True)\nprint([(one.version, one.value) for one in nba.Artifact.history('k')])",
                NB_ARTIFACTS_API_URL=url,
            )
            for one in machines
        ]
        last = machines[0].python(
            "print([(one.version, one.value) for one in nba.Artifact.history('k')])", NB_ARTIFACTS_API_URL=url
        )
    finally:
        stop_server(again)
    assert told[1] == last
    found = ast.literal_eval(last)
    assert [version for version, _ in found] == list(range(20, 0, -1))
    assert [value for _, value in reversed(found)] == [f"{name} {n}" for name in ("laptop", "desk") for n in range(10)]


def test_what_was_kept_before_stays_until_it_is_asked_for(machine):
    laptop, desk = machine("laptop"), machine("desk")
    before = machine("laptop")
    del before.env["NB_ARTIFACTS_API_URL"]
    before.python("nba.create('old', key='a'); nba.create('old', key='b'); nba.create('old', key='b')")
    assert laptop.python("print(nba.status().sync.kept_here, nba.sync().words())").startswith("3 nothing to send to")
    assert laptop.python("print(nba.Artifact.get('b'))") == "<MarkdownArtifact b@2>"
    shown = laptop.cli("sync", "--dry-run", "--key", "b").stdout
    assert [line.split()[:3] for line in shown.split("\n") if line.startswith("new")] == [["new", "b", "markdown"]] * 2
    assert "kept here" in laptop.cli("sync").stdout
    assert "'nope'" in laptop.cli("sync", "--key", "nope", code=1).stderr
    assert desk.cli("get", "b", code=1).stderr.startswith("Error: not found")
    laptop.cli("sync", "--key", "b")
    assert desk.python("print(nba.Artifact.get('b'), nba.Artifact.get('a'))") == "<MarkdownArtifact b@2> None"
    laptop.cli("sync", "--all")
    assert desk.python("print(nba.Artifact.get('a'))") == "<MarkdownArtifact a@1>"


def test_numbers_of_the_folder_are_told_from_those_of_the_server(machine):
    laptop = machine("laptop")
    laptop.python("nba.create('old', key='k'); nba.create('old', key='k')", NB_ARTIFACTS_API_URL="off")
    machine("desk").python("nba.create('theirs', key='k'); nba.sync()")
    laptop.python("nba.create('mine', key='k'); nba.sync()")
    lines = laptop.cli("history", "k").stdout.splitlines()[1:]
    assert [line.partition("  ")[0] for line in lines] == ["2", "1", "2 here", "1 here"]
    listing = "from nb_artifacts import core, listing; print([row[1] for row in listing.versions(core.history('k')).rows])"
    assert ast.literal_eval(laptop.python(listing)) == ["v2", "v1", "v2 here", "v1 here"]
    assert laptop.cli("history", "k", NB_ARTIFACTS_API_URL="off").stdout.count("here") == 0


def test_with_the_server_down_the_folder_answers_and_says_so_once(machine, server):
    laptop = machine("laptop")
    laptop.python("nba.create('mine', key='k'); nba.sync()")
    stop_server(server)
    said = laptop.python(
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        "    for _ in range(3): print(nba.Artifact.get('k'), len(nba.Artifact.history('k')))\n"
        "print(len(told), 'what is found is what this folder has' in str(told[0].message), told[0].filename)\n"
        "print(nba.create('more', key='k'))\n"
        "print(nba.sync(timeout=0.2).pending)"
    )
    assert said == "<MarkdownArtifact k@1> 1\n" * 3 + "1 True <string>\n<MarkdownArtifact k@pending>\n1"
    failed = laptop.cli("sync", code=1)
    assert failed.stdout.startswith("1 not sent · 127.0.0.1:")
    assert "see whether it runs" in failed.stderr
    found = laptop.cli("status").stdout
    assert "Problem" in found
    assert "1 not sent" in found


def test_a_key_that_is_wrong_is_said_everywhere_and_mended(machine):
    laptop = machine("laptop", key="nba_wrong-key-of-somebody")
    failed = laptop.cli("sync", code=0)
    assert "nothing to send" in failed.stdout
    laptop.python("nba.create('x', key='k')")
    failed = laptop.cli("sync", code=1)
    assert "wants another key" in failed.stdout
    assert "NB_ARTIFACTS_API_KEY" in failed.stderr
    state = json.loads(laptop.cli("status", "-o", "json").stdout)["sync"]
    assert (state["problem"], state["pending"]) == ("denied", 1)
    good = machine("laptop")
    assert json.loads(good.cli("sync", "-o", "json").stdout)["problem"] is None


def test_an_address_that_cannot_be_one_keeps_nobody_from_working(machine):
    laptop = machine("laptop", url="artifacts.example.org")
    said = laptop.process(
        sys.executable, "-c", "import nb_artifacts as nba\nnba.create('x', key='k')\nprint(nba.Artifact.get('k'))"
    )
    assert said.stdout == "<MarkdownArtifact k@1>\n"
    assert said.stderr.count("write https://HOST/api") == 1
    assert "not the address of an API" in laptop.cli("sync", code=1).stderr
    assert "not the address of an API" in laptop.cli("status").stdout


def test_prefects_address_alone_sends_nothing(machine, server):
    laptop = machine("laptop", PREFECT_API_URL=server.url, PREFECT_API_KEY=server.token)
    del laptop.env["NB_ARTIFACTS_API_URL"]
    assert laptop.python("nba.create('x', key='k'); print(nba.status().sync)") == "None"
    assert "there is no API to send to" in laptop.cli("sync", code=1).stderr
    assert server.ask("POST", "/artifacts/count", {}).json() == 0
    assert laptop.python("nba.create('y', key='k'); print(nba.sync().pending)", NB_ARTIFACTS_API_URL="prefect") == "0"
    assert server.ask("POST", "/artifacts/count", {}).json() == 1


def test_a_dry_run_shows_what_would_leave_and_provenance_can_stay(machine, server):
    laptop = machine("laptop")
    laptop.python("nba.create('x', key='k')", NB_ARTIFACTS_API_URL="http://127.0.0.1:9/api")
    dry = "nba.configure(sync_provenance={!r}); found = nba.sync(dry_run=True, all=True)\nprint([sorted(one.origin) for one in found.items], found.provenance)"
    full, names, off = (laptop.python(dry.format(level)) for level in ("full", "names", "off"))
    assert "'host'" in full and "'user'" in full and "'packages'" in full and full.endswith("full")
    assert "'host'" not in names and names.endswith("names")
    assert off == "[[]] off"
    assert server.ask("POST", "/artifacts/count", {}).json() == 0
    assert laptop.python("nba.configure(sync_provenance='off'); nba.sync(all=True)") == ""
    record = server.ask("POST", "/artifacts/filter", {}, whole=True).json()[0]
    assert (record["flow_run_id"], record["task_run_id"]) == (None, None)
    assert server.ask("POST", "/runs/filter", {}, whole=True).json() == []


def test_sync_ends_while_others_go_on_writing(machine):
    code = """
import threading
nba.configure(display=False)
over = threading.Event()
def write():
    while not over.wait(0.005):
        nba.create("more", key="more")
nba.create("first", key="first")
writer = threading.Thread(target=write)
writer.start()
nba.sync()
sent = nba.Artifact.get("first").synced()
over.set()
writer.join()
print(sent)
"""
    assert machine("writer").python(code) == "True"
