import pytest

pytest.register_assert_rewrite("contract.store_suite")
