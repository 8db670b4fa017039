"""Where the folder lies and what is switched on: arguments, `configure`, traitlets, environment, defaults: the first wins.

The folder of a kernel started by a Jupyter server is the server's own (`FROM_SERVER` in the environment), provided that
this process can read there the id that the server named: a kernel on another machine cannot.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from nb_artifacts.addresses import (
    API_KEY,
    API_URL,
    OFF,
    PREFECT,
    RemoteSettings,
    Secret,
    check_address,
    check_key,
    from_prefect,
)
from nb_artifacts.errors import InvalidValue

HOME = "NB_ARTIFACTS_HOME"
FROM_SERVER = "NB_ARTIFACTS_FROM_SERVER"
"""``<store id>:<folder>``, put into the environment by the Jupyter server extension for the kernels it starts."""

SERVER_PID = "NB_ARTIFACTS_SERVER_PID"
"""The pid of that server: a kernel that it did not start itself is not the notebook that the environment speaks of."""

ID_FILE = "store-id"
"""File in the folder that holds the store's random id, so that it can be checked without opening the database."""

CACHE_BYTES = 1_000_000_000
"""Bytes of artifacts of other machines that the folder keeps, where nobody set another limit."""

_HIDDEN = ("api_url", "api_key")
_LEVELS = ("full", "names", "off")
_CHOICES = {"provenance": _LEVELS, "sync_provenance": _LEVELS, "durability": ("power", "process")}


@dataclass
class Settings:
    """What `configure` sets; None means "not set here"."""

    home: str | os.PathLike[str] | None = None
    """The folder."""
    display: bool | None = None
    """Whether `create_*`, `create` and `track` show the artifact where they are called (default True)."""
    widgets: bool | None = None
    """Whether ``%artifact on`` shows frames as live grids, for front ends without our extension (default False)."""
    provenance: Literal["full", "names", "off"] | None = None
    """What is kept of the cell: its source too, only names and hashes, or nothing (default full)."""
    durability: Literal["power", "process"] | None = None
    """What a returned call survives: a power cut (default), or only the end of the process."""
    api_url: str | None = None
    """Address of the API that artifacts are sent to and read from; `prefect` for Prefect's own settings, `off` for none."""
    api_key: str | None = field(default=None, repr=False)
    """The key for that API."""
    sync_provenance: Literal["full", "names", "off"] | None = None
    """The most of an artifact's origin that leaves the machine (default: full to a server of ours, names to Prefect)."""
    cache_bytes: int | None = None
    """How much of what other machines made is kept in the folder, the least recently read going first (default 1 GB)."""


@dataclass
class _State:
    given: Settings = field(default_factory=Settings)
    traits: Any = None


_state = _State()


def configure(**options: Any) -> None:
    """Set options for this process, those of `Settings`; None takes an option back.

    Raises `InvalidValue` for an unknown option or value, naming what is allowed; nothing is changed then.
    """
    known = [f.name for f in fields(Settings)]
    # a traceback that shows variables shows no key, not one in an address either
    options = {name: Secret(value) if name in _HIDDEN and isinstance(value, str) else value for name, value in options.items()}
    for name, value in options.items():
        if name not in known:
            raise InvalidValue(f"{name!r} is not an option: choose from {', '.join(known)}.")
        _check(name, value)
    for name, value in options.items():
        setattr(_state.given, name, str(value) if name == "api_url" and value is not None else value)


def _check(name: str, value: Any) -> None:
    allowed = _CHOICES.get(name)
    if value is None:
        return
    if allowed and value not in allowed:
        raise InvalidValue(f"{name}={value!r} is not possible: choose from {', '.join(allowed)}.")
    if name in {"display", "widgets"} and not isinstance(value, bool):
        raise InvalidValue(f"{name}={value!r} is not possible: True or False.")
    if name == "home" and not isinstance(value, (str, os.PathLike)):
        raise InvalidValue(f"home={value!r} is not a folder: give a path.")
    if name == "cache_bytes" and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise InvalidValue(f"cache_bytes={value!r} is not possible: a number of bytes, 0 to keep none.")
    if name in {"api_url", "api_key"} and not isinstance(value, str):
        raise InvalidValue(f"{name} is not a text: {type(value).__name__} was given.")
    if name == "api_url" and value not in {OFF, PREFECT}:
        check_address(value)
    if name == "api_key":
        check_key(value)


