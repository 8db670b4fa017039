"""The stand-alone server: requests a second, time to ready, idle memory, lists of many versions, live events.

Against a floor (uvicorn and one sqlite3 connection, the bare minimum that keeps a record and gives it back) and a real
Prefect server (its environment is made once, in .cache). POST is a 1 kB Markdown artifact, GET that key's latest. Ours is
measured on SQLite with synchronous FULL and NORMAL, and on a private PostgreSQL cluster that waits for the disk. Rounds
are interleaved, figures are medians; the load comes from one process that shares the machine with the servers, on the
quickest loop there is, so that the servers are measured and not their client.
Run: ``python tests/benchmarks/server_standalone.py [requests a round] [rounds] [part …]``, parts: load, lists, live.
"""

import asyncio
import atexit
import contextlib
import json
import os
import secrets
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import uvloop
from msgspec import Raw

from nb_artifacts.store import open_store
from nb_artifacts.wire import Record, new_id, now

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT / "tests")  # not the folder of this file, which has the name of the package wanted
from postgres.cluster import Cluster  # noqa: E402

PREFECT = ROOT / ".cache" / "prefect-venv"
PINNED = ["prefect==3.8.8", "fastapi>=0.139,<0.151"]
BODY = json.dumps({"key": "report", "type": "markdown", "data": "A line of a report.\n" * 50}).encode()
CLIENTS = (1, 8, 64)
FLOOR = """
import json, sqlite3, sys, uuid, uvicorn
db = sqlite3.connect(sys.argv[2], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute(f"PRAGMA synchronous={sys.argv[3]}")
db.execute("CREATE TABLE a (n INTEGER PRIMARY KEY, id TEXT, key TEXT, body TEXT)")
db.execute("CREATE INDEX k ON a (key, n)")

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["method"] == "POST":
        given = json.loads((await receive())["body"])
        id = str(uuid.uuid4())
        db.execute("INSERT INTO a (id, key, body) VALUES (?, ?, ?)", (id, given["key"], given["data"]))
        status, found = 201, (id, given["key"], given["data"])
    else:
        key = scope["path"].split("/")[3]
        status, found = 200, db.execute("SELECT id, key, body FROM a WHERE key = ? ORDER BY n DESC LIMIT 1", (key,)).fetchone()
    body = json.dumps(dict(zip(("id", "key", "data"), found or ()))).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off")
"""


