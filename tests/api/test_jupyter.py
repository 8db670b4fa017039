"""The extension in a real Jupyter server: who may ask, what a browser page elsewhere can do, and what goes over the wire."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import tempfile

import pytest
from api.conftest import ROOT, Remote, start_server, stop_server, wait_until
from api.replay import strict_json

from nb_artifacts import wire
from nb_artifacts.api import BODY_LIMIT, ROUTES
from nb_artifacts.config import FROM_SERVER
from nb_artifacts.store import open_store
from nb_artifacts.wire import MIME, Record

ID = "11591e57-cdf8-41a1-aa59-5f6902b0b85b"  # of no artifact and no run

PATHS = [
    (route.method, route.path.replace("{id}", ID).replace("{key}", key))
    for route in ROUTES
    for key in (("health", "ready", "latest") if "{key}" in route.path else ("",))
]


@pytest.fixture
def ask(server):
    return server.ask


@pytest.fixture
def cookies(server):
    """What a browser holds after it logged in: a session and an XSRF cookie, no token."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"/?token={server.token}")
    response = connection.getresponse()
    response.read()
    found = [value.partition(";")[0] for name, value in response.getheaders() if name == "Set-Cookie"]
    connection.close()
    xsrf = next(one.partition("=")[2] for one in found if one.startswith("_xsrf="))
    return "; ".join(found), xsrf


def test_the_table_has_routes():
    assert len(ROUTES) == len(set(PATHS)) - 2 > 15


@pytest.mark.parametrize(("method", "path"), [*PATHS, ("GET", "/"), ("GET", "/nowhere"), ("PUT", "/health")])
def test_no_route_without_a_credential(server, method, path):
    for credential in ({}, {"Authorization": "token wrong"}, {"Authorization": "Bearer wrong"}, {"Authorization": "x"}):
        stranger = Remote(server.port, "")
        reply = stranger.send(method, path, credential, b"{}" if method in ("POST", "PATCH", "PUT") else None)
        assert reply.status in (401, 403)
        assert "X-NB-Artifacts-Store" not in reply.headers
        stranger.connection.close()
    query = "&" if "?" in path else "?"
    assert Remote(server.port, "").send(method, f"{path}{query}token=wrong").status == 403


@pytest.mark.parametrize("scheme", ["token", "Bearer"])
def test_both_spellings_of_the_token(server, scheme):
    reply = Remote(server.port, "").send("GET", "/health", {"Authorization": f"{scheme} {server.token}"})
    assert (reply.status, reply.json()) == (200, True)


