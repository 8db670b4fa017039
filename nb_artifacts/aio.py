"""The awaitable names, derived from the plain ones: each runs its plain twin in a thread, in the caller's context."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from nb_artifacts import artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

P = ParamSpec("P")
R = TypeVar("R")


def awaitable(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """An ``async def`` that does what `function` does without holding up the event loop."""

    @functools.wraps(function)
    async def in_thread(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(function, *args, **kwargs)

    in_thread.__name__ = in_thread.__qualname__ = f"a{function.__name__}"
    in_thread.__doc__ = f"Awaitable `{function.__name__}`.\n\n{function.__doc__}"
    return in_thread


acreate = awaitable(artifacts.create)
acreate_link_artifact = awaitable(artifacts.create_link_artifact)
acreate_markdown_artifact = awaitable(artifacts.create_markdown_artifact)
acreate_table_artifact = awaitable(artifacts.create_table_artifact)
acreate_progress_artifact = awaitable(artifacts.create_progress_artifact)
acreate_image_artifact = awaitable(artifacts.create_image_artifact)
aupdate_progress_artifact = awaitable(artifacts.update_progress_artifact)
