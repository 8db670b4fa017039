"""S-10: the key lands in no file: not in the folder, a notebook, a log, an export, nor in what anything prints."""

import base64
import json
import zipfile

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELLS = [
    "%load_ext nb_artifacts\nimport os\nimport nb_artifacts as nba\nfrom nb_artifacts import config",
    "nba.create('x', key='k')",
    "%xmode Verbose",
    "nba.sync(), nba.status(), config.remote(), config._state, repr(config.remote().key)",
    "%artifact status",
    "nba.create([{'a': 1}], key='table')\nnba.sync(dry_run=True, all=True).items",
    "from nb_artifacts.magics import NbArtifacts\nNbArtifacts.class_get_help(NbArtifacts.instance()), NbArtifacts.instance().trait_values()",
    "key = os.environ['NB_ARTIFACTS_API_KEY']\nnba.configure(api_key=key)\nnba.create('y', key='k')",
    "nba.configure(api_url=f'https://me:{config.remote().key}@host/api')",
    "nba.configure(api_url=f'https://host/api?token={config.remote().key}')",
    "nba.configure(api_key=f'{config.remote().key}\\n')",
    "nba.configure(api_url='http://127.0.0.1:9/api')\nnba.create('z', key='k')\nnba.sync()",
    "nba.Artifact.get('k')",
    "nba.configure(api_url=os.environ['NB_ARTIFACTS_API_URL'], api_key=str(config.remote().key)[::-1])\nnba.create('w', key='k')\nnba.sync()",
    "import logging\nlogging.basicConfig(level=1)\nnba.configure(api_key=None)\nnba.sync(), nba.Artifact.get('k')",
]
FAILING = {8, 9, 10, 11, 13}


@pytest.fixture
def ran(machine, tmp_path, monkeypatch):
    """A notebook executed and saved on a machine whose environment has the key."""
    laptop = machine("laptop")
    for name, value in laptop.env.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    for place in FAILING:
        notebook.cells[place].metadata["tags"] = ["raises-exception"]
    try:
        NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(laptop.path)}}
        ).execute()
    except CellExecutionError as error:
        pytest.fail(str(error))
    nbformat.write(notebook, laptop.path / "saved.ipynb")
    return laptop, notebook


def errors(notebook):
    return {n: out.ename for n, cell in enumerate(notebook.cells) for out in cell.outputs if out.output_type == "error"}


def pieces(path):
    """The bytes of a file, and of what is packed in it."""
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                yield packed.read(name)


def holding(folder, secret):
    """Files that hold the secret, as it is or in the usual disguises."""
    raw = secret.encode()
    spelled = [raw, raw[::-1], base64.b64encode(raw), base64.b64encode(b":" + raw), json.dumps(secret).encode()[1:-1]]
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(text in piece for piece in pieces(path) for text in spelled)
    ]


def test_the_key_lands_in_no_file(ran, server, jupyter, tmp_path):
    laptop, notebook = ran
    assert errors(notebook) == {8: "InvalidValue", 9: "InvalidValue", 10: "InvalidValue", 11: "Unreachable", 13: "Denied"}
    said = []
    for words in (("status",), ("status", "-o", "json"), ("sync",), ("sync", "--dry-run", "--all", "-o", "json"), ("ls", "--all"),
                  ("inspect", "k"), ("export", "moved.zip"), ("backup", "copy.zip")):  # fmt: skip
        done = laptop.cli(*words)
        said += [done.stdout, done.stderr]
    said.append(
        laptop.process(
            "python", "-X", "dev", "-m", "nb_artifacts.cli", "sync", NB_ARTIFACTS_API_URL="http://127.0.0.1:9"
        ).stderr
    )
    lab = jupyter("lab", f"--NbArtifacts.api_url={server.url}", f"--NbArtifacts.api_key={server.token}", "--log-level=DEBUG")
    said += [lab.ask("GET", path, whole=True).body.decode() for path in ("/status", "/openapi.json")]
    (tmp_path / "said.txt").write_text("\n".join(said))
    assert (laptop.path / "moved.zip").exists()
    assert [path.relative_to(tmp_path) for path in holding(tmp_path, server.token)] == []


def test_the_search_would_find_it(tmp_path, server):
    (tmp_path / "a.log").write_text(f"Authorization: Bearer {server.token}")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("c", base64.b64encode(server.token.encode()) * 3)
    assert sorted(path.name for path in holding(tmp_path, server.token)) == ["a.log", "b.zip"]
