"""Where artifacts are sent to and read from beside the folder: the address of an API and the key for it.

A key is a `Secret` from the moment it is read, so that no repr, error, traceback or listing of options shows it.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit, urlunsplit

from nb_artifacts.errors import InvalidValue

API_URL = "NB_ARTIFACTS_API_URL"
API_KEY = "NB_ARTIFACTS_API_KEY"

OFF = "off"
"""In place of an address: this process sends nothing, whatever the environment says."""

PREFECT = "prefect"
"""In place of an address: whatever Prefect's own settings say."""

_KEY = re.compile(r"[\x21-\x7e]+")


class Secret(str):
    """A text that does not show itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[redacted]'"


@dataclass(frozen=True)
class RemoteSettings:
    """A remote as it is set: nothing has been asked yet."""

    address: str
    """Without credentials and a slash at the end."""
    key: Secret | None = None
    kind_hint: Literal["prefect"] | None = None
    """`prefect` where it was set as that; else the remote says itself what it is."""
    provenance: Literal["full", "names", "off"] | None = None
    """The most that is sent of an artifact's origin; None leaves it to what the remote is."""

    @property
    def host(self) -> str:
        """Host and port, as a person would name the remote."""
        return urlsplit(self.address).netloc


@lru_cache(maxsize=32)
def check_address(text: str) -> str:
    """An address as it is compared and shown: ``HTTP://Host/`` → ``http://host/api``.

    Raises `InvalidValue` naming what is wrong and a form that would do; never a password in it.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise InvalidValue(
            f"{_shown(text)} is not an address: {error}. Write it as in https://artifacts.example.org/api."
        ) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[\s\x00-\x1f\x7f\\]", text.strip()):
        raise InvalidValue(
            f"{_shown(text)} is not the address of an API: write https://HOST/api or http://HOST:4242/api;"
            f" {PREFECT!r} for Prefect's own settings, {OFF!r} for none."
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(f"{_shown(text)} holds a name or password: take it out, and set the key as api_key or in {API_KEY}.")
    if parts.query or parts.fragment:
        raise InvalidValue(f"{_shown(text)} goes on after its path: leave out what begins with ? or #.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    netloc = host if port in {None, usual} else f"{host}:{port}"
    return urlunsplit(SplitResult(parts.scheme, netloc, parts.path.rstrip("/") or "/api", "", ""))


def _shown(text: str) -> str:
    """An address that is wrong, without what may be a password or a key in it."""
    return repr(re.sub(r"//[^/@]*@", "//…@", text.strip()).partition("?")[0][:200])


def check_key(key: str) -> Secret:
    """A key that can stand in a header. Raises `InvalidValue`, which does not show it."""
    if not _KEY.fullmatch(key):
        raise InvalidValue("the API key has spaces, line breaks or signs beyond ASCII: copy it again.")
    return Secret(key)


def from_prefect() -> tuple[str, Secret | None]:
    """The address and key that Prefect itself would use: its environment variables, else its active profile.

    Raises `InvalidValue` where it has no address, or its file of profiles cannot be read.
    """
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    file = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()
    profile = _profile(file, os.environ.get("PREFECT_PROFILE"))
    address = os.environ.get("PREFECT_API_URL") or profile.get("PREFECT_API_URL")
    names = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING")  # of its Cloud, and of a server behind a password
    key = next((value for name in names if (value := os.environ.get(name) or profile.get(name))), None)
    if not address:
        raise InvalidValue(
            f"the API is set to {PREFECT!r}, but Prefect has no address: there is no PREFECT_API_URL in the environment and"
            f" none in the active profile of {file}. Set one of them, or write the address itself."
        )
    return check_address(address), check_key(key) if key else None


def _profile(file: Path, name: str | None) -> dict[str, str]:
    """The settings of a profile, the active one where none is named."""
    try:
        stat = file.stat()
    except OSError:
        return {}
    return _read_profile(file, name, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read_profile(file: Path, name: str | None, *_: int) -> dict[str, str]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # the parser's message quotes the line, which may hold the key
        raise InvalidValue(f"Prefect's profiles in {file} cannot be read as TOML: repair it, or write the address.") from None
    profiles = found.get("profiles")
    profile = profiles.get(name or found.get("active")) if isinstance(profiles, dict) else None
    if not isinstance(profile, dict):
        return {}
    return {key: Secret(value) for key, value in profile.items() if isinstance(value, str)}
