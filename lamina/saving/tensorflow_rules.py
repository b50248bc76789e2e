"""TensorFlow's functions in the models of Keras 2, as ops.

A functional model of Keras 2 may call functions of TensorFlow between its layers. Its file has an
entry for each, `TFOpLambda`, with the function's name and its arguments by their names.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from typing import Any

from lamina.core.load_errors import UnfitFileError

Config = dict[str, Any]

CLASSES = ("TFOpLambda", "SlicingOpLambda")
# One function has a name in several modules.
_MODULES = ("__operators__.", "compat.v1.", "math.", "linalg.", "nn.", "image.")
# Functions of one tensor that the op of the same name computes.
_ALIKE = (
    *("abs", "ceil", "cos", "cosh", "elu", "erf", "exp", "expm1", "floor", "log", "log1p"),
    *("logical_not", "negative", "ones_like", "relu", "relu6", "rgb_to_grayscale", "round"),
    *("rsqrt", "selu", "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "softsign", "sqrt"),
    *("square", "stop_gradient", "tan", "tanh", "zeros_like"),
)
# Functions of two tensors, of which the second is called y.
_OF_TWO = (
    *("add", "divide", "divide_no_nan", "equal", "greater", "greater_equal", "less", "less_equal"),
    *("logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "not_equal"),
    *("subtract",),
)
_REDUCTIONS = {
    **{"all": "all", "any": "any", "max": "max", "mean": "mean", "min": "min", "prod": "prod"},
    **{"sum": "sum", "std": "std", "variance": "var", "logsumexp": "logsumexp"},
}
# The op, and the function's other arguments in it: `*b` is its next tensor, `perm=axes` the option
# of another name, `axis:-2` an option that is always so, or is where the file does not say it.
_FUNCTIONS = {
    **{name: name for name in _ALIKE},
    **{name: f"{name} *y" for name in _OF_TWO},
    **{f"reduce_{name}": f"{op} axis keepdims" for name, op in _REDUCTIONS.items()},
    "argmax": "argmax axis:0",
    "argmin": "argmin axis:0",
    "avg_pool2d": "average_pool ksize=pool_size strides padding data_format",
    "bias_add": "add *bias",
    "broadcast_to": "broadcast_to shape",
    "cast": "cast dtype",
    "clip_by_value": "clip clip_value_min=x_min clip_value_max=x_max",
    "concat": "concatenate axis",
    "convert_to_tensor": "layers.Identity",
    "cumprod": "cumprod axis:0",
    "cumsum": "cumsum axis:0",
    "depth_to_space": "depth_to_space block_size data_format",
    "div_no_nan": "divide_no_nan *y",
    "expand_dims": "expand_dims axis",
    "flip_left_right": "flip axis:-2",
    "flip_up_down": "flip axis:-3",
    "floor_div": "floor_divide *y",
    "floordiv": "floor_divide *y",
    "floormod": "mod *y",
    "gather": "take *indices axis:0",
    "gelu": "gelu approximate:False",
    "getitem": "get_item *slice_spec",
    "identity": "layers.Identity",
    "l2_normalize": "normalize axis:None",
    "leaky_relu": "leaky_relu alpha=negative_slope",
    "log_softmax": "log_softmax axis",
    "matmul": "matmul *b",
    "matmul transpose_a": "einsum *b subscripts:'...ji,...jk->...ik'",
    "matmul transpose_b": "einsum *b subscripts:'...ij,...kj->...ik'",
    "max_pool2d": "max_pool ksize=pool_size strides padding data_format",
    "norm": "norm ord axis keepdims",
    "one_hot": "one_hot depth=num_classes axis dtype",
    "pad": "pad paddings=pad_width mode constant_values",
    "pow": "power *y",
    "repeat": "repeat repeats axis",
    "reshape": "reshape shape=newshape",
    "resize": "resize size method=interpolation antialias",
    "reverse": "flip axis",
    "roll": "roll shift axis",
    "softmax": "softmax axis",
    "sort": "sort axis",
    "space_to_depth": "space_to_depth block_size data_format",
    "split": "split num_or_size_splits=indices_or_sections axis:0",
    "squeeze": "squeeze axis",
    "stack": "stack axis",
    "tensordot": "tensordot *b axes",
    "tile": "tile multiples=repeats",
    "top_k": "top_k k sorted",
    "transpose": "transpose perm=axes",
    "truediv": "true_divide *y",
    "unstack": "unstack num axis:0",
    "add_n": "layers.Add",
    "where": "where *x *y",
}
# What a value is called here.
_LAYOUTS = {"NHWC": "channels_last", "NCHW": "channels_first"}
# Values that say what the op does anyway.
_USUAL = {
    **{"ord": "euclidean", "on_value": 1, "off_value": 0, "beta": 1.0, "output_type": "int64"},
    **{"constant_values": 0, "batch_dims": 0},
}


def operator(entry: Config, argument: Callable[[Any], Any]) -> Config:
    """The op of an entry whose class is one of `CLASSES`.

    Args:
        entry: the entry.
        argument: makes of places of tensors in calls, in a value, references of Keras 3.

    Raises:
        UnfitFileError: if no op computes the function, or none with these arguments.
    """
    function = str(entry["config"].get("function"))
    short = function
    for module in _MODULES:
        short = short.removeprefix(module)
    if short not in _FUNCTIONS:
        raise _no_op(entry, "which no op computes")
    op, *words = _FUNCTIONS[short].split()
    config: Config = {"name": entry["name"]}
    calls = []
    for call in entry["inbound_nodes"]:
        several = isinstance(call[0], list)
        places = call if several else [call]
        given = dict(places[0][3])
        flag = next((one for one in given if given[one] and f"{short} {one}" in _FUNCTIONS), None)
        if flag is not None:
            del given[flag]
            op, *words = _FUNCTIONS[f"{short} {flag}"].split()
        tensors = [
            place[2] if place[0] == "_CONSTANT_VALUE" else argument(place[:3]) for place in places
        ]
        options, more = _arguments(given, words, entry)
        config |= options
        calls.append({"args": [tensors if several else tensors[0], *argument(more)], "kwargs": {}})
    module, _, name = op.rpartition(".")
    name = name if module else name.title().replace("_", "")
    return {
        "module": f"keras.{module}" if module else "keras.src.ops.core",
        "class_name": name,
        "config": config,
        "registered_name": name,
        "name": entry["name"],
        "inbound_nodes": calls,
    }


def _arguments(given: Config, words: list[str], entry: Config) -> tuple[Config, list[Any]]:
    """The options of the op, and its other tensors, where a call gives `given`."""
    # A tensor may be False, which of an option says nothing.
    tensors = [_slices(given.pop(word[1:], None)) for word in words if word.startswith("*")]
    given = {name: value for name, value in given.items() if not _says_nothing(name, value)}
    options: Config = {}
    for word in words:
        known, _, default = word.partition(":")
        name, _, ours = known.partition("=")
        if name in given:
            options[ours or name] = _value(name, given.pop(name), entry)
        elif default:
            options[ours or name] = ast.literal_eval(default)
    if given:
        raise _no_op(entry, f"which no op computes with {', '.join(sorted(given))}")
    return options, tensors


def _says_nothing(name: str, value: Any) -> bool:
    """Whether the op does without an argument what the argument asks for."""
    if name == "name" or value is None or value is False:
        return True
    return name in _USUAL and _USUAL[name] == value


def _value(name: str, value: Any, entry: Config) -> Any:
    """A value of TensorFlow's argument as ours."""
    if name == "num_or_size_splits" and isinstance(value, list):
        if not all(type(size) is int and size >= 0 for size in value):
            raise _no_op(entry, "which no op computes with parts of unknown sizes")
        return list(itertools.accumulate(value))[:-1]
    if name in ("mode", "padding", "method") and isinstance(value, str):
        return value.lower()
    return _LAYOUTS.get(value, value) if name == "data_format" else value


def _slices(spec: Any) -> Any:
    if isinstance(spec, dict) and set(spec) == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": spec}
    if isinstance(spec, dict) and spec.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(spec, list):
        return [_slices(one) for one in spec]
    return spec


def _no_op(entry: Config, why: str) -> UnfitFileError:
    return UnfitFileError(
        f"The model calls TensorFlow's function {entry['config'].get('function')!r} in "
        f"{entry['name']!r}, {why}. Build the model by its code and load the weights with "
        "load_weights."
    )
