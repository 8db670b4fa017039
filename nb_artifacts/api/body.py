"""JSON bodies checked as Prefect's server does: every problem is named, not only the first.

A field takes the raw JSON of a value, its place, and a list to which it adds problems; what it returns counts only
where none were added. Nothing is decoded deeper than its field needs, so a hostile body costs little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from nb_artifacts import wire
from nb_artifacts.api.jsontext import objection
from nb_artifacts.api.message import Refused, Request, answer, refusal

Place = tuple[str | int, ...]


class Problem(Struct, omit_defaults=True):
    """One entry of ``exception_detail``."""

    type: str
    loc: Place
    msg: str
    input: Any
    ctx: dict[str, Any] = {}


Problems = list[Problem]
Field = Callable[[Raw, Place, Problems], Any]

ECHO = 64 * 1024
"""Bodies and values longer than this are cut where an answer repeats them."""

_KINDS = {
    ord('"'): "string", ord("{"): "object", ord("["): "array", ord("n"): "null", ord("t"): "boolean", ord("f"): "boolean",
}  # fmt: skip
"""What a JSON value is that begins so; else it is a number."""

_UUID = re.compile(r"(?:urn:uuid:)?(\{)?[0-9a-fA-F]{8}(-?)(?:[0-9a-fA-F]{4}\2){3}[0-9a-fA-F]{12}(?(1)\})")
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,4000}\s*")
_JSON_MEDIA = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


class Text(Struct):
    """A body that is no JSON by its content type."""

    text: str


def read_json(request: Request) -> Raw | Text | None:
    """The body's JSON, None where it is empty or null.

    Raises `Refused`: 400 for bytes that are not UTF-8, 422 for what is not JSON, 413 and 415 as `Request.read` does.
    """
    body = request.read()
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    if not body:
        return None
    if media and not _JSON_MEDIA.fullmatch(media):
        return Text(_unicode(body))
    _unicode(body)
    try:
        raw = msgspec.json.decode(body, type=Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        came = body.decode()
        raise invalid([_syntax(came, error)], came) from None
    return None if kind(raw) == "null" else raw


def _unicode(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise refusal(400, "There was an error parsing the body") from None


def read_object(request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The members of a body that must be an object with no other members than `fields`.

    Raises `Refused` as `read_json` does, and 422 naming every problem.
    """
    came = read_json(request)
    problems: Problems = []
    if came is None:
        problems.append(Problem("missing", ("body",), "Field required", None))
    elif isinstance(came, Text):
        problems.append(_not_an_object(("body",), came.text))
    else:
        members = record(fields)(came, ("body",), problems)
        if not problems:
            return dict(members)
    raise invalid(problems, came)


