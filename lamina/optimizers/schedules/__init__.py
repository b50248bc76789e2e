"""Learning rates that change with the step."""

from typing import Any

from lamina.core import registry
from lamina.optimizers.schedules.cosine import CosineDecay as CosineDecay
from lamina.optimizers.schedules.cosine import CosineDecayRestarts as CosineDecayRestarts
from lamina.optimizers.schedules.decay import ExponentialDecay as ExponentialDecay
from lamina.optimizers.schedules.decay import InverseTimeDecay as InverseTimeDecay
from lamina.optimizers.schedules.decay import PiecewiseConstantDecay as PiecewiseConstantDecay
from lamina.optimizers.schedules.decay import PolynomialDecay as PolynomialDecay
from lamina.optimizers.schedules.schedule import LearningRateSchedule as LearningRateSchedule


def serialize(learning_rate_schedule: Any) -> Any:
    """The config of a schedule, with its class's name."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule that `serialize` described; names in `custom_objects` are known."""
    with registry.CustomObjectScope(custom_objects):
        return registry.identify("optimizers.schedules", config)
