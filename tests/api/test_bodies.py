"""What is refused, how every problem is named, and that nothing accepted can spoil a later answer."""

from __future__ import annotations

import json
import sys
import uuid

import pytest
from api.replay import strict_json

from nb_artifacts.api import BODY_LIMIT
from nb_artifacts.api.jsontext import MAX_DEPTH, objection


def post(ask, text, path="/artifacts/", method="POST"):
    return ask.send(method, path, {"content-type": "application/json"}, text if isinstance(text, bytes) else text.encode())


def places(reply):
    return [tuple(problem["loc"]) for problem in reply.json()["exception_detail"]]


def nested(depth):
    return "[" * depth + "]" * depth


def test_every_problem_is_named(ask):
    reply = ask("POST", "/artifacts/", {"key": "No", "type": 1, "metadata_": {"a": 1, "b": []}, "x": 1})
    assert reply.status == 422
    assert places(reply) == [
        ("body", "key"),
        ("body", "type"),
        ("body", "metadata_", "a"),
        ("body", "metadata_", "b"),
        ("body", "x"),
    ]


def test_every_problem_of_a_filter_is_named(ask):
    body = {
        "artifacts": {"id": {"any_": ["x", str(uuid.uuid4()), 3]}, "key": {"like_": 1, "exists_": "maybe"}, "tags": {}},
        "flow_runs": {"id": {"any_": "x"}, "weather": {}},
        "sort": "UP",
        "offset": "x",
    }
    reply = ask("POST", "/artifacts/filter", body)
    assert reply.status == 422
    assert places(reply) == [
        ("body", "artifacts", "id", "any_", 0),
        ("body", "artifacts", "id", "any_", 2),
        ("body", "artifacts", "key", "like_"),
        ("body", "artifacts", "key", "exists_"),
        ("body", "artifacts", "tags"),
        ("body", "flow_runs", "id", "any_"),
        ("body", "flow_runs", "weather"),
        ("body", "sort"),
        ("body", "offset"),
    ]


@pytest.mark.parametrize("text", ["[]", "3", '"text"'])
def test_a_filter_that_is_no_object_names_every_member(ask, text):
    reply = post(ask, text, "/artifacts/count")
    assert reply.status == 422
    assert places(reply) == [("body", name) for name in ("artifacts", "flow_runs", "task_runs", "flows", "deployments")]


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/artifacts/", "/artifacts/filter", "/artifacts/latest/count", "/runs/filter"])
def test_only_json_is_read(ask, path, media):
    assert ask.send("POST", path, {"content-type": media}, b'{"data": 1}').status == 422


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "application/ld+json", "APPLICATION/JSON"])
def test_json_by_other_names(ask, media):
    assert ask.send("POST", "/artifacts/", {"content-type": media}, b'{"data": 1}').status == 201


@pytest.mark.parametrize("body", [b'{"data": "\xff"}', b"\xff\xfe{\x00}\x00", b'{"data": "\xed\xa0\x80"}'])
def test_bytes_that_are_not_utf8(ask, body):
    reply = post(ask, body)
    assert (reply.status, reply.json()) == (400, {"detail": "There was an error parsing the body"})


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"a": ', 6),
        ("{", 1),
        ("  ", 2),
        ('{"a": 1,}', 7 if sys.version_info >= (3, 13) else 8),
        ('{"data": tru}', 9),
        ("{} {}", 3),
        ('{"data": "a\nb"}', 11),
    ],
)
def test_broken_json_says_where(ask, text, where):
    reply = post(ask, text)
    assert reply.status == 422
    assert places(reply) == [("body", where)]
    assert reply.json()["request_body"] == text


