"""Who may ask, and from where: credentials in headers and cookie, and the checks against pages of other origins."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import socket
import time
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

COOKIE = "nb-artifacts-key"
MOST_COOKIES = 20
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
TRIES, TRIES_SECONDS = 10, 60.0
"""So many log-ins may be tried from an address in that time."""

Headers = Mapping[str, str]
"""Names in lower case."""


def secrets_in(headers: Headers) -> tuple[str, ...]:
    """What a request offers as a key in its Authorization header: Bearer, ``token``, or either part of Basic."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    rest = rest.strip()
    if scheme.lower() in ("bearer", "token"):
        return (rest,)
    if scheme.lower() != "basic":
        return ()
    try:
        text = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, ValueError):
        return ()
    user, _, password = text.partition(":")
    return (text, password, user)


def cookie_secrets(headers: Headers) -> tuple[str, ...]:
    """The keys that log-in pages have put into the browser's cookies: ours first, then those of other ports, maybe replicas."""
    own, found = _cookie_name(headers.get("host", "")), list[str]()
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == own:
            found.insert(0, unquote(value))
        elif name.startswith(COOKIE):
            found.append(unquote(value))
    return tuple(found[:MOST_COOKIES])


def cookie(headers: Headers, secret: str, *, secure: bool) -> str:
    """The header that keeps a key in the browser, out of reach of scripts and of other sites; "" takes it away."""
    name, age = _cookie_name(headers.get("host", "")), 30 * 86_400 if secret else 0
    return f"{name}={quote(secret, safe='')}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


@lru_cache(256)
def _cookie_name(host: str) -> str:
    """Of each port its own: a browser keeps one cookie of a name for all servers of a host."""
    try:
        port = urlsplit(f"//{host}").port
    except ValueError:
        port = None
    return COOKIE if port is None else f"{COOKIE}-{port}"


def is_same_origin(headers: Headers, *, writes: bool) -> bool:
    """Whether a request that brings a cookie comes from a page of ours; a write has to show that it does."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in (("same-origin",) if writes else ("same-origin", "none")):
        return False
    origin = headers.get("origin")
    if origin is None:
        return not writes or site == "same-origin"
    return bool(origin) and urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


@lru_cache(256)
def is_own_host(header: str, allowed: frozenset[str]) -> bool:
    """Whether a Host header may be ours: an address in figures, this machine's name, or one that was allowed.

    A page that made its own name point here (DNS rebinding) sends that name.
    """
    try:
        name = (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name in allowed:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def own_names(extra: tuple[str, ...] = ()) -> frozenset[str]:
    """The names by which this machine is asked."""
    return frozenset(name.lower() for name in ("localhost", socket.gethostname(), *extra) if name)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens at `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Tries:
    """How often each address tried to log in of late."""

    def __init__(self) -> None:
        self._tries: dict[str, deque[float]] = {}

    def wait(self, address: str) -> float:
        """Seconds until `address` may try again; 0 counts as one more try."""
        moment = time.monotonic()
        for known in [one for one, times in self._tries.items() if times[-1] < moment - TRIES_SECONDS]:
            del self._tries[known]
        tries = self._tries.setdefault(address, deque(maxlen=TRIES))
        if len(tries) == TRIES and tries[0] > moment - TRIES_SECONDS:
            return tries[0] + TRIES_SECONDS - moment
        tries.append(moment)
        return 0.0
