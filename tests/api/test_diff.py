"""``GET /artifacts/{id}/diff/{other}``: tables by the query process, all else where it is asked."""

from __future__ import annotations

import uuid

import pandas as pd
import pytest

from nb_artifacts.types import coerce
from nb_artifacts.wire import Record, new_id, now


@pytest.fixture
def put(store):
    """Keep a value as a version of ``compared``; its id."""

    def keep(value, type=None):
        payload = coerce(value, type=type)
        content = payload.content()
        blob = store.put_blob(*content.blob) if content.blob else None
        moment = now()
        record = Record(id=new_id(), created=moment, updated=moment, key="compared", type=payload.type, data=content.data, info=content.info, blob=blob)  # fmt: skip
        return store.put(record).id

    return keep


FRAME = pd.DataFrame({"carrier": ["UA", "B6", "AA"], "delay": [1.5, float("nan"), 3.0]})


def test_a_table_has_its_rows_compared(ask, put):
    first, second = put(FRAME), put(FRAME.assign(delay=[1.5, float("nan"), 4.0]))
    answer = ask("GET", f"/artifacts/{first}/diff/{second}")
    assert answer.status == 200
    found = answer.json()
    assert (found["type"], found["from"]["version"], found["to"]["id"], found["same"]) == ("table", 1, str(second), False)
    table = found["table"]
    assert (table["keys"], table["keys_guessed"]) == (["carrier"], True)
    assert (table["added"], table["removed"], table["changed"], table["same"]) == (0, 0, 1, 2)
    assert table["rows"] == [
        {"change": "changed", "key": {"carrier": "AA"}, "cells": {"delay": [3.0, 4.0]}, "from": 2, "to": 2}
    ]
    drift = next(column for column in table["columns"] if column["field"] == "delay")
    assert (drift["changed"], drift["mean_from"], drift["mean_to"], drift["nulls_to"]) == (1, 2.25, 2.75, drift["nulls_from"])


def test_keys_tolerance_and_page_are_taken(ask, put):
    first, second = put(FRAME), put(FRAME.assign(delay=[2.5, 1.0, 4.0]))
    by_delay = ask("GET", f"/artifacts/{first}/diff/{second}?keys=delay&limit=1").json()["table"]
    assert (by_delay["keys"], by_delay["matched_by"], len(by_delay["rows"])) == (["delay"], "given", 1)
    again = ask("GET", f"/artifacts/{first}/diff/{second}?keys=delay&limit=1&offset=1").json()["table"]
    assert again["rows"] != by_delay["rows"]
    assert ask("GET", f"/artifacts/{first}/diff/{second}?tolerance=1").json()["table"]["changed"] == 1
    for wrong in ("keys=nonsense", "tolerance=-1", "tolerance=x", "limit=x"):
        answer = ask("GET", f"/artifacts/{first}/diff/{second}?{wrong}")
        assert answer.status == 422 and answer.json()["detail"]


def test_a_table_that_came_as_json_is_compared_too(ask):
    ids = [
        ask("POST", "/artifacts/", {"key": "theirs", "type": "table", "data": f'[{{"id": 1, "v": {value}}}]'}).json()["id"]
        for value in (1, 2)
    ]
    assert ask("GET", f"/artifacts/{ids[0]}/diff/{ids[1]}").json()["table"]["rows"][0]["cells"] == {"v": [1, 2]}


def test_texts_numbers_and_types_that_differ(ask, put):
    first, second = put("a\nb"), put("a\nc")
    assert ask("GET", f"/artifacts/{first}/diff/{second}").json()["text"]["lines"] == [["=", "a"], ["-", "b"], ["+", "c"]]
    low, high = put(10, "progress"), put(30, "progress")
    number = ask("GET", f"/artifacts/{low}/diff/{high}").json()["number"]
    assert (number["from"], number["to"], [point["value"] for point in number["series"]]) == (10.0, 30.0, [10.0, 30.0])
    found = ask("GET", f"/artifacts/{first}/diff/{low}").json()
    assert (found["type"], found["same"]) == (None, False) and "types differ" in found["note"]


def test_what_is_not_there_or_damaged_is_said(ask, put, store):
    first, second = put(FRAME), put(FRAME.head(2))
    assert ask("GET", f"/artifacts/{first}/diff/{uuid.uuid4()}").status == 404
    assert ask("GET", f"/artifacts/{first}/diff/nonsense").status == 404
    blob = store.get(second).blob
    store._blobs.path(blob.sha256).write_bytes(b"x" * blob.size)
    damaged = ask("GET", f"/artifacts/{first}/diff/{second}")
    assert damaged.status == 422 and "not a readable Parquet file" in damaged.json()["detail"]
    store._blobs.remove(blob.sha256)
    assert ask("GET", f"/artifacts/{first}/diff/{second}").status == 404
    third = put(FRAME.head(1))
    assert ask("GET", f"/artifacts/{first}/diff/{third}").status == 200
