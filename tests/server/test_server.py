"""What the stand-alone server lets in, what it tells, and how it starts and ends."""

import ast
import asyncio
import base64
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from api.conftest import ROOT, SECONDS, Remote, stop_server, wait_until
from server.conftest import OTHER, SPACE, ending, log_in, printed_key, run

import nb_artifacts
from nb_artifacts.api import Response
from nb_artifacts.cli import server as cli_server
from nb_artifacts.process import this_process
from nb_artifacts.serve import app as serve_app
from nb_artifacts.serve import auth as serve_auth
from nb_artifacts.serve import body as serve_body
from nb_artifacts.serve import http as serve_http
from nb_artifacts.serve.auth import Tries, is_own_host, is_same_origin, secrets_in
from nb_artifacts.serve.keys import Keyring


def raw(server, request, wait=True):
    """What comes back for bytes as they stand."""
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(request)
        answer = b""
        while wait and (piece := connection.recv(65536)):
            answer += piece
        return answer


def test_keys_open_in_every_form_that_clients_send(standalone):
    key = standalone.token
    basic = [base64.b64encode(text.encode()).decode() for text in (f"user:{key}", key, f"{key}:")]
    for header in (f"Bearer {key}", f"bearer {key}", f"token {key}", *(f"Basic {text}" for text in basic)):
        assert standalone.ask("GET", "/status", Authorization=header).status == 200, header
    for header in (
        "Bearer wrong",
        "Bearer",
        f"Digest {key}",
        "Basic !",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Bearer \xff\u00e9".encode("latin-1"),
    ):
        assert standalone.ask("GET", "/status", Authorization=header).status == 401, header


def test_secrets_in_any_header_are_compared_as_bytes(tmp_path):
    keys = Keyring(tmp_path, "schlüssel")
    for text in ("é", "\udcff", "x" * 100_000, ""):
        assert keys.find(text) is None
    assert keys.find("schlüssel").id == "environment"
    assert secrets_in({"authorization": "Basic " + base64.b64encode("a:ü".encode()).decode()}) == ("a:ü", "ü", "a")


def test_no_secret_is_compared_with_equals():
    """S-29."""
    compared = 0
    for path in (Path(nb_artifacts.__file__).parent / "serve").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "hmac.compare_digest":
                compared += 1
            if isinstance(node, ast.Compare):
                assert not any(word in ast.unparse(node) for word in ("sha256 ==", "secret ==", "hashed ==", "token ==")), path
    assert compared == 1


def test_only_health_is_open_below_api(standalone):
    nobody = Remote(standalone.port, "", "")
    assert nobody("GET", "/api/health").status == 200
    for path in ("/api/health/", "/api/artifacts/health/latest", "/api/artifacts/ready/latest", "/api/health/health", f"/api{SPACE}/health",
                 "/api/ready", "/api/version", "/api/admin/version", "/api/csrf-token", "/api/status", "/api/events", "/api", "/api/", "//api/health", "/api/%68ealth", "/static/../api/status",
                 "/api/healthx", "/openapi.json", "/x"):  # fmt: skip
        assert nobody("GET", path).status in (401, 403, 404), path
        assert nobody("GET", path).status != 404 or path.startswith("/static"), path
    for method in ("POST", "PUT", "HEAD", "OPTIONS", "DELETE"):
        assert nobody(method, "/api/health").status == 401, method


