"""What is noted of where artifacts come from."""

import sys
import threading
import types

from nb_artifacts.provenance import loaded_packages


def test_packages_are_listed_while_other_threads_import():
    done = threading.Event()

    def imports():
        while not done.is_set():
            for n in range(300):
                sys.modules[f"made_up_{n}"] = types.ModuleType(f"made_up_{n}")
            for n in range(300):
                del sys.modules[f"made_up_{n}"]

    thread = threading.Thread(target=imports)
    thread.start()
    try:
        assert all("msgspec" in loaded_packages() for _ in range(300))
    finally:
        done.set()
        thread.join()
