"""A layer whose weights never stretch a vector by more than 1."""

from __future__ import annotations

from typing import Any

from lamina import initializers, ops
from lamina.core.variable import Variable
from lamina.layers.checks import positive
from lamina.layers.wrappers import Wrapper
from lamina.ops.row import Tensor, TensorLike


class SpectralNormalization(Wrapper):
    """Divides the weights of a layer by their largest singular value, at each step of training.

    With W the kernel as a matrix of `(all other axes, last axis)`, each call in training does

        v = u Wᵀ / ‖u Wᵀ‖,  u = v W / ‖v W‖,  W = W / (v W uᵀ)

    where the first two, a step of the power iteration, bring v W uᵀ nearer to the singular value.
    It keeps the discriminator of a generative adversarial network smooth.

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: how many steps of the power iteration a call does.

    Example:
        >>> from lamina import layers, ops
        >>> layer = layers.SpectralNormalization(layers.Dense(3), power_iterations=20)
        >>> _ = layer(ops.ones((1, 4)), training=True)
        >>> values = ops.svd(layer.layer.kernel, compute_uv=False)
        >>> round(float(ops.max(values)), 3)
        1.0

    Reference:
        Miyato et al., 2018, https://arxiv.org/abs/1802.05957
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive("power_iterations", power_iterations)

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        # An attribute, and so the first of the weights, as Keras has them.
        self.kernel = self._weight()
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]),
            initializers.TruncatedNormal(stddev=0.02),
            dtype=self.kernel.dtype,
            trainable=False,
            name="vector_u",
        )

    def _weight(self) -> Variable:
        for name in ("kernel", "embeddings"):
            found = getattr(self.layer, name, None)
            if isinstance(found, Variable):
                return found
        raise ValueError(
            f"SpectralNormalization takes a layer with a variable `kernel` or `embeddings` to "
            f"divide, such as Dense(32), and {type(self.layer).__name__} has none."
        )

    def call(self, inputs: TensorLike, training: bool = False) -> Any:
        if training:
            vector, kernel = self.normalized_weights()
            self.vector_u.assign(vector)
            self.kernel.assign(kernel)
        return self.layer(inputs)

    def normalized_weights(self) -> tuple[Tensor, Tensor]:
        """The next `vector_u`, and the weights divided by their largest singular value."""
        weight = ops.convert_to_tensor(self.kernel)
        matrix = ops.reshape(weight, (-1, weight.shape[-1]))
        u = ops.convert_to_tensor(self.vector_u)
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(matrix)), axis=None)
            u = ops.normalize(ops.matmul(v, matrix), axis=None)
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
        return u, ops.divide(weight, ops.reshape(sigma, ()))
