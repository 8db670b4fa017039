"""A drop-in for tqdm: ``from nb_artifacts.tqdm import tqdm, trange``; each bar is an artifact.

The class takes tqdm's parameters and has its methods, for code and libraries that are given a tqdm class. What only
concerns a terminal (`ncols`, `position`, `ascii`, `miniters`, …) is accepted and has no effect: nothing is printed, and
the store is written by the clock. Of our own are the keywords `key` and `tags`.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Mapping
from contextlib import nullcontext
from numbers import Number
from typing import TYPE_CHECKING, Any, ClassVar

from nb_artifacts import tqdm_parts
from nb_artifacts.bars.bar import Bar, begin
from nb_artifacts.bars.counting import length
from nb_artifacts.bars.loops import Iteration, Loop, is_plain
from nb_artifacts.types.progress import said
from nb_artifacts.unwinding import users_frame
from nb_artifacts.wire import now

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
    from types import CodeType, TracebackType

__all__ = ["tqdm", "trange"]

_ORDER = [
    "file", "ncols", "mininterval", "maxinterval", "miniters", "ascii", "disable", "unit", "unit_scale", "dynamic_ncols",
    "smoothing", "bar_format", "initial", "position", "postfix", "unit_divisor", "write_bytes", "lock_args", "nrows",
    "colour", "delay", "gui",
]  # fmt: skip
"""tqdm's parameters after the fourth."""


_TQDMS_OWN_MAPS = "tqdm.contrib.concurrent"


