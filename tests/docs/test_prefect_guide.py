"""What Prefect's guide to artifacts shows, with our own words and data: only the import differs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import nb_artifacts as nba

GUIDE = '''
from nb_artifacts import (
    Artifact, create_image_artifact, create_link_artifact, create_markdown_artifact, create_progress_artifact,
    create_table_artifact, flow, task, update_progress_artifact,
)


@task
def raw_file():
    create_link_artifact(
        key="sensor-readings",
        link="https://example.com/sensors/2024.csv",
        description="## Readings that vary a lot",
    )


@task
def cleaned_file():
    create_link_artifact(
        key="sensor-readings",
        link="https://example.com/sensors/2024-clean.csv",
        link_text="Cleaned",
        description="# Readings that vary less",
    )


@flow
def sensors():
    raw_file()
    cleaned_file()


def fetch(number):
    return list(range(number * 10, number * 10 + 10))


@flow(log_prints=True)
def fetch_in_batches():
    progress_artifact_id = create_progress_artifact(progress=0.0, description="Share of batches that came")
    readings = []
    for number in range(1, 11):
        readings.extend(fetch(number))
        update_progress_artifact(artifact_id=progress_artifact_id, progress=number * 10)
    return readings


@task(name="Say hello")
def say_hello(name):
    return f"Hello, {name}!"


@task(name="Write the report")
def write_report():
    harvest = 1250
    text = f"""# Harvest

## Summary

| Orchard | Tonnes |
|:--------|-------:|
| North   | ${harvest:,} |
"""
    create_markdown_artifact(key="harvest-report", markdown=text, description="The year's harvest")


@flow()
def greet_and_report():
    say_hello("grower")
    write_report()


@flow
def whom_to_call():
    rows = [
        {"customer": "12", "name": "Kim", "may leave": 0.91},
        {"customer": "31", "name": "Noor", "may leave": 0.87},
    ]
    create_table_artifact(key="personalized-reachout", table=rows, description="# Please call these customers today!")


@task
def draw():
    create_image_artifact(
        image_url="https://example.com/harvest.png", description="An image of the harvest.", key="harvest-picture"
    )
    return "done"


@flow
def pictures():
    return draw()


sensors()
fetch_in_batches()
greet_and_report()
whom_to_call()
assert pictures() == "done"

my_retrieved_artifact = Artifact.get("personalized-reachout")
print(my_retrieved_artifact.key, my_retrieved_artifact.type, my_retrieved_artifact.data)
print(Artifact.get_or_create("personalized-reachout")[1], Artifact.get_or_create(key="first-of-it", data="x", type="markdown")[1])
'''

ASYNC = """
import asyncio
from nb_artifacts import acreate_table_artifact, aupdate_progress_artifact, create_progress_artifact, flow, task


@task
async def tabulate():
    return await acreate_table_artifact(key="async-table", table={"orchard": ["north"], "tonnes": [1250]})


@flow(name="orchards")
async def orchards():
    progress = create_progress_artifact(0, key="async-progress")
    await tabulate()
    await aupdate_progress_artifact(progress, 100)


asyncio.run(orchards())
"""


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Run a script in an empty folder of artifacts, where this process then looks; what it printed."""
    monkeypatch.setenv("NB_ARTIFACTS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NB_ARTIFACTS_FROM_SERVER", raising=False)

    def run(script):
        (tmp_path / "script.py").write_text(script)
        done = subprocess.run(
            [sys.executable, "-W", "error", "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return run


def test_the_guides_examples_run(ran):
    said, once = ran(GUIDE).splitlines()
    key, type_, data = said.split(" ", 2)
    assert (key, type_) == ("personalized-reachout", "table")
    assert json.loads(data)[1] == {"customer": "31", "name": "Noor", "may leave": 0.87}
    assert once == "False True"

    links = nba.Artifact.history("sensor-readings")
    assert [one.data for one in links] == [
        "[Cleaned](https://example.com/sensors/2024-clean.csv)",
        "[https://example.com/sensors/2024.csv](https://example.com/sensors/2024.csv)",
    ]
    assert [one.run.name for one in links] == ["cleaned_file", "raw_file"]
    assert links[0].flow_run_id == links[1].flow_run_id

    report = nba.Artifact.get("harvest-report")
    assert (report.run.name, report.value.count("$1,250"), report.description) == ("Write the report", 1, "The year's harvest")
    assert nba.Artifact.get("harvest-picture").value == "https://example.com/harvest.png"
    assert nba.Artifact.get("personalized-reachout").run.name == "whom-to-call"


def test_a_keyless_progress_is_found_under_its_flow(ran):
    ran(GUIDE)
    from nb_artifacts import core
    from nb_artifacts.wire import RunKind, RunQuery

    flows = core.current_store().find_runs(RunQuery(kind=[RunKind.flow]))
    batches = next(run for run in flows if run.name == "fetch-in-batches")
    (progress,) = core.in_run(batches.id)
    assert (progress.key, progress.type, core.read(progress).value) == (None, "progress", 100)
    assert progress.description == "Share of batches that came"


def test_async_flows_and_tasks(ran):
    ran(ASYNC)
    table = nba.Artifact.get("async-table")
    assert (table.run.name, table.value) == ("tabulate", {"orchard": ["north"], "tonnes": [1250]})
    assert nba.Artifact.get("async-progress").value == 100