def use_traits(traits: Any) -> None:
    """Read options from a traitlets object (``c.NbArtifacts.home = …``) where `configure` has not set them."""
    _state.traits = traits


def option(name: str) -> Any:
    """The value of one option, or None where nobody set it."""
    value = getattr(_state.given, name)
    if value is None and _state.traits is not None:
        value = getattr(_state.traits, name, None)
    return None if value == "" else value


def display_enabled() -> bool:
    """Whether artifacts are shown where they are made."""
    value = option("display")
    return True if value is None else bool(value)


def widgets_enabled() -> bool:
    """Whether ``%artifact on`` shows frames as live grids."""
    return bool(option("widgets"))


def provenance_level() -> str:
    """`full`, `names` or `off`."""
    return str(option("provenance") or "full")


def durable() -> bool:
    """Whether a returned call survives a power cut."""
    return bool(option("durability") != "process")


def remote() -> RemoteSettings | None:
    """The API that artifacts are sent to and read from; None where none is set. Nothing is asked, and little is computed.

    ``PREFECT_API_URL`` alone sets none. Raises `InvalidValue` for an address that cannot be one.
    """
    address = Secret(option("api_url") or os.environ.get(API_URL, "").strip())
    if not address or address == OFF:
        return None
    provenance = option("sync_provenance")
    if address == PREFECT:
        return RemoteSettings(*from_prefect(), kind_hint="prefect", provenance=provenance)
    return RemoteSettings(check_address(address), key(), provenance=provenance)


def key() -> Secret | None:
    """The key for whatever server is asked, where one is set. Raises `InvalidValue` for one that cannot be sent."""
    found = option("api_key") or os.environ.get(API_KEY)
    return check_key(found) if found else None


def keys_in_use() -> list[str]:
    """The keys that this process may send, so that whoever keeps a text can take them out of it."""
    names = (API_KEY, "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING")
    found = (option("api_key"), *(os.environ.get(name) for name in names))
    return [str(key) for key in found if key and len(key) >= 8]  # a shorter one would be found in words


def cache_bytes() -> int:
    """How many bytes of other machines' artifacts the folder keeps at most."""
    value = option("cache_bytes")
    return CACHE_BYTES if value is None else int(value)


def where() -> tuple[object, ...]:
    """All that `folder` and `durable` depend on, cheap to compare."""
    return option("home"), os.environ.get(HOME), os.environ.get(FROM_SERVER), option("durability")


def folder() -> Path:
    """The folder that this process uses, absolute; it need not exist yet."""
    chosen = option("home") or os.environ.get(HOME)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return handed_folder() or default_folder()


def handed_folder() -> Path | None:
    """The Jupyter server's folder, where this process was handed one and can read its id there."""
    store_id, _, path = os.environ.get(FROM_SERVER, "").partition(":")
    if not path:
        return None
    try:
        there = Path(path, ID_FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return Path(path) if there == store_id else None


def handed_problem() -> str | None:
    """Why the Jupyter server's folder is not the one used here; None where it is, or none was handed."""
    path = os.environ.get(FROM_SERVER, "").partition(":")[2]
    if not path or handed_folder() is not None or option("home") or os.environ.get(HOME):
        return None
    return f"the Jupyter server keeps artifacts in {path}, which cannot be read here: this process uses its own folder"


def default_folder() -> Path:
    """The folder of a user who set nothing: ``nb_artifacts`` in the platform's folder for user data."""
    import platformdirs

    return Path(platformdirs.user_data_dir("nb_artifacts", appauthor=False, roaming=sys.platform == "win32"))
