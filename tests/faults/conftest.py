import pytest
from faults import processes


@pytest.fixture(autouse=True)
def no_child_is_left():
    """A test that fails must not leave its children behind."""
    yield
    processes.end_all()
