"""A real Jupyter server of its own: own folders, a free loopback port, a token; JupyterLab and Notebook 7 on it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "nb_artifacts" / "labextension"

QUIET = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "maxNumberOutputs": 1000},
}
"""No news toast, no saving behind a test's back, and every cell in the DOM."""


class JupyterServer:
    """Starts on construction; everything it writes lies below `folder`."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or _free_port()
        self.token = secrets.token_hex(16)
        self.work = _made(folder / "work")
        self.home = _made(folder / "home")
        self.env = self._environment()
        self._configure()
        self._log = (folder / "server.log").open("wb")
        self.process = self._start()

    @property
    def base(self) -> str:
        """Address of the server, with a slash at the end."""
        return f"http://127.0.0.1:{self.port}/"

    def url(self, path: str, query: str = "") -> str:
        """A page's address with the token, so that the first visit logs in."""
        return f"{self.base}{path}?token={self.token}{'&' + query if query else ''}"

    def call(self, path: str, method: str = "GET", body: object = None) -> object:
        """JSON answer of the server to a request with the token; None where the answer has no body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def python(self, code: str) -> str:
        """Run `code` in another process that uses the same folder; what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", code], env=self.env, cwd=self.work, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def spawn(self, code: str) -> subprocess.Popen[str]:
        """Start `code` in another process that uses the same folder; lines written to its stdin steer it."""
        return subprocess.Popen(
            [sys.executable, "-u", "-c", code],
            env=self.env, cwd=self.work, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def write_notebook(self, name: str, cells: list[str], *, trusted: bool = False) -> str:
        """A notebook of code cells in the server's folder; its path for Jupyter."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        return self.save_notebook(name, notebook, trusted=trusted)

    def save_notebook(self, name: str, notebook: nbformat.NotebookNode, *, trusted: bool) -> str:
        """Write `notebook`, signed as the user's own if `trusted`."""
        nbformat.write(notebook, self.work / name)
        if trusted:
            notary = NotebookNotary(data_dir=self.env["JUPYTER_DATA_DIR"])
            notary.sign(nbformat.read(self.work / name, as_version=4))
            notary.store.close()
        return name

    def export(self, name: str) -> Path:
        """The notebook as HTML by nbconvert, which itself must ask nothing of other hosts."""
        convert = [sys.executable, "-m", "nbconvert", "--to", "html", name]
        hosts = [f"--HTMLExporter.{library}_url=" for library in ("mathjax", "require_js", "jquery")]
        subprocess.run([*convert, *hosts], cwd=self.work, env=self.env, check=True, capture_output=True)
        return (self.work / name).with_suffix(".html")

    def stop_kernels(self) -> None:
        """End every session, as a user does with "Shut Down All", and the kernels that have none."""
        for kind in ("sessions", "kernels"):
            for one in self.call(f"api/{kind}"):
                with suppress(urllib.error.HTTPError):
                    self.call(f"api/{kind}/{one['id']}", "DELETE")

    def suspend(self) -> None:
        """Stop listening, as when the machine behind the browser goes to sleep."""
        self._end()

    def resume(self) -> None:
        """Start again on the same port, with the same token."""
        self.process = self._start()

    def stop(self) -> None:
        """End the server and close its log."""
        self._end()
        self._log.close()

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _environment(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "NB_ARTIFACTS", "IPYTHON"))}
        env |= {
            f"JUPYTER_{name}_DIR": str(_made(self.folder / f"jupyter-{name.lower()}")) for name in ("CONFIG", "DATA", "RUNTIME")
        }
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return env | {
            "JUPYTERLAB_SETTINGS_DIR": str(_made(self.folder / "settings")),
            "JUPYTERLAB_WORKSPACES_DIR": str(_made(self.folder / "workspaces")),
            "IPYTHONDIR": str(_made(self.folder / "ipython")),
            "NB_ARTIFACTS_HOME": str(self.home),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONPATH": path,
        }

    def _configure(self) -> None:
        config = Path(self.env["JUPYTER_CONFIG_DIR"])
        extensions = _made(self.folder / "labextensions")
        (extensions / "nb-artifacts").symlink_to(BUILT, target_is_directory=True)
        common = {
            "ServerApp": {
                "ip": "127.0.0.1",
                "port": self.port,
                "port_retries": 0,
                "open_browser": False,
                "allow_root": True,
                "root_dir": str(self.work),
                "jpserver_extensions": {"nb_artifacts": True},
            },
            "IdentityProvider": {"token": self.token},
        }
        app = {"expose_app_in_browser": True, "extra_labextensions_path": [str(extensions)]}
        _write_json(config / "jupyter_server_config.json", common)
        _write_json(config / "jupyter_lab_config.json", common | {"LabApp": app})
        _write_json(config / "jupyter_notebook_config.json", {"JupyterNotebookApp": app})
        _write_json(config / "labconfig" / "default_setting_overrides.json", QUIET)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab"], env=self.env, cwd=self.work, stdout=self._log, stderr=self._log
        )
        for _ in range(600):
            if process.poll() is not None:
                break
            with suppress(OSError):
                self.call("api/status")
                return process
            time.sleep(0.1)
        process.kill()
        log = (self.folder / "server.log").read_text(errors="replace")
        raise AssertionError(f"the Jupyter server did not start:\n{log[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
