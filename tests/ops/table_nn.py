"""What the ops of networks are tried on: see `tests.ops.table`."""

from __future__ import annotations

from tests.ops.table import FLOATS, NUMBERS, Case, I, X, one, smooth

ACTIVATIONS = (
    *("celu", "elu", "gelu", "log_sigmoid", "sigmoid", "silu"),
    *("softplus", "softsign", "squareplus", "tanh_shrink"),
)
# With kinks, where there is no gradient: none of the numbers tried comes near.
BENT = (
    *("hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "relu", "relu6"),
    *("selu", "soft_shrink", "sparse_plus", "sparse_sigmoid", "sparsemax"),
)
IMAGE = X((2, 5, 4, 3))


def images(*args, **options) -> list[Case]:
    return one(*args, gradient=True, **options)


def pooling(size: int, **options) -> list[Case]:
    return (
        images(IMAGE, size, **options)
        + one(X((2, 5, 3)), size, **options)
        + one(X((1, 2, 4, 5, 3)), size, data_format="channels_first", **options)
    )


TABLE_NN: dict[str, list[Case]] = {
    # activations
    **{name: smooth() for name in ACTIVATIONS},
    # Keras warns of casts where the type is an integer.
    **{name: smooth(dtypes=FLOATS) for name in ("softmax", "log_softmax")},
    **{name: smooth() for name in BENT},
    "glu": images(X((2, 4))) + one(X((4, 3)), axis=0),
    "threshold": one(X(), 0.5, -1.0),
    # patches
    "depth_to_space": images(X((2, 3, 2, 8)), 2)
    + one(X((1, 9, 2, 3)), 3, data_format="channels_first"),
    "space_to_depth": images(X((2, 4, 6, 3)), 2)
    + one(X((1, 2, 6, 3)), 3, data_format="channels_first"),
    "unfold": images(X((2, 3, 5, 4)), 2)
    + images(X((1, 2, 6, 7)), (2, 3), dilation=(2, 1), padding=(1, 2), stride=(1, 2)),
    "fold": images(X((2, 8, 12)), (5, 4), 2)
    + images(X((1, 12, 30)), (6, 7), (2, 3), dilation=(2, 1), padding=(1, 2), stride=(1, 2)),
    # pooling
    "max_pool": pooling(2) + one(IMAGE, 3, strides=2, padding="same"),
    "average_pool": pooling(2) + images(IMAGE, (3, 2), strides=2, padding="same"),
    "adaptive_max_pool": pooling(2) + one(IMAGE, (3, 4)),
    "adaptive_average_pool": pooling(2) + images(IMAGE, (3, 4)),
    # quality
    "psnr": one(X(), X(), 1.0, gradient=True, dtypes=NUMBERS),
    # connectionist temporal classification
    "ctc_loss": one(I([[1, 1, 2], [2, 1, 0]]), X((2, 7, 4)), I([3, 2]), I([7, 5]), dtypes=FLOATS),
    "ctc_decode": one(X((2, 7, 4)), I([7, 5]), dtypes=FLOATS)
    + one(X((2, 7, 4)), I([7, 5]), "beam_search", beam_width=9, top_paths=3, dtypes=FLOATS),
}
