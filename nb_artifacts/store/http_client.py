"""Requests to a server, and what went wrong in words: the only place that knows the key and the HTTP library.

A request is made once; whoever asks decides whether to ask again. No redirect is followed, so that the key goes to no
other host, and no error, log or `repr` shows it: it joins a request when that leaves.
"""

from __future__ import annotations

import base64
import email.utils
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec

from nb_artifacts.addresses import Secret, check_address, check_key
from nb_artifacts.errors import Denied, RemoteBusy, StoreError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
"""An answer has to begin within this time, and to be there as long after as its length allows."""

SEND_SECONDS = 30.0
SLOWEST = 200_000
"""Bytes a second; an answer that comes more slowly is given up."""

IDLE_SECONDS = 4.0
"""A connection is not used again after as long, since servers close theirs from 5 s on."""

MOST_RETRY_AFTER = 3600.0
_BUSY = frozenset({408, 425, 429})
_NOT_TAKEN = frozenset({425, 429})


class Answer(NamedTuple):
    """A server's answer, all of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def detail(self) -> str:
        """Why it refused, as far as it says; at most 300 characters."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return f"HTTP {self.status}"
        if not isinstance(found, dict):
            return f"HTTP {self.status}"
        reasons = [_problem(one) for one in found.get("exception_detail") or () if isinstance(one, dict)]
        text = found.get("detail") or "; ".join(reasons) or found.get("exception_message") or f"HTTP {self.status}"
        return str(text)[:300]

    @property
    def state(self) -> str | None:
        """Which store of ours answered, and which restore of it."""
        id, restored = self.headers.get("x-nb-artifacts-store"), self.headers.get("x-nb-artifacts-restored")
        return f"{id} {restored}" if id and restored else id

    @property
    def seq(self) -> int:
        """The newest `seq` of the store of ours that answered; 0 where it is not told."""
        text = self.headers.get("x-nb-artifacts-seq", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _problem(found: dict[str, Any]) -> str:
    place = ".".join(map(str, found.get("loc") or ()))
    return f"{place}: {found.get('msg')}"


class _Credential(httpx.Auth):
    """Puts the key into a request as it leaves; a ``user:password`` as Basic, all else as Bearer."""

    def __init__(self, key: Secret | None) -> None:
        self._header = None if key is None else Secret(_header(key))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._header is not None:
            request.headers["Authorization"] = str(self._header)
        yield request


def _header(key: str) -> str:
    return f"Basic {base64.b64encode(key.encode()).decode()}" if ":" in key else f"Bearer {key}"


class Connection:
    """Asks the server at an address, from any thread, and after a fork.

    Raises `InvalidValue` for what is no address or no key; an address that holds a password is none.
    """

    def __init__(self, address: str, *, key: str | None = None) -> None:
        self.address = check_address(address)
        self.host = urlsplit(self.address).netloc
        self._credential = _Credential(check_key(key) if key else None)
        self._client: httpx.Client | None = None
        self._pid = 0

    def __repr__(self) -> str:
        return f"Connection({self.address})"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        seconds: float = READ_SECONDS,
    ) -> Answer:
        """The answer to a request; those that refuse this one request (400, 404, 409, 413, 422 …) too.

        Raises `Unreachable`, `RemoteBusy` and `Denied`.
        """
        with self.open(method, path, body, accept=accept, headers=headers, seconds=seconds) as response:
            return Answer(response.status_code, response.headers, b"".join(self.pieces(response, seconds)))

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        seconds: float = READ_SECONDS,
    ) -> Iterator[httpx.Response]:
        """As `ask`, with the body still to be read."""
        names = {
            "Accept": accept,
            "Accept-Encoding": "identity",
            **({"Content-Type": "application/json"} if body is not None else {}),
            **(headers or {}),
        }
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        stream = self._opened().stream(
            method, self.address + path, content=body, headers=names, timeout=timeout, auth=self._credential
        )
        with self._in_words(), stream as response:
            self._check(response)
            yield response

    def pieces(self, response: httpx.Response, seconds: float, slowest: int | None = None) -> Iterator[bytes]:
        """The body of an answer, given up where it stalls, or trickles in at less than `slowest` bytes a second."""
        begun, received = time.monotonic(), 0
        for piece in response.iter_bytes():
            received += len(piece)
            if time.monotonic() - begun > seconds + received / (slowest or SLOWEST):
                raise self.unreachable("its answer trickles in too slowly")
            yield piece

    def unreachable(self, why: str, *, ambiguous: bool = True) -> Unreachable:
        """The error for a server that gave no usable answer."""
        return Unreachable(
            f"{self.host} gave no answer ({why}): see whether it runs, and whether {self.address} is its address",
            ambiguous=ambiguous,
        )

    def not_an_answer(self) -> Unreachable:
        """The error for an answer that does not come from the server meant, perhaps from a log-in page in between."""
        return self.unreachable("what came is not from such a server; a proxy or log-in page may be in between")

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()

    def _opened(self) -> httpx.Client:
        client = self._client
        if client is None or self._pid != os.getpid():  # a parent's connections are not touched
            limits = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=IDLE_SECONDS)
            client = self._client = httpx.Client(follow_redirects=False, limits=limits)
            self._pid = os.getpid()
        return client

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """The errors of the HTTP library as ours; without a cause, since theirs hold the request and so the key."""
        try:
            yield
        except (httpx.ConnectTimeout, httpx.ConnectError, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise self._no_connection(error) from None
        except httpx.TimeoutException:
            raise self.unreachable("it took too long") from None
        except httpx.TransportError as error:
            raise self.unreachable(str(error) or type(error).__name__) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self.unreachable(type(error).__name__, ambiguous=False) from None

    def _no_connection(self, error: httpx.TransportError) -> Unreachable:
        why = "no connection in time" if isinstance(error, httpx.TimeoutException) else str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in why:
            return Unreachable(
                f"{self.host} shows a certificate that cannot be verified: if it is signed by your own authority, set"
                " SSL_CERT_FILE to that authority's certificate",
                ambiguous=False,
            )
        return self.unreachable(why, ambiguous=False)

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in {401, 403}:
            what = "wants a key" if status == 401 else "does not let this key in"
            raise Denied(f"{self.host} {what} (HTTP {status}): set the right one in NB_ARTIFACTS_API_KEY")
        if 300 <= status < 400 and status != 304:
            raise self._elsewhere(response.headers.get("location", ""))
        if status >= 500 or status in _BUSY:
            body = b"".join(self.pieces(response, READ_SECONDS))
            why = Answer(status, response.headers, body).detail()
            raise RemoteBusy(
                f"{self.host} cannot now ({why}, HTTP {status}): it is asked again",
                retry_after=_seconds(response.headers.get("retry-after")),
                ambiguous=status not in _NOT_TAKEN,
                status=status,
            )

    def _elsewhere(self, location: str) -> Unreachable:
        parts = urlsplit(location)
        shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        return Unreachable(
            f"{self.host} sends on to {shown or 'another place'}, and the key stays here: if that is the API, set its address",
            ambiguous=False,
        )


def _seconds(header: str | None) -> float | None:
    """What a Retry-After header says, at most an hour."""
    if header is None:
        return None
    text = header.strip()
    if text.isdigit():
        return min(float(text[:9]), MOST_RETRY_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(moment.timestamp() - time.time(), 0.0), MOST_RETRY_AFTER)


def decoded(connection: Connection, answer: Answer, decoder: msgspec.json.Decoder[Any]) -> Any:
    """The JSON of an answer. Raises `Unreachable` where it is not what such a server says."""
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        raise connection.not_an_answer() from None


def unknown_server(connection: Connection) -> StoreError:
    """The error for an address at which there is neither of the servers that are known."""
    hint = " See whether NB_ARTIFACTS_API_URL is its address, and whether a proxy in between answers."
    if not connection.address.endswith("/api"):
        hint = f" Such an address mostly ends in /api: {connection.address}/api?"
    return StoreError(f"at {connection.address} is neither an nb_artifacts nor a Prefect server.{hint}")
