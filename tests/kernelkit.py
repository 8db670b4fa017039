"""A real ipykernel, and cells run in it as a notebook would."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

MIME = "application/vnd.nb-artifacts.v1+json"


@dataclass
class Ran:
    """What one cell gave."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    stdout: str = ""
    error: str | None = None
    """``Name: value``."""
    traceback: str = ""
    iopub_bytes: int = 0

    @property
    def artifacts(self) -> list[dict[str, Any]]:
        """References of our MIME among the outputs, in order."""
        return [output[MIME] for output in self.outputs if MIME in output]

    @property
    def text(self) -> str:
        """text/plain of the last output."""
        return self.outputs[-1]["text/plain"]


class Kernel:
    def __init__(self, home, cwd, **env):
        environment = {**os.environ, "NB_ARTIFACTS_HOME": str(home), "IPYTHONDIR": str(cwd / "ipython"), **env}
        self.home = home
        self.manager, self.client = start_new_kernel(env=environment, cwd=str(cwd), kernel_name="python3")

    def run(self, code, cell_id=None, *, check=True) -> Ran:
        """Execute a cell; with `check` an error fails the test."""
        message = self.client.session.msg(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
            metadata={"cellId": cell_id} if cell_id else {},
        )
        self.client.shell_channel.send(message)
        ran = self._collect(message["header"]["msg_id"])
        # ipykernel 7.0 to 7.3 may never read a request that comes while it sends a reply: so nothing is asked before that came
        while self.client.get_shell_msg(timeout=120)["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            pass
        if check and ran.error:
            pytest.fail(f"{ran.error}\n{ran.traceback}")
        return ran

    def _collect(self, msg_id) -> Ran:
        ran = Ran()
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            content, kind = message["content"], message["msg_type"]
            if kind in {"display_data", "execute_result"}:
                ran.outputs.append(content["data"])
            elif kind == "update_display_data":
                ran.updates.append(content["data"])
            elif kind == "stream":
                ran.stdout += content["text"]
            elif kind == "error":
                ran.error = f"{content['ename']}: {content['evalue']}"
                ran.traceback = "\n".join(content["traceback"])
            elif kind == "status" and content["execution_state"] == "idle":
                return ran

    def complete(self, code, position=None) -> list[str]:
        reply = self.client.complete(code, len(code) if position is None else position, reply=True, timeout=60)
        return reply["content"]["matches"]

    def inspect(self, code) -> str:
        reply = self.client.inspect(code, reply=True, timeout=60)
        return reply["content"]["data"].get("text/plain", "")

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
