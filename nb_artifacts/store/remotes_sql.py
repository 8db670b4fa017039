"""The statements of `Remotes`: what is waiting for a remote, by index from its cursor on.

An artifact waits when its `seq` is above the cursor and above the one that has arrived, unless it was made before the
remote was first seen and nobody asked for it, or was refused. A deletion waits where the artifact may have arrived, a
run where it has arrived in an earlier state; other runs go with the artifacts that need them.
"""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

from nb_artifacts.store.filters import AS_ID

MOST_TRIES = 10
"""A row that was refused is tried again once each time it changes, up to this many times in all."""

_NOT_PARKED = f"(s.parked IS NULL OR s.parked < {{seq}} AND s.tries < {MOST_TRIES})"
_SENT = "coalesce(s.attempted, 0), coalesce(s.settled, 0), coalesce(s.tries, 0), s.remote_id"
_ARTIFACT = (
    "FROM artifact a {index} LEFT JOIN sent s ON s.remote = :remote AND s.id = a.id WHERE a.seq > :cursor "
    "AND (s.id IS NOT NULL OR coalesce(a.born, a.seq) > :start) AND a.seq > coalesce(s.settled, 0) "
    f"AND {_NOT_PARKED.format(seq='a.seq')}"
)
_TOMBSTONE = (
    "FROM tombstone t CROSS JOIN sent s ON s.remote = :remote AND s.id = t.id WHERE t.seq > :cursor AND s.attempted > 0 "
    f"AND {_NOT_PARKED.format(seq='t.seq')}"
)
_RUN = (
    "FROM run r CROSS JOIN sent s ON s.remote = :remote AND s.id = r.id WHERE r.seq > :cursor AND r.seq > s.settled "
    f"AND {_NOT_PARKED.format(seq='r.seq')}"
)
_FREE = (
    "(a.key IS NULL OR a.key NOT IN (SELECT value FROM json_each(:keys))) "
    f"AND a.id NOT IN (SELECT {AS_ID}(value) FROM json_each(:ids))"
)
_WAITING = (
    f"SELECT 'artifact', a.id, a.seq, a.key, a.version, {_SENT}, "
    "a.blob_sha256, a.blob_size, a.blob_media, a.flow_run_id, a.task_run_id"
)
_NOTHING = "NULL, NULL, NULL, NULL, NULL"

ARTIFACTS = f"{_WAITING} {_ARTIFACT.format(index='')} AND {_FREE} ORDER BY a.seq LIMIT :limit"
MOVED = (
    f"{_WAITING} {_ARTIFACT.format(index='INDEXED BY artifact_moved')} AND a.born IS NOT NULL AND a.seq > :last "
    "AND a.born < :last AND coalesce(s.settled, 0) = 0 AND a.key IN (SELECT value FROM json_each(:new)) ORDER BY a.seq"
)
"""Never sent, of a key in hand, made before what was found last, but changed after it: they go first."""

TOMBSTONES = (
    f"SELECT 'deleted', t.id, t.seq, t.key, t.version, {_SENT}, {_NOTHING} {_TOMBSTONE} "
    f"AND {_FREE.replace('a.', 't.')} ORDER BY t.seq LIMIT :limit"
)
RUNS = (
    f"SELECT 'run', r.id, r.seq, NULL, NULL, {_SENT}, {_NOTHING} {_RUN} "
    f"AND r.id NOT IN (SELECT {AS_ID}(value) FROM json_each(:ids)) ORDER BY r.seq LIMIT :limit"
)

FIRST = (
    f"SELECT min(seq) FROM (SELECT * FROM (SELECT a.seq {_ARTIFACT.format(index='')} ORDER BY a.seq LIMIT 1) "
    f"UNION ALL SELECT * FROM (SELECT t.seq {_TOMBSTONE} ORDER BY t.seq LIMIT 1) "
    f"UNION ALL SELECT * FROM (SELECT r.seq {_RUN} ORDER BY r.seq LIMIT 1))"
)
"""The lowest seq that waits."""

COUNT = (
    f"SELECT sum(n), min(oldest) FROM (SELECT count(*) AS n, min(CASE WHEN coalesce(s.settled, 0) = 0 "
    f"THEN a.created ELSE a.updated END) AS oldest {_ARTIFACT.format(index='')} "
    f"UNION ALL SELECT count(*), min(t.deleted) {_TOMBSTONE})"
)
_SHARED = f"SELECT max(a.blob_size) AS size {_ARTIFACT.format(index='')} AND a.blob_sha256 IS NOT NULL GROUP BY a.blob_sha256"
BYTES = (
    "SELECT coalesce(sum(coalesce((SELECT p.size FROM payload p WHERE p.n = a.payload), length(a.data), 0)), 0) "
    f"+ (SELECT coalesce(sum(size), 0) FROM ({_SHARED})) {_ARTIFACT.format(index='')}"
)
"""How much waits; equal bytes go once."""

KEPT = (
    "SELECT (SELECT count(*) FROM artifact a WHERE a.seq <= :start AND {unknown}) + (SELECT count(*) FROM artifact a "
    "INDEXED BY artifact_moved WHERE a.born IS NOT NULL AND a.born <= :start AND a.seq > :start AND {unknown})"
).format(unknown="NOT EXISTS (SELECT 1 FROM sent s WHERE s.remote = :remote AND s.id = a.id)")
"""How many were made before the remote was first seen, and stay here."""

