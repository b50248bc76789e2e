"""Strategies that families of layers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.agreement.case import Strategy

of = st.sampled_from
BOOL = st.booleans()
SMALL = st.integers(1, 3)
FACTOR = of([0.5, 0.1, 1.5, 0.0])
RATE = of([0.5, 0.2, 0.0])
FORMAT = of(["channels_first", "channels_last"])
PADDING = of(["valid", "same"])
ACTIVATION = of(["relu", "tanh", "softmax", "gelu", None])
GATE = of(["sigmoid", "hard_sigmoid", "relu"])
INITIALIZER = of(["ones", "zeros", "he_normal", "orthogonal"])
PLAIN_INITIALIZER = of(["ones", "zeros", "random_normal"])
REGULARIZER = of(["l2", "l1", "L1L2", None])
CONSTRAINT = of(["non_neg", "unit_norm", "max_norm", None])


def weight(name: str, initializer: Strategy[Any] = PLAIN_INITIALIZER) -> dict[str, Strategy[Any]]:
    """What a layer takes for each weight: how it starts, what it costs, what it may be."""
    return {
        f"{name}_initializer": initializer,
        f"{name}_regularizer": REGULARIZER,
        f"{name}_constraint": CONSTRAINT,
    }


def affine(kernel: str = "kernel") -> dict[str, Strategy[Any]]:
    """What layers with a kernel, a bias and an activation take."""
    return {
        "activation": ACTIVATION,
        "use_bias": BOOL,
        "activity_regularizer": REGULARIZER,
        **weight(kernel),
        **weight("bias"),
    }


def each_axis(rank: int, one: Strategy[Any] = SMALL) -> Strategy[Any]:
    """A number for all of the axes, or a tuple of one for each."""
    return one | st.tuples(*[one] * rank)


def images(
    rank: int, sizes: tuple[int, ...] = (6, 7), channels: tuple[int, ...] = (4, 2)
) -> Callable[[dict[str, Any]], Strategy[Any]]:
    """Shapes of `rank` axes of space, with channels where the arguments' `data_format` says."""

    def shapes(arguments: dict[str, Any]) -> Strategy[Any]:
        space, last = st.tuples(*[of(sizes)] * rank), of(channels)
        first = arguments.get("data_format") == "channels_first"
        return st.tuples(space, last).map(
            lambda both: (2, both[1], *both[0]) if first else (2, *both[0], both[1])
        )

    return shapes


def fixed(*shapes: Any) -> dict[str, Strategy[Any]]:
    """A call on one of some shapes."""
    return {"shape": of(list(shapes))}
