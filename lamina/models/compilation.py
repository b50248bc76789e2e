"""What `compile` sets for training, read, changed and kept as plain data."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from lamina import losses, metrics
from lamina import optimizers as optimizer_names
from lamina.backend import current
from lamina.backend.tracebacks import filtered
from lamina.core import registry
from lamina.core.variable import Variable
from lamina.metrics import Mean
from lamina.models.compile_loss import CompileLoss
from lamina.models.compile_metrics import CompileMetrics


class Compilation:
    """The part of a model that knows how it is to be trained."""

    bookkeeping: ClassVar[frozenset[str]] = frozenset(
        {
            "optimizer",
            "_loss_tracker",
            "_compile_loss",
            "_compile_metrics",
            "_functions",
            "_compile_arguments",
            "history",
        }
    )
    built: bool
    dtype_policy: Any
    trainable_variables: list[Variable]

    def _start_training_state(self) -> None:
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.stop_training = False
        self._run_eagerly = False
        self._jit_compile: Any = "auto"
        self.steps_per_execution = 1
        self._loss_tracker: Any = None
        self._compile_loss: CompileLoss | None = None
        self._compile_metrics: CompileMetrics | None = None
        self._compile_arguments: dict[str, Any] = {}
        self._functions: dict[Any, Any] = {}
        # The phases that the variables have been made for.
        self._prepared: set[str] = set()

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run as plain Python; may be set."""
        return self._run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._run_eagerly = bool(value)

    @property
    def jit_compile(self) -> bool:
        """Whether a compiler of machine code compiles the steps; may be set, as in `compile`.

        `"auto"` is what the backend does: True on JAX and TensorFlow, whose steps are compiled,
        and False on PyTorch.
        """
        if self._jit_compile in (None, "auto"):
            return current().compiles
        return bool(self._jit_compile)

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        self._jit_compile = _checked_jit_compile(value)

    @filtered
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how to train.

        Args:
            optimizer: a name or an optimizer.
            loss: a name, function or loss; for several outputs a list or dictionary. A model
                that is compiled anew without one keeps the one that it has.
            loss_weights: what each output's loss is multiplied by.
            metrics: names, functions or metrics; nested likewise. `'accuracy'` becomes the
                accuracy that fits the shapes of targets and output. A model that is compiled
                anew without any, weighted or not, keeps those that it has.
            weighted_metrics: metrics that take sample weights.
            run_eagerly: whether steps run as plain Python, for debugging.
            steps_per_execution: batches that run before callbacks are told.
            jit_compile: True has the backend's compiler compile steps, False leaves it out where
                there is a choice; `"auto"` is what serves best on the backend.
            auto_scale_loss: whether `mixed_float16` wraps the optimizer in a `LossScaleOptimizer`.

        Raises:
            ValueError: names the argument that is out of range.
        """
        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ValueError(
                f"steps_per_execution is an integer of at least 1, not {steps_per_execution!r}."
            )
        jit_compile = _checked_jit_compile(jit_compile)
        if run_eagerly and jit_compile is True:
            warnings.warn(
                "With run_eagerly=True steps run as plain Python: jit_compile=True is left out.",
                stacklevel=2,
            )
            jit_compile = False
        optimizer = None if optimizer is None else optimizer_names.get(optimizer)
        before = self._compile_arguments
        if loss is None and before:
            loss, loss_weights = before["loss"], loss_weights or before["loss_weights"]
        if metrics is None and weighted_metrics is None and before:
            metrics, weighted_metrics = before["metrics"], before["weighted_metrics"]
        self.optimizer = optimizer
        self.loss = loss
        self.run_eagerly = run_eagerly
        self._jit_compile = jit_compile
        self.steps_per_execution = steps_per_execution
        self._loss_tracker = Mean(name="loss")
        self._compile_loss = None
        self._compile_metrics = None
        self._compile_arguments = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": bool(run_eagerly),
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }
        self._functions = {}
        self._prepared = set()
        self.stop_training = False
        self.compiled = True
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16":
            self._scale_loss()

    def _scale_loss(self) -> None:
        """Wrap the optimizer in one that scales the loss, unless it is one."""
        plain = self.optimizer
        if plain is not None and not isinstance(plain, optimizer_names.LossScaleOptimizer):
            wrapped = optimizer_names.LossScaleOptimizer(plain, name="loss_scale_optimizer")
            self.optimizer = self._compile_arguments["optimizer"] = wrapped

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was given, as plain data for `compile_from_config`.

        Returns:
            A dictionary of the arguments, empty before `compile`.

        Example:
            >>> import lamina
            >>> model = lamina.Sequential([lamina.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> model.get_compile_config()["loss"]
            'mse'
        """
        return {key: registry.serialize(one) for key, one in self._compile_arguments.items()}

    def compile_from_config(self, config: dict[str, Any] | None) -> None:
        """Compile as `get_compile_config` says; the optimizer's variables are new.

        A model whose class has a `compile` of its own is left as it is, with a warning, since the
        config may not have what that one takes.

        Raises:
            TypeError: names what is no argument of `compile`.
        """
        if not config:
            return
        if type(self).compile is not Compilation.compile:
            warnings.warn(
                f"{type(self).__name__} has a `compile` of its own and was not compiled from the "
                "config: call it, or define get_compile_config and compile_from_config too.",
                stacklevel=2,
            )
            return
        found = {
            key: _revived(_NAMED[key], one) if key in _NAMED else one for key, one in config.items()
        }
        self.compile(**found)
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)


# Where the names and configs in arguments of `compile` are looked up.
_NAMED = {
    "optimizer": optimizer_names.get,
    "loss": losses.get,
    "metrics": metrics.get,
    "weighted_metrics": metrics.get,
}


def _revived(get: Any, value: Any) -> Any:
    """`value` with what its configs describe; names stay, so that the history has them."""
    if isinstance(value, dict):
        if "class_name" in value:
            return get(value)
        return {key: _revived(get, one) for key, one in value.items()}
    return [_revived(get, one) for one in value] if isinstance(value, (list, tuple)) else value


def _checked_jit_compile(value: Any) -> Any:
    if value not in (True, False, None, "auto"):
        raise ValueError(f"jit_compile is True, False or 'auto', not {value!r}.")
    return value
