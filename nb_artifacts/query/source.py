"""A stored table opened for queries: its Parquet file, and a DuckDB that can read that one file and nothing else.

Used in the query process of a server, and in place by ``Artifact.get(key, where=…)``. Of a table with columns that Parquet's
other readers see otherwise than people do a second file is made first, see `plain`.
"""

from __future__ import annotations

import contextlib
import re
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from nb_artifacts.errors import InvalidValue, QueryFailed
from nb_artifacts.query.plain import OWN, key_names, needs_plain, plain_copy
from nb_artifacts.query.ranks import placed, rank
from nb_artifacts.types import _rows, _sheet
from nb_artifacts.types._labels import unique_names

if TYPE_CHECKING:
    import pyarrow as pa

ROW = "nb_artifacts row"
"""Name of the row's number in the view; no function or column of a filter can be called so by accident."""
_WIDE = 100
"""To plan a statement over a view of more columns takes longer than to read one of them."""


class Limits(NamedTuple):
    """What a query may use of the machine."""

    memory: int
    threads: int
    temp: str


@dataclass(eq=False)
class Field:
    """A column of the file: as callers name it, as SQL does, and as it is shown."""

    field: str
    sql: str
    raw: str
    """Its name in SQL where the very value in the file is wanted."""
    stored: str
    """Its name in the file that is read."""
    name: str
    dtype: str
    kind: str
    type: Any
    """Its Arrow type."""
    spec: dict[str, Any]
    """What `types` noted of it."""
    level: bool
    """Whether it is one of the index."""
    keys: tuple[str, ...] = ()
    """Columns of the file that it is ordered by, where those are others."""
    engine: str = ""
    """Its type in DuckDB, once that has opened the file."""


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Cursor:
    """A DuckDB cursor of a table for one thread, made when it is first used: pages as they stand need none."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._made: Any = None

    def _get(self) -> Any:
        if self._made is None:
            self._made = self._source.connection.cursor()
        return self._made

    def execute(self, sql: str, values: list[Any] | None = None) -> Any:
        """See DuckDB. Raises `QueryFailed` where another query of the table went so wrong that it ended this one too."""
        import duckdb

        try:
            return self._get().execute(sql, values)
        except duckdb.OutOfMemoryException:
            raise MemoryError from None
        except duckdb.FatalException:
            if not self._source.spent:
                raise
            raise QueryFailed("another query of this table went wrong and ended this one: ask again.") from None

    def sql(self, sql: str, params: list[Any]) -> Any:
        """See DuckDB."""
        return self._get().sql(sql, params=params)

    def interrupt(self) -> None:
        """End what it does now."""
        if self._made is not None:
            self._made.interrupt()


class Source:
    """One open table."""

    def __init__(self, path: str, name: str, limits: Limits, described: list[dict[str, Any]] | None = None) -> None:
        """Raises `InvalidValue` naming `name` where the file is no readable Parquet file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.name = name
        try:
            file = pq.ParquetFile(path, memory_map=True)
            self.meta = meta_of(file)
            schema = file.schema_arrow
            keys = key_names(schema)
            if needs_plain(schema):
                path = plain_copy(path, schema, limits.temp)
                weakref.finalize(self, _delete, path)
                file = pq.ParquetFile(path, memory_map=True)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise damaged(name, error) from None
        self.path, self.file = path, file
        self.total: int = file.metadata.num_rows
        self.groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        self.fields = _fields(unique_names(list(schema.names)), file.schema_arrow, self.meta, described or [], keys)
        if not self.fields:  # Parquet counts no rows without columns
            self.total = self.meta.get("rows", self._range(self.total))
        self._limits = limits
        self.reading_from = "rows"
        """Where statements that need no row's number read, once DuckDB has opened the file."""
        self._connection: Any = None
        self.spent = False
        """Whether a query went so wrong that DuckDB answers no other: the table has to be opened anew."""
        self._ranks: dict[Field, str] = {}
        self._opening = threading.Lock()
        self.reading = threading.Lock()
        """Held while `file` is read: it is for one thread at a time."""
        self.by_field = {field.field: field for field in self.fields}
        self.by_sql = {field.sql.lower(): field.sql for field in self.fields}

    @property
    def connection(self) -> Any:
        """DuckDB with the view ``rows``. Raises `InvalidValue` where it cannot read the file, and `QueryFailed`."""
        with self._opening:
            if self._connection is None:
                try:
                    made = connect(self.path, self._limits)
                    self._view(made)
                except QueryFailed:
                    raise
                except Exception as error:
                    raise damaged(self.name, error) from error
                self._connection = made
            return self._connection

    @property
    def ready(self) -> bool:
        """Whether DuckDB has the file open."""
        return self._connection is not None

    def prepare(self) -> None:
        """Have DuckDB open the file before it is asked; where it cannot, the first question says so."""
        with contextlib.suppress(InvalidValue, QueryFailed):
            _ = self.connection

    def order(self, field: Field, value: str | None = None) -> list[str]:
        """SQL terms that the column is ordered by where that is not its values; of another `value` where one is given."""
        if field.keys:
            return [quoted(key) for key in field.keys]
        connection = self.connection
        with self._opening:
            if field not in self._ranks:
                name = f"nb_artifacts places {len(self._ranks)}"
                self._ranks[field] = rank(connection, name, field.spec, field.type, field.engine)
        table = self._ranks[field]
        return [placed(table, value or quoted(field.sql))] if table else []

    def _range(self, otherwise: int) -> int:
        """The rows of a frame that has only an index of numbers."""
        found = self.meta.get("index", {}).get("range")
        return len(range(*found)) if found else otherwise

    def _view(self, connection: Any) -> None:
        keys = [key for field in self.fields for key in field.keys]  # they stand behind all others
        aliases = [f"c{n}" for n in range(len(self.fields))]
        pairs = list(zip(aliases, self.fields, strict=True))
        shown = [f"{_shown(alias, field.type)} AS {quoted(field.sql)}" for alias, field in pairs]
        shown += [f"{alias} AS {quoted(field.raw)}" for alias, field in pairs if field.raw != field.sql]
        shown += map(quoted, keys)
        literal = self.path.replace("'", "''")
        if not aliases:
            connection.execute(f"CREATE VIEW rows AS SELECT range AS {quoted(ROW)} FROM range({self.total})")  # noqa: S608 (a number and names of ours)
            return
        reading = f"read_parquet('{literal}', {OWN}=true) AS t({', '.join([*aliases, *map(quoted, keys), 'r'])})"
        connection.execute(f"CREATE VIEW rows AS SELECT {', '.join([*shown, f'r AS {quoted(ROW)}'])} FROM {reading}")  # noqa: S608 (names quoted)
        if len(aliases) > _WIDE and all(one.stored.isascii() and one.stored == one.sql == one.raw for one in self.fields):
            self.reading_from = f"read_parquet('{literal}') AS rows"
        described = connection.execute("DESCRIBE rows").fetchall()
        for field, line in zip(self.fields, described, strict=False):
            field.engine = str(line[1])


