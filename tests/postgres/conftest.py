from postgres.fixtures import address, cluster, database, fresh, made, schema, store  # noqa: F401
