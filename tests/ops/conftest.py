"""What the tests of ops share."""

import pytest

import lamina.backend
from tests.ops.trials import WITH_GRADIENTS


@pytest.fixture(params=WITH_GRADIENTS)
def each_backend(request):
    """On each backend in turn."""
    with lamina.backend.use(request.param):
        yield