ODD = {
    "a lone surrogate": '{"data": "\\ud800"}',
    "a lone surrogate in a description": '{"description": "x\\udfffx"}',
    "a lone surrogate in a name": '{"data": {"\\ud800": 1}}',
    "Infinity": '{"data": Infinity}',
    "-Infinity": '{"data": [-Infinity]}',
    "NaN": '{"data": NaN}',
    "NaN in metadata": '{"metadata_": {"a": NaN}}',
    "a number beyond a double": '{"data": [1, 1e400]}',
    "a number beyond a double, written out": '{"data": 1' + "0" * 400 + ".0}",
    "more digits than Python reads": '{"data": 1' + "0" * 5000 + "}",
    "300 levels": '{"data": ' + nested(300) + "}",
    "300 levels beside strings with brackets": '{"data": ["]]]]\\"]]]\\\\", ' + nested(300) + "]}",
    "100,000 levels": '{"data": ' + nested(100_000) + "}",
    "100,000 levels unclosed": '{"data": ' + "[" * 100_000,
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_would_spoil_answers_is_refused(ask, method, name):
    there = ask("POST", "/artifacts/", {"key": "k", "data": 1}).json()["id"]
    reply = post(ask, ODD[name], "/artifacts/" if method == "POST" else f"/artifacts/{there}", method)
    assert reply.status == 422
    assert set(reply.json()) == {"exception_message", "exception_detail", "request_body"}
    assert [one["data"] for one in ask("POST", "/artifacts/filter").json()] == [1]
    assert [one["data"] for one in ask("POST", "/artifacts/latest/filter").json()] == [1]


FINE = {
    "nesting": json.loads(nested(MAX_DEPTH)),
    "an integer of 400 digits": 10**400 + 7,
    "2^53 + 1": 2**53 + 1,
    "2^64": 2**64,
    "the largest double": sys.float_info.max,
    "the smallest double": 5e-324,
    "brackets in text": '[{"' * 1000 + "\\",
    "digits in text": "1e999 " + "9" * 6000,
    "a pair of surrogates": "\U0001f600",
    "zero": "\0",
    "a megabyte": "x" * 1_000_000,
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_kept_comes_back(ask, name):
    made = ask("POST", "/artifacts/", {"key": "k", "data": FINE[name]}).json()
    assert made["data"] == FINE[name]
    assert ask("GET", f"/artifacts/{made['id']}").json()["data"] == FINE[name]
    assert ask("POST", "/artifacts/filter").json() == [made]
    assert ask("POST", "/artifacts/latest/filter").json()[0]["data"] == FINE[name]


@pytest.mark.parametrize(
    "spell",
    [str, lambda one: str(one).upper(), lambda one: one.hex, lambda one: f"{{{one}}}", lambda one: one.urn],
    ids=["dashes", "capitals", "bare", "braces", "urn"],
)
def test_ids_in_any_spelling(ask, spell):
    run = uuid.uuid4()
    made = ask("POST", "/artifacts/", {"flow_run_id": spell(run)}).json()
    assert made["flow_run_id"] == str(run)
    found = ask("POST", "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [spell(run)]}}}).json()
    assert [one["id"] for one in found] == [made["id"]]


ID = "11591e57-cdf8-41a1-aa59-5f6902b0b85b"


@pytest.mark.parametrize("text", ["", "x", "{" + ID, ID[:-1], ID + "0"])
def test_what_is_no_id(ask, text):
    reply = ask("POST", "/artifacts/", {"flow_run_id": text})
    assert places(reply) == [("body", "flow_run_id")]


def test_ids_in_paths(ask):
    made = ask("POST", "/artifacts/", {}).json()["id"]
    for spelling in (made.upper(), made.replace("-", "")):
        assert ask("GET", f"/artifacts/{spelling}").json()["id"] == made


def test_metadata_is_cut_on_patch_too(ask):
    made = ask("POST", "/artifacts/", {}).json()["id"]
    assert ask("PATCH", f"/artifacts/{made}", {"metadata_": {"a": "é" * 600}}).status == 204
    assert ask("GET", f"/artifacts/{made}").json()["metadata_"] == {"a": "é" * 500 + "..."}


def test_a_long_body_is_not_repeated_whole(ask):
    reply = ask("POST", "/artifacts/", {"data": "x" * 1_000_000, "colour": 1})
    assert reply.status == 422
    assert len(reply.body) < 10_000


def test_a_body_over_the_limit_is_not_read_on(ask):
    taken = []

    def chunks():
        for number in range(1000):
            taken.append(number)
            yield bytes(1024 * 1024)

    reply = ask.send("POST", "/artifacts/", {}, chunks())
    assert reply.status == 413
    assert "detail" in reply.json()
    assert len(taken) == BODY_LIMIT // (1024 * 1024) + 1


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, identity"])
def test_compressed_bodies_are_not_unpacked(ask, coding):
    assert ask.send("POST", "/artifacts/", {"content-encoding": coding}, b"\x1f\x8b").status == 415


def test_many_brackets_take_no_depth():
    assert objection(b"[" + b"[]," * 100_000 + b"[]]") is None
    assert objection(nested(MAX_DEPTH).encode()) is None
    assert "nesting" in objection(nested(MAX_DEPTH + 1).encode())


def test_answers_are_strict_json_whatever_was_asked(ask):
    for text in ODD.values():
        strict_json(post(ask, text).body)
        strict_json(post(ask, text, "/artifacts/filter").body)
