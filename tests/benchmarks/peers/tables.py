"""What others do with the same frames, in an environment of their own; called by ``tests/benchmarks/tables.py``.

Writes JSON to a file: for each peer its seconds, bytes and how many dtypes come back equal, or why it could not be measured.
"""

import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from frames import dtypes, frame
from pandas.testing import assert_frame_equal

FOUND = {}


def timed(call):
    begun = time.perf_counter()
    found = call()
    return time.perf_counter() - begun, found


def measured(name, call):
    try:
        FOUND[name] = call()
    except Exception as error:
        FOUND[name] = {"why": f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"}


def equal(through):
    """How many dtypes come back equal."""
    count = 0
    for one in dtypes().values():
        try:
            assert_frame_equal(through(one), one)
        except Exception:
            continue
        count += 1
    return count


def pandas_html(value):
    seconds, text = timed(value._repr_html_)
    return {"seconds": seconds, "bytes": len(text.encode())}


def itables(value):
    from itables import to_html_datatable

    seconds, text = timed(lambda: to_html_datatable(value))
    return {"seconds": seconds, "bytes": len(text.encode())}


def ipydatagrid(value):
    from ipydatagrid import DataGrid
    from ipywidgets.widgets.widget import _remove_buffers

    def state():
        plain, _, buffers = _remove_buffers(DataGrid(value).get_state())
        return len(json.dumps(plain, default=str)) + sum(len(part) for part in buffers)

    seconds, size = timed(state)
    return {"seconds": seconds, "bytes": size}


def mlflow(value, suffix):
    import mlflow

    mlflow.set_tracking_uri(f"file://{tempfile.mkdtemp()}")
    mlflow.set_experiment("bench")

    def through(one):
        with mlflow.start_run() as run:
            mlflow.log_table(one, f"t.{suffix}")
        return mlflow.load_table(f"t.{suffix}", run_ids=[run.info.run_id])

    with mlflow.start_run():
        seconds, _ = timed(lambda: mlflow.log_table(value, f"t.{suffix}"))
    return {"seconds": seconds, "equal": equal(through)}


def wandb(value):
    import wandb

    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    run = wandb.init(project="bench", dir=tempfile.mkdtemp(), mode="offline")
    try:
        seconds, _ = timed(lambda: run.log({"t": wandb.Table(dataframe=value)}))
    finally:
        run.finish()
    return {"seconds": seconds}


def prefect(value):
    """What its users do: records by way of to_json, and the artifact created on a server on this machine."""
    from prefect.artifacts import Artifact, create_table_artifact

    def create(one, key):
        create_table_artifact(json.loads(one.to_json(orient="records", date_format="iso")), key=key)

    def through(one):
        create(one, "one")
        return pd.DataFrame(json.loads(Artifact.get("one").data))

    create(pd.DataFrame({"x": [1]}), "warm")  # its server starts with the first
    seconds, _ = timed(lambda: create(value, "table"))
    return {"seconds": seconds, "equal": equal(through)}


def plain_parquet(_):
    def through(one):
        sink = io.BytesIO()
        one.to_parquet(sink)
        sink.seek(0)
        return pd.read_parquet(sink)

    return {"equal": equal(through)}


def main(rows, shown, answer):
    os.environ |= {"PREFECT_HOME": tempfile.mkdtemp(), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
                   "PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120", "MLFLOW_ALLOW_FILE_STORE": "true"}  # fmt: skip
    value, large = frame(rows), frame(shown)
    measured("pandas HTML", lambda: pandas_html(large))
    measured("itables", lambda: itables(large))
    measured("ipydatagrid", lambda: ipydatagrid(large))
    measured("pandas to_parquet", lambda: plain_parquet(value))
    measured("MLflow log_table, Parquet", lambda: mlflow(value, "parquet"))
    measured("MLflow log_table, JSON", lambda: mlflow(value, "json"))
    measured("W&B Table", lambda: wandb(value))
    measured("Prefect, by to_json", lambda: prefect(value))
    Path(answer).write_text(json.dumps(FOUND))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
