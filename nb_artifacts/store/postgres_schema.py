"""The tables and functions of a PostgreSQL store, as a list of steps; table ``migration`` says which it has been through.

A step runs in one transaction under an advisory lock, so replicas may start together, and one killed half-way leaves
nothing behind. Steps are only ever added at the end. Replicas of two releases may run side by side for a while: a later
step that changes what a function does adds one under a new name.

How the feed skips nothing. Transactions commit in another order than they take their `seq`. Before a writer takes one,
``next_seq`` locks, shared and until its transaction ends, the number that the sequence stands at: its own will be higher.
``settled`` reads where the sequence stands, then which such locks are held, and answers the lowest of all these. Whoever
has a `seq` up to there was either seen among the locks, or had ended before and is visible to every later statement.
So a reader that first asks ``settled`` and then, in a further statement, reads up to there will never find a lower `seq`
afterwards. A transaction held open keeps the feed waiting, and writers only of its own key. The answer may fall back for
a moment, because a writer is slow to lock what it read; what was once answered stays true. (A counter row would make all
writers wait for each other's disk; a horizon of transaction ids would wait for other databases and not survive a dump.)

The order of locks is key, then artifact, then `seq`, so that writers of a key wait for each other and none of them for
ever, and a key's `seq` grow with its versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb_artifacts.errors import StoreError
from nb_artifacts.store.postgres_keys import KEYS

if TYPE_CHECKING:
    from psycopg import Connection

_LOCK = 0x6E625F6172746966
"""Key of the advisory lock: one for all schemas, because an extension belongs to the whole database."""

TABLES = """
CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);
INSERT INTO meta VALUES ('id', replace(gen_random_uuid()::text, '-', ''));

CREATE SEQUENCE feed MINVALUE 0 START 0;
SELECT nextval('feed');

-- Bytes by their hash. `upload` names their parts; it is null where they lie in a folder. `put` moves with every put.
CREATE TABLE blob (
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), size bigint NOT NULL, upload uuid UNIQUE,
  put timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (sha256, size)
);
CREATE TABLE part (upload uuid NOT NULL, n integer NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (upload, n));
ALTER TABLE part ALTER bytes SET STORAGE EXTERNAL;

