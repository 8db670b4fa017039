"""The page for people: log-in, log-out, the page itself and its files, whose names hold a fingerprint of their content.

Nothing here holds data: the page asks the API, with the cookie that the log-in gave.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from nb_artifacts.api import Refused
from nb_artifacts.serve.auth import Tries, cookie, is_same_origin
from nb_artifacts.serve.body import Gone, read_body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from nb_artifacts.serve.keys import Keyring

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script but ours. Styles of elements (a bar's width, a cell's colour) are inline; pictures come after a click."""

LOGIN_BYTES = 4096
_MEDIA = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
_STATIC = re.compile(r"([a-z]+)\.([0-9a-f]{16})\.(js|css|svg)\Z")


@cache
def _file(name: str) -> bytes:
    return files("nb_artifacts").joinpath("page", name).read_bytes()


@cache
def _address(name: str) -> str:
    """Where a file of the page is served: its content belongs to its name, so that browsers keep it."""
    stem, _, suffix = name.rpartition(".")
    return f"static/{stem}.{hashlib.sha256(_file(name)).hexdigest()[:16]}.{suffix}"


def _html(title: str, body: str, *, style: str = "login.css", script: str | None = None, status: int = 200) -> Response:
    head = f'<link rel="stylesheet" href="/{_address(style)}"><link rel="icon" href="/{_address("icon.svg")}">'
    if script is not None:
        head += f'<script src="/{_address(script)}" defer></script>'
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"{head}</head><body>{body}</body></html>"
    )
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Vary": "Cookie"}
    return Response(text, status, headers, "text/html; charset=utf-8")


def _login_page(problem: str = "", status: int = 200) -> Response:
    said = f'<p class="nba-problem" role="alert">{escape(problem)}</p>' if problem else ""
    body = (
        '<main class="nba-login"><form method="post" action="/login"><h1>Artifacts</h1>'
        '<label for="key">Key of this server</label>'
        '<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>'
        f'{said}<button type="submit">Log in</button>'
        "<p>The key was printed when the server first started. A new one: <code>nb-artifacts server keys create</code></p>"
        "</form></main>"
    )
    return _html("Log in · Artifacts", body, status=status)


def page_routes(keys: Keyring) -> list[BaseRoute]:
    """The routes beside the API."""
    tries = Tries()

    async def show_login(request: Request) -> Response:
        return _login_page(status=401 if request.scope.get("nba.unknown") else 200)

    async def log_in(request: Request) -> Response:
        if not is_same_origin(request.scope["nba.headers"], writes="origin" in request.headers):
            return PlainTextResponse("Pages of other sites may not.", 403)
        wait = tries.wait(request.client.host if request.client else "")
        if wait:
            response = _login_page(f"Too many tries. Try again in {wait:.0f} seconds.", 429)
            response.headers["Retry-After"] = f"{wait:.0f}"
            return response
        secret = await _offered(request)
        if isinstance(secret, Response):
            return secret
        if keys.find(secret) is None:
            return _login_page("That is not a key of this server, or it was revoked.", 401)
        response = RedirectResponse("/", 303)
        response.headers["Set-Cookie"] = cookie(request.scope["nba.headers"], secret, secure=request.url.scheme == "https")
        return response

    async def log_out(request: Request) -> Response:
        response = RedirectResponse("/login", 303)
        response.headers["Set-Cookie"] = cookie(request.scope["nba.headers"], "", secure=False)
        return response

    async def index(_: Request) -> Response:
        try:
            return _html("Artifacts", '<div id="page"></div>', style="page.css", script="page.js")
        except FileNotFoundError:
            return _html("Artifacts", "<p>This installation came without its page; the API is complete.</p>")

    return [
        Route("/", index, methods=["GET"]),
        Route("/login", show_login, methods=["GET"]),
        Route("/login", log_in, methods=["POST"]),
        Route("/logout", log_out, methods=["POST"]),
        Route("/static/{name}", _static, methods=["GET"]),
    ]


async def _static(request: Request) -> Response:
    match = _STATIC.match(request.path_params["name"])
    name = f"{match[1]}.{match[3]}" if match else ""
    try:
        found = match is not None and _address(name) == f"static/{match[0]}"
    except OSError:
        found = False
    if match is None or not found:
        return PlainTextResponse("Not Found", 404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Security-Policy": "sandbox; default-src 'none'"}
    return Response(_file(name), 200, headers, _MEDIA[match[3]])


async def _offered(request: Request) -> str | Response:
    """The key in a form or in JSON, or what to say to a body that is too long or does not come."""
    try:
        body = b"".join(await read_body(request.scope, request.receive, LOGIN_BYTES))
    except Gone:
        return Response(status_code=400)
    except Refused as refused:
        return PlainTextResponse("That is longer than any key, or did not arrive in time.", refused.response.status)
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            return msgspec.json.decode(body, type=dict[str, str]).get("key", "")
        except msgspec.MsgspecError:
            return ""
    return parse_qs(body.decode("ascii", "replace")).get("key", [""])[0].strip()
