"""Keys of a server in its PostgreSQL schema: the step that adds them, and the statements on them. Only hashes are kept."""

CHANNEL = "nb_artifacts.api_key"
"""Where servers are told that keys have changed, in whatever schema of the database."""

KEYS = """
CREATE TABLE api_key (
  id text PRIMARY KEY, sha256 text NOT NULL, created timestamptz NOT NULL, name text, workspace text NOT NULL
);

-- With `_first` a key is kept only where there is no other. May be sent again.
CREATE FUNCTION add_api_key(_id text, _sha256 text, _created timestamptz, _name text, _workspace text, _first boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE api_key IN SHARE ROW EXCLUSIVE MODE;
  IF _first AND EXISTS (SELECT FROM api_key WHERE id <> _id) THEN
    RETURN false;
  END IF;
  INSERT INTO api_key VALUES (_id, _sha256, _created, _name, _workspace) ON CONFLICT DO NOTHING;
  PERFORM pg_notify('nb_artifacts.api_key', '');
  RETURN true;
END $$;

CREATE FUNCTION remove_api_key(_id text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM api_key WHERE id = _id;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM pg_notify('nb_artifacts.api_key', '');
  RETURN true;
END $$;
"""

ALL = "SELECT id, sha256, created, name, workspace FROM api_key ORDER BY created, id"
ADD = "SELECT add_api_key(%s, %s, %s, %s, %s, %s)"
REMOVE = "SELECT remove_api_key(%s)"
