"""What a PostgreSQL store costs: `put` and get-latest of a 1 kB Markdown record, against bare psycopg on the same server.

Run: ``python tests/benchmarks/postgres.py [rounds]``. It starts a private cluster that waits for the disk as in production.
The floor of `put` is an INSERT of the record's JSON with its id into a table with nothing but a primary key; that of get
is the SELECT of one by its id. Each client is a thread with a connection. Rounds are interleaved, figures are medians of
calls a second.
"""

import json
import statistics
import sys
import threading
import time
from pathlib import Path

import psycopg
from msgspec import Raw

from nb_artifacts.store.postgres import PostgresStore
from nb_artifacts.wire import ArtifactFilter, KeyFilter, Query, Record, encode, new_id, now

sys.path[0] = str(Path(__file__).parents[1])  # not the folder of this file, which has the name of the package wanted
from postgres.cluster import Cluster  # noqa: E402

TEXT = encode("A line of a report, as people write them.\n" * 24)
KEYS = 10
SECONDS = 0.5


def record(n):
    moment = now()
    return Record(
        id=new_id(),
        created=moment,
        updated=moment,
        key=f"report-{n % KEYS}",
        type="markdown",
        data=Raw(TEXT),
        info={"size": 1008, "title": None},
    )


class Floor:
    def __init__(self, url, clients):
        self.connections = [psycopg.connect(url, autocommit=True) for _ in range(clients)]
        self.connections[0].execute("CREATE TABLE IF NOT EXISTS floor (id uuid PRIMARY KEY, body bytea)")
        self.id = self.put(0, 0)

    def put(self, client, n):
        given = record(n)
        self.connections[client].execute("INSERT INTO floor VALUES (%s, %s)", (given.id, encode(given)))
        return given.id

    def get(self, client, n):
        return self.connections[client].execute("SELECT body FROM floor WHERE id = %s", (self.id,), binary=True).fetchone()


class Ours:
    def __init__(self, url, clients):
        self.store = PostgresStore(url, connections=clients)
        for n in range(KEYS):
            self.put(0, n)

    def put(self, client, n):
        self.store.put(record(n))

    def get(self, client, n):
        key = ArtifactFilter(key=KeyFilter(any_=[f"report-{n % KEYS}"]))
        return self.store.find(Query(artifacts=key, latest=True, data=True, limit=1))


def rate(call, clients):
    """Calls a second of so many threads."""
    counts, end = [0] * clients, time.perf_counter() + SECONDS

    def work(client):
        while time.perf_counter() < end:
            call(client, counts[client] * clients + client)
            counts[client] += 1

    threads = [threading.Thread(target=work, args=(client,)) for client in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def main(rounds):
    cluster, figures = Cluster(options=""), {}
    try:
        for clients in (1, 8):
            url = cluster.create()
            floor, ours = Floor(url, clients), Ours(url, clients)
            found = {name: [] for name in ("put", "put floor", "get latest", "get floor")}
            for _ in range(rounds):
                for name, side in (
                    ("put floor", floor.put),
                    ("put", ours.put),
                    ("get floor", floor.get),
                    ("get latest", ours.get),
                ):
                    found[name].append(rate(side, clients))
            per_second = {name: round(statistics.median(values)) for name, values in found.items()}
            for name in ("put", "get"):
                mine = "get latest" if name == "get" else name
                per_second[f"{mine} / floor"] = round(per_second[mine] / per_second[f"{name} floor"], 2)
            figures[f"{clients} clients"] = per_second
            ours.store.close()
    finally:
        cluster.remove()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
