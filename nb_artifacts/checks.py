"""What may stand in a record beside its content: texts, tags and metadata as users give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nb_artifacts.errors import InvalidValue


def check_text(name: str, value: object) -> None:
    """A text or None that can be written as JSON. Raises `InvalidValue`."""
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidValue(f"{name}={value!r:.80} is not a text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(f"{name} has a lone surrogate at position {error.start}: remove or replace it.") from None


def check_tags(tags: Iterable[str] | None) -> list[str]:
    """Tags as a list without repeats, in the order given. Raises `InvalidValue`."""
    if tags is None:
        return []
    if isinstance(tags, (str, bytes)) or not isinstance(tags, Iterable):
        raise InvalidValue(f"tags={tags!r:.80} is not a list of texts: write tags=[…].")
    found = list(tags)
    for tag in found:
        if not isinstance(tag, str) or not tag.strip() or len(tag) > 200:
            raise InvalidValue(f"{tag!r:.80} is not a tag: use a text of 1 to 200 characters.")
        check_text("tag", tag)
    return list(dict.fromkeys(found))


def check_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata as a dict of texts. Raises `InvalidValue` naming the member."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise InvalidValue(f"metadata={metadata!r:.80} is not a dict of texts.")
    for name, value in metadata.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidValue(f"metadata[{name!r:.80}]={value!r:.80}: names and values are texts; write str(…).")
        if name.startswith("nb_artifacts."):
            raise InvalidValue(f"metadata[{name!r}]: names that begin with 'nb_artifacts.' are ours.")
        check_text("metadata", name)
        check_text(f"metadata[{name!r}]", value)
    return dict(metadata)
