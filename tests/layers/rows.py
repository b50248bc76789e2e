"""Rows of the layers without recurrence and attention; see `row.py`."""

import numpy as np

from tests.layers.row import Row

FIRST = {"data_format": "channels_first"}
STEPS = np.array([[True, True, False, True, False], [True, False, False, True, True]])
PAIR = [(2, 3, 4), (2, 3, 4)]
NOISE = {"deterministic": False}


def double(x):
    return x * 2


DENSE = [
    Row("Dense", {"units": 4}),
    Row("Dense", {"units": 4, "activation": "softmax", "use_bias": False}, (2, 5, 3)),
    Row(
        "Dense",
        {
            "units": 2,
            "activation": "relu",
            "kernel_regularizer": "l2",
            "bias_constraint": "non_neg",
            "kernel_initializer": "he_normal",
            "activity_regularizer": "l2",
        },
        (2, 2, 2, 3),
    ),
    Row("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 4, "bias_axes": "c"}),
    Row(
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 5), "bias_axes": "de"},
        (2, 4, 3),
    ),
    Row(
        "EinsumDense",
        {"equation": "...x,xy->...y", "output_shape": 4, "bias_axes": "y"},
        (2, 5, 3),
    ),
    Row("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 4}, (2, 3, 5)),
    Row("Dense", {"units": 4, "lora_rank": 2, "kernel_regularizer": "l2"}),
    Row(
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 5), "lora_rank": 2},
        (2, 4, 3),
    ),
]

