"""Tables compared in this process, by a DuckDB that can read the two files and nothing else."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING

from nb_artifacts.diff.result import described
from nb_artifacts.diff.table import table_diff
from nb_artifacts.errors import InvalidValue
from nb_artifacts.types.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from nb_artifacts.diff.compare import Placed
    from nb_artifacts.diff.result import Described, TableAsk, TableDiff

MEMORY = "1GB"
"""What is needed beyond goes to a temporary folder."""


def tables_here(before: Placed, after: Placed, ask: TableAsk) -> TableDiff:
    """How one stored table became the other. Raises `InvalidValue` and `BlobMissing`."""
    with ExitStack() as stack:
        temp = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nb_artifacts-diff-")))
        first, second = (stack.enter_context(_file(placed, temp)) for placed in (before, after))
        connection = stack.enter_context(locked([first[0], second[0]], temp))
        return table_diff(connection, first[0], second[0], ask, (first[1], second[1]))


@contextmanager
def locked(paths: Sequence[Path], temp: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads these files and no other, loads nothing and stays so."""
    import duckdb

    try:
        with duckdb.connect(":memory:", config={"memory_limit": MEMORY, "temp_directory": str(temp / "spill")}) as connection:
            allowed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
            for setting in (
                f"allowed_paths = [{allowed}]", "enable_external_access = false", "autoload_known_extensions = false",
                "autoinstall_known_extensions = false", "enable_progress_bar = false", "lock_configuration = true",
            ):  # fmt: skip
                connection.execute(f"SET {setting}")
            yield connection
    except duckdb.Error as error:
        raise InvalidValue(f"the tables cannot be compared: {error}") from error


@contextmanager
def _file(placed: Placed, temp: Path) -> Iterator[tuple[Path, list[Described]]]:
    """A table's Parquet file, and what its artifact says of its columns: the store's own file where it has one."""
    record, store = placed
    if record.blob is None:
        payload = Table.read(record, lambda: b"")
        content = Table(payload.value).content()
        assert content.blob is not None
        path = temp / f"{record.id}.parquet"
        path.write_bytes(content.blob[0])
        yield path, described(content.info)
        return
    with store.open_blob(record.blob) as file:
        name = getattr(file, "name", None)
        path = Path(name) if isinstance(name, str) else temp / f"{record.id}.parquet"
        if not isinstance(name, str):
            with path.open("wb") as copy:
                copyfileobj(file, copy)
        yield path, described(record.info)