KEPT_IDS = (
    "SELECT a.id FROM artifact a WHERE coalesce(a.born, a.seq) <= :start AND (:key IS NULL OR a.key = :key) "
    "AND NOT EXISTS (SELECT 1 FROM sent s WHERE s.remote = :remote AND s.id = a.id) "
    "ORDER BY coalesce(a.born, a.seq) LIMIT :limit"
)

PARKED = (
    "SELECT s.id, coalesce(a.key, t.key), coalesce(a.version, t.version), s.error, s.tries, s.parked FROM sent s "
    "LEFT JOIN artifact a ON a.id = s.id LEFT JOIN tombstone t ON t.id = s.id "
    "WHERE s.remote = :remote AND s.parked IS NOT NULL ORDER BY s.parked"
)

NEEDED_RUNS = (
    f"WITH RECURSIVE needed (id) AS (SELECT {AS_ID}(value) FROM json_each(:ids) "
    "UNION SELECT r.parent_id FROM run r JOIN needed n ON r.id = n.id WHERE r.parent_id IS NOT NULL "
    "UNION SELECT r.session_id FROM run r JOIN needed n ON r.id = n.id WHERE r.session_id IS NOT NULL) "
    "SELECT r.body, r.seq, coalesce(s.attempted, 0) FROM needed n JOIN run r ON r.id = n.id "
    "LEFT JOIN sent s ON s.remote = :remote AND s.id = r.id WHERE coalesce(s.settled, 0) = 0 AND s.parked IS NULL "
    "ORDER BY r.started, r.seq"
)
"""Runs that the remote has not got yet, above those given too, outermost first."""

ATTEMPT = (
    "INSERT INTO sent (remote, id, attempted) SELECT :remote, :id, :seq WHERE EXISTS "
    "(SELECT 1 FROM sent WHERE remote = :remote AND id = :id) OR NOT EXISTS (SELECT 1 FROM tombstone WHERE id = :id) "
    "ON CONFLICT (remote, id) DO UPDATE SET attempted = max(attempted, excluded.attempted) RETURNING 1"
)
SETTLE = (
    "UPDATE sent SET settled = max(settled, :seq), version = coalesce(:version, version), "
    "remote_id = coalesce(:remote_id, remote_id), tries = 0, error = NULL, "
    "parked = CASE WHEN parked > :seq THEN parked END WHERE remote = :remote AND id = :id"
)
REFUSE = (
    "INSERT INTO sent (remote, id, tries, error, parked) "
    "VALUES (:remote, :id, 1, :error, CASE WHEN :most <= 1 THEN :seq END) ON CONFLICT (remote, id) DO UPDATE SET "
    "tries = tries + 1, error = excluded.error, parked = CASE WHEN tries + 1 >= :most THEN :seq END"
)
WENT_WELL = "UPDATE remote SET last_ok = :now, last_error = NULL, failed = NULL, paused = NULL, resume = NULL WHERE n = :remote"
IN_ORDER = "UPDATE remote SET last_error = NULL, failed = NULL, paused = NULL, resume = NULL WHERE n = :remote"
FAILED = "UPDATE remote SET last_error = :error, failed = :now, paused = :paused, resume = :resume WHERE n = :remote"
FORGET = (
    "DELETE FROM sent WHERE remote = :remote AND parked IS NULL "
    "AND id IN (SELECT id FROM tombstone WHERE seq > :cursor AND seq <= :new)"
)
_FORGET_ALL = (
    "UPDATE sent SET attempted = 0, settled = 0, tries = 0, parked = NULL, version = NULL, remote_id = NULL "
    "WHERE remote = :remote"
)
_DELETE_ALL = (
    "INSERT INTO sent (remote, id, attempted) SELECT :remote, id, seq FROM tombstone WHERE seq > :start "
    "ON CONFLICT (remote, id) DO UPDATE SET attempted = excluded.attempted"
)
_FROM_THE_START = "UPDATE remote SET cursor = 0 WHERE n = :remote"
SEND_WHAT_IS_THERE_AGAIN = (_FORGET_ALL, _FROM_THE_START)
SEND_ALL_AGAIN = (_FORGET_ALL, _DELETE_ALL, _FROM_THE_START)
"""What was deleted since the remote was first seen is not known any more by whether it was sent: all of it is deleted again."""

HEARD = (
    "INSERT INTO meta VALUES (:name, :newest) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)"
)
SAME_STORE = (
    "SELECT r.n, m.value FROM remote r JOIN meta m ON m.name = 'store at remote ' || r.n "
    "WHERE r.n <> :remote AND (m.value = :store OR m.value LIKE :store || ' %') ORDER BY r.last_ok DESC LIMIT 1"
)
_TAKE_ROWS = (
    "INSERT INTO sent (remote, id, attempted, settled, tries, parked, error, version, remote_id) "
    "SELECT :remote, id, attempted, settled, tries, parked, error, version, remote_id FROM sent WHERE remote = :old "
    "ON CONFLICT (remote, id) DO UPDATE SET attempted = max(attempted, excluded.attempted), "
    "settled = max(settled, excluded.settled), version = coalesce(version, excluded.version)"
)
_TAKE_PLACE = (
    "UPDATE remote SET (start, cursor) = (SELECT min(remote.start, o.start), min(remote.cursor, o.cursor) FROM remote o "
    "WHERE o.n = :old) WHERE n = :remote"
)
TAKE_OVER = (_TAKE_ROWS, _TAKE_PLACE)
ASK_FOR_KEY = (
    "INSERT INTO sent (remote, id) SELECT :remote, a.id FROM artifact a WHERE a.key = :key "
    "AND coalesce(a.born, a.seq) <= :start ON CONFLICT DO NOTHING"
)
