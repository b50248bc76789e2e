"""Seeds: every random number comes from a seed and a counter, and so can be had again."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from lamina import ops
from lamina.backend import current
from lamina.core.context import name_scope
from lamina.core.state import Holder
from lamina.core.variable import Variable
from lamina.symbolic.graph import auto_name
from lamina.symbolic.operators import table
from lamina.symbolic.tensor import KerasTensor, inferring

_MASK = 0xFFFFFFFF


class SeedGenerator(Holder):
    """A stream of keys, each of which is good for one draw of random numbers.

    Its state, a variable of two uint32, is the seed and the number of keys given out; it is
    saved with the layer that holds the generator.

    Args:
        seed: an integer; drawn from Python's `random` where None.
        name: the first part of its state's path; made up where None.

    Example:
        >>> from lamina import ops
        >>> generator = SeedGenerator(7)
        >>> [ops.convert_to_numpy(generator.next()).tolist() for _ in range(2)]
        [[7, 0], [7, 1]]
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise TypeError(f"SeedGenerator has no argument {', '.join(kwargs)}.")
        self.name = auto_name("seed_generator") if name is None else name
        self.seed = make_default_seed() if seed is None else _checked(seed)
        with name_scope(self.name), current().host():
            self.state = Variable(
                _words(self.seed), dtype="uint32", trainable=False, name="seed_generator_state"
            )

    def next(self, ordered: bool = True) -> Any:
        """The next key, a tensor of two uint32; counts it.

        Args:
            ordered: taken for Keras's sake; keys are always given out in order.
        """
        if inferring():
            return KerasTensor((2,), "uint32")
        with current().host():
            # From the new value: what a variable reads as may change when it is assigned.
            return ops.subtract(self.state.assign(ops.add(self.state, _ONE)), _ONE)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes an equal generator from, its counter at 0."""
        return {"seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """The generator that `get_config` described."""
        return cls(**config)


_ONE = np.array([0, 1], np.uint32)
# What draws keys where no seed is given, for each backend that has drawn any.
_defaults: dict[str, SeedGenerator] = {}


def _checked(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ValueError(f"A seed is an integer, a SeedGenerator or None, not {seed!r}.")
    return int(seed)


def _words(seed: int) -> np.ndarray:
    return np.array([seed & _MASK, 0], np.uint32)


def make_default_seed() -> int:
    """A seed from Python's `random`, which `set_random_seed` seeds."""
    return random.randint(1, int(1e9))


def set_random_seed(seed: int) -> None:
    """Make everything random in this process repeatable.

    Seeds Python's `random`, NumPy's, and what Lamina draws where no seed is given: initial
    weights, shuffling, dropout. The same seed gives the same initial weights on every backend.

    Args:
        seed: an integer from 0 to 2^32 - 1.

    Example:
        >>> set_random_seed(1)
        >>> first = make_default_seed()
        >>> set_random_seed(1)
        >>> make_default_seed() == first
        True
    """
    seed = _checked(seed)
    if not 0 <= seed <= _MASK:
        raise ValueError(f"set_random_seed takes an integer from 0 to 2^32 - 1, not {seed}.")
    # First: the import of a framework, on first use, may draw numbers of its own.
    generator = _global_generator(seed)
    random.seed(seed)
    np.random.seed(seed)
    generator.seed = seed
    generator.state.assign(_words(seed))


def get_random_state() -> dict[str, Any]:
    """The states of all that draws random numbers in this process, as plain data and arrays.

    Those are Python's `random`, NumPy's, Lamina's where no seed is given, and the framework's own.

    Example:
        >>> state = get_random_state()
        >>> first = make_default_seed(), float(np.random.random())
        >>> set_random_state(state)
        >>> (make_default_seed(), float(np.random.random())) == first
        True
    """
    version, words, gauss = random.getstate()
    return {
        "python": {"version": version, "words": np.array(words, np.uint32), "gauss": gauss},
        "numpy": np.random.get_state(legacy=False),
        "lamina": _global_generator().state.numpy(),
        "framework": current().random_state(),
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put back what `get_random_state` gave."""
    python = state["python"]
    random.setstate((python["version"], tuple(python["words"].tolist()), python["gauss"]))
    np.random.set_state(state["numpy"])
    _global_generator().state.assign(state["lamina"])
    current().set_random_state(state["framework"])


def _global_generator(seed: int | None = None) -> SeedGenerator:
    """What draws keys where no seed is given."""
    name = current().name
    if name not in _defaults:
        _defaults[name] = SeedGenerator(seed, name="global_seed_generator")
    return _defaults[name]


def draw_seed(seed: int | SeedGenerator | None) -> Any:
    """The key for one draw.

    Args:
        seed: an integer for the same key each time, a generator for its next, None for the
            next of the process.
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        return _global_generator().next()
    words = _words(_checked(seed))
    if inferring():
        return KerasTensor((2,), "uint32")
    with current().host():
        return current().array(words, "uint32")


table["draw_seed"] = draw_seed  # ops that draw are on a floor below, and look it up there


def host_generator(seed: int | SeedGenerator | None) -> np.random.Generator:
    """Random numbers computed by NumPy, and so the same ones on every backend.

    Args:
        seed: an integer for the same numbers each time, a generator for its next key, None for
            a seed drawn from Python's `random`.

    Example:
        >>> int(host_generator(3).integers(100)) == int(host_generator(3).integers(100))
        True
    """
    if seed is None:
        words = _words(make_default_seed())
    elif isinstance(seed, SeedGenerator):
        backend = current()
        with backend.outside_trace():  # a layer may be built while a model is being traced
            words = backend.to_numpy(backend.read(seed.state.handle))
            backend.assign(seed.state.handle, backend.array(words + _ONE, "uint32"))
    else:
        words = _words(_checked(seed))
    return np.random.Generator(np.random.Philox(key=words.astype(np.uint64)))
