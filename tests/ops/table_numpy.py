"""What the rest of NumPy's functions is tried on: see `table`."""

from __future__ import annotations

from tests.ops.table import FLOATS, INTEGERS, Case, I, X, one, reduction

HOLES = X((2, 4), missing=True)


def with_holes(**options: object) -> list[Case]:
    """As `reduction`, on numbers some of which are NaN."""
    return (
        one(HOLES, **options)
        + one(X((2, 3, 4), missing=True), axis=(0, 2), **options)
        + one(HOLES, axis=-1, keepdims=True, **options)
        + one(X(), axis=0, **options)
    )


def place_with_holes() -> list[Case]:
    return one(HOLES) + one(HOLES, axis=-1, keepdims=True) + one(X(), axis=0)


def running_with_holes() -> list[Case]:
    return one(HOLES) + one(HOLES, axis=1, gradient=True) + one(HOLES, dtype="float16")


TABLE: dict[str, list[Case]] = {
    # nan_reductions
    **{name: with_holes(gradient=True) for name in ("nansum", "nanprod", "nanmax", "nanmin")},
    **{name: with_holes(gradient=True) for name in ("nanmean", "nanvar", "nanstd")},
    "nanargmax": place_with_holes(),
    "nanargmin": place_with_holes(),
    "nancumsum": running_with_holes(),
    "nancumprod": running_with_holes(),
    # quantiles
    "median": reduction(gradient=True),
    "quantile": one(X(), 0.3, gradient=True)
    + one(X(), [0.2, 0.5], axis=1, keepdims=True)
    + one(X((2, 3, 2)), 1, axis=(0, -1), keepdims=True)
    + [
        case
        for method in ("lower", "higher", "midpoint", "nearest")
        for case in one(X((7,)), [0.0, 0.3, 0.55, 1.0], method=method)
    ],
    "percentile": one(X(), 30) + one(X(), [20, 50], axis=1),
    "nanmedian": with_holes(gradient=True),
    "nanquantile": one(HOLES, 0.3, gradient=True) + one(HOLES, [0.2, 0.5], axis=1, keepdims=True),
    "nanpercentile": one(HOLES, 30) + one(HOLES, [20, 50], axis=1),
    # windows
    **{name: one(7) + one(1) for name in ("bartlett", "blackman", "hamming", "hanning")},
    "kaiser": one(7, 2.5) + one(4, X((), 1, 3), dtypes=["float32", *INTEGERS]),
    # complex_numbers
    **{name: one(X()) for name in ("real", "imag", "conj", "isreal", "angle", "view_as_real")},
    "view_as_complex": one(X((3, 2))),
    "polar": one(X((2, 3), 0, 2), X((3,))),
    # counting
    "histogram": one(X((9,)), bins=4, range=(-2, 2)) + one(X((9,)), dtypes=FLOATS),
    # joining
    "dstack": one([X((2,)), X((2,))])
    + one([X((2, 3)), X((2, 3))])
    + one([X((2, 3, 1)), X((2, 3, 2))]),
    "hsplit": one(X((4,)), 2) + one(X((2, 4)), [1, 3]),
    "vsplit": one(X((4, 2)), 2) + one(X((4, 2)), [1, 3]),
    "dsplit": one(X((2, 1, 4)), 2) + one(X((2, 1, 4)), [1, 3]),
    # creation
    "geomspace": one(X((), 1, 2), 50, 6)
    + one(X((2,), 1, 2), X((2,), 5, 9), 4, endpoint=False, axis=-1)
    + one(1, 256, 9, dtype="int32"),
    # reductions
    "trapezoid": one(X(), gradient=True)
    + one(X((4, 2)), I([1, 2, 4, 7]), axis=0)
    + one(X(), X(), dx=3.0),
    # linear_algebra
    "vander": one(X((3,)), gradient=True) + one(X((3,)), 2, increasing=True),
    # correlation
    "correlate": one(X((5,)), X((3,)), gradient=True)
    + one(X((2,)), X((5,)), mode="full")
    + one(X((3,)), X((4,)), mode="same"),
    "corrcoef": one(X((3, 5))) + one(X((5,)), dtypes=FLOATS),
}