class Server:
    """A child process that answers under ``/api`` on a port of this machine."""

    def __init__(self, name, command, health, env=None, key=""):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.name, self.key, self.rates, self.slow = name, key, {}, {}
        command = [part.replace("PORT", str(self.port)) for part in command]
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        atexit.register(self.process.kill)
        while not uvloop.run(self.answers(health)):
            if self.process.poll() is not None or time.perf_counter() > begun + 120:
                self.process.kill()
                raise SystemExit(f"{name} does not answer")
            time.sleep(0.01)
        self.ready = time.perf_counter() - begun
        time.sleep(0.5)
        self.idle = self.memory()

    async def answers(self, path):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, AssertionError):
            await self.times(self.request("GET", path), b"200", 1)
            return True
        return False

    def memory(self):
        process = psutil.Process(self.process.pid)
        return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)]) / 1e6

    def request(self, method, path, body=b"", **headers):
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *(f"{n}: {v}" for n, v in headers.items())]
        lines += [f"Authorization: Bearer {self.key}"] if self.key else []
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if method == "POST" else []
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def times(self, request, expected, count):
        """Seconds that each of so many requests took, one after the other on one connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        found = []
        for _ in range(count):
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.split()[1] == expected, head
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            found.append(time.perf_counter() - begun)
        writer.close()
        return found

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def floor(folder, mode):
    command = [sys.executable, "-c", FLOOR, "PORT", str(folder / f"floor-{mode}.db"), mode]
    return Server(f"floor, {mode}", command, "/api/artifacts/x/latest")


def ours(name, folder, *options, durability="power"):
    """One of our servers; its folder is `home`."""
    home, key = folder / name.replace(" ", "-"), secrets.token_hex(16)
    code = f"from nb_artifacts import cli, configure; configure(durability={durability!r}); cli.main()"
    command = [sys.executable, "-c", code, "server", "start", "--port", "PORT", "--home", str(home), *options]
    env = {"NB_ARTIFACTS_API_KEY": key, "PYTHONPATH": str(ROOT)}
    server = Server(name, command, "/api/health", env, key)
    server.home = home
    return server


def prefect(folder):
    folder.mkdir(exist_ok=True)
    python = PREFECT / "bin" / "python"
    if not (PREFECT / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", PREFECT], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PINNED], check=True)
        (PREFECT / ".ready").touch()
    env = {
        "PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR",
    }  # fmt: skip
    command = [str(python), "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", "PORT"]
    return Server("prefect", command, "/api/health", env)


async def burst(server, method, clients, requests):
    if method == "POST":
        request, expected = server.request("POST", "/api/artifacts/", BODY), b"201"
    else:
        request, expected = server.request("GET", "/api/artifacts/report/latest"), b"200"
    await server.times(request, expected, 5)
    begun = time.perf_counter()
    found = await asyncio.gather(*(server.times(request, expected, max(requests // clients, 1)) for _ in range(clients)))
    took = time.perf_counter() - begun
    times = sorted(one for each in found for one in each)
    what = f"{method} {clients}"
    server.rates.setdefault(what, []).append(len(times) / took)
    server.slow.setdefault(what, []).append(times[int(len(times) * 0.99)])


def load(folder, cluster, requests, rounds):
    servers = [
        floor(folder, "FULL"), floor(folder, "NORMAL"), ours("FULL", folder), ours("NORMAL", folder, durability="process"),
        ours("PostgreSQL", folder, "--database-url", cluster.create()), prefect(folder),
    ]  # fmt: skip
    for number in range(rounds):
        for clients in CLIENTS:
            for method in ("POST", "GET"):
                for server in servers:
                    count = requests if server.name != "prefect" else min(requests, 128)
                    if server.name != "prefect" or number < 2:
                        uvloop.run(burst(server, method, clients, count))
    by_name = {server.name: server for server in servers}
    rate = {name: {what: statistics.median(found) for what, found in one.rates.items()} for name, one in by_name.items()}
    for server in servers:
        print(f"{server.name}: ready in {server.ready:.2f} s, idle {server.idle:.0f} MB, loaded {server.memory():.0f} MB")
        against = {"FULL": "floor, FULL", "NORMAL": "floor, NORMAL", "PostgreSQL": "floor, FULL"}.get(server.name)
        for what, found in rate[server.name].items():
            line = f"  {what:8} {found:7.0f}/s  p99 {statistics.median(server.slow[what]) * 1000:6.1f} ms"
            if against:
                line += f"  {found / rate[against][what]:.2f} of {against}, {found / rate['prefect'][what]:.0f} x prefect"
            print(line, flush=True)
    for server in servers:
        server.stop()


def fill(home, versions):
    """So many versions of 1 kB under a tenth as many keys."""
    store = open_store(home, durable=False)
    text = Raw(json.dumps("A line of a report.\n" * 50).encode())

    def one(n):
        moment = now()
        return lambda: store.put(Record(id=new_id(), created=moment, updated=moment, key=f"key-{n % (versions // 10)}",
                                        type="markdown", description=f"Report {n}", data=text))  # fmt: skip

    for begin in range(0, versions, 1000):
        store.together([one(n) for n in range(begin, begin + 1000)])
    store.close()


def fill_prefect(folder, server, versions):
    """The same for Prefect: rows made from one of its own, with its own columns."""
    uvloop.run(server.times(server.request("POST", "/api/artifacts/", BODY.replace(b'"report"', b'"key-0"')), b"201", 1))
    with contextlib.closing(sqlite3.connect(folder / "prefect" / "prefect.db", timeout=60)) as db, db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(artifact)")]
        uuid = "lower(hex(randomblob(4))||'-'||hex(randomblob(2))||'-4'||substr(hex(randomblob(2)),2)||'-a'||substr(hex(randomblob(2)),2)||'-'||hex(randomblob(6)))"
        changed = {"id": uuid, "key": f"'key-' || (n % {versions // 10})"}
        chosen = ", ".join(changed.get(name, f"a.{name}") for name in columns)
        db.execute(
            f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {versions}) "
            f"INSERT INTO artifact ({', '.join(columns)}) SELECT {chosen} FROM c, (SELECT * FROM artifact LIMIT 1) a"
        )


def lists(folder, rounds):
    """p50 of one client; that of Prefect's GET latest is of its one real key."""
    whole = {"Accept": "application/vnd.nb-artifacts.v1+json"}
    asked = {
        "GET latest": ("GET", "/api/artifacts/key-0/latest", b"", {}),
        "newest 100": ("POST", "/api/artifacts/filter", b'{"sort":"CREATED_DESC","limit":100}', {}),
        "newest 100, whole records": ("POST", "/api/artifacts/filter", b'{"sort":"NEWEST","limit":100}', whole),
        "latest 100 keys, whole records": ("POST", "/api/artifacts/latest/filter", b'{"sort":"NEWEST","limit":100}', whole),
        "search": ("POST", "/api/search", b'{"q":"report 77","limit":20}', whole),
    }
    servers = {}
    for versions in (1_000, 100_000):
        fill(folder / f"{versions}-versions", versions)
        servers[f"{versions} versions"] = ours(f"{versions} versions", folder)
        servers[f"prefect, {versions}"] = prefect(folder / str(versions))
        fill_prefect(folder / str(versions), servers[f"prefect, {versions}"], versions)
    found = {}
    for number in range(rounds):
        for name, server in servers.items():
            for what, (method, path, body, headers) in asked.items():
                if "prefect" in name and (headers or number > 1):
                    continue
                request = server.request(method, path, body, **headers)
                found.setdefault((what, name), []).extend(uvloop.run(server.times(request, b"200", 10)))
    for (what, name), times in found.items():
        print(f"{what}, {name}: {statistics.median(times) * 1000:.2f} ms")
    for server in servers.values():
        server.stop()


