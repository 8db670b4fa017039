"""The committed wire.ts is what the Python structs say."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "wire_ts.py"


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("wire_ts", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_wire_ts_is_fresh(generator):
    fresh = generator.TARGET.read_text(encoding="utf-8") == generator.render()
    assert fresh, "labextension/src/wire.ts is stale: run `python scripts/wire_ts.py` and commit the file"


def test_every_type_has_its_info(generator):
    text = generator.render()
    for name in generator.types.TYPES:
        assert f"  {name}: {generator.types.payload_class(name).Info.__name__};" in text


def test_an_annotation_without_typescript_is_an_error(generator):
    with pytest.raises(TypeError, match="no TypeScript for"):
        generator.typescript(complex)
