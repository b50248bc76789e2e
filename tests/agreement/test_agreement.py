"""Every public class agrees with Keras on configurations that Hypothesis draws."""

import pytest

from tests.agreement.comparison import agree, examples
from tests.agreement.kinds import KINDS, undeclared

pytestmark = pytest.mark.of_keras

MANY = 50
EVERY = [(kind, name) for kind, one in KINDS.items() for name in one.present]


def tried(kind, name, count):
    examples(KINDS[kind].draws[name], name, count, lambda case: agree(KINDS[kind], case))


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_agrees_with_keras(kind, name):
    tried(kind, name, KINDS[kind].few)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_agrees_with_keras_on_many_configurations(kind, name):
    tried(kind, name, MANY)


@pytest.mark.parametrize("kind", KINDS)
def test_every_public_class_has_a_draw(kind):
    assert not undeclared(KINDS[kind])