def test_a_stranger_is_refused_before_the_body(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(
            b"POST /nb-artifacts/api/artifacts/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n{"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 403")


def test_a_cookie_alone_reads_but_does_not_write(server, cookies):
    cookie, xsrf = cookies
    browser = Remote(server.port, "")
    assert browser.send("GET", "/status", {"Cookie": cookie}).status == 200
    body = {"Content-Type": "application/json", "Cookie": cookie}
    for method, path in (
        ("POST", "/artifacts/"),
        ("PATCH", f"/artifacts/{ID}"),
        ("DELETE", f"/artifacts/{ID}"),
    ):
        assert browser.send(method, path, body, b"{}").status == 403
        assert browser.send(method, path, {**body, "X-XSRFToken": "2|0|0|0"}, b"{}").status == 403
    assert browser.send("POST", "/artifacts/", {**body, "X-XSRFToken": xsrf}, b"{}").status == 201


def test_a_page_of_another_site(server, cookies):
    cookie, xsrf = cookies
    elsewhere = {"Origin": "https://evil.example", "Cookie": cookie, "Referer": "https://evil.example/"}
    browser = Remote(server.port, "")
    for headers in ({}, {"X-XSRFToken": xsrf}):
        for media in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            reply = browser.send("POST", "/artifacts/", {**elsewhere, **headers, "Content-Type": media}, b"{}")
            assert reply.status in (403, 404)
    for path in ("/status", "/events", "/artifacts/k/latest"):
        reply = browser.send("GET", path, elsewhere)
        assert reply.status in (403, 404)
        assert "Access-Control-Allow-Origin" not in reply.headers
    preflight = browser.send(
        "OPTIONS", "/artifacts/", {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert "Access-Control-Allow-Origin" not in preflight.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1"])
def test_a_foreign_host(server, host):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/nb-artifacts/api/status", headers={"Host": host, "Authorization": f"token {server.token}"})
    assert connection.getresponse().status == 403
    connection.close()


def test_answers_as_the_api_gives_them(server, ask):
    made = ask.send("POST", "/artifacts/", {"Content-Type": "application/json", "Accept": MIME}, b'{"key": "a"}')
    assert (made.status, made.headers["Content-Type"]) == (201, MIME)
    assert made.headers["X-NB-Artifacts-Store"] == open_store(server.home).id
    id = made.json()["id"]
    patched = ask.send("PATCH", f"/artifacts/{id}", {}, b'{"data": 2}')
    assert (patched.status, patched.body) == (204, b"")
    assert "Content-Type" not in patched.headers
    read = ask("GET", f"/artifacts/{id}")
    again = ask.send("GET", f"/artifacts/{id}", {"If-None-Match": read.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    head = ask("HEAD", f"/artifacts/{id}")
    assert (head.status, head.body) == (405, b"")
    assert ask("GET", "/status").json()["where"] == str(server.home)


def test_a_large_answer_comes_in_pieces(ask):
    data = "x" * 3_000_000
    made = ask("POST", "/artifacts/", {"key": "large", "data": data}).json()
    body = {"artifacts": {"key": {"any_": ["large"]}}}
    reply = ask("POST", "/artifacts/filter", body)
    assert reply.json() == [made]
    assert reply.headers["Transfer-Encoding"] == "chunked"


def test_blobs(server, ask):
    store = open_store(server.home)
    content = bytes(range(256)) * 8000
    now = wire.now()
    blob = store.put_blob(content, "image/svg+xml")
    record = store.put(Record(id=wire.new_id(), created=now, updated=now, key="svg", blob=blob))
    reply = ask("GET", f"/artifacts/{record.id}/blob")
    assert (reply.status, reply.body) == (200, content)
    headers = reply.headers
    assert headers["content-type"] == "image/svg+xml"
    assert headers["content-length"] == str(len(content))
    assert headers["content-disposition"].startswith("attachment")
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    part = ask("GET", f"/artifacts/{record.id}/blob", Range="bytes=100-299")
    assert (part.status, part.body) == (206, content[100:300])
    again = ask("GET", f"/artifacts/{record.id}/blob", If_None_Match=headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_a_body_announced_as_too_large(ask):
    ask.connection.close()
    headers = {"Content-Length": str(BODY_LIMIT + 1)}
    reply = ask.send("POST", "/artifacts/", headers, b"{}")
    assert reply.status == 413
    assert "detail" in reply.json()


def test_a_body_that_turns_out_too_large(server):
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(
            b"POST /nb-artifacts/api/artifacts/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Authorization: token " + server.token.encode() + b"\r\n\r\n"
        )
        piece = b"100000\r\n" + bytes(0x100000) + b"\r\n"
        try:
            for _ in range(1000):
                connection.sendall(piece)
                sent += len(piece)
        except ConnectionError:
            pass
    assert sent < 2 * BODY_LIMIT
    assert server.ask("GET", "/health").json() is True


def test_a_body_that_never_ends_does_not_stop_others(server):
    slow = []
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        connection.sendall(
            b"POST /nb-artifacts/api/artifacts/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
            b"Authorization: token " + server.token.encode() + b"\r\n\r\n{"
        )
        slow.append(connection)
    assert server.ask("POST", "/artifacts/", {}).status == 201
    for connection in slow:
        connection.close()


@pytest.mark.parametrize("body", [b'{"data": ' + b"[" * 100_000, b'{"data": "\\ud800"}', b'{"data": NaN}', b"\xff"])
def test_hostile_bodies(ask, body):
    reply = ask.send("POST", "/artifacts/", {"Content-Type": "application/json"}, body)
    assert reply.status in (400, 422)
    strict_json(reply.body)


@pytest.mark.parametrize("path", ["/artifacts/%ff/latest", "/artifacts/%2e%2e/latest", "/../../api/status", "//", "/%00"])
def test_odd_paths(ask, path):
    assert ask("GET", path).status in (403, 404)


def test_redirects_lead_back_to_this_server(server, ask):
    reply = ask("POST", "/artifacts", {})
    assert reply.status == 307
    assert reply.headers["Location"] == f"http://127.0.0.1:{server.port}/nb-artifacts/api/artifacts/"
    reply = ask("POST", "/artifacts", {}, X_Forwarded_Proto="https")
    assert reply.headers["Location"].startswith("https://")


def next_event(response):
    while True:
        lines = []
        while (line := response.fp.readline().rstrip(b"\r\n")) or not lines:
            if line and not re.fullmatch(rb"[0-9a-f]+", line):
                lines.append(line)
        if not lines[0].startswith(b":"):
            fields = dict(one.split(b": ", 1) for one in lines)
            return int(fields[b"id"]), fields[b"event"].decode(), json.loads(fields[b"data"])


def test_events(server, ask):
    with ask.stream() as response:
        assert response.status == 200
        assert response.getheader("Content-Type") == "text/event-stream"
        assert response.getheader("X-Accel-Buffering") == "no"
        assert response.getheader("Cache-Control") == "no-store"
        seq, name, hello = next_event(response)
        assert (name, hello) == ("hello", {"store": open_store(server.home).id, "seq": seq})
        made = ask("POST", "/artifacts/", {"key": "seen"}).json()
        first, name, change = next_event(response)
        assert (name, change["record"]["id"]) == ("change", made["id"])
        script = "import sys; from nb_artifacts import wire; from nb_artifacts.store import open_store; n = wire.now();"
        script += "open_store(sys.argv[1]).put(wire.Record(id=wire.new_id(), created=n, updated=n, key='elsewhere'))"
        subprocess.run([sys.executable, "-c", script, str(server.home)], cwd=ROOT, check=True)
        assert next_event(response)[2]["record"]["key"] == "elsewhere"
    for options in ({"path": f"/events?since={first}"}, {"path": "/events?since=0", "Last_Event_ID": str(first)}):
        with ask.stream(**options) as response:
            assert next_event(response)[0] == first
            assert next_event(response)[2]["record"]["key"] == "elsewhere"


def test_a_silent_stream_lives_and_is_forgotten_when_its_listener_leaves(server, ask):
    def descriptors():
        from pathlib import Path

        return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

    before = descriptors()
    for _ in range(20):
        with ask.stream() as response:
            next_event(response)
            while b"still here" not in response.fp.readline():
                pass
    wait_until(lambda: descriptors() <= before + 2)


def test_many_listeners(server, ask):
    from contextlib import ExitStack

    with ExitStack() as stack:
        streams = [stack.enter_context(ask.stream()) for _ in range(30)]
        for response in streams:
            next_event(response)
        made = ask("POST", "/artifacts/", {"key": "many"}).json()
        assert {next_event(response)[2]["record"]["id"] for response in streams} == {made["id"]}


def test_what_the_log_says(server):
    text = server.log.read_text()
    assert f"nb_artifacts: {server.home} is served under /nb-artifacts/api/" in text
    assert "Traceback" not in text
    assert "Task was destroyed" not in text


def test_a_server_of_its_own_base_and_folder(tmp_path):
    home = tmp_path / "elsewhere"
    options = ("--ServerApp.base_url=/user/ann/", f"--NbArtifacts.home={home}")
    hasty = "import nb_artifacts.jupyter; nb_artifacts.jupyter.BODY_SECONDS = 0.2"
    server = start_server(tmp_path, *options, prefix="/user/ann", before=hasty)
    try:
        assert server.ask("GET", "/status").json()["where"] == str(home)
        made = server.ask("POST", "/artifacts", {})
        assert made.headers["Location"].endswith("/user/ann/nb-artifacts/api/artifacts/")
        environment = kernel_environment(server)
        assert environment[FROM_SERVER] == f"{open_store(home).id}:{home}"
        assert environment["NB_ARTIFACTS_HOME"] == str(home)
        assert_closed_for_slowness(server)
        with server.ask.stream() as response:
            next_event(response)
            stop_server(server)
            assert b"event" not in response.fp.read()
    finally:
        server.process.kill()
    log = server.log.read_text()
    assert server.token not in log.replace(f"?token={server.token}", "")
    assert "Traceback" not in log
    assert "Task was destroyed" not in log


def test_what_a_server_loads():
    script = (
        "import sys, jupyter_server.serverapp, jupyter_server.base.handlers; before = set(sys.modules);"
        "import nb_artifacts, nb_artifacts.jupyter; from nb_artifacts.store import open_store; open_store(sys.argv[1]);"
        "print(*sorted(set(sys.modules) - before))"
    )
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", script, folder]
        loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "nb_artifacts.jupyter" in loaded
    heavy = {"pandas", "pyarrow", "numpy", "PIL", "IPython", "narwhals", "nh3", "nb_artifacts.types.table", "nb_artifacts.core"}
    assert not heavy & set(loaded)
    assert len(loaded) < 130


def assert_closed_for_slowness(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"POST {server.prefix}/nb-artifacts/api/artifacts/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        connection.sendall(f"{head}Authorization: token {server.token}\r\n\r\n{{".encode())
        assert connection.recv(100) == b""


def is_ready(client):
    """Whether the kernel answers; one that is late with a heartbeat, on a busy machine, is asked again."""
    try:
        client.wait_for_ready(timeout=60)
    except RuntimeError:
        return False
    return True


def kernel_environment(server):
    """What a kernel that the server starts finds in its environment."""
    from jupyter_client import BlockingKernelClient

    asked = Remote(server.port, server.token, server.prefix + "/api")
    kernel = asked("POST", "/kernels", {}).json()["id"]
    file = server.folder / "jupyter_runtime_dir" / f"kernel-{kernel}.json"
    wait_until(file.exists)
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    client.start_channels()
    wait_until(lambda: is_ready(client))
    code = "import os, json; print(json.dumps(dict(os.environ)))"
    found = []
    client.execute_interactive(code, timeout=60, output_hook=lambda message: found.append(message["content"].get("text", "")))
    client.stop_channels()
    asked("DELETE", f"/kernels/{kernel}")
    return json.loads("".join(found))
