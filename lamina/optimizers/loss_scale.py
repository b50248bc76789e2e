"""Loss scaling, which keeps small gradients from vanishing in half precision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lamina import initializers, ops
from lamina.core import registry
from lamina.core.variable import Variable
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, with_gradients
from lamina.optimizers.stages import all_finite


class LossScaleOptimizer(Optimizer):
    """An optimizer whose loss is multiplied by a factor that finds its own size.

    Where all gradients are finite, they are divided by the factor and handed to the inner
    optimizer, and after `dynamic_growth_steps` such steps in a row the factor is doubled. Where
    one is not, the step is left out and the factor is halved.

    Args:
        inner_optimizer: what makes the updates; options such as clipping are set there.
        initial_scale: the factor at first.
        dynamic_growth_steps: the number of good steps after which it grows.
        name: the first part of the paths of its own variables.

    Raises:
        ValueError: if an option of the inner optimizer is given here.

    Example:
        >>> import lamina
        >>> optimizer = LossScaleOptimizer(lamina.optimizers.SGD(1.0), initial_scale=8.0)
        >>> weight = lamina.Variable([1.0])
        >>> optimizer.apply([optimizer.scale_loss(lamina.ops.full((1,), 0.5))], [weight])
        >>> weight.numpy().tolist()
        [0.5]

    Reference:
        Micikevicius et al., 2018, https://arxiv.org/abs/1710.03740
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Files carry the options of every optimizer, at the values that mean nothing.
        given = [key for key, value in kwargs.items() if value and key != "ema_momentum"]
        if given:
            raise ValueError(f"Set {', '.join(given)} on the inner optimizer instead.")
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer: Optimizer = registry.identify("optimizers", inner_optimizer)
        self._trained = self.inner_optimizer._trained
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps

    def build(self, variables: Iterable[Variable]) -> None:
        if self.built:
            return
        self.built = True
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable(
            (), initializers.Constant(self.initial_scale), "float32", name="dynamic_scale"
        )
        self.inner_optimizer.build(variables)

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def scale_loss(self, loss: Tensor) -> Tensor:
        scale = self.dynamic_scale.value if self.built else self.initial_scale
        return loss * ops.cast(scale, loss.dtype) if hasattr(loss, "dtype") else loss * scale

    def check_finite(self, grads: Sequence[Any]) -> Tensor:
        """Whether all gradients are finite: a boolean scalar."""
        return all_finite(grads)

    def apply(self, grads: Iterable[Any], trainable_variables: Any = None) -> None:
        gradients, variables = self._matched(grads, trainable_variables)
        pairs = with_gradients(gradients, variables)
        self.build(variables)
        self.inner_optimizer._know(variables)
        ops.cond(
            self.check_finite([one for one, _ in pairs]),
            lambda: self._finite(pairs),
            self._infinite,
        )

    def _finite(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        scale = self.dynamic_scale.value
        unscaled = [ops.cast(one, "float32") / scale for one, _ in pairs]
        self.inner_optimizer.apply(unscaled, [variable for _, variable in pairs])
        count = self.step_counter.value + 1
        grows = ops.equal(count, self.dynamic_growth_steps)
        self.step_counter.assign(ops.where(grows, 0, count))
        self.dynamic_scale.assign(ops.where(grows, scale * 2.0, scale))

    def _infinite(self) -> None:
        self.step_counter.assign(0)
        self.dynamic_scale.assign(self.dynamic_scale.value / 2.0)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inner_optimizer": registry.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }
