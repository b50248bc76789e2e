"""Optimizers, which turn gradients into new values of weights."""

import inspect
from typing import Any

from lamina.backend import backend, current
from lamina.core import registry
from lamina.optimizers import foreign as foreign_optimizers
from lamina.optimizers import legacy as legacy
from lamina.optimizers import schedules as schedules
from lamina.optimizers.adadelta import Adadelta as Adadelta
from lamina.optimizers.adafactor import Adafactor as Adafactor
from lamina.optimizers.adagrad import Adagrad as Adagrad
from lamina.optimizers.adam import Adam as Adam
from lamina.optimizers.adam import AdamW as AdamW
from lamina.optimizers.adamax import Adamax as Adamax
from lamina.optimizers.ftrl import Ftrl as Ftrl
from lamina.optimizers.lamb import Lamb as Lamb
from lamina.optimizers.lion import Lion as Lion
from lamina.optimizers.loss_scale import LossScaleOptimizer as LossScaleOptimizer
from lamina.optimizers.multi import MultiOptimizer as MultiOptimizer
from lamina.optimizers.multi import OptimizerMap as OptimizerMap
from lamina.optimizers.muon import Muon as Muon
from lamina.optimizers.nadam import Nadam as Nadam
from lamina.optimizers.optimizer import Optimizer as Optimizer
from lamina.optimizers.rmsprop import RMSprop as RMSprop
from lamina.optimizers.schedule_free import ScheduleFreeAdamW as ScheduleFreeAdamW
from lamina.optimizers.sgd import SGD as SGD


def get(identifier: Any) -> Any:
    """The optimizer that a name, config, class or instance stands for.

    Args:
        identifier: one of these; None, for none; or an optimizer of the backend's framework: an
            Optax transformation on JAX, a class of `torch.optim`, a partial of one or an instance
            on PyTorch.

    Raises:
        ValueError: if there is no such optimizer.

    Example:
        >>> type(get("adam")).__name__
        'Adam'
    """
    if identifier is None:
        return None
    foreign = current().optimizer(identifier)
    if foreign is not None:
        return foreign_optimizers.ForeignOptimizer(foreign)
    made = identifier if inspect.isclass(identifier) else type(identifier)
    if not issubclass(made, (str, dict, Optimizer)):
        raise ValueError(
            "An optimizer is one of lamina.optimizers, by its name, config, class or an instance; "
            "on JAX also an Optax transformation, on PyTorch one of torch.optim. On the backend "
            f"{backend()!r} came {made.__module__}.{made.__name__}."
        )
    return registry.identify("optimizers", _in_small_letters(identifier), allow_none=False)


def _in_small_letters(identifier: Any) -> Any:
    """A name such as "RMSProp" as the one that is known here, or in a config; else as it came."""
    if isinstance(identifier, dict) and isinstance(identifier.get("class_name"), str):
        return {**identifier, "class_name": _in_small_letters(identifier["class_name"])}
    if not isinstance(identifier, str) or registry.get_registered_object(identifier):
        return identifier
    names = registry.slots["optimizers"]
    small = identifier.lower()
    return small if identifier not in names and small in names else identifier


def serialize(optimizer: Any) -> Any:
    """The config of an optimizer, with its class's name; its variables are not in it."""
    return registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer that `serialize` described; names in `custom_objects` are known."""
    with registry.CustomObjectScope(custom_objects):
        return get(config)
