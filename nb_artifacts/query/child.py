"""The query process: ``python -m nb_artifacts.query.child``, told by its server over a pipe what to look up.

It opens only the files that it is told of, writes only under its own folder, and ends when the pipe does. Each request has a
thread and a DuckDB cursor; a request that takes too long, or that nobody waits for any more, is interrupted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts.errors import ArtifactError, BadQuery, InvalidValue, QueryFailed
from nb_artifacts.query.ask import RowsQuery
from nb_artifacts.query.engine import Engine
from nb_artifacts.query.pipe import Pipe
from nb_artifacts.query.source import Cursor, Limits, load

if TYPE_CHECKING:
    from collections.abc import Callable


ROOM = 3 * 2**30
"""Bytes of memory for pages, orders and threads, besides DuckDB's own."""
GRACE = 10.0
"""Seconds after which work that cannot be interrupted (one function over one long text) ends with the process."""


class Start(msgspec.Struct):
    """What the process is told at its start, as its only argument."""

    memory: int
    threads: int
    temp: str
    seconds: float


class Job:
    """One request under way."""

    def __init__(self, id: int, seconds: float, stuck: Callable[[Job], object]) -> None:
        self.id = id
        self._stuck = stuck
        self.cursor: Any = None
        self.reason = ""
        self._seconds = seconds
        self._more = threading.Semaphore(0)
        self._done = threading.Event()
        self._timer: threading.Timer | None = None
        self.begin()

    def begin(self) -> None:
        """From now on it may take so long."""
        self._timer = threading.Timer(self._seconds, self.stop, ("late",))
        self._timer.daemon = True
        self._timer.start()

    def pause(self) -> None:
        """What follows is not its own time."""
        if self._timer is not None:
            self._timer.cancel()

    def end(self) -> None:
        """It is done."""
        self._done.set()
        self.pause()

    def stop(self, reason: str) -> None:
        """Interrupt it, again and again where it is just between two statements."""
        self.reason = self.reason or reason
        self._more.release()
        end = time.monotonic() + GRACE
        while not self._done.wait(0.02):
            if self.cursor is not None:
                with contextlib.suppress(Exception):  # it may just have been closed
                    self.cursor.interrupt()
            if time.monotonic() > end:
                self._stuck(self)
                return

    def going(self) -> None:
        """Raises `Stopped` where it shall end."""
        if self.reason:
            raise Stopped

    def wait(self) -> None:
        """Wait until the next part is wanted."""
        self.pause()
        self._more.acquire()
        self.going()
        self.begin()

    def more(self) -> None:
        """The next part is wanted."""
        self._more.release()


class Stopped(Exception):
    """The request is not to be answered any more."""


class Service:
    """Answers what comes through the pipe."""

    def __init__(self, pipe: Pipe, start: Start) -> None:
        self._pipe = pipe
        self._seconds = start.seconds
        self._limits = Limits(start.memory, start.threads, start.temp)
        self._engine = Engine(self._limits)
        self._jobs: dict[int, Job] = {}

    def serve(self) -> None:
        """Until the pipe ends."""
        while (message := self._pipe.receive()) is not None:
            head, body = message
            if head["kind"] in ("cancel", "more"):
                job = self._jobs.get(head["id"])
                if job is not None and head["kind"] == "more":
                    job.more()
                elif job is not None:
                    threading.Thread(target=job.stop, args=("gone",), daemon=True).start()
                continue
            job = self._jobs[head["id"]] = Job(head["id"], self._seconds, self._give_up)
            threading.Thread(target=self._run, args=(job, head, body), daemon=True).start()

    def _give_up(self, job: Job) -> None:
        """End the process, and with it what cannot be interrupted; others that wait ask again."""
        with contextlib.suppress(OSError):
            self._pipe.send({"id": job.id, **_stopped(job, self._seconds)})
        shutil.rmtree(self._limits.temp, ignore_errors=True)
        os._exit(1)

    def _run(self, job: Job, head: dict[str, Any], body: bytes) -> None:
        try:
            self._answer(job, head, body)
        except OSError:
            os._exit(0)  # nobody reads the answers
        finally:
            job.end()
            self._jobs.pop(job.id, None)

    def _answer(self, job: Job, head: dict[str, Any], body: bytes) -> None:
        def send(answer: dict[str, Any], content: bytes = b"") -> None:
            self._pipe.send({"id": job.id, **answer}, content)

        try:
            self._work(job, head, body, send)
        except Stopped:
            send(_stopped(job, self._seconds))
        except ArtifactError as error:
            send(_failed(error))
        except FileNotFoundError:
            send({"error": "missing"})
        except MemoryError:
            # What it took is not all given back: the next question would find less than it may have.
            send({**_failed(QueryFailed("the table needs more memory than a query may take.")), "spent": True})
        except Exception as error:  # noqa: BLE001 (an error of one request must not end the others)
            if job.reason:
                send(_stopped(job, self._seconds))
                return
            traceback.print_exc()
            send(_failed(QueryFailed(f"the query failed: {type(error).__name__}: {str(error)[:300]}")))

    def _work(self, job: Job, head: dict[str, Any], body: bytes, send: Callable[..., None]) -> None:
        if head["kind"] == "diff":
            from nb_artifacts.query.differences import differences

            send({}, msgspec.json.encode(differences(head, self._limits, job)))
            return
        if head["kind"] == "warm":
            load()
            send({})
            return
        source = self._engine.source(head["name"], head.get("path"), head.get("columns"), body)
        if source is None:
            send({"need": "json"})
            return
        job.cursor = Cursor(source)
        job.going()
        query = msgspec.convert(head["query"], RowsQuery)
        if head["kind"] == "export":
            for part in self._engine.export(source, query, head["form"], job.cursor, job.going):
                send({"more": True}, part)
                job.wait()
            send({})
        elif head["kind"] == "summary":
            send({}, self._engine.summary(source, query, job.cursor))
        else:
            page = self._engine.rows(source, query, head["form"], job.cursor, job.going)
            send({"rows": page.rows, "total": page.total}, page.content)


_SAID = {
    "late": "the query took longer than {0:g} s: narrow it, or sort by fewer columns.",
    "gone": "nobody waits for the query any more.",
}


def _stopped(job: Job, seconds: float) -> dict[str, Any]:
    return _failed(QueryFailed(_SAID[job.reason].format(seconds), late=job.reason == "late"))


def _failed(error: ArtifactError) -> dict[str, Any]:
    found: dict[str, Any] = {"error": "failed", "message": str(error)}
    if isinstance(error, BadQuery):
        return {**found, "error": "query", "position": error.position, "column": error.column}
    if isinstance(error, InvalidValue):
        found["error"] = "value"
    return {**found, "late": isinstance(error, QueryFailed) and error.late}


def _bound(memory: int) -> None:
    """Take no more memory than so, besides what files are mapped: a small file may unpack to any size."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = memory + ROOM
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if most < 0 else min(wanted, most), most))


def main() -> None:
    """Serve the pipe at standard input and output; what is printed goes to standard error."""
    start = msgspec.json.decode(sys.argv[1], type=Start)
    _bound(start.memory)
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    Service(Pipe(incoming, outgoing), start).serve()
    shutil.rmtree(start.temp, ignore_errors=True)
    os._exit(0)  # threads that still work have nobody to answer


if __name__ == "__main__":
    main()
