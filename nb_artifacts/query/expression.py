"""An SQL expression given by a person: one expression over the table's own columns, with functions that only compute.

DuckDB's own parser reads it; what it holds is compared with what is allowed, never with what is forbidden. DuckDB may open
nothing but the one Parquet file besides (see `source`), so this is the first of two walls.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from nb_artifacts.errors import BadQuery

_BEFORE = "SELECT 1 FROM t WHERE (\n"
_AFTER = "\n)"

_CLASSES = frozenset({
    "CONJUNCTION", "COMPARISON", "FUNCTION", "OPERATOR", "BETWEEN", "CASE", "CAST", "TYPE", "CONSTANT", "COLUMN_REF", "COLLATE",
})  # fmt: skip

_WORDS = """
    + - * / // % ** ^ & | << >> ~ || @ ! !~~ ~~ ~~* !~~* ~~~ ^@ && @> <@ ->> row
    like_escape not_like_escape ilike_escape not_ilike_escape regexp_matches regexp_full_match regexp_extract regexp_replace
    abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log2 log10 pow power mod fdiv fmod gcd lcm greatest least pi
    sin cos tan asin acos atan atan2 sinh cosh tanh degrees radians isnan isinf isfinite even factorial xor bit_count
    coalesce ifnull nullif if
    lower upper lcase ucase length len strlen char_length character_length trim ltrim rtrim replace reverse
    substring substr substring_grapheme left right contains prefix suffix starts_with ends_with position strpos instr concat
    concat_ws split_part string_split str_split split ascii chr ord unicode hex unhex bin md5 sha1 sha256 hash
    levenshtein editdist3 damerau_levenshtein jaccard jaro_similarity jaro_winkler_similarity hamming mismatches translate
    strip_accents nfc_normalize format_bytes regexp_escape octet_length bit_length encode decode
    year month day hour minute second millisecond microsecond quarter week weekday weekofyear yearweek dayofweek dayofmonth
    dayofyear isodow isoyear century decade epoch epoch_ms epoch_us epoch_ns era date_part datepart date_trunc datetrunc
    date_diff datediff date_sub datesub date_add age last_day dayname monthname make_date make_time make_timestamp strftime
    strptime try_strptime time_bucket timezone today current_date now get_current_timestamp current_timestamp
    to_timestamp to_years to_months to_weeks to_days to_hours to_minutes to_seconds to_milliseconds to_microseconds
    typeof list_value struct_pack struct_extract array_extract list_extract list_element element_at map_keys map_values
    map_extract list_contains array_contains list_has array_has list_has_any list_has_all list_position array_position
    list_length array_length cardinality list_min list_max list_sum list_avg list_count list_any_value list_first list_last
    list_unique list_distinct list_sort array_sort list_reverse array_to_string list_slice array_slice json_extract
    json_extract_string json_extract_path json_extract_path_text json_array_length json_type json_valid json_contains json_keys
