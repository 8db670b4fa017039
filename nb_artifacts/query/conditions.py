"""A query's filters as SQL: values always travel as parameters, columns by names that the table itself has."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from nb_artifacts.errors import BadQuery, QueryFailed
from nb_artifacts.query import expression, ranks
from nb_artifacts.query.ask import Contains, Equals, In, Key, NotNull, Null, Range, Which
from nb_artifacts.query.source import Field, Source, damaged, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb_artifacts.query.ask import AnyCondition, Value

_HEAD = "(\n"


class Selected(NamedTuple):
    """A condition in SQL with its parameters; `where` begins on line `line` of it, where there is one."""

    sql: str
    values: list[Any]


def field_of(source: Source, name: str) -> Field:
    """The column of that field name. Raises `BadQuery`."""
    found = source.by_field.get(name)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, list(source.by_field), 3, 0.5) or list(source.by_field)[:5]
        raise BadQuery(f"there is no column {name[:80]!r}. Near it: {', '.join(near)[:200]}.", column=name[:80])
    return found


def condition(source: Source, which: Which, cursor: Any) -> Selected:
    """What must hold of a row. Raises `BadQuery`."""
    _ = source.connection  # from here on columns have their types
    parts: list[str] = []
    values: list[Any] = []
    if which.where:
        expression.check(cursor, which.where, source.by_sql)
        parts.append(f"{_HEAD}{which.where}\n)")
    for one in which.filter:
        sql, more = _one(source, field_of(source, one.column), one, cursor)
        parts.append(sql)
        values += more
    if which.q:
        fields = [field for field in source.fields if _may_contain(field, which.q)]
        parts.append("(" + (" OR ".join(map(_contains, fields)) or "false") + ")")
        values += [which.q] * len(fields)
    return Selected(" AND ".join(parts) or "true", values)


def order(source: Source, keys: list[Key]) -> list[tuple[str, str]]:
    """What to sort by, each with its direction: missing values last either way. Raises `BadQuery`."""
    _ = source.connection
    return [
        (term, "DESC NULLS LAST" if key.descending else "ASC NULLS LAST")
        for key in keys
        for term in _sort_terms(source, field_of(source, key.column))
    ]


def _sort_terms(source: Source, field: Field) -> list[str]:
    terms, name = source.order(field), quoted(field.raw)
    if terms:
        return terms
    if field.engine in ("FLOAT", "DOUBLE"):  # for DuckDB NaN is above every number; for people it is missing
        return [f"nullif({name}, CAST('nan' AS {field.engine}))"]
    return [f"TRY_CAST({name} AS DOUBLE)", name] if _text_number(field) else [name]


def _text_number(field: Field) -> bool:
    return field.kind == "number" and field.engine == "VARCHAR"


def _contains(field: Field) -> str:
    return f"contains(lower(CAST({quoted(field.sql)} AS VARCHAR)), lower(CAST(? AS VARCHAR)))"


_LETTERS = {"number": "0123456789.+-einfa", "bool": "truefals", "time": "0123456789-:. +days"}
"""What the text of a value can hold: writing millions of numbers out to look for a word in them takes long."""


def _may_contain(field: Field, text: str) -> bool:
    letters = _LETTERS.get(field.kind) if field.engine != "VARCHAR" else None
    return letters is None or set(text.lower()) <= set(letters)


def _one(source: Source, field: Field, one: AnyCondition, cursor: Any) -> tuple[str, list[Any]]:
    name = quoted(field.sql)
    if isinstance(one, Null):
        return f"{name} IS NULL", []
    if isinstance(one, NotNull):
        return f"{name} IS NOT NULL", []
    if isinstance(one, Contains):
        return _contains(field), [one.text]
    if isinstance(one, Equals):
        return _among(field, [one.value], cursor)
    if isinstance(one, In):
        return _among(field, one.values, cursor)
    return _ranged(source, field, one, cursor)


def _ranged(source: Source, field: Field, one: Range, cursor: Any) -> tuple[str, list[Any]]:
    """At least and at most: in the order that the column is sorted by."""
    terms, parts, values = source.order(field), [f"{quoted(field.sql)} IS NOT NULL"], []
    if not terms:
        return _between(field, one, cursor)
    for value, sign in ((one.min, ">="), (one.max, "<=")):
        if value is not None:
            place, given = _place(source, field, value, cursor)
            parts.append(f"{terms[0]} {sign} {place}")
            values.append(given)
    return " AND ".join(parts), values


def _place(source: Source, field: Field, value: Value, cursor: Any) -> tuple[str, Any]:
    """Where a value stands in that order: a term with its parameter. Raises `BadQuery` where it has no place."""
    text = _text(value)
    if field.keys:
        place = ranks.ordinal(field.spec, text) if len(field.keys) == 1 else None
        if place is None:
            said = f"{text[:80]!r} is no period" if len(field.keys) == 1 else "a range is not for intervals"
            raise BadQuery(f"{field.name}: {said}.", column=field.field)
        return "CAST(? AS BIGINT)", place
    (term,) = source.order(field, _typed(field, field.engine, value, cursor))
    if cursor.execute(f"SELECT {term}", [text]).fetchall()[0][0] is None:
        raise BadQuery(f"{field.name}: {text[:80]!r} is none of its categories.", column=field.field)
    return term, text


def _between(field: Field, one: Range, cursor: Any) -> tuple[str, list[Any]]:
    target = "DOUBLE" if _text_number(field) else field.engine
    name = f"TRY_CAST({quoted(field.sql)} AS DOUBLE)" if _text_number(field) else quoted(field.sql)
    parts, values = [], []
    for value, sign in ((one.min, ">="), (one.max, "<=")):
        if value is not None:
            parts.append(f"{name} {sign} {_typed(field, target, value, cursor)}")
            values.append(_text(value))
    if target in ("DOUBLE", "FLOAT") and values:
        parts.append(f"NOT isnan({name})")  # for DuckDB it is above every number
    return " AND ".join([*parts, f"{name} IS NOT NULL"]), values


def _among(field: Field, given: list[Value], cursor: Any) -> tuple[str, list[Any]]:
    name, values = quoted(field.sql), [value for value in given if value is not None]
    found = [f"{name} IN ({', '.join(_typed(field, field.engine, value, cursor) for value in values)})"] if values else []
    found += [f"{name} IS NULL"] if len(values) < len(given) else []
    return f"({' OR '.join(found) or 'false'})", [_text(value) for value in values]


def _text(value: Value) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _typed(field: Field, target: str, value: Value, cursor: Any) -> str:
    """A placeholder for a value of the column's type. Raises `BadQuery` for a value that is none."""
    import duckdb

    text = _text(value)
    if _has_fraction(text, target):
        target = "DOUBLE"
    try:
        found = cursor.execute(f"SELECT TRY_CAST(CAST(? AS VARCHAR) AS {target}) IS NULL", [text]).fetchall()[0]
    except duckdb.Error as error:
        raise BadQuery(f"{field.name}: {str(error).partition(chr(10))[0]}", column=field.field) from None
    if found[0]:
        raise BadQuery(f"{field.name}: {text[:80]!r} is no {target.lower()}.", column=field.field)
    return f"CAST(CAST(? AS VARCHAR) AS {target})"


def _has_fraction(text: str, target: str) -> bool:
    """Whether a number has digits that a whole or decimal column has no place for: DuckDB would round it."""
    if target.startswith("DECIMAL"):
        places = int(target.rstrip(")").partition(",")[2])
        return "e" in text.lower() or len(text.partition(".")[2]) > places
    return target.endswith("INT") and bool(set(text) & set(".eE"))


@contextmanager
def explained(source: Source, which: Which, line: int) -> Iterator[None]:
    """Turn DuckDB's errors into ours: of a wrong filter (which begins on `line`), or of a damaged file."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise
    except RuntimeError as error:  # what DuckDB makes of Ctrl-C
        if "interrupted" not in str(error).lower():
            raise
        raise KeyboardInterrupt from None
    except duckdb.OutOfMemoryException:
        raise MemoryError from None
    except (duckdb.InternalException, duckdb.FatalException) as error:
        source.spent = True
        said = str(error).partition("\n")[0][:300]
        raise BadQuery(f"where: it cannot be worked out: {said}") if which.where else QueryFailed(said) from None
    except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException, duckdb.ConversionException) as error:
        sentence, place = expression.located(str(error), which.where or "", line)
        raise BadQuery(sentence, position=place) from None
    except (duckdb.InvalidInputException, duckdb.OutOfRangeException, duckdb.NotImplementedException) as error:
        if which.where:
            sentence, _ = expression.located(str(error), which.where, line)
            raise BadQuery(sentence) from None
        raise damaged(source.name, error) from None
    except duckdb.Error as error:
        raise damaged(source.name, error) from None
