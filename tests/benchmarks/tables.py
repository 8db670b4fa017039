"""Tables of ten mixed columns: what `content` and reading cost against plain pyarrow Parquet zstd, in the same run.

Run: ``python tests/benchmarks/tables.py [rows] [rounds]``. Rounds are interleaved, figures are medians. The floor writes with
`pyarrow.Table.from_pandas` and `pyarrow.parquet.write_table`, and reads with `read_table(…).to_pandas()`; ours also makes
the JSON of the first rows, and checks that every value comes back equal. The inline view is measured against the first 100
rows as Arrow.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.testing import assert_frame_equal

from nb_artifacts.types import Table, coerce
from nb_artifacts.wire import BlobRef, Record, new_id, now

ROOM = 26_000


def frame(rows: int) -> pd.DataFrame:
    """Ten columns of the kinds that people have."""
    rng = np.random.default_rng(1)
    words = np.array([f"word-{n}" for n in range(10_000)], dtype=object)
    found = pd.DataFrame({
        "int": rng.integers(0, 10**9, rows), "small": rng.integers(0, 100, rows).astype("int16"), "float": rng.normal(size=rows),
        "gaps": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)), "flag": rng.random(rows) < 0.5,
        "text": words[rng.integers(0, 10_000, rows)], "category": pd.Categorical.from_codes(rng.integers(0, 16, rows), list("abcdefghijklmnop")),
        "time": pd.Timestamp("2020") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s"),
        "zone": pd.Timestamp("2020", tz="Europe/Berlin") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s"),
        "nullable": pd.array(rng.integers(0, 1000, rows), dtype="Int64"),
    })  # fmt: skip
    found.loc[found.index[::7], "nullable"] = pd.NA
    return found


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


def main(rows: int, rounds: int) -> None:
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
    print(f"HTML {len(shown.html(ROOM).encode())} bytes, JSON of the first rows {len(content.data)} bytes")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(given[0] if given else 100_000, given[1] if len(given) > 1 else 7)