"""
FUNCTIONS = frozenset(_WORDS.split())
"""Functions whose result depends on their arguments (and the clock) alone, and takes no more room than they do."""

_CLOCK = frozenset({"current_date", "current_timestamp", "current_time", "localtimestamp", "localtime", "today", "now"})
_LINE = re.compile(r"^LINE (\d+): ", re.MULTILINE)


def check(connection: Any, text: str, columns: dict[str, str]) -> None:
    """Raise `BadQuery`, with the position in `text`, unless it is one expression over `columns` (lower case → name)."""
    tree = _parsed(connection, _BEFORE + text + _AFTER)
    if tree["error"]:
        place, said = tree.get("position"), _unlocked(f"where: {tree['error_message']}")
        if place is not None and "location" not in tree:  # DuckDB 1 counts characters here, and bytes elsewhere
            raise BadQuery(said, position=min(max(int(place) - len(_BEFORE), 0), len(text)))
        raise BadQuery(said, position=_position(text, place))
    node = tree["statements"][0]["node"] if len(tree["statements"]) == 1 else {}
    bare = _parsed(connection, _BEFORE.replace("(", " ") + text)  # where brackets only fit those around it
    if not _is_plain(node) or bare["error"]:
        raise BadQuery("where takes one expression, not a statement or a part of one.", position=0)
    _walk(node["where_clause"], text, columns)


def _parsed(connection: Any, statement: str) -> dict[str, Any]:
    found = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [statement]).fetchall()[0]
    tree: dict[str, Any]
    try:
        tree = msgspec.json.decode(found[0])
    except msgspec.DecodeError:
        tree = json.loads(found[0])  # DuckDB 1 writes 1e999 as Infinity, which is no JSON
    return tree


def _is_plain(node: dict[str, Any]) -> bool:
    """Whether the statement is still the one around the expression."""
    lists = ("modifiers", "group_expressions", "group_sets", "having", "qualify", "sample")
    return (
        node.get("type") == "SELECT_NODE"
        and not any(node.get(name) for name in lists)
        and not (node.get("cte_map") or {}).get("map")
        and len(node["select_list"]) == 1
        and node["from_table"].get("type") == "BASE_TABLE"
        and node["from_table"].get("table_name") == "t"
        and node.get("where_clause") is not None
    )


def _walk(node: Any, text: str, columns: dict[str, str]) -> None:
    stack = [node]
    while stack:
        found = stack.pop()
        if isinstance(found, list):
            stack.extend(found)
        elif isinstance(found, dict):
            if "class" in found:
                _check_node(found, text, columns)
            stack.extend(found.values())


def _check_node(node: dict[str, Any], text: str, columns: dict[str, str]) -> None:
    kind, place = node["class"], _position(text, node.get("query_location"))
    if kind == "FUNCTION":
        name = str(node.get("function_name", "")).lower()
        inside = not (node.get("schema") or node.get("catalog")) or node.get("schema") == "main"
        if not inside or name not in FUNCTIONS or (name == "row" and not node.get("children")):
            raise BadQuery(f"where: the function {name!r} is not among those that a filter may use.", position=place)
        odd = node.get("filter") or node.get("distinct") or (node.get("order_bys") or {}).get("orders")
        if odd:
            raise BadQuery("where: aggregates are not among the functions that a filter may use.", position=place)
    elif kind == "COLUMN_REF":
        names = [str(name) for name in node.get("column_names", [])]
        if not names or (names[0].lower() not in columns and names[0].lower() not in _CLOCK):
            shown = ".".join(names)
            raise BadQuery(f"where: there is no column {shown!r}.{_near(shown, columns)}", position=place, column=shown)
    elif kind not in _CLASSES:
        raise BadQuery(f"where: {_SAID.get(kind, kind.lower())} is not taken here, only an expression.", position=place)


_SAID = {
    "SUBQUERY": "a query inside the expression", "WINDOW": "a window function", "PARAMETER": "a parameter",
    "STAR": "a star", "LAMBDA": "a function of one's own", "DEFAULT": "DEFAULT",
}  # fmt: skip


def _near(name: str, columns: dict[str, str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), list(columns), 3, 0.5) or list(columns)[:5]
    return f" Near it: {', '.join(columns[one] for one in near)}." if near else ""


def _position(text: str, place: Any) -> int | None:
    """DuckDB counts bytes of the whole statement; a person counts characters of what was typed."""
    try:
        at = int(place) - len(_BEFORE)
    except (TypeError, ValueError):
        return None
    encoded = text.encode()
    if at < 0 or int(place) >= 2**63:
        return None
    return len(encoded[:at].decode(errors="ignore")) if at <= len(encoded) else len(text)


def _unlocked(sentence: str) -> str:
    """Without the advice to change a setting: they are locked."""
    return sentence.partition(' Use "SET ')[0].partition(", or SET ")[0]


def located(message: str, text: str, first: int) -> tuple[str, int | None]:
    """DuckDB's sentence without its picture, and where in `text` that picture points; `text` begins on line `first`."""
    sentence = re.sub(r"^[A-Z][a-zA-Z ]* Error: ", "where: ", message.partition("\n")[0])
    sentence, match = _unlocked(sentence), _LINE.search(message)
    if match is None:
        return sentence, None
    line, rows = int(match[1]) - first, text.split("\n")
    shown, _, marks = message[match.end() :].partition("\n")
    caret = marks.find("^") - (match.end() - match.start())
    if not (0 <= line < len(rows)) or caret < 0:
        return sentence, None
    if shown.startswith("...") or shown.endswith("..."):
        shown_at = rows[line].find(shown.strip(".")[:40])
        caret += shown_at - (3 if shown.startswith("...") else 0)
    return sentence, sum(len(row) + 1 for row in rows[:line]) + max(caret, 0)
