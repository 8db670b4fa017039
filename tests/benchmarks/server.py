"""Requests a second inside Jupyter (POST of a 1 kB Markdown artifact, GET of a key's latest).

Against a tornado echo, and against the smallest answer of Jupyter itself (``GET /api``, its version): what it does for
every request (log-in, checks, metrics, log) is the most that an extension can reach. Clients keep the log-in cookie, as
browsers and HTTP libraries do. Run: ``python tests/benchmarks/server.py [requests]``. Rounds are interleaved, figures are
medians of five rounds; the load comes from one process that shares the machine with the servers.
"""

import asyncio
import http.client
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

ROOT = Path(__file__).parents[2]
ROUNDS = 5
BODY = json.dumps({"key": "report", "type": "markdown", "data": "A line of a report.\n" * 50}).encode()
ECHO = """
import asyncio, sys, tornado.web

class Echo(tornado.web.RequestHandler):
    def post(self):
        self.set_status(201)
        self.finish(self.request.body)

    def get(self):
        self.set_header("Content-Type", "application/json")
        self.finish(BODY)

async def main():
    tornado.web.Application([("/.*", Echo)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()

asyncio.run(main())
""".replace("BODY", repr(BODY))


class Server:
    """A child process that answers HTTP on a port of this machine."""

    def __init__(self, name, command, prefix="", token="", **env):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.name, self.prefix, self.token, self.cookie, self.rates = name, prefix, token, "", {}
        command = [part.replace("PORT", str(self.port)) for part in command]
        self.process = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.await_port()

    def await_port(self):
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit(f"{self.name} does not answer")

    def log_in(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", f"/login?token={self.token}")
        self.cookie = connection.getresponse().getheader("Set-Cookie").partition(";")[0]
        connection.close()

    def head(self, method, path, body=b""):
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"Authorization: token {self.token}", f"Cookie: {self.cookie}"] if self.token else []
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
        return "\r\n".join([*lines, "", ""]).encode() + body


async def client(server, request, expected, count):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.split()[1] == expected, head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
    writer.close()


async def rate(server, method, clients, requests):
    """`own` asks Jupyter for its version instead of asking this extension."""
    if method == "POST":
        request, expected = server.head("POST", f"{server.prefix}/artifacts/", BODY), b"201"
    else:
        path = "/api" if method == "own" else f"{server.prefix}/artifacts/report/latest"
        request, expected = server.head("GET", path), b"200"
    await client(server, request, expected, 20)
    begun = time.perf_counter()
    await asyncio.gather(*(client(server, request, expected, requests // clients) for _ in range(clients)))
    return requests / (time.perf_counter() - begun)


def jupyter(name, folder, durability):
    token = secrets.token_hex(16)
    home = Path(folder) / durability
    options = [
        "--ServerApp.port=PORT",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.log_level=ERROR",
        f"--IdentityProvider.token={token}",
        "--ServerApp.jpserver_extensions={'nb_artifacts': True}",
        f"--NbArtifacts.durability={durability}",
        f"--NbArtifacts.home={home}",
    ]
    folders = {f"JUPYTER_{one}_DIR": f"{home}-{one.lower()}" for one in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyter_server", *options]
    server = Server(name, command, "/nb-artifacts/api", token, PYTHONPATH=str(ROOT), **folders)
    server.log_in()
    return server


def main(requests):
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        servers = [
            Server("tornado echo", [sys.executable, "-c", ECHO, "PORT"]),
            jupyter("Jupyter, power", folder, "power"),
            jupyter("Jupyter, process", folder, "process"),
        ]
        try:
            for _ in range(ROUNDS):
                for clients in (1, 8, 64):
                    for method in ("POST", "GET", "own"):
                        for server in servers:
                            found = uvloop.run(rate(server, method, clients, requests))
                            server.rates.setdefault(f"{method} {clients}", []).append(found)
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait(30)
    report(servers)


def report(servers):
    echo = servers[0].rates
    for server in servers[1:]:
        shown = {}
        for what, rates in server.rates.items():
            rate, clients = statistics.median(rates), what.partition(" ")[2]
            own = statistics.median(server.rates[f"own {clients}"])
            shown[what] = f"{rate:.0f}/s: {rate / statistics.median(echo[what]):.2f} of echo, {rate / own:.2f} of Jupyter"
        print(json.dumps({server.name: shown}, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 640)
