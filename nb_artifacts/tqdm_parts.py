"""What tqdm has besides bars: its words for numbers, its lock, and files whose reading or writing moves a bar."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

    from nb_artifacts.bars.bar import Bar

TERMINAL: dict[str, Any] = {
    "ncols": None, "nrows": None, "mininterval": 0.1, "maxinterval": 10.0, "miniters": None, "ascii": None,
    "dynamic_ncols": False, "smoothing": 0.3, "bar_format": None, "unit_divisor": 1000, "write_bytes": False,
    "lock_args": None, "colour": None, "delay": 0.0, "gui": False,
}  # fmt: skip
"""What only concerns a terminal, as tqdm has it where nothing is given: attributes of a bar, which some code reads."""


def format_num(n: Any) -> str:
    """A number in at most three significant digits, where that is shorter."""
    short, whole = f"{n:.3g}".replace("e+0", "e+").replace("e-0", "e-"), str(n)
    return short if len(short) < len(whole) else whole


def format_interval(t: float) -> str:
    """A time as ``[h:]mm:ss``."""
    minutes, seconds = divmod(int(t), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:d}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def format_sizeof(num: float, suffix: str = "", divisor: float = 1000) -> str:
    """A number with an SI prefix."""
    for prefix in ("", "k", "M", "G", "T", "P", "E", "Z"):
        if abs(num) < 999.5:
            digits = 2 if abs(num) < 9.995 else 1 if abs(num) < 99.95 else 0
            return f"{num:.{digits}f}{prefix}{suffix}"
        num /= divisor
    return f"{num:3.1f}Y{suffix}"


class Lock:
    """A lock of one process, for code that takes tqdm's; our bars need none. Any worker can be given it: it gets its own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As any lock."""
        return self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        """As any lock."""
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> tuple[type[Lock], tuple[()]]:
        return Lock, ()


class Wrapped:
    """A file, one method of which moves a bar."""

    def __init__(self, stream: Any, method: str, bar: Bar) -> None:
        self._stream, self._method, self._bar = stream, method, bar

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stream, name)
        if name != self._method:
            return found

        def moved(*args: Any, **kwargs: Any) -> Any:
            result = found(*args, **kwargs)
            data = args[0] if name == "write" else result
            self._bar.update(len(data))
            return result

        return moved

    def __iter__(self) -> Any:
        return iter(self._stream)

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)  # type: ignore[arg-type]  # three, as `with` passes them