def test_workspaces_are_apart(standalone):
    """S-12: with a key of one, nothing of the other is found; what is asked there is refused whether it exists or not."""
    keys = Keyring(standalone.home)
    mine, theirs = (keys.create(workspace=f"acme/{name}")[0] for name in ("one", "two"))
    one, two = standalone.at(SPACE, mine), standalone.at(OTHER, theirs)
    wait_until(lambda: one("GET", "/ready").status == 200)
    wait_until(lambda: two("GET", "/ready").status == 200)
    found = one("POST", "/artifacts/", {"key": "secret-plans", "data": "x" * 300_000}).json()
    unknown = two("GET", "/artifacts/00000000-0000-0000-0000-000000000000")
    for method, path, body in (("GET", "", None), ("PATCH", "", {"data": 1}), ("DELETE", "", None), ("GET", "/blob", None)):
        reply = two(method, f"/artifacts/{found['id']}{path}", body)
        assert (reply.status, reply.body) == (404, unknown.body), path
    assert two("GET", "/artifacts/secret-plans/latest").status == 404
    assert two("POST", "/artifacts/filter", {"artifacts": {"id": {"any_": [found["id"]]}}}).json() == []
    assert two("POST", "/artifacts/latest/count", {}).json() == 0
    refused = [
        standalone.at(prefix, theirs)("GET", "/artifacts/secret-plans/latest")
        for prefix in (SPACE, "/accounts/no/workspaces/such", "")
    ]
    assert {reply.status for reply in refused} == {403}
    assert len({reply.body for reply in refused}) == 1
    assert not (standalone.home / "workspaces" / "no").exists()
    assert one("GET", "/artifacts/secret-plans/latest").status == 200


def test_traversal_in_a_workspace_leads_nowhere(standalone):
    """S-15."""
    before = places(standalone)
    for name in ("..", "%2e%2e", "..%2f..", "a%00", "A", ".", "%5c..", "-", "a" * 65):
        standalone.at(f"/accounts/{name}/workspaces/x")("POST", "/artifacts/", {"key": "k"})
        standalone.at(f"/accounts/x/workspaces/{name}")("POST", "/artifacts/", {"key": "k"})
    assert places(standalone) - before <= {"-", "x", "-/x", "x/-"}


def places(server):
    """The folders below that of the workspaces."""
    top = server.home / "workspaces"
    return {str(path.relative_to(top)) for pattern in ("*", "*/*") for path in top.glob(pattern)}


def test_a_revoked_key_is_refused_and_its_streams_end(own):
    """S-14, through the command line."""
    server = own()
    secret = printed_key(run(server, "keys", "create", "--name", "laptop").stdout)
    ask = server.at("", secret)
    wait_until(lambda: ask("GET", "/status").status == 200, 3)
    assert oct(stat.S_IMODE((server.home / "server/keys.json").stat().st_mode)) == "0o600"
    assert secret not in (server.home / "server/keys.json").read_text()
    listed = run(server, "keys", "list").stdout
    assert "laptop" in listed and secret not in listed
    with ask.stream() as stream:
        assert b"hello" in stream.readline() + stream.readline()
        assert run(server, "keys", "revoke", "laptop").returncode == 0
        wait_until(lambda: ask("GET", "/status").status == 401, 2)
        stream.read()  # ends by itself
    assert server.ask("GET", "/status").status == 200
    assert run(server, "keys", "revoke", "laptop").returncode == 1
    assert run(server, "keys", "create", "--workspace", "../x").returncode == 1


