"""Two tables compared in the query process: by files of the store, or those made here of tables that came as JSON."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts.diff.local import files_apart
from nb_artifacts.diff.result import TableAsk, TableDiff, described

if TYPE_CHECKING:
    from nb_artifacts.query.child import Job
    from nb_artifacts.query.source import Limits


def differences(head: dict[str, Any], limits: Limits, job: Job) -> TableDiff:
    """What a request of `Tables.diff` asks for. Raises `InvalidValue`, and FileNotFoundError for bytes that are gone."""
    paths = [Path(side["path"] or Path(limits.temp) / f"{side['name']}.parquet") for side in head["sides"]]
    columns = [described({"columns": side["columns"]}) for side in head["sides"]]
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(path)

    def begun(connection: Any) -> None:
        job.cursor = connection
        job.going()

    with tempfile.TemporaryDirectory(prefix="diff-", dir=limits.temp) as temp:
        return files_apart(
            (paths[0], paths[1]), (columns[0], columns[1]), msgspec.convert(head["ask"], TableAsk), Path(temp),
            memory=limits.memory, threads=limits.threads, begun=begun,
        )  # fmt: skip