class tqdm(Bar):  # noqa: N801 (tqdm's own name)
    """A bar around an iterable, or to be moved by `update`. Raises `KeyError` for a keyword that tqdm does not know."""

    _lock: ClassVar[Any]
    monitor_interval: ClassVar[float] = 0
    monitor: ClassVar[None] = None
    _instances: ClassVar[weakref.WeakSet[tqdm]] = weakref.WeakSet()
    """Every bar that somebody holds: ``while tqdm._instances: tqdm._instances.pop().close()`` is a known recipe."""

    def __init__(
        self,
        iterable: Iterable[Any] | AsyncIterable[Any] | None = None,
        desc: str | None = None,
        total: float | None = None,
        leave: bool | None = True,
        *terminal: Any,
        disable: bool | None = False,
        unit: str = "it",
        unit_scale: bool | float = False,
        initial: float = 0,
        postfix: Any = None,
        key: str | None = None,
        tags: Iterable[str] | None = None,
        display: bool | None = None,
        **kwargs: Any,
    ) -> None:
        unknown = [name for name in kwargs if name not in _ORDER]
        if unknown:
            raise KeyError(f"Unknown argument(s): {', '.join(unknown)}")
        given = {**kwargs, **dict(zip(_ORDER, terminal, strict=False))}
        if terminal:
            disable, unit = given.get("disable", disable), given.get("unit", unit)
            unit_scale = given.get("unit_scale", unit_scale)
            initial, postfix = given.get("initial", initial), given.get("postfix", postfix)
        if iterable is not None:
            is_plain(iterable)
            if total is None and (size := length(iterable)) is not None:
                total = size + initial
        self.iterable, self.disable, self.unit, self.unit_scale = iterable, bool(disable), unit, unit_scale
        self.leave, self.initial, self.pos, self.desc = leave, initial, 0, _words(desc)
        self.__dict__.update({name: given.get(name, default) for name, default in tqdm_parts.TERMINAL.items()})
        self.fp = given.get("file") or sys.stderr
        self.postfix = postfix  # a list is for a `bar_format` that knows it
        self._begins: dict[str, Any] = {
            "key": key, "unit": None if unit == "it" else unit, "tags": tags, "leave": leave is not False,
            "owner": _owner(), "show": display, "disable": self.disable,
        }  # fmt: skip
        super().__init__(*begin(total=_known(total), description=self.desc or None, initial=initial, **self._begins))
        self._instances.add(self)
        if isinstance(postfix, Mapping):
            self.set_postfix(**postfix)
        elif isinstance(postfix, str):
            self.set_postfix_str(postfix)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._loop())

    def __aiter__(self) -> AsyncIterator[Any]:
        return aiter(self._loop())

    def _loop(self) -> Loop[Any]:
        if self.iterable is None:
            raise TypeError("'tqdm' object has no iterable: give one, or call update().")
        if self._meter.state != "running":
            self.reset()

        def begun() -> Iteration:
            iteration = Iteration(self._meter, self._home, ends=True)
            iteration.holds = self
            return iteration

        return Loop(self.iterable, begun)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if error is None and sys._getframe(1).f_globals.get("__name__") == _TQDMS_OWN_MAPS and self.total is not None:
            self.n = self.total  # they count chunks, and leave the block without an error only when all is done
        super().__exit__(kind, error, where)

    def __len__(self) -> int:
        if self.iterable is not None and (size := length(self.iterable)) is not None:
            return size
        if self.total is None:
            raise TypeError("the length of this tqdm is not known: give it a total.")
        return int(self.total)

    def __bool__(self) -> bool:
        return self.total > 0 if self.total is not None else self.iterable is None or bool(self.iterable)

    def __contains__(self, item: object) -> bool:
        return item in self.iterable  # type: ignore[operator]  # raises as tqdm does

    def __reversed__(self) -> Iterator[Any]:
        self.iterable = reversed(self.iterable)  # type: ignore[call-overload]  # raises as tqdm does
        return iter(self)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __lt__(self, other: Any) -> bool:
        return bool(self.pos < other.pos)

    @property
    def n(self) -> float:
        """How many are done; may be set."""
        return super().n

    @n.setter
    def n(self, n: float) -> None:
        self._meter.counter.add(n - self._meter.done())

    @property
    def total(self) -> float | None:
        """How many there are; None is not known."""
        return super().total

    @total.setter
    def total(self, total: float | None) -> None:
        Bar.total.fset(self, _known(total))  # type: ignore[attr-defined]  # a property's own

    def clear(self, *_: Any, **__: Any) -> None:
        """Nothing is printed that could be cleared."""

    def refresh(self, *_: Any, **__: Any) -> bool:
        """The ticker refreshes; True as tqdm says when it did."""
        return True

    display = moveto = unpause = refresh

    def reset(self, total: float | None = None) -> None:
        """Begin again from 0; a bar that had ended begins anew, under its key as a new version."""
        if self._meter.state != "running":
            total = self._meter.total if total is None else _known(total)
            self._meter, self._home = begin(total=total, description=self.desc or None, initial=0, **self._begins)
            self._mine = self._meter.counter.mine
            return
        self.n = 0
        self._meter.started = now()
        if total is not None:
            self.total = total

    def set_description(self, desc: str | None = None, refresh: bool | None = True) -> None:  # noqa: ARG002 (tqdm's signature)
        """Name the bar."""
        self.set_description_str(desc)

    def set_description_str(self, desc: str | None = None, refresh: bool | None = True) -> None:  # noqa: ARG002 (tqdm's signature)
        """Name the bar."""
        self.desc = _words(desc)
        self._meter.name = self.desc
        if self._meter.parent is None:
            self._home.describe(self.desc or None)

    def set_postfix(self, ordered_dict: Mapping[str, Any] | None = None, refresh: bool | None = True, **kwargs: Any) -> None:
        """Say values beside the bar: ``set_postfix(loss=0.25)``."""
        values = {**(ordered_dict or {}), **dict(sorted(kwargs.items()))}
        words = [f"{name}={self.format_num(v) if isinstance(v, Number) else str(v).strip()}" for name, v in values.items()]
        self.set_postfix_str(", ".join(words), refresh)

    def set_postfix_str(self, s: str | None = "", refresh: bool | None = True) -> None:  # noqa: ARG002 (tqdm's signature)
        """Say a text beside the bar."""
        self.postfix = None if s is None else str(s)
        self.message(_words(s) or None)

    @property
    def start_t(self) -> float:
        """When it began, in seconds since 1970."""
        return self._meter.started.timestamp()

    @property
    def last_print_n(self) -> float:
        """How many are done: whoever looks sees the newest."""
        return self.n

    @property
    def last_print_t(self) -> float:
        """When that was, in seconds since 1970: now, or the end."""
        return (self._meter.ended or now()).timestamp()

    @property
    def format_dict(self) -> dict[str, Any]:
        """The members that tqdm's formats know."""
        done = self._meter.done()
        elapsed = ((self._meter.ended or now()) - self._meter.started).total_seconds()
        return {
            "n": self.n, "total": self.total, "elapsed": elapsed, "prefix": self.desc, "unit": self.unit,
            "unit_scale": self.unit_scale, "rate": self._meter.rate(done), "postfix": self.postfix, "initial": self.initial,
            **{name: getattr(self, name) for name in ("ncols", "nrows", "ascii", "bar_format", "unit_divisor", "colour")},
        }  # fmt: skip

    def __str__(self) -> str:
        words = said(self._meter.step(1))
        return f"{self.desc}: {words}" if self.desc else words

    format_num = staticmethod(tqdm_parts.format_num)
    format_interval = staticmethod(tqdm_parts.format_interval)
    format_sizeof = staticmethod(tqdm_parts.format_sizeof)

    @classmethod
    def write(cls, s: str, file: Any = None, end: str = "\n", nolock: bool = False) -> None:  # noqa: ARG003 (tqdm's signature)
        """Print a line; no bar is in its way."""
        print(s, end=end, file=file or sys.stdout)

    @classmethod
    def external_write_mode(cls, file: Any = None, nolock: bool = False) -> nullcontext[None]:  # noqa: ARG003 (tqdm's signature)
        """A block that prints; no bar is in its way."""
        return nullcontext()

    @classmethod
    def get_lock(cls) -> Any:
        """A lock, as tqdm has one; ours needs none."""
        if not hasattr(cls, "_lock"):
            cls._lock = tqdm_parts.Lock()
        return cls._lock

    @classmethod
    def set_lock(cls, lock: Any) -> None:
        """Keep a lock for `get_lock`."""
        cls._lock = lock

    @classmethod
    def pandas(cls, **kwargs: Any) -> None:
        """Give pandas' frames, series, groups and windows `progress_apply`, `progress_map` and their like."""
        from nb_artifacts.tqdm_pandas import install

        install(cls, kwargs)

    @classmethod
    def as_completed(
        cls, fs: Iterable[Awaitable[Any]], *, timeout: float | None = None, total: int | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        """As `asyncio.as_completed`, with a bar."""
        listed = list(fs)
        yield from cls(asyncio.as_completed(listed, timeout=timeout), total=len(listed) if total is None else total, **kwargs)

    @classmethod
    async def gather(cls, *fs: Awaitable[Any], total: int | None = None, **kwargs: Any) -> list[Any]:
        """As `asyncio.gather`, with a bar."""
        with cls(total=len(fs) if total is None else total, **kwargs) as bar:

            async def one(awaitable: Awaitable[Any]) -> Any:
                found = await awaitable
                bar.update()
                return found

            return await asyncio.gather(*(one(awaitable) for awaitable in fs))

    @classmethod
    def wrapattr(
        cls, stream: Any, method: str, total: float | None = None, bytes: bool = True, **kwargs: Any
    ) -> tqdm_parts.Wrapped:
        """A file whose `read` or `write` moves a bar: ``with tqdm.wrapattr(file, "read", total=size) as file``."""
        if bytes:
            kwargs = {"unit": "B", "unit_scale": True, "unit_divisor": 1024, **kwargs}
        return tqdm_parts.Wrapped(stream, method, cls(total=total, **kwargs))


def _words(text: object) -> str:
    """A text for the bar, which any object and any file's name is; tqdm itself writes a colon behind a description."""
    return ("" if text is None else str(text)).encode("utf-8", "replace").decode().removesuffix(": ").rstrip()


def _known(total: Any) -> Any:
    """A total that there cannot be is one that is not known, such as urllib's -1; tqdm takes it too."""
    return None if isinstance(total, (int, float)) and not total >= 0 else total


def _owner() -> CodeType:
    """The code that makes a bar."""
    found = users_frame(sys._getframe())
    assert found is not None
    return found.f_code


def trange(*args: int, **kwargs: Any) -> tqdm:
    """``tqdm(range(*args), **kwargs)``."""
    return tqdm(range(*args), **kwargs)
