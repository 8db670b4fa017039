"""Tables of ten mixed columns: written, read, shown and queried, against floors and peers in one run.

Run: ``python tests/benchmarks/tables.py [rows] [rounds] [rows queried]``. Rounds are interleaved, figures are medians. The floor
writes with `pyarrow.Table.from_pandas` and `pyarrow.parquet.write_table`, and reads with `read_table(…).to_pandas()`; ours also
makes the JSON of the first rows, and checks that every value comes back equal. The inline view is measured against the first
100 rows as Arrow, at a million rows; queries against DuckDB alone on the same file. Peers run in an environment of their own,
kept in the user's cache folder; one that cannot be installed is named.
"""

import contextlib
import hashlib
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import platformdirs
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.testing import assert_frame_equal

from nb_artifacts.query import RowsQuery, Tables, parse
from nb_artifacts.store import open_store
from nb_artifacts.types import Table, coerce
from nb_artifacts.wire import BlobRef, Record, new_id, now

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "peers"))
from frames import dtypes, frame  # noqa: E402 (the folder is not a package)

ROOM = 26_000
SHOWN = 1_000_000
QUERIED = 10_000_000
PEERS = [
    ["pandas<3", "pyarrow<24", "itables==2.9.1", "ipydatagrid==1.4.0"], ["mlflow-skinny==3.17.2"], ["wandb==0.31.0"],
    ["prefect==3.8.8", "fastapi>=0.139,<0.151"],
]  # fmt: skip


def floor_write(value: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(value), sink, compression="zstd")
    return sink.getvalue()


def floor_read(content: bytes) -> pd.DataFrame:
    return pq.read_table(pa.BufferReader(content)).to_pandas()


def floor_polars(value: pl.DataFrame) -> bytes:
    sink = io.BytesIO()
    pq.write_table(value.to_arrow(compat_level=pl.CompatLevel.oldest()), sink, compression="zstd")
    return sink.getvalue()


