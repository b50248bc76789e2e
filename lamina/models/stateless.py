"""The state of a model as values: taken out, put back, and handed through a loss."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lamina import ops
from lamina.backend import current
from lamina.core.variable import Variable
from lamina.models.steps import Steps

GROUPS = (
    "trainable_variables",
    "non_trainable_variables",
    "optimizer_variables",
    "metrics_variables",
)
_FORMATS = ("backend_tensor", "numpy_array")


class Stateless(Steps):
    """The part of a model that takes its state from arguments, or hands it out."""

    name: str
    non_trainable_variables: list[Variable]
    metrics_variables: list[Variable]

    def stateless_compute_loss(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Any, tuple[list[Any], list[Any], list[Any]]]:
        """`compute_loss` with these values in place of the variables', changing nothing.

        Args:
            trainable_variables: values in the order of `self.trainable_variables`.
            non_trainable_variables: values in the order of `self.non_trainable_variables`.
            metrics_variables: values in the order of `self.metrics_variables`.
            x, y, y_pred, sample_weight, training: as in `compute_loss`.

        Returns:
            `(loss, (trainable, non_trainable, metrics))`, the values after it.

        Raises:
            ValueError: if the number of values in a group is not that of its variables.

        Example:
            >>> import lamina
            >>> model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> y, y_pred = lamina.ops.ones((4, 1)), lamina.ops.zeros((4, 1))
            >>> state = (model.trainable_variables, [], model.metrics_variables)
            >>> loss, _ = model.stateless_compute_loss(*state, y=y, y_pred=y_pred)
            >>> float(loss)
            1.0
        """
        groups = self._with_values(
            trainable_variables=trainable_variables,
            non_trainable_variables=non_trainable_variables,
            metrics_variables=metrics_variables,
        )
        with _holding(groups) as value_of:
            loss = self._loss(x, y, y_pred, sample_weight, training=training)
            trained, others, kept = ([value_of(v.handle) for v, _ in group] for group in groups)
        return loss, (trained, others, kept)

    def compute_loss_and_updates(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Sequence[Any] | None = None,
    ) -> tuple[Any, tuple[Any, Any, list[Any], list[Any]]]:
        """The loss of one batch as a function of the state alone, to be differentiated.

        Args:
            trainable_variables: values in the order of `self.trainable_variables`.
            non_trainable_variables: values in the order of `self.non_trainable_variables`.
            metrics_variables: values in the order of `self.metrics_variables`.
            x: inputs.
            y: targets.
            sample_weight: weights of the rows, or None.
            training: whether layers behave as in training.
            optimizer_variables: values in the order of `self.optimizer.variables`, which scale
                the loss in mixed precision; those of the optimizer where None or empty.

        Returns:
            `(scaled_loss, (loss, y_pred, non_trainable, metrics))`, the last two the values after
            it: a scalar and what else there is, as `jax.value_and_grad(…, has_aux=True)` takes it.

        Raises:
            ValueError: if the number of values in a group is not that of its variables.

        Example:
            >>> import lamina
            >>> dense = lamina.layers.Dense(1, kernel_initializer="ones")
            >>> model = lamina.Sequential([lamina.Input((1,)), dense])
            >>> model.compile("sgd", "mse")
            >>> x, y = lamina.ops.ones((4, 1)), lamina.ops.zeros((4, 1))
            >>> state = (model.trainable_variables, [], model.metrics_variables)
            >>> loss, (_, y_pred, _, _) = model.compute_loss_and_updates(*state, x, y, None)
            >>> float(loss), y_pred.shape
            (1.0, (4, 1))
        """
        groups = self._with_values(
            trainable_variables=trainable_variables,
            non_trainable_variables=non_trainable_variables,
            metrics_variables=metrics_variables,
            **({"optimizer_variables": optimizer_variables} if optimizer_variables else {}),
        )
        with _holding(groups) as value_of:
            y_pred = self._outputs(x, training)
            loss = self._loss(x, y, y_pred, sample_weight, training=training)
            scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
            others, kept = ([value_of(v.handle) for v, _ in group] for group in groups[1:3])
        self._clear_losses()  # type: ignore[attr-defined]
        return scaled, (loss, y_pred, others, kept)

    def _with_values(self, **given: Sequence[Any]) -> list[list[tuple[Variable, Any]]]:
        """The variables of each group with the values given for them."""
        pairs = []
        for name, values in given.items():
            variables = self._state_group(name)
            if len(variables) != len(values):
                raise ValueError(
                    f"Model {self.name!r} has {len(variables)} {name}, and was given "
                    f"{len(values)} values for them. Build the model (and its optimizer) first, "
                    "and pass a value for each, in their order."
                )
            tensors = [ops.convert_to_tensor(value) for value in values]
            pairs.append(list(zip(variables, tensors, strict=True)))
        return pairs

    def _state_group(self, name: str) -> list[Variable]:
        if name == "optimizer_variables":
            return [] if self.optimizer is None else list(self.optimizer.variables)
        return list(getattr(self, name))

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """The values of all variables, copied, nested by the parts of their paths.

        Args:
            value_format: "backend_tensor", or "numpy_array" for arrays on the host.

        Returns:
            A dictionary of four: "trainable_variables", "non_trainable_variables",
            "optimizer_variables" and "metrics_variables".

        Raises:
            ValueError: if two variables have the same path, or the format is another word.

        Example:
            >>> import lamina
            >>> layers = [lamina.Input((3,)), lamina.layers.Dense(2, name="out")]
            >>> tree = lamina.Sequential(layers, name="net").get_state_tree()
            >>> tree["trainable_variables"]["net"]["out"]["kernel"].shape
            (3, 2)
        """
        if value_format not in _FORMATS:
            raise ValueError(f"value_format is one of {_FORMATS}, not {value_format!r}.")
        return {name: _nested(self.name, self._state_group(name), value_format) for name in GROUPS}

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Assign what `get_state_tree` took.

        An optimizer that has no variables yet is built first. Values for which the model has no
        variable of that path are left out with a warning that names them, which Keras does in
        silence; those of metrics without one, since every `fit` and `evaluate` starts them anew.

        Args:
            state_tree: as `get_state_tree` returns it, or a part of that.

        Raises:
            ValueError: if a group is none of the four, or a shape differs; nothing is changed then.

        Example:
            >>> import lamina
            >>> layers = [lamina.Input((3,)), lamina.layers.Dense(2, name="out")]
            >>> model = lamina.Sequential(layers, name="net")
            >>> before = model.get_state_tree("numpy_array")
            >>> model.set_weights([0 * weight for weight in model.get_weights()])
            >>> model.set_state_tree(before)
            >>> bool((model.get_weights()[0] != 0).all())
            True
        """
        unknown = [name for name in state_tree if name not in GROUPS]
        if unknown:
            raise ValueError(f"A state tree holds {', '.join(GROUPS)}, and no {unknown[0]!r}.")
        if state_tree.get("optimizer_variables") and not getattr(self.optimizer, "built", True):
            self.optimizer.build(self.trainable_variables)
        pairs: list[tuple[Variable, Any]] = []
        left = []
        for name, tree in state_tree.items():
            variables = {variable.path: variable for variable in self._state_group(name)}
            for path, value in _flat(tree):
                if path in variables:
                    pairs.append((variables[path], value))
                elif name != "metrics_variables":
                    left.append(path)
        for variable, value in pairs:
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"Variable {variable.path!r} has the shape {variable.shape}, and the state "
                    f"tree has one of {np.shape(value)} for it. Nothing was changed."
                )
        if left:
            warnings.warn(
                f"Model {self.name!r} has no variable {', '.join(map(repr, left[:5]))}"
                f"{', …' if left[5:] else ''}: {len(left)} value(s) of the state tree are left "
                "out. Paths come from the names of the model and its layers.",
                stacklevel=2,
            )
        for variable, value in pairs:
            variable.assign(value)

    def jax_state_sync(self) -> None:
        """Wait until all steps handed to the backend are done.

        Between two batches the variables hold what these steps compute, here as on every
        backend; in Keras on JAX, a callback calls this to have their values brought up to date.
        """
        values = [v.value for name in GROUPS for v in self._state_group(name)]
        current().block(values)


def _holding(groups: list[list[tuple[Variable, Any]]]) -> Any:
    pairs = [pair for group in groups for pair in group]
    return current().substitute([v.handle for v, _ in pairs], [value for _, value in pairs])


def _nested(model: str, variables: list[Variable], value_format: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for variable in variables:
        *outer, last = variable.path.split("/")
        inside = tree
        for part in outer:
            inside = inside.setdefault(part, {})
        if last in inside:
            raise ValueError(
                f"Model {model!r} has two variables of the path {variable.path!r}, which would be "
                "one entry of the state tree. Give its layers names of their own."
            )
        value = variable.numpy() if value_format == "numpy_array" else _copied(variable)
        inside[last] = value
    return tree


def _copied(variable: Variable) -> Any:
    # Not the variable's own tensor: the next step writes over it.
    return ops.copy(variable.value)


def _flat(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        inside = f"{path}/{key}" if path else str(key)
        if isinstance(value, dict):
            yield from _flat(value, inside)
        else:
            yield inside, value
