"""What Prefect Cloud looks like from outside, in front of a Prefect server: a path for each workspace, a key, no version."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/api/accounts/5d1c0e3e-0000-4000-8000-000000000001/workspaces/5d1c0e3e-0000-4000-8000-000000000002"


class Cloud:
    """Listens on loopback until closed."""

    def __init__(self, port, key):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(port, key))
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def _handler(port, key):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != f"Bearer {key}":
                return self._answer(401, b'{"detail":"Unauthorized"}')
            if not self.path.startswith(PATH) or self.path.endswith("/version"):
                return self._answer(404, b'{"detail":"Not Found"}')
            url = f"http://127.0.0.1:{port}/api{self.path.removeprefix(PATH)}"
            request = urllib.request.Request(url, body or None, {"Content-Type": "application/json"}, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return self._answer(answer.status, answer.read())
            except urllib.error.HTTPError as error:
                return self._answer(error.code, error.read())

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

        def _answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler
