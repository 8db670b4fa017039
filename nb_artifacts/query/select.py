"""A part of a stored table in this process: some columns, the rows that a filter keeps, the first so many.

Only the row groups that hold such rows and only those columns are read. The part is what the library itself would make of the
whole: of a pandas frame ``frame[mask][columns].head(limit)``, its index kept.
"""

from __future__ import annotations

import tempfile
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import BadQuery, InvalidValue
from nb_artifacts.query.ask import Which, check_text
from nb_artifacts.query.conditions import condition, explained
from nb_artifacts.query.source import ROW, Cursor, Limits, Source, damaged, meta_of, quoted
from nb_artifacts.query.tables import PARQUET, Spool
from nb_artifacts.query.worker import memory, threads
from nb_artifacts.types import _rows
from nb_artifacts.types._frames import encode_labels
from nb_artifacts.types._labels import decode_label
from nb_artifacts.types._objects import pack, unpack
from nb_artifacts.types._sheet import read_schema, write_schema
from nb_artifacts.types._unframe import decode_labels
from nb_artifacts.types.table import Table, restored

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record

Meta = dict[str, Any]


def part(
    record: Record, store: Store, columns: Sequence[Any] | None = None, where: str | None = None, limit: int | None = None
) -> Table:
    """The part of a table. Raises `BadQuery`, `InvalidValue` for what is no table, and `BlobMissing`."""
    if record.type != "table":
        raise InvalidValue(f"columns=, where= and limit= are for tables: {record.key or record.id} is not one.")
    _check(columns, where, limit)
    if record.blob is None or record.blob.media != PARQUET:
        content = Table(Table.read(record, bytes).value).content().blob
        assert content is not None
        with tempfile.TemporaryDirectory(prefix="nb-artifacts-query-") as folder:
            path = Path(folder) / "table.parquet"
            path.write_bytes(content[0])
            return _part_of(str(path), str(record.id), columns, where, limit)
    spool = Spool()
    try:
        return _part_of(spool.path(store, record.blob), record.blob.sha256, columns, where, limit)
    finally:
        spool.close()


def _check(columns: Any, where: Any, limit: Any) -> None:
    if isinstance(columns, (str, bytes)) or not (columns is None or hasattr(columns, "__iter__")):
        raise BadQuery(f"columns={columns!r:.80} is not a list of names: write columns=[…].")
    if not (where is None or isinstance(where, str)):
        raise BadQuery(f'where={where!r:.80} is not an SQL expression, such as where="delay > 60".')
    if where is not None:
        check_text("where", where)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise BadQuery(f"limit={limit!r:.80} is not a number of rows.")


def _part_of(path: str, name: str, columns: Sequence[Any] | None, where: str | None, limit: int | None) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            meta = meta_of(file)
            levels = len(meta.get("index", {}).get("levels", ()))
            chosen = _chosen(file.schema_arrow.names, meta, levels, columns)
            numbers = _numbers(path, name, where, limit, file.metadata.num_rows)
            places = [*range(levels), *(levels + place for place in chosen)]
            table = _read(file, places, numbers)
            _move_notes(file, meta, places, numbers)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise damaged(name, error) from None
    if not meta:
        return Table(table.to_pandas())
    if columns is not None:
        _narrow(meta, chosen)
    if "index" in meta:
        table = _indexed(table, meta["index"], numbers)
    if "rows" in meta or not places:
        meta["rows"] = len(numbers)
    return Table(restored(table, meta))


def _chosen(names: list[str], meta: Meta, levels: int, columns: Sequence[Any] | None) -> list[int]:
    """Which columns, by their places after the levels of the index; of a name that several have, all."""
    fields = names[levels:]
    if columns is None:
        return list(range(len(fields)))
    labels = _labels(meta, fields)
    found: list[int] = []
    for wanted in columns:
        here = [place for place, label in enumerate(labels) if type(label) is type(wanted) and label == wanted]
        here = here or [place for place, field in enumerate(fields) if field == wanted]
        if not here:
            shown = [str(label) for label in labels]
            near = get_close_matches(str(wanted), shown, 3, 0.5) or shown[:5]
            raise BadQuery(f"there is no column {wanted!r:.80}. Near it: {', '.join(near)[:200]}.", column=str(wanted)[:80])
        found += here
    return found


def _labels(meta: Meta, fields: list[str]) -> list[Any]:
    """The columns' names as their library has them."""
    if "schema" in meta:
        return list(read_schema(meta["schema"]).names)
    said = meta.get("labels")
    if said is None:
        return list(fields)
    return [decode_label(label) for label in said] if isinstance(said, list) else decode_labels(said).to_list()


def _numbers(path: str, name: str, where: str | None, limit: int | None, total: int) -> Any:
    """Numbers of the rows."""
    import numpy as np

    if where is None or not where.strip():
        return np.arange(total if limit is None else min(limit, total))
    with tempfile.TemporaryDirectory(prefix="nb-artifacts-query-") as temp:
        source = Source(path, name, Limits(memory(), threads(), temp))
        which, cursor = Which(where=where), Cursor(source)
        kept = condition(source, which, cursor)
        tail = "" if limit is None else f" LIMIT {limit}"
        with explained(source, which, 3):
            select = f"SELECT {quoted(ROW)} AS r FROM rows\nWHERE {kept.sql}{tail}"  # noqa: S608 (names quoted, values as parameters)
            found = cursor.execute(select, kept.values).fetchnumpy()["r"]
        source.connection.close()
    return np.sort(np.ma.getdata(found))


def _read(file: Any, places: list[int], numbers: Any) -> pa.Table:
    """These columns of these rows; row groups without any are not read."""
    import numpy as np
    import pyarrow as pa

    schema = file.schema_arrow
    names = [schema.names[place] for place in places]
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    parts = []
    for group in np.unique(np.searchsorted(starts, numbers, side="right") - 1).tolist():
        here = numbers[(numbers >= starts[group]) & (numbers < starts[group + 1])] - starts[group]
        read = file.read_row_group(group, columns=list(dict.fromkeys(names)))
        parts.append(read if len(here) == sizes[group] else read.take(pa.array(here)))
    if not parts and sizes:
        parts.append(file.read_row_group(0, columns=list(dict.fromkeys(names))).slice(0, 0))
    whole = pa.concat_tables(parts) if parts else schema.empty_table()
    return pa.table([whole.column(name) for name in names], schema=pa.schema([schema.field(place) for place in places]))


def _move_notes(file: Any, meta: Meta, places: list[int], numbers: Any) -> None:
    """Leave what is noted row by row (which numbers were whole, which kind of null) of the rows that are left."""
    specs = _rows.specs_of(meta)
    for place in places:
        if specs and not {"ints", "nulls"}.isdisjoint(specs[place]):
            column = file.read(columns=[file.schema_arrow.names[place]]).column(0)
            specs[place].update(_moved(specs[place], column.is_null().to_numpy(), numbers))


def _moved(spec: Meta, missing: Any, numbers: Any) -> Meta:
    import numpy as np

    found: Meta = {}
    if "ints" in spec:
        found["ints"] = pack(np.frombuffer(unpack(spec["ints"]), np.uint8)[numbers].tobytes())
    if "nulls" in spec:
        codes = np.zeros(len(missing), np.uint8)
        codes[missing] = np.frombuffer(unpack(spec["nulls"]), np.uint8)
        left = codes[numbers]
        found["nulls"] = pack(left[left > 0].tobytes())
    return found


def _narrow(meta: Meta, chosen: list[int]) -> None:
    """Leave only these columns in what is noted of the table."""
    if "schema" in meta:
        import pyarrow as pa

        schema = read_schema(meta["schema"])
        meta["schema"] = write_schema(pa.schema([schema.field(place) for place in chosen]).with_metadata(schema.metadata))
        meta |= {name: [meta[name][place] for place in chosen] for name in ("columns", "types") if name in meta}
        return
    meta["columns"] = [meta["columns"][place] for place in chosen]
    said = meta["labels"]
    if isinstance(said, list):
        meta["labels"] = [said[place] for place in chosen]
    elif "labels" in said:
        meta["labels"] = {**said, "labels": [said["labels"][place] for place in chosen]}
    else:
        meta["labels"] = encode_labels(decode_labels(said).take(chosen))


def _indexed(table: pa.Table, index: Meta, numbers: Any) -> pa.Table:
    """Set the index of the rows that are left: a range stays one only where no row between is missing."""
    import pyarrow as pa

    together = not len(numbers) or int(numbers[-1] - numbers[0]) == len(numbers) - 1
    if "range" not in index:
        if not together or (len(numbers) and numbers[0]):
            index["freqs"] = [None] * len(index["freqs"])
        return table
    start, _, step = index["range"]
    if together:
        first = start + step * (int(numbers[0]) if len(numbers) else 0)
        index["range"] = [first, first + step * len(numbers), step]
        return table
    index.pop("range")
    index |= {"levels": [{"as": "dtype", "dtype": "int64"}], "multi": False, "freqs": [None]}
    return table.add_column(0, "", pa.array(start + step * numbers))
