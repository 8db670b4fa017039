"""What a Prefect client's event websocket says first, and who is let in there without a credential.

A client with only PREFECT_API_KEY sends none there (it does with every request over HTTP) and would warn on its user's
screen if it were sent away: it gets in if a request of Prefect's client with a key came from its address moments ago.
"""

from __future__ import annotations

import time
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

AUTH_SECONDS = 5.0
"""The first message has to come within this time."""

VOUCHED_SECONDS = 60.0
WELCOME = '{"type":"auth_success"}'
REFUSED = 1008
"""The code with which such a websocket is closed."""

Who = TypeVar("Who")


class Hello(NamedTuple):
    """A first message as it has to be."""

    token: Any


def read_hello(text: str) -> Hello | None:
    """The first message; None where it is no such."""
    try:
        message = msgspec.json.decode(text.encode(errors="replace"))
    except (msgspec.MsgspecError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("type") != "auth":
        return None
    return Hello(message.get("token"))


class Vouchers(Generic[Who]):
    """From which addresses a Prefect client with a credential has asked of late, in which workspace."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, Who]] = {}

    def add(self, address: str, workspace: str, who: Who) -> None:
        """One more request."""
        moment = time.monotonic()
        if len(self._seen) > 10_000:
            self._seen = {one: seen for one, seen in self._seen.items() if seen[0] > moment - VOUCHED_SECONDS}
        self._seen[address, workspace] = (moment, who)

    def find(self, address: str, workspace: str) -> Who | None:
        """Whose the last one was."""
        seen = self._seen.get((address, workspace))
        return seen[1] if seen is not None and seen[0] > time.monotonic() - VOUCHED_SECONDS else None


def is_prefect(user_agent: str) -> bool:
    """Whether a request over HTTP is of Prefect's client."""
    return user_agent.startswith("prefect/")
