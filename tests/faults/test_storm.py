"""R-19, the side of the folder: a hundred thousand updates are few writes, hold up nobody, and leave the last value."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = os.environ.get("NB_ARTIFACTS_SOAK") == "1"
SECONDS = 10.0 if SOAK else 1.0
UPDATES = 100_000

STORM = """
import json, sys, threading, time
import psutil
import nb_artifacts as nba
from nb_artifacts import core

kind, seconds, updates = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
store, writes = core.current_store(), 0
patch = store.patch
def counted(*args, **kwargs):
    global writes
    writes += 1
    return patch(*args, **kwargs)
store.patch = counted
def create(took):
    begun = time.perf_counter()
    nba.create("x", "beside")
    took.append(time.perf_counter() - begun)

calm, created, over = [], [], threading.Event()
for _ in range(100):
    create(calm)
def create_beside():
    while not over.wait(0.01):
        create(created)
beside = threading.Thread(target=create_beside)

def paced():
    begin, batch = time.monotonic(), updates // 100
    for n in range(updates):
        if n % batch == 0:
            time.sleep(max(0.0, begin + seconds * n / updates - time.monotonic()))
        yield n

before, begin = psutil.Process().memory_info().rss, time.monotonic()
if kind == "by-id":
    made = nba.create_progress_artifact(0, "storm")
    beside.start()
    for n in paced():
        nba.update_progress_artifact(made, 100 * (n + 1) / updates)
elif kind == "by-hand":
    with nba.progress(updates, "storm") as bar:
        beside.start()
        for n in paced():
            bar.update()
else:
    beside.start()
    for n in nba.track(paced(), "storm", total=updates):
        pass
spent, grown = time.monotonic() - begin, psutil.Process().memory_info().rss - before
over.set()
beside.join()
info = core.get("storm").info
calm.sort()
created.sort()
print(json.dumps({
    "writes": writes, "spent": spent, "grown": grown, "state": info["state"], "done": info["done"],
    "curve": len(info["curve"]), "calm": calm[98],
    "p99": created[int(len(created) * 0.99)], "created": len(created),
}))
"""


@pytest.mark.parametrize("kind", ["by-id", "by-hand", "loop"])
def test_a_storm_of_progress(tmp_path, kind):
    done = subprocess.run(
        [sys.executable, "-c", STORM, kind, str(SECONDS), str(UPDATES)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "NB_ARTIFACTS_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["state"] == "finished"
    assert said["done"] == (100 if kind == "by-id" else UPDATES)
    assert said["writes"] <= 10 * said["spent"] + 3
    assert said["grown"] <= 20 * 2**20
    assert said["curve"] <= 48
    assert said["created"] > 0
    print(f"create beside it, p99: {1000 * said['p99']:.1f} ms, before it {1000 * said['calm']:.1f} ms")
