"""What somebody with a key, or a whole workspace of their own, may try against the stand-alone server."""

import gzip
import json
import os
import re
import socket
import sqlite3
import threading
import time
import zlib
from pathlib import Path

import psutil
import pytest
from api.conftest import Direct, wait_until
from msgspec import Raw
from server.conftest import OTHER, SPACE, log_in

from nb_artifacts.api import Api
from nb_artifacts.store import open_store
from nb_artifacts.wire import Record, new_id, now

SOAK = bool(os.environ.get("NB_ARTIFACTS_SOAK"))
MANY = 100_000


def test_a_foreign_id_is_looked_up_as_an_unknown_one_is(tmp_path, monkeypatch):
    """S-12: the same answer after the same statements, so nothing in the time it takes tells them apart either."""
    mine, theirs = (Api(lambda name=name: open_store(tmp_path / name)) for name in ("mine", "theirs"))
    foreign = Direct(theirs)("POST", "/artifacts/", {"key": "secret-plans", "data": "x" * 300_000}).json()["id"]
    ask = Direct(mine)
    ask("POST", "/artifacts/", {"key": "own"})
    statements = []
    database = mine.store._database
    read = database.read
    monkeypatch.setattr(database, "read", lambda work, **given: read(lambda link: traced(link, work, statements), **given))

    def said(method, path, body=None):
        statements.clear()
        reply = ask(method, path, body)
        headers = {name: value for name, value in reply.headers.items() if name != "ETag"}
        return reply.status, reply.body, headers, [re.sub("[0-9a-f]{32}", "ID", one) for one in statements]

    def both(method, path, body=lambda _: None):
        unknown = str(new_id())
        answers = [said(method, path.replace("ID", id), body(id)) for id in (foreign, unknown)]
        assert answers[0] == answers[1] and (method != "GET" or answers[0][3]), path
        return answers[0][0]

    assert [both("GET", path) for path in ("/artifacts/ID", "/artifacts/ID/blob", "/runs/ID")] == [404] * 3
    assert both("PATCH", "/artifacts/ID", lambda _: {"data": 1}) == 404
    assert both("DELETE", "/artifacts/ID") == 404
    for path in ("/artifacts/filter", "/artifacts/count", "/artifacts/latest/count"):
        name = "latest_id" if "latest" in path else "id"
        assert both("POST", path, lambda one, name=name: {"artifacts": {name: {"any_": [one]}}}) == 200
    assert ask("GET", "/artifacts/secret-plans/latest").body == ask("GET", "/artifacts/no-plans/latest").body
    assert ask("POST", "/search", {"q": "secret"}).json() == ask("POST", "/search", {"q": "nothing"}).json() == []
    for api in (mine, theirs):
        api.close()


def traced(connection, work, statements):
    connection.set_trace_callback(lambda sql: statements.append(sql.lower()))
    try:
        return work(connection)
    finally:
        connection.set_trace_callback(None)


def test_a_hash_alone_opens_no_bytes_of_another_workspace(standalone):
    """S-12: the same bytes may lie in both, but who does not name them gets nothing."""
    one, two = standalone.at(SPACE), standalone.at(OTHER)
    made = one("POST", "/artifacts/", {"key": "blob", "data": "y" * 300_000}, whole=True).json()
    sha256 = next(path.name for path in (standalone.home / "workspaces" / "acme" / "one" / "blobs").glob("*/*"))
    assert two("GET", f"/artifacts/{made['id']}/blob").status == 404
    here, unknown = (two("GET", f"/blobs/{name}?size=300002") for name in (sha256, "0" * 64))
    assert here.status == unknown.status == 404
    assert here.body.replace(sha256.encode(), b"") == unknown.body.replace(b"0" * 64, b"")


