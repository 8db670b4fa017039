"""What is noted of where artifacts come from."""

import gc
import itertools
import sys
import types

from nb_artifacts.provenance import loaded_packages

NUMBERS = itertools.count()


class Importing:
    """Garbage that imports as it goes, as another thread may at any moment."""

    def __init__(self):
        self.itself = self

    def __del__(self):
        name = f"made_up_{next(NUMBERS)}"
        sys.modules[name] = types.ModuleType(name)


def test_packages_are_listed_while_modules_come():
    before = set(sys.modules)
    try:
        for _ in range(200):
            Importing()
            assert "msgspec" in loaded_packages()
        gc.collect()
    finally:
        for name in set(sys.modules) - before:
            if name.startswith("made_up_"):
                del sys.modules[name]
