"""``GET /openapi.json``: the API described as OpenAPI 3.1, from its table of routes and the wire structs."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts import wire
from nb_artifacts.api import changes
from nb_artifacts.api import openapi_bodies as bodies
from nb_artifacts.api import openapi_filters as filters
from nb_artifacts.api.message import answer
from nb_artifacts.api.uploads import LARGEST
from nb_artifacts.diff.result import Parts

if TYPE_CHECKING:
    from nb_artifacts.api.message import Request, Response
    from nb_artifacts.store import Store

_BODIES: dict[str, Any] = {
    "artifacts.create": bodies.ArtifactCreate,
    "artifacts.put": bodies.ArtifactPut,
    "artifacts.create_batch": bodies.Batch,
    "artifacts.patch": bodies.ArtifactUpdate,
    "artifacts.filter_all": bodies.Filter | None,
    "artifacts.filter_latest": bodies.FilterLatest | None,
    "artifacts.count_all": bodies.Count | None,
    "artifacts.count_latest": bodies.CountLatest | None,
    "about.filter_runs": bodies.RunQuery | None,
    "changes.put_run": wire.Run,
    "changes.take": bodies.Items,
    "uploads.missing": bodies.Blobs,
    "search.search": bodies.Search,
    "limits.take_slots": bodies.Slots,
    "limits.give_back": bodies.Lease,
    "flows.create_flow": bodies.NewFlow,
    "flows.create_flow_run": bodies.NewFlowRun,
    "flows.create_task_run": bodies.NewTaskRun,
    "flows.filter_flow_runs": filters.FindFlowRuns | None,
    "flows.filter_task_runs": filters.FindTaskRuns | None,
    "flows.set_flow_run_state": bodies.NewState,
    "flows.set_task_run_state": bodies.NewState,
}
_ANSWERS: dict[str, Any] = {
    "artifacts.create": bodies.ArtifactAnswer,
    "artifacts.put": bodies.ArtifactAnswer,
    "artifacts.create_batch": list[bodies.ArtifactAnswer],
    "artifacts.filter_all": list[bodies.ArtifactAnswer],
    "artifacts.filter_latest": list[bodies.ArtifactAnswer],
    "artifacts.count_all": int,
    "artifacts.count_latest": int,
    "artifacts.read": bodies.ArtifactAnswer,
    "artifacts.latest": bodies.ArtifactAnswer,
    "about.read_run": wire.Run,
    "changes.put_run": wire.Run,
    "changes.read_changes": list[bodies.ChangeAnswer],
    "changes.take": list[changes.Taken],
    "uploads.missing": list[str],
    "about.filter_runs": list[wire.Run],
    "about.status": bodies.Status,
    "about.retry": dict[str, Any],
    "about.health": bool,
    "about.api_version": str,
    "about.product_version": str,
    "search.search": list[bodies.ArtifactAnswer],
    "differences.diff": Parts,
}
_CREATED = {
    "artifacts.create", "artifacts.create_batch", "artifacts.put", "flows.create_flow", "flows.create_flow_run",
    "flows.create_task_run", "flows.set_flow_run_state", "flows.set_task_run_state", "flows.create_logs",
}  # fmt: skip
_OR_KNOWN = {"artifacts.put", "flows.create_flow", "flows.create_flow_run", "flows.create_task_run"}
"""These answer 200 where it was there already."""

_MAY_BE_EMPTY = {
    "artifacts.filter_all", "artifacts.filter_latest", "artifacts.count_all", "artifacts.count_latest", "about.filter_runs",
    "flows.filter_flow_runs", "flows.filter_task_runs",
}  # fmt: skip
_EMPTY = {
    "artifacts.patch", "artifacts.delete", "flows.patch_flow_run", "flows.label_flow_run", "uploads.write",
    "limits.give_back", "limits.renew_lease",
}  # fmt: skip
_PATTERNS = {
    "id": {"type": "string", "format": "uuid"},
    "other": {"type": "string", "format": "uuid"},
    "key": {"type": "string", "pattern": "^[a-z0-9-]+$"},
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
_ANY_NATURAL = {"type": "integer", "minimum": 0}
_NATURAL = {**_ANY_NATURAL, "maximum": 10**18 - 1}
_SIZE = {**_NATURAL, "maximum": LARGEST}
_PAGED = {**_NATURAL, "maximum": 10_000}
_MOMENTS = {"created", "updated", "started", "ended", "scheduled", "deleted"}
_UNTOLD = {"/csrf-token"}
"""Says only that there is no such thing here, to clients of Prefect's."""

_QUERIES = {
    "about.events": ["since"],
    "changes.read_changes": ["since", "limit"],
    "uploads.read": ["size"],
    "uploads.offset": ["size"],
    "uploads.write": ["size"],
}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def document(_: Store, __: Request) -> Response:
    """``GET /openapi.json``."""
    return answer(build())