def floor_head(value: pd.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pandas(value.iloc[:100])
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def kept(value: object) -> Record:
    payload = coerce(value)
    content = payload.content()
    assert content.blob is not None
    blob = BlobRef(sha256="", size=len(content.blob[0]), media=content.blob[1])
    return Record(id=new_id(), created=now(), updated=now(), type="table", data=content.data, info=content.info, blob=blob)


def measure(rounds: int, **calls: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each call, rounds interleaved."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - begun)
    return {name: statistics.median(times) for name, times in taken.items()}


def line(name: str, ours: float, floor: float, target: float) -> None:
    print(f"{name:34} {ours * 1000:9.1f} ms {floor * 1000:9.1f} ms {ours / floor:7.2f} x  (at most {target:.1f})")


def written(rows: int, rounds: int) -> dict[str, float]:
    """Writing, reading and showing against their floors."""
    value = frame(rows)
    objects = value.assign(text=value["text"].astype(object))
    polars = pl.from_pandas(value)
    shown = coerce(value)
    content, record, plain = shown.content(), kept(value), floor_write(value)
    assert content.blob is not None
    blob = content.blob[0]
    assert_frame_equal(Table.read(record, lambda: blob).value, value)
    found = measure(
        rounds,
        floor_write=lambda: floor_write(value), write=lambda: coerce(value).content(),
        floor_objects=lambda: floor_write(objects), objects=lambda: coerce(objects).content(),
        floor_polars=lambda: floor_polars(polars), polars=lambda: coerce(polars).content(),
        floor_read=lambda: floor_read(plain), read=lambda: Table.read(record, lambda: blob).value,
        floor_head=lambda: floor_head(value), html=lambda: shown.html(ROOM), text=shown.text,
    )  # fmt: skip
    print(f"{rows:,} rows, 10 columns; Parquet {len(blob) / 1e6:.1f} MB, plain {len(plain) / 1e6:.1f} MB")
    print(f"{'':34} {'we':>12} {'floor':>12}")
    line("write, pandas", found["write"], found["floor_write"], 1.2)
    line("write, pandas, texts as objects", found["objects"], found["floor_objects"], 1.2)
    line("write, polars", found["polars"], found["floor_polars"], 1.2)
    line("read, pandas", found["read"], found["floor_read"], 1.2)
    line("show: HTML and text of the head", found["html"] + found["text"], found["floor_head"], 2.0)
    print(f"HTML {len(shown.html(ROOM).encode())} bytes, JSON of the first rows {len(content.data)} bytes\n")
    return {**found, "show": found["html"] + found["text"], "bytes": len(shown.html(ROOM).encode())}


def read_equal() -> int:
    """How many dtypes come back equal from us."""
    count = 0
    for one in dtypes().values():
        payload = coerce(one)
        blob = payload.content().blob
        assert blob is not None
        content = blob[0]
        try:
            assert_frame_equal(Table.read(kept(one), lambda content=content: content).value, one)
        except AssertionError:
            continue
        count += 1
    return count


def queried(rows: int) -> None:
    """Pages of a sorted and a filtered table against DuckDB alone, on the same file."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "home", durable=False)
        content = coerce(frame(rows)).content()
        assert content.blob is not None
        blob = store.put_blob(*content.blob)
        record = store.put(
            Record(id=new_id(), created=now(), updated=now(), type="table", data=content.data, info=content.info, blob=blob)
        )
        path = store.folder / "blobs" / blob.sha256[:2] / blob.sha256
        del content
        tables = Tables(store)
        begun = time.perf_counter()
        tables.rows(record, RowsQuery())
        print(
            f"{rows:,} rows in {blob.size / 1e6:.0f} MB; first page, the query process started for it: {time.perf_counter() - begun:.2f} s"
        )
        alone, middle = (
            duckdb.connect(config={"threads": str(min(os.cpu_count() or 1, 4))}),
            rows // 2,
        )
        alone.execute("SET enable_progress_bar = false")
        numbered = f"read_parquet('{path}', file_row_number=true)"

        def ask(**params: str) -> Callable[[], object]:
            return lambda: tables.rows(record, parse(params))

        def by_duckdb(sql: str) -> Callable[[], object]:
            return lambda: alone.sql(sql).to_arrow_table()

        print(f"{'':42} {'we':>10} {'DuckDB':>10}")
        pairs = {
            "unsorted page in the middle": (ask(offset=str(middle)), f"SELECT * FROM {numbered} LIMIT 200 OFFSET {middle}"),
            "first page of a new order": (ask(sort="float"), f"SELECT * FROM {numbered} ORDER BY float LIMIT 200"),
            "page in the middle of a new order": (ask(sort="-gaps,int", offset=str(middle)), f"SELECT * FROM {numbered} ORDER BY gaps DESC NULLS LAST, int LIMIT 200 OFFSET {middle}"),
            "another page of that order, the last": (ask(sort="-gaps,int", offset=str(rows - 200)), f"SELECT * FROM {numbered} ORDER BY gaps DESC NULLS LAST, int LIMIT 200 OFFSET {rows - 200}"),
            "the order alone": (ask(sort="int", offset=str(rows), columns="int"), f"SELECT file_row_number FROM {numbered} ORDER BY int"),
            "filter, and how many": (ask(where="small > 50 AND text LIKE 'word-1%'"), f"SELECT *, count(*) OVER () FROM {numbered} WHERE small > 50 AND text LIKE 'word-1%' LIMIT 200"),
            "search in every column": (ask(q="word-77"), f"SELECT *, count(*) OVER () FROM {numbered} WHERE contains(lower(text), 'word-77') OR contains(lower(category), 'word-77') LIMIT 200"),
        }  # fmt: skip
        for name, (ours, sql) in pairs.items():
            taken = [measure(1, ours=ours, duckdb=by_duckdb(sql))]
            one = taken[0]
            print(f"{name:42} {one['ours']:8.2f} s {one['duckdb']:8.2f} s {one['ours'] / one['duckdb']:7.2f} x")
            time.sleep(3 if "new order" in name else 0)  # the rest of an order is worked out behind its first page
        begun = time.perf_counter()
        tables.summary(record, RowsQuery())
        print(f"summary of all columns: {time.perf_counter() - begun:.2f} s\n")
        tables.close()
        store.close()


def environment() -> Path | None:
    """The peers' Python; None where it cannot be made."""
    name = hashlib.sha256(json.dumps([PEERS, sys.version]).encode()).hexdigest()[:12]
    folder = Path(platformdirs.user_cache_dir("nb-artifacts")) / f"peers-{name}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        print("installing the peers …", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        for wanted in PEERS:
            done = subprocess.run([python, "-m", "pip", "install", "-q", *wanted], capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"not installed: {' '.join(wanted)}: {done.stderr.strip().splitlines()[-1][:200]}")
        (folder / "ready").touch()
    return python if python.exists() else None


def peers(rows: int, ours: dict[str, float], shown: dict[str, float]) -> None:
    """What others need for the same."""
    found: dict[str, dict[str, float]] = {}
    python = environment()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [python, HERE / "peers" / "tables.py", str(rows), str(SHOWN), answer]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(900)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # Prefect's server is left running
        if answer.exists():
            found = json.loads(answer.read_text())
    if not found:
        print("the peers could not be run")
    us = {"seconds": ours["write"], "equal": read_equal(), "show": shown["show"], "bytes": shown["bytes"]}
    print(f"{'keep ' + format(rows, ',') + ' rows':34} {'seconds':>10} {'× ours':>8} {'equal dtypes':>14}")
    print(f"{'we':34} {us['seconds']:10.3f} {1:8.1f} {us['equal']:8d} of {len(dtypes())}")
    for name in (
        "pandas to_parquet",
        "MLflow log_table, Parquet",
        "MLflow log_table, JSON",
        "W&B Table",
        "Prefect, by to_json",
    ):
        one = found.get(name, {"why": "not run"})
        seconds = f"{one['seconds']:10.3f} {one['seconds'] / us['seconds']:8.1f}" if "seconds" in one else f"{'':19}"
        equal = f"{one['equal']:8d} of {len(dtypes())}" if "equal" in one else ""
        print(f"{name:34} {seconds} {equal} {one.get('why', '')}")
    print(f"\n{'show ' + format(SHOWN, ',') + ' rows':34} {'seconds':>10} {'× ours':>8} {'bytes in the notebook':>24}")
    print(f"{'we':34} {us['show']:10.4f} {1:8.1f} {us['bytes']:24,.0f}")
    for name in ("pandas HTML", "itables", "ipydatagrid"):
        one = found.get(name, {"why": "not run"})
        if "seconds" in one:
            print(f"{name:34} {one['seconds']:10.4f} {one['seconds'] / us['show']:8.1f} {one['bytes']:24,.0f}")
        else:
            print(f"{name:34} {one['why']}")


def main(rows: int, rounds: int, many: int) -> None:
    ours = written(rows, rounds)
    shown = written(SHOWN, 3) if rows != SHOWN else ours
    queried(many)
    peers(rows, ours, shown)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*[*given, *(100_000, 7, QUERIED)[len(given) :]])