ACTIVATIONS = [
    Row("Activation", {"activation": "gelu"}),
    Row("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}),
    Row("LeakyReLU"),
    Row("ELU", {"alpha": 0.5}),
    Row("PReLU", {"alpha_initializer": "ones", "shared_axes": [1]}, (2, 5, 3)),
    Row("Softmax"),
    Row("Softmax", {"axis": [1, 2]}, (2, 5, 3)),
    Row("Softmax", {}, (2, 5), call={"mask": STEPS}),
    Row("Softmax", {}, (2, 5), call={"mask": STEPS & STEPS[:, :1] & [[True], [False]]}),
    Row("Identity"),
    Row("Rescaling", {"scale": 0.5, "offset": -1.0}),
    Row("Rescaling", {"scale": [1.0, 2.0, 3.0]}, (2, 4, 3), "int32", gradient=False),
    Row("Lambda", {"function": double}, unlike=frozenset({"function"})),
]

RESHAPING = [
    Row("Flatten", {}, (2, 3, 4)),
    Row("Flatten", {}, (2,)),
    Row("Flatten", FIRST, (2, 3, 4, 5), "int32", gradient=False),
    Row("Reshape", {"target_shape": (6, -1)}, (2, 3, 4)),
    Row("Permute", {"dims": (3, 1, 2)}, (2, 3, 4, 5)),
    Row("RepeatVector", {"n": 3}),
    Row("Cropping1D", {}, (2, 6, 3)),
    Row("Cropping1D", {"cropping": (0, 2)}, (2, 6, 3)),
    Row("Cropping2D", {"cropping": ((1, 2), (0, 1)), **FIRST}, (2, 3, 6, 5)),
    Row("Cropping2D", {"cropping": 1}, (2, 5, 4, 3)),
    Row("Cropping3D", {}, (2, 4, 5, 6, 3)),
    Row("ZeroPadding1D", {"padding": (2, 0)}, (2, 4, 3)),
    Row("ZeroPadding2D", {"padding": (1, 2)}, (2, 4, 5, 3)),
    Row("ZeroPadding2D", {"padding": ((1, 0), (2, 1)), **FIRST}, (2, 3, 4, 5)),
    Row("ZeroPadding3D", {}, (2, 2, 3, 4, 3)),
    Row("UpSampling1D", {"size": 3}, (2, 4, 3)),
    Row("UpSampling2D", {"size": (2, 3), **FIRST}, (2, 3, 4, 5)),
    Row("UpSampling2D", {"interpolation": "bilinear"}, (2, 4, 5, 3)),
    Row("UpSampling3D", {}, (2, 2, 3, 4, 3)),
]

CONVOLUTIONS = [
    Row("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, (2, 8, 3)),
    Row("Conv1D", {"filters": 6, "kernel_size": 3, "strides": 2, "groups": 3}, (2, 9, 6)),
    Row(
        "Conv1D",
        {"filters": 2, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, **FIRST},
        (2, 3, 8),
    ),
    Row("Conv2D", {"filters": 4, "kernel_size": 3, "activation": "relu"}, (2, 7, 8, 3)),
    Row("Conv2D", {"filters": 4, "kernel_size": 2, "groups": 2, "lora_rank": 3}, (2, 4, 5, 4)),
    Row(
        "Conv2D",
        {"filters": 4, "kernel_size": (2, 3), "strides": 2, "padding": "same"},
        (2, 7, 8, 3),
    ),
    Row("Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": 2, **FIRST}, (2, 3, 8, 8)),
    Row("Conv3D", {"filters": 2, "kernel_size": 2, "use_bias": False}, (2, 4, 4, 5, 3)),
    Row("Conv1DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2}, (2, 5, 3)),
    Row(
        "Conv2DTranspose",
        {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
        (2, 4, 5, 3),
    ),
    Row(
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1, **FIRST},
        (2, 3, 4, 5),
    ),
    Row("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2}, (2, 2, 3, 3, 2)),
    Row("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, (2, 8, 3)),
    Row("DepthwiseConv2D", {"kernel_size": 3, "padding": "same"}, (2, 6, 7, 3)),
    Row("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, **FIRST}, (2, 3, 6, 7)),
    Row(
        "DepthwiseConv2D",
        {"kernel_size": 2, "strides": 2, "dilation_rate": (2, 3), "padding": "same"},
        (2, 7, 8, 3),
    ),
    Row("SeparableConv1D", {"filters": 4, "kernel_size": 3, "padding": "same"}, (2, 8, 3)),
    Row(
        "SeparableConv1D",
        {"filters": 4, "kernel_size": 2, "strides": 2, "dilation_rate": 3, **FIRST},
        (2, 3, 8),
    ),
    Row("SeparableConv2D", {"filters": 4, "kernel_size": 3, "depth_multiplier": 2}, (2, 6, 7, 3)),
]

POOLING = [
    Row("MaxPooling1D", {}, (2, 7, 3)),
    Row("MaxPooling2D", {}, (2, 6, 8, 3)),
    Row(
        "MaxPooling2D",
        {"pool_size": (3, 2), "strides": 1, "padding": "same", **FIRST},
        (2, 3, 6, 7),
    ),
    Row("MaxPooling3D", {}, (2, 4, 4, 5, 2)),
    Row("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 8, 3)),
    Row("AveragePooling2D", {"pool_size": 2}, (2, 6, 7, 3)),
    Row("AveragePooling3D", {"pool_size": 2, **FIRST}, (2, 2, 4, 4, 5)),
    Row("AdaptiveMaxPooling1D", {"output_size": 3, **FIRST}, (2, 3, 7)),
    Row("AdaptiveMaxPooling2D", {"output_size": (2, 3)}, (2, 5, 8, 2)),
    Row("AdaptiveMaxPooling3D", {"output_size": [1, 2, 3]}, (2, 3, 2, 2, 2)),
    Row("AdaptiveAveragePooling1D", {"output_size": 3}, (2, 7, 3)),
    Row("AdaptiveAveragePooling2D", {"output_size": (2, 3), **FIRST}, (2, 2, 5, 8)),
    Row("AdaptiveAveragePooling3D", {"output_size": 2}, (2, 3, 2, 5, 2)),
    Row("GlobalMaxPooling1D", {}, (2, 5, 3)),
    Row("GlobalMaxPooling2D", {"keepdims": True}, (2, 4, 5, 3)),
    Row("GlobalMaxPooling3D", FIRST, (2, 3, 2, 4, 5)),
    Row("GlobalAveragePooling1D", {}, (2, 5, 3), call={"mask": STEPS}),
    Row("GlobalAveragePooling1D", {"keepdims": True, **FIRST}, (2, 3, 5), call={"mask": STEPS}),
    Row("GlobalAveragePooling2D", FIRST, (2, 3, 4, 5)),
    Row("GlobalAveragePooling3D", {"keepdims": True}, (2, 2, 4, 5, 3)),
]

NORMALIZATION = [
    Row("BatchNormalization", {"momentum": 0.5}, (4, 3)),
    Row("BatchNormalization", {"axis": 1, "scale": False}, (2, 3, 4, 5)),
    Row("BatchNormalization", {"center": False}, (2, 5, 3), call={"mask": STEPS}),
    Row("BatchNormalization", {"renorm": True, "momentum": 0.5, "renorm_momentum": 0.8}, (4, 3)),
    Row(
        "BatchNormalization",
        {"renorm": True, "renorm_clipping": {"rmax": 1.5, "rmin": 0.7, "dmax": 0.3}, "axis": 1},
        (2, 3, 5),
    ),
    Row("LayerNormalization"),
    Row("LayerNormalization", {"axis": [1, 2], "gamma_regularizer": "l2"}, (2, 5, 3)),
    Row("LayerNormalization", {"axis": [1, -1]}, (2, 5, 3)),
    Row("LayerNormalization", {"axis": 1, "center": False, "scale": False}, (2, 5, 3)),
    Row("GroupNormalization", {"groups": 2}, (2, 4, 5, 6)),
    Row("GroupNormalization", {"groups": -1, "axis": 1}, (2, 3, 5)),
    Row("RMSNormalization", {"axis": -1}, (2, 5, 3)),
    Row("UnitNormalization", {"axis": [1, 2]}, (2, 5, 3)),
]

REGULARIZATION = [
    Row("Dropout", {"rate": 0.5, "seed": 3}, **NOISE),
    Row("Dropout", {"rate": 0.5, "noise_shape": (None, 1, 3)}, (2, 5, 3), **NOISE),
    Row("Dropout", {"rate": 0.0}),
    Row("SpatialDropout1D", {"rate": 0.5}, (2, 5, 3), unlike=frozenset({"dtype"}), **NOISE),
    Row("SpatialDropout2D", {"rate": 0.5}, (2, 4, 5, 3), unlike=frozenset({"dtype"}), **NOISE),
    Row(
        "SpatialDropout3D",
        {"rate": 0.5, **FIRST},
        (2, 3, 2, 4, 5),
        unlike=frozenset({"dtype"}),
        **NOISE,
    ),
    Row("GaussianNoise", {"stddev": 0.5}, **NOISE),
    Row("GaussianDropout", {"rate": 0.5}, **NOISE),
    Row("AlphaDropout", {"rate": 0.5, "noise_shape": (None, 1)}, **NOISE),
    Row("ActivityRegularization", {"l1": 0.1, "l2": 0.2}),
]

MERGING = [
    *(Row(name, {}, PAIR) for name in ("Add", "Subtract", "Multiply", "Average")),
    *(Row(name, {}, PAIR) for name in ("Maximum", "Minimum")),
    Row("Add", {}, [(2, 4), (2, 3, 4), (2, 1, 1)]),
    Row("Add", {}, PAIR, "int32", gradient=False),
    Row("Concatenate", {}, [(2, 3), (2, 4)]),
    Row("Concatenate", {"axis": 1}, [(2, 3, 4), (2, 5, 4), (2, 1, 4)]),
    Row("Dot", {"axes": 1}, [(2, 3), (2, 3)]),
    Row("Dot", {"axes": (2, 1), "normalize": True}, [(2, 3, 4), (2, 4, 5)]),
    Row("Dot", {"axes": -1}, [(2, 3, 6, 4), (2, 5, 4)]),
]

REVERSIBLE = {"input_dim": 7, "output_dim": 4}
UNWRITTEN = {"unlike": frozenset({"activity_regularizer", "quantization_config"})}
EMBEDDINGS = [
    Row("ReversibleEmbedding", {**REVERSIBLE, "mask_zero": True}, (2, 3), "int32", **UNWRITTEN),
    Row(
        "ReversibleEmbedding",
        {**REVERSIBLE, "tie_weights": False, "embeddings_regularizer": "l2"},
        (2, 3, 4),
        call={"reverse": True},
        **UNWRITTEN,
    ),
    Row(
        "ReversibleEmbedding",
        {**REVERSIBLE, "logit_soft_cap": 0.5},
        (2, 3, 4),
        call={"reverse": True},
        **UNWRITTEN,
    ),
]

ROWS = [
    *DENSE,
    *EMBEDDINGS,
    *ACTIVATIONS,
    *RESHAPING,
    *CONVOLUTIONS,
    *POOLING,
    *NORMALIZATION,
    *REGULARIZATION,
    *MERGING,
]
