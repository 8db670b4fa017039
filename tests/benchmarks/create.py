"""What a cell waits for: `put` of a 1 kB Markdown record with a key, against a bare SQLite commit of the same bytes.

Run: ``python tests/benchmarks/create.py [rounds]``. Rounds are interleaved, figures are medians in microseconds.
"""

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from msgspec import Raw

from nb_artifacts.store import open_store
from nb_artifacts.wire import Patch, Record, encode, new_id, now

TEXT = encode("A line of a report, as people write them.\n" * 24)


def record(n):
    moment = now()
    return Record(
        id=new_id(),
        created=moment,
        updated=moment,
        key=f"report-{n % 10}",
        type="markdown",
        data=Raw(TEXT),
        info={"size": 1008, "title": None},
    )


class Floor:
    """One row and one commit, and the JSON of the record."""

    def __init__(self, folder, synchronous):
        self.connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(f"PRAGMA synchronous = {synchronous}")
        self.connection.execute("CREATE TABLE record (id TEXT PRIMARY KEY, body BLOB)")

    def put(self, record):
        body = encode(record)
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("INSERT INTO record VALUES (?, ?)", (str(record.id), body))
        self.connection.execute("COMMIT")


def timed(call, *arguments):
    begun = time.perf_counter()
    result = call(*arguments)
    return (time.perf_counter() - begun) * 1e6, result


def progress(store, id):
    store.patch(id, Patch(data=Raw(b"43")), durable=False)


def main(rounds):
    figures = {}
    for name, synchronous, durable in (("FULL", "FULL", True), ("NORMAL", "NORMAL", False)):
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            floor, store = Floor(Path(folder), synchronous), open_store(Path(folder) / "home", durable=durable)
            floors, ours = [], []
            for n in range(rounds):
                given = record(n)
                floors.append(timed(floor.put, given)[0])
                took, stored = timed(store.put, given)
                ours.append(took)
            patches = [timed(progress, store, stored.id)[0] for _ in range(rounds)]
            store.close()
        bare, put = statistics.median(floors), statistics.median(ours)
        figures[name] = {
            "floor": round(bare), "put": round(put), "ratio": round(put / bare, 2),
            "floor p99": round(statistics.quantiles(floors, n=100)[-1]),
            "put p99": round(statistics.quantiles(ours, n=100)[-1]), "progress patch": round(statistics.median(patches)),
        }  # fmt: skip
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
