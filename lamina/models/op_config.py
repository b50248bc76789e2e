"""Ops in the graph of a model, in the form of Keras's files.

There an op is a class in one of Keras's modules; what says how it computes is its config, and what
it computes with are the arguments of its call.
"""

from __future__ import annotations

from typing import Any

from lamina.ops.op_call import OpCall, rows
from lamina.ops.row import Row
from lamina.symbolic.graph import Node

# Where Keras keeps the classes of its ops; those that are not listed are in `numpy`.
_MODULES = {
    "core": "scatter scatter_update slice slice_update stop_gradient unstack",
    "image": "rgb_to_grayscale rgb_to_hsv hsv_to_rgb resize affine_transform extract_patches "
    "map_coordinates pad_images crop_images perspective_transform gaussian_blur elastic_transform "
    "scale_and_translate sobel_edges ssim",
    "linalg": "cholesky cholesky_inverse det eig eigh inv lu_factor norm qr solve solve_triangular "
    "svd lstsq matrix_rank pinv",
    "math": "segment_sum segment_max segment_min segment_prod top_k in_top_k logsumexp cdist "
    "extract_sequences fft fft2 ifft2 rfft irfft stft istft rsqrt erf erfc erfinv logdet "
    "view_as_complex view_as_real",
    "nn": "relu relu6 sigmoid sparse_sigmoid softplus softsign soft_shrink sparse_plus silu "
    "squareplus log_sigmoid leaky_relu hard_sigmoid hard_silu elu selu gelu celu glu tanh_shrink "
    "hard_tanh hard_shrink threshold softmax log_softmax sparsemax max_pool adaptive_max_pool "
    "average_pool adaptive_average_pool conv depthwise_conv separable_conv conv_transpose one_hot "
    "binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy moments ctc_loss "
    "ctc_decode normalize psnr dot_product_attention polar unfold fold depth_to_space "
    "space_to_depth multi_hot batch_normalization layer_normalization rms_normalization",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

# Classes whose names are not the op's in capitals.
_CLASSES = {
    "batch_normalization": "BatchNorm",
    "layer_normalization": "LayerNorm",
    "rms_normalization": "RMSNorm",
    "true_divide": "Divide",
    **{name: name.upper() for name in ("fft", "fft2", "ifft2", "rfft", "irfft", "stft", "istft")},
    **{name: name.upper() for name in ("psnr", "ssim", "svd")},
    **{"ctc_loss": "CTCLoss", "ctc_decode": "CTCDecode", "cdist": "CDist"},
    **{"allclose": "AllClose", "isin": "IsIn", "searchsorted": "SearchSorted"},
    **{"rgb_to_grayscale": "RGBToGrayscale", "rgb_to_hsv": "RGBToHSV", "hsv_to_rgb": "HSVToRGB"},
    **{name: name.capitalize() for name in ["deg2rad", "rad2deg", "log1p"]},
}

# Classes that older files have, or that are one and the same op here.
_OTHER_CLASSES = {
    "abs": "absolute",
    "amax": "max",
    "amin": "min",
    "bitwiseinvert": "bitwise_not",
    "bitwiseleftshift": "left_shift",
    "bitwiserightshift": "right_shift",
    "conjugate": "conj",
    "truedivide": "true_divide",
}

# Options that are not simply the parameters that take no tensors.
_OPTIONS = {
    "arange": ("dtype",),
    "bincount": ("weights", "minlength", "sparse"),
    "clip": ("x_min", "x_max"),
    "dot_product_attention": ("is_causal", "flash_attention", "attn_logits_soft_cap"),
    "get_item": (),
    "isclose": ("equal_nan",),
    "lstsq": ("rcond",),
    "matrix_rank": ("tol",),
    "pad": ("pad_width", "mode"),
    "pinv": ("rcond",),
    "psnr": ("max_val",),
    "scale_and_translate": ("spatial_dims", "method", "antialias"),
    "slice": ("shape",),
    "slice_update": (),
    "trapezoid": ("x", "dx", "axis"),
}

# Whose operands Keras wants all of, those that are None too.
_WITH_NONE = ("layer_normalization", "rms_normalization")


def _class_of(op: str) -> str:
    return _CLASSES.get(op) or op.title().replace("_", "")


def _options_of(row: Row) -> tuple[str, ...]:
    found = _OPTIONS.get(row.name)
    if found is not None:
        return found
    taken = {*row.tensors, row.variadic}
    return tuple(name for i, name in enumerate(row.names) if i not in taken)


def op_entry(call: OpCall, node: Node) -> tuple[dict[str, Any], list[Any]] | None:
    """An op as Keras's class with its config, and the arguments of its call.

    None for what Keras has no class for.
    """
    row = rows.get(call.op)
    if row is None:
        return None
    options = _options_of(row)
    config: dict[str, Any] = {"name": call.name}
    if call.options is not None:
        config |= call.options
        operands = list(node.args)
    else:
        values = dict(zip(row.names, node.args, strict=True))
        config |= {name: values[name] for name in options}
        operands = [value for name, value in values.items() if name not in options]
        if row.variadic is not None:
            operands = list(operands[-1])
        while operands and operands[-1] is None and row.name not in _WITH_NONE:
            operands.pop()
    name = _class_of(row.name)
    module = f"keras.src.ops.{_MODULE_OF.get(row.name, 'numpy')}"
    entry = {"module": module, "class_name": name, "config": config, "registered_name": name}
    return entry, operands


def is_op_entry(entry: dict[str, Any]) -> bool:
    """Whether a config describes one of Keras's classes of ops that are rows here."""
    named = str(entry.get("module")).startswith("keras.src.ops.")
    return named and entry["class_name"] not in ("Cast", "View")


def op_from_entry(entry: dict[str, Any]) -> OpCall:
    """The op that a config of Keras's class describes.

    Raises:
        ValueError: if there is no such op, or it has no such option.
    """
    known = str(entry["class_name"])
    op = _BY_CLASS.get(known.lower())
    if op is None:
        raise ValueError(f"There is no op of the class {known!r}.")
    options = {key: value for key, value in entry["config"].items() if key != "name"}
    odd = {key for key in options if key not in rows[op].names}
    # What a file says of an option that does not exist here is what an option says by default.
    if any(options[key] not in (None, False) for key in odd):
        raise ValueError(f"The op {op} has no option {', '.join(sorted(odd))}.")
    options = {key: value for key, value in options.items() if key not in odd}
    return OpCall(op, entry["config"].get("name") or entry.get("name"), options)


_BY_CLASS = {_class_of(op).lower(): op for op in rows} | _OTHER_CLASSES
