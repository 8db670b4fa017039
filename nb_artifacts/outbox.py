"""What has not reached the API yet: how it stands, sending it now, and what would leave the machine."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from datetime import datetime  # noqa: TC003 (msgspec reads annotations)
from typing import TYPE_CHECKING, Literal

import msgspec

from nb_artifacts import cells, config, stores
from nb_artifacts.addresses import API_URL
from nb_artifacts.errors import InvalidValue, NotFound, StoreError
from nb_artifacts.store.remotes_rows import Parked  # noqa: TC001 (msgspec reads annotations)
from nb_artifacts.types.text import count, duration
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query, check_key, now

if TYPE_CHECKING:
    from nb_artifacts.addresses import RemoteSettings
    from nb_artifacts.leaving import Leaving
    from nb_artifacts.process import Writer
    from nb_artifacts.store.remotes import Remotes
    from nb_artifacts.store.remotes_rows import State
    from nb_artifacts.union import Union

LOOK_SECONDS = 0.03
OTHERS_SECONDS = 5.0
"""So long `sync` waits for news of another process that sends and had trouble before."""


class Outbox(msgspec.Struct, frozen=True, kw_only=True):
    """How the folder stands with the API."""

    address: str
    host: str
    kind: Literal["nb-artifacts", "prefect"] | None
    """What the API is, once it has answered."""
    provenance: Literal["full", "names", "off"]
    """The most that is sent of an artifact's origin."""
    pending: int
    """Artifacts and deletions that have not arrived."""
    oldest: datetime | None
    """Since when the oldest of them waits."""
    kept_here: int
    """Artifacts made before the API was set; `sync(all=True)` sends them too."""
    parked: list[Parked]
    """What the API refuses, and why."""
    problem: Literal["denied", "unreachable"] | None
    """`denied`: nothing is sent until the key is right. `unreachable`: it is tried again and again."""
    since: datetime | None
    """Since when there is that problem."""
    last_error: str | None
    """What the problem is, and what helps."""
    last_ok: datetime | None
    """When something arrived last."""
    resume: datetime | None
    """Nothing is tried before."""
    sender: str | None
    """The process that sends."""
    lease_until: datetime | None

    @property
    def is_clear(self) -> bool:
        """Whether all has arrived that was to be sent."""
        return self.pending == 0 and not self.parked

    def words(self) -> str:
        """``3 not sent · artifacts.example.org unreachable for 2 min``."""
        every = "all others" if self.parked else "all"
        done = f"{every} sent to {self.host}" if self.last_ok else f"nothing to send to {self.host} yet"
        parts = [f"{count(self.pending)} not sent" if self.pending else done]
        if self.problem is not None:
            what = "wants another key" if self.problem == "denied" else "unreachable"
            parts.append(f"{self.host} {what}" + (f" for {_passed(self.since)}" if self.since else ""))
        elif self.pending and self.oldest is not None:
            parts.append(f"the oldest waits for {_passed(self.oldest)}")
        if self.parked:
            parts.append(f"{count(len(self.parked))} refused")
        if self.kept_here:
            parts.append(f"{count(self.kept_here)} older {'one' if self.kept_here == 1 else 'ones'} kept here")
        return " · ".join(parts)

    def refusals(self) -> list[str]:
        """A line for each artifact that the API refuses, with the reason."""
        return [f"refused: {one.key or one.id}: {one.error}" for one in self.parked]

    def facts(self) -> dict[str, str]:
        """What a person may want to know, by name."""
        kind = {"prefect": "a Prefect server", "nb-artifacts": "an nb_artifacts server"}.get(self.kind or "", "not asked yet")
        lease = f" until {self.lease_until:%H:%M:%S} UTC at least" if self.lease_until else ""
        facts = {
            "api": f"{self.address} ({kind}), provenance {self.provenance}",
            "sync": self.words(),
            "problem": self.last_error,
            "sender": f"{self.sender}{lease}" if self.sender else None,
            "refused": "; ".join(f"{one.key or one.id}: {one.error}" for one in self.parked[:10]),
        }
        return {name: fact for name, fact in facts.items() if fact}


def _passed(moment: datetime) -> str:
    return duration(max((now() - moment).total_seconds(), 1))


def state() -> Outbox | None:
    """How it stands; None where no API is set. Raises `StoreError`."""
    both, settings = stores.union(), stores.remote()
    return None if both is None or settings is None else state_of(both, settings)


def state_of(both: Union, settings: RemoteSettings) -> Outbox:
    """How a folder stands with an API."""
    from nb_artifacts.sender.outgoing import level_for
    from nb_artifacts.store.remotes import Remotes

    found = Remotes(both.local).state(settings.address)
    kind = found.kind or settings.kind_hint
    problem: Literal["denied", "unreachable"] | None = "denied" if found.paused else "unreachable" if found.failed else None
    return Outbox(
        address=settings.address, host=settings.host, kind=kind, provenance=level_for(kind, settings.provenance),  # type: ignore[arg-type]  # the column holds one of the kinds
        pending=found.pending, oldest=found.oldest, kept_here=found.kept_here, parked=found.parked, problem=problem,
        since=_since(found) if problem else None, last_error=found.paused or found.last_error if problem else None,
        last_ok=found.last_ok, resume=found.resume if problem else None, sender=_named(found.sender),
        lease_until=found.lease_until,
    )  # fmt: skip


