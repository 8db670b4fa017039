"""Queries of stored tables: pages, sorting, filters, search, summaries and files, by DuckDB over the stored Parquet.

A server (and a widget in a kernel) asks `Tables`, which sends each question to one child process: DuckDB and pyarrow are never
loaded where requests are answered, and a crash is an error in one grid. ``Artifact.get(key, where=…)`` uses `select` in place.

ask, left, pipe; plain, ranks → source, expression → conditions → order, pages → written, summary → engine → child;
worker → `Tables`.
"""

from nb_artifacts.query.ask import Key, RowsQuery, fingerprint, parse
from nb_artifacts.query.left import Left
from nb_artifacts.query.tables import ARROW, PARQUET, Page, Tables

__all__ = ["ARROW", "PARQUET", "Key", "Left", "Page", "RowsQuery", "Tables", "fingerprint", "parse"]
