"""Who this process is, and whether another one still lives: (host, boot id, pid, start time).

A writer on this host is dead when no process has its pid and start time any more, or that process is a zombie; never
because it is quiet: a C call may hold the interpreter, a laptop may sleep.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_SLACK = 1.5
"""Seconds by which two readings of one process's start time may differ (the boot time is rounded and drifts)."""


@dataclass(frozen=True)
class Writer:
    """One process on one host."""

    host: str
    boot_id: str
    pid: int
    started: float
    """Seconds since the epoch."""


def this_process() -> Writer:
    """The writer that this process is, also after a fork."""
    return _this_process(os.getpid())


@lru_cache(maxsize=2)
def _this_process(pid: int) -> Writer:
    import psutil

    return Writer(socket.gethostname(), boot_id(), pid, psutil.Process(pid).create_time())


@lru_cache(maxsize=1)
def boot_id() -> str:
    """What changes with each start of the machine; a container on the same kernel has its host's name to tell it apart."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        import psutil

        return f"boot-{round(psutil.boot_time())}"


def is_dead(writer: Writer) -> bool:
    """Whether a writer of this host is certainly gone; False for one of another host, which cannot be seen from here."""
    if writer.host != socket.gethostname():
        return False
    if writer.boot_id != boot_id():
        return True
    import psutil

    try:
        process = psutil.Process(writer.pid)
        return abs(process.create_time() - writer.started) > _SLACK or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
