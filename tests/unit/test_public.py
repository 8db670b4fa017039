"""Public names are what design and documentation say, and load lazily."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import nb_artifacts as nba
from nb_artifacts import errors

PACKAGE = Path(nba.__file__).parent

PREFECT = {
    "create_link_artifact": ["link", "link_text", "key", "description"],
    "create_markdown_artifact": ["markdown", "key", "description"],
    "create_table_artifact": ["table", "key", "description"],
    "create_progress_artifact": ["progress", "key", "description"],
    "update_progress_artifact": ["artifact_id", "progress", "description"],
    "create_image_artifact": ["image_url", "key", "description"],
}


def test_every_public_name_exists_and_nothing_else():
    assert {name: getattr(nba, name) is not None for name in nba.__all__} == dict.fromkeys(nba.__all__, True)
    assert nba.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nba.nonsense
    assert set(nba.__all__) <= set(dir(nba))


@pytest.mark.parametrize("name", PREFECT)
def test_prefects_parameters_come_first_and_in_its_order(name):
    parameters = inspect.signature(getattr(nba, name)).parameters
    positional = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == PREFECT[name]
    if name.startswith("create"):
        assert parameters["tags"].kind is parameters["metadata"].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("name", [name for name in nba.__all__ if name.startswith(("acreate", "aupdate"))])
def test_awaitable_names_have_their_twins_signature(name):
    assert inspect.iscoroutinefunction(getattr(nba, name))
    assert inspect.signature(getattr(nba, name)) == inspect.signature(getattr(nba, name[1:]))


def test_no_module_has_the_name_of_a_public_function():
    """Importing a module sets its name in the package, over whatever had it before."""
    modules = {path.stem for path in (*PACKAGE.glob("*.py"), *PACKAGE.glob("*/"))}
    assert not modules & set(nba.__all__)


def test_every_error_stands_in_the_tree():
    drawn = errors.__doc__
    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, Exception):
            assert name in drawn
            assert issubclass(error, errors.ArtifactError)


def test_nothing_is_unpickled_or_evaluated_but_a_users_own_cell():
    """S-16: no pickle, no eval or exec of what a store holds."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                assert not {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml"} & set(names), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}:
                assert path.relative_to(PACKAGE).as_posix() in {"magics/transform.py", "magics/text.py"}, path
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"read_pickle", "to_pickle", "allow_pickle"}, path


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_and_functions_stay_small(path):
    text = path.read_text()
    assert text.count("\n") <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 80, node.name


def test_every_module_can_be_imported():
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        import_module(name)
