"""Blocks in which nothing is collected, and what counts as old after them."""

import gc
import subprocess
import sys
import weakref

import pytest

from lamina.backend.garbage import count_as_old, uncollected


class Kept:
    pass


@pytest.fixture
def nothing_frozen():
    gc.unfreeze()
    yield
    gc.freeze()  # as the tests have it for speed


def is_young(thing):
    return any(one is thing for one in gc.get_objects(generation=0))


def test_nothing_is_collected_in_the_block_and_all_is_as_before_after_it():
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_what_is_old_can_be_collected_still(nothing_frozen):
    with uncollected():
        one = Kept()
        one.itself = one
        assert is_young(one)
        count_as_old()
        assert not is_young(one)
    assert gc.get_freeze_count() == 0
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None


def test_what_the_program_froze_stays_frozen():
    """In a process of its own: threads of frameworks free things that were frozen meanwhile."""
    program = (
        "import gc; from lamina.backend.garbage import count_as_old; gc.freeze(); "
        "frozen = gc.get_freeze_count(); count_as_old(); "
        "assert gc.get_freeze_count() == frozen > 0"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
