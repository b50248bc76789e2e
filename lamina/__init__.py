"""Lamina: deep learning with the Keras API on JAX, PyTorch and TensorFlow."""

from lamina import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    dtype_policies,
    initializers,
    layers,
    legacy,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    tree,
    utils,
    wrappers,
)
from lamina.backend import LeakedTraceError
from lamina.core.context import name_scope
from lamina.core.device import device
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.core.policy import DTypePolicy, FloatDTypePolicy
from lamina.core.rematerialization import RematScope
from lamina.core.transforms import eval_shape, grad, jit, remat, value_and_grad, vmap
from lamina.core.variable import Variable
from lamina.core.versions import LAMINA
from lamina.initializers import Initializer
from lamina.layers import Input
from lamina.losses import Loss
from lamina.metrics import Metric
from lamina.models import Functional, Model, Sequential
from lamina.ops import cond, custom_gradient, jvp, scan, while_loop
from lamina.optimizers import Optimizer
from lamina.regularizers import Regularizer
from lamina.symbolic import KerasTensor, Operation

__version__ = LAMINA


def version() -> str:
    """The version of Lamina."""
    return __version__


__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Functional",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "LeakedTraceError",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "cond",
    "config",
    "constraints",
    "custom_gradient",
    "datasets",
    "device",
    "dtype_policies",
    "eval_shape",
    "grad",
    "initializers",
    "jit",
    "jvp",
    "layers",
    "legacy",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "remat",
    "saving",
    "scan",
    "tree",
    "utils",
    "value_and_grad",
    "version",
    "vmap",
    "while_loop",
    "wrappers",
]
