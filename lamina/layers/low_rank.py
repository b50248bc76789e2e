"""Low-rank adaptation: a weight that rests, and a product of two thin ones that learns."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lamina import ops
from lamina.core.layer import Layer
from lamina.core.variable import Variable
from lamina.layers.checks import positive
from lamina.ops.row import Tensor
from lamina.symbolic.operators import Operators


class BuiltWeight:
    """A weight that `build` makes, named on the class; the instance's attribute hides this one.

    Example:
        >>> from lamina import layers
        >>> layer = layers.Dense(4)
        >>> hasattr(layer, "kernel")
        False
        >>> layer.build((None, 3))
        >>> layer.kernel.shape
        (3, 4)
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        raise AttributeError(
            f"{owner.__name__} {instance.name!r} has no {self.name} before it is built: call it, "
            "or build it."
        )


class LowRankLayer(Layer):
    """A layer one of whose weights can be adapted.

    adapted = weight + lora_alpha / lora_rank * (a · b), of which only a and b are trained. As b
    begins with zeros, the layer computes at first what it did before. A file holds the sum in the
    weight's place, and neither a nor b; loading sets b to zeros.

    Unlike in Keras, a `lora_alpha` given to the constructor holds, and is not replaced by
    `lora_rank`; and loading leaves a as it is, where Keras sets it to zeros too: with both zero
    neither would have a gradient.

    Reference:
        Hu et al., 2021, https://arxiv.org/abs/2106.09685
    """

    adapted: ClassVar[str] = "kernel"
    lora_enabled: bool = False
    lora_rank: int | None
    lora_alpha: float | None

    def _start_lora(self, rank: int | None, alpha: float | None) -> None:
        """Note in the constructor what `_adapt_as_asked`, in `build`, is to do."""
        self.lora_rank = positive("lora_rank", rank) if rank else None
        self.lora_alpha = alpha

    def _adapt_as_asked(self) -> None:
        if self.lora_rank is not None:
            self._adapt(self.lora_rank, self.lora_alpha)

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freeze the kernel (of `Embedding`, the embeddings), and train a low-rank addition to it.

        Args:
            rank: the size that a and b share.
            lora_alpha: the addition is `lora_alpha / rank * (a · b)`; `rank` where None.
            a_initializer: for a, of the weight's shape with `rank` as its last size.
            b_initializer: for b, `(rank, last size of the weight)`.

        Raises:
            ValueError: if the layer is not built, is adapted already, or constrains the weight.

        Example:
            >>> from lamina import layers
            >>> layer = layers.Dense(4)
            >>> layer.build((None, 3))
            >>> layer.enable_lora(2)
            >>> [variable.name for variable in layer.trainable_variables]
            ['bias', 'lora_kernel_a', 'lora_kernel_b']

        Reference:
            Hu et al., 2021, https://arxiv.org/abs/2106.09685
        """
        if not self.built:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has no {self.adapted} to adapt yet: call it, "
                "or build it, before enable_lora; or make it with lora_rank=…."
            )
        self._adapt(positive("rank", rank), lora_alpha, a_initializer, b_initializer)

    def _adapt(
        self,
        rank: int,
        alpha: float | None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        name = self.adapted
        if getattr(self, f"{name}_constraint") is not None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} projects its {name} after each step, which "
                f"low-rank adaptation does not train. Make it without {name}_constraint."
            )
        if self.lora_enabled:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} is adapted already, with "
                f"lora_rank={self.lora_rank}; enable_lora can be called once."
            )
        weight: Variable = getattr(self, name)

        def thin(part: str, shape: tuple[int, ...], initializer: Any) -> Variable:
            penalty, label = getattr(self, f"{name}_regularizer"), f"lora_{name}_{part}"
            made = self.add_weight(shape, initializer, regularizer=penalty, name=label)
            setattr(self, label, made)
            return made

        a = thin("a", (*weight.shape[:-1], rank), a_initializer)
        b = thin("b", (rank, weight.shape[-1]), b_initializer)
        weight.trainable = False
        self.lora_enabled = True
        self.lora_rank = rank
        self.lora_alpha = rank if alpha is None else alpha
        setattr(self, name, LowRankSum(weight, a, b, self.lora_alpha / rank))

    def _stored_variables(self) -> list[Variable]:
        thin = {id(one) for one in self._thin()}
        return [one for one in super()._stored_variables() if id(one) not in thin]

    def _thin(self) -> tuple[Variable, ...]:
        found = getattr(self, self.adapted, None)
        return (found.a, found.b) if isinstance(found, LowRankSum) else ()

    def _after_loading(self) -> None:
        for b in self._thin()[1:]:
            b.assign(np.zeros(b.shape))

    def save_own_variables(self, store: Any) -> None:
        """Put the layer's variables into `store`, in the weight's place its sum with a · b."""
        super().save_own_variables(store)
        found = getattr(self, self.adapted, None)
        if isinstance(found, LowRankSum):
            place = next(i for i, v in enumerate(self._stored_variables()) if v is found.weight)
            store[str(place)] = found.numpy()

    def recorded_config(self) -> dict[str, Any]:
        config = super().recorded_config()
        asked = {name: config.pop(name, None) for name in ("lora_rank", "lora_alpha")}
        if self.lora_rank is None:
            return config
        return {**config, **asked, "lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}


class LowRankSum(Operators):
    """weight + scale * (a · b): what a layer computes with in the place of the weight.

    Args:
        weight: of any rank.
        a: of the same shape but for its last size, the rank.
        b: `(rank, last size of the weight)`.
        scale: a number.
    """

    def __init__(self, weight: Variable, a: Variable, b: Variable, scale: float) -> None:
        self.weight, self.a, self.b, self.scale = weight, a, b, scale

    @property
    def value(self) -> Tensor:
        """The sum, as a tensor of the backend."""
        return ops.add(self.weight, ops.multiply(ops.matmul(self.a, self.b), self.scale))

    def rows(self, indices: Tensor) -> Tensor:
        """`take(value, indices, axis=0)`, without the sum for all the other rows."""
        weight, a = (ops.take(one.value, indices, axis=0) for one in (self.weight, self.a))
        return ops.add(weight, ops.multiply(ops.matmul(a, self.b), self.scale))

    @property
    def shape(self) -> tuple[int, ...]:
        """The weight's shape."""
        return self.weight.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.weight.ndim

    @property
    def dtype(self) -> str:
        """The weight's element type."""
        return self.weight.dtype

    def numpy(self) -> np.ndarray:
        """The sum as a NumPy array of its own."""
        return ops.convert_to_numpy(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype=dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<LowRankSum of {self.weight.path}, rank={self.b.shape[0]}, shape={self.shape}>"
