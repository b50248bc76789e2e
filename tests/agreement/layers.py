"""What may be drawn for layers without space, time or attention."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.agreement.case import Draw
from tests.agreement.pieces import (
    BOOL,
    FACTOR,
    FORMAT,
    PLAIN_INITIALIZER,
    RATE,
    SMALL,
    affine,
    each_axis,
    fixed,
    images,
    of,
    weight,
)

RANKS = fixed((2, 3), (2, 4, 3), (2, 2, 4, 3))
PAIRS = fixed(
    [(2, 3), (2, 3)],
    [(2, 4, 3), (2, 4, 3), (2, 4, 3)],
    [(2, 4, 3), (2, 1, 3)],
    [(2, 3), (2, 4, 3)],
    [(2, 4), (2, 3)],
)
TWO = fixed([(2, 3), (2, 3)], [(2, 4, 3), (2, 1, 3)], [(2, 3), (2, 4, 3)], [(2, 3)] * 3)
STEPS = np.array([[True, True, False, True], [True, False, False, True]])
# Without sparsemax, of which the exceptions in kinds.py say why.
ACTIVATIONS = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def double(x: Any) -> Any:
    return x * 2


# An equation's input, its output, and the axes that its bias may have.
EINSUMS = {
    "ab,bc->ac": ((2, 3), [4], ["c"]),
    "abc,cde->abde": ((2, 4, 3), [(None, 2, 5), (4, 2, 5)], ["d", "e", "de", "b"]),
    "abc,cd->abd": ((2, 4, 3), [(None, 4), (4, 4)], ["d", "bd"]),
    "...x,xy->...y": ((2, 4, 3), [4], ["y"]),
    "ab...,bc->ac...": ((2, 3, 4), [4], ["c"]),
}


def einsum(place: int) -> Any:
    def strategy(arguments: dict[str, Any]) -> st.SearchStrategy[Any]:
        found = EINSUMS[arguments["equation"]][place]
        return of(found) if isinstance(found, list) else st.just(found)

    return strategy


DENSE = {
    "Dense": Draw({"units": SMALL}, affine(), RANKS),
    "EinsumDense": Draw(
        {"equation": of(list(EINSUMS)), "output_shape": einsum(1)},
        {**{k: v for k, v in affine().items() if k != "use_bias"}, "bias_axes": einsum(2)},
        {"shape": einsum(0)},
    ),
    "Embedding": Draw(
        {"input_dim": of([5, 7]), "output_dim": SMALL},
        {"mask_zero": BOOL, **weight("embeddings")},
        {**fixed((2,), (2, 4), (2, 4, 3)), "dtype": of(["int32", "int64"])},
        unlike=frozenset({"activity_regularizer"}),
    ),
    "ReversibleEmbedding": Draw(
        {"input_dim": of([5, 7]), "output_dim": SMALL},
        {
            "tie_weights": BOOL,
            "mask_zero": BOOL,
            "logit_soft_cap": of([None, 2.0]),
            **weight("embeddings"),
        },
        {**fixed((2,), (2, 4)), "dtype": of(["int32"])},
        unlike=frozenset({"activity_regularizer"}),
    ),
}

ACTIVATION = {
    "Activation": Draw({"activation": of(ACTIVATIONS)}, {}, fixed((2, 4), (2, 4, 6))),
    "ReLU": Draw(
        {}, {"max_value": of([None, 1.0, 6]), "negative_slope": FACTOR, "threshold": FACTOR}, RANKS
    ),
    "LeakyReLU": Draw({}, {"negative_slope": FACTOR}, RANKS),
    "ELU": Draw({}, {"alpha": FACTOR}, RANKS),
    "PReLU": Draw(
        {},
        {**weight("alpha"), "shared_axes": of([None, [1], [1, 2], [2]])},
        RANKS,
    ),
    "Softmax": Draw({}, {"axis": of([-1, 1, 2, [1, 2], [-1]])}, RANKS),
    "Identity": Draw({}, {}, {**RANKS, "dtype": of(["float32", "int32"])}),
    "Rescaling": Draw(
        {"scale": of([0.5, 2, [1.0, 2.0, 3.0]])},
        {"offset": of([0, -1.0, [1.0, 0.0, 3.0]])},
        {**RANKS, "dtype": of(["float32", "int32"])},
    ),
    "Lambda": Draw(
        {"function": st.just(double)}, {}, RANKS, unlike=frozenset({"function"}), rebuilt=False
    ),
    "ActivityRegularization": Draw({}, {"l1": FACTOR, "l2": FACTOR}, RANKS),
    "Masking": Draw({}, {"mask_value": of([0.0, 0.5, 1])}, fixed((2, 4, 3), (2, 2, 4, 3))),
}

NOISES = {
    "Dropout": Draw(
        {"rate": RATE}, {"seed": of([3]), "noise_shape": of([None, (None, 1, 3), (2, 1)])}, RANKS
    ),
    "GaussianNoise": Draw({"stddev": RATE}, {"seed": of([3])}, RANKS),
    "GaussianDropout": Draw({"rate": RATE}, {"seed": of([3])}, RANKS),
    "AlphaDropout": Draw(
        {"rate": RATE}, {"seed": of([3]), "noise_shape": of([None, (None, 1)])}, RANKS
    ),
    "SpatialDropout1D": Draw(
        {"rate": RATE}, {"seed": of([3])}, fixed((2, 4, 3)), unlike=frozenset({"dtype"})
    ),
    **{
        f"SpatialDropout{rank}D": Draw(
            {"rate": RATE},
            {"seed": of([3]), "data_format": FORMAT},
            {"shape": images(rank)},
            unlike=frozenset({"dtype"}),
        )
        for rank in (2, 3)
    },
}

MERGING = {
    **{
        name: Draw({}, {}, {**PAIRS, "dtype": of(["float32", "int32"])})
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")
    },
    "Subtract": Draw({}, {}, TWO),
    "Concatenate": Draw(
        {},
        {"axis": of([-1, 1, 2, -2])},
        fixed([(2, 3), (2, 4)], [(2, 4, 3), (2, 5, 3), (2, 1, 3)], [(2, 4, 3), (2, 4, 1)]),
    ),
    "Dot": Draw(
        {"axes": of([1, -1, 2, (1, 1), (2, 1), (1, 2), [2, 2]])},
        {"normalize": BOOL},
        fixed(
            [(2, 3), (2, 3)], [(2, 4, 3), (2, 4, 3)], [(2, 3, 4), (2, 4, 3)], [(2, 3), (2, 3, 4)]
        ),
    ),
}

CROPPING = st.integers(0, 2)
BOTH_ENDS = st.tuples(CROPPING, CROPPING)
RESHAPING = {
    "Flatten": Draw({}, {"data_format": FORMAT}, fixed((2,), (2, 3), (2, 4, 3), (2, 2, 4, 3))),
    "Reshape": Draw(
        {"target_shape": of([(12,), (6, -1), (-1,), (3, 4), (2, 2, 3), (5, -1), ()])},
        {},
        fixed((2, 4, 3), (2, 12)),
    ),
    "Permute": Draw(
        {"dims": of([(1,), (2, 1), (1, 2), (3, 1, 2), (2, 3, 1), (0, 1), (1, 1)])}, {}, RANKS
    ),
    "RepeatVector": Draw({"n": SMALL}, {}, fixed((2, 3), (2, 4, 3))),
    "Cropping1D": Draw({}, {"cropping": each_axis(2, CROPPING)}, fixed((2, 6, 3), (2, 3, 3))),
    "ZeroPadding1D": Draw(
        {}, {"padding": each_axis(2, CROPPING), "data_format": FORMAT}, fixed((2, 4, 3))
    ),
    "UpSampling1D": Draw({}, {"size": SMALL}, fixed((2, 4, 3))),
    "UpSampling2D": Draw(
        {},
        {
            "size": each_axis(2),
            "data_format": FORMAT,
            "interpolation": of(["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]),
        },
        {"shape": images(2, (3, 4))},
    ),
    "UpSampling3D": Draw(
        {}, {"size": each_axis(3), "data_format": FORMAT}, {"shape": images(3, (2, 3))}
    ),
    **{
        f"{name}{rank}D": Draw(
            {},
            {
                argument: each_axis(rank, CROPPING)
                | st.tuples(*[st.tuples(CROPPING, CROPPING)] * rank),
                "data_format": FORMAT,
            },
            {"shape": images(rank, (5, 6))},
        )
        for name, argument in (("Cropping", "cropping"), ("ZeroPadding", "padding"))
        for rank in (2, 3)
    },
}

AXIS = of([-1, 1, 2])
AXES = of([-1, 1, 2, [1, 2], [-1]])
SCALED = {"epsilon": of([1e-3, 1e-2]), "center": BOOL, "scale": BOOL}
NORMALIZATION = {
    "BatchNormalization": Draw(
        {},
        {
            "axis": AXIS,
            "momentum": of([0.5, 0.9]),
            **SCALED,
            **weight("beta"),
            **weight("gamma"),
            "moving_mean_initializer": PLAIN_INITIALIZER,
            "moving_variance_initializer": PLAIN_INITIALIZER,
            "renorm": BOOL,
            "renorm_momentum": of([0.5, 0.9]),
        },
        {**RANKS, "training": st.just(True)},
    ),
    "LayerNormalization": Draw(
        {}, {"axis": AXES, **SCALED, **weight("beta"), **weight("gamma")}, RANKS
    ),
    "GroupNormalization": Draw(
        {"groups": of([1, 2, -1, 3])},
        {"axis": AXIS, **SCALED, **weight("beta"), **weight("gamma")},
        fixed((2, 4, 6), (2, 6), (2, 3, 2, 6)),
    ),
    "RMSNormalization": Draw({}, {"axis": AXES, "epsilon": of([1e-6, 1e-2])}, RANKS),
    "UnitNormalization": Draw({}, {"axis": AXES}, RANKS),
}

DRAWS = {
    **DENSE,
    **ACTIVATION,
    **NOISES,
    **MERGING,
    **RESHAPING,
    **NORMALIZATION,
}
