"""Programs run on the code that users run."""

import pytest

from tests.backend.xla import optimizations


@pytest.fixture(autouse=True)
def optimized():
    with optimizations(True):
        yield