async def follow(server, times, ready):
    """Notes when each change arrives, by the text of its key."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(server.request("GET", "/api/events"))
    await reader.readuntil(b"event: hello")
    ready.release()
    while True:
        line = await reader.readline()
        if line.startswith(b"data: {") and (at := line.find(b'"key":"live-')) >= 0:
            times.setdefault(line[at + 7 : line.index(b'"', at + 7)].decode(), []).append(time.perf_counter())


async def seen(server, viewers, writes, write):
    """Seconds from before each write until each viewer has it, and what a viewer takes of the server's memory."""
    times, ready, before = {}, asyncio.Semaphore(0), server.memory()
    tasks = [asyncio.ensure_future(follow(server, times, ready)) for _ in range(viewers)]
    for _ in tasks:
        await ready.acquire()
    taken, found = server.memory() - before, []
    for n in range(writes):
        begun, key = time.perf_counter(), f"live-{n}"
        await write(key)
        while len(times.get(key, ())) < viewers:  # noqa: ASYNC110 -- an event a viewer would cost what is measured
            await asyncio.sleep(0.002)
        found += [moment - begun for moment in times[key]]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sorted(found), taken / viewers * 1000


def live(folder, cluster, requests):
    server = ours("live", folder)
    kernel = open_store(server.home)

    async def by_kernel(key):
        moment = now()
        await asyncio.to_thread(kernel.put, Record(id=new_id(), created=moment, updated=moment, key=key, data=Raw(b'"x"')))

    url, key = cluster.create(), secrets.token_hex(16)
    os.environ["NB_ARTIFACTS_API_KEY"] = key
    replicas = [ours(f"replica {n}", folder, "--database-url", url) for n in range(2)]

    async def by_other(key):
        body = json.dumps({"key": key, "data": "x"}).encode()
        await replicas[0].times(replicas[0].request("POST", "/api/artifacts/", body), b"201", 1)

    for name, where, viewers, write in (
        ("a kernel's write to a viewer, folder", server, 1, by_kernel),
        ("one replica's write to a viewer of the other, PostgreSQL", replicas[1], 1, by_other),
        ("1,000 viewers of one server", server, 1000, by_kernel),
    ):
        found, kilobytes = uvloop.run(seen(where, viewers, 20 if viewers > 1 else min(requests, 100), write))
        line = f"{name}: p50 {statistics.median(found) * 1000:.0f} ms, p95 {found[int(len(found) * 0.95)] * 1000:.0f} ms"
        print(line + (f", {kilobytes:.0f} kB a viewer" if viewers > 1 else ""), flush=True)
    kernel.close()
    for one in (server, *replicas):
        one.stop()


def main(requests, rounds, parts):
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        folder, cluster = Path(place), Cluster(options="")
        try:
            if "load" in parts:
                load(folder, cluster, requests, rounds)
            if "lists" in parts:
                lists(folder, rounds)
            if "live" in parts:
                live(folder, cluster, requests)
        finally:
            cluster.remove()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 640, int(given[1]) if given[1:] else 5, given[2:] or ["load", "lists", "live"])
