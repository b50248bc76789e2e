"""What may be drawn for activations, initializers, regularizers and constraints."""

from __future__ import annotations

from tests.agreement.case import Draw
from tests.agreement.layers import ACTIVATIONS as NAMES
from tests.agreement.pieces import BOOL, fixed, of

MATRICES = fixed((4, 3), (3, 4))
SHAPES = fixed((3,), (4, 3), (2, 4, 3))
AXIS = {"axis": of([0, 1, -1, (0, 1), [0]])}
FACTOR = of([0.0, 0.01, 0.3, 1])

REGULARIZERS = {
    "L1": Draw({}, {"l1": FACTOR}, SHAPES),
    "L2": Draw({}, {"l2": FACTOR}, SHAPES),
    "L1L2": Draw({}, {"l1": FACTOR, "l2": FACTOR}, SHAPES),
    "OrthogonalRegularizer": Draw(
        {}, {"factor": FACTOR, "mode": of(["rows", "columns", "diagonals"])}, SHAPES
    ),
}
CONSTRAINTS = {
    "MaxNorm": Draw({}, {"max_value": of([2, 0.5]), **AXIS}, SHAPES),
    "NonNeg": Draw({}, {}, SHAPES),
    "UnitNorm": Draw({}, AXIS, SHAPES),
    "MinMaxNorm": Draw(
        {},
        {"min_value": of([0.0, 1.0]), "max_value": of([1.0, 2]), "rate": of([1.0, 0.5]), **AXIS},
        SHAPES,
    ),
}

SEED = {"seed": of([3])}
FANS = {"input_axes": of([None, (0,)]), "output_axes": of([None, (-1,)])}
UNSEEDED = frozenset({"seed"})
INITIALIZERS = {
    "Zeros": Draw({}, {}, SHAPES),
    "Ones": Draw({}, {}, SHAPES),
    "Constant": Draw({}, {"value": of([2.5, -1, 0.0])}, SHAPES),
    "Identity": Draw({}, {"gain": of([1.0, 3])}, SHAPES),
    "STFT": Draw(
        {},
        {
            "side": of(["real", "imag"]),
            "window": of(["hann", "hamming", "blackman", None]),
            "scaling": of(["density", "spectrum", None]),
            "periodic": BOOL,
        },
        fixed((5, 1, 5), (5, 1, 2), (8, 1, 5)),
    ),
    **{
        name: Draw({}, {**options, **SEED}, SHAPES, drawn=True, unlike=UNSEEDED)
        for name, options in {
            "RandomNormal": {"mean": of([0.0, 1.0]), "stddev": of([0.05, 0.5])},
            "RandomUniform": {"minval": of([-0.05, -2.0]), "maxval": of([0.05, 1.0])},
            "TruncatedNormal": {"mean": of([0.0, 1.0]), "stddev": of([0.05, 0.5])},
            "Orthogonal": {"gain": of([1.0, 2.0])},
            "VarianceScaling": {
                "scale": of([1.0, 2.0]),
                "mode": of(["fan_in", "fan_out", "fan_avg"]),
                "distribution": of(["uniform", "truncated_normal", "untruncated_normal"]),
                **FANS,
            },
            **{
                f"{who}{what}": FANS
                for who in ("Glorot", "He", "Lecun")
                for what in ("Uniform", "Normal")
            },
        }.items()
    },
}

OPTIONS = {
    "celu": {"alpha": of([1.0, 0.5])},
    "elu": {"alpha": of([1.0, 0.5])},
    "gelu": {"approximate": BOOL},
    "glu": {"axis": of([-1, 1])},
    "hard_shrink": {"threshold": of([0.5, 0.2])},
    "leaky_relu": {"negative_slope": of([0.2, 0.5])},
    "log_softmax": {"axis": of([-1, 1])},
    "relu": {
        "negative_slope": of([0.0, 0.1]),
        "max_value": of([None, 1.0]),
        "threshold": of([0.0, 0.3]),
    },
    "soft_shrink": {"threshold": of([0.5, 0.2])},
    "softmax": {"axis": of([-1, 1, (0, 1)])},
    "squareplus": {"b": of([4, 1.0])},
}
REQUIRED = {"threshold": {"threshold": of([0.2]), "default_value": of([-1.0])}}
ACTIVATIONS = {
    name: Draw(REQUIRED.get(name, {}), OPTIONS.get(name, {}), fixed((3, 4), (2, 4, 6)))
    for name in NAMES
}
