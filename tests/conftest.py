"""What every test may ask for, such as one Prefect server for all in a process; and that no test leaves a child or a signal."""

import signal

import pytest
from faults import processes

pytest_plugins = ["contract.prefect_server"]

HANDLERS = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


@pytest.fixture(autouse=True)
def nothing_is_left():
    """A test that fails must not leave its children behind; and the client of notebooks puts its own handler for Ctrl-C."""
    yield
    processes.end_all()
    for number, handler in HANDLERS.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