-- `data` is null where it is longer than SHORT_DATA: then it lies in `payload`, so that lists never read it.
-- `digest` is of the content as first put. An index takes no more than 2.7 kB: a longer key stands in `long_key`, and in
-- `key` shortened to what is still its own; other texts are found by how they begin.
CREATE TABLE artifact (
  id uuid PRIMARY KEY, seq bigint NOT NULL UNIQUE, key text COLLATE "C", long_key text COLLATE "C", version bigint,
  created timestamptz NOT NULL, updated timestamptz NOT NULL, type text COLLATE "C", description text,
  flow_run_id uuid, task_run_id uuid, data bytea, metadata json, tags json, info json,
  blob_sha256 bytea, blob_size bigint, blob_media text, digest bytea NOT NULL,
  FOREIGN KEY (blob_sha256, blob_size) REFERENCES blob (sha256, size)
);
CREATE UNIQUE INDEX artifact_key ON artifact (key NULLS FIRST, version NULLS FIRST);
CREATE INDEX artifact_created ON artifact (created, id);
CREATE INDEX artifact_type ON artifact (left(type, 200), created, id);
CREATE INDEX artifact_flow ON artifact (flow_run_id, created, id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX artifact_task ON artifact (task_run_id, created, id) WHERE task_run_id IS NOT NULL;
CREATE INDEX artifact_blob ON artifact (blob_sha256, blob_size) WHERE blob_sha256 IS NOT NULL;

-- The longest payloads are blobs, named here.
CREATE TABLE payload (
  id uuid PRIMARY KEY, data bytea, sha256 bytea, size bigint NOT NULL,
  FOREIGN KEY (sha256, size) REFERENCES blob (sha256, size)
);
CREATE INDEX payload_blob ON payload (sha256, size) WHERE sha256 IS NOT NULL;

-- A key's line of versions. `last_version` only grows; `id` and `created` are null while no version is left. What changes
-- with every version has no index here, which keeps its updates cheap; the newest version is a row of its own table.
CREATE TABLE key (
  key text COLLATE "C" PRIMARY KEY, long_key text COLLATE "C", last_version bigint NOT NULL, id uuid UNIQUE,
  created timestamptz
) WITH (fillfactor = 80);
CREATE INDEX key_created ON key (created, key);
CREATE TABLE newest (key text COLLATE "C" PRIMARY KEY, id uuid NOT NULL, created timestamptz NOT NULL);
CREATE INDEX newest_created ON newest (created, id);

CREATE TABLE tombstone (
  seq bigint PRIMARY KEY, id uuid NOT NULL UNIQUE, key text, version bigint, deleted timestamptz NOT NULL
);

-- `body` is the whole run; the other columns are what is asked for. A cell has its session's notebook and kernel.
CREATE TABLE run (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL UNIQUE, seq bigint NOT NULL UNIQUE,
  kind text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL, name text COLLATE "C", parent_id uuid, session_id uuid,
  started timestamptz NOT NULL, notebook text COLLATE "C", cell_id text COLLATE "C", kernel_id text COLLATE "C",
  body json NOT NULL
);
CREATE INDEX run_started ON run (started, n);
CREATE INDEX run_parent ON run (parent_id, started, n) WHERE parent_id IS NOT NULL;
CREATE INDEX run_session ON run (session_id, started, n) WHERE session_id IS NOT NULL;
CREATE INDEX run_cell ON run (left(cell_id, 200), started, n) WHERE cell_id IS NOT NULL;
CREATE INDEX run_notebook ON run (left(notebook, 200), started, n) WHERE notebook IS NOT NULL;
CREATE INDEX run_kernel ON run (left(kernel_id, 200), started, n) WHERE kernel_id IS NOT NULL;
CREATE INDEX run_state ON run (state, started, n);
CREATE INDEX run_name ON run (left(name, 200)) WHERE name IS NOT NULL;
"""

_TRIGRAMS = """
-- Parts of keys are found by index where the extension can be had, else by looking at each key.
DO $$
DECLARE place text;
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
  SELECT n.nspname INTO place FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
  EXECUTE format('CREATE INDEX key_trigrams ON key USING gin (coalesce(long_key, key) %I.gin_trgm_ops)', place);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR invalid_schema_name THEN
  NULL;
END $$;
"""

_FEED = """
CREATE FUNCTION next_seq() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  bound bigint;
BEGIN
  SELECT last_value INTO bound FROM feed;
  PERFORM pg_advisory_xact_lock_shared(('feed'::regclass::oid::bigint << 32) | (bound & 4294967295));
  RETURN nextval('feed');
END $$;

-- A lock shows the lower half of its number: the signed distance from `head` gives the rest.
CREATE FUNCTION settled() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  head bigint;
  bound bigint;
BEGIN
  SELECT last_value INTO head FROM feed;
  SELECT min(head - (((head - objid::bigint + 2147483648) & 4294967295) - 2147483648)) INTO bound
  FROM pg_locks
  WHERE locktype = 'advisory' AND classid = 'feed'::regclass::oid AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
  RETURN least(head, bound);
END $$;

-- The newest settled `seq` that a row has.
CREATE FUNCTION last_seq() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  top bigint := settled();
BEGIN
  RETURN greatest(
    0,
    (SELECT max(seq) FROM artifact WHERE seq <= top),
    (SELECT max(seq) FROM run WHERE seq <= top),
    (SELECT max(seq) FROM tombstone WHERE seq <= top)
  );
END $$;
"""

_WRITES = """
-- Keeps a new record: its seq and version, or no seq where the id is, or was, that of another.
CREATE FUNCTION put(
  _id uuid, _key text, _long_key text, _created timestamptz, _updated timestamptz, _type text, _description text,
  _flow_run_id uuid, _task_run_id uuid, _data bytea, _metadata json, _tags json, _info json,
  _sha256 bytea, _size bigint, _media text, _digest bytea,
  _long boolean, _long_data bytea, _long_sha256 bytea, _long_size bigint,
  OUT _seq bigint, OUT _version bigint
) LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM artifact WHERE id = _id) OR EXISTS (SELECT FROM tombstone WHERE id = _id) THEN
    RETURN;
  END IF;
  IF _key IS NOT NULL THEN
    INSERT INTO key AS k (key, long_key, last_version, id, created)
    VALUES (_key, _long_key, 1, gen_random_uuid(), _created)
    ON CONFLICT (key) DO UPDATE SET last_version = k.last_version + 1,
      id = coalesce(k.id, excluded.id), created = coalesce(k.created, excluded.created)
    RETURNING last_version INTO _version;
    INSERT INTO newest (key, id, created) VALUES (_key, _id, _created)
    ON CONFLICT (key) DO UPDATE SET id = excluded.id, created = excluded.created;
  END IF;
  _seq := next_seq();
  INSERT INTO artifact VALUES (
    _id, _seq, _key, _long_key, _version, _created, _updated, _type, _description, _flow_run_id, _task_run_id, _data,
    _metadata, _tags, _info, _sha256, _size, _media, _digest
  );
  IF _long THEN
    INSERT INTO payload VALUES (_id, _long_data, _long_sha256, _long_size);
  END IF;
  -- The insert may have waited for a deletion of the same id.
  IF EXISTS (SELECT FROM tombstone WHERE id = _id) THEN
    RAISE unique_violation;
  END IF;
END $$;

-- Changes a record: its seq before, the blobs that it names no longer, and the row as it is now; all null where there is none.
-- `_if_seq` is the seq it must have; where it has another, only that one is answered. `updated` always moves forward.
CREATE FUNCTION patch(
  _id uuid, _if_seq bigint, _moment timestamptz, _lazily boolean,
  _set_data boolean, _data bytea, _long boolean, _long_data bytea, _long_sha256 bytea, _long_size bigint,
  _set_description boolean, _description text, _set_metadata boolean, _metadata json, _set_info boolean, _info json,
  _set_blob boolean, _sha256 bytea, _size bigint, _media text,
  OUT _seq bigint, OUT _old_sha256 bytea, OUT _old_long_sha256 bytea, OUT _now artifact
) LANGUAGE plpgsql AS $$
BEGIN
  SELECT seq, blob_sha256 INTO _seq, _old_sha256 FROM artifact WHERE id = _id FOR UPDATE;
  IF _seq IS NULL OR _seq <> _if_seq THEN
    RETURN;
  END IF;
  IF NOT _set_blob THEN
    _old_sha256 := NULL;
  END IF;
  IF _lazily THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  UPDATE artifact SET seq = next_seq(), updated = greatest(updated + interval '1 microsecond', _moment),
    data = CASE WHEN _set_data THEN _data ELSE data END,
    description = CASE WHEN _set_description THEN _description ELSE description END,
    metadata = CASE WHEN _set_metadata THEN _metadata ELSE metadata END,
    info = CASE WHEN _set_info THEN _info ELSE info END,
    blob_sha256 = CASE WHEN _set_blob THEN _sha256 ELSE blob_sha256 END,
    blob_size = CASE WHEN _set_blob THEN _size ELSE blob_size END,
    blob_media = CASE WHEN _set_blob THEN _media ELSE blob_media END
  WHERE id = _id RETURNING * INTO _now;
  IF _set_data THEN
    DELETE FROM payload WHERE id = _id RETURNING sha256 INTO _old_long_sha256;
  END IF;
  IF _long THEN
    INSERT INTO payload VALUES (_id, _long_data, _long_sha256, _long_size);
  END IF;
END $$;

-- Deletes a version and leaves a tombstone: whether it was there, and the blobs that it named. The key falls back to its
-- next highest version and takes over that one's time; with none left the line ends.
CREATE FUNCTION remove(_id uuid, _deleted timestamptz, OUT _found boolean, OUT _sha256 bytea, OUT _long_sha256 bytea)
LANGUAGE plpgsql AS $$
DECLARE
  line text;
  gone artifact;
  next artifact;