@cache
def build() -> dict[str, Any]:
    """The document."""
    from nb_artifacts.api.about import package_version
    from nb_artifacts.api.routes import ROUTES

    kinds = [*_BODIES.values(), *_ANSWERS.values()]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    known = dict(zip(map(repr, kinds), schemas, strict=True))
    for component in components.values():
        _date(component.get("properties", {}))
    components["ArtifactPut"]["minProperties"] = 1  # of nothing at all Prefect's clients are told that it cannot be put
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        if route.path in _UNTOLD:
            continue
        name = f"{route.handler.__module__.rpartition('.')[2]}.{route.handler.__name__}"
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route.path, name, route.handler.__doc__ or "", known
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "nb_artifacts", "version": package_version()},
        "servers": [{"url": "."}],
        "security": [{"key": []}, {"password": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _date(properties: dict[str, Any]) -> None:
    """Moments are texts of a certain form, which msgspec only tells where a zone is asked for."""
    for name in _MOMENTS & properties.keys():
        for kind in (properties[name], *properties[name].get("anyOf", ())):
            if kind.get("type") == "string":
                kind["format"] = "date-time"


def _operation(path: str, name: str, doc: str, known: dict[str, Any]) -> dict[str, Any]:
    captured = re.findall(r"\{(\w+)\}", path)
    found: dict[str, Any] = {
        "operationId": name,
        "summary": doc.partition("\n")[0].partition(": ")[2].strip() or name,
        "responses": _responses(name, known),
    }
    if captured:
        found["parameters"] = [
            {"name": one, "in": "path", "required": True, "schema": _PATTERNS.get(one, {"type": "string"})} for one in captured
        ]
    for one in _QUERIES.get(name, ()):
        schema = _SIZE if one == "size" else _ANY_NATURAL if name == "about.events" else _NATURAL
        query = {"name": one, "in": "query", "required": one == "size", "schema": schema}
        found.setdefault("parameters", []).append(query)
    if name.startswith("rows."):
        found.setdefault("parameters", []).extend(_table_parameters(name))
    if name == "differences.diff":
        found["parameters"].extend(_difference_parameters())
    if name == "uploads.write":
        offset = {"name": "Upload-Offset", "in": "header", "required": True, "schema": _NATURAL}
        found["parameters"].append(offset)
        found["requestBody"] = {"required": True, "content": _BYTES}
    if name in _BODIES:
        needed = name not in _MAY_BE_EMPTY
        media = {"application/json": {"schema": known[repr(_BODIES[name])]}}
        found["requestBody"] = {"required": needed, "content": media}
    if name == "about.health":
        found["security"] = []
    return found


_PAGE = {"offset", "limit", "stride"}
_FORMATS = {"rows.rows": ["arrow", "json"], "rows.export": ["csv", "parquet", "json", "markdown"]}


def _table_parameters(name: str) -> list[dict[str, Any]]:
    from nb_artifacts.api.rows import PARAMETERS

    asked = [one for one in PARAMETERS if not (one in _PAGE and name != "rows.rows")]
    asked = [one for one in asked if not (one in ("sort", "format") and name == "rows.summary")]
    found = []
    for one in asked:
        schema: dict[str, Any] = dict(_PAGED if one == "limit" else _NATURAL) if one in _PAGE else {"type": "string"}
        if one == "format":
            schema["enum"] = _FORMATS[name]
        found.append({"name": one, "in": "query", "required": False, "description": PARAMETERS[one], "schema": schema})
    return found


def _difference_parameters() -> list[dict[str, Any]]:
    from nb_artifacts.api.differences import PARAMETERS

    kinds: dict[str, dict[str, Any]] = {
        "limit": _PAGED,
        "keys": {"type": "string"},
        "tolerance": {"type": "number", "minimum": 0},
    }
    return [
        {"name": one, "in": "query", "required": False, "description": words, "schema": kinds.get(one, _NATURAL)}
        for one, words in PARAMETERS.items()
    ]


_MEDIA: dict[str, dict[str, Any]] = {
    "rows.rows": {"application/vnd.apache.arrow.stream": {}, "application/json": {}},
    "rows.export": {"*/*": {}},
}


def _responses(name: str, known: dict[str, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if name in _ANSWERS:
        success["content"] = {"application/json": {"schema": known[repr(_ANSWERS[name])]}}
    elif name in {"blobs.read_blob", "uploads.read"}:
        success["content"] = {"*/*": {}}
    elif name == "about.events":
        success["content"] = {"text/event-stream": {}}
    elif name in _MEDIA:
        success["content"] = _MEDIA[name]
    elif name not in _EMPTY and name not in {"flows.create_logs", "uploads.offset"}:
        success["content"] = {"application/json": {}}
    codes = {"204"} if name in _EMPTY else {"201"} if name in _CREATED else {"200"}
    codes |= {"200"} if name in _OR_KNOWN else set()
    found = dict.fromkeys(sorted(codes), success)
    reasons = {
        "400": "The body is not UTF-8, or the version asked for is none.",
        "401": "No key, or not one of this server.",
        "403": "The key is for another workspace, or the request comes from another site.",
        "404": "Not there.",
        "405": "Not with this method.",
        "409": "The id is taken by other content.",
        "413": "The body is too long.",
        "415": "The body is compressed.",
        "422": "The body is not as described.",
        "429": "Too much is unfinished; try again later.",
        "503": "The store is busy; try again.",
        "504": "It took too long.",
    }
    problem = {"application/json": {"schema": {"type": "object"}}}
    return found | {code: {"description": why, "content": problem} for code, why in reasons.items()}
