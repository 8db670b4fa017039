"""Where a PostgreSQL store is: an address whose user and password never show, and what our own options in it say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from nb_artifacts.errors import InvalidValue

if TYPE_CHECKING:
    from psycopg.abc import AdaptContext

SCHEMES = ("postgresql://", "postgres://")
SCHEMA = "nb_artifacts"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
_DEFAULTS = {
    "application_name": "nb_artifacts",
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""So that neither a host that is gone nor a network that drops packets holds a call for minutes."""


class Address:
    """A ``postgresql://`` address as libpq takes it, with two options of ours.

    ``?schema=NAME`` puts the tables into a schema of that name (default ``nb_artifacts``), so that several stores share
    a database; ``?blobs=FOLDER`` keeps bytes in a folder that all replicas share, not in the database.
    Raises `InvalidValue` for what is no such address.
    """

    def __init__(self, url: str, *, schema: str | None = None) -> None:
        before, _, query = url.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        self.blobs = options.pop("blobs", None)
        in_url = options.pop("schema", SCHEMA)
        self.schema = check_schema(schema or in_url)
        libpq = f"{before}?{urlencode(options, quote_via=quote)}"
        try:
            given = conninfo_to_dict(libpq)
        except psycopg.Error:  # its text repeats parts of the address
            raise InvalidValue(
                "this is not an address of PostgreSQL: write postgresql://user:password@host:port/database"
            ) from None
        self._parameters = {**_DEFAULTS, **{name: str(value) for name, value in given.items()}}
        self.where = _where(self._parameters, self.schema)

    def __repr__(self) -> str:
        return f"Address({self.where})"

    def connect(self, context: AdaptContext) -> psycopg.Connection:
        """A new connection in autocommit mode. Raises psycopg's errors."""
        return psycopg.connect(make_conninfo(**self._parameters), autocommit=True, context=context)


def check_schema(name: str) -> str:
    """`name` itself. Raises `InvalidValue` for what would need quoting."""
    if not _SCHEMA.match(name):
        raise InvalidValue(f"{name!r} is not a schema's name: use lowercase letters, digits and underscores")
    return name


def _where(parameters: dict[str, str], schema: str) -> str:
    hosts = parameters.get("host") or parameters.get("hostaddr") or ""
    ports = parameters.get("port", "").split(",")
    places = []
    for n, host in enumerate(hosts.split(",")):
        port = ports[n] if n < len(ports) else ports[-1]
        shown = quote(host, safe="") if host.startswith("/") else f"[{host}]" if ":" in host else host
        places.append(f"{shown}:{port}" if port else shown)
    tail = "" if schema == SCHEMA else f"?schema={schema}"
    return f"postgresql://{','.join(places)}/{parameters.get('dbname', '')}{tail}"
