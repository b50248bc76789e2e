"""The loss: a number for each sample, and how these become one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from lamina import ops
from lamina.backend import floatx
from lamina.core import policy as policies
from lamina.core import registry
from lamina.core.arguments import Recorded, signature
from lamina.core.context import get_mask
from lamina.losses.formula import constructor, describe_function, find_function
from lamina.losses.shaping import align, fit_weights
from lamina.symbolic.graph import auto_name, to_snake_case
from lamina.symbolic.tensor import leaves, map_leaves

Tensor = Any
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss(Recorded):
    """What training makes small.

    Subclasses define `call(y_true, y_pred)`, which returns a loss for each sample.

    Args:
        name: its name; made from the class's name where None.
        reduction: what becomes of the samples' losses: `"sum_over_batch_size"` and `"mean"`
            divide their sum by their number, `"mean_with_sample_weight"` by the sum of the
            weights, `"sum"` adds them up, `"none"` leaves them as they are.
        dtype: the type computed in, or a dtype policy; `floatx` where None.

    Example:
        >>> class Absolute(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean(ops.absolute(y_true - y_pred), axis=-1)
        >>> float(Absolute(reduction="sum")([[1.0], [2.0]], [[2.0], [4.0]]))
        3.0
    """

    slot: ClassVar[str] = "losses"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        registry.enter_class(cls.slot, cls)

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"A reduction is one of {REDUCTIONS}, not {reduction!r}.")
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.reduction = reduction
        self._dtype = floatx() if dtype is None else policies.get(dtype).compute_dtype

    @property
    def dtype(self) -> str:
        """The type computed in."""
        return self._dtype

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The loss of each sample. Every loss says how."""
        raise NotImplementedError(
            f"The loss {type(self).__name__} has no `call` method. Define "
            "`def call(self, y_true, y_pred)` that returns a loss for each sample."
        )

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        mask = None if isinstance(y_pred, (list, tuple, dict)) else get_mask(y_pred)
        y_pred = _tensors(y_pred, self.dtype)
        y_true = _tensors(y_true, self._target_dtype())
        losses = self.call(y_true, y_pred)
        own = get_mask(losses)  # of classes to be ignored
        if own is not None:
            mask = own if mask is None else ops.logical_and(mask, own)
        return reduce_losses(losses, sample_weight, mask, self.reduction, self.dtype)

    def _target_dtype(self) -> str | None:
        return self.dtype

    def get_config(self) -> dict[str, Any]:
        """What makes an equal loss through `from_config`."""
        config = config_of(self, "name", "reduction")
        if config.get("dtype") is None:
            config.pop("dtype", None)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """The loss that `get_config` described."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss from a function.

    Args:
        fn: a function of `y_true`, `y_pred` and `kwargs`, or the name of one of ours, that
            returns a loss for each sample.
        reduction: see `Loss`.
        name: its name; made from the class's name where None.
        dtype: see `Loss`.
        **kwargs: handed to `fn`.

    Example:
        >>> loss = LossFunctionWrapper(lambda y_true, y_pred: ops.square(y_true - y_pred))
        >>> float(loss([1.0, 2.0], [1.0, 4.0]))
        2.0
    """

    def __init__(
        self,
        fn: Any,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn: Callable[..., Any] = find_function(fn)
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        if not (self._takes_classes or isinstance(y_pred, (list, tuple, dict))):
            y_true, y_pred = align(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    @property
    def _takes_classes(self) -> bool:
        return getattr(self.fn, "takes_classes", False)

    def _target_dtype(self) -> str | None:
        # Half-width floats cannot count classes.
        return None if self._takes_classes else self.dtype


class _FormulaLoss(LossFunctionWrapper):
    """A loss whose formula is named in the class statement."""

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init_subclass__(
        cls,
        formula: Callable[..., Any] | None = None,
        order: str = "... reduction name dtype",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if formula is not None:
            name = name or to_snake_case(cls.__name__)
            cls.__init__ = constructor(  # type: ignore[method-assign]
                LossFunctionWrapper.__init__, formula, order, name
            )
            registry.enter("losses", formula)  # under its name the function, as in Keras


def _tensors(values: Any, dtype: str | None) -> Any:
    """Nested tensors in one type; nested lists of numbers are one tensor."""
    if all(isinstance(leaf, (bool, int, float)) for leaf in leaves(values)):
        return ops.convert_to_tensor(values, dtype=dtype)
    return map_leaves(lambda leaf: ops.convert_to_tensor(leaf, dtype=dtype), values)


def reduce_losses(
    losses: Tensor, sample_weight: Any, mask: Any, reduction: str | None, dtype: str
) -> Tensor:
    """One number from the losses of the samples.

    Args:
        losses: a loss for each sample, shape `(batch, …)`.
        sample_weight: their weights: a number, or shape `(batch,)` or that of `losses`.
        mask: which of them count; the others are 0 and are not among those divided by.
        reduction: see `Loss`.
        dtype: the type computed in.
    """
    values = ops.convert_to_tensor(losses, dtype=dtype)
    weights = None
    if sample_weight is not None:
        weights = fit_weights(ops.convert_to_tensor(sample_weight, dtype=dtype), values)
    if mask is not None:
        mask = fit_weights(ops.cast(mask, dtype), values, "mask")
        weights = mask if weights is None else weights * mask
    if weights is not None:
        values = values * weights
    if reduction in (None, "none"):
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weights is not None:
        return ops.divide_no_nan(total, ops.sum(weights))
    if mask is not None:
        return ops.divide_no_nan(total, ops.sum(mask * ops.ones_like(values)))
    return ops.mean(values)


def config_of(instance: Any, *names: str) -> dict[str, Any]:
    """The recorded arguments of `instance`, and the attributes `names` that its class takes."""
    cls: Any = type(instance)
    known = signature(cls)
    parameters = {} if known is None else known.parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    config = {name: getattr(instance, name) for name in names if takes_any or name in parameters}
    config.update(instance.recorded_config())
    return {
        key: describe_function(value) if callable(value) else registry.serialize(value)
        for key, value in config.items()
    }