def _delete(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink()


def damaged(name: str, error: object) -> InvalidValue:
    """The error for bytes that are no table."""
    # Where it lies is nobody's business.
    reason = re.sub(r"""['"]?[^\s'"]*[/\\][^\s'"]*['"]?""", "(file)", str(error).partition("\n")[0])
    return InvalidValue(f"the stored table {name} is not a readable Parquet file: {reason}")


def load() -> None:
    """Load what the first page needs, then what the first filter or order does."""
    import pyarrow.parquet  # noqa: F401 (loading it is all)

    with contextlib.suppress(ImportError):
        import duckdb

        duckdb.connect(":memory:").close()  # the first connection of a process takes longer than others


def connect(path: str, limits: Limits) -> Any:
    """A DuckDB in memory that can open `path` and nothing else, and whose settings nobody can change again.

    Raises `QueryFailed` where duckdb is missing.
    """
    try:
        import duckdb
    except ImportError:
        raise QueryFailed("queries of tables need duckdb: pip install duckdb") from None
    Path(limits.temp).mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = duckdb.connect(
        ":memory:",
        config={
            "temp_directory": limits.temp, "memory_limit": f"{limits.memory // 2**20}MB", "threads": str(limits.threads),
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            "allow_community_extensions": "false", "python_enable_replacements": "false", "preserve_insertion_order": "true",
        },
    )  # fmt: skip
    with contextlib.suppress(duckdb.CatalogException):  # the footer of thousands of columns is read once; not in every release
        connection.execute("SET parquet_metadata_cache=true")
    literal = path.replace("'", "''")
    for said in (
        "SET TimeZone='UTC'", "SET enable_progress_bar=false",
        f"SET allowed_paths=['{literal}']", "SET enable_external_access=false",
        "SET lock_configuration=true",
    ):  # fmt: skip
        connection.execute(said)
    return connection


def meta_of(file: Any) -> dict[str, Any]:
    """What `types` noted of the table; empty in a file of another program."""
    found = (file.metadata.metadata or {}).get(_sheet.META)
    meta: dict[str, Any] = msgspec.json.decode(found) if found is not None else {}
    return meta


def _sql_names(names: list[str]) -> list[str]:
    """Names that differ also to SQL, which takes upper and lower case for the same."""
    seen: set[str] = {ROW.lower()}
    found = []
    for name in names:
        made, n = name or "_", 1
        while made.lower() in seen:
            made, n = f"{name}_{n}", n + 1
        seen.add(made.lower())
        found.append(made)
    return found


def _is_read(kind: Any) -> bool:
    """Whether a column is read as something else than what stands in the file."""
    import pyarrow as pa

    return bool(pa.types.is_duration(kind) or (pa.types.is_timestamp(kind) and kind.unit == "ns" and kind.tz))


def _raw(alias: str) -> str:
    return f"nb_artifacts raw {alias}"


def _shown(alias: str, kind: Any) -> str:
    """Durations are whole numbers in Parquet, and no function of DuckDB takes nanoseconds with a time zone."""
    import pyarrow as pa

    if not _is_read(kind):
        return alias
    if pa.types.is_timestamp(kind):
        return f"CAST({alias} AS TIMESTAMPTZ)"
    scale = {"s": " * 1000000", "ms": " * 1000", "us": "", "ns": " // 1000"}[kind.unit]
    return f"to_microseconds({alias}{scale})"


def _fields(
    names: list[str], schema: pa.Schema, meta: dict[str, Any], described: list[dict[str, Any]], keys: dict[int, tuple[str, ...]]
) -> list[Field]:
    """The columns called `names`; the file has those of `keys` besides."""
    specs = _rows.specs_of(meta) if meta else []
    specs = specs if len(specs) == len(names) else [{} for _ in names]
    known = {column["field"]: column for column in described}
    levels = len(meta.get("index", {}).get("levels", ()))
    found = []
    for place, (field, arrow, spec, sql) in enumerate(zip(names, schema, specs, _sql_names(names), strict=False)):
        said = known.get(field, {})
        raw = _raw(f"c{place}") if _is_read(arrow.type) else sql
        found.append(
            Field(
                field=field, sql=sql, raw=raw, stored=arrow.name, name=said.get("name", field),
                dtype=said.get("dtype", str(arrow.type)), kind=said.get("kind") or _sheet.kind_of(arrow.type, spec),
                type=arrow.type, spec=spec, level=place < levels, keys=keys.get(place, ()),
            )
        )  # fmt: skip
    return found
