"""What becomes of a request to a server that is away, odd, slow, or somebody else's; and where the key goes."""

import hashlib
import itertools
import json
import socket
import ssl
import subprocess
import threading
import time
import traceback
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from faults.processes import Child

from nb_artifacts.errors import Denied, InvalidValue, RemoteBusy, StoreError, Unreachable
from nb_artifacts.store import http_blobs, http_client, open_store
from nb_artifacts.store.http_client import Connection
from nb_artifacts.wire import BlobRef, Query

KEY = "nba_a-key-of-great-secrecy"


class Server:
    """Answers as told: `answer(handler)` writes the response; what was asked is kept."""

    def __init__(self, answer, context=None):
        asked = self.asked = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                asked.append((self.command, self.path, dict(self.headers)))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}/api"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve():
    servers = []

    def begin(answer, **options):
        servers.append(Server(answer, **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def reply(status=200, body=b"{}", **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def everything_of(error):
    """All that a traceback could show of an error: with its causes, and the variables of every frame."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    seen, parts = error, []
    while seen is not None:
        parts += [repr(seen), str(seen)]
        seen = seen.__cause__
    return "".join(told.format()) + "".join(parts)


@pytest.mark.parametrize(
    "address",
    [
        "http://user:word@host/api",
        "https://:word@host/api",
        "http:///api",
        "http://host:port/api",
        "http://host/api?key=word",
        "http://ho st/",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(address):
    with pytest.raises(InvalidValue) as caught:
        open_store(address, key=KEY)
    assert "word" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(key):
    with pytest.raises(InvalidValue) as caught:
        open_store("http://127.0.0.1:9/api", key=key)
    assert key not in str(caught.value)


def test_a_closed_port_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port}") as caught:
        open_store(f"http://127.0.0.1:{port}/api", key=KEY)
    assert not caught.value.ambiguous
    assert KEY not in everything_of(caught.value)


def test_a_name_that_does_not_resolve():
    with pytest.raises(Unreachable, match=r"no-such-host\.invalid") as caught:
        open_store("http://no-such-host.invalid/api")
    assert not caught.value.ambiguous


@pytest.mark.parametrize(
    ("status", "headers", "error", "attributes"),
    [
        (401, {}, Denied, {}),
        (403, {}, Denied, {}),
        (429, {"Retry-After": "7"}, RemoteBusy, {"retry_after": 7.0, "ambiguous": False}),
        (503, {"Retry-After": "99999"}, RemoteBusy, {"retry_after": 3600.0, "ambiguous": True}),
        (503, {"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, RemoteBusy, {"retry_after": 0.0}),
        (503, {"Retry-After": "soon"}, RemoteBusy, {"retry_after": None}),
        (500, {}, RemoteBusy, {"retry_after": None, "ambiguous": True}),
        (408, {}, RemoteBusy, {"ambiguous": True}),
        (504, {}, RemoteBusy, {"ambiguous": True}),
        (302, {"Location": "https://user:word@elsewhere.example/api?token=word"}, Unreachable, {"ambiguous": False}),
    ],
)
def test_answers_that_are_none(serve, status, headers, error, attributes):
    server = serve(reply(status, b'{"detail":"so it is"}', **headers))
    with pytest.raises(error) as caught:
        open_store(server.address, key=KEY)
    assert {name: getattr(caught.value, name) for name in attributes} == attributes
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    assert "word" not in str(caught.value)
    assert KEY not in everything_of(caught.value)


def test_the_key_goes_to_no_other_host(serve):
    other = serve(reply())
    server = serve(reply(307, Location=f"{other.address}/status"))
    with pytest.raises(Unreachable, match=f"127.0.0.1:{other.port}"):
        open_store(server.address, key=KEY)
    assert other.asked == []
    _, path, headers = server.asked[0]
    assert KEY not in path
    assert {name: value for name, value in headers.items() if KEY in value} == {"Authorization": f"Bearer {KEY}"}


def test_a_user_and_password_go_as_basic(serve):
    server = serve(reply(404))
    with pytest.raises(StoreError):
        open_store(server.address, key="admin:word")
    assert server.asked[0][2]["Authorization"] == "Basic YWRtaW46d29yZA=="


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>Log in to the hotel's network</html>"), (404, b"{}"), (200, b"[" * 2000), (200, b"")]
)
def test_a_server_of_another_kind_is_named(serve, status, body):
    server = serve(reply(status, body))
    with pytest.raises(StoreError, match="neither an nb_artifacts nor a Prefect server"):
        open_store(server.address)
    with pytest.raises(StoreError, match=f"{server.port}/base/api"):
        open_store(f"http://127.0.0.1:{server.port}/base")


def test_a_page_in_between_is_no_answer_of_ours(serve):
    pages = [reply(200, json.dumps({"store": "x"}).encode(), X_NB_Artifacts_Store="x"), reply(200, b"<html>Log in</html>")]

    def answer(handler):
        pages[min(len(server.asked), 2) - 1](handler)

    server = serve(answer)
    store = open_store(server.address)
    with pytest.raises(Unreachable, match="log-in page"):
        store.count(Query())
    assert repr(store) == f"HttpStore({server.address})"
    store.close()


@pytest.mark.parametrize("trickle", [False, True])
def test_an_answer_that_stalls_or_trickles_is_given_up(serve, monkeypatch, trickle):
    monkeypatch.setattr(http_client, "SLOWEST", 10_000)
    done = threading.Event()

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while trickle and not done.wait(0.05):
            handler.wfile.write(b" ")
        done.wait(10)

    server = serve(answer)
    begun = time.monotonic()
    connection = Connection(server.address)
    with pytest.raises(Unreachable) as caught:
        connection.ask("GET", "/status", seconds=0.4)
    connection.close()
    done.set()
    assert caught.value.ambiguous
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(("rate", "arrives"), [(100_000, True), (1000, False)])
def test_bytes_come_over_a_slow_line_too(monkeypatch, rate, arrives):
    """A thousand seconds of it at such a rate."""
    content = bytes(rate) * 1000
    moments = itertools.count()
    monkeypatch.setattr(http_client, "time", SimpleNamespace(monotonic=lambda: next(moments)))

    @contextmanager
    def open(*_, **__):
        yield SimpleNamespace(status_code=200, iter_bytes=lambda: (bytes(rate) for _ in range(1000)))

    connection = Connection("http://host/api")
    monkeypatch.setattr(connection, "open", open)
    ref = BlobRef(sha256=hashlib.sha256(content).hexdigest(), size=len(content), media="x/y")
    expected = nullcontext() if arrives else pytest.raises(Unreachable, match="too slowly")
    with expected, http_blobs.download(connection, ref) as file:
        assert file.read() == content


def test_a_certificate_is_verified(serve, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = serve(reply(200, b"{}"), context=context)
    with pytest.raises(Unreachable, match="certificate") as caught:
        open_store(f"https://127.0.0.1:{server.port}/api", key=KEY)
    assert not caught.value.ambiguous
    assert "SSL_CERT_FILE" in str(caught.value)
    assert server.asked == []


def test_a_child_process_opens_connections_of_its_own(serve):
    server = serve(reply(200, b"1"))
    connection = Connection(server.address)
    assert connection.ask("GET", "/a").body == b"1"
    assert Child(lambda send: send(connection.ask("GET", "/b").body)).wait() == [b"1"]
    assert connection.ask("GET", "/c").body == b"1"
    connection.close()
    assert [path for _, path, _ in server.asked] == ["/api/a", "/api/b", "/api/c"]
