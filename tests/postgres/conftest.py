from postgres.fixtures import address, cluster, database, fresh, kept_schema, schema, store  # noqa: F401
