"""The optimizer: its state, and the stages that every update goes through."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

from lamina import ops
from lamina.backend import current
from lamina.backend.session import guard, new_token
from lamina.core import registry
from lamina.core.named import Named
from lamina.core.variable import Variable
from lamina.ops.row import Tensor
from lamina.optimizers.stages import OPTION_NAMES, Clipping, check_number, check_pattern
from lamina.optimizers.state import OptimizerState
from lamina.symbolic.graph import auto_name, to_snake_case

Slots = Mapping[str, Tensor]


class Optimizer(Named, OptimizerState):
    """How gradients become new values of variables.

    A subclass says which slots it keeps for each variable (`slot_groups`) and how one array is
    updated (`update`). Everything else is here, in this order: unscaling, accumulation, clipping,
    weight decay, the update, averaging, constraints. A subclass in the Keras way, with `build` and
    `update_step(self, gradient, variable, learning_rate)`, works as well.

    Args:
        learning_rate: a number of at least 0, a schedule, or a function of no argument.
        weight_decay: fraction of each variable, times the learning rate, that an update takes off.
        clipnorm: the greatest norm of each gradient; longer ones are shortened.
        clipvalue: the greatest absolute value in a gradient.
        global_clipnorm: the greatest norm of all gradients taken together.
        use_ema: whether to keep an exponential moving average of each variable, which training
            puts in the variables' place when it ends.
        ema_momentum: how much of the average each step keeps, from 0 to 1.
        ema_overwrite_frequency: put the averages in the variables' place every so many updates.
        loss_scale_factor: a fixed factor that `scale_loss` multiplies the loss by and the update
            divides the gradients by, against underflow in half precision.
        gradient_accumulation_steps: update once in so many steps, at least 2, with the mean of
            their gradients.
        name: the first part of the variables' paths; made from the class's name where None.

    Raises:
        ValueError: if an option is not a number in its range, or two ways of clipping are set.

    Example:
        >>> import lamina
        >>> class Descent(Optimizer):
        ...     def update(self, gradient, parameter, slots, learning_rate, step):
        ...         return parameter - learning_rate * gradient, {}
        >>> weight = lamina.Variable([1.0, 2.0])
        >>> Descent(0.5).apply([lamina.ops.ones(2)], [weight])
        >>> weight.numpy().tolist()
        [0.5, 1.5]
    """

    slot: ClassVar[str] = "optimizers"
    bookkeeping: ClassVar[frozenset[str]] = frozenset(
        {"_arguments", "_trained", "_undecayed", "_memos"}
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("lamina."):
            registry.enter(cls.slot, cls, cls.__name__.lower())

    # What the backend keeps of each formula, by its name and whether it is run on half floats.
    _memos: dict[tuple[str, str], dict[str, Any]]

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        learning_rate = kwargs.pop("lr", learning_rate)
        if kwargs.pop("decay", None):
            warnings.warn("decay= is ignored; pass a schedule as learning_rate.", stacklevel=2)
        if kwargs:
            raise ValueError(f"{type(self).__name__} has no argument {', '.join(kwargs)}.")
        self._clip = Clipping(clipnorm, clipvalue, global_clipnorm)
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.weight_decay = weight_decay
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps or None
        self._check_options()
        self.name = auto_name(to_snake_case(type(self).__name__)) if name is None else name
        self.built = False
        self._start_state(learning_rate)
        self._trained: list[Variable] = []
        # By the handles of variables, which copies and pickles of an optimizer keep apart.
        self._undecayed: tuple[set[Any], tuple[str, ...]] = (set(), ())
        self._slots: dict[str, dict[Any, Variable]] = {}
        self._slot_handles: dict[Any, dict[str, Any]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        # What the backend noted of the formulas held with the old value.
        vars(self).setdefault("_memos", {}).clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_memos": {}}

    def _check_options(self) -> None:
        check_number("ema_momentum", self.ema_momentum, 0.0, 1.0)
        for name, least in (
            ("weight_decay", 0.0),
            ("loss_scale_factor", 1e-30),
            ("ema_overwrite_frequency", 1),
            ("gradient_accumulation_steps", 2),
        ):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), least)

    # What a subclass says ------------------------------------------------------------------

    def slot_groups(self) -> list[tuple[str, ...]]:
        """The names of what is kept for each variable.

        Slots of one group stand together in `variables`, a variable at a time, as in files.
        """
        return []

    def make_slot(self, variable: Variable, name: str) -> Variable | None:
        """Make the slot `name` of a variable; None where this variable has none of that name."""
        return self.add_variable_from_reference(variable, name)

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        """The new value of one variable and of its slots: a pure function.

        Args:
            gradient: of the loss with respect to the parameter, of its shape and type.
            parameter: the variable's value.
            slots: its slots' values by name.
            learning_rate: a float32 scalar.
            step: the number of this update, from 1, a float32 scalar.
        """
        raise TypeError(
            f"{type(self).__name__} needs a method `update(self, gradient, parameter, slots, "
            "learning_rate, step)` or `update_step(self, gradient, variable, learning_rate)`."
        )

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Update `variable` and its slots in place, by `update`."""
        self._update_together([(gradient, variable)], learning_rate)

    # State ---------------------------------------------------------------------------------

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the slots for these variables; does nothing the second time."""
        if not self.built:
            self.built = True
            self._extend(list(variables))

    def _extend(self, variables: list[Variable]) -> None:
        groups = [("average",)] if self.use_ema else []
        groups += [("gradient_accumulator",)] if self.gradient_accumulation_steps else []
        self._trained += variables
        for group in (*groups, *self.slot_groups()):
            for variable in variables:
                for name in () if variable.overwrite_with_gradient else group:
                    own = self._is_own(name)
                    make = self.make_slot if own else self.add_variable_from_reference
                    slot = make(variable, name)
                    if slot is not None:
                        self._slots.setdefault(name, {})[variable.handle] = slot

        kept = {name: held for name, held in self._slots.items() if self._is_own(name)}
        for variable in variables:
            held = {name: slots.get(variable.handle) for name, slots in kept.items()}
            self._slot_handles[variable.handle] = {
                name: slot.handle for name, slot in held.items() if slot is not None
            }

    def _is_own(self, name: str) -> bool:
        return name not in ("average", "gradient_accumulator")

    def _get_variable_index(self, variable: Variable) -> int:
        """The place of `variable` among those built for: Keras subclasses ask for it."""
        return next(i for i, one in enumerate(self._trained) if one is variable)

    # Updates -------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """`apply` for pairs of a gradient and its variable; returns the iterations."""
        pairs = list(grads_and_vars)
        self.apply([one for one, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def apply(self, grads: Iterable[Any], trainable_variables: Any = None) -> None:
        """Update the variables by their gradients.

        Args:
            grads: a gradient for each variable; None where the loss does not depend on it: these
                are left alone, with a warning.
            trainable_variables: the variables; those that the optimizer was built for where None.
                Variables that it has not seen get slots. Those whose `trainable` is False by now
                are left alone.

        Raises:
            ValueError: if the numbers of gradients and variables differ, or all gradients are
                None.
        """
        gradients, variables = self._matched(grads, trainable_variables)
        pairs = with_gradients(gradients, variables)
        self._know(variables)
        with current().without_gradients():
            self._apply([(one, variable) for one, variable in pairs if variable.trainable])

    def _matched(self, grads: Iterable[Any], variables: Any) -> tuple[list[Any], list[Variable]]:
        if variables is None and not self.built:
            raise ValueError(
                f"Optimizer {self.name!r} does not know its variables yet: pass them as "
                "trainable_variables, or call build(variables) first."
            )
        gradients = [None if one is None else ops.convert_to_tensor(one) for one in grads]
        variables = list(self._trained if variables is None else variables)
        if len(gradients) != len(variables):
            raise ValueError(
                f"Optimizer {self.name!r} was given {len(gradients)} gradients for "
                f"{len(variables)} variables. Nothing was changed."
            )
        return gradients, variables

    def _know(self, variables: list[Variable]) -> None:
        self.build(variables)
        known = {id(variable) for variable in self._trained}
        new = [variable for variable in variables if id(variable) not in known]
        if new and type(self).build is not Optimizer.build:
            raise ValueError(
                f"Optimizer {self.name!r} was built without the variable {new[0].path!r}, and "
                f"{type(self).__name__}.build makes slots only once. Make a new optimizer after "
                "unfreezing variables, or build it with all of them. Nothing was changed."
            )
        if new:
            self._extend(new)

    def _apply(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        for gradient, variable in pairs:
            if variable.overwrite_with_gradient:
                variable.assign(gradient)
        pairs = self._unscaled([pair for pair in pairs if not pair[1].overwrite_with_gradient])
        steps = self.gradient_accumulation_steps
        if not pairs:
            pass
        elif steps is None:
            self._update(pairs)
        else:
            last = ops.equal(ops.mod(self._iterations + 1, steps), 0)
            ops.cond(last, lambda: self._update_accumulated(pairs), lambda: self._keep(pairs))
        variables = [variable for _, variable in pairs]
        if self.use_ema:
            self._average(variables)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign_add(1)

    def _unscaled(self, pairs: list[tuple[Tensor, Variable]]) -> list[tuple[Tensor, Variable]]:
        factor = self.loss_scale_factor
        if factor is None:
            return pairs
        return [(ops.divide(gradient, factor), variable) for gradient, variable in pairs]

    def _keep(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        for gradient, variable in pairs:
            self._slots["gradient_accumulator"][variable.handle].assign_add(gradient)

    def _update_accumulated(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        means = []
        for gradient, variable in pairs:
            kept = self._slots["gradient_accumulator"][variable.handle]
            total = kept.value + ops.cast(gradient, kept.dtype)
            means.append((total / self.gradient_accumulation_steps, variable))
            kept.assign(ops.zeros_like(total))
        self._update(means)

    def _update(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        rate = ops.cast(self.learning_rate, "float32")
        gradients = self._clip([gradient for gradient, _ in pairs])
        pairs = [(one, variable) for one, (_, variable) in zip(gradients, pairs, strict=True)]
        self._take_decay([variable for _, variable in pairs], rate)
        if type(self).update_step is Optimizer.update_step:
            self._update_together(pairs, rate)
        else:
            for gradient, variable in pairs:
                self.update_step(gradient, variable, rate)

    def _take_decay(self, variables: list[Variable], rate: Tensor) -> None:
        """Take weight decay off the variables that are not excluded from it."""
        if self.weight_decay is not None:
            self._update_by(self._decay, [(None, v) for v in variables if self._decays(v)], rate)

    def _decay(
        self, gradient: None, parameter: Tensor, slots: Slots, learning_rate: Tensor, step: Tensor
    ) -> tuple[Tensor, Slots]:
        return parameter - parameter * (self.weight_decay * learning_rate), {}

    def _update_together(self, pairs: list[tuple[Tensor, Variable]], rate: Tensor) -> None:
        """Update the variables by their formula: `update`, unless a subclass has several."""
        self._update_by(self.update, pairs, rate)

    def _update_by(
        self,
        update: Callable[..., tuple[Tensor, Slots]],
        pairs: list[tuple[Tensor | None, Variable]],
        rate: Tensor,
        *shared: Tensor,
    ) -> None:
        """Put in place what `update` makes of each gradient, variable and its slots.

        Args:
            update: the formula.
            pairs: gradients and variables.
            rate: the learning rate.
            *shared: scalars that the formula takes after the step.
        """
        rows: dict[str, list[Any]] = {}
        type_of = current().dtype
        for gradient, variable in pairs:
            kind = variable.dtype
            slots: dict[str, Any] = {}
            if gradient is not None:
                gradient = gradient if type_of(gradient) == kind else ops.cast(gradient, kind)
                slots = self._slot_handles[variable.handle]
            rows.setdefault(kind, []).append((gradient, variable.handle, slots))
        step = ops.cast(self.iterations + 1, "float32")
        for kind, alike in rows.items():
            half = kind in ("float16", "bfloat16")
            given = (ops.cast(one, "float32" if half else kind) for one in (rate, step, *shared))
            memo = self._memos.setdefault((update.__name__, kind), {})
            current().update_all(_widened(update) if half else update, alike, memo, *given)

    def _average(self, variables: list[Variable]) -> None:
        # The first update's values are the first averages.
        started = ops.cast(ops.not_equal(self.iterations, 0), "float32")
        momentum = started * self.ema_momentum
        for variable in variables:
            average = self._slots["average"][variable.handle]
            average.assign(momentum * average.value + (1.0 - momentum) * variable.value)
            if self.ema_overwrite_frequency:
                now = ops.equal(ops.mod(self.iterations + 1, self.ema_overwrite_frequency), 0)
                variable.assign(ops.where(now, average.value, variable.value))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Put the averages, where they are kept, in the place of the variables' values."""
        averages = self._slots.get("average", {})
        for variable in var_list:
            if variable.handle in averages:
                variable.assign(averages[variable.handle].value)

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss to differentiate: multiplied by `loss_scale_factor`, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Keep weight decay away from these variables, and from no others.

        Args:
            var_list: these variables.
            var_names: regular expressions; those in whose name, the last part of the path, one of
                these is found.

        Raises:
            ValueError: if `var_list` holds anything but variables, or a pattern is none.
        """
        variables = list(var_list or ())
        wrong = next((one for one in variables if not isinstance(one, Variable)), None)
        if wrong is not None:
            raise ValueError(
                f"var_list holds variables, and {wrong!r} is none: name variables in var_names."
            )
        names = [var_names] if isinstance(var_names, str) else var_names or ()
        patterns = tuple(check_pattern("var_names", name) for name in names)
        self._undecayed = ({one.handle for one in variables}, patterns)
        guard.flip(new_token())  # compiled steps hold the old answer

    def _decays(self, variable: Variable) -> bool:
        handles, patterns = self._undecayed
        named = any(re.search(pattern, variable.name) for pattern in patterns)
        return not named and variable.handle not in handles

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The values that `apply` would give, computed without changing anything.

        Args:
            optimizer_variables: values in the order of `variables`.
            grads: gradients.
            trainable_variables: values of the variables that the optimizer was built for.

        Returns:
            The new values of the trainable variables, and those of the optimizer's.
        """
        own, trained = self.variables, list(self._trained)
        if not self.built:
            raise ValueError(f"Call build(variables) of optimizer {self.name!r} first.")
        if (len(own), len(trained)) != (len(optimizer_variables), len(trainable_variables)):
            raise ValueError(
                f"Optimizer {self.name!r} has {len(own)} variables for {len(trained)} trainable "
                f"ones, and stateless_apply was given {len(optimizer_variables)} and "
                f"{len(trainable_variables)} values."
            )
        handles = [variable.handle for variable in (*trained, *own)]
        values = map(ops.convert_to_tensor, (*trainable_variables, *optimizer_variables))
        with current().substitute(handles, list(values)) as value_of:
            self.apply(grads, trained)
            return (
                [value_of(variable.handle) for variable in trained],
                [value_of(variable.handle) for variable in own],
            )

    # Configs -------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        own = super().get_config()
        held = self._learning_rate
        rate = float(held) if isinstance(held, Variable) else registry.serialize(held)
        options = {name: getattr(self, name) for name in OPTION_NAMES}
        own = {name: value for name, value in own.items() if name not in ("lr", "decay")}
        return {**own, **options, "name": self.name, "learning_rate": rate}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """The optimizer that `get_config` described, without its variables' values."""
        with registry.CustomObjectScope(custom_objects):
            return cls(**config)