def test_defaults(tmp_path):
    """S-32: loopback, a key of its own, shown once; other machines only with a key."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("NB_ARTIFACTS")}
    env |= {"NB_ARTIFACTS_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nb_artifacts.cli", "server"]
    refused = subprocess.run(
        [*command, "start", "--host", "0.0.0.0", "--port", "0"],
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert refused.returncode == 1 and "keys create" in refused.stderr
    weak = subprocess.run(
        [*command, "start", "--host", "0.0.0.0", "--port", "0"],
        env={**env, "NB_ARTIFACTS_API_KEY": "weak"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert weak.returncode == 1 and "16 characters" in weak.stderr
    assert subprocess.run([*command, "status"], env=env, timeout=SECONDS, check=False).returncode == 1
    log = tmp_path / "log"
    options = {"env": env, "stdout": subprocess.PIPE, "stderr": log.open("w"), "text": True}
    with ending(subprocess.Popen([*command, "start", "--port", "0"], **options)) as process:
        lines = [process.stdout.readline() for _ in range(7)]
        text = "".join(lines)
        secret, url = printed_key(text), text.split("at ")[1].split()[0]
        assert url.startswith("http://127.0.0.1:") and f"%env NB_ARTIFACTS_API_URL={url}/api" in text
        ask = Remote(int(url.rpartition(":")[2]), secret, "/api")
        wait_until(lambda: ask("GET", "/status").status == 200)
        shown = subprocess.run(
            [*command, "status", "--output", "json"], env=env, capture_output=True, text=True, timeout=SECONDS, check=True
        )
        assert json.loads(shown.stdout)["server"]["url"] == url
        with ask.stream() as stream:
            stream.readline()
            assert subprocess.run([*command, "stop"], env=env, timeout=SECONDS, check=False).returncode == 0
            stream.read()
        assert process.wait(20) == 0
    told = log.read_text()
    assert secret not in told
    assert '"GET /api/status" 200' in told


def test_the_log_tells_no_secret(own):
    server = own()
    server.ask("GET", f"/status?token={server.token}&q=confidential")
    server.root("GET", "/", Cookie=f"nb-artifacts-key-{server.port}={server.token}")
    wait_until(lambda: "/api/status" in server.log.read_text())
    text = server.log.read_text()
    assert server.token not in text and "confidential" not in text


def test_request_ids(standalone):
    assert standalone.ask("GET", "/ready", **{"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    for bad in ("a b", "x" * 65, "<script>"):
        assert standalone.ask("GET", "/ready", **{"X-Request-Id": bad}).headers["X-Request-Id"] != bad


def test_log_in_with_a_cookie(standalone):
    page = standalone.root("GET", "/")
    assert page.status == 401 and b'type="password"' in page.body and b"<script" not in page.body
    assert log_in(standalone, "wrong").status == 401
    reply = log_in(standalone, standalone.token)
    given = reply.headers["Set-Cookie"]
    assert reply.status == 303 and "HttpOnly" in given and "SameSite=Strict" in given
    cookie = given.partition(";")[0]
    assert standalone.root("GET", "/", Cookie=cookie).status == 200
    assert standalone.root("GET", "/api/status", Cookie=cookie).status == 200
    host = f"127.0.0.1:{standalone.port}"
    for origin, status in ((f"http://{host}", 201), ("http://evil.example", 403), ("null", 403), ("", 403), (None, 403)):
        headers = {"Cookie": cookie, "Content-Type": "application/json"} | ({} if origin is None else {"Origin": origin})
        assert standalone.root.send("POST", "/api/artifacts/", headers, b'{"key":"c"}').status == status, origin
    for site, status in (("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)):
        assert standalone.root("GET", "/api/status", Cookie=cookie, **{"Sec-Fetch-Site": site}).status == status, site
    assert log_in(standalone, standalone.token, Origin="http://evil.example").status == 403
    assert log_in(standalone, "x" * 10_000).status == 413
    assert "Max-Age=0" in standalone.root("POST", "/logout", Cookie=cookie, Origin=f"http://{host}").headers["Set-Cookie"]


def test_behind_a_proxy_with_tls(own):
    """The cookie must not travel in the clear, and whoever is sent on not be sent there."""
    server = own()
    reply = log_in(server, server.token, **{"X-Forwarded-Proto": "https"})
    assert reply.status == 303 and "; Secure" in reply.headers["Set-Cookie"]
    assert "Secure" not in log_in(server, server.token, **{"X-Forwarded-Proto": "gopher"}).headers["Set-Cookie"]
    for said, scheme in (("https", "https"), ("https, http", "https"), ("http", "http"), ("x y", "http"), (None, "http")):
        headers = {} if said is None else {"X-Forwarded-Proto": said}
        reply = server.ask("POST", "/artifacts", {}, **headers)
        assert (reply.status, reply.headers["Location"]) == (307, f"{scheme}://127.0.0.1:{server.port}/api/artifacts/"), said


@pytest.mark.parametrize("secret", ["semi;colon", "per%41cent", "\u0448\u043b\u044e\u0437", 'quo"te\\', "sp ace,"])
def test_any_key_survives_the_cookie(secret):
    headers = {"host": "example.org"}
    name, _, value = serve_auth.cookie(headers, secret, secure=False).encode("ascii").decode().partition(";")[0].partition("=")
    assert serve_auth.cookie_secrets({**headers, "cookie": f"other=1; {name}={value}; more=2"}) == (secret,)


def test_two_servers_of_one_host_keep_a_log_in_each():
    """A browser sends a host's cookies to every port of it, and keeps one of each name."""
    jar = {}
    for host, secret in (("h:1", "one"), ("h:2", "two"), ("[::1]:1", "three"), ("h", "four")):
        given = serve_auth.cookie({"host": host}, secret, secure=False).partition(";")[0]
        name, _, value = given.partition("=")
        jar[name] = value
    cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
    found = {
        host: serve_auth.cookie_secrets({"host": host, "cookie": cookies}) for host in ("h:1", "h:2", "h", "h:3", "h:x", "")
    }
    first = {host: secrets[0] for host, secrets in found.items()}
    assert first == {"h:1": "three", "h:2": "two", "h": "four", "h:3": "three", "h:x": "four", "": "four"}
    assert {frozenset(secrets) for secrets in found.values()} == {frozenset({"two", "three", "four"})}, "replicas know them all"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows folders have no such mode bits")
