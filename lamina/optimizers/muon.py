"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Unpack

from lamina import ops
from lamina.core.variable import Variable
from lamina.ops.row import Tensor
from lamina.optimizers.moments import bias_correction, moments
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import (
    CommonOptions,
    check_fractions,
    check_number,
    check_pattern,
)


class Muon(Optimizer):
    """Momentum whose step for a matrix is made nearly orthogonal; Adam for everything else.

    m = momentum * m + g, and d = g + momentum * m with nesterov, else d = m. From X = d / norm(d),
    transposed where it is taller than wide, `ns_steps` times A = X Xᵀ and
    X = muon_a * X + (muon_b * A + muon_c * A²) X; then, with n the greater side of the matrix,
    w - learning_rate * rms_rate * sqrt(n) * X. Variables that are no matrix, embeddings and what is
    excluded are updated as by `AdamW`.

    Args:
        learning_rate: a number, a schedule or a function.
        adam_beta_1: `beta_1` of Adam.
        adam_beta_2: `beta_2` of Adam.
        adam_weight_decay: weight decay of the variables that Adam updates; None for none.
        epsilon: of Adam.
        weight_decay: weight decay of the others; None for none.
        exclude_layers: regular expressions; variables in whose path one is found are updated by
            Adam. Best to name the output layer here.
        exclude_embeddings: whether those with "embedding" in their path are, too.
        muon_a: of the iteration.
        muon_b: of the iteration.
        muon_c: of the iteration.
        adam_lr_ratio: the learning rate of Adam as a multiple of `learning_rate`.
        momentum: how much of the last step goes on.
        ns_steps: the number of iterations.
        nesterov: whether the gradient is taken as that of the point ahead.
        rms_rate: the size of a step's elements, near that of Adam at 0.2; None for no scaling.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([[1.0, 0.0], [0.0, 1.0]])
        >>> optimizer = Muon(0.5, weight_decay=None, rms_rate=None, ns_steps=30, muon_a=1.5,
        ...                  muon_b=-0.5, muon_c=0.0)
        >>> optimizer.apply([lamina.ops.array([[4.0, 0.0], [0.0, 1.0]])], [weight])
        >>> weight.numpy().round(3).tolist()
        [[0.5, 0.0], [0.0, 0.5]]

    Reference:
        Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/; rms_rate: Liu et al.,
        2025, https://arxiv.org/abs/2502.16982
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Unpack[CommonOptions],
    ) -> None:
        check_fractions(adam_beta_1=adam_beta_1, adam_beta_2=adam_beta_2, momentum=momentum)
        check_number("adam_weight_decay", adam_weight_decay or 0.0)
        check_number("ns_steps", ns_steps)
        given = [exclude_layers] if isinstance(exclude_layers, str) else exclude_layers or []
        self.exclude_layers = [check_pattern("exclude_layers", one) for one in given]
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def make_slot(self, variable: Variable, name: str) -> Variable | None:
        if name == "velocity" and not self._is_for_adam(variable):
            return None
        return self.add_variable_from_reference(variable, name)

    def _is_for_adam(self, variable: Variable) -> bool:
        path = variable.path
        embedding = self.exclude_embeddings and "embedding" in path.lower()
        return (
            len(variable.shape) != 2
            or embedding
            or any(re.search(one, path) for one in self.exclude_layers)
        )

    def _by_adam(self, variable: Variable) -> bool:
        return variable.handle in self._slots.get("velocity", {})

    def _take_decay(self, variables: list[Variable], rate: Tensor) -> None:
        super()._take_decay([one for one in variables if not self._by_adam(one)], rate)
        by_adam = [one for one in variables if self._by_adam(one) and self._decays(one)]
        if self.adam_weight_decay is not None:
            self._update_by(self._decay_by_adam, [(None, one) for one in by_adam], rate)

    def _decay_by_adam(
        self, gradient: None, parameter: Tensor, slots: Slots, learning_rate: Tensor, step: Tensor
    ) -> tuple[Tensor, Slots]:
        return parameter - parameter * (self.adam_weight_decay * learning_rate), {}

    def _update_together(self, pairs: list[tuple[Tensor, Variable]], rate: Tensor) -> None:
        by_adam = [pair for pair in pairs if self._by_adam(pair[1])]
        self._update_by(self.update, [one for one in pairs if not self._by_adam(one[1])], rate)
        self._update_by(self._update_by_adam, by_adam, rate * self.adam_lr_ratio)

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        mean = self.momentum * slots["momentum"] + gradient
        ahead = gradient + self.momentum * mean if self.nesterov else mean
        change = self.lr_adjust(self.zeropower_via_newtonschulz5(ahead, self.ns_steps))
        return parameter - learning_rate * change, {"momentum": mean}

    def zeropower_via_newtonschulz5(self, x: Tensor, steps: int) -> Tensor:
        """A matrix near U Vᵀ for one that is U S Vᵀ, by the iteration of Newton and Schulz.

        Args:
            x: a matrix, or a stack of them.
            steps: the number of iterations.
        """
        tall = x.shape[-2] > x.shape[-1]
        matrix = self.transpose_last_axis(x) if tall else x
        norm = ops.sqrt(ops.sum(ops.square(matrix), axis=(-2, -1), keepdims=True))
        matrix = matrix / (norm + 1e-7)
        for _ in range(steps):
            square = ops.matmul(matrix, self.transpose_last_axis(matrix))
            factor = self.muon_b * square + self.muon_c * ops.matmul(square, square)
            matrix = self.muon_a * matrix + ops.matmul(factor, matrix)
        return self.transpose_last_axis(matrix) if tall else matrix

    def transpose_last_axis(self, X: Tensor) -> Tensor:
        """`X` with its last two axes exchanged."""
        return ops.swapaxes(X, -1, -2)

    def lr_adjust(self, x: Tensor) -> Tensor:
        """A step of a matrix made about as large as one of Adam: x * rms_rate * sqrt(n).

        Args:
            x: the step; n is the greater side of the matrix.
        """
        if self.rms_rate is None:
            return x
        return x * (self.rms_rate * math.sqrt(max(x.shape[0], x.shape[1])))

    def _update_by_adam(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        new = moments(gradient, slots, self.adam_beta_1, self.adam_beta_2)
        rate = learning_rate * bias_correction(self.adam_beta_1, self.adam_beta_2, step)
        change = rate * new["momentum"] / (ops.sqrt(new["velocity"]) + self.epsilon)
        return parameter - change, new
