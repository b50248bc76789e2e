"""What products, decompositions and Fourier transforms are tried on: see `table`."""

from __future__ import annotations

import math

from tests.ops.table import FLOATS, NUMBERS, Case, M, X, one

SQUARE, STACK = M((3, 3)), M((2, 3, 3))
TALL, WIDE = X((2, 4, 3)), X((2, 3, 4))
PAIR = (X((2, 6)), X((2, 6)))
IMAGE = (X((2, 3, 4)), X((2, 3, 4)))
HALVES = (X((2, 5, 5)), X((2, 5, 5)))


def products() -> dict[str, list[Case]]:
    return {
        "matmul": one(X(), X((3, 2)), gradient=True)
        + one(X((3,)), X((4, 3, 2)), gradient=True)
        + one(X((2, 1, 2, 3)), X((4, 3, 2)), gradient=True)
        + one(X((4, 2, 3)), X((3,)), gradient=True)
        + one(X((3,)), X((3,)), gradient=True)
        + one(X((2, 0)), X((0, 3))),
        "dot": one(X(), X((4, 3, 2)), gradient=True)
        + one(X((3,)), X((3,)))
        + one(X(), 2)
        + one(X((2, 2, 3)), X((3,)), gradient=True),
        "vdot": one(X(), X(), gradient=True),
        "inner": one(X((2, 3, 4)), X((5, 4)), gradient=True) + one(X(), X((3,))) + one(X(), 2),
        "outer": one(X(), X((2,)), gradient=True) + one(X((2, 2)), X((0,))),
        "tensordot": one(X((2, 3, 4)), X((3, 4, 5)), gradient=True)
        + one(X((2, 3, 4)), X((4, 2)), axes=([0, 2], [1, 0]), gradient=True)
        + one(X((2, 3)), X((4,)), axes=0, gradient=True)
        + one(X((2, 3)), X((4, 3)), axes=(-1, 1))
        + one(X((2, 3)), X((2, 3)), axes=2),
        "einsum": one("ij,jk->ik", X(), X((3, 2)), gradient=True)
        + one("...ij,kj->...ki", X((2, 2, 3)), X((4, 3)), gradient=True)
        + one("ij,j", X(), X((3,)), gradient=True)
        + one("iij->ji", X((2, 2, 3)), gradient=True)
        + one("ii", X((3, 3)), gradient=True)
        + one("...ij,...jk", X((2, 2, 3)), X((2, 3, 2)), gradient=True)
        + one("...i->i", X((2, 3)), gradient=True)
        + one("ij,jk->ik", X((2, 1)), X((3, 2)), gradient=True)
        + one("ij,jk,kl->il", X(), X((3, 2)), X((2, 4)), gradient=True)
        + one("bi,bj,bk,b->ijk", X(), X((2, 2)), X((2, 2)), X((2,)), gradient=True)
        + one(" B j , j -> B ", X(), X((3,))),
        "kron": one(X(), X((2,)), dtypes=NUMBERS, gradient=True)
        + one(X((2, 2)), X((3, 1)), dtypes=NUMBERS),
        "cross": one(X(), X(), dtypes=NUMBERS, gradient=True)
        + one(X((4, 2)), X((4, 3)), dtypes=NUMBERS, gradient=True)
        + one(X((4, 2)), X((4, 2)), dtypes=NUMBERS, gradient=True)
        + one(X((3, 2)), X((2, 3)), axisa=0, axisb=1, axisc=0, dtypes=NUMBERS),
        "trace": one(X((3, 3)), gradient=True)
        + one(X((3, 2, 4)), offset=1, axis1=0, axis2=2, gradient=True),
        "diagonal": one(X((3, 3)), gradient=True)
        + one(X((3, 2, 4)), offset=-1, axis1=0, axis2=2, gradient=True)
        + one(X((2, 3)), offset=5),
        "diag": one(X((3,)), k=1, gradient=True) + one(X((3, 4)), k=-1, gradient=True),
        "diagflat": one(X((2, 2)), k=1, gradient=True),
    }