def test_what_a_server_leaves_is_private_whatever_the_umask(tmp_path):
    """S-28: the keys may be made before there is a store."""
    home, before = tmp_path / "a" / "home", os.umask(0)
    try:
        Keyring(home).create()
        cli_server._write_note(home, cli_server.Running(pid=1, started=0, url="", where=""))
    finally:
        os.umask(before)
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in [home, *home.rglob("*")]}
    assert modes == {"home": "0o700", "server": "0o700", "keys.json": "0o600", "running": "0o700", "1.json": "0o600"}


def test_a_note_of_a_server_that_is_gone_means_no_other_process(tmp_path):
    """A process number is given again; and when a process began is known to a second only, as clocks are set."""
    me = this_process()
    for moved, found in ((0, True), (1, True), (-1, True), (-60, False), (60, False)):
        note = cli_server._write_note(tmp_path, cli_server.Running(pid=me.pid, started=me.started + moved, url="", where=""))
        assert bool(cli_server.running_servers(tmp_path)) == found, moved
        assert note.exists() == found, "what a killed server has left is taken away"
    note.write_text("{")
    assert cli_server.running_servers(tmp_path) == []


def test_two_servers_of_one_folder(own, tmp_path):
    """Each is there until it ends, whichever began or ended first."""
    first, second = own(), own()

    def shown():
        return json.loads(run(first, "status", "--output", "json").stdout)

    both = shown()
    assert both["running"] is True
    assert {one["pid"] for one in both["servers"]} == {first.process.pid, second.process.pid}
    assert both["server"]["pid"] == second.process.pid
    stop_server(second)
    left = shown()
    assert [one["pid"] for one in left["servers"]] == [left["server"]["pid"]] == [first.process.pid]
    third = own()
    assert run(first, "status").stdout.count("Running at") == 2
    assert run(first, "stop").returncode == 0
    assert (first.process.wait(20), third.process.wait(20)) == (0, 0)
    assert shown() == {"running": False, "server": None, "servers": []}


def test_log_in_is_tried_a_few_times_only(own):
    server = own()
    found = [log_in(server, "guess").status for _ in range(serve_auth.TRIES + 2)]
    assert found == [401] * serve_auth.TRIES + [429] * 2
    assert log_in(server, server.token).status == 429


