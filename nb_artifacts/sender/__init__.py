"""Sends what a folder keeps to a store elsewhere: the change feed in, requests out, what has arrived written by `seq`.

`drain` makes one pass; a `Sender` is the thread that makes them while a process lives, elected among all processes of
the folder by a lease. No cell ever waits for it.
"""

from __future__ import annotations

from nb_artifacts.sender.draining import Drained, drain
from nb_artifacts.sender.outgoing import preview
from nb_artifacts.sender.registry import close_all, ensure, running, wake
from nb_artifacts.sender.thread import Sender

__all__ = ["Drained", "Sender", "close_all", "drain", "ensure", "preview", "running", "wake"]
