"""What sending costs: a cell that creates, the time until all is there, and a sender with nothing to do.

Run: ``python tests/benchmarks/sync.py [records] [megabytes]``, the sizes of the whole being 10000 and 1000.

* ``create``: microseconds of `create_markdown_artifact` (1 kB, keyed, on disk) with no API set, with one that refuses
  connections, with one that accepts them and says nothing, and with a server; at once and with 10 ms between two. Each in
  a process of its own, in turns; ratios are to no API.
* ``drain``: seconds until what waits is on a server of ours, against a loop that puts one record after the other, or one
  blob after the other, over one kept connection.
* ``idle``: per cent of a core that a sender with nothing to send takes, the process's own included.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:1] = [str(TESTS), str(TESTS.parent)]  # this folder has a module `server` too

import httpx  # noqa: E402
from api.conftest import stop_server  # noqa: E402
from msgspec import Raw  # noqa: E402
from server.conftest import start  # noqa: E402

from nb_artifacts.addresses import RemoteSettings, Secret  # noqa: E402
from nb_artifacts.sender import Sender, drain  # noqa: E402
from nb_artifacts.store import open_remote, open_store  # noqa: E402
from nb_artifacts.store.remotes import Remotes  # noqa: E402
from nb_artifacts.wire import MIME, Record, encode, new_id, now  # noqa: E402

TEXT = "A line of a report, as people write them.\n" * 24
CREATES = 400
PIECE = 8 * 1024 * 1024


def worker():
    """Creates in this process; what each took."""
    import nb_artifacts as nba

    nba.create_markdown_artifact(TEXT, key="warm")
    times = {}
    for name, pause in (("at once", 0.0), ("every 10 ms", 0.01)):
        times[name] = taken = []
        for n in range(CREATES):
            begun = time.perf_counter()
            nba.create_markdown_artifact(TEXT, key=f"report-{n % 10}")
            taken.append((time.perf_counter() - begun) * 1e6)
            time.sleep(pause)
    print(json.dumps(times))


@contextmanager
def api(mode, server):
    """The address for a mode."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if mode == "stalled":
            taken.listen(16)
        port = server.port if mode == "up" else taken.getsockname()[1]
        yield None if mode == "none" else f"http://127.0.0.1:{port}/api/accounts/bench/workspaces/w{time.monotonic_ns()}"


def create(server, rounds=3):
    modes = ("none", "down", "stalled", "up")
    found = {mode: {} for mode in modes}
    for _ in range(rounds):
        for mode in modes:
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as home, api(mode, server) as address:
                env = {name: value for name, value in os.environ.items() if not name.startswith("NB_ARTIFACTS")}
                env |= {"NB_ARTIFACTS_HOME": home, "PYTHONPATH": str(TESTS.parent)}
                if address:
                    env |= {"NB_ARTIFACTS_API_URL": address, "NB_ARTIFACTS_API_KEY": server.token}
                command = [sys.executable, __file__, "worker"]
                done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
                for name, times in json.loads(done.stdout).items():
                    found[mode].setdefault(name, []).extend(times)
    figures = {}
    for name in found["none"]:
        bare = statistics.median(found["none"][name])
        figures[name] = {
            mode: {
                "p50": round(statistics.median(times[name])),
                "p99": round(statistics.quantiles(times[name], n=100)[-1]),
                "ratio of p50": round(statistics.median(times[name]) / bare, 2),
            }
            for mode, times in found.items()
        }
    return figures


def record(n, **members):
    moment = now()
    return Record(
        id=new_id(), created=moment, updated=moment, key=f"k{n % 50}", type="markdown", data=Raw(encode(TEXT)), **members
    )


def settings_of(server, space):
    return RemoteSettings(f"http://127.0.0.1:{server.port}/api/accounts/bench/workspaces/{space}", Secret(server.token))


def folder_with(place, settings, blobs=()):
    store = open_store(place, durable=False)
    remotes = Remotes(store)
    remotes.first_seen(settings.address)
    return store, remotes, [store.put_blob(blob, "application/octet-stream") for blob in blobs]


def drain_records(server, folder, count):
    settings = settings_of(server, "sender")
    store, remotes, _ = folder_with(folder / "records", settings)
    given = [record(n) for n in range(count)]
    for start_at in range(0, count, 500):
        store.together([lambda one=one: store.put(one) for one in given[start_at : start_at + 500]])
    remote = open_remote(settings.address, key=settings.key)
    begun = time.perf_counter()
    drained = drain(store, remote, remotes, settings.address)
    ours = time.perf_counter() - begun
    assert (drained.sent, drained.error) == (count, None), drained
    plain = settings_of(server, "loop")
    few = given[: min(count, 1000)]
    with httpx.Client(headers={"Authorization": f"Bearer {server.token}", "Accept": MIME}) as client:
        begun = time.perf_counter()
        for one in few:
            body = {"key": one.key, "type": one.type, "data": TEXT}
            client.put(f"{plain.address}/artifacts/{one.id}", json=body).raise_for_status()
        loop = (time.perf_counter() - begun) * count / len(few)
    return {"records": count, "sender s": round(ours, 2), "loop s": round(loop, 2), "loop / sender": round(loop / ours, 1)}


def drain_blobs(server, folder, megabytes):
    settings = settings_of(server, "blobs")
    sizes = [10_000_000] * max(1, megabytes // 10)
    store, remotes, refs = folder_with(folder / "blobs", settings, (os.urandom(size) for size in sizes))
    for n, ref in enumerate(refs):
        store.put(record(n, blob=ref))
    remote = open_remote(settings.address, key=settings.key)
    begun = time.perf_counter()
    drained = drain(store, remote, remotes, settings.address)
    ours = time.perf_counter() - begun
    assert (drained.sent, drained.error) == (len(refs), None), drained
    plain = settings_of(server, "blobs-loop")
    with httpx.Client(headers={"Authorization": f"Bearer {server.token}"}, timeout=60) as client:
        begun = time.perf_counter()
        for ref in refs:
            content = store.open_blob(ref).read()
            for offset in range(0, ref.size, PIECE):
                headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
                path = f"{plain.address}/blobs/{ref.sha256}?size={ref.size}"
                client.patch(path, content=content[offset : offset + PIECE], headers=headers).raise_for_status()
        loop = time.perf_counter() - begun
    return {"MB": sum(sizes) // 1_000_000, "sender s": round(ours, 2), "loop s": round(loop, 2), "ratio": round(ours / loop, 2)}


def idle(server, folder, seconds=10.0):
    settings = settings_of(server, "idle")
    store, remotes, _ = folder_with(folder / "idle", settings)
    store.put(record(1))
    sender = Sender(store, settings)
    sender.start()
    while remotes.count(settings.address):
        time.sleep(0.05)
    time.sleep(1)
    begun, cpu = time.monotonic(), time.process_time()
    time.sleep(seconds)
    used = 100 * (time.process_time() - cpu) / (time.monotonic() - begun)
    sender.close(1)
    return {"per cent of a core": round(used, 3)}


def main(count=2000, megabytes=100):
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        place = Path(folder)
        server = start(place)
        try:
            figures = {
                "create": create(server),
                "drain": {
                    "records": drain_records(server, place, count),
                    "blobs": drain_blobs(server, place, megabytes),
                },
                "idle": idle(server, place),
            }
        finally:
            stop_server(server)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    worker() if sys.argv[1:] == ["worker"] else main(*map(int, sys.argv[1:]))