def test_tries_are_forgotten(monkeypatch):
    tries = Tries()
    assert [tries.wait("a") for _ in range(serve_auth.TRIES)] == [0.0] * serve_auth.TRIES
    assert 0 < tries.wait("a") <= serve_auth.TRIES_SECONDS
    assert tries.wait("b") == 0
    later = serve_auth.time.monotonic() + serve_auth.TRIES_SECONDS + 1
    monkeypatch.setattr(serve_auth.time, "monotonic", lambda: later)
    assert tries.wait("a") == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1", "a@b", "127.0.0.1@evil.example"]
)
def test_another_name_is_refused(standalone, host):
    """DNS rebinding."""
    assert standalone.root("GET", "/api/health", Host=host).status in (400, 403)
    assert not is_own_host("evil.example", frozenset({"localhost"}))


def test_own_names():
    names = serve_auth.own_names(("Art.Example.org",))
    assert all(
        is_own_host(host, names)
        for host in ("localhost", "LOCALHOST:80", "10.0.0.1:4242", "[::1]:80", "art.example.org", "art.example.org.")
    )
    assert not is_same_origin({"origin": "http://localhost:1", "host": "localhost:2"}, writes=True)


def test_bodies_are_limited(own):
    """S-20: announced or not, a body too long is refused without being read; one that does not come is cut off."""
    server = own(
        before="from nb_artifacts.serve import body as serve_body, http as serve_http\nserve_body.BODY_SECONDS = 0.5\nserve_http.HEAD_SECONDS = 0.5"
    )
    head = f"POST /api/artifacts/ HTTP/1.1\r\nHost: localhost:{server.port}\r\nAuthorization: Bearer {server.token}\r\nContent-Type: application/json\r\n"
    assert raw(server, f"{head}Content-Length: 1000000000\r\n\r\n".encode()).startswith(b"HTTP/1.1 413")
    chunk = b"100000\r\n" + b"[" * 0x100000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            while sent < 1000:
                connection.sendall(chunk)
                sent += 1
        except ConnectionError:
            pass
        assert 60 < sent < 200
    assert raw(server, f"{head}Content-Length: 10\r\n\r\n[".encode()).startswith(b"HTTP/1.1 408")
    assert raw(server, b"GET /api/hea") == b""
    assert raw(server, b"") == b""
    assert server.ask("GET", "/ready").status == 200


def test_who_has_no_key_is_read_no_further_than_needed(own):
    """S-20: no body is kept or waited for that nobody looks at, and no head without end."""
    server = own(before="from nb_artifacts.serve import body as serve_body\nserve_body.BODY_SECONDS = 0.5")
    host = "Host: localhost\r\n"
    assert raw(server, f"POST /login HTTP/1.1\r\n{host}Content-Length: 100\r\n\r\nkey=".encode()).startswith(b"HTTP/1.1 408")
    assert raw(server, f"POST /login HTTP/1.1\r\n{host}Content-Length: 5000\r\n\r\nkey=".encode()).startswith(b"HTTP/1.1 413")
    for target in ("GET /api/health", "GET /login"):
        answer = raw(server, f"{target} HTTP/1.1\r\n{host}Content-Length: 60000000\r\n\r\n[".encode())
        assert answer.startswith(b"HTTP/1.1 200"), answer
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(f"GET /api/health HTTP/1.1\r\n{host}".encode())
        sent = 0
        try:
            while sent < 1000:
                connection.sendall(b"X-Long: " + b"x" * 100_000 + b"\r\n")
                sent += 1
        except ConnectionError:
            pass
        assert sent < 1000
    with socket.create_connection(("127.0.0.1", server.port), 30):
        assert server.root("GET", "/login").status == 200
    assert "Traceback" not in server.log.read_text()


def test_requests_that_come_together_are_all_answered(standalone):
    """The limit on a head does not count what came before it."""
    head = f"Host: localhost\r\nAuthorization: Bearer {standalone.token}\r\n"
    body = b'{"key":"together","data":"' + b"x" * 150_000 + b'"}'
    post = f"POST /api/artifacts/ HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    answer = raw(standalone, post * 4 + f"GET /api/ready HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
    assert (answer.count(b"HTTP/1.1 201"), answer.count(b"HTTP/1.1 200")) == (4, 1)


