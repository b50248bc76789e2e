"""The kinds of public classes, and which names need no draw."""

from __future__ import annotations

import inspect

import keras

import lamina
from tests.agreement import (
    layers,
    layers_images,
    layers_sequences,
    programs,
    scores,
    small,
    training,
)
from tests.agreement.case import named
from tests.agreement.comparison import Kind

BASE = "a base class: what is made of it is drawn"
OTHERS = "made of the framework's own module or function: no Keras of another framework has it"
LOOKUP = "finds activations, is none"

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "layers",
            {**layers.DRAWS, **layers_images.DRAWS, **layers_sequences.DRAWS},
            programs.layer,
            {
                "Layer": BASE,
                "Wrapper": BASE,
                "InputLayer": "is not called; tests/models has it",
                "TorchModuleWrapper": OTHERS,
                "JaxLayer": OTHERS,
                "FlaxLayer": OTHERS,
                "TFSMLayer": OTHERS,
                "InputSpec": "describes inputs; is no layer",
            },
            few=1,
        ),
        Kind(
            "losses",
            scores.LOSSES,
            programs.loss,
            {"Loss": BASE},
        ),
        Kind(
            "metrics",
            scores.METRICS,
            programs.metric,
            {"Metric": BASE, "MeanMetricWrapper": "of a function: tests/metrics"},
        ),
        Kind(
            "optimizers",
            training.OPTIMIZERS,
            programs.optimizer,
            {
                "Optimizer": BASE,
                "LossScaleOptimizer": "around another optimizer: tests/optimizers",
                "MultiOptimizer": "around other optimizers: tests/optimizers",
                "OptimizerMap": "a table of optimizers: tests/optimizers",
            },
            few=1,
        ),
        Kind(
            "optimizers.schedules",
            training.SCHEDULES,
            programs.schedule,
            {"LearningRateSchedule": BASE},
        ),
        Kind(
            "regularizers",
            small.REGULARIZERS,
            programs.of_a_tensor("regularizers"),
            {"Regularizer": BASE},
        ),
        Kind(
            "constraints",
            small.CONSTRAINTS,
            programs.of_a_tensor("constraints"),
            {"Constraint": BASE},
        ),
        Kind(
            "initializers",
            small.INITIALIZERS,
            programs.initializer,
            {"Initializer": BASE},
        ),
        Kind(
            "activations",
            small.ACTIVATIONS,
            programs.activation,
            {
                "get": LOOKUP,
                "serialize": LOOKUP,
                "deserialize": LOOKUP,
                "sparsemax": "Keras's rows do not add up to 1; tests/test_activations.py has it",
            },
        ),
    )
}


def undeclared(kind: Kind) -> set[str]:
    """Public names, Keras's too, that have no draw and are no exception; aliases are one name."""
    public, known = named(lamina, kind.name), named(keras, kind.name)
    what = inspect.isfunction if kind.name == "activations" else inspect.isclass
    names = {
        thing.__name__
        for name, thing in vars(public).items()
        if what(thing) and hasattr(known, name)
    }
    return names - kind.draws.keys() - kind.exceptions.keys()
