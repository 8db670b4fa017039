"""What users call: `create`, Prefect's `create_*` and `update_progress_artifact`, and the artifact classes by type.

Every call returns once the artifact is on disk, waits for no network, and is plain in cells, scripts, threads and
async code: a value comes back, never a coroutine (`aio` has the awaitable names).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts import updates
from nb_artifacts.errors import InvalidValue
from nb_artifacts.handle import Artifact, existing, switched_off
from nb_artifacts.types import Payload, coerce
from nb_artifacts.types.link import Link
from nb_artifacts.types.markdown import Markdown
from nb_artifacts.types.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

__all__ = [
    "Artifact", "DisplayArtifact", "ImageArtifact", "LinkArtifact", "MarkdownArtifact", "ProgressArtifact",
    "TableArtifact", "create", "create_image_artifact", "create_link_artifact", "create_markdown_artifact",
    "create_progress_artifact", "create_table_artifact", "existing", "update_progress_artifact",
]  # fmt: skip


class _Typed(Artifact):
    """Artifacts of one type, made from that type's own parts."""

    def __init_subclass__(cls, type: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._by_type[type] = cls

    def _prepare(self, payload: Payload, key: str | None, description: str | None) -> None:
        self._draft = self._payload = payload
        self._parts = {"key": key, "description": description}


class LinkArtifact(_Typed, type="link"):
    """A link: ``LinkArtifact(link=…, link_text=…).create()``."""

    def __init__(self, link: str, link_text: str | None = None, key: str | None = None, description: str | None = None) -> None:
        self._prepare(Link(link, link_text), key, description)


class MarkdownArtifact(_Typed, type="markdown"):
    """A Markdown text: ``MarkdownArtifact(markdown=…).create()``."""

    def __init__(self, markdown: str, key: str | None = None, description: str | None = None) -> None:
        self._prepare(Markdown(markdown), key, description)


class TableArtifact(_Typed, type="table"):
    """A table: ``TableArtifact(table=…).create()``."""

    def __init__(self, table: Any, key: str | None = None, description: str | None = None) -> None:
        self._prepare(coerce(table, type="table"), key, description)


class ProgressArtifact(_Typed, type="progress"):
    """A progress: ``ProgressArtifact(progress=…).create()``."""

    def __init__(self, progress: float, key: str | None = None, description: str | None = None) -> None:
        self._prepare(Progress(progress), key, description)


class ImageArtifact(_Typed, type="image"):
    """An image: ``ImageArtifact(image_url=…).create()``, or ``image=`` for bytes of our own."""

    def __init__(
        self, image_url: str | None = None, key: str | None = None, description: str | None = None, *, image: Any = None
    ) -> None:
        self._prepare(_image(image_url, image), key, description)


class DisplayArtifact(_Typed, type="display"):
    """Any other rich output: ``DisplayArtifact(figure).create()``."""

    def __init__(self, value: Any, key: str | None = None, description: str | None = None) -> None:
        self._prepare(coerce(value, type="display"), key, description)


def _image(image_url: str | None, image: Any) -> Payload:
    """The payload of exactly one of a URL and an image."""
    if (image_url is None) == (image is None):
        raise InvalidValue("give image_url= (an address) or image= (a path, bytes, Pillow image, array, figure), and not both.")
    return coerce(image_url if image is None else image, type="image")


def create(
    value: Any,
    key: str | None = None,
    description: str | None = None,
    *,
    type: str | None = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    display: bool | None = None,
) -> Artifact:
    """Keep a value as a new artifact and give its handle; it is on disk when this returns.

    Args:
        value: Frames, Arrow data, lists of dicts or lists, and dicts of lists become a table; Pillow images, figures
            and uint8 arrays of shape (h, w), (h, w, 3) or (h, w, 4) an image; other text Markdown; an object with a
            rich representation a display. Link and progress are never guessed.
        key: Lowercase letters, digits and dashes; each create of a key is its next version. Without a key it is found
            only under its run.
        description: Markdown.
        type: ``link``, ``markdown``, ``progress``, ``image``, ``table`` or ``display``, where guessing is not wanted.
        tags: Texts to find it by.
        metadata: Texts by name.
        display: Show it here (the default in a kernel), or not.

    Raises `InvalidKey`, `InvalidValue` (a value that would not come back equal: the message names the column and row),
    `UnsupportedType` and `StoreError`; nothing is stored then. A `KeyboardInterrupt` that comes after it was stored
    carries the id as `artifact_id`.
    """
    return _keep(coerce(value, type=type), key, description, tags, metadata, display)


def create_result(value: Any, key: str | None, description: str | None, *, type: str | None, tags: list[str]) -> Artifact:
    """As `create`, for magics: what they give shows itself, as the cell's result."""
    return Artifact._keep(coerce(value, type=type), key=key, description=description, tags=tags)


def _keep(
    payload: Payload,
    key: str | None,
    description: str | None,
    tags: Iterable[str] | None,
    metadata: Mapping[str, str] | None,
    display: bool | None,
) -> Artifact:
    off = switched_off(display)
    made = Artifact._keep(payload, key=key, description=description, tags=tags, metadata=metadata, hidden=off)
    try:
        return made._shown(display)
    except KeyboardInterrupt as stop:
        stop.artifact_id = made.id  # type: ignore[attr-defined]  # carried to whoever catches it
        raise


def create_link_artifact(
    link: str,
    link_text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    *,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    display: bool | None = None,
) -> UUID:
    """Keep a link (http, https or mailto) with its text; gives the id. Keywords and errors as `create`."""
    return _keep(Link(link, link_text), key, description, tags, metadata, display).id


def create_markdown_artifact(
    markdown: str,
    key: str | None = None,
    description: str | None = None,
    *,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    display: bool | None = None,
) -> UUID:
    """Keep a Markdown text; gives the id. Keywords and errors as `create`."""
    return _keep(Markdown(markdown), key, description, tags, metadata, display).id


def create_table_artifact(
    table: Any,
    key: str | None = None,
    description: str | None = None,
    *,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    display: bool | None = None,
) -> UUID:
    """Keep a table: a list of dicts, a list of lists, a dict of lists, or any frame that `create` takes; gives the id."""
    return _keep(coerce(table, type="table"), key, description, tags, metadata, display).id


def create_progress_artifact(
    progress: float,
    key: str | None = None,
    description: str | None = None,
    *,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    display: bool | None = None,
) -> UUID:
    """Keep a percentage, held to 0..100 with a warning; gives the id, for `update_progress_artifact`."""
    return _keep(Progress(progress), key, description, tags, metadata, display).id


def create_image_artifact(
    image_url: str | None = None,
    key: str | None = None,
    description: str | None = None,
    *,
    image: Any = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    display: bool | None = None,
) -> UUID:
    """Keep an image: `image_url` an address that stays an address, or `image` whose bytes are kept; gives the id.

    `image` is a path, bytes (PNG, JPEG, GIF, WebP, SVG), a Pillow image, a uint8 array of shape (h, w), (h, w, 3) or
    (h, w, 4), or a matplotlib figure. Keywords and errors as `create`.
    """
    return _keep(_image(image_url, image), key, description, tags, metadata, display).id


def update_progress_artifact(artifact_id: UUID, progress: float, description: str | None = None) -> UUID:
    """Set a progress artifact's percentage in place, from any process; a description of None leaves it as it is.

    Call it as often as you like: between two writes, ten a second, the newest value waits; 100 is on disk at once.
    Raises `NotFound` for an id that no artifact has, and `InvalidValue` for one of another type or a value that is no
    number.
    """
    return updates.put(artifact_id, progress, description)
