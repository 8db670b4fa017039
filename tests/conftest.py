"""What every test may ask for: one Prefect server, started once in each process that runs tests."""

pytest_plugins = ["contract.prefect_server"]
