"""What comparing two tables costs, by their size, and what appending to a live table costs a loop."""

import os
import shutil
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from subprocess import run
from sys import argv, executable

ROUNDS = 3
ROWS = (100_000, 1_000_000, 5_000_000)


def frames(rows):
    """A table of ten columns, and a later one: half a percent of its rows changed, some gone, some new."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(0)
    table = pa.table({"id": np.arange(rows), **{f"x{n}": rng.integers(0, 10_000, rows) / 100 for n in range(8)},
                      "kind": pa.array(rng.integers(0, 50, rows).astype(str))})  # fmt: skip
    changed = table.column("x3").to_numpy().copy()
    changed[::200] += 1
    later = table.set_column(4, "x3", pa.array(changed)).slice(rows // 1000)
    return table, later


def compare(rows):
    """One comparison in a process of its own: seconds, and the most memory that it had."""
    from nb_artifacts import core
    from nb_artifacts.diff import Placed, compare
    from nb_artifacts.wire import Query, Sort

    store = core.current_store()
    later, earlier = (store.get(one.id) for one in store.find(Query(sort=Sort.VERSION_DESC)))
    begun = time.perf_counter()
    table = compare(Placed(earlier, store), Placed(later, store)).table
    assert (table.keys, table.removed) == (["id"], rows // 1000), table
    print(time.perf_counter() - begun, getrusage(RUSAGE_SELF).ru_maxrss / 1024)


def append(rounds=200_000):
    """Microseconds a row of three cells takes the loop: ours, and a list's own append."""
    import nb_artifacts as nba

    table, plain = nba.live_table("appended"), []
    found = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for n in range(rounds):
            table.append(epoch=n, loss=0.5, accuracy=0.25)
        ours = time.perf_counter() - begun
        begun = time.perf_counter()
        for n in range(rounds):
            plain.append({"epoch": n, "loss": 0.5, "accuracy": 0.25})
        found.append((ours / rounds * 1e6, (time.perf_counter() - begun) / rounds * 1e6))
    begun = time.perf_counter()
    table.finish()
    ours, floor = map(min, zip(*found, strict=True))
    print(
        f"live_table.append: {ours:.2f} us a row; list.append of a dict: {floor:.2f} us; finish with {len(table):,} rows: {time.perf_counter() - begun:.2f} s"
    )


def main():
    for rows in ROWS:
        home = tempfile.mkdtemp()
        os.environ["NB_ARTIFACTS_HOME"] = home
        try:
            code = (
                f"import nb_artifacts as nba; from changes import frames; [nba.create(t, 'compared') for t in frames({rows})]"
            )
            run([executable, "-c", code], cwd=Path(__file__).parent, check=True)
            found = [
                [
                    float(part)
                    for part in run(
                        [executable, __file__, str(rows)], capture_output=True, text=True, check=True
                    ).stdout.split()
                ]
                for _ in range(ROUNDS)
            ]
            seconds, peak = (min(part) for part in zip(*found, strict=True))
            print(f"diff of {rows:>10,} rows x 10 columns, keys guessed: {seconds:.2f} s, {peak:,.0f} MB of memory at most")
        finally:
            shutil.rmtree(home)
    os.environ["NB_ARTIFACTS_HOME"] = home = tempfile.mkdtemp()
    try:
        append()
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    compare(int(argv[1])) if len(argv) > 1 else main()