def _widened(update: Callable[..., tuple[Tensor, Slots]]) -> Callable[..., tuple[Tensor, Slots]]:
    """`update` computed in float32: half precision loses what a small step adds to a value."""

    def run(
        gradient: Tensor | None, parameter: Tensor, slots: Slots, *shared: Tensor
    ) -> tuple[Tensor, Slots]:
        kind = parameter.dtype
        wide = {name: ops.cast(slot, "float32") for name, slot in slots.items()}
        gradient = None if gradient is None else ops.cast(gradient, "float32")
        new, changed = update(gradient, ops.cast(parameter, "float32"), wide, *shared)
        kinds = {name: slots[name].dtype for name in changed}
        narrow = {name: ops.cast(value, kinds[name]) for name, value in changed.items()}
        return ops.cast(new, kind), narrow

    return run


def with_gradients(gradients: list[Any], variables: list[Variable]) -> list[tuple[Any, Variable]]:
    """The pairs that have a gradient; warns of the others, and refuses if there is no other."""
    pairs = list(zip(gradients, variables, strict=True))
    without = [variable.path for gradient, variable in pairs if gradient is None]
    if pairs and len(without) == len(pairs):
        raise ValueError(
            "No gradients: the loss depends on none of the variables "
            f"{', '.join(without[:5])}. Check that the loss is computed from the model's outputs."
        )
    if without:
        warnings.warn(
            f"The loss does not depend on {len(without)} of {len(pairs)} variables, which are "
            f"left as they are: {', '.join(without[:10])}.",
            stacklevel=4,
        )
    return [(gradient, variable) for gradient, variable in pairs if gradient is not None]
