"""A kernel with an API: it says once where it sends, no cell waits, and the magics tell how it stands."""

import pytest
from kernelkit import Kernel


@pytest.fixture
def kernel(machine):
    laptop = machine("laptop")
    env = {name: laptop.env[name] for name in ("NB_ARTIFACTS_API_URL", "NB_ARTIFACTS_API_KEY")}
    kernel = Kernel(laptop.home, laptop.path, **env)
    kernel.run("%load_ext nb_artifacts\nimport nb_artifacts as nba")
    yield kernel
    kernel.close()


def test_it_says_once_where_it_sends_and_the_magics_tell_how_it_stands(kernel, server):
    first = kernel.run("nba.create('one', key='k')")
    assert (
        first.stdout
        == f"Artifacts made here are also sent to 127.0.0.1:{server.port}: %artifact sync --dry-run shows what leaves.\n"
    )
    assert first.artifacts[0].get("version") is None
    assert "version pending" in first.outputs[0]["text/plain"]
    assert kernel.run("await nba.acreate('two', key='k')").stdout == ""
    assert kernel.run("%artifact sync").text == f"all sent to 127.0.0.1:{server.port}"
    assert kernel.run("one = nba.Artifact.get('k', 1)\none").artifacts[0]["version"] == 1
    assert "v2" in kernel.run("%artifact history k").text
    kernel.run("%%artifact markdown --key report\n# Report\n")
    kernel.run("nba.sync()")
    shown = kernel.run("nba.create('three', key='k', display=False)\n%artifact sync --dry-run")
    assert "provenance: full. Nothing was sent." in shown.text
    assert "<table>" in shown.outputs[-1]["text/html"]
    assert "all sent" in kernel.run("nba.sync()\n%artifact status").text
    assert kernel.run("%artifact sync --all now", check=False).error.startswith("UsageError: 'now': write %artifact sync")


def test_it_completes(kernel):
    kernel.run("nba.create('one', key='flights', display=False)\nnba.sync()")
    assert "sync" in kernel.complete("%artifact sy")
    assert set(kernel.complete("%artifact sync --")) >= {"--all", "--key", "--dry-run"}
    assert kernel.complete("%artifact sync --key fl") == ["flights"]
    assert kernel.complete("%artifact get flights@") == ["flights@1"]


def test_completion_and_reading_go_on_without_the_server(kernel, server):
    kernel.run("nba.create('one', key='flights', display=False)\nnba.sync()")
    server.process.kill()
    server.process.wait()
    assert kernel.complete("%artifact get fl") == ["flights"]
    told = kernel.run(
        "import warnings\nwarnings.simplefilter('ignore')\nnba.create('two', key='flights', display=False)\nnba.Artifact.get('flights').value"
    )
    assert told.text == "'two'"
    assert "unreachable" in kernel.run("nba.sync(timeout=0.3).words()").text
