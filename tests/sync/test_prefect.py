"""A real Prefect server between machines: what Prefect's own functions made is found and read, and ours is there once."""

import json
import sys

import pytest
from contract.prefect_server import ask
from sync.conftest import Machine

MAKE = """
from prefect.artifacts import (create_image_artifact, create_link_artifact, create_markdown_artifact, create_progress_artifact,
    create_table_artifact)

create_table_artifact([{"carrier": "UA", "late": 0.443}, {"carrier": "HA", "late": None}], key="table", description="Made by Prefect")
create_markdown_artifact("# All went well", key="report")
create_link_artifact("https://example.com/a", link_text="A", key="link")
create_image_artifact("https://example.com/a.png", key="image")
create_progress_artifact(40, key="progress")
"""
READ = """
import pandas as pd
table = nba.Artifact.get("table")
print(table.to_pandas().to_dict("list"), table.description, table.version)
for key in ("report", "link", "image", "progress"):
    found = nba.Artifact.get(key)
    print(key, type(found).__name__, found.value)
print(sorted(record.key for record in __import__("nb_artifacts.core").core.latest()))
"""


@pytest.fixture
def machine(tmp_path, prefect):
    return lambda name: Machine(tmp_path / name, "prefect", PREFECT_API_URL=prefect.address)


def test_what_prefect_made_is_found_and_read(machine, prefect_python):
    done = machine("flow").process(prefect_python, "-c", MAKE, PYTHONPATH="")
    assert done.returncode == 0, done.stderr
    said = machine("laptop").python(READ).split("\n")
    assert said[0] == "{'carrier': ['UA', 'HA'], 'late': [0.443, nan]} Made by Prefect 1"
    assert said[1:5] == [
        "report MarkdownArtifact # All went well",
        "link MarkdownArtifact [A](https://example.com/a)",
        "image ImageArtifact https://example.com/a.png",
        "progress ProgressArtifact 40.0",
    ]
    assert said[5] == "['image', 'link', 'progress', 'report', 'table']"
    listed = json.loads(machine("laptop").cli("ls", "-o", "json").stdout)
    assert {one["key"] for one in listed} == {"image", "link", "progress", "report", "table"}


def test_two_machines_share_keys_through_it_and_nothing_is_there_twice(machine, prefect):
    laptop, desk = machine("laptop"), machine("desk")
    assert (
        laptop.python(
            "nba.create([{'a': 1}], key='shared'); done = nba.sync(); print(done.pending, done.kind, done.provenance)"
        )
        == "0 prefect names"
    )
    assert desk.python(
        "found = nba.Artifact.get('shared'); print(found, found.value); nba.create('two', key='shared'); nba.sync()"
    ) == ("<TableArtifact shared@1> [{'a': 1}]")
    assert laptop.python(
        "print([(one.version, one.type) for one in nba.Artifact.history('shared')], nba.Artifact.get('shared').value)"
    ) == ("[(2, 'markdown'), (1, 'table')] two")
    assert len(ask(prefect, "POST", "/artifacts/filter", {"artifacts": {"key": {"any_": ["shared"]}}})) == 2
    said = laptop.process(sys.executable, "-m", "nb_artifacts.cli", "ls").stdout
    assert said.count("shared") == 1
    assert "source" not in json.dumps(ask(prefect, "POST", "/artifacts/filter", {})).replace("source_sha256", "")
