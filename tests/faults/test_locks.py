"""A second thread's connection must not cost the first one its locks on the database file."""

import subprocess
import sys
import threading

from nb_artifacts.store.sqlite import SqliteStore
from nb_artifacts.wire import Query, Record, new_id, now

OTHER_PROCESS = """
import pathlib, sys
from nb_artifacts.store.sqlite import SqliteStore
from nb_artifacts.wire import Query, Record, new_id, now
store = SqliteStore(pathlib.Path(sys.argv[1]))
if sys.argv[2] != "read":
    moment = now()
    store.put(Record(id=new_id(), created=moment, updated=moment, key=sys.argv[2]))
print(*sorted(record.key for record in store.find(Query())))
store.close()
"""


def _put(store, key):
    moment = now()
    store.put(Record(id=new_id(), created=moment, updated=moment, key=key))


def _other_process(folder, word):
    command = [sys.executable, "-c", OTHER_PROCESS, str(folder), word]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_another_process_that_ends_does_not_take_the_log_away(tmp_path):
    store = SqliteStore(tmp_path)
    _put(store, "first")
    reader = threading.Thread(target=store.count, args=(Query(),))
    reader.start()
    reader.join()
    assert _other_process(tmp_path, "second") == ["first", "second"]

    assert sorted(record.key for record in store.find(Query())) == ["first", "second"]
    _put(store, "third")
    assert _other_process(tmp_path, "read") == ["first", "second", "third"]