BEGIN
  SELECT key INTO line FROM artifact WHERE id = _id;
  PERFORM FROM key WHERE key = line FOR UPDATE;
  DELETE FROM artifact WHERE id = _id RETURNING * INTO gone;
  _found := FOUND;
  IF NOT _found THEN
    RETURN;
  END IF;
  _sha256 := gone.blob_sha256;
  DELETE FROM payload WHERE id = _id RETURNING sha256 INTO _long_sha256;
  INSERT INTO tombstone VALUES (next_seq(), _id, coalesce(gone.long_key, line), gone.version, _deleted);
  IF line IS NULL THEN
    RETURN;
  END IF;
  SELECT * INTO next FROM artifact WHERE key = line ORDER BY version DESC NULLS LAST LIMIT 1;
  IF NOT FOUND THEN
    DELETE FROM newest WHERE key = line;
    UPDATE key SET id = NULL, created = NULL WHERE key = line;
  ELSE
    UPDATE newest SET id = next.id, created = next.created WHERE key = line AND id = _id;
    IF FOUND THEN
      UPDATE key SET created = next.created WHERE key = line;
    END IF;
  END IF;
END $$;

-- Adds a run or replaces what is known of it.
CREATE FUNCTION put_run(
  _id uuid, _kind text, _state text, _name text, _parent_id uuid, _session_id uuid, _started timestamptz,
  _notebook text, _cell_id text, _kernel_id text, _body json, OUT _seq bigint
) LANGUAGE plpgsql AS $$
DECLARE
  session run;
BEGIN
  SELECT * INTO session FROM run WHERE id = _session_id;
  _notebook := coalesce(_notebook, session.notebook);
  _kernel_id := coalesce(_kernel_id, session.kernel_id);
  -- A seq taken before the row is locked could be lower than the one it has by then.
  PERFORM FROM run WHERE id = _id FOR UPDATE;
  IF FOUND THEN
    UPDATE run SET seq = next_seq(), kind = _kind, state = _state, name = _name, parent_id = _parent_id,
      session_id = _session_id, started = _started, notebook = _notebook, cell_id = _cell_id, kernel_id = _kernel_id,
      body = _body
    WHERE id = _id RETURNING seq INTO _seq;
  ELSE
    INSERT INTO run (id, seq, kind, state, name, parent_id, session_id, started, notebook, cell_id, kernel_id, body)
    VALUES (
      _id, next_seq(), _kind, _state, _name, _parent_id, _session_id, _started, _notebook, _cell_id, _kernel_id, _body
    ) RETURNING seq INTO _seq;
  END IF;
END $$;
"""

STEPS: list[str] = [TABLES + _TRIGRAMS + _FEED + _WRITES, KEYS]


def version_of(connection: Connection, schema: str) -> int:
    """How many steps the schema has been through; more than ``len(STEPS)`` means a newer release made it."""
    # Asked of the catalogue: `to_regclass` may not have heard of a schema made a moment ago.
    there = "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = %s AND relname = 'migration'"
    if not connection.execute(there, (schema,)).fetchall():
        return 0
    found = connection.execute("SELECT coalesce(max(step), 0) FROM migration").fetchone()
    return int(found[0]) if found else 0


def migrate(connection: Connection, schema: str) -> int:
    """Take the schema through the steps it lacks; the number of steps it has been through then.

    Raises `StoreError` where the database does not keep all of Unicode.
    """
    version = version_of(connection, schema)
    while version < len(STEPS):
        with connection.transaction():
            connection.execute("SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            version = version_of(connection, schema)
            if version < len(STEPS):
                _take(connection, schema, version)
                version += 1
    return version


def _take(connection: Connection, schema: str, version: int) -> None:
    if version == 0:
        if connection.execute("SHOW server_encoding").fetchone() != ("UTF8",):
            raise StoreError(
                "the database does not keep all of Unicode: make one with `createdb --encoding UTF8 --template template0`"
            )
        if not connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", (schema,)).fetchall():
            _run(connection, f'CREATE SCHEMA "{schema}"')
        connection.execute("CREATE TABLE migration (step integer PRIMARY KEY, taken timestamptz NOT NULL DEFAULT now())")
    _run(connection, STEPS[version])
    connection.execute("INSERT INTO migration VALUES (%s)", (version + 1,))


def _run(connection: Connection, script: str) -> None:
    connection.execute(script)