def _since(found: State) -> datetime | None:
    """Since when it has been so: since the last that arrived, or the first that did not and was to be sent by then."""
    moments = [moment for moment in (found.last_ok, found.oldest, found.first_seen) if moment is not None]
    return max(moments) if moments else found.failed


def _named(writer: Writer | None) -> str | None:
    if writer is None:
        return None
    here = " (this process)" if writer.pid == os.getpid() else ""
    return f"process {writer.pid} on {writer.host}{here}"


# Sending


def wake() -> None:
    """Something was kept or changed: let the sender know, where an API is set. Waits for nothing and raises nothing."""
    settings = stores.remote()
    if settings is None:
        return
    with contextlib.suppress(StoreError):
        both = stores.union()
        if both is not None:
            from nb_artifacts.sender import wake as wake_sender

            wake_sender(both.local, settings)
            _announce(settings)


def _finish() -> None:
    sender = sys.modules.get("nb_artifacts.sender.registry")
    if sender is not None:
        sender.close_all()


atexit.register(_finish)  # now, so that it is called after what is registered later, such as the end of a session's run


def begin(both: Union, settings: RemoteSettings) -> None:
    """Send from now on, in a thread, as long as no other process of the folder does. Raises `StoreError`."""
    from nb_artifacts.sender import ensure

    ensure(both.local, settings)


def retry(both: Union, settings: RemoteSettings) -> None:
    """Try at once what failed before or was refused, and read again from the API too. Raises `StoreError`."""
    from nb_artifacts.sender import ensure
    from nb_artifacts.store.remotes import Remotes

    both.reach.retry()
    Remotes(both.local).unpark(settings.address)
    ensure(both.local, settings).retry()


_announced: set[str] = set()


def _announce(settings: RemoteSettings) -> None:
    """A kernel says once to which host it sends."""
    if settings.host in _announced:
        return
    _announced.add(settings.host)
    if cells.kernel_shell() is not None:
        print(f"Artifacts made here are also sent to {settings.host}: %artifact sync --dry-run shows what leaves.")  # noqa: T201 (said to the user, once)


def sync(timeout: float | None = None, *, all: bool = False, key: str | None = None, dry_run: bool = False) -> Outbox | Leaving:
    """Send what waits for the API by now, and come back when it has arrived; cells need not call this.

    Args:
        timeout: Seconds after which it comes back anyway, also where the API does not answer; None: the first thing
            in the way is raised.
        all: What was made before the API was set is sent too.
        key: What was made before under this key is sent too.
        dry_run: Send nothing, and give what would leave the machine, its origin included.

    What the API refused before is tried again. Raises `InvalidValue` where no API is set, `NotFound` for a key that the
    folder has not, `Unreachable`, `Denied` and `StoreError`; what could not be sent waits on, and is sent by itself.
    """
    from nb_artifacts.store.remotes import Remotes

    settings = config.remote()
    both = stores.union()
    if settings is None or both is None:
        raise InvalidValue(f"there is no API to send to: set {API_URL}, or nba.configure(api_url=…).")
    if (chosen := check_key(key)) and not both.local.count(Query(artifacts=ArtifactFilter(key=KeyFilter(any_=[chosen])))):
        raise NotFound(f"there is no key {key!r} in {both.local.where}")
    remotes = Remotes(both.local)
    if dry_run:
        from nb_artifacts.leaving import leaving

        return leaving(both, remotes, settings, all=all, key=key)
    remotes.first_seen(settings.address)  # a folder that can only be read says so here
    if all or key is not None:
        remotes.include_all(settings.address, None if all else key)
    remotes.unpark(settings.address)
    _send(both, remotes, settings, timeout)
    return state_of(both, settings)


def _send(both: Union, remotes: Remotes, settings: RemoteSettings, timeout: float | None) -> None:
    """Wait until nothing of what there is now is pending, or time is up. Raises what is in the way."""
    from nb_artifacts.sender import ensure

    begun, clock, newest = now(), time.monotonic(), both.local.last_seq()
    sender = ensure(both.local, settings)
    sender.retry()
    while True:
        looked = time.monotonic()
        found = remotes.state(settings.address)
        passed = time.monotonic() - clock
        if not found.pending or remotes.advance(settings.address) >= newest or (timeout is not None and passed > timeout):
            return
        failed = found.failed is not None and (found.failed >= begun or passed > OTHERS_SECONDS)
        if failed and (timeout is None or found.paused):
            raise sender.error or StoreError(found.last_error or "it could not be sent")
        time.sleep(max(LOOK_SECONDS, 5 * (time.monotonic() - looked)))  # where much waits, looking takes long
