"""Replays recorded scenarios against any server: ``send(method, path, headers, body)`` gives a `Reply`.

The format is that of ``contract/artifacts_http.json``: variables, long strings, placeholders in answers, and how much of
an answer counts.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

CONTRACT = Path(__file__).parent / "contract"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self):
        return strict_json(self.body)


def strict_json(text):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def scenarios():
    return json.loads((CONTRACT / "artifacts_http.json").read_text())["scenarios"]


class Replayer:
    def __init__(self, send, base):
        self.send = send
        self.base = base

    def run(self, scenario):
        names = {name: str(uuid.uuid4()) for name in ("rid", "u1", "u2", "u3", "u4")}
        self.variables = {"run": "r" + uuid.uuid4().hex[:12], **names}
        for number, step in enumerate(scenario["steps"]):
            where = f"{scenario['name']}, step {number}: {step['method']} {step['path']}"
            for _ in range(step.get("repeat", 1)):
                self.step(step, where)

    def step(self, step, where):
        headers = {name: self.fill(value) for name, value in step.get("headers", {}).items()}
        body = None
        if "raw" in step:
            body = self.fill(step["raw"]).encode()
        elif "body" in step:
            body = json.dumps(self.expand(step["body"])).encode()
        if body is not None:
            headers.setdefault("content-type", "application/json")
        headers = {name: value for name, value in headers.items() if value}
        reply = self.request(step["method"], self.fill(step["path"]), headers, body)
        expected = step["response"]
        if reply.status in step.get("also", ()):
            return
        assert reply.status == expected["status"], f"{where}: {reply.status} {reply.body[:500]!r}"
        for variable, member in step.get("save", {}).items():
            self.variables[variable] = reply.json()[member]
        self.compare_headers(expected.get("headers", {}), reply, where)
        self.compare_body(step, reply, where)

    def request(self, method, path, headers, body):
        for _ in range(5):
            reply = self.send(method, path, headers, body)
            if reply.status != 503:
                break
            time.sleep(0.2)
        return reply

    def compare_headers(self, expected, reply, where):
        found = {name.lower(): value for name, value in reply.headers.items()}
        for name, value in expected.items():
            wanted = self.fill(value).replace("<base>/api", self.base)
            assert found.get(name, "").partition(";")[0] == wanted, f"{where}: {name} is {found.get(name)!r}"

    def compare_body(self, step, reply, where):
        expected, match = step["response"].get("body"), step.get("match")
        if match == "status" or expected is None:
            return
        found = reply.json()
        if reply.status in (400, 422) and match != "exact":
            self.compare_outline(self.expand(expected), found, where)
        else:
            self.compare(expected, found, where)

    def compare_outline(self, expected, found, where):
        assert set(found) == set(expected), f"{where}: {found}"
        assert found.get("exception_message") == expected.get("exception_message"), where

        def places(problems):
            return {tuple(problem["loc"][:3]) for problem in problems}

        assert places(found.get("exception_detail", [])) == places(expected.get("exception_detail", [])), f"{where}: {found}"

    def compare(self, expected, found, where):
        if isinstance(expected, str):
            self.compare_text(expected, found, where)
        elif isinstance(expected, dict) and "$length" in expected:
            assert isinstance(found, list), where
            assert len(found) == expected["$length"], where
        elif isinstance(expected, dict) and "$len" in expected:
            assert len(found) == expected["$len"], where
            digest = hashlib.sha256(found.encode()).hexdigest()
            assert digest.startswith(expected["$sha256"]), where
        elif isinstance(expected, dict) and "$repeat" not in expected:
            assert isinstance(found, dict), f"{where}: {found!r}"
            assert set(found) == set(expected), f"{where}: {sorted(found)}"
            for name, value in expected.items():
                self.compare(value, found[name], f"{where}: {name}")
        elif isinstance(expected, list):
            assert isinstance(found, list), f"{where}: {found!r}"
            assert len(found) == len(expected), f"{where}: {found!r}"
            for index, value in enumerate(expected):
                self.compare(value, found[index], f"{where}: [{index}]")
        else:
            wanted = self.expand(expected)
            assert type(found) is type(wanted) and found == wanted, f"{where}: {found!r} is not {wanted!r}"

    def compare_text(self, expected, found, where):
        checks = {
            "<uuid>": lambda: isinstance(found, str) and UUID.fullmatch(found),
            "<timestamp>": lambda: isinstance(found, str) and TIMESTAMP.fullmatch(found),
            "<any>": lambda: True,
            "<list>": lambda: isinstance(found, list),
            "<number>": lambda: isinstance(found, int) and not isinstance(found, bool),
        }
        check = checks.get(expected, lambda: found == self.fill(expected))
        assert check(), f"{where}: {found!r} is not {expected!r}"

    def fill(self, text):
        return re.sub(r"\$\{(\w+)\}", lambda name: self.variables[name[1]], text)

    def expand(self, value):
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, list):
            return [self.expand(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$repeat" in value:
            return self.fill(value["$repeat"][0]) * value["$repeat"][1]
        if "$nest" in value:
            nested = []
            for _ in range(value["$nest"] - 1):
                nested = [nested]
            return nested
        return {self.fill(name): self.expand(one) for name, one in value.items()}
