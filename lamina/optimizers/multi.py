"""Several optimizers, each for some of the variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, ClassVar, NoReturn

from lamina.core import registry
from lamina.core.named import Named
from lamina.core.state import unique
from lamina.core.variable import Variable
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer
from lamina.optimizers.stages import check_pattern


class OptimizerMap(Named, MutableMapping[str, Optimizer]):
    """Which optimizer updates a variable, by patterns for its path.

    Reading `map[path]` gives the optimizer whose pattern is the path or matches the whole of it,
    else the default one; writing `map[pattern] = optimizer` adds a pattern.

    Args:
        default_optimizer: the optimizer of every other variable.
        optimizer_map: optimizers by pattern, regular expressions.

    Raises:
        ValueError: if a pattern is no regular expression or is there already, if several match a
            path, or if something given is no optimizer; the default one raises a `TypeError`.

    Example:
        >>> from lamina import optimizers
        >>> chosen = OptimizerMap(optimizers.SGD(), {"encoder/.*": optimizers.Adam()})
        >>> type(chosen["encoder/kernel"]).__name__, type(chosen["decoder/kernel"]).__name__
        ('Adam', 'SGD')
    """

    slot: ClassVar[str] = "optimizers"

    def __init__(self, default_optimizer: Any, optimizer_map: dict[str, Any] | None = None) -> None:
        default = _revived(default_optimizer)
        if not isinstance(default, Optimizer):
            raise TypeError(f"default_optimizer must be an optimizer, and it is {default!r}.")
        self._default = default
        self.optimizer_map: dict[str, Optimizer] = {}
        for pattern, optimizer in (optimizer_map or {}).items():
            self[pattern] = _revived(optimizer)

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of variables that no pattern matches."""
        return self._default

    def __getitem__(self, path: str) -> Optimizer:
        if path in self.optimizer_map:
            return self.optimizer_map[path]
        matching = [one for one in self.optimizer_map if re.fullmatch(one, path)]
        if len(matching) > 1:
            raise ValueError(
                f"Several patterns match the variable {path!r}: {', '.join(matching)}. Make them "
                "exclude each other."
            )
        return self.optimizer_map[matching[0]] if matching else self._default

    def __setitem__(self, pattern: str, optimizer: Any) -> None:
        if not isinstance(pattern, str):
            raise ValueError(f"A key of an OptimizerMap is a string, not {pattern!r}.")
        if pattern in self.optimizer_map:
            raise ValueError(f"The pattern {pattern!r} has an optimizer already; delete it first.")
        if not isinstance(optimizer, Optimizer):
            raise ValueError(f"{pattern!r} must stand for an optimizer, not for {optimizer!r}.")
        self.optimizer_map[check_pattern("A key of an OptimizerMap", pattern)] = optimizer

    def __delitem__(self, pattern: str) -> None:
        del self.optimizer_map[pattern]

    def __len__(self) -> int:
        return len(self.optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self.optimizer_map)


class MultiOptimizer(Optimizer):
    """An optimizer that leaves each variable to one of several.

    Clipping, weight decay, averaging and accumulation are options of those. There is no
    `learning_rate`: each has its own.

    Args:
        optimizer_map: an `OptimizerMap`, or a function that gives the optimizer of a variable; it
            is called once for each variable.
        loss_scale_factor: as in `Optimizer`; of the whole, since there is one loss.
        name: the first part of the paths of its own variables.

    Raises:
        TypeError: if `optimizer_map` is neither.
        ValueError: if a loss scale is set on one of the optimizers.

    Example:
        >>> import lamina
        >>> from lamina import optimizers
        >>> chosen = OptimizerMap(optimizers.SGD(0.5), {"slow": optimizers.SGD(0.25)})
        >>> slow = lamina.Variable([1.0], name="slow")
        >>> fast = lamina.Variable([1.0], name="fast")
        >>> MultiOptimizer(chosen).apply([lamina.ops.ones(1)] * 2, [slow, fast])
        >>> slow.numpy().tolist(), fast.numpy().tolist()
        ([0.75], [0.5])
    """

    loss_scale_factor: float | None = None

    def __init__(
        self,
        optimizer_map: Any,
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        chosen = _revived(optimizer_map)
        if isinstance(chosen, Optimizer) or not (
            callable(chosen) or isinstance(chosen, OptimizerMap)
        ):
            raise TypeError(
                "optimizer_map must be an OptimizerMap or a function that gives the optimizer of "
                f"a variable, and it is {chosen!r}."
            )
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map: OptimizerMap | Callable[[Variable], Optimizer] = chosen
        self._owners: dict[Any, Optimizer] = {}

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers: those of the map, or those that the function has given so far."""
        if isinstance(self.optimizer_map, OptimizerMap):
            chosen = self.optimizer_map
            return unique([*chosen.optimizer_map.values(), chosen.default_optimizer])
        return unique(self._owners.values())

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *(v for one in self.optimizers for v in one.variables)]

    @property
    def learning_rate(self) -> NoReturn:
        """There is none: each of `optimizers` has its own."""
        raise AttributeError(
            f"MultiOptimizer {self.name!r} has no learning rate of its own: read that of one of "
            "its `optimizers`."
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            f"MultiOptimizer {self.name!r} has no learning rate of its own: set that of each of "
            "its `optimizers`."
        )

    def _extend(self, variables: list[Variable]) -> None:
        owners = {variable.handle: self._chosen(variable) for variable in variables}
        self._trained += variables
        self._owners.update(owners)
        for optimizer in unique(owners.values()):
            optimizer._know([one for one in variables if owners[one.handle] is optimizer])

    def _chosen(self, variable: Variable) -> Optimizer:
        if isinstance(self.optimizer_map, OptimizerMap):
            found = self.optimizer_map[variable.path]
        else:
            found = self.optimizer_map(variable)
        if not isinstance(found, Optimizer):
            raise ValueError(
                f"The function of MultiOptimizer {self.name!r} must give an optimizer for the "
                f"variable {variable.path!r}, and gave {found!r}."
            )
        if found.loss_scale_factor is not None or type(found).apply is not Optimizer.apply:
            raise ValueError(
                f"Optimizer {found.name!r} scales the loss, which all optimizers of a "
                "MultiOptimizer share: give loss_scale_factor to the MultiOptimizer, or put that "
                "into a LossScaleOptimizer."
            )
        return found

    def _apply(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        plain = [pair for pair in pairs if not pair[1].overwrite_with_gradient]
        direct = [pair for pair in pairs if pair[1].overwrite_with_gradient]
        parts: dict[int, list[tuple[Tensor, Variable]]] = {}
        for gradient, variable in (*direct, *self._unscaled(plain)):
            parts.setdefault(id(self._owners[variable.handle]), []).append((gradient, variable))
        for optimizer in self.optimizers:
            if id(optimizer) in parts:
                optimizer._apply(parts[id(optimizer)])
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        variables = list(var_list)
        for optimizer in self.optimizers:
            optimizer.finalize_variable_values(variables)

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        if not self.optimizers:
            raise ValueError(
                f"MultiOptimizer {self.name!r} does not know its optimizers yet: call "
                "build(variables) first."
            )
        excluded, names = list(var_list or ()), list(var_names or ())
        for optimizer in self.optimizers:
            optimizer.exclude_from_weight_decay(excluded, names)

    def get_config(self) -> dict[str, Any]:
        return {
            "optimizer_map": registry.serialize(self.optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }


def _revived(value: Any) -> Any:
    """What a config stands for; anything else as it is."""
    if isinstance(value, dict) and "class_name" in value:
        return registry.identify("optimizers", value)
    return value