def norms() -> dict[str, list[Case]]:
    vectors = [None, 2, 1, 3, 0.5, -1, math.inf, -math.inf]
    matrices = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]
    return {
        "norm": one(X(), gradient=True)
        + one(X((2, 2, 2)), gradient=True)
        + one(X((2, 2, 2)), keepdims=True)
        + one(X(()))
        + one(X(), axis=-1, ord=0, dtypes=NUMBERS)
        + [Case([X((2, 3, 2), 0.5, 2)], {"ord": ord, "axis": 1}, gradient=True) for ord in vectors]
        + [
            Case(
                [X((3, 2, 4))], {"ord": ord, "axis": (2, 0), "keepdims": i % 2 == 0}, gradient=True
            )
            for i, ord in enumerate(matrices)
        ],
        "cdist": one(X((2, 3)), X((4, 3)), gradient=True)
        + one(X((2, 1, 3)), X((2, 5, 3)), dtypes=NUMBERS, gradient=True),
    }


def decompositions() -> dict[str, list[Case]]:
    return {
        "cholesky": one(STACK, gradient=True) + one(SQUARE, upper=True, gradient=True),
        "cholesky_inverse": one(STACK, gradient=True) + one(SQUARE, upper=True, gradient=True),
        "inv": one(STACK, gradient=True),
        "det": one(STACK, gradient=True),
        "slogdet": one(STACK),
        "logdet": one(SQUARE, gradient=True) + one(STACK, gradient=True),
        "solve": one(STACK, X((2, 3, 2)), gradient=True)
        + one(SQUARE, X((3,)), gradient=True)
        + one(STACK, X((2, 3)), gradient=True)
        + one(M((1, 3, 3)), X((2, 3, 2)))
        + one(STACK, X((3, 2))),
        "solve_triangular": one(STACK, X((2, 3, 2)), lower=True, gradient=True)
        + one(SQUARE, X((3,)), gradient=True),
        "lu_factor": one(STACK) + one(TALL, dtypes=FLOATS) + one(WIDE, dtypes=FLOATS),
        "pinv": one(TALL, dtypes=FLOATS, gradient=True)
        + one(WIDE, dtypes=FLOATS, gradient=True)
        + one(STACK, 0.1, gradient=True)
        + one(X((0, 3))),
        "lstsq": one(TALL, X((2, 4, 2)), dtypes=FLOATS, gradient=True)
        + one(X((3, 4)), X((3,)), dtypes=FLOATS, gradient=True)
        + one(STACK, X((2, 3)), rcond=0.1),
        "matrix_rank": one(STACK) + one(TALL, 0.5) + one(X((3, 2))),
        # Signs of the vectors are free: the values are checked by what they multiply to.
        "qr": one(X((3, 2)), values=False)
        + one(X((2, 3)), mode="complete", values=False)
        + one(X((4, 2, 3)), values=False),
        "svd": one(X((2, 3)), values=False)
        + one(TALL, full_matrices=False, values=False)
        + one(TALL, compute_uv=False, gradient=True),
        "eigh": one(STACK, values=False),
        "eig": one(STACK, values=False),
    }


def transforms() -> dict[str, list[Case]]:
    signal = X((2, 20))
    return {
        "fft": one(PAIR),
        "fft2": one(IMAGE),
        "ifft2": one(IMAGE),
        "rfft": one(X()) + one(X((2, 7))) + one(X(), 8) + one(X((2, 6)), fft_length=3),
        "irfft": one(PAIR) + one(PAIR, 7) + one(PAIR, fft_length=20),
        "extract_sequences": one(X((2, 9)), 4, 2, gradient=True)
        + one(X((7,)), 3, 5)
        + one(X((3,)), 4, 1),
        "stft": one(signal, 4, 2, 8)
        + one(signal, 5, 3, 9, window="hamming", center=False)
        + one(X((20,)), 4, 1, 4, window=None),
        "istft": one(HALVES, 5, 3, 8)
        + one(HALVES, 8, 2, 8, window=None, center=False)
        + one(HALVES, 4, 3, 9, length=7, window="hamming"),
    }


TABLE = {**products(), **norms(), **decompositions(), **transforms()}
