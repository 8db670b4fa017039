"""The stand-alone server's page, in Chromium: log-in, list, one artifact, live, phone, and what other sites may do."""

import http.server
import threading

import pytest
from server.conftest import start, stop_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("page"))
    for n in range(2):
        server.ask(
            "POST",
            "/artifacts/",
            {
                "key": "report",
                "type": "markdown",
                "data": f"# Number {n}\n\n<script>top.bad = 1</script><img src=x onerror='top.bad = 1'>",
            },
        )
    server.ask("POST", "/artifacts/", {"key": "flights", "type": "table", "data": '[{"carrier": "UA", "delay": 1.5}]'})
    yield server
    stop_server(server)


@pytest.fixture
def page(chromium, server):
    context = chromium.new_context(viewport={"width": 360, "height": 720}, color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.problems = []
    page.on(
        "console",
        lambda message: (
            page.problems.append(message.text)
            if "Content Security" in message.text and "inline event handler" not in message.text
            else None
        ),
    )
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.fill("#key", server.token)
    page.click("button[type=submit]")
    page.wait_for_selector(".nba-entry")
    yield page
    context.close()


def test_one_artifact_its_versions_and_news_on_a_phone(page, server):
    page.click(".nba-entry:has-text('report')")
    page.wait_for_selector(".jp-nba-card h1:has-text('Number 1')")
    assert page.locator(".nba-versions a").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("window.bad === undefined")
    server.ask("POST", "/artifacts/", {"key": "report", "type": "markdown", "data": "# Number 2"})
    page.click(".nba-versions a:has-text('v3')")
    page.wait_for_selector(".jp-nba-card h1:has-text('Number 2')")
    page.click(".nba-back")
    page.click(".nba-entry:has-text('flights')")
    page.wait_for_selector("[data-nba-type=table] >> text=UA")
    assert page.evaluate("document.cookie") == ""
    page.click(".nba-out button")
    page.wait_for_selector("#key")
    assert page.problems == []


def test_another_site_neither_reads_nor_writes(page, server):
    """S-13: fetch, form, image, websocket from a page of another origin, in a browser that is logged in."""

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<form id=f method=post enctype=text/plain></form>")

        def log_message(self, *_):
            pass

    evil = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=evil.serve_forever, daemon=True).start()
    before = server.ask("POST", "/artifacts/count", {}).json()
    other = page.context.new_page()
    other.goto(f"http://localhost:{evil.server_port}/")
    results = other.evaluate(
        """async base => {
          const tried = [];
          for (const init of [{}, {credentials: 'include'}, {method: 'POST', body: '{}', credentials: 'include'}, {method: 'PUT', body: '{}', credentials: 'include'},
                              {method: 'POST', body: '{"key":"evil"}', mode: 'no-cors', credentials: 'include'}]) {
            const path = init.mode ? '/api/artifacts/' : '/api/artifacts/filter';
            try { const r = await fetch(base + path, init); tried.push(r.type === 'opaque' ? 'opaque' : await r.text()); }
            catch { tried.push('refused'); }
          }
          tried.push(await new Promise(done => { const i = new Image(); i.onload = () => done('loaded'); i.onerror = () => done('refused'); i.src = base + '/api/status'; }));
          tried.push(await new Promise(done => { const w = new WebSocket(base.replace('http', 'ws') + '/api/events/in', 'prefect'); w.onopen = () => done('open'); w.onerror = () => done('refused'); }));
          return tried;
        }""",
        f"http://127.0.0.1:{server.port}",
    )
    assert set(results) <= {"refused", "opaque"}
    other.evaluate(
        "base => { f.action = base + '/api/artifacts/'; f.innerHTML = '<input name=\\'{\"key\":\"evil\",\"x\":\"\\' value=\\'\"}\\'>'; f.submit(); }",
        f"http://127.0.0.1:{server.port}",
    )
    other.wait_for_load_state()
    assert server.ask("POST", "/artifacts/count", {}).json() == before
    evil.shutdown()
