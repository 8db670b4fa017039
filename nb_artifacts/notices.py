"""Warnings that point at the user's line, however deep below it they are raised."""

from __future__ import annotations

import sys
import warnings

_OURS = "nb_artifacts."


def warn(message: str) -> None:
    """Warn at the innermost line that is not ours; in a thread of ours at the first line of the thread."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)