def test_bombs(own):
    """S-19: nothing is unpacked, nothing is parsed deeper than it may be, no picture is decoded."""
    server = own()
    server.ask("POST", "/artifacts/", {"key": "k"})
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    zeros = gzip.compress(b"0" * 10_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    deep = b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    wide = b'{"metadata_":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001
    refused = [
        server.ask.send("POST", "/artifacts/", headers, zeros).status,
        server.ask.send(
            "POST", "/artifacts/", {**headers, "Content-Encoding": "deflate"}, zlib.compress(b"0" * 10_000_000)
        ).status,
    ]
    for path in ("/artifacts/", "/artifacts/filter", "/search", "/artifacts/batch"):
        for bomb in (deep, wide, b"[" * 10_000_000, b'{"data":' * 100_000, b'{"data":' + b"9" * 1_000_000 + b"}"):
            refused.append(server.ask.send("POST", path, {"Content-Type": "application/json"}, bomb).status)
    assert set(refused) <= {201, 200, 413, 415, 422} and refused[:2] == [415, 415]
    assert refused[2:6] == [422] * 4, "objects and lists without end"
    picture = server.ask("POST", "/artifacts/", {"key": "picture", "type": "image", "data": png_of(60_000, 60_000)})
    assert picture.status == 201 and server.ask("GET", "/artifacts/picture/latest").status == 200
    assert process.memory_info().rss - before < 100_000_000
    assert server.ask("GET", "/artifacts/k/latest").status == 200


def png_of(width, height):
    """A data URI of a picture that would take gigabytes."""
    import base64

    def chunk(name, content):
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x06\0\0\0"
    text = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(text).decode()


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A server with very many versions."""
    from server.conftest import start

    folder = tmp_path_factory.mktemp("full")
    fill(folder / "home", MANY)
    server = start(folder)
    yield server
    from api.conftest import stop_server

    stop_server(server)


def fill(home, count):
    """A few versions put as ever, and copies of them."""
    store = open_store(home, durable=False)
    for n in range(1000):
        moment = now()
        store.put(
            Record(
                id=new_id(),
                created=moment,
                updated=moment,
                key=f"key-{n}",
                type="markdown",
                description=f"100%_{n}\\'",
                data=Raw(b"1"),
            )
        )
    store.close()
    connection = sqlite3.connect(home / "store.db", isolation_level=None)
    connection.execute("BEGIN")
    columns = [row[1] for row in connection.execute("PRAGMA table_info(artifact)")]
    others = [name for name in columns if name not in ("id", "version", "seq", "n")]
    named = ", ".join(others)
    connection.execute("CREATE TEMP TABLE first AS SELECT * FROM artifact")
    for copy in range(1, count // 1000):
        connection.execute(
            f"INSERT INTO artifact (id, version, seq, {named}) "
            f"SELECT randomblob(16), version + {copy}, seq + {copy * 1000}, {named} FROM first"
        )
    connection.execute(
        "UPDATE key SET last_version = ?, newest = (SELECT id FROM artifact a WHERE a.key = key.key ORDER BY version DESC LIMIT 1)",
        (count // 1000,),
    )
    connection.execute("COMMIT")
    connection.close()


PATTERNS = [
    "%",
    "_",
    "\\",
    "'",
    '"',
    "%%%%",
    "\\%",
    "'; DROP TABLE artifact; --",
    "%_" * 5000,
    "k" * 10_000,
    "ключ",
    "\u0000",
    "key-1",
    "KEY-1",
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda text: repr(text[:12]))
def test_patterns_at_very_many_rows(full, pattern):
    """S-21: no error of SQL's, and an answer while the client still waits."""
    body = {"artifacts": {"key": {"like_": pattern}}, "limit": 50}
    for path in ("/artifacts/filter", "/artifacts/count", "/artifacts/latest/filter", "/artifacts/latest/count"):
        reply = full.ask("POST", path, body)
        assert reply.status == (422 if "\0" in pattern else 200), (path, reply.body)
    reply = full.ask("POST", "/search", {"q": pattern})
    assert reply.status in (200, 422), reply.body
    if pattern == "KEY-1":
        assert full.ask("POST", "/artifacts/latest/count", body).json() == 111


def test_paging_at_very_many_rows(full):
    """S-21."""
    assert full.ask("POST", "/artifacts/count", {}).json() == MANY
    for limit in (-1, 201, 10**9, 2**63, 2**70):
        for path in ("/artifacts/filter", "/artifacts/latest/filter"):
            assert full.ask("POST", path, {"limit": limit}).status == 422
    for offset in (-1, -(2**63)):
        assert full.ask("POST", "/artifacts/filter", {"offset": offset}).status == 422
    for offset in (MANY - 1, MANY, 10**9, 2**62):
        for sort in ("CREATED_DESC", "UPDATED_DESC", "ID_DESC", "KEY_ASC"):
            found = full.ask("POST", "/artifacts/filter", {"offset": offset, "sort": sort, "limit": 200})
            assert found.status == 200 and len(found.json()) == max(MANY - offset, 0)
    for sort in ("created_desc", "ID_DESC; DROP TABLE artifact", "1", "", "KEY_ASC, id"):
        assert full.ask("POST", "/artifacts/filter", {"sort": sort}).status == 422
    assert (
        full.ask("POST", "/artifacts/filter", {"artifacts": {"id": {"any_": [str(new_id()) for _ in range(10_000)]}}}).json()
        == []
    )


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e400", '"\\ud800"'])
def test_what_is_not_strict_json_is_nowhere_answered(standalone, text):
    """S-24: not kept, and not repeated in an error either."""
    ask, media = standalone.at(SPACE), {"Content-Type": "application/json"}
    made = ask("POST", "/artifacts/", {"key": "strict"}).json()["id"]
    bodies = [
        ("POST", "/artifacts/", '{"data":%s}'), ("POST", "/artifacts/", '{"data":{"a":[1,%s]}}'), ("POST", "/artifacts/", '{"metadata_":{"a":%s}}'),
        ("POST", "/artifacts/", '{"type":"progress","data":%s}'), ("PUT", f"/artifacts/{new_id()}", '{"info":{"rate":%s}}'),
        ("PATCH", f"/artifacts/{made}", '{"data":%s}'), ("POST", "/artifacts/batch", '{"artifacts":[{"data":%s}]}'),
        ("POST", "/artifacts/filter", '{"limit":%s}'), ("POST", "/search", '{"q":"x","limit":%s}'), ("POST", "/flows/", '{"name":"f","labels":{"a":%s}}'),
    ]  # fmt: skip
    for method, path, body in bodies:
        reply = ask.send(method, path, media, (body % text).encode())
        strict(reply.body)
        assert reply.status in (400, 422) or (path, reply.status) == ("/flows/", 201), (path, body, reply.status)
    for path, body in (("/artifacts/filter", {}), ("/artifacts/latest/filter", {})):
        strict(ask("POST", path, body).body)
    strict(ask("GET", f"/artifacts/{made}", whole=True).body)


def strict(text):
    def refuse(word):
        raise AssertionError(f"{word} in {text[:500]}")

    json.loads(text, parse_constant=refuse)
    text.decode("utf-8")


ASKED = """
import sys

def watch(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else str(address)
        if not str(host).startswith(("127.", "/", "::1")):
            print("OUTSIDE", event, host, file=sys.stderr, flush=True)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if arguments[0] not in (None, "127.0.0.1", "localhost", b"127.0.0.1"):
            print("OUTSIDE", event, arguments[0], file=sys.stderr, flush=True)
    elif event in ("subprocess.Popen", "os.system"):
        print("OUTSIDE", event, arguments, file=sys.stderr, flush=True)

sys.addaudithook(watch)
"""


def test_it_asks_nobody_outside(own):
    """S-32: every connection that the process begins, and every name that it asks for, is seen by an audit hook."""
    server = own(before=ASKED)
    cookie = log_in(server, server.token).headers["Set-Cookie"].partition(";")[0]
    pictures = ["http://192.0.2.1/a.png", "https://example.invalid/a.png", "http://169.254.169.254/latest/meta-data"]

    def use(n):
        for url in pictures:
            server.ask("POST", "/artifacts/", {"key": f"image-{n}", "type": "image", "data": url})
        server.ask(
            "POST",
            "/artifacts/",
            {"key": f"link-{n}", "type": "link", "data": f"[x]({pictures[0]})", "description": f"![x]({pictures[1]})"},
        )
        assert server.root("GET", "/", Cookie=cookie).status == 200
        for path in ("/status", "/openapi.json", f"/artifacts/image-{n}/latest", "/admin/version", "/csrf-token?client=x"):
            server.ask("GET", path)
        assert server.ask("POST", "/search", {"q": "image"}).status == 200
        assert server.ask("POST", "/flows/", {"name": "f"}).status in (200, 201)

    end = time.monotonic() + (60 if SOAK else 0)
    with server.ask.stream() as stream:
        assert b"hello" in stream.readline() + stream.readline()
        for n in range(20):
            use(n)
        while time.monotonic() < end:
            use(0)
    assert "OUTSIDE" not in server.log.read_text()


def test_what_the_hook_would_see(own):
    """The test above looks where it should."""
    server = own(
        before=f"{ASKED}\nimport socket, threading\nthreading.Timer(0, lambda: socket.create_connection(('192.0.2.1', 9), 0.01)).start()"
    )
    wait_until(lambda: "OUTSIDE socket.connect 192.0.2.1" in server.log.read_text())


def test_slow_bodies_stop_at_their_time_whoever_else_asks(own):
    """S-20: a byte now and then does not move the deadline, and others are served all the while."""
    server = own(before="from nb_artifacts.serve import body as serve_body\nserve_body.BODY_SECONDS = 1.5")
    head = f"POST /api/artifacts/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", server.port), 20) for _ in range(200)]
    ended = threading.Event()

    def drip():
        while not ended.wait(0.2):
            for connection in slow:
                try:
                    connection.send(b" ")
                except OSError:
                    ended.set()

    for connection in slow:
        connection.sendall(head.encode())
    dripping = threading.Thread(target=drip)
    dripping.start()
    assert all(server.ask("POST", "/artifacts/", {"key": "k"}).status == 201 for _ in range(50))
    answers = [connection.recv(20) for connection in slow]
    ended.set()
    dripping.join(20)
    for connection in slow:
        connection.close()
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)
    assert Path(f"/proc/{server.process.pid}").exists() or os.name == "nt"
