"""The names of Keras 2's optimizers, which Keras 3 has for nothing but an error that says so."""

from typing import Any


class _Legacy:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        raise ImportError(
            f"keras.optimizers.legacy.{name} was Keras 2's, and is not in Keras 3: use "
            f"keras.optimizers.{name} instead."
        )


class Adagrad(_Legacy):
    """Refused: use `lamina.optimizers.Adagrad`."""


class Adam(_Legacy):
    """Refused: use `lamina.optimizers.Adam`."""


class Ftrl(_Legacy):
    """Refused: use `lamina.optimizers.Ftrl`."""


class Optimizer(_Legacy):
    """Refused: use `lamina.optimizers.Optimizer`."""


class RMSprop(_Legacy):
    """Refused: use `lamina.optimizers.RMSprop`."""


class SGD(_Legacy):
    """Refused: use `lamina.optimizers.SGD`."""
