"""Whatever is done in whatever order, by two stores on one schema, the store is what a dictionary would be."""

import itertools

from contract.test_sqlite_model import Model
from hypothesis import settings
from hypothesis.stateful import initialize
from postgres.cluster import shared

from nb_artifacts.store.postgres import PostgresStore

_numbers = itertools.count()
_databases = []


class PostgresModel(Model):
    @initialize()
    def begin(self):
        if not _databases:
            _databases.append(shared().create())
        self.home = f"m{next(_numbers)}"
        self.stores = [PostgresStore(_databases[0], schema=self.home, durable=False, connections=2) for _ in range(2)]
        self.records, self.given, self.seqs, self.gone, self.known = {}, {}, {}, {}, {}
        self.last, self.lines = {}, {}
        self.seq = 0

    def teardown(self):
        for store in getattr(self, "stores", []):
            store.close()


del Model
TestModel = PostgresModel.TestCase
TestModel.settings = settings(max_examples=5, stateful_step_count=25, deadline=None)
