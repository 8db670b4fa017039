"""Which addresses are links. Everything that could be read otherwise by a browser is refused, not repaired."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types.text import clip_text, encodable, visible

_WEB = re.compile(r"https?://[^/\\?#]", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[^/\\?#]", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}\Z")
_BAD = ("Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp")


def is_safe(url: str) -> bool:
    """Whether `url` is a plain http, https or mailto address: no blank, control or invisible character, no backslash."""
    if not (_WEB.match(url) or _MAIL.match(url)):
        return False
    if "\\" in url or any(unicodedata.category(c) in _BAD for c in url if not "!" <= c <= "~"):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "mailto" or bool(parts.hostname)
    except ValueError:
        return False


def is_picture(url: str) -> bool:
    """Whether `url` is a ``data:`` address that holds a PNG, JPEG, GIF or WebP image in base64."""
    return _PICTURE.match(url) is not None


def check_url(url: object, what: str = "link") -> str:
    """`url` itself, if it is a text that `is_safe`.

    Raises `UnsupportedType` for anything that is no text, and `InvalidValue` naming the address and what is allowed.
    """
    if not isinstance(url, str):
        raise UnsupportedType(f"{what} takes an address as text, not {type(url).__name__}.")
    encodable(url, what)
    if not is_safe(url):
        shown = clip_text(visible(repr(url)), 200)
        hint = " Write blanks as %20." if is_safe(url.strip().replace(" ", "%20")) else ""
        raise InvalidValue(
            f"{shown} is not a {what}: addresses begin with http://, https:// or mailto: and have no blanks.{hint}"
        )
    return url


def host(url: str) -> str:
    """The host of a web address that `is_safe`, for people to read."""
    return urlsplit(url).hostname or ""
