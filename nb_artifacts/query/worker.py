"""The query process as its server sees it: started when first needed, ended when idle, replaced when it dies."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts.errors import ArtifactError, BadQuery, InvalidValue, QueryFailed
from nb_artifacts.query.pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb_artifacts.query.left import Left

IDLE = 60.0
"""Seconds without a request after which the process ends."""
SECONDS = 30.0
"""A request may take so long."""

Message = tuple[dict[str, Any], bytes]


class Running:
    """One process, from its start to its end."""

    def __init__(self, folder: Path | None, seconds: float) -> None:
        self.temp = _own_folder(folder)
        said = msgspec.json.encode({"memory": memory(), "threads": threads(), "temp": str(self.temp), "seconds": seconds})
        command = [sys.executable, "-m", "nb_artifacts.query.child", said.decode()]
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self.temp, env=_environment()
            )
        except OSError as error:
            shutil.rmtree(self.temp, ignore_errors=True)
            raise QueryFailed(f"the process that reads tables cannot be started: {error}") from None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.pipe = Pipe(self.process.stdout, self.process.stdin)
        self.waiting: dict[int, queue.SimpleQueue[Message | None]] = {}
        self.ended = False
        self.spent = False
        """Whether it is asked nothing more, and ends when all answers have been taken."""
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="nb-artifacts-query", daemon=True).start()

    def expect(self, id: int) -> queue.SimpleQueue[Message | None]:
        """Where the answers to request `id` arrive; None where the process has ended."""
        found: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        with self._lock:
            if self.ended:
                found.put(None)
            self.waiting[id] = found
        return found

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
            while (message := self.pipe.receive()) is not None:
                box = self.waiting.get(message[0]["id"])
                if box is not None:
                    box.put(message)
        with self._lock:
            self.ended = True
            for box in list(self.waiting.values()):  # those that are told leave it
                box.put(None)
        self.end()

    def end(self) -> None:
        """End it, and delete its folder."""
        with contextlib.suppress(OSError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.pipe.close()
        shutil.rmtree(self.temp, ignore_errors=True)


class Worker:
    """Sends requests to the one query process of a server."""

    def __init__(self, folder: Path | None = None, *, idle: float = IDLE, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._idle = idle
        self._seconds = seconds
        self._running: Running | None = None
        self._pid = os.getpid()
        self._ids = count(1)
        self._busy = 0
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process, where there is one."""
        return self._running.process if self._running is not None and not self._running.ended else None

    def warm(self) -> None:
        """Start the process where there is none, and let it load what queries need. Never blocks."""

        def work() -> None:
            with contextlib.suppress(ArtifactError, OSError):  # the first question says it
                self.ask({"kind": "warm"})

        if self.process is None:
            threading.Thread(target=work, name="nb-artifacts-query-start", daemon=True).start()

    def ask(self, head: dict[str, Any], body: bytes = b"", left: Left | None = None) -> Message:
        """The answer to a request. Raises what the request did wrong, `QueryFailed`, and FileNotFoundError."""
        answers = self.stream(head, body, left)
        try:
            return next(answers)
        finally:
            answers.close()  # type: ignore[attr-defined]  # `stream` is a generator

    def stream(self, head: dict[str, Any], body: bytes = b"", left: Left | None = None) -> Iterator[Message]:
        """The answers to a request, one after the other as they are taken. Raises as `ask`."""
        running = self._begin()
        id = next(self._ids)
        box, over = running.expect(id), False

        def tell(kind: str) -> None:
            with contextlib.suppress(OSError, ValueError):
                running.pipe.send({"id": id, "kind": kind})

        forget = None
        try:
            if left is not None and left.gone:
                raise QueryFailed("nobody waits for the query any more.")
            with contextlib.suppress(OSError, ValueError):
                running.pipe.send({**head, "id": id}, body)
            if left is not None:
                forget = left.listen(lambda: threading.Thread(target=tell, args=("cancel",), daemon=True).start())
            while True:
                message = box.get()
                over = message is None or not message[0].get("more")
                if message is not None and message[0].get("spent"):
                    self._replace(running)
                yield _checked(message)
                if over:
                    return
                tell("more")
        finally:
            if forget is not None:
                forget()
            if not over:
                tell("cancel")
            running.waiting.pop(id, None)
            if running.spent and not running.waiting:
                threading.Thread(target=running.end, daemon=True).start()
            self._finish()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            running, self._running = self._running, None
            if self._timer is not None:
                self._timer.cancel()
        if running is not None and self._pid == os.getpid():
            running.end()

    def _begin(self) -> Running:
        with self._lock:
            if self._pid != os.getpid():  # after a fork: the process is the parent's
                self._running, self._pid, self._busy, self._timer = None, os.getpid(), 0, None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._running is None or self._running.ended or self._running.process.poll() is not None:
                self._running = Running(self._folder, self._seconds)
            self._busy += 1
            return self._running

    def _replace(self, running: Running) -> None:
        """Have the next question start a process of its own."""
        with self._lock:
            running.spent = True
            if self._running is running:
                self._running = None

    def _finish(self) -> None:
        with self._lock:
            self._busy -= 1
            if self._busy == 0 and self._running is not None:
                self._timer = threading.Timer(self._idle, self._end_idle, (self._running,))
                self._timer.daemon = True
                self._timer.start()

    def _end_idle(self, running: Running) -> None:
        with self._lock:
            if self._busy or self._running is not running:
                return
            self._running = None
        running.end()


def _checked(message: Message | None) -> Message:
    if message is None:
        raise QueryFailed("the process that reads tables has ended unexpectedly: ask again.")
    head = message[0]
    error = head.get("error")
    if error == "query":
        raise BadQuery(head["message"], position=head["position"], column=head["column"])
    if error == "value":
        raise InvalidValue(head["message"])
    if error == "missing":
        raise FileNotFoundError
    if error is not None:
        raise QueryFailed(head["message"], late=head["late"])
    return message


def _environment() -> dict[str, str]:
    """Without what is ours (keys among it), and with the modules of this process."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(("NB_ARTIFACTS", "PREFECT", "PGPASS"))}
    package = str(Path(__file__).parents[2])
    found["PYTHONPATH"] = os.pathsep.join(
        dict.fromkeys([*(path for path in sys.path if path and Path(path).is_dir()), package])
    )
    return found


def memory() -> int:
    """Bytes that DuckDB may take: a quarter of the machine's, between 256 MB and 2 GB."""
    import psutil

    return int(min(max(psutil.virtual_memory().total // 4, 256 * 2**20), 2 * 2**30))


def threads() -> int:
    """Threads that DuckDB may use."""
    return min(os.cpu_count() or 1, 4)


def _own_folder(folder: Path | None) -> Path:
    """A folder that nobody else can read; those of processes that are gone are deleted on the way."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="nb-artifacts-query-"))
    folder.mkdir(mode=0o700, exist_ok=True)
    _sweep(folder)
    return Path(tempfile.mkdtemp(prefix=f"query-{os.getpid()}-", dir=folder))


def _sweep(folder: Path) -> None:
    import psutil

    for other in folder.glob("query-*-*"):
        pid = other.name.split("-")[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(other, ignore_errors=True)
