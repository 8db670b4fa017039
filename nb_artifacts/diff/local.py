"""Tables compared in this process, by a DuckDB that can read the two files and nothing else."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any

from nb_artifacts.diff.result import described
from nb_artifacts.diff.table import table_diff
from nb_artifacts.errors import InvalidValue
from nb_artifacts.types.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import duckdb

    from nb_artifacts.diff.compare import Placed
    from nb_artifacts.diff.result import Described, TableAsk, TableDiff

MEMORY = 2**30
"""Bytes that DuckDB takes at most; what is needed beyond goes to a temporary folder."""


def tables_here(before: Placed, after: Placed, ask: TableAsk) -> TableDiff:
    """How one stored table became the other. Raises `InvalidValue` and `BlobMissing`."""
    with ExitStack() as stack:
        temp = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nb_artifacts-diff-")))
        first, second = (stack.enter_context(_file(placed, temp)) for placed in (before, after))
        return files_apart((first[0], second[0]), (first[1], second[1]), ask, temp)


def files_apart(
    paths: tuple[Path, Path], columns: tuple[Sequence[Described], Sequence[Described]], ask: TableAsk, temp: Path,
    *, memory: int = MEMORY, threads: int | None = None, begun: Callable[[Any], object] | None = None,
) -> TableDiff:  # fmt: skip
    """How the table of one Parquet file became that of another; `begun` is given the connection, to interrupt it.

    Raises `InvalidValue` for a column that is not there, and for files that cannot be compared.
    """
    import duckdb

    options: dict[str, Any] = {"temp_directory": str(temp / "spill"), "memory_limit": f"{memory // 2**20}MB"}
    try:
        with duckdb.connect(
            ":memory:", config=options if threads is None else {**options, "threads": str(threads)}
        ) as connection:
            _lock(connection, paths)
            if begun is not None:
                begun(connection)
            return table_diff(connection, *paths, ask, columns)
    except duckdb.InterruptException:
        raise
    except RuntimeError as error:  # what duckdb makes of Ctrl-C
        if "interrupted" not in str(error).lower():
            raise
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise InvalidValue(f"the tables cannot be compared: {reason}") from error


def _lock(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Let it read these files and no other, load nothing, and stay so."""
    import duckdb

    with suppress(duckdb.CatalogException):  # the footer of thousands of columns is read once; not in every release
        connection.execute("SET parquet_metadata_cache = true")
    allowed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    for setting in (
        "TimeZone = 'UTC'", f"allowed_paths = [{allowed}]", "autoload_known_extensions = false",
        "autoinstall_known_extensions = false", "python_enable_replacements = false", "enable_external_access = false",
        "enable_progress_bar = false", "lock_configuration = true",
    ):  # fmt: skip
        connection.execute(f"SET {setting}")


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
        own = isinstance(name, str) and Path(name).is_file()
        path = Path(str(name)) if own else temp / f"{record.id}.parquet"
        if not own:
            with path.open("wb") as copy:
                copyfileobj(file, copy)
        yield path, described(record.info)
