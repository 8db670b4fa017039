"""What the processes of one host have added to a bar: a folder of small files, mapped into memory by who counts and who reads.

A worker adds by writing to memory, so nothing is lost when it is killed right after, and nobody waits for anybody. The
folder lies where temporary files do, belongs to the bar's owner, and goes when the bar ends.
"""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

_PREFIX = "nb-artifacts-"
_SLOTS = 64
"""Threads that one file has room for."""

_SIZE = 8 * _SLOTS


class Ledger:
    """The counts of one bar's workers."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        """A new folder for the bar of that name, or the one that its owner made. Raises `OSError`."""
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{name}-")) if folder is None else folder
        self._maps: dict[str, memoryview[float]] = {}
        self._mine: memoryview[float] | None = None
        self._used = 0
        self._pid = os.getpid()
        self._guard = threading.RLock()  # a finalizer that comes in between may need a cell as well

    def cell(self) -> Any:
        """A cell for the current thread of this process; what is added to its item 0 the owner sees at once.

        Raises `OSError` where the folder is gone.
        """
        if self._pid != os.getpid():
            self._pid, self._mine, self._guard = os.getpid(), None, threading.RLock()
        with self._guard:
            if self._mine is None or self._used == _SLOTS:
                self._mine, self._used = self._new_file(), 0
            place, self._used = self._used, self._used + 1
            return self._mine[place : place + 1]

    def _new_file(self) -> memoryview[float]:
        handle, _ = tempfile.mkstemp(dir=self.folder, prefix=f"{os.getpid()}-")
        try:
            os.write(handle, bytes(_SIZE))  # a hole would only be found to have no room when it is written to
            return memoryview(mmap.mmap(handle, _SIZE)).cast("d")
        finally:
            os.close(handle)

    def total(self) -> float:
        """The sum of all that was added."""
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name not in self._maps and entry.stat().st_size == _SIZE:
                    with Path(entry.path).open("r+b") as file:
                        self._maps[entry.name] = memoryview(mmap.mmap(file.fileno(), _SIZE)).cast("d")
        return sum(sum(view) for view in self._maps.values())

    @staticmethod
    def remove_left(name: str) -> None:
        """Delete what the dead owner of a bar has left behind on this host."""
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}{name}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self) -> None:
        """Delete the folder; workers that still count do so unheard."""
        shutil.rmtree(self.folder, ignore_errors=True)
