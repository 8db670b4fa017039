"""What the tests run as processes of their own: ``python processes.py ROLE ADDRESS …``."""

import sys
import threading
from uuid import UUID

from msgspec import Raw

from nb_artifacts.store import open_store
from nb_artifacts.wire import Record, new_id, now


def record(key, data, id=None):
    moment = now()
    return Record(id=id or new_id(), created=moment, updated=moment, key=key, data=Raw(data))


def write(address, name, threads, each):
    """Put from several threads at once; a line for every acknowledged one."""
    store = open_store(address)
    lock = threading.Lock()

    def one(number):
        for n in range(int(each)):
            made = store.put(record("shared", f'"{name}.{number}.{n}"'.encode()))
            with lock:
                print(made.id, made.version, f"{name}.{number}", n, flush=True)

    workers = [threading.Thread(target=one, args=(number,)) for number in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def same(address, *ids):
    """Put records of the given ids, all with the same content."""
    store = open_store(address)
    for id in ids:
        made = store.put(record("same", b"1", UUID(id)))
        print(made.version, made.seq, flush=True)


def open_only(address):
    print(open_store(address).id, flush=True)


if __name__ == "__main__":
    {"write": write, "same": same, "open": open_only}[sys.argv[1]](*sys.argv[2:])