def read_members(request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The members of a body that may be left out and may have others too; null means "not given".

    Raises `Refused` as `read_json` does, and 422 naming every problem.
    """
    came = read_json(request)
    if came is None:
        return {}
    problems: Problems = []
    if isinstance(came, Text) or kind(came) != "object":
        problems = [Problem("missing", ("body", name), "Field required", None) for name in fields]
        raise invalid(problems, came)
    values = {}
    for name, raw in msgspec.json.decode(came, type=dict[str, Raw]).items():
        if name in fields and kind(raw) != "null":
            values[name] = fields[name](raw, ("body", name), problems)
    if problems:
        raise invalid(problems, came)
    return values


def invalid(problems: Problems, came: Raw | Text | str | None) -> Refused:
    """The 422 for `problems` in what came."""
    text = came.text if isinstance(came, Text) else came
    found = {
        "exception_message": "Invalid request received.",
        "exception_detail": problems,
        "request_body": _echo(text),
    }
    return Refused(answer(found, 422))


def kind(raw: Raw) -> str:
    """What the JSON value is."""
    return _KINDS.get(memoryview(raw)[0], "number")


def text(raw: Raw, place: Place, problems: Problems) -> str | None:
    """A string."""
    if kind(raw) != "string":
        problems.append(Problem("string_type", place, "Input should be a valid string", _echo(raw)))
        return None
    return msgspec.json.decode(raw, type=str)


def key(raw: Raw, place: Place, problems: Problems) -> str | None:
    """An artifact's key."""
    found = text(raw, place, problems)
    if found is not None and not wire.is_key(found):
        msg = "Value error, Artifact key must only contain lowercase letters, numbers, and dashes."
        problems.append(Problem("value_error", place, msg, _echo(raw)))
    return found


def pattern(raw: Raw, place: Place, problems: Problems) -> str | None:
    """A part of a name, with wildcards."""
    found = text(raw, place, problems)
    if found is not None and len(found) > 10_000:
        problems.append(Problem("string_too_long", place, "String should have at most 10000 characters", _echo(raw)))
    if found is not None and "\0" in found:
        problems.append(Problem("value_error", place, "Value error, NUL is in no name.", _echo(raw)))
    return found


def uuid(raw: Raw, place: Place, problems: Problems) -> UUID | None:
    """A UUID in any of its spellings: capitals, without dashes, in braces, as a URN."""
    if kind(raw) != "string":
        msg = "UUID input should be a string, bytes or UUID object"
        problems.append(Problem("uuid_type", place, msg, _echo(raw)))
        return None
    found = msgspec.json.decode(raw, type=str)
    if not _UUID.fullmatch(found):
        problems.append(Problem("uuid_parsing", place, "Input should be a valid UUID", _echo(raw)))
        return None
    return UUID(found)


def boolean(raw: Raw, place: Place, problems: Problems) -> bool | None:
    """True or false."""
    if kind(raw) != "boolean":
        problems.append(Problem("bool_type", place, "Input should be a valid boolean", _echo(raw)))
        return None
    return bytes(raw) == b"true"


def integer(raw: Raw, place: Place, problems: Problems) -> int | None:
    """A whole number, also as a string of digits or with a fraction of zero."""
    what, spelling = kind(raw), bytes(raw).decode()
    if what == "string":
        spelling = msgspec.json.decode(raw, type=str)
    if what in ("string", "number") and _WHOLE.fullmatch(spelling):
        return int(spelling)
    if what == "string":
        msg = "Input should be a valid integer, unable to parse string as an integer"
        problems.append(Problem("int_parsing", place, msg, _echo(raw)))
    elif what == "number":
        return _from_float(raw, place, problems)
    else:
        problems.append(Problem("int_type", place, "Input should be a valid integer", _echo(raw)))
    return None


def _from_float(raw: Raw, place: Place, problems: Problems) -> int | None:
    number = float(bytes(raw))
    if number.is_integer() and abs(number) < 2**53:
        return int(number)
    msg = "Input should be a valid integer, got a number with a fractional part"
    problems.append(Problem("int_from_float", place, msg, _echo(raw)))
    return None


def natural(raw: Raw, place: Place, problems: Problems) -> int | None:
    """A whole number from 0 up to what a store can count."""
    number = integer(raw, place, problems)
    if number is not None and number < 0:
        msg = "Input should be greater than or equal to 0"
        problems.append(Problem("greater_than_equal", place, msg, _echo(raw), {"ge": 0}))
    if number is not None and number >= 2**63:
        msg = f"Input should be less than {2**63}"
        problems.append(Problem("less_than", place, msg, _echo(raw), {"lt": 2**63}))
    return number


def choice(names: Any, among: tuple[str, ...] | None = None) -> Field:
    """A field that takes a name of an enumeration, or only those `among` it; with ``str`` it takes those."""
    allowed = among or tuple(str(member.value) for member in names)

    def field(raw: Raw, place: Place, problems: Problems) -> Any:
        name = msgspec.json.decode(raw, type=str) if kind(raw) == "string" else None
        if name in allowed:
            return names(name)
        quoted = [f"'{one}'" for one in allowed]
        expected = " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
        problems.append(Problem("enum", place, f"Input should be {expected}", _echo(raw), {"expected": expected}))
        return None

    return field


def array(item: Field, *, most: int | None = None) -> Field:
    """A field that takes a list of what `item` takes, of at most so many."""

    def field(raw: Raw, place: Place, problems: Problems) -> list[Any]:
        if kind(raw) != "array":
            problems.append(Problem("list_type", place, "Input should be a valid list", _echo(raw)))
            return []
        items = msgspec.json.decode(raw, type=list[Raw])
        if most is not None and len(items) > most:
            problems.append(Problem("too_long", place, f"List should have at most {most} items", None))
            return []
        return [item(one, (*place, index), problems) for index, one in enumerate(items)]

    return field


def record(fields: Mapping[str, Field]) -> Field:
    """A field that takes an object with no other members than `fields`; it gives a dict of those that were there."""

    def field(raw: Raw, place: Place, problems: Problems) -> dict[str, Any]:
        if kind(raw) != "object":
            problems.append(_not_an_object(place, _echo(raw)))
            return {}
        values = {}
        for name, value in msgspec.json.decode(raw, type=dict[str, Raw]).items():
            if name in fields:
                values[name] = fields[name](value, (*place, name), problems)
            else:
                problems.append(Problem("extra_forbidden", (*place, name), "Extra inputs are not permitted", _echo(value)))
        return values

    return field


def optional(item: Field) -> Field:
    """A field that also takes null, as None."""

    def field(raw: Raw, place: Place, problems: Problems) -> Any:
        return None if kind(raw) == "null" else item(raw, place, problems)

    return field


def metadata(raw: Raw, place: Place, problems: Problems) -> dict[str, str]:
    """An object of strings, each cut at 500 characters as Prefect does."""
    values = strings(raw, place, problems)
    return {name: value if len(value) <= 500 else value[:500] + "..." for name, value in values.items()}


def strings(raw: Raw, place: Place, problems: Problems) -> dict[str, str]:
    """An object of strings."""
    if kind(raw) != "object":
        problems.append(Problem("dict_type", place, "Input should be a valid dictionary", _echo(raw)))
        return {}
    members = msgspec.json.decode(raw, type=dict[str, Raw])
    return {name: text(value, (*place, name), problems) or "" for name, value in members.items()}


def members(raw: Raw, place: Place, problems: Problems) -> dict[str, Raw]:
    """An object with any members."""
    if kind(raw) != "object":
        problems.append(_not_an_object(place, _echo(raw)))
        return {}
    return msgspec.json.decode(raw, type=dict[str, Raw])


def anything(raw: Raw, place: Place, problems: Problems) -> Raw:
    """Any JSON value, kept as it came; see `jsontext` for what is refused."""
    why = objection(bytes(raw))
    if why is not None:
        problems.append(Problem("value_error", place, f"Value error, {why}.", None))
    return raw


def _not_an_object(place: Place, came: Any) -> Problem:
    msg = "Input should be a valid dictionary or object to extract fields from"
    return Problem("model_attributes_type", place, msg, came)


def _echo(came: Raw | str | None) -> Any:
    """What came, for an answer: JSON as it was, unless it is long or could trouble the one who reads it."""
    if came is None:
        return None
    if isinstance(came, str):
        return came if len(came) <= ECHO else came[:ECHO] + "..."
    text = bytes(came)
    if len(text) <= ECHO and objection(text) is None:
        return came
    return text[:500].decode(errors="replace") + "..."


def _syntax(text: str, error: Exception) -> Problem:
    """Where and why `text` is not JSON, in the words of Python's parser where it objects too."""
    where, why = 0, str(error)
    found = re.search(r"\(byte (\d+)\)", why)
    if found:
        where = int(found[1])
    if len(text) <= 1024 * 1024 and not isinstance(error, RecursionError):
        try:
            json.loads(text)
        except json.JSONDecodeError as other:
            where, why = other.pos, other.msg
        except (ValueError, RecursionError):
            pass
    return Problem("json_invalid", ("body", where), "JSON decode error", {}, {"error": why})