def test_nothing_is_read_for_a_client_that_has_left():
    made = []

    def pieces():
        for n in range(1000):
            made.append(n)
            yield b"x"

    async def main():
        async def receive():
            return {"type": "http.disconnect"}

        async def send(_):
            await asyncio.sleep(0)

        async def answer(*_):
            return Response(200, pieces())

        space = SimpleNamespace(answer=answer, run=asyncio.to_thread)
        scope = {"method": "GET", "raw_path": b"/api/blobs/x", "query_string": b"", "scheme": "http", "nba.headers": {}}
        await serve_app.Endpoint({"": space})(scope, receive, send)

    asyncio.run(main())
    assert len(made) < 100


def test_slow_clients_hold_up_nobody(own):
    server = own(before="from nb_artifacts.serve import body as serve_body\nserve_body.BODY_SECONDS = 3")
    head = f"POST /api/artifacts/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\nContent-Length: 1000\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", server.port), 30) for _ in range(200)]
    for connection in slow:
        connection.sendall(head.encode() + b"{")
    assert all(server.ask("POST", "/artifacts/", {"key": "k"}).status == 201 for _ in range(50))
    for connection in slow:
        assert connection.recv(20).startswith(b"HTTP/1.1 408")
        connection.close()


def test_a_request_under_way_is_answered_when_the_server_stops(own):
    server = own()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("POST", "/api/artifacts/")
    for name, value in (
        ("Authorization", f"Bearer {server.token}"),
        ("Content-Type", "application/json"),
        ("Content-Length", "11"),
    ):
        connection.putheader(name, value)
    connection.endheaders(b'{"key"')
    server.ask("GET", "/ready")
    server.process.send_signal(signal.SIGTERM)
    connection.send(b':"k"}')
    assert connection.getresponse().status == 201
    connection.close()
    assert server.process.wait(20) == 0


EARLY = """
import signal, sys, uvicorn
from nb_artifacts.cli import main, server

moment, make, greet = sys.argv.pop(1), uvicorn.Config, server._greet

def stopped(call):
    def stop_and_call(*values, **options):
        signal.raise_signal(signal.SIGTERM)
        return call(*values, **options)
    return stop_and_call

if moment == "greeting":
    server._greet = stopped(greet)
else:
    uvicorn.Config = stopped(make)
main()
"""


@pytest.mark.parametrize(("moment", "workers"), [("greeting", 1), ("greeting", 2), ("setting up", 1)])
def test_a_signal_that_comes_before_the_server_listens_to_it_stops_it(tmp_path, moment, workers):
    command = [sys.executable, "-c", EARLY, moment, "server", "start", "--port", "0", "--workers", str(workers)]
    done = subprocess.run(command, env={**os.environ, "NB_ARTIFACTS_HOME": str(tmp_path)}, timeout=SECONDS, check=False)
    assert done.returncode == 0
    assert cli_server.running_servers(tmp_path) == []


def test_several_workers(own):
    server = own("--workers", "2")
    assert [server.ask("POST", "/artifacts/", {"key": "k"}).status for _ in range(20)] == [201] * 20
    assert len(server.ask("POST", "/artifacts/filter", {"artifacts": {"key": {"any_": ["k"]}}}).json()) == 20
    assert run(server, "stop").returncode == 0


def test_workers_end_with_the_process_that_began_them(own):
    """Killed, it can tell them nothing: they would go on at its port, and `stop` would know of no server."""
    server = own("--workers", "2")
    found = [one for one in psutil.Process(server.process.pid).children() if "spawn_main" in " ".join(one.cmdline())]
    assert len(found) == 2
    server.process.kill()
    server.process.wait(SECONDS)
    try:
        wait_until(lambda: not any(is_alive(one) for one in found))
    finally:
        for one in filter(is_alive, found):
            one.kill()


def is_alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_limits_are_those_promised():
    assert serve_body.BODY_SECONDS == serve_http.HEAD_SECONDS == 30
