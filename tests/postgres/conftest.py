from postgres.fixtures import address, cluster, database, schema, store  # noqa: F401
